"""Exchange's side: InvokeCommand, for Test-MAPIConnectivity and for administrators (`cmdlets`).

No answer to this cmdlet has been seen in public: rows are built from the property encodings that
the interface shows for other cmdlets (reference sheet exchange-online 1.6, 1.7, 2.4), in every
variant that sheet allows.
"""

from __future__ import annotations

import json
import uuid

from . import cmdlets
from .administration import EXCHANGE_ROLES
from .cmdlets_errors import CmdletError, ambiguous
from .directory import DOMAIN, MANY, ROLE_GROUP, app_of, directory_of, local_part
from .rbac import TEST

NUL_BODY = bytes(4096)


def _row(**members):
    healthy = {
        "Server": "AM0PR01MB4711",
        "Database": "EURPR01DG042-db017",
        "Mailbox": "Practice Mailbox",
        "Result": "Success",
        "Latency": "00:00:00.0410000",
        "Error": "",
        "Identity": "",
        "IsValid": True,
        "ObjectState": "New",
        "ObjectState@data.type": "Microsoft.Exchange.Data.ObjectState",
    }
    return {**healthy, **members}


def _failed(error, **members):
    return _row(**{"Result": "*FAILURE*", "Latency": "00:00:00", "Error": error, **members})


#: Mailbox (before the @) -> row, or a list of rows, or a whole document where `value` is not all of
#: it.
MAILBOXES = {
    "healthy": _row(),
    "slow": _row(Latency="00:00:03.2500000"),
    "object": _row(
        Result={"Value": "Success", "Value@data.type": "x"},
        Latency={"Ticks": 410000, "TotalMilliseconds@data.type": "x"},
    ),
    "lower": _row(Result={"value": "success"}, Latency="PT0.041S"),
    "number": _row(Latency=0.041),
    "milliseconds": _row(Latency={"TotalMilliseconds": 41.0}),
    "no-latency": _row(Latency=None),
    "odd-latency": _row(Latency="soon"),
    "archive-only": _row(Mailbox="Practice Archive"),
    "operator": _row(Mailbox="Practice Operator"),
    "federated": _row(Mailbox="Practice Federated"),
    **{name: _row(Mailbox=f"Practice {name.title()}") for name in MANY},
    "offline": _failed(
        "[Microsoft.Mapi.MapiExceptionMdbOffline]: MapiExceptionMdbOffline: Unable to open "
        "message store. (hr=0x80004005, ec=1142)"
    ),
    "moving": _failed(
        "MapiExceptionMailboxInTransit: Unable to open message store. (hr=0x80004005, ec=1292)"
    ),
    "moved": _row(Result="Mailbox moved", Latency="00:00:00", Error="The mailbox has been moved."),
    "quarantined": _failed(
        "MapiExceptionMailboxQuarantined: Unable to open message store. (hr=0x80004005, ec=2611)"
    ),
    "no-access": _failed(
        "MapiExceptionNoAccess: Unable to open message store. (hr=0x80070005, ec=-2147024891)"
    ),
    "disabled": _failed(
        "MapiExceptionUnknownUser: Unable to open message store. (hr=0x80004005, ec=1003)"
    ),
    "network": _failed(
        "MapiExceptionNetworkError: Unable to make connection to the server. (hr=0x80040115, "
        "ec=-2147221227)"
    ),
    "unexplained": _failed(""),
    "enumerated": _row(Result=7, Error="something new"),
    "hostile": _failed(
        "bad|evil=1;2;3\n[OK] forged\x1b[31m<b>bold</b>\u202e\x00 MapiExceptionMdbOffline",
        Server="srv|x=1\n",
        Database="<i>db</i>",
    ),
    "empty": [],
    "null-row": [None],
    "no-result": _row(Result=None),
    "error-beside": {"value": [_row()], "@adminapi.errors": ["The directory could not be asked."]},
    "error-only": {"value": [], "@adminapi.errors": ["The directory could not be asked."]},
    "warned": {"value": [_row()], "@adminapi.warnings": ["Results were truncated."]},
}


def _error(code, exception, text, inner="", detail=""):
    detail = detail or f"Ex6F9304|{exception}|{text}"
    return {
        "error": {
            "code": code,
            "message": "Error executing cmdlet",
            "details": [{"code": "Context", "target": "", "message": detail}],
            "innererror": {
                "message": "Error executing cmdlet",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "internalexception": {
                    "message": inner or text,
                    "type": exception,
                    "stacktrace": "",
                },
            },
        },
        "@adminapi.warnings": [],
    }


#: Mailbox -> (status, error document).
REFUSED = {
    "busy": (
        400,
        _error(
            "BadRequest",
            "Microsoft.Exchange.Data.Directory.ServerBusyException",
            "The server is busy.",
        ),
    ),
    "transient": (
        400,
        _error("BadRequest", "System.Exception", "This issue may be transient. Please try again."),
    ),
    "strange": (
        400,
        _error("BadRequest", "Contoso.StrangeException", "Something | odd | happened."),
    ),
    "ambiguous": (
        400,
        _error(
            "BadRequest",
            "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException",
            "The address fits two recipients.",
        ),
    ),
    "no-role": (
        400,
        _error(
            "BadRequest",
            "Microsoft.Exchange.Configuration.Authorization.CmdletAccessDeniedException",
            "The application isn't assigned to any management roles.",
        ),
    ),
}


def answer(identity, tenant, headers, raw, administrations):
    """Status, headers and body for one InvokeCommand; `identity` are the claims of the token or
    None.
    """
    common = {
        "request-id": str(uuid.uuid4()),
        "X-FEServer": "AM0PR01CA0001",
        "X-BEServer": "AM0PR01MB4711",
        **_JSON,
    }
    if "client-request-id" in headers:
        common["client-request-id"] = headers["client-request-id"]
    if not _may_call(identity, tenant):
        text = "User is not allowed to call Exchange."
        return 401, common, _dump({"error": {"code": "Unauthorized", "message": text}})
    admin = administrations[directory_of(tenant).id]
    allowed = _allowed(identity, admin)
    if not allowed:
        return 403, {**common, "Content-Encoding": "gzip"}, NUL_BODY
    try:
        name, parameters = _command(headers, raw)
    except ValueError as error:
        return 400, common, _dump(_error("BadRequest", "System.FormatException", str(error)))
    if name not in allowed:
        return 403, {**common, "Content-Encoding": "gzip"}, NUL_BODY
    status, document = _run(admin, name, parameters)
    if document.get("@adminapi.warnings"):
        common["X-Warnings"] = "Seen in the header."
    return status, common, _dump(document)


def _command(headers, raw):
    """The canonical name of a cmdlet, and its parameters. Raises ValueError."""
    if headers.get("Content-Type", "").split(";")[0] != "application/json":
        raise ValueError("No JSON body.")
    try:
        command = json.loads(raw)["CmdletInput"]
        name, parameters = str(command["CmdletName"]), command["Parameters"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("No CmdletInput.") from None
    if not isinstance(parameters, dict):
        raise ValueError("Parameters is no object.")
    names = {known.lower(): known for known in (TEST, *cmdlets.CMDLETS)}
    return names.get(name.lower(), name), parameters


def _run(admin, name, parameters):
    """Status and document."""
    try:
        if name != TEST:
            with admin.lock:
                return 200, _document(cmdlets.run(admin, name, parameters))
        if set(parameters) - {"Identity", "Archive"}:
            raise ambiguous()
    except CmdletError as error:
        detail = cmdlets.details(error)
        return 400, _error("BadRequest", error.exception, str(error), detail=detail)
    return _test(parameters)


def _may_call(identity, tenant):
    """The first of two grants: an app role, or the delegated permission, in that tenant."""
    place = directory_of(tenant)
    if identity is None or place is None or identity.get("tid", place.id) != place.id:
        return False
    granted = {*(identity.get("roles") or ()), *identity.get("scp", "").split()}
    return bool(granted & {"Exchange.ManageAsApp", "Exchange.Manage"})


def is_administrator(identity, admin):
    """Whether somebody may run an administrator's cmdlets."""
    return "upn" in identity and admin.is_one_of(identity["upn"], EXCHANGE_ROLES)


def _allowed(identity, admin):
    """The second: cmdlets by membership, of the user or of the application."""
    if is_administrator(identity, admin):
        return {TEST, *cmdlets.CMDLETS}
    if "upn" in identity:
        member = local_part(identity["upn"]) in set(ROLE_GROUP) - admin.rbac.disabled
    else:
        app = app_of(identity["appid"])
        member = app is not None and app.role_group
    return ({TEST} if member else set()) | admin.rbac.cmdlets(identity, admin.registry)


def mailbox_of(raw):
    """The mailbox that a request is about, nothing when that cannot be told."""
    try:
        return local_part(json.loads(raw)["CmdletInput"]["Parameters"]["Identity"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def name_of(raw):
    """The cmdlet that a request names, nothing when that cannot be told."""
    try:
        return str(json.loads(raw)["CmdletInput"]["CmdletName"])
    except (ValueError, KeyError, TypeError):
        return ""


_JSON = {"Content-Type": "application/json;odata.metadata=minimal;charset=utf-8"}


def _test(parameters):
    identity = str(parameters["Identity"])
    local, _, domain = identity.partition("@")
    if domain == DOMAIN and local in REFUSED:
        return REFUSED[local]
    missing = local == "archive-only" and parameters.get("Archive") is not True
    if domain != DOMAIN or local not in MAILBOXES or missing:
        text = (
            f"The operation couldn't be performed because object '{identity}' couldn't be "
            "found on 'AM0PR01A001DC.EURPR01A001.prod.outlook.com'."
        )
        exception = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
        return 400, _error("BadRequest", exception, text)
    found = MAILBOXES[local]
    if isinstance(found, dict) and "value" in found:
        return 200, {**_document([]), **found}
    return 200, _document(found if isinstance(found, list) else [found])


def _document(rows):
    """An answer with these rows."""
    return {
        "@odata.context": "https://outlook.office365.com/adminapi/beta/$metadata",
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": [],
        "value": rows,
    }


def _dump(document):
    return json.dumps(document).encode()

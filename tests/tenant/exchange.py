"""Exchange's side: InvokeCommand for Test-MAPIConnectivity.

No answer to this cmdlet has been seen in public: rows are built from the property encodings that
the interface shows for other cmdlets (reference sheet exchange-online 1.6, 1.7, 2.4), in every
variant that sheet allows.
"""

from __future__ import annotations

import json
import uuid

from .directory import DOMAIN, MANY, ROLE_GROUP, app_of, directory_of, local_part

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


def _error(code, exception, text, inner=""):
    return {
        "error": {
            "code": code,
            "message": "Error executing cmdlet",
            "details": [
                {"code": "Context", "target": "", "message": f"Ex6F9304|{exception}|{text}"}
            ],
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
}


def answer(identity, tenant, headers, raw):
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
    if not _in_role_group(identity):
        return 403, {**common, "Content-Encoding": "gzip"}, NUL_BODY
    if headers.get("Content-Type", "").split(";")[0] != "application/json":
        document = _error("BadRequest", "System.FormatException", "No JSON body.")
        return 400, common, _dump(document)
    try:
        command = json.loads(raw)["CmdletInput"]
        name, parameters = command["CmdletName"], command["Parameters"]
    except (ValueError, KeyError, TypeError):
        document = _error("BadRequest", "System.FormatException", "No CmdletInput.")
        return 400, common, _dump(document)
    if name != "Test-MAPIConnectivity":
        return 403, {**common, "Content-Encoding": "gzip"}, NUL_BODY
    if set(parameters) - {"Identity", "Archive"}:
        exception = "System.Management.Automation.AmbiguousParameterSetException"
        text = "Parameter set cannot be resolved using the specified named parameters."
        return 400, common, _dump(_error("BadRequest", exception, text))
    status, document = _test(parameters)
    if document.get("@adminapi.warnings"):
        common["X-Warnings"] = "Seen in the header."
    return status, common, _dump(document)


def _may_call(identity, tenant):
    """The first of two grants: an app role, or the delegated permission, in that tenant."""
    place = directory_of(tenant)
    if identity is None or place is None or identity.get("tid", place.id) != place.id:
        return False
    return bool(identity.get("roles")) or "Exchange.Manage" in identity.get("scp", "").split()


def _in_role_group(identity):
    """The second: membership, of the user or of the application."""
    if "upn" in identity:
        return local_part(identity["upn"]) in ROLE_GROUP
    app = app_of(identity["appid"])
    return app is None or app.role_group


def mailbox_of(raw):
    """The mailbox that a request is about, nothing when that cannot be told."""
    try:
        return local_part(json.loads(raw)["CmdletInput"]["Parameters"]["Identity"])
    except (ValueError, KeyError, TypeError, AttributeError):
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
    document = {
        "@odata.context": "https://outlook.office365.com/adminapi/beta/$metadata",
        "adminapi.warnings@odata.type": "#Collection(String)",
    }
    document["@adminapi.warnings"] = []
    document.update(
        found
        if isinstance(found, dict) and "value" in found
        else {"value": found if isinstance(found, list) else [found]}
    )
    return 200, document


def _dump(document):
    return json.dumps(document).encode()

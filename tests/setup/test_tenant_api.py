"""Graph and Exchange with the administrator's tokens: whatever they answer ends in a value or in a
failure that can be read, and what changes something is not sent twice.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.options import Account, Server
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.setup.tenant_api import Call, Services
from check_mapi_connectivity.setup.terminal import Voice

from ..support.provisioning import ADMIN, TENANT, TOKENS, exchange_error, graph_error, not_found


class Line:
    """A transport that gives prepared answers, the last one again and again."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.sent = []

    def send(self, method, url, watch, *, headers=None, data=None, **_):
        self.sent.append((method, url, headers, data))
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Failure):
            raise CheckFailure(found)
        status, body, *more = found
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        extra = Headers({"Content-Type": "application/json", **(more[0] if more else {})})
        return Answer(url, urlsplit(url).hostname, status, "", extra, content)


class Administrator:
    """Somebody who is signed in."""

    def token(self, service):
        return TOKENS[service]


class Place:
    """`Services` on a line; `naps` are the waits."""

    def __init__(self, *answers):
        self.line, self.naps = Line(*answers), []
        now = [0.0]

        def sleep(seconds):
            now[0] += seconds
            self.naps.append(seconds)

        voice = Voice(None, lambda _: True, lambda: now[0], sleep)

        account = Account(TENANT, CLOUDS["worldwide"], "https://login.example", "", None)
        server = Server("https://exchange.example", "https://graph.example")
        self.services = Services(account, server, self.line, Administrator(), voice)


MAKE = Call("POST", "/v1.0/applications", {"displayName": "x"})
GROUP = Call("New-RoleGroup", "", {"Name": "g", "Roles": ["r"]})


def test_what_goes_over_the_wire():
    place = Place((201, {"id": "1"}))
    assert place.services.change(MAKE) == {"id": "1"}
    method, url, headers, data = place.line.sent[0]
    assert (method, url) == ("POST", "https://graph.example/v1.0/applications")
    assert headers == {
        "Authorization": f"Bearer {TOKENS['graph']}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    assert json.loads(data) == {"displayName": "x"}
    place = Place((200, {"value": []}))
    assert place.services.change(GROUP) == {}
    method, url, headers, data = place.line.sent[0]
    assert (method, url) == (
        "POST",
        f"https://exchange.example/adminapi/beta/{TENANT}/InvokeCommand",
    )
    assert (headers["X-AnchorMailbox"], headers["X-CmdletName"]) == (
        f"UPN:{ADMIN}",
        "New-RoleGroup",
    )
    assert json.loads(data) == {
        "CmdletInput": {"CmdletName": "New-RoleGroup", "Parameters": {"Name": "g", "Roles": ["r"]}}
    }


def test_pages():
    first = {
        "value": [{"id": "1"}],
        "@odata.nextLink": "https://elsewhere.example/v1.0/applications?$skiptoken=x",
    }
    place = Place((200, first), (200, {"value": [{"id": "2"}, None]}))
    assert place.services.listed("/v1.0/applications") == [{"id": "1"}, {"id": "2"}]
    # The token goes to no other host.
    assert place.line.sent[1][1] == "https://graph.example/v1.0/applications?$skiptoken=x"


def test_what_is_not_there():
    assert (
        Place((404, graph_error("Request_ResourceNotFound", "x"))).services.graph("/v1.0/x") is None
    )
    assert Place(not_found("x")).services.exchange("Get-RoleGroup", Identity="x") == []
    gone = Call("DELETE", "/v1.0/applications/1")
    assert Place((404, graph_error("Request_ResourceNotFound", "x"))).services.change(gone) is None
    assert Place(not_found("x")).services.change(Call("Remove-RoleGroup")) is None


def test_what_is_there_already():
    there = exchange_error("MemberAlreadyExistsException", "x")
    assert Place(there).services.change(GROUP) is None
    text = "The object already exists."
    assert Place(exchange_error("Other", text)).services.change(GROUP) is None
    assert Place((400, graph_error("Request_BadRequest", text))).services.change(MAKE) is None


@pytest.mark.parametrize(
    ("answer", "call", "cause", "code"),
    [
        (
            (401, graph_error("InvalidAuthenticationToken", "x")),
            MAKE,
            "Graph refuses the administrator's token",
            "InvalidAuthenticationToken",
        ),
        (
            (403, graph_error("Authorization_RequestDenied", "x")),
            MAKE,
            "Graph does not let this account do that",
            "Authorization_RequestDenied",
        ),
        (
            (400, graph_error("Request_BadRequest", "x")),
            MAKE,
            "Graph refuses the request",
            "Request_BadRequest",
        ),
        (
            (500, graph_error("InternalServerError", "x")),
            MAKE,
            "Graph reports an internal error",
            "InternalServerError",
        ),
        (
            (302, b"", {"Location": "https://portal.example"}),
            MAKE,
            "graph.example redirects to another address",
            "HTTP 302",
        ),
        ((401, b""), GROUP, "Exchange refuses the administrator's token", "HTTP 401"),
        ((403, bytes(4096)), GROUP, "this account may not run New-RoleGroup", "HTTP 403"),
        (
            exchange_error("SomethingException", "x"),
            GROUP,
            "Exchange could not run New-RoleGroup",
            "SomethingException",
        ),
        (
            (
                400,
                {"error": {"message": "'New-RoleGroup' is not recognized as a name of a cmdlet"}},
            ),
            GROUP,
            "this account may not run New-RoleGroup",
            "HTTP 400",
        ),
        (
            (200, b"<html>gateway</html>"),
            GROUP,
            "exchange.example does not answer as Exchange does",
            "",
        ),
        (
            (200, {"value": [], "@adminapi.errors": ["not done"]}),
            GROUP,
            "Exchange reports an error of New-RoleGroup",
            "",
        ),
    ],
)
def test_what_is_refused(answer, call, cause, code):
    place = Place(answer)
    with pytest.raises(CheckFailure) as caught:
        place.services.change(call)
    assert (caught.value.failure.cause, caught.value.failure.code) == (cause, code)
    assert len(place.line.sent) == 1


def test_a_service_that_asks_to_wait():
    place = Place(
        (429, graph_error("TooManyRequests", "x"), {"Retry-After": "7"}), (201, {"id": "1"})
    )
    assert place.services.change(MAKE) == {"id": "1"}
    assert sum(place.naps) == 7
    place = Place(exchange_error("ServerBusyException", "busy"), (200, {"value": []}))
    assert place.services.change(GROUP) == {}
    assert sum(place.naps) == 2
    inner = {"type": "Microsoft.Exchange.Data.Directory.ADTransientException", "message": "x"}
    place = Place((500, {"error": {"message": "x", "innererror": inner}}), (200, {"value": []}))
    assert place.services.change(GROUP) == {}
    changed = "Microsoft.Exchange.Data.Directory.ADServerSettingsChangedException: An error"
    place = Place(exchange_error("CmdletProxyException", changed), (200, {"value": []}))
    assert place.services.change(GROUP) == {}
    # Of an error without a name nobody knows whether something was made.
    place = Place((500, {"error": {"message": "it may be transient"}}), (200, {"value": []}))
    with pytest.raises(CheckFailure):
        place.services.change(GROUP)
    # Not for ever, and not for an hour.
    place = Place((503, graph_error("ServiceNotAvailable", "x")))
    with pytest.raises(CheckFailure):
        place.services.change(MAKE)
    assert (len(place.line.sent), sum(place.naps)) == (5, 2 + 4 + 8 + 16)
    place = Place((429, graph_error("TooManyRequests", "x"), {"Retry-After": "3600"}))
    with pytest.raises(CheckFailure):
        place.services.change(MAKE)
    assert (len(place.line.sent), place.naps) == (1, [])


def test_a_broken_connection():
    """What only asks is asked again; of a change nobody knows whether it was made."""
    broken = Failure("connect", "it breaks the connection", transient=True)
    place = Place(broken, (200, {"value": []}))
    assert place.services.listed("/v1.0/applications") == []
    assert len(place.line.sent) == 2
    for call in (MAKE, GROUP):
        place = Place(broken, (200, {"value": []}))
        with pytest.raises(CheckFailure):
            place.services.change(call)
        assert len(place.line.sent) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "error", "code", "message", "details", "@adminapi.errors", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 500, 502, 504]),
    st.one_of(json_values, st.binary(max_size=40)),
)
def test_any_answer(status, body):
    """A value, or the one exception."""
    for attempt in (
        lambda services: services.listed("/v1.0/applications"),
        lambda services: services.graph("/v1.0/applications/1"),
        lambda services: services.exchange("Get-RoleGroup", Identity="x"),
        lambda services: services.change(MAKE),
        lambda services: services.change(GROUP),
    ):
        try:
            found = attempt(Place((status, body)).services)
        except CheckFailure as error:
            assert error.failure.cause
        else:
            assert found is None or isinstance(found, (dict, list))

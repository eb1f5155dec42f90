"""What `tests.fuzz` throws at the readers of HTTP answers, and at the makers of labels."""

from __future__ import annotations

import json
import re

from check_mapi_connectivity.base.vocabulary import KINDS, LABELS, prefixes
from check_mapi_connectivity.mapihttp.reader import WireError
from check_mapi_connectivity.network import headers
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.services import graph, graph_refusals
from check_mapi_connectivity.signin import federation, msal_client

from .services.test_graph import DIAGNOSTIC, LISTING

STATUSES = (301, 400, 401, 403, 404, 408, 409, 410, 429, 500, 502, 503, 504)

CLAIMS = (
    {},
    {"roles": ["Mail.ReadBasic.All"], "appid": "a", "tid": "b"},
    {"scp": "Mail.Read openid", "upn": "u@x.y"},
    {"roles": "none", "scp": 5, "exp": "soon"},
)

ERROR = (
    b'{"error":{"code":"ErrorAccessDenied","message":"Access is denied. Check credentials and try '
    b'again.","innerError":{"date":"2026-11-22T08:00:00","request-id":"2b6e1a7c"}}}'
)
HEADERS = (
    b"Retry-After: 17\nrequest-id: 2b6e1a7c\nx-ms-throttle-scope: Tenant/ReadWrite/5/6\n"
    b"x-ms-ags-diagnostic: " + DIAGNOSTIC.encode() + b"\n"
    b'WWW-Authenticate: Bearer realm="", error="insufficient_claims", claims="eyJ9"\n\n'
)

FAULT = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code>'
    b"<s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:FailedAuthentication</s:Value></s:Subcode>"
    b'</s:Code><s:Reason><s:Text xml:lang="en-US">ID3242: The security token could not be '
    b"authenticated or authorized.</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
)

CONFIGURATION = {
    "token_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/token",
    "issuer": "https://login.microsoftonline.com/t/v2.0",
    "tenant_region_scope": "EU",
    "tenant_region_sub_scope": "DODCON",
    "cloud_instance_name": "microsoftonline.us",
    "msgraph_host": "graph.microsoft.us",
}


def _answer(data: bytes) -> Answer:
    """A byte that chooses the status, headers in lines, an empty line, the body."""
    head, _, body = data[1:].partition(b"\n\n")
    lines = []
    for line in head.decode("latin-1").split("\n"):
        name, _, value = line.partition(": ")
        lines.append((name, value))
    status = STATUSES[data[0] % len(STATUSES)] if data else 200
    url = "https://graph.microsoft.com/v1.0/users/a@b.example/mailFolders/inbox/messages"
    headers = Headers(lines)
    return Answer(url, "graph.microsoft.com", status, "", headers, body, lines=tuple(lines))


def _read(data: bytes) -> object:
    answer = _answer(b"\0\n\n" + data)
    return graph.read(answer)


def _status(data: bytes) -> object:
    answer = _answer(data)
    failure = graph_refusals.status(answer, CLAIMS[len(data) % len(CLAIMS)])
    assert failure.cause and failure.state_key in KINDS
    return failure, graph.ids(answer), graph_refusals.throttling(answer)


def _front_end(data: bytes) -> object:
    return graph.front_end(_answer(b"\0x-ms-ags-diagnostic: " + data + b"\n\n"))


def _cloud(data: bytes) -> object:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise WireError("no JSON") from None
    return msal_client.cloud_of(document) if isinstance(document, dict) else None


def _refused(data: bytes) -> object:
    failure = federation.refused(_answer(b"\0\n\n" + data), "adfs.example", "u@x.y")
    assert failure.cause and failure.kind == "credential"
    return failure


def _prefixes(data: bytes) -> object:
    """Addresses in lines; the number of characters chooses the methods."""
    found = {line.lower(): line for line in data.decode("utf-8", "replace").split("\n") if line}
    methods = tuple(LABELS)[: 1 + len(data) % len(LABELS)]
    made = list(prefixes(tuple(found.values()), methods).values())
    if len(set(made)) != len(made) or not all(re.fullmatch("[A-Za-z0-9_-]*", one) for one in made):
        raise ValueError("two tests share a label, or a label has a foreign character")
    return made


def _challenges(data: bytes) -> object:
    """Proxy-Authenticate headers in lines."""
    challenges = data.decode("latin-1").split("\n")
    names = headers.schemes(challenges)
    tokens = [headers.token(challenges, name) for name in (*names[:9], "NTLM")]
    if not all(re.fullmatch("[A-Za-z][A-Za-z0-9-]*", name) for name in names):
        raise ValueError("a scheme has a foreign character")
    return names, tokens


#: Name -> parser, and what its inputs are made of.
TARGETS = {
    "graph.read": (_read, [LISTING, ERROR, b'{"value":[]}']),
    "graph.status": (
        _status,
        [bytes([number]) + HEADERS + ERROR for number in range(len(STATUSES))],
    ),
    "graph.front_end": (_front_end, [DIAGNOSTIC.encode()]),
    "entra.cloud_of": (_cloud, [json.dumps(CONFIGURATION).encode()]),
    "federation.refused": (_refused, [FAULT]),
    "challenges": (
        _challenges,
        [
            b'Negotiate\nNTLM\nBasic realm="a, Digest b", charset="UTF-8"',
            b'Digest realm="a\\" b", nonce="x=", qop=auth, NTLM TlRMTVNTUAABAAAA, Negotiate YII=',
        ],
    ),
    "prefixes": (_prefixes, ["a.b@c.d\na_b@c.d\nä@b.c\nö@b.c\nprobe@contoso.com".encode()]),
}

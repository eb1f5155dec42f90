"""Graph's list of an Inbox: the request, every shape of answer, and anything at all."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.options import Server, Targets
from check_mapi_connectivity.base.reading.untrusted import JSON_LIMIT
from check_mapi_connectivity.base.report import Report, Row
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.codes import graph as graph_codes
from check_mapi_connectivity.probes.graph import GraphProbe
from check_mapi_connectivity.services import graph, graph_refusals

from ..codes.test_graph import MAIL, error
from .test_http_refusals import make_answer

LISTING = (
    b'{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(\'a%40b.example\')'
    b'/mailFolders(\'inbox\')/messages(id,receivedDateTime)","@odata.count":8,"value":['
    b'{"@odata.etag":"W/\\"CQAAABYA\\"","id":"AAMkAG1=","receivedDateTime":"2026-11-22T08:00:00Z"},'
    b'{"@odata.etag":"W/\\"CQAAABYB\\"","id":"AAMkAG2=","receivedDateTime":"2026-11-22T07:59:59.5Z"}],'
    b'"@odata.nextLink":"https://graph.microsoft.com/v1.0/users/a@b.example/messages?$skip=2"}'
)
DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"004",'
    '"RoleInstance":"AM2PEPF0001ABCD"}}'
)


def read(document, **keywords):
    return graph.read(make_answer(200, json.dumps(document).encode(), **keywords))


def refused(answer):
    with pytest.raises(CheckFailure) as caught:
        graph.read(answer)
    return caught.value.failure


def test_request():
    path, headers = graph.request("probe@contoso.com", 10, "T", subjects=False)
    assert path == (
        "/v1.0/users/probe@contoso.com/mailFolders/inbox/messages"
        "?$top=10&$select=id,receivedDateTime&$count=true"
    )
    assert headers == {
        "Authorization": "Bearer T",
        "Accept": "application/json",
        "return-client-request-id": "true",
    }
    assert (
        "&$select=id,receivedDateTime,subject&" in graph.request("a@b.c", 1, "T", subjects=True)[0]
    )


@pytest.mark.parametrize(
    ("mailbox", "quoted"),
    [
        ("a_b.example#EXT#@c.example", "a_b.example%23EXT%23@c.example"),
        ("o'neil@c.example", "o%27neil@c.example"),
        ("a/../b?c%&d=e+f@c.example", "a%2F..%2Fb%3Fc%25%26d%3De%2Bf@c.example"),
        ("jörg@c.example", "j%C3%B6rg@c.example"),
        ("6f9a0f36-0000-4000-8000-000000000001", "6f9a0f36-0000-4000-8000-000000000001"),
    ],
)
def test_address_in_the_path(mailbox, quoted):
    path, _ = graph.request(mailbox, 1, "T", subjects=False)
    assert path.startswith(f"/v1.0/users/{quoted}/mailFolders/")


def test_listing():
    listed = graph.read(make_answer(200, LISTING))
    assert listed.total == 8
    assert listed.rows == [
        Row("AAMkAG1=", 1795334400.0, None, None),
        Row("AAMkAG2=", 1795334399.5, None, None),
    ]


def test_empty_inbox_is_a_success():
    assert read({"@odata.count": 0, "value": []}) == graph.Listed([], 0)
    assert read({"value": []}) == graph.Listed([], 0)


MESSAGE = {"id": "A", "receivedDateTime": "2026-11-22T08:00:00Z", "subject": "Hello"}
MORE = {"@odata.nextLink": "https://x/"}


@pytest.mark.parametrize(
    ("members", "total"),
    [
        ({}, 1),
        (MORE, None),
        ({"@odata.count": 7}, 7),
        ({"@odata.count": 7, **MORE}, 7),
        ({"@odata.count": 0}, 1),
        ({"@odata.count": -1, **MORE}, None),
        ({"@odata.count": True, **MORE}, None),
        ({"@odata.count": 7.0, **MORE}, None),
        # As OData writes it for readers whose numbers have 53 bits.
        ({"@odata.count": "7", **MORE}, 7),
        ({"@odata.count": "-7", **MORE}, None),
        ({"@odata.count": "9" * 5000}, 1),
        ({"@odata.count": 10**30}, 1),
    ],
)
def test_total(members, total):
    listed = read({**members, "value": [MESSAGE]})
    assert (listed.total, listed.rows[0].subject) == (total, "Hello")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-22T08:00:00Z", 1795334400.0),
        ("2026-11-22T08:00:00.25Z", 1795334400.25),
        ("2026-11-22T08:00:00.1234567Z", 1795334400.1234567),
        ("2026-11-22T09:30:00+01:30", 1795334400.0),
        ("2026-11-22T03:00:00-05:00", 1795334400.0),
        ("1970-01-01T00:00:00Z", 0.0),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+09:00", None),
        ("9999-12-31T23:59:59-09:00", None),
        ("2026-13-22T08:00:00Z", None),
        ("2026-11-22T08:00:00", None),
        ("2026-11-22", None),
        ("٢٠٢٦-11-22T08:00:00Z", None),
        ("Sun, 22 Nov 2026 08:00:00 GMT", None),
        (1795334400, None),
        (None, None),
    ],
)
def test_date(text, seconds):
    found = read({"value": [{"id": "A", "receivedDateTime": text}]}).rows[0].delivered
    assert found == (seconds if seconds is None else pytest.approx(seconds, abs=1e-6))


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "host.example answers, but not in JSON"),
        (b"<html><b>Sign in</b></html>", "host.example answers, but not in JSON"),
        (b"[]", "host.example answers, but in the wrong form"),
        (b'{"value":{}}', "host.example answers without the message list"),
        (b"{}", "host.example answers without the message list"),
        (b'{"value":[1]}', "host.example answers with a malformed message list"),
        (b'{"value":[null]}', "host.example answers with a malformed message list"),
        (b'{"value":[{}]}', "host.example answers with a malformed message list"),
        (b'{"value":[{"id":""}]}', "host.example answers with a malformed message list"),
        (b'{"error":{},"value":[]}', "Graph reports an error with status 200"),
        (b'{"error":"no"}', "Graph reports an error with status 200"),
        (b'{"error":{"code":"Odd"}}', "Graph reports an error with status 200"),
    ],
)
def test_a_200_without_a_list_is_no_success(body, cause):
    failure = refused(make_answer(200, body))
    assert (failure.kind, failure.cause) == ("protocol", cause)


def test_a_body_that_cannot_be_decoded_or_is_too_long():
    assert refused(make_answer(200, LISTING, decoded=False)).transient
    failure = refused(make_answer(200, LISTING + b" " * JSON_LIMIT))
    assert failure.cause == "host.example sends too much data, over 512 KiB"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (DIAGNOSTIC, "AM2PEPF0001ABCD, West Europe, ring 5"),
        ('{"ServerInfo":{"Host":"AGSFE_IN_14","Ring":5}}', "AGSFE_IN_14, ring 5"),
        ('{"ServerInfo":{"DataCenter":"UK South","Ring":true}}', "UK South"),
        ('{"ServerInfo":{"Ring":[]}}', None),
        ('{"ServerInfo":[]}', None),
        ("[" * 3000, None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_front_end(header, text):
    assert graph.front_end(make_answer(x_ms_ags_diagnostic=header)) == text


def test_ids_of_headers_go_before_those_of_the_body():
    body = b'{"error":{"innererror":{"request-id":"inner","client-request-id":3,"date":"D"}}}'
    answer = make_answer(500, body, request_id="outer", x_ms_ags_diagnostic=DIAGNOSTIC)
    assert graph.ids(answer) == {
        "request-id": "outer",
        "x-ms-ags-diagnostic": DIAGNOSTIC,
        "date": "D",
    }
    assert graph.ids(make_answer(500, b"<html>")) == {}


TEXT = st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=5)
    ),
    max_leaves=20,
)
CODE = st.sampled_from(sorted(graph_codes.CODES)) | JSON
ERROR = st.fixed_dictionaries({}, optional={"code": CODE, "message": JSON, "innerError": JSON})
MESSAGES = st.fixed_dictionaries(
    {}, optional={"id": TEXT | JSON, "receivedDateTime": TEXT | JSON, "subject": JSON}
)
LISTED = st.fixed_dictionaries(
    {},
    optional={
        "value": st.lists(MESSAGES | JSON, max_size=3) | JSON,
        "@odata.count": JSON,
        "@odata.nextLink": JSON,
        "error": ERROR | JSON,
    },
)
BODY = st.binary(max_size=300) | (JSON | LISTED).map(lambda found: json.dumps(found).encode())
CLAIMS = st.fixed_dictionaries(
    {}, optional={"aud": TEXT | JSON, "scp": TEXT | JSON, "roles": st.lists(TEXT) | JSON}
)


@given(BODY, st.booleans())
@example(b'{"value":' + b"[" * 100000, True)
@example(b'{"@odata.count":' + b"9" * 10000 + b',"value":[]}', True)
@example(b'{"value":[{"id":"\\ud800","receivedDateTime":"2026-11-22T08:00:00Z"}]}', True)
def test_any_200(body, decoded):
    answer = make_answer(200, body, decoded=decoded)
    graph.ids(answer)
    try:
        listed = graph.read(answer)
    except CheckFailure as caught:
        assert caught.failure.kind in KINDS
        assert caught.failure.cause
        return
    assert all(row.identifier for row in listed.rows)
    assert listed.total is None or listed.total >= len(listed.rows)


@given(st.integers(100, 999), BODY, TEXT, TEXT, TEXT, CLAIMS)
def test_any_other_status(status, body, kind, retry, challenge, claims):
    answer = make_answer(
        status, body, Content_Type=kind, Retry_After=retry, WWW_Authenticate=challenge
    )
    failure = graph_refusals.status(answer, claims)
    assert failure.kind in KINDS
    assert failure.cause and failure.code
    graph.ids(answer)
    graph.granted(claims)


@given(ERROR, st.integers(100, 999))
def test_any_error_document(document, status):
    body = json.dumps({"error": document}).encode()
    assert graph_refusals.status(make_answer(status, body), {}).kind in KINDS


@given(
    TEXT
    | JSON.map(json.dumps)
    | st.dictionaries(TEXT, JSON).map(
        lambda found: json.dumps({"ServerInfo": {**found, "Ring": 10**300}})
    )
)
def test_any_front_end(header):
    answer = make_answer(x_ms_ags_diagnostic=header, x_ms_throttle_scope=header)
    found = graph.front_end(answer)
    assert found is None or found.strip()
    graph_refusals.throttling(answer)


class _Service:
    """Sign-in and transport of a test: hands out tokens, and answers one after the other."""

    def __init__(self, *answers, cached=False):
        self.answers, self.sent, self.renewed, self._cached = list(answers), [], 0, cached

    def token(self, *_):
        return SimpleNamespace(access_token="old", cached=self._cached, claims=MAIL)

    def renew(self, *_):
        self.renewed += 1
        return SimpleNamespace(access_token="new", cached=False, claims=MAIL)

    def send(self, method, url, watch, *, headers):
        self.sent.append((method, url, headers["Authorization"]))
        for phase in ("dns", "tcp", "tls", "request"):
            watch.start(phase)
            time.sleep(0.002)
        watch.stop()
        return self.answers.pop(0)


def probe(service, *, subjects=False):
    report = Report("a@b.example", "graph")
    targets = Targets(("a@b.example",), ("graph",), inbox_items=2, subjects=subjects)
    server = Server("https://exchange.example", "https://graph.example")
    run = SimpleNamespace(
        targets=targets, server=server, transport=service, sign_in=service, report=report
    )
    return GraphProbe(run), report


def test_probe_fills_the_report():
    headers = {"request_id": "R", "x_ms_ags_diagnostic": DIAGNOSTIC}
    service = _Service(make_answer(200, LISTING, **headers))
    tested, report = probe(service)
    tested.run()
    tested.end()
    assert report.success and report.failure is None
    assert (
        report.finding.inbox_items,
        len(report.finding.rows),
        report.trace.ids["request-id"],
    ) == (8, 2, "R")
    assert report.finding.server.endswith("only: AM2PEPF0001ABCD, West Europe, ring 5")
    assert report.finding.database == "Graph does not name it"
    assert report.trace.facts["permission"].startswith("Mail.ReadBasic.All of Entra")
    assert report.finding.connection_time == pytest.approx(report.times.service.total())
    assert 0 < report.finding.round_trip < report.finding.connection_time
    assert service.sent == [
        (
            "GET",
            "https://graph.example/v1.0/users/a@b.example/mailFolders/inbox/messages"
            "?$top=2&$select=id,receivedDateTime&$count=true",
            "Bearer old",
        )
    ]


def test_probe_asks_for_subjects_only_when_told_everything():
    service = _Service(make_answer(200, LISTING))
    probe(service, subjects=True)[0].run()
    assert ",subject&" in service.sent[0][1]


@pytest.mark.parametrize(("cached", "sent"), [(True, 2), (False, 1)])
def test_probe_renews_a_cached_token_once(cached, sent):
    denied = error(401, "InvalidAuthenticationToken", "x")
    service = _Service(denied, denied, cached=cached)
    tested, report = probe(service)
    with pytest.raises(CheckFailure) as caught:
        tested.run()
    assert caught.value.failure.kind == "permission"
    assert (len(service.sent), service.renewed) == (sent, sent - 1)
    assert (report.success, report.finding.connection_time) == (False, None)


def test_probe_says_what_graph_does_not_tell():
    tested, report = probe(_Service(make_answer(200, b'{"value":[],"@odata.nextLink":"x"}')))
    tested.run()
    assert (report.finding.inbox_items, report.finding.server) == (None, "Graph does not name it")
    assert report.trace.facts["inbox"] == "0 listed; Graph does not say how many more"
    tested, report = probe(_Service(make_answer(200, b'{"value":[],"@odata.count":3}')))
    tested.run()
    assert report.trace.remarks == ["Graph counts 3 messages, yet lists none"]

"""Headers, cookies, meta-tags and bodies; their examples are among the vectors and recordings."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import envelope, rpcext
from check_mapi_connectivity.mapihttp.reader import WireError

from .material import VECTORS, assert_value_or_error, dechunked, patient, peak
from .test_rops import TEXT, U32

KINDS = st.sampled_from(["Connect", "Execute", "Disconnect"])


def test_headers():
    found = envelope.headers("Execute", "S", "C:3", 7, {"sid": "a=b", "sequence": "2"})
    assert found == {
        "Content-Type": "application/mapi-http",
        "Accept": "application/mapi-http",
        "X-RequestType": "Execute",
        "X-RequestId": "S:7",
        "X-ClientInfo": "C:3",
        "X-ClientApplication": envelope.CLIENT_APPLICATION,
        "Cookie": "sid=a=b; sequence=2",
    }
    assert "Cookie" not in envelope.headers("Connect", "S", "C", 1, {})
    # 12.00.0000 and later get the error codes of the sheet.
    assert envelope.CLIENT_APPLICATION.startswith("Outlook/16.0.")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["sid=a", "sequence=1"], {"sid": "a", "sequence": "1"}),
        (["sequence=1", "sequence=2"], {"sequence": "2"}),
        (["MapiContext=MAPIAAAA=; path=/mapi; secure; HttpOnly"], {"MapiContext": "MAPIAAAA="}),
        ([" a = b ;c=d"], {"a": "b"}),
        # Several in one line, as gateways write them.
        (
            [
                "X-BackEndCookie=S-1-5=u5; expires=Tue, 29-Dec-2026 18:00:00 GMT; path=/mapi; secure,"
                " MapiContext=MAPI==; path=/mapi/emsmdb,MapiSequence=0-x; HttpOnly"
            ],
            {"X-BackEndCookie": "S-1-5=u5", "MapiContext": "MAPI==", "MapiSequence": "0-x"},
        ),
        (["a=b, c=d"], {"a": "b, c=d"}),
        (["a=b; expires=Tue, 29 Dec 2026 18:00:00 GMT, 5"], {"a": "b"}),
        (["a="], {"a": ""}),
        (["", "=", "=x", "novalue", "; a=b", " =x"], {}),
    ],
)
def test_cookies(lines, expected):
    cookies: dict[str, str] = {}
    envelope.keep_cookies(cookies, lines)
    assert cookies == expected


NAME = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
OPAQUE = st.text(string.ascii_letters + string.digits + "+/=-.", max_size=30)


@patient
@given(
    st.lists(st.tuples(NAME, OPAQUE), max_size=8),
    st.sampled_from(["", ";", "; Path=/mapi; Secure; HttpOnly", "; Max-Age=0;SameSite=None"]),
    st.dictionaries(NAME, OPAQUE, max_size=3),
)
def test_the_latest_of_each_cookie_is_sent_back(pairs, attributes, before):
    cookies = dict(before)
    envelope.keep_cookies(cookies, [f"{name}={value}{attributes}" for name, value in pairs])
    assert cookies == {**before, **dict(pairs)}
    sent = envelope.headers("Execute", "S", "C", 1, cookies).get("Cookie", "")
    assert dict(part.split("=", 1) for part in sent.split("; ") if part) == cookies


@patient
@given(st.lists(st.text(max_size=50), max_size=10))
def test_any_cookie_lines(lines):
    cookies: dict[str, str] = {}
    envelope.keep_cookies(cookies, lines)
    assert len(cookies) <= sum(line.count("=") for line in lines)
    assert all(name and ";" not in name + value for name, value in cookies.items())


TAG = st.sampled_from(["PROCESSING", "PENDING"])
HEADER = st.text(string.ascii_letters + "-", min_size=1, max_size=20)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)


@patient
@given(
    st.lists(st.tuples(TAG, st.booleans()), max_size=10),
    st.lists(st.tuples(HEADER, VALUE), max_size=5, unique_by=lambda item: item[0].lower()),
    st.binary(max_size=60),
)
def test_meta_tags(tags, headers, body):
    before = "".join(tag + "\r\n" * ended for tag, ended in tags)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    data = f"{before}DONE\r\n{lines}\r\n".encode("latin-1") + body
    entity = envelope.strip(data)
    assert entity.tags == (*(tag for tag, _ in tags), "DONE")
    assert entity.headers == {name.lower(): value.strip() for name, value in headers}
    assert entity.body == body
    # Nothing before the body may be missing.
    for length in range(len(data) - len(body)):
        with pytest.raises(WireError):
            envelope.strip(data[:length])


@patient
@given(st.lists(st.integers(1, 336), max_size=12))
def test_tags_may_be_split_anywhere_between_chunks(cuts):
    whole = dechunked(VECTORS["C31-http-chunked"].data)
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    parts = [whole[begin:end] for begin, end in zip(edges, edges[1:])]
    wire = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert envelope.strip(dechunked(wire)) == envelope.strip(whole)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no DONE at byte 0"),
        (b"<html>DONE\r\n\r\n", "no DONE at byte 0"),
        (b"PROCESSING\r\n\r\nDONE\r\n\r\n", "no DONE at byte 12"),
        (b"PROCESSING\nDONE\r\n\r\n", "no DONE at byte 10"),
        (b"processing\r\nDONE\r\n\r\n", "no DONE at byte 0"),
        (b"DONE", "does not end"),
        (b"DONE\n\n", "does not end"),
        (b"DONE\r\n", "do not end"),
        (b"DONE\r\nno header\r\n\r\n", "no header"),
        (b"DONE\r\n" + b"a: b\r\n" * 64 + b"\r\n", "more than 64 headers"),
    ],
)
def test_bodies_without_meta_tags(data, message):
    with pytest.raises(WireError, match=message):
        envelope.strip(data)


def test_the_body_may_look_like_a_meta_tag():
    assert envelope.strip(b"DONE\r\n\r\nDONE\r\n\r\n").body == b"DONE\r\n\r\n"


@patient
@given(st.lists(st.sampled_from([b"PROCESSING", b"PENDING", b"DONE", b"\r\n", b":", b"a"])))
def test_any_order_of_tags(parts):
    assert_value_or_error(envelope.strip, b"".join(parts))


@patient
@given(st.binary(max_size=100), st.sampled_from([b"", b"DONE\r\n", b"PROCESSING\r\nPENDING"]))
def test_any_bytes_for_an_entity(data, before):
    assert_value_or_error(envelope.strip, before + data)


def test_keep_alives_of_many_hours_take_little_memory():
    data = b"PENDING" * 30000 + b"DONE\r\n\r\n"
    entity, most = peak(lambda: envelope.strip(data))
    assert len(entity.tags) == 30001
    assert most < 1 << 20


BODIES = st.one_of(
    st.builds(envelope.ConnectRequest, TEXT, U32, U32, U32, U32, st.binary(max_size=9)),
    st.builds(envelope.ExecuteRequest, st.binary(max_size=60), U32, U32, st.binary(max_size=9)),
    st.builds(envelope.DisconnectRequest, st.binary(max_size=9)),
)


@patient
@given(BODIES, st.binary(min_size=1, max_size=3))
def test_requests_are_read_as_they_were_written(body, rest):
    kind = type(body).__name__.replace("Request", "")
    data = body.encode()
    assert envelope.read_request(kind, data) == body
    with pytest.raises(WireError, match="too many"):
        envelope.read_request(kind, data + rest)
    for length in range(len(data)):
        with pytest.raises(WireError):
            envelope.read_request(kind, data[:length])


@pytest.mark.parametrize("kind", ["PING", "", "execute"])
def test_requests_of_another_type(kind):
    with pytest.raises(WireError, match="not known"):
        envelope.read_request(kind, b"")


def test_values_that_do_not_fit():
    for body in (
        envelope.ConnectRequest("Ā"),
        envelope.ConnectRequest("a\0b"),
        envelope.ConnectRequest("", flags=-1),
        envelope.ExecuteRequest(b"", max_rop_out=1 << 32),
    ):
        with pytest.raises(WireError):
            body.encode()


@patient
@given(KINDS, st.sampled_from([b"", bytes(4), bytes(12), bytes(20)]), st.binary(max_size=200))
def test_any_bytes_for_a_body(kind, before, data):
    assert_value_or_error(envelope.RESPONSES[kind], before + data)
    assert_value_or_error(lambda spoilt: envelope.read_request(kind, spoilt), before + data)


@patient
@given(KINDS, U32.filter(bool), st.binary(max_size=40))
def test_a_failure_has_a_status_and_whatever_else(kind, status, rest):
    found = envelope.RESPONSES[kind](status.to_bytes(4, "little") + rest)
    assert (found.status_code, found.error_code) == (status, 0)


@pytest.mark.parametrize("length", [4, 8, 12])
def test_disconnect_may_end_early(length):
    assert envelope.disconnect_response(bytes(length)).status_code == 0


def test_what_must_not_be_missing():
    for kind, body in (("Connect", "C02-connect-ok"), ("Execute", "C14-execute1-resp")):
        data = VECTORS[body].data
        # All but the auxiliary buffer.
        needed = 49 if kind == "Connect" else len(data) - 4
        for length in range(needed):
            with pytest.raises(WireError):
                envelope.RESPONSES[kind](data[:length])
        found = [envelope.RESPONSES[kind](data[:end]) for end in range(needed, len(data) + 1)]
        assert len({entry._replace(auxiliary=()) for entry in found}) == 1


def test_an_auxiliary_buffer_that_cannot_be_read_only_informs():
    data = VECTORS["C03-connect-fail"].data[:4]
    (block,) = envelope.connect_response(data + b"\xff\xff\xff\xff").auxiliary
    assert block.text.startswith("unreadable")
    (block,) = envelope.connect_response(data + b"\x04\0\0\0bare").auxiliary
    assert block.text.startswith("unreadable")


def test_an_execute_may_fail_with_an_empty_buffer():
    data = bytes(4) + (0x4B6).to_bytes(4, "little") + bytes(12)
    assert envelope.execute_response(data) == envelope.ExecuteResponse(0, 0x4B6)


def test_long_texts_and_sizes_that_lie_take_little_memory():
    long = bytes(20) + b"a" * (1 << 20) + b"\0" + b"b\0" * (1 << 19) + b"\0\0"
    found, most = peak(lambda: envelope.connect_response(long))
    assert (len(found.dn_prefix), len(found.display_name)) == (1 << 20, 1 << 19)
    assert most < 8 << 20
    for kind in envelope.RESPONSES:
        lie = bytes(12) + b"\xff\xff\xff\x7f" + bytes(100)
        _, most = peak(lambda kind=kind, lie=lie: envelope.RESPONSES[kind](lie))
        assert most < 1 << 20


def test_a_bomb_in_an_execute_answer():
    packed = bytes.fromhex("ffffff7f5107000ffffbff")
    block = b"\0\0\1\0" + len(packed).to_bytes(2, "little") + b"\xff\xff" + packed
    body = bytes(12) + (96 * len(block)).to_bytes(4, "little") + block * 96 + bytes(4)
    found, most = peak(lambda: assert_value_or_error(envelope.execute_response, body))
    assert isinstance(found, WireError)
    assert most < 4 * rpcext.MOST_BYTES

"""The address book's wire format: recordings of a live Gromox 3.10, every value by hand, and what is
made of spoilt bytes.
"""

from __future__ import annotations

import uuid
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.mapihttp import autodiscover, discovery, envelope
from check_mapi_connectivity.mapihttp.nspi import dump, messages, values
from check_mapi_connectivity.mapihttp.properties import PropertyError
from check_mapi_connectivity.mapihttp.reader import Reader, WireError

from ..support.sweeps import sweep
from .material import (
    FOLDER,
    assert_value_or_error,
    dechunked,
    flips,
    patient,
    prefixes,
    recordings,
)

RECORDED = recordings(FOLDER / "nspi")
KINDS = {kind.lower(): kind for kind in messages.REQUESTS}
ASKED = [one for one in RECORDED if one.kind.lower() in KINDS]
ANSWERED = [one for one in ASKED if one.headers.get("x-responsecode") == "0"]
NAMES = "ok_nspi_resolvenames"
DN = "/o=Gromox default/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="

#: Requests that were malformed for Gromox, and those whose presence bytes are other than ours.
MALFORMED = {
    *(("err_nspi_bind", number) for number in (9, 10, 11, 12, 13)),
    *(("err_nspi_session", number) for number in (13, 16, 36)),
}
OTHERWISE = {("err_nspi_bind", 14), ("err_nspi_session", 18)}


def parse(exchange, body):
    return messages.RESPONSES[KINDS[exchange.kind.lower()]](envelope.strip(body).body)


def answer(recording, number):
    exchange = next(one for one in RECORDED if one[:2] == (recording, number))
    return parse(exchange, exchange.body)


def test_every_recorded_request_is_read_and_is_ours_to_the_byte():
    for exchange in ASKED:
        read = partial(messages.read_request, KINDS[exchange.kind.lower()])
        if exchange[:2] in MALFORMED:
            with pytest.raises(WireError):
                read(exchange.sent)
        else:
            same = read(exchange.sent).encode() == exchange.sent
            assert same is (exchange[:2] not in OTHERWISE)
    assert len(ASKED) == 99


def test_every_recorded_answer_is_read():
    for exchange in ANSWERED:
        assert parse(exchange, exchange.body).status_code == 0
        assert dechunked(exchange.wire) == exchange.body
    assert len(ANSWERED) == 70


def test_what_the_answers_say():
    bound = answer("ok_nspi_session_minimal", 0)
    assert bound == messages.BindResponse(0, 0, uuid.UUID("49c544db-a33e-454e-aa41-0947b685f824"))
    assert answer("err_nspi_bind", 0) == messages.BindResponse(0, 0x80040102)
    assert answer("ok_nspi_session_minimal", 2).error_code == messages.UNBIND_SUCCESS
    assert answer(NAMES, 6)[:4] == (0, 0, 1200, (messages.AMBIGUOUS,))
    assert answer(NAMES, 7).minimal_ids == (messages.UNRESOLVED,)
    refused = messages.ResolveNamesResponse(0, 0x80040405, 1200)
    assert answer(NAMES, 29) == refused


def test_entries_of_several_names():
    found = answer(NAMES, 9)
    assert found.minimal_ids == (2, 1, 1, 2)
    assert messages.entries(found) == [
        messages.Entry("Probe Mailbox", "probe@example.test", f"{DN}0100000001000000-probe"),
        messages.Entry("Alice Example", "alice@example.test", f"{DN}0100000002000000-alice"),
    ]
    assert messages.entries(answer(NAMES, 16))[0].display_name == "Jörg Müller"


def test_values_that_are_missing_and_of_odd_types():
    absent = PropertyError(0x8004010F)
    assert answer(NAMES, 11).rows == (("Probe Mailbox", absent, absent, "probe@example.test"),)
    assert messages.entries(answer(NAMES, 11))[0].legacy_dn == ""
    assert answer(NAMES, 10).rows == ((),)
    assert answer(NAMES, 12).rows == ((absent, absent, absent),)
    assert answer(NAMES, 14).rows[0][1] == ("SMTP:probe@example.test",)
    assert answer(NAMES, 26).rows == ((PropertyError(0x80070057),),)


@pytest.mark.parametrize(
    ("tags", "written", "row"),
    [
        ((0x3001001F, 0x39000003), "00 ff 41000000 07000000", ("A", 7)),
        ((0x3001001F, 0x3002001E), "00 00 ff 4100", (None, "A")),
        ((0x0FFF0102,), "00 01 03000000 010203", (b"\1\2\3",)),
        ((0x3A40000B, 0x300D000D), "00 01", (1, None)),
        ((0x800F101F,), "00 ff 02000000 ff 41000000 00", (("A", None),)),
        ((0x80101003,), "00 ff 01000000 05000000", ((5,),)),
        ((0x800F101F,), "00 00", (None,)),
        ((0x3001001F, 0x39000003), "01 01 00 07000000", (None, 7)),
        ((0x3001001F,), "01 0a 0f010480", (PropertyError(0x8004010F),)),
    ],
)
def test_rows_by_reference_sheet_nspi_3_3(tags, written, row):
    reader = Reader(bytes.fromhex(written), "row")
    assert values.row(reader, tags) == row
    reader.end()


@pytest.mark.parametrize("written", ["02", "01 05", "00"])
def test_rows_that_are_none(written):
    with pytest.raises(WireError):
        values.row(Reader(bytes.fromhex(written), "row"), (0x39000003,))


def test_a_few_bytes_do_not_stand_for_millions_of_values():
    tags = values.TAGS
    objects = b"\xff" + (201).to_bytes(4, "little") + 201 * bytes.fromhex("0d000d30")
    assert tags.read(Reader(objects[1:], "tags"))[0] == 0x300D000D
    for body in (objects + b"\1\0\0\0\0", b"\xff\0\0\0\0" + b"\xff\xff\xff\x7f" + bytes(2000)):
        with pytest.raises(WireError, match="for a few names"):
            messages.resolve_names_response(bytes(12) + b"\0" + body)


@pytest.mark.parametrize("exchange", sweep(ANSWERED), ids=lambda one: f"{one[0]}-{one[1]}")
def test_spoilt_answers(exchange):
    for data in (*prefixes(exchange.body), *flips(exchange.body)):
        assert_value_or_error(partial(parse, exchange), data)


def test_spoilt_bodies_behind_their_meta_tags():
    for number in (9, 11, 14):
        exchange = next(one for one in ANSWERED if one[:2] == (NAMES, number))
        body = envelope.strip(exchange.body).body
        for data in (*prefixes(body), *flips(body)):
            assert_value_or_error(messages.resolve_names_response, data)


@patient
@given(st.sampled_from(sorted(messages.RESPONSES)), st.binary(max_size=120))
def test_any_bytes(kind, data):
    assert_value_or_error(messages.RESPONSES[kind], data)
    assert_value_or_error(partial(messages.read_request, kind), data)
    assert dump.request(kind, data)
    assert dump.answer(kind, b"DONE\r\n\r\n" + data, lambda _: "ecSome")


@patient
@given(
    st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=0xD7FF))),
    st.lists(st.integers(0, 0xFFFFFFFF)),
)
def test_names_and_columns_come_back(names, tags):
    made = messages.ResolveNamesRequest(tuple(names), tuple(tags))
    assert messages.read_request(messages.RESOLVE_NAMES, made.encode()) == made


def test_a_session_in_words():
    lines = []
    for exchange in (one for one in RECORDED if one.recording == "ok_nspi_session_minimal"):
        lines += dump.request(exchange.kind, exchange.sent)
        lines += dump.answer(exchange.kind, exchange.body, lambda _: "")
    for line in (
        "    CodePage: 1252",
        "  Tags: 6",
        "    PidTagSmtpAddress 0x39FE001F",
        "    probe@example.test",
        "  ServerGuid: 49c544db-a33e-454e-aa41-0947b685f824",
        "  MinimalId: 2 (resolved)",
        "    PidTagDisplayName 0x3001001F: Probe Mailbox",
        f"    PidTagEmailAddress 0x3003001F: {DN}0100000001000000-probe",
        "  ErrorCode: 1 (UnbindSuccess)",
    ):
        assert line in lines


def test_where_autodiscover_has_the_address_book():
    documents = [one.body for one in RECORDED if one.recording == "ok_nspi_autodiscover"]
    found = [autodiscover.read(data) for data in documents]
    url = "https://localhost:18443/mapi/nspi/?MailboxId=70726f62-6540-6578-616d-706c01000000"
    assert found[0].address_book_urls == (f"{url}@example.test",)
    assert all(discovery.usable_address_book(one.address_book_urls[0]) for one in found)
    assert not any(discovery.usable_store(one.address_book_urls[0]) for one in found)

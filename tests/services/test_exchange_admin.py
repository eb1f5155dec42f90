"""The admin API's answers: every encoding of the reference sheet, and anything at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.services import exchange_admin

from ..tenant import exchange
from .test_http_refusals import make_answer

ROW = {
    "Server": "S",
    "Database": "D",
    "Mailbox": "M",
    "Result": "Success",
    "Latency": "00:00:01",
    "Error": "",
}


def answer_with(*rows, **members):
    return make_answer(200, json.dumps({"value": list(rows), **members}).encode())


def test_request_is_the_published_shape():
    path, headers, body = exchange_admin.request("guid", "a@b.example", archive=True, token="T")
    assert path == "/adminapi/beta/guid/InvokeCommand"
    assert json.loads(body) == {
        "CmdletInput": {
            "CmdletName": "Test-MAPIConnectivity",
            "Parameters": {"Identity": "a@b.example", "Archive": True},
        }
    }
    assert headers["Authorization"] == "Bearer T"
    assert headers["X-AnchorMailbox"].startswith("APP:SystemMailbox{bb558c35-")


@pytest.mark.parametrize(
    ("latency", "seconds"),
    [
        ("00:00:00.0410000", 0.041),
        ("00:01:02", 62.0),
        ("1.02:03:04.5", 93784.5),
        ("PT0.041S", 0.041),
        ("PT1M2.5S", 62.5),
        ("P1DT1H", 90000.0),
        ({"TotalMilliseconds": 41, "Ticks": 0}, 0.041),
        ({"Ticks": 410000}, 0.041),
        ({"TotalSeconds": "2.5"}, 2.5),
        ({"Value": "00:00:02"}, 2.0),
        (0.5, 0.5),
        (999, 999.0),
        ("0.5", 0.5),
        (0, 0.0),
        ("00:00:00", 0.0),
    ],
)
def test_latency(latency, seconds):
    assert exchange_admin.read_latency(latency) == (pytest.approx(seconds), "")


@pytest.mark.parametrize(
    "latency",
    [
        1000,
        410000,
        -1,
        True,
        "soon",
        "-00:00:01",
        "00:61:00",
        "24:00:00",
        "00:00:60",
        "P",
        "PT",
        [],
        {},
        {"a@b": 1},
        {"Ticks": -5},
        1e400,
        "1:2",
        "٠٠:٠٠:٠١",
    ],
)
def test_latency_that_cannot_be_read(latency):
    seconds, note = exchange_admin.read_latency(latency)
    assert seconds is None
    assert note.startswith("Latency ")
    assert note.endswith(" is unreadable")


def test_latency_that_is_not_reported():
    assert exchange_admin.read_latency(None) == exchange_admin.read_latency("") == (None, "")


@pytest.mark.parametrize(
    "result",
    [
        "Success",
        "*success*",
        " SUCCESS ",
        {"Value": "Success"},
        {"value": "Success", "value@data.type": "x"},
        {"Text": "Success"},
        ["Success"],
    ],
)
def test_result_that_means_success(result):
    outcome = exchange_admin.read(answer_with({**ROW, "Result": result}))
    assert (outcome.success, exchange_admin.judge(outcome)) == (True, None)


def test_a_row_in_another_case_of_letters():
    written = {name[0].lower() + name[1:]: value for name, value in ROW.items()}
    assert written != ROW
    expected, found = (exchange_admin.read(answer_with(row)) for row in (ROW, written))
    assert found == expected
    failed = {**written, "result": "*FAILURE*", "error": ["first", "second"]}
    outcome = exchange_admin.read(answer_with(failed))
    assert (outcome.success, outcome.error) == (False, "first; second")


@pytest.mark.parametrize(
    ("result", "shown"),
    [("*FAILURE*", "FAILURE"), (0, "0"), (1, "1"), ({"Value": 2}, "2"), ("Skipped", "Skipped")],
)
def test_result_that_means_failure(result, shown):
    outcome = exchange_admin.read(answer_with({**ROW, "Result": result}))
    failure = exchange_admin.judge(outcome)
    assert (outcome.success, outcome.result) == (False, shown)
    assert (failure.kind, failure.cause) == (
        "server",
        f"Test-MAPIConnectivity says {shown} without a reason",
    )


@pytest.mark.parametrize("result", [None, "", " * ", True, [], {}, {"a@b": "Success"}])
def test_result_that_is_none(result):
    with pytest.raises(CheckFailure) as caught:
        exchange_admin.read(answer_with({**ROW, "Result": result}))
    assert caught.value.failure.kind == "protocol"


def test_first_row_that_is_an_object_counts():
    assert exchange_admin.read(answer_with(None, 1, ROW, {**ROW, "Server": "T"})).server == "S"
    single = make_answer(200, json.dumps({"Value": ROW}).encode())
    assert exchange_admin.read(single).database == "D"


def test_a_success_does_not_speak_for_a_row_that_failed():
    well, ill = {"Result": "Success"}, {"Result": "Failure", "Error": "MapiExceptionMdbOffline"}
    for rows in ([well, ill], [ill, well]):
        found = exchange_admin.read(answer_with(*rows))
        assert (found.success, found.error) == (False, "MapiExceptionMdbOffline")
    assert exchange_admin.read(answer_with(well, {"Result": None}, {"Server": "S"})).success


def test_errors_beside_a_row_outweigh_it():
    outcome = exchange_admin.read(answer_with(ROW, **{"@adminapi.errors": ["one", "two"]}))
    failure = exchange_admin.judge(outcome)
    assert outcome.success
    assert (failure.kind, failure.detail) == ("server", "one; two")


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ({"@adminapi.errors": [["one"]]}, "one"),
        (
            {"@adminapi.errors": {"Exception": {"Message": "one"}}},
            '{"Exception": {"Message": "one"}}',
        ),
        ({"error": {"code": "one", "message": "two"}}, "two"),
        ({"error": "one"}, "one"),
    ],
)
def test_an_error_in_any_shape_outweighs_a_row(beside, told):
    failure = exchange_admin.judge(exchange_admin.read(answer_with(ROW, **beside)))
    assert (failure.kind, failure.detail) == ("server", told)


@pytest.mark.parametrize("nothing", [None, [], [None], "", {}, [{}], False])
def test_no_error_is_none(nothing):
    beside = {"@adminapi.errors": nothing, "error": nothing}
    assert exchange_admin.judge(exchange_admin.read(answer_with(ROW, **beside))) is None


def test_moved_is_judged_by_itself():
    outcome = exchange_admin.read(answer_with({**ROW, "Result": "MailboxMoved"}))
    assert exchange_admin.judge(outcome).state_key == "moving"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=5)
    ),
    max_leaves=20,
)
ROWS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("Server", "Database", "Mailbox", "Result", "Latency", "Error"), JSON),
)


def check_read_and_judge(answer):
    """The invariant: a value, or CheckFailure - for the judgement too."""
    try:
        outcome = exchange_admin.read(answer)
    except CheckFailure as error:
        assert error.failure.kind in ("protocol", "server")
        return
    assert outcome.result
    assert outcome.latency is None or outcome.latency >= 0
    failure = exchange_admin.judge(outcome)
    assert (failure is None) == (outcome.success and not outcome.errors)


@given(st.binary(max_size=300), st.booleans())
@example(b"\xff\xfe\x00", True)
@example(b"[" * 100000, True)
@example(b'{"value":' + b"9" * 10000 + b"}", True)
def test_any_bytes(body, decoded):
    check_read_and_judge(make_answer(200, body, decoded=decoded))


@given(JSON)
def test_any_json(document):
    check_read_and_judge(make_answer(200, json.dumps(document).encode()))


@given(st.lists(ROWS | JSON, max_size=3) | ROWS, JSON, JSON)
def test_any_row(value, errors, warnings):
    document = {"value": value, "@adminapi.errors": errors, "@adminapi.warnings": warnings}
    check_read_and_judge(make_answer(200, json.dumps(document).encode()))


@pytest.mark.parametrize("mailbox", sorted(exchange.MAILBOXES))
def test_every_prefix_of_the_practice_tenants_answers(mailbox):
    _, document = exchange._test({"Identity": f"{mailbox}@practice.example", "Archive": True})
    body = json.dumps(document).encode()
    for end in range(len(body)):
        check_read_and_judge(make_answer(200, body[:end]))


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        ({"Days": 0, "Hours": 0, "Minutes": 1, "Seconds": 3, "Milliseconds": 52}, 63.052),
        ({"seconds": 3, "ticks": 31250000, "totalSeconds": 3.125}, 3.125),
        ({"milliseconds": 125, "seconds": 3, "totalMilliseconds": "3125"}, 3.125),
        ({"@odata.type": "#TimeSpan", "Value": "00:00:03.1250000"}, 3.125),
        ({"Seconds": 3, "Microseconds": 250}, 3.00025),
        ({"totalMinutes": 0.5}, 30.0),
    ],
)
def test_a_timespan_as_an_object(members, seconds):
    assert exchange_admin.read_latency(members) == (seconds, "")


@pytest.mark.parametrize(
    "members",
    [{"Seconds": "soon"}, {"Seconds": -3}, {"length": 3, "size": 4}, {"Value": {"Seconds": 1}}, {}],
)
def test_an_object_that_is_no_timespan_is_unreadable(members):
    seconds, note = exchange_admin.read_latency(members)
    assert (seconds, note[-14:]) == (None, " is unreadable")

"""The options that judge: limits of labels, bare and prefixed, states of kinds, the time allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nagiosplugin import Range

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.commandline import limits as commandline_limits

from ..support.options import BY_CERTIFICATE
from .test_parse import complaint, parse

TWO = ("-m", "a.b@c.example", "-m", "d@e.example")
BOTH = ("--method", "cmdlet", "--method", "graph")
FIRST, SECOND = "a_b_c_example_", "d_e_example_"


@pytest.mark.parametrize(
    ("text", "seconds", "state"),
    [
        ("2.5", 2.5, "CRITICAL"),
        ("10:UNKNOWN", 10.0, "UNKNOWN"),
        (":OK", 30.0, "OK"),
        ("5.:1", 5.0, "WARNING"),
        (".5", 0.5, "CRITICAL"),
        ("none", 30.0, "CRITICAL"),
    ],
)
def test_timeout(there, text, seconds, state):
    options = parse("-t", text)
    assert (options.timeout, options.timeout_state) == (seconds, state)


def test_state_of_a_timeout_by_kind(there):
    assert parse("--state", "timeout=WARNING").timeout_state == "WARNING"
    assert parse("--state", "timeout=WARNING", "-t", "5:OK").timeout_state == "OK"


@pytest.mark.parametrize("text", ["", "0", "0.0", "-1", "5s", "5:red", ":", "1e3", "5:", "١"])
def test_timeout_that_is_refused(there, text):
    assert complaint(f"--timeout={text}").startswith("--timeout: ")


def test_frequency(there):
    assert (parse().frequency, parse().diagnosis) == ((1, 1), True)
    found = parse("--diagnosis-frequency", "12:3")
    assert (found.frequency, found.diagnosis) == ((12, 3), True)
    found = parse("--diagnosis-frequency", "none")
    assert (found.frequency, found.diagnosis) == ((1, 1), False)
    assert not parse("--diagnosis-frequency", "3:1", "--diagnosis", "off").diagnosis


@pytest.mark.parametrize("text", ["3", "3:", ":1", "a:b", "-1:1", "1:1:1", "1.5:1", "٣:1"])
def test_frequency_that_is_refused(there, text):
    assert complaint(f"--diagnosis-frequency={text}") == (
        f"--diagnosis-frequency: {text} is not NORMAL:ABNORMAL, e.g. 12:1 for "
        "every 12th run while all is well and every run while it is not"
    )


@pytest.mark.parametrize("text", ["0:1", "1:0", "00:00"])
def test_there_is_no_run_number_0(there, text):
    assert complaint("--diagnosis-frequency", text) == (
        f"--diagnosis-frequency: {text}: give numbers from 1 on, or none to print no diagnosis"
    )


NUMBER = st.integers(-1000, 1000).map(str) | st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}")


@given(st.booleans(), st.none() | NUMBER | st.sampled_from(["~", ""]), st.none() | NUMBER)
def test_range_is_what_nagiosplugin_takes(invert, start, end):
    text = f"{'@' if invert else ''}{'' if start is None else f'{start}:'}{end or ''}"
    try:
        checked = commandline_limits.check_range(text, "-w")
    except UsageError:
        assert not text.strip("@") or start not in (None, "~") or float(end or 0) < 0
        return
    assert Range(checked).invert is invert


@given(st.text(max_size=12) | st.text("0123456789.:@~-e", max_size=12))
def test_any_range_is_taken_or_refused(text):
    try:
        Range(commandline_limits.check_range(text, "-w"))
    except UsageError as error:
        assert str(error).startswith("-w: ")


@given(st.text(max_size=12) | st.text("0123456789.:OKW", max_size=8))
def test_any_timeout_is_taken_or_refused(text):
    try:
        seconds, state = commandline_limits.timeout(text)
    except UsageError as error:
        assert str(error).startswith("--timeout: ")
        return
    assert 0 < seconds < 1e6
    assert state in (None, "OK", "WARNING", "CRITICAL", "UNKNOWN")


def test_thresholds(there):
    options = parse(
        "-w",
        "2",
        "-c",
        "5",
        "--warning-for",
        "time_tls=1",
        "--critical-for",
        "certificate_days=none",
        "--critical-for",
        "connection_time=9",
    )
    assert tuple(options.thresholds) == BY_CERTIFICATE["cmdlet"]
    assert options.thresholds["connection_time"] == ("2", "9")
    assert options.thresholds["time_tls"] == ("1", None)
    assert options.thresholds["certificate_days"] == ("30:", None)
    assert options.thresholds["total_time"] == (None, None)


def test_a_bare_label_is_that_of_every_mailbox_and_method(there):
    limits = parse(*TWO, *BOTH, "-w", "2", "--critical-for", "time_dns=1").thresholds
    tests = [f"{name}{method}_" for name in (FIRST, SECOND) for method in ("cmdlet", "graph")]
    assert [name for name in limits if limits[name] == ("2", None)] == [
        f"{test}connection_time" for test in tests
    ]
    assert [name for name in limits if limits[name] == (None, "1")] == [
        f"{test}time_dns" for test in tests
    ]
    assert [name for name in limits if limits[name] == ("30:", "7:")] == [
        f"{test}certificate_days" for test in tests
    ]
    assert list(limits) == [
        test + label for test in tests for label in BY_CERTIFICATE[test.split("_")[-2]]
    ]


def test_a_bare_label_of_one_method_only(there):
    limits = parse(*BOTH, "--warning-for", "inbox_items=1:").thresholds
    assert [name for name in limits if limits[name] == ("1:", None)] == ["graph_inbox_items"]


def test_a_mailbox_or_a_method_alone_narrows_where_there_are_several_of_both(there):
    words = ("--warning-for", f"{FIRST}time_tls=2", "--warning-for", "graph_time_tls=3")
    limits = parse(*TWO, *BOTH, "--warning-for", "time_tls=1", *words).thresholds
    assert {name: pair[0] for name, pair in limits.items() if name.endswith("time_tls")} == {
        f"{FIRST}cmdlet_time_tls": "2",
        f"{FIRST}graph_time_tls": "3",
        f"{SECOND}cmdlet_time_tls": "1",
        f"{SECOND}graph_time_tls": "3",
    }


@pytest.mark.parametrize("turned", [False, True])
def test_a_prefixed_label_narrows_a_bare_one_in_any_order(there, turned):
    items = [
        ("--warning-for", "time_tls=1"),
        ("--warning-for", f"{FIRST}time_tls=2"),
        ("--warning-for", f"{SECOND}time_tls=none"),
    ]
    words = [word for item in (reversed(items) if turned else items) for word in item]
    limits = parse(*TWO, *words).thresholds
    assert limits[f"{FIRST}time_tls"] == ("2", None)
    assert limits[f"{SECOND}time_tls"] == (None, None)


def test_a_prefixed_label_narrows_the_connection_time(there):
    words = (*BOTH, "-w", "2", "-c", "5", "--critical-for", "graph_connection_time=9")
    limits = parse(*words).thresholds
    assert limits["cmdlet_connection_time"] == ("2", "5")
    assert limits["graph_connection_time"] == ("2", "9")


def test_a_default_is_switched_off_for_one_mailbox(there):
    words = ("--warning-for", f"{SECOND}certificate_days=none")
    limits = parse(*TWO, *words).thresholds
    assert limits[f"{FIRST}certificate_days"] == ("30:", "7:")
    assert limits[f"{SECOND}certificate_days"] == (None, "7:")


def test_mailboxes_that_look_the_same_are_told_apart(there):
    same = ("-m", "a.b@c.example", "-m", "a_b@c.example", "-m", "d@e.example")
    limits = parse(*same).thresholds
    prefixes = [name.removesuffix("total_time") for name in limits if name.endswith("total_time")]
    assert prefixes == [f"{FIRST}a8e53f9c_", f"{FIRST}b59c3729_", SECOND]
    assert complaint(*same, "--warning-for", f"{FIRST}total_time=1").startswith(
        f"--warning-for: there is no label {FIRST}total_time; this run has "
    )


@pytest.mark.parametrize(
    "label", ["time_x", f"{FIRST}time_dns", "graph_time_dns", "cmdlet_time_dns", "inbox_items"]
)
def test_labels_that_this_run_does_not_have(there, label):
    bare = ", ".join(BY_CERTIFICATE["cmdlet"])
    text = f"--critical-for: there is no label {label}; this run has {bare}"
    assert complaint("--critical-for", f"{label}=1") == text


def test_a_label_and_a_kind_that_are_misspelled(there):
    bare = ", ".join(BY_CERTIFICATE["cmdlet"])
    assert complaint("--warning-for", "conection_time=2") == (
        "--warning-for: there is no label conection_time; is connection_time meant? this run has "
        f"{bare}"
    )
    assert complaint("--state", "timout=OK") == (
        "--state: there is no kind timout; is timeout meant? kinds are "
        f"{', '.join(list(KINDS)[1:])}"
    )


def test_without_a_certificate_there_are_no_days_of_it(there):
    (there / "s").write_text("secret\n")
    (there / "s").chmod(0o600)
    words = ("--certificate", "none", "--client-secret-file", "s")
    assert list(parse(*words).thresholds)[-2:] == ["total_time", "secret_days"]
    assert parse(*words, "--warning-for", "secret_days=30:").thresholds["secret_days"] == (
        "30:",
        None,
    )
    off = ("--warning-for", "certificate_days=none")
    assert parse(*words, *off).thresholds == parse(*words).thresholds
    assert "there is no label certificate_days" in complaint(
        *words, "--warning-for", "certificate_days=1"
    )


def test_states_of_kinds(there):
    states = parse("--state", "throttled=ok", "--state", "dns=1", "--state", "moving=2").states
    changed = {kind: state for kind, state in states.items() if KINDS[kind] != state}
    assert changed == {"throttled": "OK", "dns": "WARNING", "moving": "CRITICAL"}


REFUSED = [
    (
        ["--state", "usage=OK"],
        "--state: usage errors always exit with 3; leave out usage",
    ),
    (["--state", "dns=green"], "--state: green is not one of OK, WARNING, CRITICAL, UNKNOWN"),
    (["--state", "dns="], "--state: an empty value is not one of OK, WARNING, CRITICAL, UNKNOWN"),
    (["--state", "dns"], "--state: dns is not KIND=STATE, e.g. throttled=OK"),
    (
        ["--state", "weather=OK"],
        "--state: there is no kind weather; kinds are credential, permission, throttled, untested, "
        "address-book, submit, dns, connect, proxy, tls, logon, mailbox, moving, server, protocol, "
        "timeout",
    ),
    (
        ["--warning-for", "time_tls"],
        "--warning-for: time_tls is not LABEL=RANGE, e.g. time_tls=0.5",
    ),
    (["--critical-for", "=1"], "--critical-for: =1 is not LABEL=RANGE, e.g. time_tls=0.5"),
    (["--state", "=OK"], "--state: =OK is not KIND=STATE, e.g. throttled=OK"),
    (
        ["--timeout", "99999999"],
        "--timeout: 99999999 is not SECONDS[:STATE], e.g. 20 or 10.5:UNKNOWN, more than 0 and below "
        "1000000",
    ),
    (
        ["--warning-for", "time_tls="],
        "--warning-for time_tls: an empty value is not a range; the format is [@]START:END, "
        "e.g. 5, 2:8, ~:5 or @1:2",
    ),
    (
        ["-w", "9:1"],
        "--warning: the range 9:1 ends before it starts; write the smaller number first",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_refused(there, arguments, text):
    assert complaint(*arguments) == text

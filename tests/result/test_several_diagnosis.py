"""What follows the first line of several results: whole for a few, short for hundreds."""

from __future__ import annotations

from check_mapi_connectivity.result import several

from ..support.reports import asked, diagnosis, failed, judged, success
from .test_several import FORBIDDEN, OFFLINE, THROTTLED, A, B, C, expiring


def long_output(reports, options, **changes):
    found = judged(reports, options, **changes)
    lines = diagnosis(found, asked(reports, options, **changes))
    return several.text("OK", "x", found, lines).split("\n")[1:-1]


def heads(lines):
    return [line for line in lines if line.startswith("[")]


def test_a_few_are_shown_whole_the_worst_first(options):
    reports = [success(A), failed(B, **THROTTLED), expiring(C), failed("d@x.y")]
    lines = long_output(reports, options)
    assert heads(lines) == [
        "[CRITICAL] d@x.y by cmdlet: gone",
        "[CRITICAL] c@contoso.com by cmdlet: client certificate ends 2026-12-04, in 3 days "
        "(CRITICAL "
        "below 7)",
        "[UNKNOWN] b@contoso.com by cmdlet: slow down (HTTP 429)",
        "[OK] probe@contoso.com by cmdlet: Inbox listed in 0.250s (cmdlet)",
    ]
    assert sum(line.startswith("  phases ") for line in lines) == 2


def test_three_methods_of_one_mailbox_fit_on_a_screen(options):
    """At most 16 lines for one mailbox, the first among them (contract 6)."""
    named = {"database": "d" * 90, "server": "s" * 90}
    well = [success(A, method, **named) for method in ("cmdlet", "mapi", "graph")]
    words = {"cause": "c" * 300, "remedy": "r" * 300, "code": "HTTP 500"}
    bad = [failed(A, method, **words) for method in ("cmdlet", "mapi", "graph")]
    for reports in (well, bad, [*bad[:2], well[2]]):
        lines = long_output(reports, options)
        assert len(lines) < several.MOST_LINES
        assert max(map(len, lines)) <= 100


def test_a_cause_that_all_share_is_not_cut(options):
    """Whose password is refused stands in what is told of each mailbox."""
    cause = "proxy proxy.contoso.example:3128 refuses user monitoring@contoso.example, Basic"
    reports = [failed(f"m{number}@x.y", cause=cause, during="sign-in") for number in range(5)]
    text = " ".join(line.strip() for line in long_output(reports, options))
    assert text.count("refuses user monitoring@contoso.example") == 5


def hundreds():
    """200 mailboxes: 1 refused, 12 offline, 2 throttled, 1 near its limit, the rest well."""
    reports = [success(f"m{number}@x.y", seconds=number / 1000) for number in range(200)]
    for number in range(50, 62):
        reports[number] = failed(f"m{number}@x.y", **OFFLINE, of={"ids": {"request-id": "abc"}})
    reports[7] = failed("m7@x.y", **THROTTLED)
    reports[8] = failed("m8@x.y", **THROTTLED)
    reports[9].certificate_days = 20.0
    return reports


def test_the_ten_worst_of_hundreds_are_named_and_the_rest_is_counted(options):
    lines = long_output(hundreds(), options)
    assert heads(lines) == [
        *(
            f"[CRITICAL] m{number}@x.y by cmdlet: mailbox database is offline (ec=1142)"
            for number in range(50, 60)
        ),
        "[CRITICAL] 2 more, not shown; -v shows all",
        "[UNKNOWN] 2 more, not shown; -v shows all",
        "[WARNING] 1 more, not shown; -v shows all",
        "[OK] 185 of 200: Inbox listed in 0.107s (median), 0.199s at most (m199@x.y by cmdlet)",
    ]
    assert lines[1] == "  remedy        call the operator"
    # Ten of two lines, four counts, the certificate, and the way.
    assert len(lines) == 10 * 2 + 4 + 2
    assert lines[-1] == "  proxy         none, direct connection"


def test_hundreds_are_shown_whole_to_who_asks_for_it(options):
    lines = long_output(hundreds(), options, verbose=1)
    assert len(heads(lines)) == sum(line.startswith("  phases ") for line in lines) == 200
    assert [head.partition("]")[0] for head in heads(lines)] == (
        ["[CRITICAL"] * 12 + ["[UNKNOWN"] * 2 + ["[WARNING"] + ["[OK"] * 185
    )


def test_hundreds_that_are_well(options):
    reports = [success(f"m{number}@x.y") for number in range(200)]
    for number, report in enumerate(reports):
        report.finding.connection_time = 0.2 + 0.002 * number
    lines = long_output(reports, options)
    assert lines[0] == (
        "[OK] 200 of 200: Inbox listed in 0.399s (median), 0.598s at most (m199@x.y by cmdlet)"
    )
    assert lines[1:] == [
        "  certificate   CN=probe, ends 2026-12-04, in 100 days",
        "  proxy         none, direct connection",
    ]


def test_what_it_means_is_told_in_the_short_diagnosis_once(options):
    reports = []
    for number in range(3):
        reports += [success(f"m{number}@x.y"), success(f"m{number}@x.y", "graph")]
    reports[2:4] = [success("m1@x.y"), failed("m1@x.y", "graph", **FORBIDDEN)]
    lines = long_output(reports, options)
    meant = "the mailbox can be reached; Graph lacks its own permission"
    assert lines[0] == f"m1@x.y: the cmdlet works: {meant}"
    assert lines[1] == "[UNKNOWN] m1@x.y by graph: the app may not read this mailbox"
    reports[2:4] = [failed("m1@x.y", **OFFLINE), failed("m1@x.y", "graph", **OFFLINE)]
    lines = long_output(reports, options)
    assert sum(line.startswith("m1@x.y: ") for line in lines) == 1
    assert lines[0].startswith("m1@x.y: all methods reach Exchange")


def test_failures_judged_ok_are_told_of_in_the_short_diagnosis(options):
    reports = [success(f"m{number}@x.y") for number in range(6)]
    reports[3] = failed("m3@x.y", **THROTTLED)
    lines = long_output(reports, options, states={**options().judging.states, "throttled": "OK"})
    assert heads(lines) == [
        "[OK] m3@x.y by cmdlet: slow down, counts as OK (HTTP 429)",
        "[OK] 5 of 6: Inbox listed in 0.250s (median), 0.250s at most (m0@x.y by cmdlet)",
    ]


def test_without_diagnosis_there_is_one_line(options):
    found = judged(hundreds(), options)
    assert several.text("OK", "x", found, []).count("\n") == 1


def test_a_label_with_a_dash_is_not_quoted(options):
    reports = [success("o-n@c.d"), success("p@c.d")]
    text = several.text("OK", "x", judged(reports, options), [])
    assert " | o-n_c_d_mapi_connectivity=1;;;0;1 o-n_c_d_connection_time=0.25s " in text


def test_notes_of_what_nobody_has_seen(options):
    def notes(*reports, **changes):
        found = long_output(list(reports), options, **changes)
        return [line[16:40] for line in found if line.startswith("  note ")]

    cmdlet, mapi = "The answer of Exchange O", "Method mapi was built on"
    assert notes(success(A), failed(A), failed(A, "mapi")) == []
    assert notes(failed(A), failed(A, "mapi"), verbose=1) == [cmdlet, mapi]
    assert notes(success(A, "mapi"), verbose=1) == [mapi]

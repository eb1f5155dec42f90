"""Where the time went: the rules on measured phases, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.report import Phase, Report, Stopwatch
from check_mapi_connectivity.result import first_line
from check_mapi_connectivity.result.judge import judge
from check_mapi_connectivity.result.time_analysis import POINTS_TO, analyse

from ..support.reports import diagnosis as told
from ..support.reports import known

PHASES = ("dns", "tcp", "proxy", "tls", "request", "connect", "execute")


class Watch(Stopwatch):
    """A stopwatch that has been stopped."""

    def __init__(self, **times):
        super().__init__()
        self._closed = [Phase(name, seconds, True) for name, seconds in times.items()]


def report(method="graph", server=None, inspected=False, **times):
    """A success whose phases took these seconds."""
    made = known("probe@contoso.com", method, success=True)
    made.times.service = Watch(**times)
    made.finding.connection_time = sum(times.values())
    made.finding.server_latency = server
    if inspected:
        made.trace.fact("TLS inspected", "outlook.office365.com by Contoso Proxy")
    return made


#: What was measured -> parts, the largest first.
RULES = {
    "a name server that does not answer": (
        report(dns=5.0, tcp=0.02, tls=0.05, request=0.3),
        [("name resolution", 5.0), ("the answer", 0.22), ("the network path", 0.15)],
    ),
    "a slow proxy": (
        report(proxy=2.0, tls=0.5, request=0.3),
        [("the proxy", 2.0), ("the TLS handshake", 0.5), ("the answer", 0.3)],
    ),
    "a long way: all of it takes round trips": (
        report(tcp=0.5, tls=1.1, request=0.6),
        [("the network path", 2.2)],
    ),
    "a handshake longer than the way explains": (
        report(tcp=0.01, tls=2.0, request=0.03),
        [("the TLS handshake", 2.0), ("the network path", 0.04)],
    ),
    "a proxy that looks into TLS": (
        report(tcp=0.5, tls=1.1, request=0.3, inspected=True),
        [("TLS interception", 1.1), ("the network path", 0.8)],
    ),
    "a service that tells no time of its own": (
        report(tcp=0.01, tls=0.02, request=3.0),
        [("the answer", 2.96), ("the network path", 0.07)],
    ),
    "a kept connection": (report(request=3.0), [("the answer", 3.0)]),
    "a slow mailbox server": (
        report("mapi", server=3.0, connect=0.1, execute=3.1),
        [("Exchange itself", 3.0), ("the way to Exchange", 0.2)],
    ),
    "a slow front end of a quick mailbox server": (
        report("mapi", server=0.05, tcp=0.01, tls=0.02, connect=1.0, execute=1.0),
        [("the front end", 1.87), ("the network path", 0.11), ("Exchange itself", 0.05)],
    ),
    "a slow way to a quick mailbox server": (
        report("mapi", server=0.05, tcp=0.3, tls=0.7, connect=0.5, execute=0.6),
        [("the network path", 2.05), ("Exchange itself", 0.05)],
    ),
    "a server that does not count its own time": (
        report("mapi", server=0.0, tcp=0.001, execute=0.7),
        [("the front end", 0.696), ("the network path", 0.005)],
    ),
    "nobody measured a round trip": (
        report("mapi", server=0.1, proxy=0.2, execute=1.1),
        [("the way to Exchange", 1.0), ("the proxy", 0.2), ("Exchange itself", 0.1)],
    ),
    "a server whose own time is longer than the wait for it": (
        report("mapi", server=9.0, connect=1.0, execute=1.0),
        [("Exchange itself", 2.0)],
    ),
    "the cmdlet's time is Exchange's own": (
        report("cmdlet", server=4.0, tcp=1.0, tls=2.0, request=6.0),
        [("Exchange itself", 9.0)],
    ),
    "a cmdlet without a Latency": (report("cmdlet", request=2.0), [("the answer", 2.0)]),
}


@pytest.mark.parametrize("name", RULES)
def test_rule(name):
    measured, parts = RULES[name]
    found = analyse(measured, "connection_time")
    assert [(part.name, round(part.seconds, 6)) for part in found.parts] == parts
    assert found.whole == pytest.approx(measured.finding.connection_time)
    online = measured.method == "cmdlet" and parts[0][0] == "Exchange itself"
    assert found.points_to == ("see M365 health" if online else POINTS_TO[parts[0][0]])
    assert found.server == measured.finding.server_latency


def test_the_whole_run():
    measured = report("mapi", server=0.1, connect=0.1, execute=0.2)
    measured.times.sign_in = Watch(cache=0.1, dns=0.2, request=1.0)
    measured.times.discovery = Watch(tcp=0.1, request=0.5)
    measured.times.first_try, measured.times.waited, measured.times.total = 0.2, 0.25, 3.0
    found = analyse(measured, "total_time")
    assert [(part.name, round(part.seconds, 6)) for part in found.parts] == [
        ("the sign-in", 1.3),
        ("Autodiscover", 0.6),
        ("a first try", 0.45),
        ("the check itself", 0.35),
        ("the way to Exchange", 0.2),
        ("Exchange itself", 0.1),
    ]
    assert found.whole == pytest.approx(3.0)
    assert found.shares == (
        "the sign-in 1.300s (43 %), Autodiscover 0.600s, a first try 0.450s, the check itself "
        "0.350s, the way to Exchange 0.200s, Exchange itself 0.100s"
    )


def test_nothing_measured():
    assert analyse(Report("probe@contoso.com", "mapi"), "connection_time") is None


@given(
    st.dictionaries(st.sampled_from(PHASES), st.floats(0, 100)),
    st.none() | st.floats(0, 100),
    st.sampled_from(["cmdlet", "graph", "mapi"]),
    st.booleans(),
)
def test_no_time_is_lost(times, server, method, inspected):
    measured = report(method, server, inspected, **times)
    found = analyse(measured, "connection_time")
    if found is None:
        assert measured.finding.connection_time == 0
        return
    assert found.whole == pytest.approx(measured.finding.connection_time)
    assert found.largest.seconds == max(part.seconds for part in found.parts)
    assert {part.name for part in found.parts} <= set(POINTS_TO)


def limits(options, **thresholds):
    """Options of a graph run with these thresholds."""
    chosen = options(methods=("graph",))
    chosen.judging.thresholds.update(thresholds)
    return chosen


@pytest.mark.parametrize(
    ("label", "ranges", "words"),
    [
        (
            "connection_time",
            ("2", None),
            "name resolution took 2.900s: connection time 3.100s is outside 0:2",
        ),
        (
            "connection_time",
            (None, "@2:4"),
            "connection time 3.100s is inside 2:4",
        ),
        ("connection_time", ("5:", None), "connection time 3.100s is outside 5:"),
        (
            "total_time",
            ("3", None),
            "name resolution took 2.900s: total_time 4.000s is outside 0:3",
        ),
        ("time_dns", ("2", None), "time_dns 2.900s is outside 0:2"),
    ],
)
def test_what_took_long_stands_before_the_limit(options, label, ranges, words):
    measured = report(dns=2.9, tcp=0.1, tls=0.1)
    measured.times.total = 4.0
    chosen = limits(options, **{label: ranges})
    [judged] = judge([measured], chosen.targets, chosen.judging)
    [(_, found)] = judged.violations
    assert found.replace("outside 2", "outside 0:2").replace("outside 3", "outside 0:3") == words
    assert (judged.slow is not None) == words.startswith("name resolution")


def test_the_diagnosis_says_where_to_look(options):
    chosen = limits(options, connection_time=("2", None))
    [judged] = judge([report(dns=2.9, tcp=0.1, tls=0.1)], chosen.targets, chosen.judging)
    lines = told([judged], chosen)
    place = lines.index("  time went     name resolution 2.900s (94 %), the network path 0.200s")
    assert lines[place + 1] == f"                {POINTS_TO['name resolution']}"
    assert first_line.single(judged.report, judged.violations) == (
        "probe@contoso.com: name resolution took 2.900s: connection time 3.100s is outside 0:2"
    )


def test_a_long_address_leaves_room_for_what_took_long(options):
    measured = report(dns=2.9, tcp=0.1, tls=0.1)
    measured.mailbox = f"{'m' * 40}@contoso.com"
    chosen = options(methods=("graph",), mailboxes=(measured.mailbox,))
    chosen.judging.thresholds["connection_time"] = ("2", None)
    [judged] = judge([measured], chosen.targets, chosen.judging)
    assert first_line.single(measured, judged.violations) == (
        "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm...: name resolution took 2.900s: connection time "
        "3.100s is outside 0:2"
    )

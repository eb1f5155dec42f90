"""End to end: one run that feeds many services, of a fake Icinga and in a directory of Nagios."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from ..result.test_report_schema import validate
from ..support.fake_icinga import PASSWORD, FakeIcinga
from ..support.masks import measured
from ..tenant.material import DOMAIN, TENANT_NAME

NAMES = ("healthy", "moving", "offline", "many-001")
TOTALS = "total_time=#s certificate_days=#"


def service(name):
    return f"Mailbox {name}@{DOMAIN}"


def full_name(name):
    """What Icinga calls it."""
    return f"{TENANT_NAME}!{service(name)}"


@pytest.fixture
def icinga(tmp_path):
    """An Icinga 2.14 that knows the services of all mailboxes."""
    with FakeIcinga(tmp_path, map(full_name, NAMES)) as running:
        yield running


@pytest.fixture
def spool(tmp_path):
    directory = tmp_path / "checkresults"
    directory.mkdir(mode=0o750)
    return directory


@pytest.fixture
def fed(cmdlet):
    """`fed(names, *arguments)`: a run for these mailboxes."""

    def run(names, *arguments, **keywords):
        others = [word for name in names[1:] for word in ("-m", f"{name}@{DOMAIN}")]
        return cmdlet(names[0], *others, *arguments, **keywords)

    return run


@pytest.fixture
def to_icinga(icinga):
    """The options for it."""
    return (
        "--submit=icinga2",
        f"--submit-url={icinga.url}",
        "--submit-user=mapi",
        f"--submit-password-file={icinga.password_file}",
        f"--submit-ca-file={icinga.ca_file}",
    )


@pytest.fixture
def to_nagios(spool):
    return "--submit=nagios", f"--submit-directory={spool}"


def spooled(spool):
    """Service -> members of its result, of the one file in the directory."""
    (file,) = [path for path in spool.iterdir() if not path.name.endswith(".ok")]
    blocks = file.read_text().split("\n\n")[1:]
    found = [dict(line.split("=", 1) for line in block.strip().split("\n")) for block in blocks]
    return {one["service_description"]: one for one in found}


def test_each_service_has_what_a_run_for_its_mailbox_alone_says(fed, cmdlet, icinga, to_icinga):
    run = fed(NAMES, *to_icinga)
    assert (run.code, run.line, run.perfdata, run.stderr) == (
        0,
        "MAPI OK - 4 mailboxes tested, 4 results submitted, 2 not OK (worst CRITICAL: "
        f"offline@{DOMAIN})",
        f"{TOTALS} submitted=4 refused=0",
        "",
    )
    for name in NAMES:
        alone, sent = cmdlet(name), icinga.results[full_name(name)]
        head, _, rest = sent["plugin_output"].partition("\n")
        told = f"{head} | {' '.join(sent['performance_data'])}"
        assert sent["exit_status"] == alone.code
        assert _told(told) == _told(alone.stdout.split("\n", 1)[0])
        took = dict(one.split("=") for one in sent["performance_data"])["total_time"]
        moments = sent["execution_end"] - sent["execution_start"]
        assert abs(moments - float(took.rstrip("s"))) < 0.01
        *diagnosis, when = rest.split("\n")
        assert diagnosis[0] == alone.diagnosis.split("\n", 1)[0]
        assert re.fullmatch(
            r"  measured      20[0-9-]{8} [0-9:]{8}Z, in one run for many \(--submit\)", when
        )


def _told(line):
    """A first line without what was measured; a kept connection and a token have no phases."""
    line = re.sub(r"(time_\w+)=[0-9.]+s", r"\1=", line)
    return measured(re.sub(r"in [0-9.]+s \(", "in #s (", line))


def test_a_file_for_nagios(fed, spool, to_nagios):
    run = fed(NAMES[:2], *to_nagios)
    assert (run.code, run.line, run.perfdata) == (
        0,
        f"MAPI OK - 2 mailboxes tested, 2 results submitted, 1 not OK (worst WARNING: moving@{DOMAIN})",
        f"{TOTALS} submitted=2 refused=0",
    )
    found = spooled(spool)
    assert {name: one["return_code"] for name, one in found.items()} == {
        service("healthy"): "0",
        service("moving"): "1",
    }
    moving = found[service("moving")]
    assert moving["output"].startswith(f"MAPI WARNING - moving@{DOMAIN}: ")
    assert "|mapi_connectivity=0;;;0;1 connection_time=U " in moving["output"]
    assert (moving["host_name"], moving["check_type"]) == (TENANT_NAME, "1")
    assert abs(float(moving["start_time"]) - time.time()) < 600


def test_a_run_after_a_run_that_nagios_has_not_read(fed, spool, to_nagios):
    fed(NAMES[:2], *to_nagios)
    run = fed(NAMES[:2], *to_nagios)
    assert "\n  note          Nagios had not yet read the results of the run before" in run.stdout
    assert len(spooled(spool)) == 2


def test_thresholds_of_a_mailbox_hold_for_its_service(fed, spool, to_nagios):
    """By its prefix, and by the bare label."""
    limits = ("--warning-for", f"healthy_{DOMAIN.replace('.', '_')}_total_time=@0:99", "-c", "0:9")
    run = fed(("healthy", "many-001"), *limits, *to_nagios)
    assert run.code == 0
    found = spooled(spool)
    assert [found[service(name)]["return_code"] for name in ("healthy", "many-001")] == ["1", "0"]
    assert " connection_time=0.041s;;9 " in found[service("healthy")]["output"]


def test_methods_keep_their_prefix(fed, spool, to_nagios):
    methods = ("--method", "cmdlet", "--method", "graph")
    assert fed(("healthy", "many-001"), *methods, *to_nagios).code == 0
    output = spooled(spool)[service("healthy")]["output"]
    assert "|cmdlet_mapi_connectivity=1;;;0;1 " in output
    assert " graph_inbox_items=" in output


def test_addresses_keep_their_prefix(way, tenant, spool, to_nagios):
    nodes = ("127.0.0.2", "127.0.0.3")
    for node in nodes:
        tenant.node(node, "EX2")
    where = [word for node in nodes for word in ("--address", node)]
    host = ("-H", f"127.0.0.1:{tenant.port}", "--autodiscover-url", "none", "--submit-host", "h")
    way("methods-user", "-m", f"many-001@{DOMAIN}", *host, *where, *to_nagios)
    way(
        "methods-user", "-m", f"many-001@{DOMAIN}", f"-mhealthy@{DOMAIN}", *host, *where, *to_nagios
    )
    for path in spool.glob("c??????"):
        for block in path.read_text().split("\n\n")[1:]:
            names = re.findall(r"[ |]([\w-]*)mapi_connectivity=", block)
            assert names == ["cmdlet_", "graph_", "127_0_0_2_mapi_", "127_0_0_3_mapi_"]
    assert len([*spool.glob("c??????")]) == 2


#: Addresses that the command line takes, of mailboxes that nobody has.
ODD = ("a|b", "100%25", "it's", "a&b=c?d#e", "a+b", "a!b", "{mailbox}", "\u00fc")


def test_odd_names_go_to_their_own_services(fed, icinga, to_icinga):
    icinga.services = {full_name(name) for name in (*ODD, *NAMES)}
    run = fed(ODD, *to_icinga)
    assert (run.code, run.line) == (
        1,
        f"MAPI WARNING - 1 of 8 results refused, {service('a!b')}: Icinga has no name with !, which "
        "separates host...",
    )
    assert {*icinga.results} == {full_name(name) for name in ODD if name != "a!b"}
    told = icinga.results[full_name("a|b")]
    assert "|" not in told["plugin_output"]
    assert told["performance_data"][0] == "mapi_connectivity=0;;;0;1"


def test_what_icinga_does_not_know(fed, icinga, to_icinga):
    icinga.services.discard(full_name("moving"))
    run = fed(NAMES, *to_icinga)
    assert (run.code, run.line, run.perfdata) == (
        1,
        f"MAPI WARNING - 1 of 4 results refused, {service('moving')}: no such service for this ApiUser",
        f"{TOTALS} submitted=3 refused=1",
    )
    assert (
        f"\n  refused       {service('moving')}: no such service for this ApiUser\n" in run.stdout
    )


@pytest.mark.parametrize("state", ["CRITICAL", "WARNING"])
def test_a_directory_that_is_none(fed, spool, to_nagios, state):
    spool.rmdir()
    run = fed(NAMES[:2], *to_nagios, f"--state=submit={state}")
    assert (run.code, run.perfdata) == (
        {"WARNING": 1, "CRITICAL": 2}[state],
        f"{TOTALS} submitted=0 refused=0",
    )
    assert run.line.startswith(f"MAPI {state} - {spool} is no directory"[:60])
    assert run.line.endswith("; 0 of 2 results submitted")
    # A path that is longer than a line goes on in the next one.
    assert f"cause{spool}isnodirectory" in "".join(run.stdout.split())


def test_a_password_that_icinga_does_not_take(fed, icinga, to_icinga):
    icinga.password_file.write_text("another-secret")
    run = fed(NAMES, *to_icinga)
    assert (run.code, run.line) == (
        2,
        "MAPI CRITICAL - Icinga knows no user mapi with this password or certificate (HTTP 401); "
        "0 of 4 results submitted",
    )
    assert "another-secret" not in run.stdout


def test_a_sign_in_that_fails_for_all(fed, tenant, icinga, to_icinga):
    """Told once as it is, and to each service as UNKNOWN, whatever its kind."""
    tenant.faults.on("token", "http-500", -1)
    run = fed(NAMES, *to_icinga)
    assert (run.code, run.perfdata) == (2, f"{TOTALS} submitted=4 refused=0")
    assert run.line.startswith("MAPI CRITICAL - sign-in failed: ")
    assert run.line.endswith("; 4 of 4 results submitted as UNKNOWN")
    assert {body["exit_status"] for body in icinga.results.values()} == {3}
    for body in icinga.results.values():
        assert body["plugin_output"].startswith("MAPI UNKNOWN - sign-in failed: ")


def test_mailboxes_that_are_not_reached_are_submitted_as_untested(fed, tenant, spool, to_nagios):
    names = [f"many-{number:03d}" for number in range(1, 25)]
    for name in names:
        tenant.faults.on("exchange", "silent", -1, name)
    run = fed(names, *to_nagios, "--concurrency=1", "-t8")
    assert run.code == 0
    assert re.match(
        r"MAPI OK - [0-9]+ of 24 mailboxes tested, 24 results submitted, 24 not OK", run.line
    )
    found = spooled(spool)
    assert {found[service(name)]["return_code"] for name in names} == {"2", "3"}
    last = found[service(names[-1])]["output"]
    assert last.startswith(
        f"MAPI UNKNOWN - {names[-1]}@{DOMAIN}: not tested: the time was up before"
    )
    assert run.seconds < 8 + 4


def test_a_slow_icinga(fed, icinga, to_icinga):
    """The run ends in its time, with what was submitted by then."""

    def hang(handler):
        time.sleep(30)

    icinga.faults[3] = hang
    run = fed(NAMES, *to_icinga, "-t4")
    assert (run.code, run.perfdata) == (2, f"{TOTALS} submitted=1 refused=0")
    assert run.line == (
        "MAPI CRITICAL - Icinga is too slow: the time was up; check Icinga, or raise --timeout; "
        "1 of 4 results submitted"
    )
    assert run.seconds < 4 + 4


def test_a_second_run_of_the_same_feed(fed, spool, to_nagios, tmp_path, tenant):
    """It tests nothing, submits nothing, and says so."""
    fed(NAMES[:2], *to_nagios)
    (lock,) = (tmp_path / "cache").glob("feed-*.lock")
    for path in spool.iterdir():
        path.unlink()
    before = len(tenant.requests)
    with open(lock, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run = fed(NAMES[:2], *to_nagios)
        found = json.loads(fed(NAMES[:2], *to_nagios, "--json").stdout)
        other = fed(NAMES[1:3], *to_nagios)
    validate(found, "result")
    assert (found["reports"], found["feed"]["failure"]["kind"]) == ([], "untested")
    assert (run.code, run.line, run.perfdata) == (
        3,
        "MAPI UNKNOWN - another run of this feed is at work; run the feed less often; "
        "nothing submitted",
        "total_time=#s certificate_days=U submitted=0 refused=0",
    )
    assert other.code == 0
    assert len(tenant.requests) == before + 2


def test_a_signal_in_the_middle(tenant, spool, to_nagios, environment, tmp_path):
    """Nothing is submitted: whoever ends the run wants it to end."""
    tenant.faults.on("exchange", "silent", -1, "many-001")
    words = (
        "-m",
        f"many-001@{DOMAIN}",
        "-m",
        f"many-002@{DOMAIN}",
        "--cache-dir",
        tmp_path / "cache",
    )
    command = [sys.executable, "-m", "check_mapi_connectivity", f"--extra-opts=cmdlet@{tenant.ini}"]
    run = subprocess.Popen(
        [*command, *map(str, words), *to_nagios], env=environment, cwd="/", stdout=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while not any("InvokeCommand" in path for _, path, _, _ in tenant.requests):
        assert time.monotonic() < until
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    out = run.communicate(timeout=30)[0].decode()
    assert run.returncode == 3
    assert out.startswith(
        "MAPI UNKNOWN - SIGTERM came before all results were submitted; 0 of 2 results submitted | "
    )
    assert os.listdir(spool) == []


def test_a_signal_while_icinga_is_slow(icinga, to_icinga, tenant, environment, tmp_path):
    """What was submitted by then is told."""
    hanging = threading.Event()

    def hang(handler):
        hanging.set()
        time.sleep(30)

    icinga.faults[3] = hang
    words = ("-m", f"healthy@{DOMAIN}", "-m", f"moving@{DOMAIN}", "--cache-dir", tmp_path / "cache")
    command = [sys.executable, "-m", "check_mapi_connectivity", f"--extra-opts=cmdlet@{tenant.ini}"]
    run = subprocess.Popen(
        [*command, *map(str, words), *to_icinga], env=environment, cwd="/", stdout=subprocess.PIPE
    )
    assert hanging.wait(30)
    began = time.monotonic()
    run.send_signal(signal.SIGTERM)
    out = run.communicate(timeout=30)[0].decode()
    assert (run.returncode, time.monotonic() - began < 10) == (3, True)
    assert out.startswith(
        "MAPI UNKNOWN - SIGTERM came before all results were submitted; 1 of 2 results submitted | "
    )


def test_a_name_that_nagios_does_not_give(fed, spool, to_nagios):
    run = fed(NAMES[:2], *to_nagios, "--submit-service=100% {mailbox}")
    assert run.code == 0
    assert (
        f" note 100% healthy@{DOMAIN} and 1 more: Nagios has no service of this name, unless "
        "illegal_object_name_chars was changed "
    ) in " ".join(run.stdout.split())


def test_a_dry_run_shows_what_would_be_sent(fed, icinga, to_icinga, spool, to_nagios):
    run = fed(NAMES[:2], *to_icinga, "--submit-dry-run")
    assert (run.code, run.line, run.perfdata) == (
        3,
        "MAPI UNKNOWN - 2 mailboxes tested, nothing submitted: --submit-dry-run shows what would be",
        f"{TOTALS} submitted=0 refused=0",
    )
    assert icinga.asked == []
    assert PASSWORD not in run.stdout
    assert f"\nPOST {icinga.url}/v1/actions/process-check-result?service=" in run.stdout
    bodies = [json.loads(line) for line in run.stdout.split("\n") if line.startswith("{")]
    assert [body["exit_status"] for body in bodies] == [0, 1]
    run = fed(NAMES[:2], *to_nagios, "--submit-dry-run")
    assert f"\nservice_description={service('moving')}\n" in run.stdout
    assert os.listdir(spool) == []


def test_json_holds_the_feed(fed, icinga, to_icinga):
    icinga.services.discard(full_name("moving"))
    document = json.loads(fed(NAMES, *to_icinga, "--json").stdout)
    validate(document, "result")
    assert document["feed"] == {
        "scheduler": "icinga2",
        "place": icinga.url,
        "host": TENANT_NAME,
        "dry_run": False,
        "results": 4,
        "submitted": 3,
        "refused": [{"service": service("moving"), "reason": "no such service for this ApiUser"}],
        "failure": None,
        "notes": [],
    }
    assert (document["state"], len(document["reports"])) == ("WARNING", 4)


def test_json_of_a_feed_that_fails_and_of_a_dry_run(fed, spool, to_nagios):
    dry = json.loads(fed(NAMES[:2], *to_nagios, "--submit-dry-run", "--json").stdout)
    validate(dry, "result")
    assert f"service_description={service('healthy')}" in dry["feed"]["would_submit"]
    spool.chmod(0o757)
    failed = json.loads(fed(NAMES[:2], *to_nagios, "--json").stdout)
    validate(failed, "result")
    assert failed["feed"]["failure"]["cause"] == f"{spool} is open to all users (mode 0757)"


def test_explain_lists_the_feed(fed, icinga, to_icinga):
    run = fed(NAMES, *to_icinga, "--explain", "--json")
    document = json.loads(run.stdout)
    assert icinga.asked == []
    port = int(icinga.url.rpartition(":")[2])
    assert [one["purpose"] for one in document["hosts"] if one["port"] == port] == [
        "Icinga's API, for the feed"
    ]
    (section,) = [one for one in document["sections"] if one["title"] == "feed"]
    told = {entry["name"]: entry["text"] for entry in section["entries"]}
    assert told["scheduler"] == f"Icinga at {icinga.url}"
    assert told["host"] == TENANT_NAME
    assert told["services"] == ", ".join(map(service, NAMES))
    assert told["permission"] == "actions/process-check-result, and no other"
    assert told["secret"] == f"submit password from {icinga.password_file}"
    assert PASSWORD not in run.stdout


def test_frequency_counts_for_each_service(fed, spool, to_nagios):
    """Of a service that is well the diagnosis comes every third time, of one that is not always."""

    def told():
        for path in spool.iterdir():
            path.unlink()
        fed(NAMES[:2], *to_nagios, "--diagnosis-frequency=3:1")
        found = spooled(spool)
        return ["\\n[" in found[service(name)]["output"] for name in NAMES[:2]]

    assert [told() for _ in range(4)] == [[True, True], [False, True], [False, True], [True, True]]

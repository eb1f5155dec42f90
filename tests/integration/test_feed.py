"""One run that feeds the services of a real Icinga 2 and of a real Nagios 4: what they show is what
a run for each mailbox alone says.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import trustme

from ..conftest import ROOT
from ..support.masks import measured
from ..tenant import exchange
from ..tenant.directory import TENANT_NAME
from . import test_icinga2_zones as zoned
from .icinga2 import Node, literal
from .laboratory import USER, as_user, environment, owned
from .nagios import DEBIAN, Nagios
from .practice import address, by_hand

ICINGA, NAGIOS = ROOT / "icinga-templates/icinga2", ROOT / "icinga-templates/nagios"

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

#: 300 mailboxes: three are broken, one is called otherwise by the scheduler, one it does not know.
BROKEN = ("offline", "moving", "disabled")
WELL = tuple(f"fed-{number:03d}" for number in range(1, 298))
RENAMED, STRANGER = WELL[10], WELL[20]
MAILBOXES = (*WELL, *BROKEN)
KNOWN = tuple(name for name in MAILBOXES if name not in (RENAMED, STRANGER))

#: Those that make them a thousand, for a run in whose course Icinga is reloaded.
MORE = tuple(f"fed-{number:03d}" for number in range(298, 998))

USER_NAME, PASSWORD = "feed", "feed-of-the-laboratory"

#: The user that docs/scale-out.md has set up.
API_USER = f"""
object ApiUser "{USER_NAME}" {{
  password = "{PASSWORD}"
  permissions = [
    {{
      permission = "actions/process-check-result"
      filter = {{{{ service.vars.mapi_fed == true }}}}
    }}
  ]
}}
"""


@pytest.fixture(scope="module", autouse=True)
def mailboxes():
    """So many mailboxes, in the practice tenant."""
    row = exchange.MAILBOXES["many-001"]
    exchange.MAILBOXES.update(dict.fromkeys((*WELL, *MORE), row))
    yield
    for name in (*WELL, *MORE):
        del exchange.MAILBOXES[name]


@pytest.fixture(scope="module")
def plugins(lab):
    """A directory of plugins: the check from this source, and what Nagios has beside it."""
    directory = owned(lab.directory / "plugins")
    shutil.copytree(ROOT / "check_mapi_connectivity", directory / "source/check_mapi_connectivity")
    program = directory / "check_mapi_connectivity"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={directory / 'source'} "
        f'exec {sys.executable} -m check_mapi_connectivity "$@"\n'
    )
    program.chmod(0o755)
    (directory / "check_dummy").symlink_to("/usr/lib/nagios/plugins/check_dummy")
    return directory


@pytest.fixture(scope="module")
def options(practice):
    """Command line of the practice tenant, as words."""
    found = {**practice.variables(), "mapi_method": "cmdlet"}
    return [f"--{name[5:].replace('_', '-')}={value}" for name, value in found.items()]


@pytest.fixture(scope="module")
def listed(lab):
    """A file with all mailboxes."""
    path = lab.directory / "mailboxes"
    path.write_text("".join(f"{address(name)}\n" for name in MAILBOXES))
    return path


@pytest.fixture(scope="module")
def fed(plugins, options, listed):
    """`fed(*arguments)`: one run for all mailboxes, as the scheduler's user."""

    def run(*arguments):
        program = plugins / "check_mapi_connectivity"
        file = f"--mailbox-file={listed}"
        return by_hand(program, *options, file, "--concurrency=8", "--timeout=50", *arguments)

    return run


@pytest.fixture(scope="module")
def alone(plugins, options, practice, zygote):
    """Mailbox -> state, first line and performance data of a run for it alone.

    Those that are well differ in their names; some of them are run, the first for the others.
    """
    variables = environment(USER, {"PYTHONPATH": ROOT})
    found = {}
    with open("/dev/null", "rb") as nothing:
        for name in (*KNOWN[:250:50], *BROKEN):
            words = [*options, "-m", address(name)]
            code, out, _ = zygote.run(words, variables, nothing.fileno(), 60)
            line, _, perfdata = out.decode().partition("\n")[0].partition(" | ")
            found[name] = told(code, line, perfdata)
    for name in KNOWN:
        code, line, perfdata = found[KNOWN[0]]
        found.setdefault(name, (code, line.replace(KNOWN[0], name), perfdata))
    # The cache is the scheduler's user's: what root has made there is in his way.
    shutil.rmtree(practice.material.directory / "cache")
    owned(practice.material.directory / "cache").chmod(0o700)
    return found


def told(code, line, perfdata):
    """The same of any run: what was measured is left out, and what a kept connection saves. Nagios
    keeps no semicolon.
    """
    line = re.sub(r"in [0-9.]+s \(", "in #s (", line).replace(";", ":")
    return code, line, measured(re.sub(r"(time_\w+)=[0-9.]+s", r"\1=#s", perfdata))


def host(practice, names, name="o365", **variables):
    """A Host object whose mailboxes are fed."""
    own = {"mapi_tenant": TENANT_NAME, "mapi_submit": "icinga2", **variables}
    lines = "".join(f"  vars.{key} = {literal(value)}\n" for key, value in own.items())
    settings = {address(one): {} for one in names}
    lines += f"  vars.mapi_mailboxes = {literal(settings)}\n"
    return f'object Host "{name}" {{\n  import "mapi-tenant"\n{lines}}}\n'


def service(name):
    return f"mapi {address(name)}"


@pytest.fixture(scope="module")
def node(lab, plugins, practice):
    """Icinga 2 with the shipped templates, running."""
    node = Node(lab, plugins, "feeding", trustme.CA())
    for name in ("check_mapi_connectivity.conf", "templates.conf", "feed.conf"):
        node.include(ICINGA / name)
    node.configuration += API_USER + host(practice, [*KNOWN, *MORE, "known-by-another-name"])
    node.said = node.validate()
    node.start()
    node.daemon.wait(lambda: node.ask("status"), "the API listens")
    return node


@pytest.fixture(scope="module")
def to_icinga(lab, node):
    """The options for it."""
    password = lab.directory / "feed-password"
    password.write_text(f"{PASSWORD}\n")
    shutil.chown(password, "root", USER)
    password.chmod(0o640)
    return [
        "--submit=icinga2",
        f"--submit-url=https://127.0.0.1:{node.port}",
        f"--submit-user={USER_NAME}",
        f"--submit-password-file={password}",
        f"--submit-ca-file={node.directory / 'lib/certs/ca.crt'}",
        "--submit-host=o365",
        "--submit-service=mapi {mailbox}",
    ]


def shown(node, host="o365"):
    """Mailbox -> what Icinga shows of its service."""
    found = {}
    for one in node.ask("objects/services"):
        result = one["attrs"]["last_check_result"]
        if result and one["attrs"]["host_name"] == host:
            name = one["attrs"]["name"].partition(" ")[2].partition("@")[0]
            line = result["output"].partition("\n")[0]
            found[name] = told(int(result["state"]), line, " ".join(result["performance_data"]))
    return found


def test_the_configuration_is_clean(node):
    assert [line for line in node.said.split("\n") if "warning" in line or "critical" in line] == []


def test_each_service_of_icinga_shows_what_a_run_alone_says(node, fed, to_icinga, alone):
    run = fed(*to_icinga)
    assert (run.code, run.stderr) == (1, "")
    assert run.line == (
        f"MAPI WARNING - 2 of 300 results refused, {service(RENAMED)}: no such service for this "
        "ApiUser"
    )
    assert re.search(r" submitted=298 refused=2$", run.stdout.split("\n", 1)[0])
    assert shown(node) == alone
    assert {name: STATES[alone[name][0]] for name in BROKEN} == {
        "offline": "CRITICAL",
        "moving": "WARNING",
        "disabled": "CRITICAL",
    }


#: What a process says that has taken over.
STARTED = "Activated all objects."


#: Seconds from the start of a run to the reload: one of them is in the midst of its results, whatever
#: the machine.
MOMENTS = (0.6, 0.3, 0.9, 1.2, 1.6, 2.2)


def test_no_result_of_a_thousand_is_lost_in_a_reload(lab, node, plugins, options, to_icinga, alone):
    thousand = lab.directory / "thousand"
    thousand.write_text("".join(f"{address(name)}\n" for name in (*MAILBOXES, *MORE)))
    words = [plugins / "check_mapi_connectivity", *options, f"--mailbox-file={thousand}"]
    words += ["--concurrency=8", "--timeout=50", *to_icinga]
    code, line, perfdata = alone[KNOWN[0]]
    more = {name: (code, line.replace(KNOWN[0], name), perfdata) for name in MORE}
    for moment in MOMENTS:
        out, old = reloaded(node, words, moment)
        assert " submitted=998 refused=2" in out.split("\n", 1)[0], out[:2000]
        assert old == []
        assert shown(node) == {**alone, **more}
        if "Icinga was restarted or reloaded meanwhile" in out:
            return
    raise AssertionError("no reload met a run")


def reloaded(node, words, moment):
    """What a run says in whose course Icinga is reloaded, and the results that are older than it."""
    began, reloads = time.time(), node.daemon.log.read_text().count("Reload done")
    run = subprocess.Popen(
        as_user(USER, map(str, words)), env=environment(USER, {}), stdout=subprocess.PIPE, cwd="/"
    )
    time.sleep(moment)
    node.daemon.process.send_signal(signal.SIGHUP)
    out = run.communicate(timeout=60)[0].decode()

    def over():
        """The old process has ended."""
        said = node.daemon.log.read_text()
        return said.count("Reload done") == reloads + 1 and said.count(STARTED) == reloads + 2

    node.daemon.wait(over, "Icinga has been reloaded")
    node.daemon.wait(lambda: node.ask("status"), "Icinga answers")
    results = [one["attrs"]["last_check_result"] for one in node.ask("objects/services")]
    return out, [one for one in results if one and one["execution_start"] < began]


def test_icinga_that_is_away_for_a_moment(node, plugins, options, listed, to_icinga):
    node.daemon.stop()
    words = [plugins / "check_mapi_connectivity", *options, f"--mailbox-file={listed}", *to_icinga]
    run = subprocess.Popen(
        as_user(USER, map(str, words)), env=environment(USER, {}), stdout=subprocess.PIPE, cwd="/"
    )
    time.sleep(3)
    node.start()
    out = run.communicate(timeout=60)[0].decode()
    assert " submitted=298 refused=2" in out.split("\n", 1)[0], out[:2000]


def test_an_api_user_that_may_not(node, fed, to_icinga):
    words = [word for word in to_icinga if not word.startswith("--submit-user")]
    run = fed(*words, "--submit-user=nobody")
    assert (run.code, run.line) == (
        2,
        "MAPI CRITICAL - Icinga knows no user nobody with this password or certificate (HTTP 401); "
        "0 of 300 results submitted",
    )


#: The shipped templates with other times: seconds for minutes.
HASTY = (
    ("check_interval = 15m", "check_interval = 4s"),
    ("retry_interval = 15m", "retry_interval = 4s"),
)


def test_a_feed_that_stops_makes_services_unknown(lab, plugins, practice, options, to_icinga):
    """Not before the time that the template says, and a new service not at once."""
    node = Node(lab, plugins, "stale", trustme.CA())
    text = (ICINGA / "templates.conf").read_text()
    for shipped, hasty in HASTY:
        assert shipped in text
        text = text.replace(shipped, hasty)
    node.write("templates.conf", text)
    node.include(ICINGA / "check_mapi_connectivity.conf")
    node.configuration = node.configuration.replace("enable_service_checks = false", "")
    node.configuration += f'include "{node.directory / "conf/templates.conf"}"\n'
    # What its own sign-in and feed say is no subject here.
    node.configuration += API_USER + host(practice, WELL[:1])
    node.start()

    def result():
        return (node.service("o365", service(WELL[0])) or {}).get("last_check_result")

    first = node.daemon.wait(result, "the service was looked at")
    assert (first["state"], first["output"]) == (
        0,
        "No result of the feed yet; wait for the first within 4 s",
    )
    stale = node.daemon.wait(lambda: (found := result())["state"] == 3 and found, "it is stale")
    assert stale["output"] == "No result of the feed within 4 s; see the service mapi feed"
    # Icinga begins checks of its own a little early.
    assert stale["execution_start"] - first["execution_start"] > 2
    to = [
        f"--submit-url=https://127.0.0.1:{node.port}" if "-url" in word else word
        for word in to_icinga
    ]
    to = [word for word in to if "ca-file" not in word]
    to += [f"--submit-ca-file={node.directory / 'lib/certs/ca.crt'}", "-m", address(WELL[0])]
    assert by_hand(plugins / "check_mapi_connectivity", *options, *to).code == 0
    fresh = node.daemon.wait(lambda: (found := result())["state"] == 0 and found, "it is fed")
    assert fresh["output"].startswith(f"MAPI OK - {address(WELL[0])}: ")
    again = node.daemon.wait(
        lambda: (found := result())["state"] == 3 and found, "it is stale again"
    )
    assert again["execution_start"] - fresh["schedule_end"] > 3.9


#: Services whose names are as odd as Icinga allows; none of them is fed by mistake.
ODD = ("100% {mailbox}", "a+b;c|d {mailbox}", 'it\'s \\ "{mailbox}"')


def test_odd_names_and_a_client_certificate(lab, plugins, options):
    """And a name that every service would answer to, if names were filters."""
    authority = trustme.CA()
    node = Node(lab, plugins, "odd-names", authority)
    node.include(ICINGA / "check_mapi_connectivity.conf")
    node.configuration += API_USER.replace(f'password = "{PASSWORD}"', 'client_cn = "feeder"')
    node.configuration += 'object Host "o365" { check_command = "dummy" }\n'
    for pattern in ODD:
        name = literal(pattern.replace("{mailbox}", address(WELL[0])))
        own = 'check_command = "mapi_no_result"\n  host_name = "o365"\n  vars.mapi_fed = true'
        node.configuration += f"object Service {name} {{\n  {own}\n}}\n"
    node.start()
    node.daemon.wait(lambda: node.ask("status"), "the API listens")
    certificate = lab.directory / "feeder.pem"
    made = authority.issue_cert("feeder", common_name="feeder")
    made.private_key_and_cert_chain_pem.write_to_path(certificate)
    shutil.chown(certificate, "root", USER)
    certificate.chmod(0o640)
    to = [
        "--submit=icinga2",
        f"--submit-url=https://127.0.0.1:{node.port}",
        f"--submit-certificate={certificate}",
        f"--submit-ca-file={node.directory / 'lib/certs/ca.crt'}",
        "--submit-host=o365",
        f"-m={address(WELL[0])}",
    ]
    for number, pattern in enumerate((*ODD, "*"), 1):
        words = [*options, *to, f"--submit-service={pattern}"]
        run = by_hand(plugins / "check_mapi_connectivity", *words)
        known = pattern in ODD
        assert run.stdout.split("\n", 1)[0].endswith(
            f" submitted={int(known)} refused={int(not known)}"
        ), run.stdout
        results = [one["attrs"]["last_check_result"] for one in node.ask("objects/services")]
        assert sum(one is not None for one in results) == min(number, len(ODD))


#: Other nodes than those of `zoned` in the same laboratory.
MASTER, SATELLITE = "master.northwind.com", "satellite.northwind.com"

#: Zone of a host -> the node to which its results are given.
ZONES = {"in-site": MASTER, "in-site-too": SATELLITE}


@pytest.fixture(scope="module")
def nodes(lab, plugins, practice):
    """Master and satellite by name, running and connected."""
    authority, zones = trustme.CA(), (ICINGA / "zones.conf").read_text()
    zones, dials = (text.replace("contoso.com", "northwind.com") for text in (zones, zoned.DIALS))
    satellite = Node(lab, plugins, SATELLITE, authority, "site", listens=True)
    satellite.configuration += API_USER + zones.replace(dials, "")
    master = Node(lab, plugins, MASTER, authority, "master")
    there = f'  host = "127.0.0.1"\n  port = {satellite.port}\n'
    master.configuration += API_USER + zones.replace(dials, there)
    for name in ("check_mapi_connectivity.conf", "templates.conf", "feed.conf"):
        master.write(f"zones.d/global-templates/{name}", (ICINGA / name).read_text())
    master.write("zones.d/master/hosts.conf", host(practice, KNOWN, "in-master"))
    sites = host(practice, KNOWN, "in-site") + host(practice, KNOWN, "in-site-too")
    master.write("zones.d/site/hosts.conf", sites)
    satellite.start()
    satellite.daemon.wait(lambda: satellite.ask("status"), "the satellite listens")
    master.start()
    satellite.daemon.wait(
        lambda: (
            satellite.service("in-site", service(KNOWN[0])) and zoned.connected(satellite, MASTER)
        ),
        "the satellite has its configuration and is connected",
    )
    return {MASTER: master, SATELLITE: satellite}


@pytest.mark.parametrize("name", ZONES)
def test_results_reach_all_nodes_that_have_the_object(nodes, fed, to_icinga, alone, name):
    """Given to the master or to the satellite, whose zone it is."""
    node = nodes[ZONES[name]]
    changed = {
        "--submit-url": f"https://127.0.0.1:{node.port}",
        "--submit-ca-file": node.directory / "lib/certs/ca.crt",
        "--submit-host": name,
    }
    to = [word for word in to_icinga if word.partition("=")[0] not in changed]
    run = fed(*to, *(f"{option}={value}" for option, value in changed.items()))
    assert run.stdout.split("\n", 1)[0].endswith(" submitted=298 refused=2"), run.stdout
    for one in nodes.values():
        one.daemon.wait(lambda one=one: shown(one, name) == alone, f"{one.name} shows all")


def test_the_satellite_does_not_take_what_is_the_masters(nodes, fed, to_icinga):
    node = nodes[SATELLITE]
    to = [word for word in to_icinga if "-url" not in word and "ca-file" not in word]
    ca = node.directory / "lib/certs/ca.crt"
    url = f"https://127.0.0.1:{node.port}"
    run = fed(*to, f"--submit-url={url}", f"--submit-ca-file={ca}", "--submit-host=in-master")
    assert run.stdout.split("\n", 1)[0].endswith(" submitted=0 refused=300")


def define(kind, **members):
    """An object, as an administrator writes it."""
    return f"define {kind}{{\n" + "".join(f"  {k}  {v}\n" for k, v in members.items()) + "}\n"


@pytest.fixture(scope="module")
def nagios(lab, plugins, practice, options, listed):
    """Nagios 4 with the shipped templates, running; its feed is a check of its own."""
    section = lab.directory / "feeding.ini"
    section.write_text(practice.section())
    shutil.chown(section, "root", USER)
    section.chmod(0o640)
    spool = "_MAPI_CHECK_RESULTS"
    text = define(
        "host",
        use="mapi-tenant",
        host_name="o365",
        contact_groups="admins",
        _MAPI_TENANT=TENANT_NAME,
        _MAPI_MAILBOX_FILE=listed,
        **{spool: "@SPOOL@"},
    )
    for name in [*KNOWN, "known-by-another-name"]:
        text += define(
            "service", use="mapi-fed-mailbox", host_name="o365", service_description=service(name)
        )
    text += define("service", use="mapi-feed", host_name="o365", service_description="mapi feed")
    files = [NAGIOS / "mapi_connectivity.cfg", NAGIOS / "servicetemplates.cfg"]
    nagios = Nagios(lab, plugins, [*DEBIAN, *files], text)
    objects = nagios.directory / "objects.cfg"
    objects.write_text(text.replace("@SPOOL@", str(nagios.directory / "spool")))
    with open(nagios.directory / "nagios.cfg", "a") as file:
        file.write("check_result_reaper_frequency=1\n")
    nagios.said = nagios.validate()
    nagios.start(MP_CONFIG_FILE=section)
    return nagios


def test_each_service_of_nagios_shows_what_a_run_alone_says(nagios, alone):
    """The feed is begun by Nagios itself, and ends as its own service."""
    assert re.search(r"Total Errors: +0\n", nagios.said)
    own = nagios.outcome("o365", "mapi feed")
    assert (own.code, own.line) == (
        0,
        "MAPI OK - 300 mailboxes tested, 300 results submitted, 3 not OK (worst CRITICAL: "
        f"{address(BROKEN[0])})",
    )

    def kept():
        found = nagios.services()
        there = [name for name in KNOWN if ("o365", service(name)) in found]
        return len(there) == len(KNOWN) and found

    found = nagios.daemon.wait(kept, "all services have a result")
    shown = {name: found["o365", service(name)] for name in KNOWN}
    assert {
        name: told(int(one["current_state"]), one["plugin_output"], one["performance_data"])
        for name, one in shown.items()
    } == {name: (code, line, quiet(perfdata)) for name, (code, line, perfdata) in alone.items()}
    log = (nagios.directory / "nagios.log").read_text()
    for name in (RENAMED, STRANGER):
        assert "Unable to find service" in log and service(name) in log


def quiet(perfdata):
    """Without the limits of the certificate, which the template switches off."""
    return perfdata.replace("certificate_days=#;30:;7:", "certificate_days=#")

"""What all tests share: the practice tenant, a way to run the check as a scheduler does, and a
guard against what tests must not do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.credentials import CertificateFacts, CertificateFiles
from check_mapi_connectivity.base.vocabulary import DEFAULT_THRESHOLDS, KINDS, prefixes
from check_mapi_connectivity.commandline import given

from .guard.hook import VARIABLE, Guard
from .support import carriers, keys, masks
from .support.options import BY_CERTIFICATE, made
from .support.sweeps import left_out
from .support.ways import Way, counters
from .support.zygote import Zygote
from .tenant import Tenant
from .tenant.admin_client import Administrator
from .tenant.material import CLIENT_IDS, TENANT_NAME

ROOT = Path(__file__).resolve().parent.parent

#: Imported by nobody but Python itself, as it starts.
collect_ignore = ["guard/sitecustomize.py"]

# On a busy machine an example takes any time. `make test` tries a few examples, `make test-all`
# more, both the same each time; `make fuzz` and HYPOTHESIS=search look for new ones.
settings.register_profile("patient", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("few", deadline=None, max_examples=8, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=400, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS", "few"))

#: Enough for the option parser; nothing reads further.
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

#: Seconds a run may take beyond its deadline on a busy machine.
GRACE = 4.0


carriers.force()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Of many like cases some are enough, see `support.sweeps`."""
    out = left_out(items)
    if out:
        config.hook.pytest_deselected(items=out)
        gone = set(out)
        items[:] = [item for item in items if item not in gone]


@pytest.fixture(autouse=True, scope="session")
def interruptible():
    """A shell in the background has its children ignore SIGINT, which those of the tests must not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def known_keys():
    """No test pays for a key that another has read."""
    undo = keys.read_once()
    yield
    undo()


@pytest.fixture(autouse=True, scope="session")
def no_authorities():
    """No test reads the hundred authorities of the system, who vouch for nobody here."""
    before = {name: os.environ.get(name) for name in keys.NO_AUTHORITIES}
    os.environ.update(keys.NO_AUTHORITIES)
    yield
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value


#: Directories of the installed product: no test makes or removes one, or changes the first; the
#: second may be in use.
INSTALLED = ("/etc/check_mapi_connectivity", "/var/cache/check_mapi_connectivity")

#: Where `sitecustomize` lies, which watches the processes that tests start.
GUARD = Path(__file__).parent / "guard"


@pytest.fixture(autouse=True, scope="session")
def guard(tmp_path_factory):
    """Watches this process and those that it starts."""
    base = tmp_path_factory.getbasetemp()
    written = [ROOT / "tests"] if os.environ.get("GOLDEN") == "write" else []
    watching = Guard(base, ROOT / ".hypothesis", *written).install()
    names = (VARIABLE, "PYTHONPATH")
    before = {name: os.environ.get(name) for name in names}
    os.environ[VARIABLE] = str(base)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), before["PYTHONPATH"]]))
    yield watching
    watching.watches = False
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value


def _installed():
    """What is there of the installed product, and when its configuration was changed."""
    there = [path for path in INSTALLED if os.path.exists(path)]
    return there, os.stat(INSTALLED[0]).st_mtime_ns if INSTALLED[0] in there else None


@pytest.fixture(autouse=True)
def guarded(guard):
    """Fails a test that has written outside of the directories for tests, or has used the network
    beyond loopback, by itself or by a process that it started.
    """
    before = _installed()
    yield
    assert _installed() == before, f"one of {INSTALLED} is not as it was"
    if os.path.exists(guard.notes):
        tried = Path(guard.notes).read_text()
        os.unlink(guard.notes)
        pytest.fail(f"a test leaves its room:\n{tried}")


@pytest.fixture(scope="session")
def running_tenant(tmp_path_factory):
    """One practice tenant for the whole session."""
    tenant = Tenant(tmp_path_factory.mktemp("tenant")).start()
    yield tenant
    tenant.stop()


@pytest.fixture(scope="session")
def running_lab(running_tenant):
    """One lab of proxies for the whole session, or a skip that says what is missing."""
    from .tenant_itself.test_squid import start

    with start(running_tenant) as lab:
        yield lab


@pytest.fixture
def tenant(running_tenant):
    """The practice tenant, all faults off, counters at zero, and nothing in the cache of its
    `plugin.ini`: a token that another test left there would change what a run asks for.
    """
    running_tenant.reset()
    shutil.rmtree(running_tenant.material.directory / "cache", ignore_errors=True)
    return running_tenant


@dataclass
class Outcome:
    """What one run of the check left behind."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def line(self):
        """The first line without performance data."""
        return self.stdout.split("\n", 1)[0].split(" | ")[0]

    @property
    def perfdata(self):
        """The performance data, measured times replaced by `#`: what is the same in every run."""
        text = self.stdout.split("\n", 1)[0].partition(" | ")[2]
        return masks.measured(text)

    @property
    def diagnosis(self):
        """The long output."""
        return self.stdout.partition("\n")[2]

    @property
    def words(self):
        """The whole output without its lines, which break long texts."""
        return " ".join(self.stdout.split())

    def values(self):
        """Label -> value text."""
        return dict(
            re.findall(r"(\w+)=([^; ]+)", self.stdout.split("\n", 1)[0].partition(" | ")[2])
        )


#: Variables that every process needs of the one that starts it: where programs lie, and the clock
#: that the tests go by.
INHERITED = (
    "PATH",
    "LD_LIBRARY_PATH",
    "TZ",
    "LD_PRELOAD",
    "FAKETIME",
    "FAKETIME_DONT_FAKE_MONOTONIC",
)


@pytest.fixture
def environment(tmp_path):
    """A scheduler's environment: little, and no proxy or CA variable of the person who runs the
    tests.
    """
    keep = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **keep,
        "PYTHONPATH": f"{GUARD}:{ROOT}",
        VARIABLE: os.environ[VARIABLE],
        "HOME": str(tmp_path),
        "LC_ALL": "C",
        **keys.NO_AUTHORITIES,
    }


@pytest.fixture(scope="session")
def zygote():
    """Forks runs of the check."""
    running = Zygote()
    yield running
    running.stop()


#: Variables that Python and the libraries in C look at when they start.
EARLY = ("PYTHON", "LD_", "OPENSSL_")


@pytest.fixture
def check(environment, zygote):
    """Run the check as a process of its own: `check(*arguments, **environment)` -> Outcome.

    It is forked from one that has the libraries loaded, unless `started` or what it is given wants
    a process that starts from nothing.
    """

    def run(*arguments, stdin=subprocess.DEVNULL, before=(), limit=60, started=False, **variables):
        begun = time.monotonic()
        late = stdin == subprocess.DEVNULL and not before and not started
        if late and not any(name.startswith(EARLY) for name in variables):
            words = {name: str(value) for name, value in variables.items()}
            with open(os.devnull, "rb") as silent:
                code, out, err = zygote.run(
                    arguments, {**environment, **words}, silent.fileno(), limit
                )
            return Outcome(code, out.decode(), err.decode(), time.monotonic() - begun)
        done = subprocess.run(
            [*before, sys.executable, "-m", "check_mapi_connectivity", *map(str, arguments)],
            env={**environment, **{name: str(value) for name, value in variables.items()}},
            cwd="/",
            capture_output=True,
            stdin=stdin,
            timeout=limit,
            check=False,
        )
        seconds = time.monotonic() - begun
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode(), seconds)

    return run


@pytest.fixture
def arranged(tenant, tmp_path, check, monkeypatch):
    """The set-up command before an empty practice tenant, with an administrator who enters every
    code.
    """
    from .support.setting_up import Arranged

    yield Arranged(tenant, tmp_path, check, monkeypatch)
    assert tenant.crashes == []


@pytest.fixture
def cmdlet(check, tenant, tmp_path):
    """The check by certificate against the practice tenant, with a cache of its own."""

    def run(mailbox="healthy", *arguments, section="cmdlet", **keywords):
        address = mailbox if "@" in mailbox else f"{mailbox}@practice.example"
        options = (
            f"--extra-opts={section}@{tenant.ini}",
            "-m",
            address,
            "--cache-dir",
            tmp_path / "cache",
        )
        return check(*options, *arguments, **keywords)

    return run


class Listed:
    """What one run of method mapi left behind, measured times replaced by `#`."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.code = outcome.code
        self.diagnosis, self.words = outcome.diagnosis, outcome.words
        self.line = re.sub(r"listed in [0-9.]+s", "listed in #s", outcome.line)
        text = re.sub(r"(connection_time=)[0-9.]+s", r"\1#s", outcome.perfdata)
        self.perfdata = re.sub(r"(time_server=)[0-9.]+s", r"\1#s", text)


@pytest.fixture
def mapi(check, tenant, tmp_path):
    """The check by MAPI over HTTP against the practice tenant: `mapi(mailbox, *arguments)`.

    The mailbox's own user logs on, unless `user` is another. At the end no session may be open but
    those that a test says are left, and the tenant must have found nothing odd.
    """

    def run(mailbox="healthy", *arguments, user=None, section="mapi", **keywords):
        address = mailbox if "@" in mailbox else f"{mailbox}@practice.example"
        name = address if user is None else user
        options = ("-m", address, "-l", name, "--cache-dir", tmp_path / "cache")
        before = len(tenant.requests), tenant.connections
        listed = Listed(
            check(f"--extra-opts={section}@{tenant.ini}", *options, *arguments, **keywords)
        )
        listed.requests = [path for _, path, _, _ in tenant.requests[before[0] :]]
        listed.connections = tenant.connections - before[1]
        return listed

    run.left = 0
    run.remarks = []
    yield run
    assert tenant.open_sessions() == run.left
    assert tenant.crashes == []
    assert tenant.remarks == run.remarks


def mapi_perfdata(
    connectivity=1, connection="#s", discovery="#s", service="kept", server="#s", items="8"
):
    """The whole performance data of a mapi run, as `Listed.perfdata` shows it."""
    way = {
        "kept": "time_dns=0s time_tcp=0s time_proxy=0s time_tls=0s",
        "reached": "time_dns=#s time_tcp=#s time_proxy=0s time_tls=#s",
        "never": "time_dns=U time_tcp=U time_proxy=0s time_tls=U",
    }
    way["connect"] = f"{way['kept']} time_connect=#s time_execute=U time_disconnect=U"
    for name in ("kept", "reached"):
        way[name] += " time_connect=#s time_execute=#s time_disconnect=#s"
    way["never"] += " time_connect=U time_execute=U time_disconnect=U"
    return (
        f"mapi_connectivity={connectivity};;;0;1 connection_time={connection} time_token=0s "
        f"time_autodiscover={discovery} {way.get(service, service)} time_server={server} "
        f"total_time=#s inbox_items={items}"
    )


def perfdata(
    connectivity=0, connection="U", token="#s", server="U", service="reached", days="#;30:;7:"
):
    """The whole performance data of a cmdlet run, as `Outcome.perfdata` shows it."""
    phases = {
        "kept": "time_dns=0s time_tcp=0s time_proxy=0s time_tls=0s time_request=#s",
        "reached": "time_dns=#s time_tcp=#s time_proxy=0s time_tls=#s time_request=#s",
        "never": "time_dns=U time_tcp=U time_proxy=0s time_tls=U time_request=U",
        # Stopped by a proxy.
        "barred": "time_dns=U time_tcp=U time_proxy=U time_tls=U time_request=U",
        "stuck": "time_dns=0s time_tcp=0s time_proxy=0s time_tls=0s time_request=U",
    }.get(service, service)
    return (
        f"mapi_connectivity={connectivity};;;0;1 connection_time={connection} "
        f"time_token={token} {phases} "
        f"time_server={server} total_time=#s certificate_days={days}"
    )


@pytest.fixture
def options():
    """`options(**changes)` -> Options of a run that nobody starts; thresholds are the defaults of
    its mailboxes and methods, by certificate.
    """

    def make(**changes):
        values = {
            "mailboxes": ("probe@contoso.com",),
            "methods": ("cmdlet",),
            "archive": False,
            "tenant": TENANT_NAME,
            "cloud": CLOUDS["worldwide"],
            "authority_url": "https://127.0.0.1:1",
            "exchange_url": "https://127.0.0.1:1",
            "graph_url": "https://127.0.0.1:1",
            "client_id": CLIENT_IDS["monitor"],
            "credential": CertificateFiles("/nowhere.pem", b"-----BEGIN CERTIFICATE-----"),
            "proxy": None,
            "no_proxy": "",
            "ca_files": (),
            "min_tls": "1.2",
            "ip_version": None,
            "states": dict(KINDS),
            "timeout": 30.0,
            "timeout_state": "CRITICAL",
            "diagnosis": True,
            "verbose": 0,
            "json": False,
            "cache_dir": None,
            **changes,
        }
        prefix = prefixes(values["mailboxes"], values["methods"])
        thresholds = {
            prefix[test] + label: DEFAULT_THRESHOLDS.get(label, (None, None))
            for test in prefix
            for label in BY_CERTIFICATE[test[1]]
        }
        return made(**{"thresholds": thresholds, **values})

    return make


@pytest.fixture
def facts():
    """Facts of a certificate with a year to live."""
    now = time.time()
    return CertificateFacts(
        "/etc/probe.pem", "CN=probe", now - 1e6, now + 365 * 86400, "A" * 40, "B" * 64
    )


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A directory with a certificate, and no configuration of this machine's."""
    monkeypatch.setattr(given, "TENANT_DIRECTORIES", str(tmp_path / "etc"))
    monkeypatch.setattr("check_mapi_connectivity.commandline.ini.PATHS", ())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.pem").write_text(PEM)
    return tmp_path


@pytest.fixture
def way(check, tenant, tmp_path):
    """The check by a section of `plugin.ini` with a cache of its own: `way(section, *arguments,
    **environment)` -> Way.
    """

    def run(section, *arguments, **keywords):
        before = counters(tenant)
        options = (f"--extra-opts={section}@{tenant.ini}", "--cache-dir", tmp_path / "cache")
        return Way(check(*options, *arguments, **keywords), tenant, before)

    yield run
    assert tenant.open_sessions() == 0
    assert (tenant.crashes, tenant.remarks) == ([], [])


@pytest.fixture
def admin(tenant):
    """A Global Administrator."""
    admin = Administrator(tenant)
    yield admin
    admin.close()
    assert tenant.crashes == []


@pytest.fixture
def somebody(tenant):
    """`somebody(*roles)`: another administrator."""
    made = []

    def make(*roles, **how):
        made.append(Administrator(tenant, *roles, name=f"admin-{len(made)}", **how))
        return made[-1]

    yield make
    for one in made:
        one.close()

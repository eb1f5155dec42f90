"""`python -m tests.tenant` serves the practice tenant in the foreground; `python -m tests.tenant demo` shows the check at work."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from . import Tenant, autodiscover, bearer, exchange, graph, mapi_faults, nspi_faults
from .administration import ROLES
from .directory import CLIENT_IDS, DIRECTORIES, DOMAIN, MANY, OPERATOR, ROLE_GROUP, TENANT_NAME
from .faults import (
    BEARER_PLACES,
    HANDSHAKE,
    MAILBOX_PLACES,
    MAPI_PLACES,
    NAMES,
    NSPI_PLACES,
    PLACES,
)
from .refusals import USER_REFUSALS
from .replication import KINDS

DIRECTORY = ".tenant"

#: What the demo shows: ini section, mailbox and further options.
SHOWN = (
    ("cmdlet", "healthy", []),
    ("cmdlet", "offline", []),
    ("cmdlet", "healthy", ["--diagnosis", "off"]),
    ("mapi", "healthy", []),
    ("methods", "healthy", []),
)


def command(name="check_mapi_connectivity", module="check_mapi_connectivity"):
    """The check, or another command of the package, as this interpreter runs it."""
    script = Path(sys.executable).parent / name
    return [str(script)] if script.exists() else [sys.executable, "-m", module]


def columns(words, indent="    ", width=78):
    """Words in lines of at most `width` characters."""
    lines, line = [], indent
    for word in words:
        if len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = indent
        line += f"{word} "
    return "\n".join([*lines, line.rstrip()])


def manual(tenant):
    """How to talk to the tenant."""
    check = " ".join(command())
    ini = os.path.relpath(tenant.ini)
    return f"""The practice tenant serves at {tenant.url}, managed identities at {tenant.imds_url},
until Ctrl-C. In another terminal, in this directory:

  {check} --extra-opts=cmdlet@{ini}
  {check} --extra-opts=cmdlet@{ini} -m offline@{DOMAIN}

Ways in, one ini section each:
{columns([line[1:-1] for line in tenant.ini.read_text().split(chr(10)) if line.startswith("[")])}

{_who(tenant)}
{_set_up(tenant)}
{_faults(tenant)}"""


def few(names):
    """Names without the many, which get one word."""
    return [name for name in names if name not in MANY]


def _who(tenant):
    there = tenant.material.directory
    apps = [f"{client} {name}" for name, client in CLIENT_IDS.items()]
    places = [f"{place.name} ({place.cloud.exchange})" for place in DIRECTORIES]
    return f"""Mailboxes, each @{DOMAIN}; any other is unknown. {MANY[0]} to {MANY[-1]} are healthy by
every method and listed in {os.path.relpath(there / "mailboxes")}.
  --method cmdlet:
{columns(few([*exchange.MAILBOXES, *exchange.REFUSED]))}
  --method graph, first those that are listed, then those that are refused:
{columns(few(graph.mailboxes(tenant)))}
{columns(graph.REFUSED)}
  --method mapi, Exchange on premises:
{columns(few(tenant.mapi.store.mailboxes))}
  Autodiscover's answer is odd; be somebody else when you ask for them:
{columns(autodiscover.NAMES)}
Users are the mailboxes of method mapi; the password of all is in {os.path.relpath(there / "password")}.
  {OPERATOR} may open all of {MANY[0]} to {MANY[-1]} by MAPI; these may run the cmdlet: {", ".join(ROLE_GROUP)}.
  Nobody listens at the federation server of federated-down. Refused with the right password:
{columns(USER_REFUSALS)}
App registrations for --client-id; the secret of all is in {os.path.relpath(there / "secret")}:
    {f"{os.linesep}    ".join(apps)}
Tenants for --tenant:
    {f"{os.linesep}    ".join(places)}
"""


def _curl(tenant):
    return f"curl -s --cacert {os.path.relpath(tenant.material.ca_file)}"


def _output(tenant):
    return os.path.relpath(tenant.material.directory / "set-up")


def set_up_words(tenant):
    """The set-up command for the empty tenant, word by word."""
    return [
        *command("check_mapi_connectivity_setup", "check_mapi_connectivity.setup"),
        f"--tenant={TENANT_NAME}",
        f"--mailbox=healthy@{DOMAIN}",
        *(f"--{name}-url={tenant.url}" for name in ("authority", "exchange", "graph")),
        f"--ca-file={os.path.relpath(tenant.material.ca_file)}",
        f"--output={_output(tenant)}",
        # Who runs checks on this machine cannot read the tenant's directory.
        *(["--owner=root"] if os.geteuid() == 0 else []),
    ]


def _set_up(tenant):
    words = " \\\n    ".join(set_up_words(tenant))
    check = " ".join(command())
    return f"""To be set up: for administrators the tenant has no app registration yet. The set-up command makes what the
check needs; with --status, --renew or --remove it shows, renews or removes it:
    {words}
It shows two codes. For each, somebody enters it, as Global Administrator or in other Entra roles:
    {_curl(tenant)} -X PUT {tenant.url}/switch/approve/CODE[/ROLE...]
  ROLE, with %20 for a blank: {", ".join(ROLES)}
Then:
    {check} --extra-opts={TENANT_NAME}@{_output(tenant)}/options.ini -m healthy@{DOMAIN}
What is created or granted from now on is seen by readers only after so many of their requests:
    {_curl(tenant)} -X PUT {tenant.url}/switch/late/KIND/REQUESTS
  KIND: {", ".join(KINDS)}
"""


def _faults(tenant):
    curl = _curl(tenant)
    return f"""Faults: switch one on for all requests or for the next TIMES (-1: all), for all mailboxes or for
one, and all off again:
    {curl} -X PUT {tenant.url}/switch/PLACE/FAULT[/TIMES[/MAILBOX]]
    {curl} -X DELETE {tenant.url}/switch
  PLACE: {", ".join(place for place in PLACES if place != "tls")}
  PLACE, where MAILBOX may follow: {", ".join(MAILBOX_PLACES)}
  FAULT:
{columns(NAMES)}
  At token and devicecode also aadsts-NUMBER or aadsts-NUMBER-STATUS: Entra's refusal.
  At admin one of cut-before-NUMBER and cut-after-NUMBER: of what an administrator asks of Graph and
  Exchange, the connection of that request is cut, before or after it is carried out.
  At {", ".join(MAPI_PLACES)}
  and {", ".join(NSPI_PLACES)} also one of
{columns(mapi_faults.NAMES)}
  At {", ".join(NSPI_PLACES)} also error-XXXXXXXX (ErrorCode), at nspi-resolvenames one of
{columns(nspi_faults.RESOLVING)}
  A 401 that offers Bearer, at {", ".join(BEARER_PLACES[:1])}, mapi-... and nspi-...:
{columns(bearer.CHALLENGES)}
  PLACE tls: one of {", ".join(HANDSHAKE)}; for one connection unless TIMES says more.
  Faults of token, discovery, realm, adfs and imds show with --no-cache only: a cached token needs no
  sign-in.
"""


def serve():
    """Serve until interrupted."""
    os.makedirs(DIRECTORY, mode=0o700, exist_ok=True)
    with open(f"{DIRECTORY}/lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"A practice tenant is running in {DIRECTORY} already.")
            return 1
        return run()


def run():
    """The tenant, until SIGINT or SIGTERM."""
    tenant = Tenant(DIRECTORY).start()
    print(manual(tenant), flush=True)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    tenant.stop()
    return 0


def demo():
    """A healthy mailbox with its diagnosis, a failing one, the healthy one again from the cached token, by MAPI over HTTP, and by two methods at once."""
    # Not in .tenant: there a tenant of `make tenant` may be serving.
    with tempfile.TemporaryDirectory(prefix="practice-") as directory:
        tenant = Tenant(directory).start()
        outcomes = []
        for section, mailbox, options in SHOWN:
            words = [
                *command(),
                f"--extra-opts={section}@{tenant.ini}",
                "-m",
                f"{mailbox}@{DOMAIN}",
                *options,
            ]
            print(
                "$ "
                + " ".join(os.path.relpath(word) if word == words[0] else word for word in words),
                flush=True,
            )
            outcomes.append(subprocess.run(words, check=False).returncode)
            print(end="" if options else "\n", flush=True)
        tenant.stop()
    return 0 if outcomes == [0, 2, 0, 0, 0] else 1


if __name__ == "__main__":
    sys.exit(demo() if sys.argv[1:] == ["demo"] else serve())

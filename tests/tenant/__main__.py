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

from . import Tenant, autodiscover, exchange, mapi_faults
from .faults import HANDSHAKE, MAPI_PLACES, NAMES, PLACES
from .material import CLIENT_IDS, DOMAIN

DIRECTORY = ".tenant"

#: What the demo shows: ini section, mailbox and further options.
SHOWN = (
    ("cmdlet", "healthy", []),
    ("cmdlet", "offline", []),
    ("cmdlet", "healthy", ["--diagnosis", "off"]),
    ("mapi", "healthy", []),
)


def command():
    """The check as this interpreter runs it."""
    script = Path(sys.executable).parent / "check_mapi_connectivity"
    return [str(script)] if script.exists() else [sys.executable, "-m", "check_mapi_connectivity"]


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
    sections = [line[1:-1] for line in tenant.ini.read_text().split("\n") if line.startswith("[")]
    curl = f"curl -s --cacert {os.path.relpath(tenant.material.ca_file)}"
    apps = [f"{client} {name}" for name, client in CLIENT_IDS.items()]
    return f"""The practice tenant serves at {tenant.url} until Ctrl-C. In another terminal:

  {check} --extra-opts=cmdlet@{ini}
  {check} --extra-opts=cmdlet@{ini} -m offline@{DOMAIN}

Ways in, one ini section each:
{columns(sections)}
Mailboxes, each @{DOMAIN}; any other is unknown:
{columns([*exchange.MAILBOXES, *exchange.REFUSED])}
Mailboxes of Exchange on premises (--method mapi), users at the same time, each @{DOMAIN};
the password of all is in {os.path.relpath(tenant.material.directory / "password")}:
{columns(tenant.mapi.store.mailboxes)}
Mailboxes whose Autodiscover answer is odd; be somebody else when you ask for them:
{columns(autodiscover.NAMES)}
App registrations for --client-id:
    {f"{os.linesep}    ".join(apps)}
Faults: switch one on for all requests or for the next TIMES, and all off again:
    {curl} -X PUT {tenant.url}/switch/PLACE/FAULT[/TIMES]
    {curl} -X DELETE {tenant.url}/switch
  PLACE, FAULT: {", ".join(place for place in PLACES if place != "tls")}, with one of
{columns(NAMES)}
  At {", ".join(MAPI_PLACES)} also one of
{columns(mapi_faults.NAMES)}
  or tls, with one of {", ".join(HANDSHAKE)}; for one connection unless TIMES says more.
  Faults of token and discovery show with --no-cache only: a cached token needs no sign-in.
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
    """A healthy mailbox with its diagnosis, a failing one, the healthy one again from the cached token, and by MAPI over HTTP."""
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
    return 0 if outcomes == [0, 2, 0, 0] else 1


if __name__ == "__main__":
    sys.exit(demo() if sys.argv[1:] == ["demo"] else serve())

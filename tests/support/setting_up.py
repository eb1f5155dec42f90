"""The set-up command before the practice tenant, over TLS, in this process; its proof and the check
that follows are processes of their own.
"""

from __future__ import annotations

import functools
import json
import os
import re
import stat
import urllib.parse

from check_mapi_connectivity.base.credentials import CertificateFiles
from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.setup import __main__ as entry
from check_mapi_connectivity.setup import command_line, keypair, proof
from check_mapi_connectivity.setup.steps import names
from check_mapi_connectivity.setup.terminal import Voice
from check_mapi_connectivity.signin import certificate

from ..tenant.client import EXCHANGE, GRAPH
from ..tenant.directory import TENANT_NAME
from .provisioning import pems

ADMIN = "admin@practice.example"
MAILBOX = "healthy@practice.example"
FILES = {"certificate.pem", "client_id", "options.ini", "made.json"}

#: For a command that runs as a process: the directories of a test are closed to a monitoring user that
#: may be there.
OWNER = ["--owner=root"] if os.geteuid() == 0 else []

#: What a check that is green says, for runs whose proof is not the point.
GREEN = {"mailbox": MAILBOX, "method": "none", "failure": None, "success": True}
GREEN = json.dumps({"reports": [{**GREEN, "connection_time": 0.041, "round_trip": None}]})

_original = certificate.load


@functools.lru_cache(None)
def _loaded(data):
    return _original(CertificateFiles("/nowhere", data))


def _load(given):
    """A certificate, whose key was checked before under any name."""
    found = _loaded(given.data)
    return found._replace(facts=found.facts._replace(path=given.path))


class Arranged:
    """Runs the command; `said` are the lines of the last run, `naps` its pauses in seconds, which take
    no time. Without `proves` the check is taken to be green.
    """

    def __init__(self, tenant, directory, check, monkeypatch):
        self.tenant, self.etc, self._check = tenant, directory / "etc", check
        self.directory = self.etc / TENANT_NAME
        self.said, self.naps, self._now = [], [], 0.0
        self.proves = True
        tenant.admin.approve()
        tenant.admin.devices.interval = 0
        monkeypatch.setattr(commandline_given, "TENANT_DIRECTORIES", str(self.etc))
        monkeypatch.setattr("check_mapi_connectivity.commandline.ini.PATHS", ())
        monkeypatch.setattr(command_line, "_MONITORS", ())
        # Making and checking RSA keys takes a while, and here it is always the same few.
        monkeypatch.setattr(certificate, "load", _load)
        # What else a run waits for: a disk, and authorities that nobody here is signed by.
        monkeypatch.setattr(os, "fsync", lambda _: None)
        monkeypatch.setenv("SSL_CERT_FILE", str(tenant.material.ca_file))
        monkeypatch.setenv("SSL_CERT_DIR", str(tenant.material.directory / "none"))
        made = pems()
        monkeypatch.setattr(keypair, "make", lambda *_: next(made))
        monkeypatch.setattr(proof, "_run", self._prove)
        self.places = [
            *(f"--{name}-url={tenant.url}" for name in ("authority", "exchange", "graph")),
            f"--ca-file={tenant.material.ca_file}",
        ]

    def __call__(self, *words, mailbox=MAILBOX, environ=None):
        """The exit code of one run."""
        given = ["--tenant", TENANT_NAME, *self.places, *map(str, words)]
        return self.bare(*given, *(["-m", mailbox] if mailbox else []), environ=environ)

    def bare(self, *given, environ=None):
        """The exit code of one run with these words and no others."""
        self.said, self.naps = [], []
        self.tenant.admin.calls.clear()
        settings = command_line.parse(given, dict(environ or {}))
        voice = Voice(None, self._write, lambda: self._now, self._sleep)
        return entry.carry_out(settings, voice)

    def _write(self, text):
        self.said += text.split("\n")[:-1]
        return True

    def _sleep(self, seconds):
        self._now += seconds
        self.naps.append(seconds)

    def _prove(self, asked):
        if not self.proves:
            return GREEN
        # By the descriptor that this process holds.
        held = [word.replace("/proc/self/", f"/proc/{os.getpid()}/") for word in asked.words]
        return self._check("--json", *held, TESTS_ETC=self.etc, **asked.environ).stdout

    def check(self, *words, mailbox=MAILBOX):
        """The check as an operator starts it: by tenant and mailbox, and nothing else."""
        given = ("--tenant", TENANT_NAME, "-m", mailbox, "--cache-dir", self.etc.parent / "cache")
        return self._check(*given, *words, TESTS_ETC=self.etc)

    def tokens(self, *roles):
        """The option that hands over an administrator's tokens: the file with them."""
        if roles:
            self.tenant.admin.approve(roles=roles)
        issue = self.tenant.entra.issue_user
        graph = issue(ADMIN, aud=GRAPH, scp=" ".join(names.GRAPH_SCOPES))
        path = self.etc.parent / "tokens"
        path.touch(0o600)
        path.write_text(f"{graph}\n{issue(ADMIN, aud=EXCHANGE, scp='Exchange.Manage')}\n")
        return f"--token-file={path}"

    def forms(self):
        """What was posted as forms since the tenant was reset: field -> values."""
        return [
            urllib.parse.parse_qs(raw.decode())
            for _, path, _, raw in self.tenant.requests
            if path.endswith(("/token", "/devicecode"))
        ]

    def changes(self):
        """What the last run asked of Graph and Exchange beside questions."""
        asking = ("GET ", "Get-", "Test-")
        return [call for call in self.tenant.admin.calls if not call.startswith(asking)]

    def seen(self, after=""):
        """What was said after a line that begins so, with ids, dates and paths named."""
        text = "\n".join(self.said).replace(str(self.directory), "DIR")
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
        text = re.sub(
            r"until \S+( \(\d+ days\), SHA-1 \w+)?(; mode \S+ user id \d+, group id \d+)?",
            "until #",
            text,
        )
        text = re.sub(r"in \d\.\d+s", "in #s", text)
        lines = re.sub(r"consented \d\S+", "consented #", text).split("\n")
        begins = [number for number, line in enumerate(lines) if line.startswith(after)]
        return lines[begins[-1] + 1 :] if after else lines

    def kept(self):
        """Directory, files and their modes and contents, without what differs from run to run."""
        if not self.directory.exists():
            return {}
        found = {"": stat.S_IMODE(self.directory.stat().st_mode)}
        for name in sorted(os.listdir(self.directory)):
            path = self.directory / name
            text = path.read_text().replace(str(self.directory), "DIR")
            found[name] = (stat.S_IMODE(path.stat().st_mode), _nameless(text))
        return found

    def state(self):
        """All that administrators made in the tenant, without what differs from run to run."""
        return json.loads(_nameless(json.dumps(self.tenant.directory_state())))


def _nameless(text):
    """A text with ids numbered in their order, and dates named."""
    numbers = {}
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA-256", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE", text)
    pattern = r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<="id": ")[\w-]{43}(?=")'
    return re.sub(pattern, lambda found: f"ID{numbers.setdefault(found[0], len(numbers))}", text)

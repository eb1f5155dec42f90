"""The set-up command in this process, against a tenant in memory."""

from __future__ import annotations

import functools

from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.setup import __main__ as entry
from check_mapi_connectivity.setup import command_line, keypair, proof, run
from check_mapi_connectivity.setup.terminal import Voice
from check_mapi_connectivity.signin import certificate

from .options import parsed
from .provisioning import MAILBOX, TENANT, TOKENS, AdminTenant, pems

_load = functools.lru_cache(None)(certificate.load)


class Command:
    """Runs the command against a tenant; `said` are the lines of the last run, `naps` its
    pauses, which take no time.
    """

    def __init__(self, directory, monkeypatch):
        self.tenant, self.directory = AdminTenant(), directory / TENANT
        self.said, self.naps = [], []
        self._tokens = directory.parent / "tokens"
        self._tokens.write_text("\n".join(TOKENS.values()))
        self._tokens.chmod(0o600)
        monkeypatch.setattr(run, "Line", lambda *_: self.tenant)
        monkeypatch.setattr(command_line, "_MONITORS", ())
        # Checking an RSA key takes a while, and here it is always the same few.
        monkeypatch.setattr(certificate, "load", _load)
        monkeypatch.setattr(proof, "once", self._once)
        made = pems()
        monkeypatch.setattr(keypair, "make", lambda *_: next(made))
        self._now = 0.0

    def _once(self, check):
        return self.tenant.once(parsed(check.words, dict(check.environ)))

    def __call__(self, *words, mailbox=MAILBOX):
        return run.run(*self._begin(words, mailbox))

    def told(self, *words, mailbox=MAILBOX):
        """The exit code of a run whose failure is explained to a person."""
        return entry.carry_out(*self._begin(words, mailbox))

    def _begin(self, words, mailbox):
        given = ["--tenant", TENANT, "--token-file", str(self._tokens), *words]
        if mailbox:
            given += ["-m", mailbox]
        self.said, self.naps = [], []
        settings = command_line.parse(given, {})
        return settings, Voice(None, self._write, lambda: self._now, self._sleep)

    def _write(self, text):
        self.said += text.split("\n")[:-1]
        return True

    def _sleep(self, seconds):
        self._now += seconds
        self.naps.append(seconds)

    def file(self, name):
        return self.directory / name


def commanded(directory, monkeypatch):
    """The command, with a directory of its own in place of /etc."""
    etc = directory / "etc"
    monkeypatch.setattr(commandline_given, "TENANT_DIRECTORIES", str(etc))
    monkeypatch.setattr("check_mapi_connectivity.commandline.ini.PATHS", ())
    return Command(etc, monkeypatch)

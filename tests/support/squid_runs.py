"""Runs of the check through the lab of proxies, and what is held against each of them."""

from __future__ import annotations

import base64
from pathlib import Path

from check_mapi_connectivity.network import ntlm_kerberos

from ..tenant.material import private_file
from ..tenant_itself.test_squid import need
from .canaries import spellings

#: The real names instead of the practice tenant's address.
REAL_NAMES = [
    word
    for name in ("authority", "exchange", "graph", "autodiscover")
    for word in (f"--{name}-url", "none")
]


class Through:
    """`through(section, kind, way, ...)` -> a Way; `section` is one of the tenant's or None.

    In every run no credential of either side may have come to the other, and none is in the
    output. `seen` are the lab's requests of the last run, `words` the output's password and tokens.
    """

    def __init__(self, lab, way, tenant, directory):
        need("" if ntlm_kerberos.available() else "pyspnego is missing")
        self.lab, self.way, self.tenant, self.directory = lab, way, tenant, directory
        self.seen, self.authorities = [], directory / "authorities.pem"
        both = (Path(lab.ca_file), lab.inspection_ca)
        self.authorities.write_bytes(b"".join(path.read_bytes() for path in both))

    def password_file(self, text):
        """A file with this password."""
        return private_file(self.directory / "proxy-password", f"{text}\n".encode())

    def credential(self, who, password=None):
        """Options and environment for a user, or for what stands for one: `ticket`, `keytab`,
        None.
        """
        lab = self.lab
        if who in (None, "ticket", "keytab"):
            names = {}
            if who == "ticket":
                names["cache"] = lab.kerberos.ticket_cache().name
            if who == "keytab":
                names["keytab"] = lab.kerberos.keytab().name
            environment = lab.environment(**names)
            if who == "keytab":
                environment["KRB5CCNAME"] = "MEMORY:check"
            return [], environment
        usual = lab.odd_password if who == lab.odd else lab.password
        path = self.password_file(usual if password is None else password)
        return ["--proxy-user", who, "--proxy-password-file", path], lab.environment()

    def __call__(
        self, section, kind, way, *words, host="127.0.0.1", who=None, password=None, **variables
    ):
        need("" if ntlm_kerberos.kerberos() else "pyspnego[kerberos] is missing")
        arguments, environment = self.credential(who, password)
        self.lab.reset()
        names = REAL_NAMES if section else []
        proxy = ["--proxy", self.lab.url(kind, way, host)] if kind else []
        trust = ["--ca-file", self.authorities if way == "inspecting" else self.lab.ca_file]
        run = self.way(
            section, *names, *proxy, *trust, *arguments, *words, **{**environment, **variables}
        )
        self.seen = self.lab.requests()
        self.hold_apart(run, self.lab.password if password is None else password)
        return run

    def hold_apart(self, run, password):
        """Neither side has seen the other's credential, and the output shows none."""
        for _, _, headers, _ in run.requests:
            assert not [name for name in headers if name.startswith("proxy-")]
        assert {one.method for one in self.seen if one.scheme} <= {"CONNECT"}
        for one in self.seen:
            assert one.method != "CONNECT" or "authorization" not in one.headers
        for word in {one.headers.get("proxy-authorization", "") for one in self.seen}:
            token = word.partition(" ")[2]
            assert not token or token[-60:] not in run.stdout
            if word.startswith("Basic "):
                assert base64.b64decode(token).decode() not in run.stdout
        assert not [text for text in spellings(password) if text in run.stdout + run.stderr]

    @property
    def schemes(self):
        """Scheme of each CONNECT, in the order of their end."""
        return [one.scheme for one in self.seen if one.method == "CONNECT"]

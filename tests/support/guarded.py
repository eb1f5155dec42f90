"""Method mapi against a practice tenant whose logons an acceptor of NTLM or Kerberos decides."""

from __future__ import annotations

import contextlib

from ..conftest import Listed
from ..tenant.material import DOMAIN


@contextlib.contextmanager
def guarded(check, tenant, tmp_path):
    """`run(acceptor, *arguments)`: the check against a tenant that this acceptor guards."""

    def run(acceptor, *arguments, user="", password=None, environment=None, **keywords):
        tenant.schemes = (acceptor.scheme,)
        tenant.acceptors = {acceptor.scheme: acceptor}
        names = (acceptor.account, f"{acceptor.domain}\\{acceptor.user}")
        tenant.accounts = {name.lower(): "healthy" for name in names}
        secret = tmp_path / "password"
        secret.write_text(f"{acceptor.password if password is None else password}\n")
        secret.chmod(0o600)
        options = [
            *("--method", "mapi", "-H", f"localhost:{tenant.port}", "-4"),
            *("-m", f"healthy@{DOMAIN}", "--ca-file", tenant.material.ca_file),
            *("--cache-dir", tmp_path / "cache"),
        ]
        if user is not None:
            options += ["-l", user or acceptor.account, "--password-file", secret]
        before = len(tenant.requests), tenant.connections
        variables = {**acceptor.environment(), **(environment or {})}
        listed = Listed(check(*options, *arguments, **keywords, **variables))
        listed.requests = [path for _, path, _, _ in tenant.requests[before[0] :]]
        listed.connections = tenant.connections - before[1]
        return listed

    yield run
    assert tenant.open_sessions() == 0
    assert tenant.crashes == []

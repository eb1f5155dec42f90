"""Runs that sign in at the practice tenant and do nothing else."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

import pytest

from check_mapi_connectivity.base.cache import Cache
from check_mapi_connectivity.base.credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
    Secret,
    UserPassword,
)
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.transport import Transport
from check_mapi_connectivity.signin.identity import Identity

from ..tenant.material import CLIENT_IDS, DOMAIN
from .options import means


class Run(NamedTuple):
    """One test that signs in: a Session, the identity of its run, and the options of that."""

    options: Any
    identity: Any
    transport: Any
    cache: Any
    report: Any
    deadline: Any

    @property
    def account(self):
        return self.options.account

    @property
    def sign_in(self):
        return self.identity.session(self.transport, self.cache, self.report, self.deadline)


class Runs:
    """`runs(**changes)` -> a Run by certificate, with options changed; all share one cache
    directory, as runs of one service do.
    """

    def __init__(self, tenant, options, directory):
        self.tenant, self.cache_dir = tenant, directory / "cache"
        self._options, self._carriers = options, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for transport in self._carriers:
            transport.close()

    def __call__(self, **changes):
        data = (self.tenant.material.directory / "probe.pem").read_bytes()
        values = {
            "authority_url": self.tenant.url,
            "ca_files": (str(self.tenant.material.ca_file),),
            "credential": CertificateFiles("probe.pem", data),
            **changes,
        }
        chosen = self._options(**values)
        return self._run(
            chosen, Identity(chosen.account, chosen.targets.methods), chosen.targets.methods[0]
        )

    def beside(self, run, method=None):
        """The Run of another thread: same options and identity, its own report and transport."""
        shared = run.transport.shared
        return self._run(run.options, run.identity, method or run.report.method, shared)

    def _run(self, options, identity, method, shared=None):
        report = Report(options.targets.mailboxes[0], method)
        cache = Cache(str(self.cache_dir), report.trace.notes)
        deadline = Deadline(time.monotonic(), options.judging.timeout)
        transport = Transport(means(options), deadline, report, shared)
        self._carriers.append(transport)
        return Run(options, identity, transport, cache, report, deadline)

    def by_password(self, password=None, name="healthy", **changes):
        """The same for a user of the tenant; the right password where none is given."""
        word = Secret(self.tenant.material.password if password is None else password)
        user = UserPassword(f"{name}@{DOMAIN}", word)
        return self(client_id=CLIENT_IDS["user"], credential=user, **changes)

    def by_secret(self, secret=None, **changes):
        """The same for a client secret."""
        word = Secret(self.tenant.material.secret if secret is None else secret)
        return self(credential=ClientSecret(word), **changes)

    def by_federated_token(self, token=None, **changes):
        """The same for a token of another issuer."""
        word = Secret(token or self.tenant.material.federated_token())
        return self(credential=FederatedToken("token", word), **changes)

    def by_managed_identity(self, client_id="", url=None, **changes):
        """The same for a managed identity."""
        identity = ManagedIdentity(client_id, url or self.tenant.imds_url)
        return self(**{"credential": identity, "client_id": "", "tenant": "", **changes})


def token(run):
    """The token of a run."""
    return run.sign_in.token()


def refusal(run):
    """The Failure of a sign-in that fails."""
    with pytest.raises(CheckFailure) as caught:
        token(run)
    return caught.value.failure


def at_once(*calls):
    """What some calls return or raise, all begun at the same time in threads of their own."""
    barrier, found = threading.Barrier(len(calls)), [None] * len(calls)

    def work(number):
        barrier.wait()
        try:
            found[number] = calls[number]()
        except Exception as error:
            found[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found

"""The practice tenant as a monitoring host knows it: files 0640 root:nagios, a cache of the
scheduler's own; and the check as that user runs it by hand.
"""

from __future__ import annotations

import shutil
import subprocess
import time

from ..conftest import Outcome
from ..tenant import Tenant
from ..tenant.directory import CLIENT_IDS, DOMAIN, TENANT_NAME
from .laboratory import USER, as_user, environment, owned


def address(name):
    """A mailbox of the practice tenant."""
    return f"{name}@{DOMAIN}"


class Practice(Tenant):
    """The practice tenant, whose files are the scheduler's to read."""

    def __init__(self, directory):
        super().__init__(directory)
        directory.chmod(0o750)
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, "root", USER)
            if path.is_file():
                path.chmod(0o640)
        owned(directory / "cache").chmod(0o700)

    def variables(self, method="cmdlet"):
        """What a host says of this tenant, by certificate, or for method mapi by password."""
        there = self.material.directory
        usual = {"mapi_ca_file": there / "ca.pem", "mapi_cache_dir": there / "cache"}
        if method == "mapi":
            host = self.url.partition("//")[2]
            password = {"mapi_hostname": host, "mapi_password_file": there / "password"}
            return {**usual, **password, "mapi_auth": "basic", "mapi_method": ["mapi"]}
        return {
            **usual,
            "mapi_tenant": TENANT_NAME,
            "mapi_client_id": CLIENT_IDS["monitor"],
            "mapi_certificate": there / "probe.pem",
            "mapi_authority_url": self.url,
            "mapi_exchange_url": self.url,
            "mapi_graph_url": self.url,
            "mapi_method": [method],
        }

    def secrets(self):
        """What nobody may read anywhere."""
        lines = (self.material.directory / "probe.key").read_text().split("\n")
        return [self.material.password, self.material.secret, lines[1]]


def by_hand(*command, **variables):
    """What the check prints itself, run as the scheduler's user."""
    begun = time.monotonic()
    done = subprocess.run(
        as_user(USER, command),
        env=environment(USER, variables),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    seconds = time.monotonic() - begun
    return Outcome(done.returncode, done.stdout.removesuffix("\n"), done.stderr, seconds)

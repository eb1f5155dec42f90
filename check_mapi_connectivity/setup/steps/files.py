"""The steps on this host: key and certificate, client id, and the ini section that `--tenant` alone
finds.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from typing import TYPE_CHECKING

from ...base.errors import UsageError
from ...base.failure import CheckFailure, Failure
from ...signin import certificate
from .. import keypair
from . import names
from .step import Found, Site, Step

if TYPE_CHECKING:
    from ...base.credentials import CertificateFiles, Secret
    from ...signin.certificate import ClientCertificate


class FileStep(Step):
    """A file of the tenant's directory."""

    name = ""

    def __init__(self, place: str) -> None:
        self._place = place
        self.title = os.path.join(place, self.name)


class CertificateStep(FileStep):
    """Key and certificate; `given` are files to take them from, `months` is for a new one."""

    name = names.CERTIFICATE
    why = "a new private key, which stays on this host, and its self-signed certificate"

    def __init__(
        self, place: str, subject: str, months: int, given: CertificateFiles | None
    ) -> None:
        super().__init__(place)
        self._subject, self._months, self._given = subject, months, given

    def _look(self, site: Site) -> Found:
        data = site.directory.read(self.name)
        if data is None:
            return Found(False)
        client = keypair.load(self.title, data)
        remember(site, client)
        if (
            self._given is not None
            and certificate.load(self._given).facts.sha1 != client.facts.sha1
        ):
            cause = f"{self.title} is another certificate than {self._given.path}"
            raise CheckFailure(Failure("usage", cause, "add --renew to change it"))
        try:
            certificate.check_dates(client.facts, time.time())
        except UsageError as error:
            cause, _, remedy = str(error).partition("; ")
            remedy = "run it with --renew" if remedy == "renew it" else remedy
            raise CheckFailure(Failure("usage", cause, remedy)) from None
        mode = site.directory.mode_of(self.name)
        return Found(True, f"{describe(client)}; mode {mode}")

    def _make(self, site: Site) -> bool:
        data = new_certificate(self._subject, self._months, self._given)
        site.directory.write(self.name, data)
        remember(site, keypair.load(self.title, data))
        site.known.fresh = True
        return True

    def _shell(self) -> list[str]:
        days, path = round(self._months * 365 / 12), shlex.quote(self.title)
        # What openssl would take for the end of a name.
        subject = re.sub(r"([\\/+])", r"\\\1", self._subject)
        return [
            f"[ -e {path} ] || openssl req -x509 -newkey rsa:2048 -sha256 -days {days} -nodes "
            f"-subj {shlex.quote(f'/CN={subject}')} -keyout {path} -out {path}",
            *_readable(self.title),
            "# BASE64-OF-THE-CERTIFICATE is:",
            f"openssl x509 -in {path} -outform DER | openssl base64 -A; echo",
        ]


class ClientIdStep(FileStep):
    """The client id, so that the next run knows its app registration."""

    name = names.CLIENT_ID
    why = "tells the next run, and the check, which app registration to use"

    def _look(self, site: Site) -> Found:
        data = site.directory.read(self.name)
        if data is None or not site.known.has("client_id"):
            return Found(False)
        if data == self._data(site):
            site.directory.vouch(self.name)
        text = data.decode("utf-8", "replace").strip()
        return Found(text.lower() == site.known.client_id.lower(), text[:80])

    def _make(self, site: Site) -> bool:
        site.directory.write(self.name, self._data(site))
        return True

    @staticmethod
    def _data(site: Site) -> bytes:
        return f"{site.known.client_id}\n".encode("ascii")

    def _shell(self) -> list[str]:
        return _written(self.title, ["CLIENT-ID"])


class PasswordStep(FileStep):
    """The user's password, where it was typed in; None where that is only planned."""

    name = names.PASSWORD
    why = "the user's password, as it was typed in"

    def __init__(self, place: str, password: Secret | None) -> None:
        super().__init__(place)
        self._password = password

    def _look(self, site: Site) -> Found:
        data = site.directory.read(self.name)
        return Found(data == self._data(), "" if data is None else "another password")

    def _make(self, site: Site) -> bool:
        site.directory.write(self.name, self._data())
        return True

    def _data(self) -> bytes:
        text = self._password.reveal() if self._password else ""
        return f"{text}\n".encode()

    def _shell(self) -> list[str]:
        path = shlex.quote(self.title)
        return [f"touch -- {path}", *_readable(self.title), "# write the password into it"]


class OptionsStep(FileStep):
    """The ini section that the check reads with `--tenant` alone; `values` are its lines."""

    name = names.OPTIONS_INI
    why = "the options of the check beside --tenant and -m"

    def __init__(self, place: str, tenant: str, values: list[tuple[str, str]]) -> None:
        super().__init__(place)
        self._tenant, self._values = tenant, values

    def _look(self, site: Site) -> Found:
        data = site.directory.read(self.name)
        there = data == self.text(site.known.client_id).encode()
        if there:
            site.directory.vouch(self.name)
        return Found(there, "" if data is None or there else "differs")

    def _make(self, site: Site) -> bool:
        site.directory.write(self.name, self.text(site.known.client_id).encode())
        return True

    def text(self, client_id: str) -> str:
        """The whole file."""
        lines = [f"; {names.TAG}", f"[{self._tenant}]", f"tenant = {self._tenant}"]
        for name, value in self._values:
            lines.append(f"{name} = {client_id if name == 'client-id' else value}".rstrip())
        return "\n".join([*lines, ""])

    def _shell(self) -> list[str]:
        return _written(self.title, self.text("CLIENT-ID").split("\n")[1:-1])


def _written(path: str, lines: list[str]) -> list[str]:
    """Shell commands that write lines into a file."""
    words = " ".join(map(shlex.quote, lines))
    return [f"printf '%s\\n' {words} > {shlex.quote(path)}", *_readable(path)]


def _readable(path: str) -> list[str]:
    return [f"own {shlex.quote(path)}", f"chmod 0640 -- {shlex.quote(path)}"]


def new_certificate(subject: str, months: int, given: CertificateFiles | None) -> bytes:
    """Certificate and key in one PEM: made, or those that were given. Raises UsageError."""
    if given is None:
        return keypair.make(subject, months)
    client = certificate.load(given)
    certificate.check_dates(client.facts, time.time())
    return f"{client.certificate}{client.private_key}".encode("ascii")


def remember(site: Site, client: ClientCertificate) -> None:
    """From now on this is our certificate."""
    site.known.key = keypair.der(client.certificate)
    site.known.subject = client.facts.subject.rpartition("CN=")[2] or names.APP


def describe(client: ClientCertificate) -> str:
    """A certificate in words: its end, and the thumbprint that the portal shows."""
    end = time.strftime("%Y-%m-%d", time.gmtime(client.facts.not_after))
    days = int(client.facts.days(time.time()))
    return f"until {end} ({days} days), SHA-1 {client.facts.sha1}"

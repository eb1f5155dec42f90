"""Option values from every source, weakest first: the tenant's ini section or directory, ini
sections, command line.
"""

from __future__ import annotations

import os
import re

from ..base.errors import UsageError
from ..base.reading import files, pasted
from ..base.vocabulary import PLUGIN
from . import ini
from .option import COUNT, FLAG, LIST, MISSING, OPTIONAL, alike
from .option_table import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

#: Options that make sense on a command line only.
COMMAND_LINE_ONLY = frozenset({"explain", "extra-opts", "version", "help"})

#: Keys of an ini section that are no options, because no secret belongs on a command line: key ->
#: the file option beside it.
INI_SECRETS = {
    "certificate-passphrase": "certificate-passphrase-file",
    "client-secret": "client-secret-file",
    "password": "password-file",
    "proxy-password": "proxy-password-file",
    "submit-password": "submit-password-file",
}

#: Secrets that an environment variable may hold instead.
ENVIRONMENT_SECRETS = {
    "certificate-passphrase": "MAPI_CERTIFICATE_PASSPHRASE",
    "client-secret": "MAPI_CLIENT_SECRET",
    "password": "MAPI_PASSWORD",
    "proxy-password": "MAPI_PROXY_PASSWORD",
    "submit-password": "MAPI_SUBMIT_PASSWORD",
}

#: Holds a directory for each tenant, with `options.ini`, or `certificate.pem` or `certificate.pfx`
#: and `client_id`.
TENANT_DIRECTORIES = "/etc/check_mapi_connectivity"

#: Option -> the names that give a credential of its kind.
_CREDENTIALS = {
    "--certificate": ("certificate",),
    "--client-secret-file": ("client-secret-file", "client-secret"),
    "--username": ("username",),
    "--managed-identity": ("managed-identity",),
    "--federated-token-file": ("federated-token-file",),
}

#: As Entra and Exchange write it.
GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

#: A domain or a GUID. Patterns stay text until they are used: compiling them costs `--help` time.
TENANT = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"


#: What a switch may be beside its own words, in any letter case; templates for schedulers and forms
#: of the Director write all of them.
_ON, _OFF = ("true", "yes", "1"), ("false", "no", "0", "none")


class Given:
    """Option values by name, each with the source it came from."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.source: dict[str, str] = {}
        self.sections: list[str] = []
        #: Where a certificate was looked for, but not even the look was permitted.
        self.unreadable: list[str] = []
        #: (what, where) of the files and variables that were read beside the sections.
        self.reads: list[tuple[str, str]] = []
        self._ini_files: list[str] = []

    def add(self, values: dict[str, Any], source: str, *, weak: bool = False) -> None:
        """Take values over; a later source replaces an earlier one, unless it is `weak`."""
        for name, value in values.items():
            if not (weak and name in self.source):
                self.values[name] = _meant(name, value)
                self.source[name] = source

    def add_section(self, reference: str, environ: Mapping[str, str]) -> None:
        """Take over what `--extra-opts=[section][@file]` names. Raises UsageError."""
        section, at, path = reference.partition("@")
        if not at and re.search(r"/|\.(?:ini|cfg|conf)$", section):
            raise UsageError(
                f"--extra-opts: {section} is read as the name of a section; write a file behind "
                f"an @: SECTION@{section}"
            )
        section = section or PLUGIN
        file = path if at and path else ini.default_file(environ)
        if file is None:
            raise UsageError(
                f"--extra-opts: there is no monitoring-plugins.ini to read [{section}] from; "
                f"name a file: {section}@FILE"
            )
        text = _text(file)
        found = _read_section(file, section, text)
        if found is None:
            meant = f"; {alike(section, ini.sections(text))}".rstrip("; ")
            raise UsageError(f"--extra-opts: {file} has no section [{section}]{meant}")
        self._ini_files.append(file)
        self.sections.append(f"[{section}] of {file}")
        self.add(found, f"[{section}] of {file}")

    def add_tenant(self, environ: Mapping[str, str]) -> None:
        """Where no credential is given, fill in what the tenant's ini section or directory holds.

        Raises UsageError.
        """
        tenant = self.text("tenant")
        if tenant is None or self.credentials() or not re.fullmatch(TENANT, tenant):
            return
        for name in dict.fromkeys((tenant, tenant.lower())):
            for file in dict.fromkeys(filter(None, [*self._ini_files, ini.default_file(environ)])):
                self._add_tenant_section(file, name)
            self._add_tenant_directory(os.path.join(TENANT_DIRECTORIES, name))

    def _add_tenant_section(self, file: str, tenant: str) -> None:
        if self.credentials() or file == "-":
            return
        if not os.access(file, os.R_OK):
            self.unreadable.append(file)
            return
        found = _read_section(file, tenant, _text(file))
        if found is not None:
            self.sections.append(f"[{tenant}] of {file}")
            self.add(found, f"[{tenant}] of {file}", weak=True)

    def _add_tenant_directory(self, directory: str) -> None:
        options = os.path.join(directory, "options.ini")
        if os.path.exists(options):
            self._add_tenant_section(options, os.path.basename(directory))
        if self.credentials():
            return
        for name in ("certificate.pem", "certificate.pfx"):
            path = os.path.join(directory, name)
            try:
                os.stat(path)
            except PermissionError:
                self.unreadable.append(path)
                return
            except OSError:
                continue
            self.sections.append(directory)
            self.add({"certificate": path}, directory)
            if self.text("client-id") is None:
                named = os.path.join(directory, "client_id")
                identifier = files.first_line(named, "--tenant")
                self.reads.append(("client id", named))
                self.add({"client-id": identifier.strip()}, directory)
            return

    def credentials(self) -> list[str]:
        """The kinds of credential that are given, by their options."""
        return [
            option
            for option, names in _CREDENTIALS.items()
            if any(self.text(name) is not None for name in names)
        ]

    def origins(self) -> dict[str, str]:
        """Name of each option that is given -> its source; `none` takes one back."""
        return {
            name: self.source[name] for name, value in self.values.items() if not is_none(value)
        }

    def text(self, name: str) -> str | None:
        """A single value; None when not given or `none`. Raises UsageError for an empty one."""
        value = self.values.get(name)
        if value is None or is_none(value):
            return None
        if not value:
            shown = name if name in INI_SECRETS else f"--{name}"
            raise UsageError(f"{shown}: its value is empty; write none to leave it out")
        if name not in INI_SECRETS:
            pasted.check_visible(str(value), f"--{name}", shown=_may_show(name, str(value)))
        return str(value)

    def texts(self, name: str) -> list[str]:
        """The values of a repeatable option. Raises UsageError."""
        found = [value for value in self.values.get(name, ()) if not is_none(value)]
        for value in found:
            pasted.check_visible(value, f"--{name}", shown=_may_show(name, value))
        return found

    def flag(self, name: str) -> bool:
        """Whether a flag is set."""
        return self.values.get(name) is True

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of some words. Raises UsageError."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in choices:
            kerberos = value.lower() == "kerberos" and "negotiate" in choices
            hint = "; Kerberos is negotiate" if kerberos else ""
            raise UsageError(f"--{name}: {value} is not one of {', '.join(choices)}{hint}")
        return value.lower()

    def switch(self, name: str, *, default: bool) -> bool:
        """An option that is on or off. Raises UsageError."""
        on = ("on", *_ON)
        value = self.choice(name, ("on", "off", *_ON, *_OFF), "on" if default else "off")
        return value in on


def _meant(name: str, value: Any) -> Any:
    """A value, where it may be missing, that is but a yes or a no: as if it were missing, or not
    given.
    """
    option = OPTIONS.get(name)
    if option is None or option.shape != OPTIONAL:
        return value
    word = str(value).lower()
    return MISSING if word in _ON else "none" if word in _OFF else value


def _may_show(name: str, value: str) -> bool:
    """Whether the value of an option may stand in a message; a URL may hold a password, and so may
    what is no host or user name.
    """
    odd = {"hostname": "@", "address": "@", "username": ":"}.get(name)
    return not name.endswith(("proxy", "url")) and not (odd and odd in value)


def is_none(value: object) -> bool:
    """Whether a value is the word that stands for "not given"."""
    return isinstance(value, str) and value.lower() == "none"


def _check_comment(value: str, where: str) -> None:
    """Refuse a value with a comment behind it, which would be a part of it. Raises UsageError."""
    if re.search(r"\s[;#](\s|$)", value):
        raise UsageError(f"{where}: write the comment on a line of its own, not behind a value")


def _text(path: str) -> str:
    """The text of an ini file. Raises UsageError."""
    named = "--extra-opts"
    return files.standard_input(named) if path == "-" else files.read_text(path, named)


def _read_section(path: str, section: str, text: str) -> dict[str, Any] | None:
    """Name -> value of one ini section, None when the file lacks it. Raises UsageError."""
    found = ini.parse(text, section, path)
    if found is None:
        return None
    values: dict[str, Any] = {}
    for number, key, value in found:
        where = f"{path} line {number}"
        name = _ini_name(key, where)
        holds_secret = name in INI_SECRETS or (name == "proxy" and "@" in value)
        if holds_secret and path != "-":
            files.read(path, f"ini line {number}", secret=True)
        elif not holds_secret:
            _check_comment(value, where)
        option = OPTIONS.get(name)
        if option is None or option.shape not in (LIST, FLAG, COUNT, OPTIONAL):
            values[name] = value
        elif option.shape == OPTIONAL:
            values[name] = value or MISSING
        elif option.shape == LIST:
            values.setdefault(name, []).append(value)
        elif option.shape == FLAG:
            values[name] = _flag(key, value, where)
        else:
            values[name] = _count(value, where)
    return values


def _ini_name(key: str, where: str) -> str:
    """The option that an ini key means: its long name, or its letter. Raises UsageError."""
    for option in OPTIONS.values():
        if key == option.name or f"-{key}" in option.flags:
            if option.name in COMMAND_LINE_ONLY:
                raise UsageError(f"{where}: {key} works on the command line only")
            return option.name
    if key in INI_SECRETS:
        return key
    meant = alike(key, (*OPTIONS, *INI_SECRETS))
    raise UsageError(
        f"{where}: there is no option {key}; {meant}an ini key is a long option without its "
        "dashes, see --help"
    )


def _flag(key: str, value: str, where: str) -> bool:
    """Whether a flag is on: without a value it is. Raises UsageError."""
    word = value.lower()
    if word in _OFF:
        return False
    if word not in ("", *_ON):
        raise UsageError(f"{where}: {key} takes yes or no; {value} is neither of them")
    return True


def _count(value: str, where: str) -> int:
    """How often an option is given. Raises UsageError."""
    word = value.lower()
    if word in _OFF:
        return 0
    if word in ("", *_ON):
        return 1
    if word not in ("2", "3"):
        raise UsageError(f"{where}: verbose takes 1, 2 or 3")
    return int(word)

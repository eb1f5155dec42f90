"""What stands for addresses and login names in a recording: always the same, and as long."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from .mapihttp.discovery import MICROSOFT
from .options import UserPassword

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .options import Options

#: An address in text, its at sign perhaps percent-encoded.
_LOCAL, _DOMAIN = "[A-Za-z0-9._+-]+", r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}"
_ADDRESS = rf"{_LOCAL}(?:@|%40){_DOMAIN}"
#: One that was cut.
_CUT = rf"{_LOCAL}@[A-Za-z0-9.-]+"
_WIDE = rb"(?:[A-Za-z0-9._+-]\0)+@\0(?:[A-Za-z0-9.-]\0)+"

#: Domains that are the same for everybody.
_PUBLIC = (*MICROSOFT, "microsoftonline.com", "microsoftonline.us", "microsoft.com", "redacted")

#: Letters of the shortest login name that is looked for.
_LEAST = 3


class Standins:
    """Stand-ins for the addresses of one run, and for every other that is found."""

    def __init__(self, options: Options) -> None:
        #: Address, domain or login name in lower case -> what stands for it.
        self._made: dict[str, str] = {}
        self._domains: list[str] = []
        #: Whole address in lower case -> what stands for it, and all that stands for any.
        self._whole: dict[str, str] = {}
        self._done: set[str] = set()
        credential, login, proxy = options.credential, options.login, options.proxy
        names = [
            *options.mailboxes,
            login.username if login else None,
            credential.username if isinstance(credential, UserPassword) else None,
            proxy.user if proxy else None,
        ]
        #: What is looked for as it is, and as others spell it.
        self._literal = {
            spelled: name
            for name in names
            if name and len(name) >= _LEAST and not re.fullmatch("[0-9A-Fa-f-]{36}", name)
            for spelled in (name, quote(name), quote(name, safe="@"), _json(name), escape(name))
        }
        self._names = {spelled.lower(): name for spelled, name in self._literal.items()}
        self._counts: dict[str, int] = {}
        self._pattern = re.compile(_ADDRESS)
        self._binary = re.compile(_WIDE)

    def learn(self, texts: Iterable[str]) -> None:
        """Find the domains whose hosts are to be replaced, too."""
        for text in [*self._literal, *texts]:
            for found in re.finditer(_ADDRESS, text):
                domain = re.split("@|%40", found[0])[-1].lower()
                public = any(domain == one or domain.endswith(f".{one}") for one in _PUBLIC)
                if not public and domain not in self._domains:
                    self._domains.append(domain)
        literal = sorted(map(re.escape, self._literal), key=len, reverse=True)
        domains = "|".join(sorted(map(re.escape, self._domains), key=len, reverse=True))
        bounded = [rf"(?<![A-Za-z0-9])(?:{'|'.join(literal)})(?![A-Za-z0-9])"] if literal else []
        hosts = [rf"(?<![A-Za-z0-9-])(?:{domains})(?![A-Za-z0-9-])"] if domains else []
        self._pattern = re.compile("|".join([*bounded, _ADDRESS, _CUT, *hosts]), re.IGNORECASE)

    def text(self, text: str) -> str:
        """Text with stand-ins."""
        return self._pattern.sub(lambda found: self._stand(found[0]), text)

    def data(self, data: bytes) -> bytes:
        """Binary data with stand-ins in UTF-8 and UTF-16LE, with as many bytes as before."""
        plain = self._pattern.sub(
            lambda found: fitted(self._stand(found[0]), len(found[0])), data.decode("latin-1")
        )
        data = plain.encode("latin-1")

        def wide(found: re.Match[bytes]) -> bytes:
            name = found[0].decode("utf-16-le")
            return fitted(self.text(name), len(name)).encode("utf-16-le")

        return self._binary.sub(wide, data)

    def _stand(self, found: str) -> str:
        """What stands for one match: an address, a login name, or a domain."""
        low = found.lower()
        if low.replace("%40", "@") in self._done:
            return found
        name = self._names.get(low, found)
        local, sign, domain = name.replace("%40", "@").rpartition("@")
        if not sign:
            return self._domain(low) if low in self._domains else self._new(name.lower(), "login")
        address = f"{local}@{domain}".lower()
        if address not in self._whole:
            longer = (stand for one, stand in self._whole.items() if one.startswith(address))
            cut = next(longer, None)
            if cut is not None or (name == found and not re.fullmatch(_DOMAIN, domain)):
                return found if cut is None else cut[: len(address)]
            self._whole[address] = f"{self._new(address, 'm', len(local))}@{self._domain(domain)}"
            self._done.add(self._whole[address])
        return self._whole[address].replace("@", "@" if "@" in found else "%40")

    def _new(self, name: str, word: str, length: int | None = None) -> str:
        if name not in self._made:
            self._counts[word] = self._counts.get(word, 0) + 1
            room = len(name) if length is None else length
            self._made[name] = f"{word}{self._counts[word]}".ljust(room, "x")
        return self._made[name]

    def _domain(self, domain: str) -> str:
        low = domain.lower()
        if low not in self._domains:
            return domain
        first = f"d{self._domains.index(low) + 1}"
        return f"{first.ljust(len(low) - len('.example'), 'x')}.example"


def fitted(text: str, length: int) -> str:
    """Text cut or filled up to a length."""
    return text[:length].ljust(length, "x")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]

"""What stands for addresses, login names, tenants and names of mailboxes in a recording: always the
same, and as long where there is room.

Strategy: what the run was given is known beforehand and found in every spelling; other addresses
are found by their looks. All is learnt before the first is replaced, so that what stands for a name
does not depend on where it is met first.
"""

from __future__ import annotations

import html
import json
import re
import uuid
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

from ..base.clouds import MICROSOFT
from ..base.vocabulary import KINDS, LABELS, STATES
from ..mapihttp.discovery import domain_of
from .placeholders import GUID, fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: An address in text; its local part may be quoted, its at sign be written as URLs and HTML do.
_SIGN = "(?:@|%(?:25)*40|&#0*64;|&#[xX]0*40;|&commat;)"
_LOCAL = r"""(?<!%)(?<!%[0-9A-Fa-f])(?:\w[\w.+'!#$*^`~-]{0,63}|\\?"[^"\s@\\][^"@\\\n]{0,62}\\?")"""
_DOMAIN = r"(?:[\w-]{1,63}\.){1,20}[\w-]{2,63}"
_ADDRESS = f"{_LOCAL}{_SIGN}{_DOMAIN}"
#: One that was cut, or whose domain is one word.
_CUT = rf"{_LOCAL}@[\w.-]{{0,255}}"
#: Characters of UTF-16LE that Latin-1 has as well.
_WIDE = re.compile(rb"(?:[\x20-\x7e\xa0-\xff]\0){4,}")

#: The leaf of a mailbox's DN (MS-OXOABK 2.2.1.1).
_LEAF = re.compile(r"/cn=Recipients/cn=([^/\s\"<>,;&\x00-\x1f\x7f]+)", re.IGNORECASE)
_WIDE_LEAF = re.compile(r"/\0(?:[ -~]\0)+")

#: Domains that are the same for everybody; OData writes annotations as addresses look.
_PUBLIC = (
    *(*MICROSOFT, "microsoftonline.com", "microsoftonline.us", "microsoft.com", "redacted"),
    *("odata.type", "odata.context", "odata.count", "odata.nextlink", "odata.etag", "odata.id"),
    *("adminapi.errors", "adminapi.warnings", "data.type"),
)

#: Words that our own texts and the services' are made of: no name of that kind is looked for.
_COMMON = (
    "success failed failure error warning exchange outlook microsoft mailbox mailboxes inbox "
    "application authentication authorization autodiscover connection connectivity directory "
    "negotiate kerberos permission password certificate administrator administrative service "
    "organization organizations recipients configuration internal external database protocol "
    "graph mapi cmdlet https http basic bearer ntlm beta value users message messages "
    "monitoring check_mapi_connectivity emsmdb localhost"
)

#: Letters of the shortest name that is looked for by itself: of letters only, and another.
_PLAIN, _ODD = 8, 3

#: How our own texts name a user.
_CONTEXTS = (
    *("user {}", "of {}", "as {}"),
    *("{} by Basic", "{} by NTLM", "{} by Negotiate", "{} by Bearer"),
)

#: How a name may be written.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    lambda name: quote(name, safe=""),
    lambda name: quote(name, safe="@"),
    lambda name: quote(quote(name, safe=""), safe=""),
    lambda name: json.dumps(name)[1:-1],
    lambda name: json.dumps(name, ensure_ascii=False)[1:-1],
    escape,
    html.escape,
    lambda name: escape(name, {'"': "&quot;", "'": "&apos;"}),
    lambda name: escape(name, {"'": "&#39;"}),
    lambda name: escape(name).replace("@", "&#64;"),
    lambda name: name.replace("\\", "/"),
)


class Names(NamedTuple):
    """The names that a run was given."""

    mailboxes: tuple[str, ...]
    users: tuple[str, ...]
    tenant: str
    #: All that is said openly: these, hosts, ids and URLs.
    openly: tuple[str, ...] = ()


class Standins:
    """Stand-ins for the names of one run, and for every other address that is found."""

    def __init__(self, names: Names) -> None:
        #: Name in lower case -> what stands for it.
        self._locals: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._guids: dict[str, str] = {}
        self._logins: dict[str, str] = {}
        #: Any other that is looked for as it is, and all of these in every spelling.
        self._names: dict[str, str] = {}
        self._spelled: dict[str, str] = {}
        self._done: set[str] = set()
        self._words = {*_COMMON.split(), *KINDS, *LABELS, *(state.lower() for state in STATES)}
        self._counts: dict[str, int] = {}
        self._pattern = re.compile(f"{_ADDRESS}|{_CUT}")
        self._own = names

    def learn(
        self, texts: Iterable[str], *, words: Iterable[str] = (), named: Iterable[str] = ()
    ) -> None:
        """Find all that is to be replaced: `words` are those of the protocol, `named` the names of
        mailboxes.
        """
        self._words.update(words)
        texts = list(texts)
        for mailbox in self._own.mailboxes:
            self._given(mailbox)
        for user in self._own.users:
            self.login(user)
        if "." in self._own.tenant:
            self._domain(self._own.tenant)
        for name in named:
            if "@" in name:
                self._given(name)
            elif self._telling(name) and name.lower() not in self._names:
                self._names[name.lower()] = self._new("Name ", name)
        for text in texts:
            self._find(text)
        self._compile()

    def _find(self, text: str) -> None:
        """Take up the addresses and DNs in a text."""
        for found in re.finditer(_ADDRESS, text):
            self._address(found[0])
        wide = (one[0].replace("\0", "") for one in _WIDE_LEAF.finditer(text))
        for one in (text, *wide):
            for leaf in _LEAF.findall(one):
                low = f"cn=recipients/cn={leaf}".lower()
                if low not in self._names:
                    stand = self._locals.get(leaf.lower()) or self._new("leaf", leaf)
                    self._names[low] = f"cn=Recipients/cn={stand}"

    def _given(self, name: str) -> None:
        """Take up a mailbox: an address, a GUID, or another name."""
        if GUID.fullmatch(name):
            self._guid(name)
        elif "@" in name:
            self._names[name.lower()] = self._address(name)
            local = name.rpartition("@")[0]
            if self._telling(local) and not GUID.fullmatch(local):
                self._names[local.lower()] = self._local(local)
        elif self._telling(name):
            self._names[name.lower()] = self._local(name)

    def login(self, name: str) -> str:
        """What stands for a login name in its own place."""
        low = name.lower()
        if low not in self._logins:
            if GUID.fullmatch(name):
                self._logins[low] = self._guid(name)
            elif "@" in name:
                self._given(name)
                self._logins[low] = self._address(name)
            else:
                self._logins[low] = self._account(name)
        return self._logins[low]

    def _account(self, name: str) -> str:
        """A login name that is no address, perhaps with its domain before it."""
        domain, backslash, user = name.rpartition("\\")
        stand = self._locals.setdefault(user.lower(), self._new("login", user))
        found = {user: stand}
        if backslash:
            found[domain] = self._new("ORG", domain)
            stand = f"{found[domain]}\\{stand}"
            self._names[name.lower()] = stand
        for context in _CONTEXTS:
            self._names[context.format(name).lower()] = context.format(stand)
        for one, instead in found.items():
            if self._telling(one) or (one == domain and len(one) >= _ODD and self._odd(one)):
                self._names.setdefault(one.lower(), instead)
        return stand

    def _telling(self, name: str) -> bool:
        """Whether a name is looked for by itself: where it cannot be a common word."""
        return len(name) >= (_PLAIN if name.isascii() and name.isalpha() else _ODD) and self._odd(
            name
        )

    def _odd(self, name: str) -> bool:
        return name.lower() not in self._words

    def _compile(self) -> None:
        names = {**self._names, **self._guids}
        self._spelled = {
            spell(name).lower(): spell(stand)
            for spell in reversed(_SPELLINGS)
            for name, stand in names.items()
        }
        parts = []
        if self._spelled:
            literal = "|".join(sorted(map(re.escape, self._spelled), key=len, reverse=True))
            before = "(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
            parts.append(f"{before}(?:{literal})(?![A-Za-z0-9])(?!{_SIGN})")
        parts += [_ADDRESS, _CUT]
        hosts = [one for one in self._domains if "." in one or self._odd(one)]
        if hosts:
            domains = "|".join(sorted(map(re.escape, hosts), key=len, reverse=True))
            parts.append(rf"(?<![\w-])(?:{domains})(?![\w-])")
        self._pattern = re.compile("|".join(parts), re.IGNORECASE)

    def text(self, text: str) -> str:
        """Text with stand-ins."""
        return self._pattern.sub(lambda found: self._stand(found[0]), text)

    def data(self, data: bytes) -> bytes:
        """Binary data with stand-ins in UTF-8 and UTF-16LE, with as many bytes as before."""
        for guid, instead in self._guids.items():
            data = data.replace(uuid.UUID(guid).bytes_le, uuid.UUID(instead).bytes_le)
        for name, stand in [*self._spelled.items(), *self._domains.items()]:
            if not name.isascii():
                for code in ("utf-8", "utf-16-le"):
                    coded = name.encode(code)
                    letters = fitted(stand, len(coded if code == "utf-8" else name))
                    data = data.replace(coded, letters.encode(code))

        def same(text: str) -> str:
            return self._pattern.sub(
                lambda found: fitted(self._stand(found[0]), len(found[0])), text
            )

        data = same(data.decode("latin-1")).encode("latin-1", "replace")
        return _WIDE.sub(lambda found: same(found[0].decode("utf-16-le")).encode("utf-16-le"), data)

    def _stand(self, found: str) -> str:
        """What stands for one match: a name, an address, or a domain."""
        low = found.lower()
        stand = self._spelled.get(low) or self._domains.get(low)
        return self._address(found) if stand is None else stand

    def _address(self, found: str) -> str:
        signs = list(re.finditer(_SIGN, found))
        if not signs:
            # Letters that are the same in one case only.
            return found
        sign = signs[-1]
        local, domain = found[: sign.start()].replace("\\", ""), found[sign.end() :]
        address = f"{local}@{domain_of(f'@{domain}')}".lower()
        if address in self._done:
            return found
        if address not in self._addresses:
            longer = (stand for one, stand in self._addresses.items() if one.startswith(address))
            cut = next(longer, None)
            if cut is not None:
                return cut[: len(local) + 1 + len(domain)].replace("@", sign[0])
            stand = f"{self._local(local)}@{self._domain(domain) if domain else ''}"
            self._addresses[address] = stand
            self._done.add(stand.lower())
        return self._addresses[address].replace("@", sign[0])

    def _local(self, local: str) -> str:
        low = local.lower()
        if GUID.fullmatch(local):
            return self._guid(local)
        if low not in self._locals:
            # A guest is known by the end of his name.
            end = local[-5:] if low.endswith("#ext#") else ""
            self._locals[low] = self._new("m", local[: len(local) - len(end)]) + end
        return self._locals[low]

    def _guid(self, guid: str) -> str:
        low = guid.lower()
        if low in self._guids.values():
            return guid
        return self._guids.setdefault(low, str(uuid.UUID(int=len(self._guids) + 1)))

    def _domain(self, domain: str) -> str:
        low = domain.lower()
        public = any(low == one or low.endswith(f".{one}") for one in _PUBLIC)
        if public or re.fullmatch("[0-9.]+", low) or low in self._domains.values():
            return domain
        if low not in self._domains:
            first = self._new("d", "").ljust(len(low) - len(".example"), "x")
            self._domains[low] = self._domains[domain_of(f"@{low}")] = f"{first}.example"
        return self._domains[low]

    def _new(self, word: str, name: str) -> str:
        """A new stand-in that begins with this word, as long as the name where there is room."""
        self._counts[word] = self._counts.get(word, 0) + 1
        return f"{word}{self._counts[word]}".ljust(len(name), "x")

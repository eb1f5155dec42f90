"""A request, ready to be sent."""

from __future__ import annotations

import re

from ...base.failure import CheckFailure, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: Characters that a request's target holds as they are (RFC 3986 3.3, 3.4).
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=:@/\-"

_ESCAPE = "%[0-9A-F]{2}"

#: URLs that need no second look: scheme, host, port and target.
_USUAL = re.compile(
    r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?"
    rf"((?:/[{_PLAIN}]*(?:{_ESCAPE}[{_PLAIN}]*)*)?"
    rf"(?:\?(?=[^#])[{_PLAIN}?]*(?:{_ESCAPE}[{_PLAIN}?]*)*)?)"
)

#: What would end a header.
_BREAKS = re.compile(r"[\r\n\0]")

_PORTS = {"http": 80, "https": 443}


class Request:
    """A request with all its headers but Host.

    `host` is in lower case, without brackets and without the dot of a name from the root;
    `target` is what its first line asks for.
    """

    __slots__ = ("body", "headers", "host", "method", "named", "port", "scheme", "target", "url")

    def __init__(self, method: str, url: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.url = method, url
        self.headers, self.body = headers, body
        self.scheme, self.named, self.port, self.target = _parts(url)
        self.host = self.named.rstrip(".")

    @property
    def tls(self) -> bool:
        """Whether it goes by TLS."""
        return self.scheme == "https"

    @property
    def head(self) -> bytes:
        """Its first line and its headers."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.port != _PORTS[self.scheme]:
            host += f":{self.port}"
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        first = f"{self.method} {self.target} HTTP/1.1"
        return "\r\n".join([first, f"Host: {host}", *lines, "", ""]).encode("latin-1")


def prepare(
    method: str, url: str, headers: Mapping[str, str], data: Any = None, params: Any = None
) -> Request:
    """A request; `data` is a body, or the fields of a form, `params` go into the query.

    Raises CheckFailure for a URL that is none.
    """
    sent = dict(headers)
    if not _sendable(sent):
        raise CheckFailure(_no_address(url))
    if params or not _USUAL.fullmatch(url):
        return _odd(method, url, sent, data, params)
    form = bool(data) and isinstance(data, dict)
    body = _form(data) if form else data.encode() if isinstance(data, str) else bytes(data or b"")
    if body or method not in ("GET", "HEAD"):
        sent["Content-Length"] = str(len(body))
    if form and all(name.lower() != "content-type" for name in sent):
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    return Request(method, url, sent, body)


def _sendable(headers: dict[str, str]) -> bool:
    """Whether headers hold nothing but what a head can (RFC 9110 5.5)."""
    text = "".join([*headers, *headers.values()])
    return max(text, default="") <= "\xff" and not _BREAKS.search(text)


def _form(fields: dict[str, Any]) -> bytes:
    from urllib.parse import urlencode

    pairs = []
    for name, given in fields.items():
        values = given if isinstance(given, (list, tuple)) else [given]
        pairs += [(name, value) for value in values if value is not None]
    return urlencode(pairs).encode()


def _odd(method: str, url: str, headers: dict[str, str], data: Any, params: Any) -> Request:
    """The same by requests, which knows what people and servers write for a URL."""
    import requests

    try:
        made = requests.Request(method, url, headers=headers, data=data, params=params).prepare()
        # requests would spell some characters of a query differently.
        prepared = url if params is None and url.isascii() else made.url or url
        body = made.body or b""
        data = body if isinstance(body, bytes) else str(body).encode()
        return Request(made.method or method, prepared, dict(made.headers), data)
    except (requests.RequestException, ValueError):
        raise CheckFailure(_no_address(url)) from None


def _no_address(url: str) -> Failure:
    return Failure("protocol", f"{url[:80]} is no address that can be used", "check the host names")


def _parts(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and target of a URL. Raises ValueError."""
    usual = _USUAL.fullmatch(url)
    if usual is not None:
        scheme, host, port, target = usual.groups()
        host = host.lower().strip("[]")
    else:
        from urllib.parse import urlsplit

        found = urlsplit(url)
        scheme, host, port = found.scheme, found.hostname or "", found.port
        target = (found.path or "/") + (f"?{found.query}" if found.query else "")
    if scheme not in _PORTS or not host:
        raise ValueError("no URL of HTTP")
    target = target if target.startswith("/") else f"/{target}"
    return scheme, host, int(port or _PORTS[scheme]), target if usual else _encoded(target)


def _encoded(target: str) -> str:
    """A target with whatever may not stand there in its escaped form.

    >>> _encoded("/a b?c=%e4 d")
    '/a%20b?c=%E4%20d'
    """
    path, mark, query = target.partition("?")
    return _escaped(path, f"[{_PLAIN}]") + mark + _escaped(query, f"[{_PLAIN}?]")


def _escaped(text: str, plain: str) -> str:
    text, escapes = re.subn("%[0-9A-Fa-f]{2}", lambda found: found[0].upper(), text)
    if escapes == text.count("%"):
        plain = f"{plain}|%"
    return "".join(
        character
        if re.fullmatch(plain, character)
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
        for character in text
    )

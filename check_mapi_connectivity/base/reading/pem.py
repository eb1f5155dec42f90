"""The one reader of PEM (RFC 7468; encrypted keys RFC 1421 4.6) and of what stands in its place.

Strategy: bytes become text by their byte order mark, escapes as JSON and env files write them
become line ends, and the marks `-----BEGIN X-----` and `-----END X-----` are looked for wherever
they stand. What is between them is made anew, so indentation, CR, glued or missing line ends and
byte order marks do not matter. Without marks it is DER, or DER or PEM in base64.
"""

from __future__ import annotations

import binascii
import re

from ..value import NamedTuple
from . import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Names of blocks that are certificates (OpenSSL's pem.h); what follows a trusted one's DER is left
#: out.
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")

#: Names of blocks that some tools give to a PFX.
_PFX = ("PKCS12", "PFX")

#: First bytes of a Java keystore of the old kind.
_JKS = b"\xfe\xed\xfe\xed"

#: Times that a file may be base64 of what is wanted: a secret of Kubernetes holds PEM so.
_LAYERS = 2

_MARK = r"-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----"


class Block(NamedTuple):
    """One block: its name, its headers (encrypted keys have two), and what is in it as DER."""

    name: str
    headers: tuple[str, ...]
    der: bytes

    @property
    def encrypted(self) -> bool:
        """Whether a key asks for a passphrase. PKCS #8 that does begins with the way that it is
        encrypted, where the version would stand (RFC 5958 2, 3).
        """
        named = self.name == "ENCRYPTED PRIVATE KEY"
        return bool(self.headers) or named or content(self.der)[:1] == b"\x30"

    @property
    def of_openssh(self) -> bool:
        """Whether a key is in OpenSSH's own format (its PROTOCOL.key)."""
        return self.der.startswith(b"openssh-key-v1\0")

    def text(self) -> bytes:
        """The block as RFC 7468 wants it."""
        data = binascii.b2a_base64(self.der, newline=False)
        lines = [data[at : at + 64] for at in range(0, len(data), 64)]
        head = [line.encode("ascii") for line in self.headers]
        name = self.name.encode("ascii")
        body = [*head, b"", *lines] if head else lines
        return b"\n".join([b"-----BEGIN %b-----" % name, *body, b"-----END %b-----\n" % name])


class Contents(NamedTuple):
    """What a file holds: blocks of PEM, or `der` where it holds none; `marked` is whether a private
    key begins in it, even if it does not end.
    """

    blocks: list[Block]
    der: bytes = b""
    marked: bool = False

    @property
    def certificates(self) -> list[bytes]:
        """The certificates as DER, in their order."""
        if is_certificate(self.der):
            return [element(self.der)]
        return [element(block.der) for block in self.blocks if block.name in _CERTIFICATES]

    @property
    def keys(self) -> list[Block]:
        """The private keys, in their order."""
        return [block for block in self.blocks if block.name.endswith("PRIVATE KEY")]

    @property
    def pfx(self) -> bytes:
        """What may be a PFX (PKCS #12), empty where nothing may."""
        named = next((block.der for block in self.blocks if block.name in _PFX), b"")
        der = self.der if self.der[:1] == b"\x30" and not is_certificate(self.der) else b""
        return named or der

    @property
    def private(self) -> bool:
        """Whether it holds a private key, or may."""
        return self.marked or bool(self.pfx) or is_java(self.der)


def read(data: bytes, layers: int = _LAYERS) -> Contents:
    """What the bytes of a file hold, whatever they are.

    >>> read(b"  -----BEGIN X-----\\r  AAEC  -----END X----------BEGIN Y-----").blocks
    [Block(name='X', headers=(), der=b'\\x00\\x01\\x02')]
    """
    if data[:1] == b"\x30" and b"-----BEGIN" not in data:
        return Contents([], data)
    text = _text(data)
    if "-----BEGIN" in text:
        return Contents(list(_blocks(text)), marked="PRIVATE KEY-----" in text)
    inner = _base64(re.sub(r"^\s*data:[^,]{0,200},", "", text)) if layers else b""
    return read(inner, layers - 1) if inner else Contents([], data)


def is_certificate(der: bytes) -> bool:
    """Whether DER begins as a certificate does, and nothing that holds a key (RFC 5280 4.1)."""
    inner = content(der)
    if inner[:1] != b"\x30":
        return False
    # The version, or the serial number where there is none.
    return content(inner)[:1] in (b"\xa0", b"\x02")


def is_java(data: bytes) -> bool:
    """Whether it is a Java keystore of the old kind."""
    return data.startswith(_JKS)


def element(der: bytes) -> bytes:
    """The first element of DER, without what follows it."""
    bounds = _bounds(der)
    return der if bounds is None else der[: bounds[1]]


def children(der: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, whole element) of each element within the first one of DER."""
    rest = content(der)
    while rest:
        bounds = _bounds(rest)
        if bounds is None:
            return
        yield rest[0], rest[: bounds[1]]
        rest = rest[bounds[1] :]


def content(der: bytes) -> bytes:
    """What is within the first element of DER; empty where it is cut off."""
    bounds = _bounds(der)
    return b"" if bounds is None else der[bounds[0] : bounds[1]]


def _bounds(der: bytes) -> tuple[int, int] | None:
    """Where the content of the first element begins and ends; None where it is cut off (X.690
    8.1).
    """
    if len(der) < 2:
        return None
    begin, length = 2, der[1]
    if length >= 0x80:
        begin += length & 0x7F
        if not 2 < begin <= 6:
            return None
        length = int.from_bytes(der[2:begin], "big")
    return (begin, begin + length) if begin + length <= len(der) else None


def _text(data: bytes) -> str:
    """As text, with line ends for what stands for them."""
    try:
        text = files.decoded(data)
    except UnicodeDecodeError:
        text = data.replace(b"\0", b"").decode("latin-1")
    if "-----BEGIN%20" in text:
        from urllib.parse import unquote

        text = unquote(text)
    if "\\" not in text:
        return text
    text = re.sub(r"\\+u00([0-7][0-9A-Fa-f])", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\+([rnt/])", lambda found: "/" if found[1] == "/" else "\n", text)


def _blocks(text: str) -> Iterator[Block]:
    """The blocks that end as they begin."""
    name, begin = "", 0
    for mark in re.finditer(_MARK, text):
        if mark[1] == "BEGIN":
            name, begin = mark[2], mark.end()
        elif mark[2] == name:
            yield _block(name, text[begin : mark.start()])
            name = ""


def _block(name: str, inner: str) -> Block:
    headers: tuple[str, ...] = ()
    if ":" in inner:
        found = re.search(r"DEK-Info:\s*([A-Za-z0-9-]+)\s*,\s*([0-9A-Fa-f]+)", inner)
        if found is not None:
            headers = "Proc-Type: 4,ENCRYPTED", f"DEK-Info: {found[1]},{found[2]}"
            inner = inner[found.end() :]
    return Block(name, headers, _decoded(inner))


def _base64(text: str) -> bytes:
    """What a text is in base64, or in its alphabet for URLs; nothing for what is none."""
    word = "".join(text.split()).strip("\"',")
    if len(word) < 40 or not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", word):
        return b""
    return _decoded(word.replace("-", "+").replace("_", "/"))


def _decoded(text: str) -> bytes:
    word = re.sub("[^A-Za-z0-9+/=]+", "", text).rstrip("=")
    try:
        return binascii.a2b_base64(word + "=" * (-len(word) % 4))
    except binascii.Error:
        return b""

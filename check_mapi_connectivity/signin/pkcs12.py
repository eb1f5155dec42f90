"""PFX files (PKCS #12, RFC 7292): every key and every certificate in them.

cryptography opens the file and proves it whole, but hands out one key; a keystore with several
pairs has the others in bags of the same file.
"""

from __future__ import annotations

from ..base.reading import pem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cryptography.x509 import Certificate

#: OIDs as DER: data (RFC 5652 4), keyBag and pkcs8ShroudedKeyBag (RFC 7292 4.2).
_DATA = bytes.fromhex("06092a864886f70d010701")
_KEY_BAGS = (
    bytes.fromhex("060b2a864886f70d010c0a0101"),
    bytes.fromhex("060b2a864886f70d010c0a0102"),
)

#: Keys of one file that are opened; each takes time.
_MOST_KEYS = 16


def load(data: bytes, passphrase: bytes | None) -> tuple[list[Any], list[Certificate]]:
    """Keys and certificates, those that belong together by the file's own word first.

    Raises ValueError, TypeError, UnsupportedAlgorithm.
    """
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    key, certificate, others = load_key_and_certificates(data, passphrase)
    keys = [] if key is None else [key, *_others(data, passphrase, key)]
    return keys, [one for one in [certificate, *others] if one is not None]


def _others(data: bytes, passphrase: bytes | None, first: Any) -> Iterator[Any]:
    """The keys beside the first one that open."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    known = [first.private_numbers()] if hasattr(first, "private_numbers") else []
    bags = [bag for part in _authenticated(data) for bag in _key_bags(part)]
    for bag in bags[:_MOST_KEYS] if len(bags) > 1 else ():
        for word in dict.fromkeys((passphrase, None)):
            try:
                key = load_der_private_key(bag, word)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                continue
            if not hasattr(key, "private_numbers") or key.private_numbers() not in known:
                yield key
            break


def _authenticated(data: bytes) -> Iterator[bytes]:
    """The SafeContents of a PFX that are not encrypted as a whole (RFC 7292 4.1)."""
    parts = [part for _, part in pem.children(data)]
    safe = _octets(parts[1]) if len(parts) > 1 else None
    for _, info in pem.children(safe or b""):
        inner = _octets(info)
        if inner is not None:
            yield inner


def _octets(info: bytes) -> bytes | None:
    """What a ContentInfo of type data holds; None for any other (RFC 5652 3)."""
    parts = [part for _, part in pem.children(info)]
    if len(parts) != 2 or parts[0] != _DATA:
        return None
    octets = next((part for tag, part in pem.children(parts[1]) if tag == 0x04), None)
    return None if octets is None else pem.content(octets)


def _key_bags(contents: bytes) -> Iterator[bytes]:
    """The keys in SafeContents, as PKCS #8 that may be encrypted (RFC 7292 4.2)."""
    for _, bag in pem.children(contents):
        parts = [part for _, part in pem.children(bag)]
        if len(parts) > 1 and parts[0] in _KEY_BAGS:
            yield from (value for _, value in pem.children(parts[1]))

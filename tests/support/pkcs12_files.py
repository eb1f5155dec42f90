"""PFX files with several pairs, as keytool makes them: written element by element (RFC 7292), because
the usual writers put one key into a file.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

DATA = bytes.fromhex("06092a864886f70d010701")
CERTIFICATE_OF_X509 = bytes.fromhex("060a2a864886f70d01091601")
BAG = {
    "key": bytes.fromhex("060b2a864886f70d010c0a0101"),
    "shrouded": bytes.fromhex("060b2a864886f70d010c0a0102"),
    "certificate": bytes.fromhex("060b2a864886f70d010c0a0103"),
}
LOCAL_KEY_ID = bytes.fromhex("06092a864886f70d010915")
SHA1 = bytes.fromhex("300906052b0e03021a0500")
SALT, ROUNDS = b"saltsalt", 2048


def element(tag, *parts):
    """One element of DER."""
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def keystore(pairs, passphrase=""):
    """A PFX with each (key, certificate), the keys under `passphrase` where there is one."""
    bags = []
    for number, (key, certificate) in enumerate(pairs):
        identifier = element(0x30, LOCAL_KEY_ID, element(0x31, element(0x04, bytes([number]))))
        attributes = element(0x31, identifier)
        lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, lock)
        kind = BAG["shrouded" if passphrase else "key"]
        bags.append(element(0x30, kind, element(0xA0, der), attributes))
        octets = element(0x04, certificate.public_bytes(Encoding.DER))
        inner = element(0x30, CERTIFICATE_OF_X509, element(0xA0, octets))
        bags.append(element(0x30, BAG["certificate"], element(0xA0, inner), attributes))
    safe = element(0x30, contents(element(0x30, *bags)))
    tag = hmac.digest(mac_key(passphrase), safe, "sha1")
    info = element(0x30, SHA1, element(0x04, tag))
    mac = element(0x30, info, element(0x04, SALT), element(0x02, ROUNDS.to_bytes(2, "big")))
    return element(0x30, b"\x02\x01\x03", contents(safe), mac)


def contents(data):
    """ContentInfo of type data."""
    return element(0x30, DATA, element(0xA0, element(0x04, data)))


def mac_key(passphrase):
    """The key of the MAC (RFC 7292 appendix B.2, ID 3)."""
    word = passphrase.encode("utf-16-be") + b"\0\0"
    block = b"\3" * 64 + (SALT * 8)[:64] + (word * 64)[: 64 * -(-len(word) // 64)]
    for _ in range(ROUNDS):
        block = hashlib.sha1(block).digest()
    return block

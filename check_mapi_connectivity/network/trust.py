"""Which authorities a run trusts, and its TLS settings.

Strategy: OpenSSL looks an authority up in a directory whose files are named by hashes, which costs
one file; a bundle it reads whole, which costs more than all the rest of a run. So where the system
has such a directory the bundle is left for the handshake that fails without it, which is then made
once more. What is trusted in the end is the same.
"""

from __future__ import annotations

import os
import ssl
import threading

from ..base.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..base.options import Network

#: OpenSSL's verification errors that say that a certificate is for other names (x509_vfy.h): no
#: authority could change that.
_NAMES = (62, 63, 64)

#: X509_V_FLAG_PARTIAL_CHAIN (x509_vfy.h), which Python has a name for from 3.10 on.
_PARTIAL_CHAIN = 0x80000


class Trust:
    """TLS settings: the system's trust store plus the files named.

    `whole` is whether `context` has all of the store. Raises UsageError.
    """

    def __init__(self, network: Network) -> None:
        directory = _hashed()
        self.whole = directory is None
        self._lock = threading.Lock()
        self.context = ssl.create_default_context(capath=directory)
        lowest = ssl.TLSVersion.TLSv1_3 if network.min_tls == "1.3" else ssl.TLSVersion.TLSv1_2
        self.context.minimum_version = lowest
        # The same certificate must not depend on the Python version: from 3.13 on it refuses what
        # companies' own authorities often issue, without the key identifiers of RFC 5280 4.2.1, and
        # takes an authority that is trusted for the end of a chain, whoever issued it.
        flags = self.context.verify_flags & ~ssl.VERIFY_X509_STRICT
        self.context.verify_flags = flags | _PARTIAL_CHAIN
        for path in network.ca_files:
            if os.path.isdir(path):
                self.context.load_verify_locations(capath=path)
            else:
                from ..base.reading import files

                _add(self.context, path, files.read(path, "--ca-file"))
        for path, text in network.authorities:
            _add(self.context, path, text.encode())

    def complete(self) -> None:
        """Trust the rest of the system's store, too."""
        with self._lock:
            if not self.whole:
                self.context.load_default_certs()
                self.whole = True


def may_help(error: ssl.SSLCertVerificationError) -> bool:
    """Whether a handshake that failed by this may succeed where more authorities are known."""
    return error.verify_code not in _NAMES


def _hashed() -> str | None:
    """The system's directory of authorities, where their names are hashes and no file was named
    for this process.
    """
    paths = ssl.get_default_verify_paths()
    if paths.cafile not in (None, paths.openssl_cafile) or paths.capath is None:
        return None
    try:
        with os.scandir(paths.capath) as found:
            return paths.capath if any(_is_hash(entry.name) for entry in found) else None
    except OSError:
        return None


def _is_hash(name: str) -> bool:
    """Whether a file is one of openssl-rehash(1).

    >>> _is_hash("002c0b4f.0"), _is_hash("ca-certificates.crt")
    (True, False)
    """
    return name[8:9] == "." and name[9:].isdigit() and not name[:8].strip("0123456789abcdef")


def _add(context: ssl.SSLContext, path: str, data: bytes) -> None:
    """Trust the certificates that a file holds. Raises UsageError."""
    from ..base.reading import pem

    found = pem.read(data).certificates
    damaged = []
    # One by one: a damaged one would take the beginning of the next for its own.
    for number, certificate in enumerate(found, 1):
        if not _taken(context, certificate):
            damaged.append(str(number))
    if len(damaged) == len(found):
        text = f"--ca-file: {path} holds no usable certificate authority; give a PEM file"
        raise UsageError(text)
    if damaged:
        numbers = ", ".join(damaged[:9])
        raise UsageError(f"--ca-file: damaged in {path}: certificate {numbers} of {len(found)}")


def _taken(context: ssl.SSLContext, certificate: bytes) -> bool:
    """Whether OpenSSL takes an authority.

    It is offered a second time: OpenSSL tells nobody what it cannot read in openssl.cnf, but keeps
    the error, and Python blames the next certificate for it.
    """
    for _ in range(2):
        try:
            context.load_verify_locations(cadata=certificate)
            return True
        except (OSError, ValueError):
            continue
    return False

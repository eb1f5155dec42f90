"""Private keys are checked once in a process.

Reading an RSA key takes longer than all else that most runs do, because cryptography checks its
numbers each time; and a system's own authorities take nearly as long to load.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from cryptography.hazmat.primitives import serialization

#: Of whom these are read: the package looks it up at each use, PyJWT has its own name for it.
_READERS = ("cryptography.hazmat.primitives.serialization", "jwt.algorithms")

_NAMES = ("load_pem_private_key", "load_der_private_key")

#: Variables for a run that needs no system's authorities, because it is given the tenant's.
NO_AUTHORITIES = {"SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": "/nonexistent"}


def read_once():
    """From now on a key that was read is known; the function that puts all back."""
    known = {}
    before = [
        (module, name, getattr(module, name))
        for module in map(importlib.import_module, _READERS)
        for name in _NAMES
        if hasattr(module, name)
    ]

    def once(name, real):
        def load(data, password=None, *more, **named):
            place = name, bytes(data).strip(), password, more, tuple(named.items())
            if place not in known:
                known[place] = real(data, password, *more, **named)
            return known[place]

        return load

    def undo():
        for module, name, real in before:
            setattr(module, name, real)

    for module, name, real in before:
        setattr(module, name, once(name, real))
    return undo


def prime(directory):
    """Read the key that nearly all runs sign with."""
    from check_mapi_connectivity.base.credentials import CertificateFiles
    from check_mapi_connectivity.signin import certificate

    path = Path(directory) / "probe.pem"
    if path.exists():
        made = certificate.load(CertificateFiles(str(path), path.read_bytes()))
        serialization.load_pem_private_key(made.private_key.encode(), None)

"""Stands for certifi, which requests imports: this system's authorities instead of its own.

certifi in an archive writes them into a temporary file in each run. The check sets up TLS itself,
with the system's authorities, and never asks.
"""

import ssl


def where() -> str:
    """The file of this system's authorities."""
    return ssl.get_default_verify_paths().openssl_cafile

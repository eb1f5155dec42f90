"""JSON from strangers: the one reader, tolerant of byte order marks and bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

#: Bytes of a body that are taken for JSON: a hundred times what the services send, and parsed it
#: still fits into little memory.
JSON_LIMIT = 512 << 10


def document(data: bytes | str, limit: int = JSON_LIMIT) -> Any:
    r"""JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark (RFC 8259 8.1); None for
    what is none, or is longer than `limit`.

    >>> document(b"\xef\xbb\xbf[1]"), document("[1]".encode("utf-16")), document("{")
    ([1], [1], None)
    """
    if len(data) > limit:
        return None
    try:
        return json.loads(text(data), parse_int=integer)
    except (ValueError, RecursionError):
        return None


def text(data: bytes | str) -> str:
    r"""A body as text without its byte order mark, whatever it is.

    >>> text(b"\xff\xfea\0"), text(b"\xef\xbb\xbf\xff")
    ('a', '\ufffd')
    """
    if isinstance(data, bytes):
        data = data.decode(json.detect_encoding(data), "replace")
    return data[1:] if data.startswith("\ufeff") else data


def integer(digits: str) -> float:
    """A JSON integer; int() of thousands of digits would take longer than any deadline."""
    return int(digits) if len(digits) < 20 else float(digits)

"""What `-vv` and `-vvv` show of the wire: secrets are masked before they are kept."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .options import Options
    from .report import Report

MASK = "***"

#: Headers whose value is a secret, in either direction.
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})

#: Secrets that are looked for, a hundred times what a run has.
_MOST_SECRETS = 1000

#: Texts of a report that a server chooses.
_TEXTS = ("result", "named", "database", "server")

_SCHEMES = ("Basic", "Bearer", "NTLM", "Negotiate")

#: Names of form fields and JSON members whose value is a secret.
_NAMES = (
    "client_assertion|client_secret|password|assertion|access_token|refresh_token|id_token|"
    "client_info"
)
_FORM = re.compile(rf"((?:^|&)(?:{_NAMES})=)[^&]*", re.IGNORECASE)
_JSON = re.compile(rf'("(?:{_NAMES})"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^,}}\s]+)', re.IGNORECASE)

#: A JWT, or a part of one: base64url that begins a JSON object. Each run of its characters is
#: either taken whole or given up within 17, so the search stays linear.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{17,}(?:\.[A-Za-z0-9_-]+)*")
_BEARER = re.compile(r"(\b(?:Bearer|Basic|Negotiate|NTLM)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def headers(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header name and value pairs, secret values masked."""
    return [(name, _header(name.lower(), str(value)[:4000])) for name, value in given.items()]


def _header(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return text(value)
    # The scheme tells the legs of a logon from each other.
    scheme, blank, _ = value.partition(" ")
    shown = blank and "authorization" in name and scheme in _SCHEMES
    return f"{scheme} {MASK}" if shown else MASK


def body(content: str, limit: int = 4000) -> str:
    """A form or JSON body with its secrets masked, cut to `limit` characters.

    >>> body("scope=a&client_assertion=eyJx.eyJy.z&b=c")
    'scope=a&client_assertion=***&b=c'
    """
    content = content[: 16 * limit]
    try:
        # Member names may be spelled with escapes, so whole JSON is masked member by member.
        content = json.dumps(_members(json.loads(content)), ensure_ascii=False)
    except (ValueError, RecursionError):
        content = content[: 4 * limit]
    return text(_JSON.sub(rf'\1"{MASK}"', _FORM.sub(rf"\1{MASK}", content[: 4 * limit])))[:limit]


def _members(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: MASK if re.fullmatch(_NAMES, name, re.IGNORECASE) else _members(member)
            for name, member in value.items()
        }
    return [_members(member) for member in value] if isinstance(value, list) else value


def known(content: str, secrets: Iterable[str]) -> str:
    """Text without secrets that are known: what was sent and is echoed by the other side."""
    for secret in secrets:
        content = content.replace(secret, MASK)
    return content


def spellings(secret: str) -> set[str]:
    """A secret as it may come back: as it is, with its blanks folded, and as XML, HTML, forms, JSON
    and base64 write it.
    """
    import base64
    import html
    from urllib.parse import quote, quote_plus
    from xml.sax.saxutils import escape

    quotes = {'"': "&quot;", "'": "&apos;"}
    found = {secret, escape(secret), escape(secret, quotes), html.escape(secret)}
    for coded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        found |= {coded, re.sub("%..", lambda part: part[0].lower(), coded)}
    for form in ("&#{};", "&#x{:x};", "&#x{:X};", r"\u{:04x}", r"\u{:04X}"):
        for kept in ("", " "):
            letters = (c if c.isalnum() or c == kept else form.format(ord(c)) for c in secret)
            found.add("".join(letters))
    found |= {json.dumps(one, ensure_ascii=plain)[1:-1] for one in found for plain in (True, False)}
    data = secret.encode("utf-8", "replace")
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        found |= {encoded.decode("ascii"), encoded.decode("ascii").rstrip("=")}
    found |= {" ".join(one.split()) for one in found}
    return {one for one in found if len(one) > 3}


def of_options(options: Options) -> set[str]:
    """All spellings of the secrets that a run was given."""
    login = options.login.username if options.login else ""
    # A word of the address would make every output unreadable, and hides nothing.
    said = f"{' '.join(options.mailboxes)} {login} {options.hostname}".lower()
    given = [secret for secret in options.secrets if len(secret) > 3 and secret.lower() not in said]
    return {spelling for secret in given for spelling in spellings(secret)}


def conceal(report: Report, given: Iterable[str] = ()) -> None:
    """Mask what must show nowhere in all texts of a report that came from the other side: what it
    met itself, and what was `given` to the run.
    """
    # The longest first: one may be a part of another.
    met = {*report.secrets, *given}
    longest = sorted((one for one in met if len(one) > 3), key=len, reverse=True)
    # Each text is searched for each of them, and a server can give any number of cookies.
    secrets = longest[:_MOST_SECRETS]
    if not secrets:
        return

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return known(value, secrets)
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, dict):
            return {name: clean(item) for name, item in value.items()}
        if isinstance(value, tuple):
            items = [clean(item) for item in value]
            return value._make(items) if hasattr(value, "_make") else tuple(items)
        return value

    for name in ("remarks", "notes", "facts", "ids", "rows", "exchanges", *_TEXTS):
        setattr(report, name, clean(getattr(report, name)))
    if report.failure is not None:
        texts = {name: clean(getattr(report.failure, name)) for name in ("code", "detail")}
        # Most of a cause is our own: masking a common word there would give it away.
        odd = [secret for secret in secrets if not re.fullmatch("[A-Za-z]{4,12}", secret)]
        cause = known(report.failure.cause, odd)
        report.failure = replace(report.failure, cause=cause, **texts)


def text(content: str) -> str:
    """Free text without tokens."""
    return _BEARER.sub(rf"\1{MASK}", _JWT.sub(MASK, content))

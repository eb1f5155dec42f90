"""OData as Microsoft Graph's directory speaks it: filters, pages, and what is selected.

Sources: OData 4.01 part 2; Microsoft's pages "Use query parameters to customize responses" and "Paging
Microsoft Graph data in your app".
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse

from .graph import Trouble

OPTIONS = {"$filter", "$select", "$top", "$skiptoken", "$count", "$orderby"}
_FILTER = re.compile(
    r"\s*(?:(?P<name>\w+) eq (?:'(?P<text>(?:[^']|'')*)'|(?P<guid>[0-9a-fA-F-]{36}))"
    r"|startswith\((?P<prefixed>\w+), ?'(?P<prefix>(?:[^']|'')*)'\))\s*"
)
CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"


def bad(text, *details):
    """HTTP 400 with the directory's usual code."""
    return Trouble(400, "Request_BadRequest", text, details)


def query_of(target):
    """Options of a request. Raises Trouble."""
    text = urllib.parse.urlsplit(target).query
    query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
    unknown = sorted(set(query) - OPTIONS)
    if unknown:
        raise Trouble(400, "BadRequest", f"The query parameter '{unknown[0]}' is not supported.")
    return query


def _matches(document, text, filterable):
    found = _FILTER.fullmatch(text)
    if not found:
        raise Trouble(400, "BadRequest", f"Invalid filter clause: {text}")
    name = found["name"] or found["prefixed"]
    if name not in filterable:
        text = f"Unsupported or invalid query filter clause specified for property '{name}'."
        raise Trouble(400, "Request_UnsupportedQuery", text)
    own = str(document[name]).lower()
    if found["prefixed"]:
        return own.startswith(found["prefix"].replace("''", "'").lower())
    return own == (found["guid"] or found["text"].replace("''", "'")).lower()


def select(document, query):
    """The members asked for. Raises Trouble."""
    names = [name.strip() for name in query.get("$select", "").split(",") if name.strip()]
    for name in names:
        if name not in document:
            text = f"Could not find a property named '{name}'."
            raise Trouble(400, "BadRequest", text)
    return {name: document[name] for name in names} if names else dict(document)


def entity(document, collection, query):
    """The answer with one object."""
    return {"@odata.context": f"{CONTEXT}{collection}/$entity", **select(document, query)}


def page(rows, collection, query, url, size, filterable=()):
    """One page of a list; `size` is the server's, `rows` may filter by `filterable`. Raises Trouble."""
    if "$filter" in query:
        rows = [row for row in rows if _matches(row, query["$filter"], filterable)]
        if not rows:
            # A filter is judged also where there is nothing to judge.
            _matches(dict.fromkeys(filterable, ""), query["$filter"], filterable)
    top = query.get("$top", str(size))
    if not top.isdigit() or not 1 <= int(top) <= 999:
        raise bad(f"Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive.")
    begin = _offset(query.get("$skiptoken"))
    end = begin + min(int(top), size)
    document = {"@odata.context": f"{CONTEXT}{collection}"}
    if end < len(rows):
        token = base64.urlsafe_b64encode(f"page:{end}".encode()).decode()
        more = {**query, "$skiptoken": token}
        document["@odata.nextLink"] = f"{url}?{urllib.parse.urlencode(more)}"
    document["value"] = [select(row, query) for row in rows[begin:end]]
    return document


def _offset(token):
    if token is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if word == "page":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Trouble(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")

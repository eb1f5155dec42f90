"""Which place of the switchboard a request is for."""

from __future__ import annotations

from . import autodiscover_parts
from .faults import BEARER_PLACES, MAPI_PLACES, NSPI_PLACES

#: Where a request is authenticated first.
GUARDED = (*BEARER_PLACES, "mapi", "nspi")


def place_of(command, parts, headers):
    """The place of the switchboard that a request is for, None for none."""
    if [part.lower() for part in parts] == ["autodiscover", "autodiscover.xml"]:
        return "autodiscover"
    if autodiscover_parts.is_json(parts) and command == "GET":
        return "autodiscover-json"
    if [part.lower() for part in parts[:2]] == ["mapi", "nspi"]:
        kind = f"nspi-{headers.get('X-RequestType', '').lower()}"
        return kind if kind in NSPI_PLACES else "nspi"
    if parts[:1] == ["mapi"]:
        kind = f"mapi-{headers.get('X-RequestType', '').lower()}"
        return kind if kind in MAPI_PLACES else "mapi"
    if parts[:2] == ["common", "userrealm"] and len(parts) == 3 and command == "GET":
        return "realm"
    if parts[1:] == ["v2.0", ".well-known", "openid-configuration"] and command == "GET":
        return "discovery"
    if parts[1:] == ["oauth2", "v2.0", "token"] and command == "POST":
        return "token"
    if parts[1:] == ["oauth2", "v2.0", "devicecode"] and command == "POST":
        return "devicecode"
    if parts[:2] == ["adminapi", "beta"] and parts[3:] == ["InvokeCommand"] and command == "POST":
        return "exchange"
    if parts[:3] == ["adfs", "services", "trust"]:
        return "adfs"
    return "graph" if parts[:1] == ["v1.0"] else None

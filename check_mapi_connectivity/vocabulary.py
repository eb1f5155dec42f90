"""The words of the contract: states, kinds of failure, methods and performance labels.

Plain tables without imports, because the option parser and the usage errors need them too and must
stay quick.
"""

from __future__ import annotations

PLUGIN = "check_mapi_connectivity"
SERVICE = "MAPI"

#: State name -> exit code (Monitoring Plugins guidelines).
STATES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}

#: From harmless to worst when several states meet. A fault outranks a blind spot, unlike in
#: nagiosplugin.
SEVERITY = ("OK", "WARNING", "UNKNOWN", "CRITICAL")

#: Kind of failure -> default state. `moving` is the one case of `mailbox` that is judged by itself.
KINDS = {
    "usage": "UNKNOWN",
    "credential": "UNKNOWN",
    "permission": "UNKNOWN",
    "throttled": "UNKNOWN",
    "dns": "CRITICAL",
    "connect": "CRITICAL",
    "proxy": "CRITICAL",
    "tls": "CRITICAL",
    "logon": "CRITICAL",
    "mailbox": "CRITICAL",
    "moving": "WARNING",
    "server": "CRITICAL",
    "protocol": "CRITICAL",
    "timeout": "CRITICAL",
}

#: Method -> the performance labels it prints, in this order, in every state but usage errors.
LABELS = {
    "cmdlet": (
        "mapi_connectivity",
        "connection_time",
        "time_token",
        "time_dns",
        "time_tcp",
        "time_proxy",
        "time_tls",
        "time_request",
        "time_server",
        "total_time",
        "certificate_days",
    ),
    "mapi": (
        "mapi_connectivity",
        "connection_time",
        "time_token",
        "time_autodiscover",
        "time_dns",
        "time_tcp",
        "time_proxy",
        "time_tls",
        "time_connect",
        "time_execute",
        "time_disconnect",
        "time_server",
        "total_time",
        "inbox_items",
        "certificate_days",
    ),
}

#: Labels that carry no unit; all others are seconds.
UNITLESS = frozenset({"mapi_connectivity", "inbox_items", "certificate_days"})

#: Thresholds that hold where no option speaks: label -> (warning, critical).
DEFAULT_THRESHOLDS = {"certificate_days": ("30:", "7:")}


def state_name(text: str) -> str | None:
    """The state that a word or an exit code names, in any case; None when it names none.

    >>> state_name("warning"), state_name("3"), state_name("green")
    ('WARNING', 'UNKNOWN', None)
    """
    for name, code in STATES.items():
        if text.upper() == name or text == str(code):
            return name
    return None


def worst(states: list[str]) -> str:
    """The worst of some states, OK for none.

    >>> worst(["OK", "UNKNOWN", "WARNING"])
    'UNKNOWN'
    """
    return max(states, key=SEVERITY.index, default="OK")

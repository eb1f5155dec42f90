"""The options that judge: limits of labels, states of kinds of failure, the time allowed."""

from __future__ import annotations

import math
import re

from ..base import vocabulary
from ..base.errors import UsageError
from ..base.vocabulary import (
    ADDRESS_BOOK_LABELS,
    DEFAULT_THRESHOLDS,
    KINDS,
    LABELS,
    STATES,
    state_name,
)
from .given import Given, is_none
from .option import alike

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_NUMBER = r"-?(?:[0-9]{1,15}\.?[0-9]{0,15}|\.[0-9]{1,15})"
_RANGE = rf"@?(?:(?P<start>~|{_NUMBER}|):)?(?P<end>{_NUMBER})?"
_TIMEOUT = r"(?P<seconds>[0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9})?(?::(?P<state>.+))?"


def judged(
    given: Given,
    mailboxes: tuple[str, ...],
    methods: tuple[str, ...],
    addresses: tuple[str, ...] = (),
    *,
    online: bool,
    chosen: str | None,
) -> dict[str, Any]:
    """How a run is judged: fields of Judging. Raises UsageError."""
    seconds, state = timeout(given.text("timeout"))
    of_kinds = states(given.texts("state"))
    return {
        "timeout": seconds,
        "timeout_state": state or of_kinds["timeout"],
        "states": of_kinds,
        "thresholds": thresholds(
            given, mailboxes, methods, addresses, online=online, chosen=chosen
        ),
    }


def timeout(text: str | None) -> tuple[float, str | None]:
    """Seconds, and the state for a deadline hit where the option names one."""
    if text is None:
        return 30.0, None
    match = re.fullmatch(_TIMEOUT, text)
    seconds = float(match["seconds"] or 30) if match and text else 0.0
    if not match or not 0 < seconds < 1e6:
        raise UsageError(
            f"--timeout: {text or 'an empty value'} is not SECONDS[:STATE], e.g. 20 or "
            "10.5:UNKNOWN, more than 0 and below 1000000"
        )
    state = state_name(match["state"]) if match["state"] else None
    if match["state"] and state is None:
        raise UsageError(f"--timeout: {match['state']} is not one of {', '.join(STATES)}")
    return seconds, state


def frequency(text: str) -> tuple[int, int] | None:
    """Every how many runs the diagnosis is printed while all is well, and while it is not; None for
    never. Raises UsageError.

    >>> frequency("3:1"), frequency("none")
    ((3, 1), None)
    """
    if is_none(text):
        return None
    option = "--diagnosis-frequency"
    match = re.fullmatch("([0-9]{1,6}):([0-9]{1,6})", text)
    if not match:
        raise UsageError(
            f"{option}: {text or 'an empty value'} is not NORMAL:ABNORMAL, e.g. 12:1 for every "
            "12th run while all is well and every run while it is not"
        )
    normal, abnormal = int(match[1]), int(match[2])
    if not normal or not abnormal:
        raise UsageError(f"{option}: {text}: give numbers from 1 on, or none to print no diagnosis")
    return normal, abnormal


def check_range(text: str, option: str) -> str:
    """A range in the Monitoring Plugins syntax `[@][start:][end]`, given back as it is.

    Raises UsageError.
    """
    match = re.fullmatch(_RANGE, text)
    if not match or not text.strip("@"):
        raise UsageError(
            f"{option}: {text or 'an empty value'} is not a range; the format is "
            "[@]START:END, e.g. 5, 2:8, ~:5 or @1:2"
        )
    start = -math.inf if match["start"] == "~" else float(match["start"] or 0)
    end = float(match["end"] or "inf")
    if start > end:
        raise UsageError(
            f"{option}: the range {text} ends before it starts; write the smaller number first"
        )
    return text


def thresholds(
    given: Given,
    mailboxes: tuple[str, ...],
    methods: tuple[str, ...],
    addresses: tuple[str, ...] = (),
    *,
    online: bool,
    chosen: str | None,
) -> dict[str, tuple[str | None, str | None]]:
    """Label without an address -> (warning, critical); `none` switches a default off. A label with
    its address only where an option names it.

    A bare label stands for that of every mailbox and method. Raises UsageError.
    """
    left_out = set() if given.flag("address-book") else set(ADDRESS_BOOK_LABELS)
    if not online or chosen not in (None, "--certificate"):
        left_out.add("certificate_days")
    if not online or chosen != "--client-secret-file":
        left_out.add("secret_days")
    labels = _names(mailboxes, methods, left_out)
    bare = list(dict.fromkeys(names[0] for names in labels.values()))
    known = {name for names in labels.values() for name in names}
    at = _of_addresses(mailboxes, methods, addresses, labels) if len(addresses) > 1 else {}
    known |= {name for _, names in at.values() for name in names}
    pairs = {
        name: list(DEFAULT_THRESHOLDS.get(names[0], (None, None))) for name, names in labels.items()
    }
    for position, level in enumerate(("warning", "critical")):
        limits = _given_limits(given, level, known, bare)
        for name, names in labels.items() if limits else ():
            for one in names:
                if one in limits:
                    pairs[name][position] = limits[one]
        for name, (base, names) in at.items():
            for one in names:
                if one in limits:
                    pairs.setdefault(name, [*pairs[base]])[position] = limits[one]
    return {name: (warning, critical) for name, (warning, critical) in pairs.items()}


def _names(
    mailboxes: tuple[str, ...], methods: tuple[str, ...], left_out: set[str]
) -> dict[str, tuple[str, ...]]:
    """Label as printed -> the names that it goes by, from the widest to the narrowest."""
    prefixes = vocabulary.prefixes(mailboxes, methods)
    halved = len(methods) > 1 and len(mailboxes) > 1
    by_mailbox = vocabulary.prefixes(mailboxes, methods[:1]) if halved else {}
    return {
        prefix + label: (
            label,
            *(_halves(by_mailbox[mailbox, methods[0]], method, label) if halved else ()),
            prefix + label,
        )
        for (mailbox, method), prefix in prefixes.items()
        for label in LABELS[method]
        if label not in left_out
    }


def _of_addresses(
    mailboxes: tuple[str, ...],
    methods: tuple[str, ...],
    addresses: tuple[str, ...],
    labels: Mapping[str, object],
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Label with its address -> the label without, and the names that the former goes by."""
    prefixes = vocabulary.prefixes(mailboxes, methods)
    first = mailboxes[:1]
    parts = vocabulary.place_prefixes(first, ("mapi",), addresses)
    return {
        prefix + label: (
            prefixes[mailbox, method] + label,
            (parts[first[0], "mapi", address] + label, prefix + label),
        )
        for (mailbox, method, address), prefix in vocabulary.place_prefixes(
            mailboxes, methods, addresses
        ).items()
        if method == "mapi"
        for label in LABELS[method]
        if prefixes[mailbox, method] + label in labels
    }


def _given_limits(
    given: Given, level: str, known: set[str], bare: list[str]
) -> dict[str, str | None]:
    """Label -> range of one level, as the options have it; None for one that is switched off."""
    limits: dict[str, str | None] = {}
    text = given.text(level)
    if text is not None:
        # A sign-in alone has no connection to a mailbox: the whole run is what takes its time.
        timed = "connection_time" if "connection_time" in known else "total_time"
        limits[timed] = check_range(text, f"--{level}")
    for item in given.texts(f"{level}-for"):
        option = f"--{level}-for"
        label, equals, spec = item.partition("=")
        if not (label and equals):
            raise UsageError(f"{option}: {item} is not LABEL=RANGE, e.g. time_tls=0.5")
        off = is_none(spec)
        # One template serves every credential, those without a certificate as well.
        if label not in known and not (off and label in DEFAULT_THRESHOLDS):
            meant = alike(label, bare)
            raise UsageError(
                f"{option}: there is no label {label}; {meant}this run has {', '.join(bare)}"
            )
        limits[label] = None if off else check_range(spec, f"{option} {label}")
    return limits


def _halves(mailbox_prefix: str, method: str, label: str) -> tuple[str, str]:
    """A label with the prefix of its mailbox alone, and of its method alone."""
    return f"{mailbox_prefix}{label}", f"{method}_{label}"


def states(items: Sequence[str]) -> dict[str, str]:
    """Kind -> state, defaults included."""
    found = dict(KINDS)
    for item in items:
        kind, equals, name = item.partition("=")
        if not (kind and equals):
            raise UsageError(f"--state: {item} is not KIND=STATE, e.g. throttled=OK")
        if kind == "usage":
            raise UsageError("--state: usage errors always exit with 3; leave out usage")
        if kind not in found:
            kinds = list(KINDS)[1:]
            named = f"{alike(kind, kinds)}kinds are {', '.join(kinds)}"
            raise UsageError(f"--state: there is no kind {kind}; {named}")
        state = state_name(name)
        if state is None:
            shown = name or "an empty value"
            raise UsageError(f"--state: {shown} is not one of {', '.join(STATES)}")
        found[kind] = state
    return found

"""The plan on paper: in words, as requests with their bodies, and as PowerShell."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

from ...base import quoting
from . import names
from .entra import KeyStep
from .files import FileStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tenant_api import Call
    from .step import Known, Step

#: Step by step, what nobody has tried yet.
NOT_YET_SEEN = """None of this has been tried on a live tenant yet. These steps follow Microsoft's
documentation and public code, and were tried against a practice tenant only: the sign-in of an
administrator by device code for two services; the calls of Microsoft Graph that make app,
enterprise application and grant; the cmdlets that make role, role group, service principal,
membership, scope and assignment through Exchange's InvokeCommand interface. Nor is it known how
long grants take to arrive, how a role group lists an app among its members, whether this sign-in
may list the app's Entra roles, and whether a scope takes the property PrimarySmtpAddress."""

#: What a password as credential costs (reference sheet exchange-online 5.6).
PASSWORD_WARNINGS = (
    "a password is weaker than a certificate: no policy may ask for more (MFA, device, place)",
    "Microsoft has announced that it will retire this sign-in (MC1248389); no date is known yet",
    "wrong passwords lock the account",
)


def plan(
    steps: Sequence[Step],
    known: Known,
    tenant: str,
    graph_url: str,
    owner: str,
    *,
    removing: bool,
) -> list[str]:
    """All lines of --print-only; `owner` is that of the option, empty for the usual one."""
    doing = "remove" if removing else "make"
    lines = [
        f"Nothing is changed. This is what {names.COMMAND} would {doing} for {tenant},",
        "where it " + ("exists:" if removing else "does not exist yet:"),
    ]
    chosen = _removable(steps) if removing else list(steps)
    for number, step in enumerate(chosen, 1):
        lines += ["", f"{number}. {step.title}"]
        if not removing:
            lines.append(f"   {step.why}")
        for call in step.undoing(known) if removing else step.calls(known):
            lines += _request(call, graph_url)
    lines += ["", "The same by hand (replace the names in capitals):", ""]
    lines += _by_hand(chosen, known, owner, removing=removing)
    return [*lines, "", *_paragraph(NOT_YET_SEEN)]


def _by_hand(steps: Sequence[Step], known: Known, owner: str, *, removing: bool) -> list[str]:
    """What a shell of this host takes as it is, and what PowerShell does, in the order in which one
    needs the other.
    """
    local = [step for step in steps if isinstance(step, FileStep)]
    powershell = _in_powershell([step for step in steps if step not in local], known, removing)
    if removing:
        first: list[str] = []
        last = [f"rm -- {shlex.quote(step.title)}" for step in local]
        if local:
            place = os.path.dirname(local[0].title)
            last.append(f"rm -f -- {shlex.quote(os.path.join(place, names.LIST))}")
            last.append(f"rmdir -- {shlex.quote(place)}")
    else:
        # The app wants the certificate, and the other files the app's id.
        first = _in_shell([step for step in local if step.name == names.CERTIFICATE])
        last = _in_shell([step for step in local if step.name != names.CERTIFICATE])
    head = [] if removing else _preparing(os.path.dirname(local[0].title), owner)
    if first:
        first = [*head, *first]
    else:
        last = [*head, *last]
    blocks = [("On this host, in a shell", first), ("In PowerShell", powershell)]
    blocks.append(("On this host, in a shell", last))
    lines: list[str] = []
    for title, block in blocks:
        lines += [f"# {title}:", *block, ""] if block else []
    return lines[:-1]


def _preparing(place: str, owner: str) -> list[str]:
    """What the rest of the shell's part needs: who gets the files, and the directories. One that
    exists is left as it is.
    """
    user, _, group = (owner or "nagios").partition(":")
    # Without root they are the caller's own.
    lines = [
        f'own() {{ [ "$(id -u)" -ne 0 ] || chown -- {shlex.quote(f"root:{group or user}")} "$@"; }}'
    ]
    for path in (os.path.dirname(place), place):
        quoted = shlex.quote(path)
        lines.append(f"[ -d {quoted} ] || {{ mkdir -p -m 0750 -- {quoted} && own {quoted}; }}")
    return [*lines, "umask 077"]


def _in_shell(steps: Sequence[Step]) -> list[str]:
    lines = []
    for step in steps:
        lines += [f"# {step.title}: {step.why}", *step.shell()]
    return lines


def _in_powershell(steps: Sequence[Step], known: Known, removing: bool) -> list[str]:
    lines = []
    for step in steps:
        calls = step.undoing(known) if removing else step.calls(known)
        commands = [] if removing else step.shell()
        commands = commands + [powershell(call) for call in calls]
        why = "" if removing else f": {step.why}"
        lines += [f"# {step.title}{why}", *commands] if commands else []
    return [*_connect(steps, known, removing=removing), *lines] if lines else []


def _removable(steps: Sequence[Step]) -> list[Step]:
    """The steps in the order they are taken away; with the app its certificate goes."""
    chosen = [step for step in reversed(steps) if step.removable and not isinstance(step, KeyStep)]
    return sorted(chosen, key=lambda step: isinstance(step, FileStep))


def _request(call: Call, graph_url: str) -> list[str]:
    """A request with its body, indented."""
    body = json.dumps(call.body, ensure_ascii=False)
    if not call.path:
        return [f"   Exchange: {call.verb} {body}"]
    line = f"   {call.verb} {graph_url}{call.path}"
    return [line, f"     {body}"] if call.body else [line]


def _connect(steps: Sequence[Step], known: Known, *, removing: bool) -> list[str]:
    calls = [call for step in steps for call in (step.undoing if removing else step.calls)(known)]
    lines = []
    if any(call.path for call in calls):
        lines.append(f"Connect-MgGraph -Scopes {','.join(names.GRAPH_SCOPES)}")
    if any(not call.path for call in calls):
        lines.append("Connect-ExchangeOnline")
    return lines


def powershell(call: Call) -> str:
    """A request as a command of Microsoft's own modules.

    >>> from ..tenant_api import Call
    >>> powershell(Call("New-RoleGroup", "", {"Name": "a b", "Roles": ["c"]}))
    "New-RoleGroup -Name 'a b' -Roles 'c'"
    """
    if call.path:
        words = [f"Invoke-MgGraphRequest -Method {call.verb} -Uri {quoting.powershell(call.path)}"]
        if call.body:
            body = quoting.powershell(json.dumps(call.body))
            words.append(f"-ContentType application/json -Body {body}")
        return " ".join(words)
    return " ".join([call.verb, *(_parameter(name, value) for name, value in call.body.items())])


def _parameter(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"-{name}:${str(value).lower()}"
    values = value if isinstance(value, list) else [value]
    return f"-{name} {','.join(quoting.powershell(str(one)) for one in values)}"


def _paragraph(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(text.split()), 79)

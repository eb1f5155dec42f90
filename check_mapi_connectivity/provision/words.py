"""The plan on paper: in words, as requests with their bodies, and as PowerShell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import names
from .entra_steps import KeyStep
from .file_steps import FileStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..options import Options
    from .plan import Known, Step
    from .service import Call

#: Step by step, what nobody has tried yet.
NOT_YET_SEEN = """None of this has been tried on a live tenant yet: not the sign-in of an
administrator by device code for two services, not the calls of Microsoft Graph that make app,
enterprise application and grant, not the cmdlets that make role, role group, pointer, membership,
scope and assignment through Exchange's InvokeCommand interface, not how long grants take to
arrive, not how a role group lists an app among its members, not whether this sign-in may list the
app's Entra roles, and not whether a scope takes the property PrimarySmtpAddress. They follow
Microsoft's documentation and public code, and were tried against a practice tenant only."""

#: What a password as credential costs (reference sheet exchange-online 5.6).
PASSWORD_WARNINGS = (
    "a user with a password is the weaker way: no policy may ask it for more (MFA, device, place)",
    "Microsoft has announced to retire this sign-in (MC1248389), the date is not known yet",
    "wrong passwords lock the account; a certificate has none of this",
)


def plan(steps: Sequence[Step], known: Known, options: Options, *, removing: bool) -> list[str]:
    """All lines of --print-only."""
    doing = "take away" if removing else "make"
    lines = [
        f"Nothing is touched. What {names.COMMAND} would {doing} for {options.tenant},",
        "as far as it is " + ("there:" if removing else "not there yet:"),
    ]
    chosen = _removable(steps) if removing else list(steps)
    for number, step in enumerate(chosen, 1):
        lines += ["", f"{number}. {step.title}"]
        if not removing:
            lines.append(f"   {step.why}")
        for call in step.undoing(known) if removing else step.calls(known):
            lines += _request(call, options)
    lines += [
        "",
        "The same by hand, on this host and in PowerShell (names in capitals: fill in):",
        "",
    ]
    lines += _connect(chosen, known, removing=removing)
    for step in chosen:
        calls = step.undoing(known) if removing else step.calls(known)
        commands = [] if removing else step.shell()
        if removing and isinstance(step, FileStep):
            commands = [f"rm {step.title}"]
        commands = commands + [powershell(call) for call in calls]
        why = "" if removing else f": {step.why}"
        lines += [f"# {step.title}{why}", *commands] if commands else []
    return [*lines, "", *_paragraph(NOT_YET_SEEN)]


def _removable(steps: Sequence[Step]) -> list[Step]:
    """The steps in the order they are taken away; with the app its certificate goes."""
    chosen = [step for step in reversed(steps) if step.removable and not isinstance(step, KeyStep)]
    return sorted(chosen, key=lambda step: isinstance(step, FileStep))


def _request(call: Call, options: Options) -> list[str]:
    """A request with its body, indented."""
    body = json.dumps(call.body, ensure_ascii=False)
    if not call.path:
        return [f"   Exchange: {call.verb} {body}"]
    line = f"   {call.verb} {options.graph_url}{call.path}"
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

    >>> from .service import Call
    >>> powershell(Call("New-RoleGroup", "", {"Name": "a b", "Roles": ["c"]}))
    'New-RoleGroup -Name "a b" -Roles "c"'
    """
    if call.path:
        words = [f"Invoke-MgGraphRequest -Method {call.verb} -Uri {_quoted(call.path)}"]
        if call.body:
            body = json.dumps(call.body).replace("'", "''")
            words.append(f"-ContentType application/json -Body '{body}'")
        return " ".join(words)
    return " ".join([call.verb, *(_parameter(name, value) for name, value in call.body.items())])


def _parameter(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"-{name}:${str(value).lower()}"
    values = value if isinstance(value, list) else [value]
    return f"-{name} {','.join(_quoted(str(one)) for one in values)}"


def _quoted(text: str) -> str:
    """A text between double quotes, as PowerShell reads it."""
    escaped = text.replace("`", "``").replace('"', '`"').replace("$", "`$")
    return f'"{escaped}"'


def _paragraph(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(text.split()), 79)

"""From argv, ini sections, environment and files to a Command: options and what to do with them.

Map: `parse` is the way through; `Given` holds the values; what one of them means is decided in the
modules that `checked` imports. Nothing else reads argv, environment or ini. What a usage error does
not need is imported late.
"""

from __future__ import annotations

import os
import stat
import time

from ..base.errors import UsageError
from ..base.vocabulary import PLUGIN
from .arguments import parse_command_line
from .given import ENVIRONMENT_SECRETS, Given, is_none
from .groups import feeding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from typing import Any

    from ..base.options import Command, Recording, Replay, Submission

#: Where packages create a cache directory that belongs to the monitoring user.
SYSTEM_CACHE = "/var/cache/check_mapi_connectivity"

#: What may be given beside a recording: how much of it is shown.
_SHOWN = ("diagnosis", "verbose", "json")


def parse(argv: Sequence[str], environ: MutableMapping[str, str]) -> Command | Replay:
    """What one run is to do: a Command, or a recording that is played again.

    Secrets found in `environ` are removed from it. Raises UsageError for anything that cannot be
    used, Information for `--help` and `--version`.
    """
    given = Given()
    try:
        command_line = parse_command_line(argv)
        for reference in command_line.pop("extra-opts", ()):
            given.add_section(reference, environ)
        given.add(command_line, "command line")
        if given.text("replay") is not None:
            return _replayed(given)
        given.add_tenant(environ)
        return checked(given, environ)
    except UsageError as error:
        error.as_json = given.flag("json")
        raise


def checked(given: Given, environ: MutableMapping[str, str]) -> Command:
    """What the values mean. Cheap checks come first, files next, heavy imports last.

    Raises UsageError.
    """
    from . import credentials, limits, network, target

    started = time.monotonic()
    methods = target.read_methods(given.texts("method"))
    if given.flag("sign-in-only"):
        mailboxes, methods = target.only_sign_in(given, methods)
    else:
        mailboxes = target.mailboxes_of(given)
    cloud = given.choice("cloud", ("worldwide", "gcc", "gcc-high", "dod", "china"), "worldwide")
    counted = target.read_counts(given, mailboxes, methods)
    shown = _shown(given)
    route = network.read_network(given)
    chosen = credentials.kind(given, environ)
    tenant = target.read_tenant(given, methods, chosen)
    online = bool(tenant) or chosen == "--managed-identity"
    judged = limits.judged(
        given, mailboxes, methods, counted["addresses"], online=online, chosen=chosen
    )
    target.check_parts(given, methods)
    places = target.exchange_server(given, methods, mailboxes)
    ca_files = network.read_ca_files(given, environ)
    who = credentials.who(given, environ, methods, tenant, chosen)
    proxy, no_proxy = network.read_proxy(given, environ)
    network.note_variables(given, environ, who.login, proxy)
    submission = _submission(given, environ)
    for variable in ENVIRONMENT_SECRETS.values():
        environ.pop(variable, None)

    from ..base import options as parts

    hosts, urls = target.read_hosts(given, cloud, tenant, places, online=online)
    recording = _recording(given)
    subjects = shown["verbose"] >= 3 and recording is None
    options = parts.Options(
        parts.Targets(mailboxes, methods, subjects=subjects, **counted),
        parts.Account(tenant, **hosts, **who.account),
        parts.Server(login=who.login, **urls),
        parts.Network(proxy, no_proxy, ca_files, **route),
        parts.Judging(**judged),
        parts.Display(**shown),
        _cache_dir(given, environ),
        tuple(given.sections),
    )
    return parts.Command(
        options,
        parts.EXPLAIN if given.flag("explain") else parts.CHECK,
        parts.Provenance(given.origins(), tuple(given.reads), who.lacking),
        recording,
        time.monotonic() - started if given.flag("ask-password") else 0.0,
        submission,
    )


def _replayed(given: Given) -> Replay:
    """The recorded run, and how much of it is to be shown. Raises UsageError."""
    for name, value in given.values.items():
        values = value if isinstance(value, list) else [value]
        if name not in ("replay", *_SHOWN) and any(one and not is_none(one) for one in values):
            raise UsageError(
                f"--replay and --{name} exclude each other: the recording has all options; only "
                "-v, --json and --diagnosis may be given"
            )
    from ..base.options import Display, Replay

    return Replay(given.text("replay") or "", Display(**_shown(given)))


def _shown(given: Given) -> dict[str, Any]:
    """How much of a run is shown, how often and in which form: fields of Display. Raises
    UsageError.
    """
    from . import limits

    frequency = limits.frequency(given.values.get("diagnosis-frequency", "1:1"))
    wanted = given.switch("diagnosis", default=True)
    return {
        "diagnosis": wanted and frequency is not None,
        "frequency": frequency or (1, 1),
        "verbose": min(3, int(given.values.get("verbose", 0))),
        "json": given.flag("json"),
    }


def _recording(given: Given) -> Recording | None:
    """The file to record to, and what is replaced in it. Raises UsageError."""
    from ..base.options import Recording

    path, redact = given.text("record"), given.flag("redact-addresses")
    if redact and path is None:
        raise UsageError("--redact-addresses needs --record, with the file to record to")
    return None if path is None else Recording(path, redact)


def _submission(given: Given, environ: MutableMapping[str, str]) -> Submission | None:
    """What is said of a feed; None where there is none. Raises UsageError."""
    said = [option.name for option in feeding.OPTIONS if option.name in given.values]
    if not said or is_none(given.values.get("submit")):
        return None
    if "submit" not in said:
        raise UsageError(f"--{said[0]} needs --submit, with the name of the scheduler")
    if given.text("record") is not None:
        raise UsageError("--record and --submit exclude each other; record a run without --submit")
    from ..base.options import Submission
    from . import network, secrets, target

    scheduler = given.choice("submit", feeding.SCHEDULERS, "")
    found = {name: given.text(name) for name in said if name not in ("submit", "submit-dry-run")}
    found["submit-url"] = target.url(found.get("submit-url"), "--submit-url")
    texts = {name: text for name, text in found.items() if text is not None}
    user, through = texts.get("submit-user"), texts.pop("submit-proxy", None)
    if through is not None and "@" in through:
        raise UsageError("--submit-proxy: a proxy with a user is not supported here")
    return Submission(
        scheduler,
        texts,
        secrets.secret(given, environ, "submit-password") if user else None,
        network.parse_url(through, "--submit-proxy") if through else None,
        given.flag("submit-dry-run"),
    )


def _cache_dir(given: Given, environ: MutableMapping[str, str]) -> str | None:
    """Where tokens are kept; None for nowhere. The directory need not exist."""
    # A recording holds everything, the sign-in as well.
    if given.flag("no-cache") or given.text("record") is not None:
        return None
    named = given.text("cache-dir")
    if named is not None:
        return named
    try:
        status = os.lstat(SYSTEM_CACHE)
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
            return SYSTEM_CACHE
    except OSError:
        pass
    home = environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, PLUGIN) if os.path.isabs(home) else None

"""From argv and environment to Settings.

What both commands know - tenant, mailboxes, clouds, proxy, TLS, files with secrets - the check's
own parser judges, so that messages and meaning are the same.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..base.credentials import UserPassword
from ..base.errors import UsageError
from ..base.reading import files
from ..commandline import given as commandline_given
from ..commandline import parse as check_cli
from ..commandline.arguments import program, split
from ..commandline.argv.help import wrapped
from ..commandline.argv.parser import Parser
from ..commandline.secrets import check_path
from .files import places, reach, recall
from .files.directory import Directory, Owner
from .files.trusted_files import TrustedFiles
from .option_table import DESCRIPTION, EXAMPLES, EXITS, GROUPS, USAGE
from .steps import names
from .steps.step import guid

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from ..base.options import Account, Confided, Network, Options, Server

#: What --status, --remove and --renew are called within.
ACTIONS = ("status", "renew", "remove")

#: Accounts that run checks, as the packages call them.
_MONITORS = ("nagios", "icinga", "naemon")

#: Options that the check understands, and that are the same for it later on.
_PLACES = ("cloud", *places.URLS)
_NETWORK = tuple(
    option.name
    for title, options in GROUPS
    if title in ("proxy", "TLS and network")
    for option in options
)

#: Stands for the mailbox where none is needed.
_NOBODY = "nobody@example.invalid"

_PATHS = ("ca-file", "proxy-password-file")

#: Files that the check goes on reading where they are.
_LASTING = ("password-file", *_PATHS)


@dataclass(frozen=True)
class Settings:
    """What one run of the set-up command is asked to do.

    `account`, `server` and `network` are the check's own options, with the certificate or password
    that was given as credential, or without one, and `confided` their secrets; `words` are those of
    its command line for the way there, `lines` the same as names and values of an ini section.
    `place` is the directory, `authorities` are --ca-file and what was read of it, `hosts` lines
    about hosts that are not the cloud's own.
    """

    action: str
    print_only: bool
    assumed: bool
    account: Account
    server: Server
    network: Network
    methods: tuple[str, ...]
    mailboxes: tuple[str, ...]
    user: str
    password_file: str | None
    client_id: str
    lifetime: int
    subject: str
    directory: str
    place: Directory = field(repr=False)
    authorities: tuple[tuple[str, str], ...] = field(repr=False)
    hosts: tuple[str, ...]
    owner: Owner
    monitor: str
    wait: float
    tokens: tuple[str, ...] = field(repr=False)
    ask_token: bool
    words: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    environ: Mapping[str, str] = field(repr=False)
    confided: Confided = field(repr=False)


def parser() -> Parser:
    """The parser of the set-up command."""
    exits = f"Exit codes: {'; '.join(f'{code} {text}' for code, text in EXITS.items())}."
    return program(
        names.COMMAND, USAGE, DESCRIPTION, first=EXAMPLES, ending=wrapped(exits), groups=GROUPS
    )


def parse(argv: Sequence[str], environ: MutableMapping[str, str]) -> Settings:
    """Settings of one run.

    Secrets found in `environ` are removed from it. Raises UsageError for anything that cannot be
    used, Information for `--help` and `--version`.
    """
    given = commandline_given.Given()
    words = split(parser(), argv)
    given.add(words, "command line")
    tenant = _tenant(given)
    directory = os.path.abspath(
        given.text("output") or os.path.join(commandline_given.TENANT_DIRECTORIES, tenant)
    )
    action = _action(given)
    print_only = given.flag("print-only")
    if print_only and action in ("status", "renew"):
        raise UsageError(f"--print-only and --{action} exclude each other; give one of them")
    owner, monitor = _owner(given, print_only=print_only)
    place, trusted = Directory(directory, owner), TrustedFiles()
    with files.Source(trusted.read):
        if not print_only:
            place.open()
            recall.options(given, tenant, place, trusted, _lasting(words))
            if action == "renew":
                recall.mailboxes(given, place)
        _check(given)
        kept = dict(environ)
        options = _options(given, tenant, action, environ, secretless=print_only)
        tokens = _tokens(given)
        authorities = tuple(_authority(path) for path in options.network.ca_files)
    targets = options.targets
    mailboxes = tuple(one for one in targets.mailboxes if one != _NOBODY)
    place.belongs(tenant, options.account.cloud.name, mailboxes)
    if "graph" in targets.methods and any("@" not in one for one in targets.mailboxes):
        raise UsageError("--mailbox: method graph needs the mailbox's primary address, not a GUID")
    if not print_only and action in ("set up", "renew"):
        lasting = {f"--{name}": _absolute(given.text(name)) for name in _LASTING}
        reach.try_all(lasting, directory, owner, monitor)
    hosts = options.account, options.server, options.network
    return Settings(
        action=action,
        print_only=print_only,
        assumed=given.flag("yes"),
        account=options.account,
        server=options.server,
        network=options.network,
        methods=targets.methods,
        mailboxes=mailboxes,
        user=given.text("username") or "",
        password_file=_absolute(given.text("password-file")),
        client_id=guid(given.text("client-id")),
        lifetime=_number(given, "lifetime", 12, 24),
        subject=f"{names.APP} on {socket.gethostname()}"[:64],
        directory=directory,
        place=place,
        authorities=authorities,
        hosts=tuple(places.named(*hosts, given.source)),
        owner=owner,
        monitor=monitor,
        wait=float(_number(given, "wait", 900, 86400, least=0)),
        tokens=tokens,
        ask_token=given.flag("ask-token"),
        words=tuple(_words(given, (*_PLACES, *_NETWORK))),
        lines=tuple(_lines(given, targets.methods)),
        environ=kept,
        confided=options.confided,
    )


def _tenant(given: commandline_given.Given) -> str:
    """Domain or GUID, in lower case. Raises UsageError."""
    tenant = (given.text("tenant") or "").lower()
    if not tenant:
        raise UsageError(
            "--tenant is missing: give a domain of the tenant, e.g. contoso.onmicrosoft.com, "
            "or its GUID"
        )
    whole = guid(tenant) or "." in tenant
    if not whole or not re.fullmatch(commandline_given.TENANT, tenant):
        raise UsageError(
            f"--tenant: {tenant} is neither a whole domain, e.g. contoso.onmicrosoft.com, nor a "
            "GUID"
        )
    return tenant


def _action(given: commandline_given.Given) -> str:
    """`set up`, `status`, `renew` or `remove`. Raises UsageError for two of them."""
    found = [name for name in ACTIONS if given.flag(name)]
    if len(found) > 1:
        raise UsageError(f"--{found[0]} and --{found[1]} exclude each other; give one of them")
    return found[0] if found else "set up"


def _lasting(words: dict[str, object]) -> set[str]:
    """The options that hold from one run to the next where the command line is silent."""
    who = set() if "client-id" in words or "certificate" in words else {"username", "password-file"}
    return {"method", *who, *_PLACES, *_NETWORK}


def _authority(path: str) -> tuple[str, str]:
    """--ca-file and what it holds. Raises UsageError."""
    if os.path.isdir(path):
        raise UsageError(f"--ca-file: {path} is a directory; name a file")
    return path, files.read(path, "--ca-file").decode("ascii", "ignore")


def _check(given: commandline_given.Given) -> None:
    """What the check's own parser does not know. Raises UsageError."""
    methods = [name.lower() for name in given.texts("method")] or ["cmdlet"]
    for name in methods:
        if name not in ("cmdlet", "graph"):
            raise UsageError(f"--method: {name} is not one of cmdlet, graph")
    user = given.text("username")
    if user is not None and "graph" in methods:
        raise UsageError("--username is for --method cmdlet; method graph takes a certificate")
    for name in ("certificate", "client-id"):
        if user is not None and given.text(name) is not None:
            raise UsageError(f"--username and --{name} exclude each other; give one of them")
    if given.text("password-file") is not None and user is None:
        raise UsageError("--password-file needs --username, whose password it holds")
    if given.flag("ask-token") and given.text("token-file") is not None:
        raise UsageError("--ask-token and --token-file exclude each other; give one of them")
    client_id = given.text("client-id")
    if client_id is not None and not guid(client_id):
        raise UsageError(
            f"--client-id: {client_id} is not a GUID; the portal shows it as Application (client) "
            "ID"
        )


def _options(
    given: commandline_given.Given,
    tenant: str,
    action: str,
    environ: MutableMapping[str, str],
    *,
    secretless: bool,
) -> Options:
    """The check's options. Raises UsageError."""
    words = [f"--tenant={tenant}", "--no-cache"]
    words += _words(given, ("method", *_PLACES, *_NETWORK))
    mailboxes = given.texts("mailbox")
    if not mailboxes and action in ("status", "remove"):
        mailboxes = [_NOBODY]
    words += [f"--mailbox={one}" for one in mailboxes]
    user, certificate = given.text("username"), given.text("certificate")
    if user is not None and action == "set up" and not secretless:
        path = given.text("password-file")
        words += [f"--username={user}"]
        words += [f"--password-file={path}" if path else "--ask-password"]
        return _of_the_check(words, environ)
    if certificate is not None and not secretless:
        words += _words(given, ("certificate", "certificate-key", "certificate-passphrase-file"))
        return _of_the_check([*words, "--client-id=of-the-app"], environ)
    # A credential without any file stands in where there is none yet.
    options = _of_the_check([*words, "--managed-identity"], environ)
    return options._replace(account=options.account._replace(credential=None))


def _of_the_check(words: Sequence[str], environ: MutableMapping[str, str]) -> Options:
    """What the check makes of these words. Raises UsageError."""
    from ..base.options import Replay

    found = check_cli.parse(words, environ)
    if isinstance(found, Replay):
        raise UsageError("--replay is an option of the check, not of this command")
    return found.options


def _words(given: commandline_given.Given, wanted: Sequence[str]) -> list[str]:
    """The words of a command line that give these options the values they have."""
    found = []
    for name in wanted:
        value = given.values.get(name)
        if value is True:
            found.append(f"--{name}")
        elif isinstance(value, list):
            found += [f"--{name}={one}" for one in value]
        elif value:
            found.append(f"--{name}={_absolute(value) if name in _PATHS else value}")
    return found


def _lines(given: commandline_given.Given, methods: tuple[str, ...]) -> list[tuple[str, str]]:
    """What the check needs to know beside identity and mailbox, as lines of an ini section."""
    found = [("method", method) for method in methods]
    for name in (*_PLACES, *_NETWORK):
        value = given.values.get(name)
        if value is True:
            found.append((name, ""))
        elif value and not commandline_given.is_none(value):
            found.append((name, _absolute(str(value)) or "" if name in _PATHS else str(value)))
    return found


def _tokens(given: commandline_given.Given) -> tuple[str, ...]:
    """The tokens of --token-file, one a line. Raises UsageError."""
    path, option = given.text("token-file"), "--token-file"
    if path is None:
        return ()
    if path == "-":
        text = files.standard_input(option)
    else:
        check_path(path, option)
        text = files.read_text(path, option, secret=True)
    found = tuple(line.strip() for line in text.split("\n") if line.strip())
    if not found:
        raise UsageError(f"{option}: no access token was given")
    return found


def _owner(given: commandline_given.Given, *, print_only: bool) -> tuple[Owner, str]:
    """Who may read the files, and the name of the account that runs the check; empty for none that
    is known. Raises UsageError.
    """
    import grp
    import pwd

    text = given.text("owner")
    if print_only:
        return Owner(), text or ""
    if os.geteuid() != 0:
        if text is not None:
            raise UsageError("--owner works as root only; without it the files belong to you")
        return Owner(), ""
    user, _, group = (text or "").partition(":")
    accounts = {one.pw_name: one for one in pwd.getpwall()}
    if text is None:
        user = next((name for name in _MONITORS if name in accounts), "")
        if not user:
            return Owner(), ""
    if user not in accounts:
        raise UsageError(f"--owner: there is no user {user}; name the user that runs the check")
    if not group:
        return Owner(0, accounts[user].pw_gid), user
    try:
        return Owner(0, grp.getgrnam(group).gr_gid), user
    except KeyError:
        raise UsageError(f"--owner: there is no group {group}") from None


def _number(
    given: commandline_given.Given, name: str, default: int, most: int, least: int = 1
) -> int:
    """A number from `least` to `most`. Raises UsageError."""
    text = given.text(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,5}", text) or not least <= int(text) <= most:
        raise UsageError(f"--{name}: {text} is not a number from {least} to {most}")
    return int(text)


def _absolute(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(path)


def own_words(settings: Settings, client_id: str, certificate: str) -> list[str]:
    """The command line of the check with the identity in the directory, as the operator will start
    it; `certificate` is the name of the file to take.
    """
    tenant, base = settings.account.tenant, settings.place.base
    words = ["--no-cache", *(f"--mailbox={one}" for one in settings.mailboxes)]
    own = [f"--certificate={os.path.join(base, certificate)}"]
    if settings.action == "set up":
        words.append(f"--extra-opts={tenant}@{os.path.join(base, names.OPTIONS_INI)}")
        if settings.user:
            typed = settings.password_file is None
            own = [f"--password-file={os.path.join(base, names.PASSWORD)}"] if typed else []
        # What the section names by the directory's path is there by the path that is used here.
        return [*words, *(own if base != settings.directory else [])]
    words += [f"--tenant={tenant}", f"--client-id={client_id}", *settings.words]
    words += [f"--method={method}" for method in settings.methods]
    return [*words, *own]


def try_key(settings: Settings) -> None:
    """Have the check read the directory's key, as it will for the operator. Raises UsageError."""
    path = os.path.join(settings.directory, names.CERTIFICATE)
    words = [f"--tenant={settings.account.tenant}", "--client-id=of-the-app", "--no-cache"]
    words += [f"--mailbox={_NOBODY}", f"--certificate={path}"]
    trusted = TrustedFiles()
    trusted.hold(path, settings.place.held()[names.CERTIFICATE])
    with files.Source(trusted.read):
        check_cli.parse(words, {})


def password_of(settings: Settings) -> UserPassword | None:
    """The user's password where it was typed in, so that it has to be kept."""
    credential = settings.account.credential
    typed = isinstance(credential, UserPassword) and settings.password_file is None
    return credential if typed and isinstance(credential, UserPassword) else None

"""Options in a recording: all that is no secret and no content of a local file, and back again.

Strategy: each field of the six parts of Options is a member of one flat object, as it is or as
`_WRITTEN` says, and is read as `_READ` says; a field that neither knows is read by the kind of its
default, and has that where an older recording lacks it. What comes back has placeholders for its
secrets; they are what stands in the recording's answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..base.clouds import CLOUDS
from ..base.credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    Login,
    ManagedIdentity,
    Proxy,
    Secret,
    UserPassword,
)
from ..base.errors import UsageError
from ..base.options import Account, Display, Judging, Network, Options, Server, Targets
from ..base.reading.untrusted import Odd
from ..base.vocabulary import (
    BASIC,
    KINDS,
    LABELS,
    METHODS,
    NEGOTIATE,
    NTLM,
    OPTIONAL_LABELS,
    STATES,
    prefixes,
)
from ..commandline import limits, target
from ..mapihttp.discovery import usable_store
from ..secrecy.standins import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NamedTuple

    from ..base.options import Confided, Credential
    from ..base.reading.untrusted import Fields
    from ..base.report import Report

_SCHEMES = (BASIC, NTLM, NEGOTIATE)

#: Fields that a replay has no use for, or must not have; limits have a member of their own.
_LEFT_OUT = frozenset(
    ("subjects", "client_id_given", "ca_files", "authorities", "frequency", "thresholds")
)

#: Kind of credential -> its class.
_KINDS = {
    "certificate": CertificateFiles,
    "client secret": ClientSecret,
    "user and password": UserPassword,
    "managed identity": ManagedIdentity,
    "federated token": FederatedToken,
}


def document(options: Options) -> dict[str, Any]:
    """The options as JSON can hold them. Limits stand without the prefix of mailbox and method."""
    thresholds, targets = options.judging.thresholds, options.targets
    parts = (targets, options.account, options.server, options.network)
    fields = {
        name: _WRITTEN[name](value) if name in _WRITTEN else value
        for part in (*parts, options.judging, options.display)
        for name, value in part._asdict().items()
        if name not in _LEFT_OUT
    }
    rows = [
        {label: thresholds.get(prefix + label) for label in LABELS[method]}
        for (_, method), prefix in prefixes(targets.mailboxes, targets.methods).items()
    ]
    named = {
        prefix + label
        for (_, method), prefix in prefixes(targets.mailboxes, targets.methods).items()
        for label in LABELS[method]
    }
    at = [[label, *pair] for label, pair in thresholds.items() if label not in named]
    return {**fields, "sources": options.sources, "limits": rows, "limits_at_addresses": at}


def _login_document(login: Login | None) -> dict[str, Any] | None:
    if login is None:
        return None
    password = login.password is not None
    return {"username": login.username, "scheme": login.scheme, "password": password}


def _proxy_document(proxy: Proxy | None) -> dict[str, Any] | None:
    if proxy is None:
        return None
    # Without its secret, which nothing may copy.
    return {**proxy._replace(password=None)._asdict(), "password": proxy.password is not None}


def _credential_document(credential: Credential | None) -> dict[str, Any] | None:
    for kind, made in _KINDS.items():
        if isinstance(credential, made):
            names = ("username", "client_id", "url", "path")
            shown = {name: getattr(credential, name) for name in names if hasattr(credential, name)}
            return {"kind": kind, **shown}
    return None


def settled(options: Options, reports: Sequence[Report]) -> Options:
    """The options with the addresses that a run has found, so that it can be played again."""
    found = tuple(dict.fromkeys(report.address for report in reports if report.address))
    targets = options.targets._replace(addresses=found, each_address=False)
    return options._replace(targets=targets)


def known(options: Options) -> tuple[Confided, Names]:
    """The secrets of the run, and the names that its options say openly."""
    account, server, network = options.account, options.server, options.network
    credential, login, proxy = account.credential, server.login, network.proxy
    user = credential.username if isinstance(credential, UserPassword) else None
    username = login.username if login else None
    hosts = (account.authority_url, server.exchange_url, server.graph_url, server.hostname)
    places = (server.autodiscover_url, server.mapi_url, server.legacy_dn)
    who = (account.tenant, account.client_id, username, user, proxy.host if proxy else None)
    # Where only the sign-in is tested, the one "mailbox" has no name.
    mailboxes = tuple(one for one in options.targets.mailboxes if one)
    openly = (*mailboxes, *hosts, *places, *who)
    users = (username, user, proxy.user if proxy else None)
    return options.confided, Names(
        mailboxes,
        tuple(one for one in users if one),
        account.tenant,
        tuple(one for one in openly if one),
    )


def parse(fields: Fields, tests: int) -> Options:
    """The options that a recording of that many tests holds. Raises Odd."""
    targets = Targets(**_read(Targets, fields))
    _check_tests(targets.mailboxes, targets.methods)
    if len(targets.tests) != tests or targets.each_address:
        raise Odd("tests")
    thresholds = _limits(fields, targets.mailboxes, targets.methods)
    return Options(
        targets,
        Account(**_read(Account, fields)),
        Server(**_read(Server, fields)),
        Network(**_read(Network, fields)),
        Judging(thresholds, **_read(Judging, fields)),
        Display(**_read(Display, fields)),
        None,
        fields.texts("sources"),
    )


def _read(part: type[NamedTuple], fields: Fields) -> dict[str, Any]:
    """The fields of one part. Raises Odd."""
    return {
        name: _READ[name](fields, name) if name in _READ else _by_default(part, fields, name)
        for name in part._fields
        if name not in _LEFT_OUT
    }


def _by_default(part: type[NamedTuple], fields: Fields, name: str) -> Any:
    """A field of the kind that its default has, which it has where it is not there."""
    default = part._field_defaults[name]
    if not fields.there(name):
        return default
    if isinstance(default, bool):
        return fields.flag(name)
    if isinstance(default, (int, float)):
        return type(default)(fields.number(name, 1e9))
    return fields.texts(name) if isinstance(default, tuple) else fields.text(name, 10_000)


def _check_tests(mailboxes: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Raises Odd for tests that no run can have."""
    if not mailboxes or not methods or not set(methods) <= set(LABELS):
        raise Odd("options.methods")
    if len(set(mailboxes)) < len(mailboxes) or len(set(methods)) < len(methods):
        raise Odd("options.mailboxes")
    shown = all(_shown(one, 320) for one in mailboxes)
    if not any(METHODS[one].mailbox for one in methods):
        shown = mailboxes == ("",)
    if not shown or len(mailboxes) * len(methods) > 1000:
        raise Odd("options.mailboxes")


def _shown(text: str, limit: int) -> bool:
    return 0 < len(text) <= limit and text.isprintable()


def _host(fields: Fields, name: str) -> str:
    """An https URL of a host."""
    try:
        found = target.url(fields.text(name, 1000), name)
    except UsageError:
        raise Odd(f"options.{name}") from None
    return found or ""


def _hostname(fields: Fields, name: str) -> str | None:
    hostname = fields.text(name, 1000) if fields.there(name) else None
    if hostname is not None:
        try:
            target.url(f"https://{hostname}", name)
        except UsageError:
            raise Odd(f"options.{name}") from None
    return hostname


def _mapi_url(fields: Fields, name: str) -> str | None:
    url = fields.text(name, 1000) if fields.there(name) else None
    if url is not None and not usable_store(url):
        raise Odd(f"options.{name}")
    return url


def _legacy_dn(fields: Fields, name: str) -> str | None:
    dn = fields.text(name, 1000) if fields.there(name) else None
    if dn is not None and not re.fullmatch("/[ -~]{1,1000}", dn):
        raise Odd(f"options.{name}")
    return dn


def _tenant(fields: Fields, name: str) -> str:
    tenant = fields.text(name, 300)
    if not re.fullmatch(r"[A-Za-z0-9._-]*", tenant):
        raise Odd(f"options.{name}")
    return tenant


def _states(fields: Fields, name: str) -> dict[str, str]:
    states = fields.texts_by_name(name)
    if not set(states) <= set(KINDS) or not set(states.values()) <= set(STATES):
        raise Odd(f"options.{name}")
    # A version before this one may have had fewer kinds.
    return {**KINDS, **states}


def _limits(
    fields: Fields, mailboxes: tuple[str, ...], methods: tuple[str, ...]
) -> dict[str, tuple[str | None, str | None]]:
    """Label as printed -> (warning, critical)."""
    known = prefixes(mailboxes, methods)
    rows = fields.inners("limits", 1000)
    if len(rows) != len(known):
        raise Odd("options.limits")
    found: dict[str, tuple[str | None, str | None]] = {}
    for ((_, method), prefix), row in zip(known.items(), rows):
        for label in LABELS[method]:
            if row.there(label):
                warning, critical = (_limit(one) for one in row.sized(label, 2))
                found[prefix + label] = (warning, critical)
            elif label not in OPTIONAL_LABELS:
                raise Odd(f"options.limits.{label}")
    for one in fields.lists("limits_at_addresses", 10_000):
        if len(one) != 3 or not isinstance(one[0], str):
            raise Odd("options.limits_at_addresses")
        found[one[0]] = (_limit(one[1]), _limit(one[2]))
    return found


def _limit(value: object) -> str | None:
    if value is None:
        return None
    try:
        return limits.check_range(value if isinstance(value, str) else "", "limits")
    except UsageError:
        raise Odd("options.limits") from None


def _login(fields: Fields) -> Login:
    return Login(
        fields.text("username", 1000) if fields.there("username") else None,
        Secret("REDACTED-PASSWORD-1") if fields.flag("password") else None,
        fields.choice("scheme", _SCHEMES) if fields.there("scheme") else None,
    )


def _proxy(fields: Fields) -> Proxy:
    texts = {name: fields.text(name, 1000) for name in ("user", "spn_host") if fields.there(name)}
    return Proxy(
        fields.text("host", 1000),
        fields.whole("port", 65535),
        fields.text("source", 10_000),
        password=Secret("REDACTED-PROXY-PASSWORD-1") if fields.flag("password") else None,
        tls=fields.flag("tls"),
        scheme=fields.choice("scheme", _SCHEMES) if fields.there("scheme") else None,
        **texts,
    )


def _credential(fields: Fields) -> Credential:
    """A credential that nothing can be signed in with: a certificate signs nothing, its place is
    taken by a token.
    """
    kind = fields.choice("kind", tuple(_KINDS))
    if kind == "certificate":
        return FederatedToken(fields.text("path", 10_000), Secret("REDACTED-PASSPHRASE-1"))
    if kind == "client secret":
        return ClientSecret(Secret("REDACTED-CLIENT-SECRET-1"))
    if kind == "user and password":
        username = fields.text("username", 1000)
        if not _shown(username, 1000) or not username.isascii():
            raise Odd("options.credential.username")
        return UserPassword(username, Secret("REDACTED-PASSWORD-1"))
    if kind == "managed identity":
        url = fields.text("url", 1000)
        if not re.fullmatch(r"https?://[A-Za-z0-9._:\[\]-]+", url):
            raise Odd("options.credential.url")
        return ManagedIdentity(fields.text("client_id", 1000), url)
    return FederatedToken(fields.text("path", 10_000), Secret("REDACTED-FEDERATED-TOKEN-1"))


def _where_there(read: Callable[[Fields], Any]) -> Callable[[Fields, str], Any]:
    """Reads an object that may be missing."""
    return lambda fields, name: read(fields.inner(name)) if fields.there(name) else None


#: Field -> its form in JSON, where that is another.
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "cloud": lambda cloud: cloud.name,
    "credential": _credential_document,
    "login": _login_document,
    "proxy": _proxy_document,
}

#: Field -> how it is read, where the kind of its default does not say it.
_READ: dict[str, Callable[[Fields, str], Any]] = {
    "mailboxes": lambda fields, name: fields.texts(name),
    "methods": lambda fields, name: fields.texts(name),
    "inbox_items": lambda fields, name: max(1, fields.whole(name, 1000)),
    "concurrency": lambda fields, name: max(1, fields.whole(name, 64)),
    "tenant": _tenant,
    "cloud": lambda fields, name: CLOUDS[fields.choice(name, tuple(CLOUDS))],
    "authority_url": _host,
    "client_id": lambda fields, name: fields.text(name, 300),
    "credential": _where_there(_credential),
    "exchange_url": _host,
    "graph_url": _host,
    "login": _where_there(_login),
    "hostname": _hostname,
    "autodiscover_url": lambda fields, name: _host(fields, name) if fields.there(name) else None,
    "mapi_url": _mapi_url,
    "legacy_dn": _legacy_dn,
    "proxy": _where_there(_proxy),
    "min_tls": lambda fields, name: fields.text(name, 10),
    "ip_version": lambda fields, name: fields.whole(name, 6) if fields.there(name) else None,
    "states": _states,
    "timeout": lambda fields, name: fields.number(name, 1e6, 1e-9),
    "timeout_state": lambda fields, name: fields.choice(name, tuple(STATES)),
    "verbose": lambda fields, name: fields.whole(name, 3),
}

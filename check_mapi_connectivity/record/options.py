"""Options in a recording: all that is no secret and no content of a local file, and back again.

What comes back has placeholders for its secrets; they are what stands in the recording's answers.
"""

from __future__ import annotations

import re
from dataclasses import asdict
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
from ..base.options import Options
from ..base.reading.untrusted import Odd
from ..base.vocabulary import BASIC, KINDS, LABELS, NEGOTIATE, NTLM, STATES, prefixes
from ..commandline import limits, target
from ..mapihttp.discovery import usable_store

if TYPE_CHECKING:
    from typing import Any

    from ..base.options import Credential
    from ..base.reading.untrusted import Fields

_TEXTS = ("tenant", "client_id", "no_proxy", "min_tls")
_HOSTS = ("authority_url", "exchange_url", "graph_url")
_PLACES = ("hostname", "autodiscover_url", "mapi_url", "legacy_dn")
_FLAGS = ("archive", "diagnosis", "json")
_SCHEMES = (BASIC, NTLM, NEGOTIATE)

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
    names = ("mailboxes", "methods", *_TEXTS, *_HOSTS, *_PLACES, *_FLAGS, "sources", "states")
    found: dict[str, Any] = {name: getattr(options, name) for name in names}
    login, proxy = options.login, options.proxy
    return {
        **found,
        "cloud": options.cloud.name,
        "ip_version": options.ip_version,
        "limits": [
            {label: options.thresholds.get(prefix + label) for label in LABELS[method]}
            for (_, method), prefix in prefixes(options.mailboxes, options.methods).items()
        ],
        "timeout": options.timeout,
        "timeout_state": options.timeout_state,
        "verbose": options.verbose,
        "inbox_items": options.inbox_items,
        "concurrency": options.concurrency,
        "credential": _credential_document(options.credential),
        "login": login
        and {
            "username": login.username,
            "scheme": login.scheme,
            "password": login.password is not None,
        },
        "proxy": proxy and {**asdict(_open(proxy)), "password": proxy.password is not None},
    }


def _open(proxy: Proxy) -> Proxy:
    """A proxy without its secret, which nothing may copy."""
    return Proxy(
        proxy.host,
        proxy.port,
        proxy.source,
        proxy.user,
        None,
        proxy.tls,
        proxy.scheme,
        proxy.spn_host,
    )


def _credential_document(credential: Credential | None) -> dict[str, Any] | None:
    for kind, made in _KINDS.items():
        if isinstance(credential, made):
            names = ("username", "client_id", "url", "path")
            shown = {name: getattr(credential, name) for name in names if hasattr(credential, name)}
            return {"kind": kind, **shown}
    return None


def parse(fields: Fields) -> Options:
    """The options that a recording holds. Raises Odd."""
    mailboxes, methods = fields.texts("mailboxes"), fields.texts("methods")
    _check_tests(mailboxes, methods)
    credential = _credential(fields.inner("credential")) if fields.there("credential") else None
    states = fields.texts_by_name("states")
    if not set(states) <= set(KINDS) or not set(states.values()) <= set(STATES):
        raise Odd("options.states")
    version = fields.whole("ip_version", 6) if fields.there("ip_version") else None
    tenant = fields.text("tenant", 300)
    if not re.fullmatch(r"[A-Za-z0-9._-]*", tenant):
        raise Odd("options.tenant")
    hostname, autodiscover_url, mapi_url, legacy_dn = _places(fields)
    return Options(
        mailboxes=mailboxes,
        methods=methods,
        cloud=CLOUDS[fields.choice("cloud", tuple(CLOUDS))],
        ip_version=version,
        credential=credential,
        proxy=_proxy(fields.inner("proxy")) if fields.there("proxy") else None,
        ca_files=(),
        thresholds=_limits(fields, mailboxes, methods),
        # A version before this one may have had fewer kinds.
        states={**KINDS, **states},
        timeout=fields.number("timeout", 1e6, 1e-9),
        timeout_state=fields.choice("timeout_state", tuple(STATES)),
        verbose=fields.whole("verbose", 3),
        cache_dir=None,
        sources=fields.texts("sources"),
        login=_login(fields.inner("login")) if fields.there("login") else None,
        inbox_items=max(1, fields.whole("inbox_items", 1000)),
        concurrency=max(1, fields.whole("concurrency", 64)),
        archive=fields.flag("archive"),
        diagnosis=fields.flag("diagnosis"),
        json=fields.flag("json"),
        tenant=tenant,
        client_id=fields.text("client_id", 300),
        no_proxy=fields.text("no_proxy", 10_000),
        min_tls=fields.text("min_tls", 10),
        authority_url=_host(fields, "authority_url"),
        exchange_url=_host(fields, "exchange_url"),
        graph_url=_host(fields, "graph_url"),
        hostname=hostname,
        autodiscover_url=autodiscover_url,
        mapi_url=mapi_url,
        legacy_dn=legacy_dn,
    )


def _check_tests(mailboxes: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Raises Odd for tests that no run can have."""
    if not mailboxes or not methods or not set(methods) <= set(LABELS):
        raise Odd("options.methods")
    if len(set(mailboxes)) < len(mailboxes) or len(set(methods)) < len(methods):
        raise Odd("options.mailboxes")
    if not all(_shown(one, 320) for one in mailboxes) or len(mailboxes) * len(methods) > 1000:
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


def _places(fields: Fields) -> tuple[str | None, str | None, str | None, str | None]:
    """Where method mapi was to find the mailbox: the options of `_PLACES`."""
    hostname, url, mapi_url, dn = (
        fields.text(name, 1000) if fields.there(name) else None for name in _PLACES
    )
    if url is not None:
        url = _host(fields, "autodiscover_url")
    if hostname is not None:
        try:
            target.url(f"https://{hostname}", "hostname")
        except UsageError:
            raise Odd("options.hostname") from None
    if mapi_url is not None and not usable_store(mapi_url):
        raise Odd("options.mapi_url")
    if dn is not None and not re.fullmatch("/[ -~]{1,1000}", dn):
        raise Odd("options.legacy_dn")
    return hostname, url, mapi_url, dn


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
            elif label != "certificate_days":
                raise Odd(f"options.limits.{label}")
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

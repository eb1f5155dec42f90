"""From argv, ini sections, environment and files to Options.

Map: `parse` is the way through; `sources.Given` holds the values; each function below decides what
one of them means. Nothing else reads argv, environment or ini. What a usage error does not need is
imported late.
"""

from __future__ import annotations

import os
import re
import stat
import time

from . import addresses, credentials, files, judgement, pasted
from .arguments import parse_command_line
from .errors import UsageError
from .mailboxes import mailboxes_of
from .option_table import ENVIRONMENT_SECRETS
from .sources import TENANT, Given, is_none
from .vocabulary import LABELS, PLUGIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from typing import Any

    from .options import Login, Options, Proxy

#: Where packages create a cache directory that belongs to the monitoring user.
SYSTEM_CACHE = "/var/cache/check_mapi_connectivity"

#: Mailboxes times methods that one run can test and put into words in reasonable time.
_MOST_TESTS = 1000

#: Options of method mapi: with one of them and no tenant, `--method mapi` was forgotten.
_MAPI_ONLY = ("hostname", "autodiscover-url", "mapi-url", "auth", "username")

#: What may be given beside a recording: how much of it is shown.
_SHOWN = ("diagnosis", "verbose", "json")


def parse(argv: Sequence[str], environ: MutableMapping[str, str]) -> Options:
    """Options of one run.

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
        return _options(given, environ)
    except UsageError as error:
        error.as_json = given.flag("json")
        raise


def _options(given: Given, environ: MutableMapping[str, str]) -> Options:
    """What the values mean. Cheap checks come first, files next, heavy imports last."""
    started = time.monotonic()
    methods = _methods(given.texts("method"))
    mailboxes = mailboxes_of(given)
    cloud = given.choice("cloud", ("worldwide", "gcc", "gcc-high", "dod", "china"), "worldwide")
    counted = _counts(given, mailboxes, methods)
    shown = _shown(given)
    network = _network(given)
    chosen = credentials.kind(given, environ)
    tenant = _tenant(given, methods, chosen)
    online = bool(tenant) or chosen == "--managed-identity"
    judged = judgement.judged(given, mailboxes, methods, online=online, chosen=chosen)
    _check_archive(given, methods)
    places = addresses.exchange_server(given, methods, mailboxes)
    ca_files = _ca_files(given, environ)
    who = credentials.who(given, environ, methods, tenant, chosen)
    proxy, no_proxy = _proxy(given, environ)
    _note_variables(given, environ, who["login"], proxy)
    for variable in ENVIRONMENT_SECRETS.values():
        environ.pop(variable, None)

    from .options import Options

    return Options(
        mailboxes=mailboxes,
        methods=methods,
        archive=given.flag("archive"),
        tenant=tenant,
        proxy=proxy,
        no_proxy=no_proxy,
        ca_files=ca_files,
        cache_dir=_cache_dir(given, environ),
        sources=tuple(given.sections),
        # Waiting for a person is none of the check's time.
        asked=time.monotonic() - started if given.flag("ask-password") else 0.0,
        explain=given.flag("explain"),
        origins=given.origins(),
        reads=tuple(given.reads),
        **_hosts(given, cloud, tenant, places, online=online),
        **counted,
        **shown,
        **network,
        **judged,
        **_record(given),
        **who,
    )


def _counts(given: Given, mailboxes: tuple[str, ...], methods: tuple[str, ...]) -> dict[str, Any]:
    """How many messages to list, and how many tests to run at the same time. Raises UsageError."""
    if len(mailboxes) * len(methods) > _MOST_TESTS:
        raise UsageError(
            f"{len(mailboxes)} mailboxes, {len(methods)} of --method: more than {_MOST_TESTS} "
            "tests; split them into several runs"
        )
    return {
        "inbox_items": _count(given, "inbox-items", 10, 1000),
        "concurrency": _count(given, "concurrency", 4, 64),
    }


def _network(given: Given) -> dict[str, Any]:
    """Versions of TLS and IP. Raises UsageError."""
    return {
        "min_tls": given.choice("min-tls", ("1.2", "1.3"), "1.2"),
        "ip_version": _ip_version(given),
    }


def _hosts(
    given: Given, cloud: str, tenant: str, places: dict[str, str | None], *, online: bool
) -> dict[str, Any]:
    """Where requests go: the cloud's hosts, or those that are given. Raises UsageError."""
    from .options import CLOUDS

    hosts = CLOUDS[cloud]
    exchange_url = addresses.url(given.text("exchange-url"), "--exchange-url")
    if online and not (places.get("autodiscover_url") or places.get("hostname")):
        places["autodiscover_url"] = exchange_url or f"https://{hosts.autodiscover_host}"
    return {
        "cloud": hosts,
        "authority_url": addresses.authority(given.text("authority-url"), tenant)
        or f"https://{hosts.authority_host}",
        "exchange_url": exchange_url or hosts.exchange,
        "graph_url": addresses.url(given.text("graph-url"), "--graph-url") or hosts.graph,
        **places,
    }


def _replayed(given: Given) -> Options:
    """The options of a recorded run, and how much of it is to be shown. Raises UsageError."""
    for name, value in given.values.items():
        values = value if isinstance(value, list) else [value]
        if name not in ("replay", *_SHOWN) and any(one and not is_none(one) for one in values):
            raise UsageError(
                f"--replay: {name} has no place beside it, because the recording has all options; "
                "-v, --json and --diagnosis may be given"
            )
    from dataclasses import replace

    from .record import recording

    path = given.text("replay") or ""
    return replace(recording.read(path).options, **_shown(given), replay=path)


def _shown(given: Given) -> dict[str, Any]:
    """How much of a run is shown, how often and in which form. Raises UsageError."""
    frequency = judgement.frequency(given.values.get("diagnosis-frequency", "1:1"))
    wanted = given.switch("diagnosis", default=True)
    return {
        "diagnosis": wanted and frequency is not None,
        "frequency": frequency or (1, 1),
        "verbose": min(3, int(given.values.get("verbose", 0))),
        "json": given.flag("json"),
    }


def _record(given: Given) -> dict[str, Any]:
    """The file to record to, and what is replaced in it. Raises UsageError."""
    path, redact = given.text("record"), given.flag("redact-addresses")
    if redact and path is None:
        raise UsageError("--redact-addresses is for --record: name the file to record to")
    return {"record": path, "redact_addresses": redact}


def _note_variables(
    given: Given, environ: MutableMapping[str, str], login: Login | None, proxy: Proxy | None
) -> None:
    """Note the files that libraries take from the environment by themselves."""
    from .options import INSTEAD

    schemes = [one.scheme for one in (login, proxy) if one is not None]
    kerberos = ("KRB5CCNAME", "KRB5_CLIENT_KTNAME", "KRB5_CONFIG")
    for what, names in (
        (INSTEAD, ("SSL_CERT_FILE", "SSL_CERT_DIR")),
        # Where no scheme is named, the other side may ask for Negotiate.
        ("Kerberos", kerberos if {None, "Negotiate"} & set(schemes) else ()),
    ):
        found = [name for name in names if environ.get(name)]
        for name in found:
            pasted.check_quotes(environ[name], name)
            files.check_ends(environ[name], name)
        given.reads += [(what, f"{environ[name]} ({name})") for name in found]


def _methods(names: Sequence[str]) -> tuple[str, ...]:
    """The methods to test by, each once. Raises UsageError."""
    found = tuple(dict.fromkeys(name.lower() for name in names)) or ("cmdlet",)
    for name in found:
        if name not in LABELS:
            raise UsageError(f"--method: {name} is none of {', '.join(LABELS)}")
    return found


def _ip_version(given: Given) -> int | None:
    """4 or 6 where only that one is to be used. Raises UsageError."""
    if given.flag("ipv4") and given.flag("ipv6"):
        raise UsageError("-4 and -6 exclude each other; give one of them or none")
    return 4 if given.flag("ipv4") else 6 if given.flag("ipv6") else None


def _count(given: Given, name: str, default: int, most: int) -> int:
    """A number from 1 to `most`. Raises UsageError."""
    text = given.text(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= most:
        raise UsageError(f"--{name}: {text} is not a number from 1 to {most}")
    return int(text)


def _check_archive(given: Given, methods: tuple[str, ...]) -> None:
    """Refuse an archive that no method of this run would test. Raises UsageError."""
    if given.flag("archive") and "cmdlet" not in methods:
        raise UsageError(
            f"--archive is for --method cmdlet; method {methods[0]} tests the mailbox itself"
        )


def _tenant(given: Given, methods: tuple[str, ...], chosen: str | None) -> str:
    """The tenant to sign in to; empty for an Exchange Server, which has none, and for a managed
    identity, whose token names it. Raises UsageError.
    """
    tenant = given.text("tenant")
    if tenant is None and (methods == ("mapi",) or chosen == "--managed-identity"):
        return ""
    alien = [name for name in _MAPI_ONLY if given.text(name) is not None]
    if tenant is None and alien and "mapi" not in methods:
        raise UsageError(
            f"--{alien[0]} is for --method mapi: add that, or give --tenant for Exchange Online"
        )
    if tenant is None:
        raise UsageError(
            "--tenant is missing: give a domain of the tenant, e.g. contoso.onmicrosoft.com, "
            "or its GUID"
        )
    if not re.fullmatch(TENANT, tenant):
        hint = pasted.instead(tenant, TENANT)
        raise UsageError(f"--tenant: {tenant} is neither a domain nor a GUID{hint}")
    return tenant


def _ca_files(given: Given, environ: MutableMapping[str, str]) -> tuple[str, ...]:
    """Authorities to trust besides the system's.

    Where no option speaks, those that requests would take from the environment.
    """
    named = given.text("ca-file")
    sources = (
        [("--ca-file", named)]
        if named
        else [(name, environ.get(name)) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")]
    )
    for option, path in sources:
        if path:
            pasted.check_quotes(path, option)
            if not os.path.isdir(path):
                _check_authorities(path, option)
            given.reads.append(("authorities", f"{path} ({option})"))
            return (path,)
    return ()


def _check_authorities(path: str, option: str) -> None:
    """Refuse a file that holds no certificate. Raises UsageError."""
    data = files.read(path, option)
    # The usual form is read once, by who needs it.
    if b"-----BEGIN CERTIFICATE-----" in data:
        return
    from . import pem

    found = pem.read(data)
    if any(block.name == "PKCS7" for block in found.blocks):
        raise UsageError(
            f"{option}: {path} is PKCS #7 (P7B); make it PEM: openssl pkcs7 -print_certs"
        )
    if not found.certificates:
        raise UsageError(f"{option}: {path} holds no PEM certificate")


def _proxy(given: Given, environ: MutableMapping[str, str]) -> tuple[Proxy | None, str]:
    """The proxy to use, and the hosts that need none. Raises UsageError."""
    password = credentials.secret(given, environ, "proxy-password")
    url, host, port, user = (
        given.text(name) for name in ("proxy", "proxy-host", "proxy-port", "proxy-user")
    )
    if url and (host or port):
        raise UsageError(
            "--proxy and --proxy-host/--proxy-port say the same thing; give one of them"
        )
    if bool(host) != bool(port):
        raise UsageError("--proxy-host and --proxy-port belong together; give both")
    if port and not re.fullmatch("[0-9]{1,5}", port):
        raise UsageError(f"--proxy-port: {port} is not a port number")
    if host and "/" in host:
        raise UsageError(f"--proxy-host: {host} is not a host name; a URL belongs into --proxy")
    if given.flag("no-proxy"):
        if url or host:
            raise UsageError(
                "--no-proxy and --proxy exclude each other; give one of them (--proxy none "
                "takes one from an ini back)"
            )
        # Of any host, as in the environment's variable.
        return None, "*"
    if url and "@" in url and given.source["proxy"] == "command line":
        raise UsageError(
            "--proxy: no user or password in a URL on the command line; use --proxy-user and "
            "--proxy-password-file"
        )
    no_proxy = ""
    if url:
        source = f"--proxy ({given.source['proxy']})"
    elif host:
        url = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
        source = f"--proxy-host ({given.source['proxy-host']})"
    else:
        names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        source = next((name for name in names if environ.get(name)), "")
        url = environ.get(source)
        no_proxy = _no_proxy(environ)
        if not url:
            return None, ""

    from dataclasses import replace

    from .proxy import parse_url

    found = parse_url(url, source, user, password, given.text("proxy-domain"))
    scheme, spn_host = _proxy_logon(given, found)
    return replace(found, scheme=scheme, spn_host=spn_host), no_proxy


def _no_proxy(environ: MutableMapping[str, str]) -> str:
    """The hosts that need no proxy, by commas, whatever stands between them. Raises UsageError."""
    for name in ("no_proxy", "NO_PROXY"):
        text = environ.get(name)
        if text:
            pasted.check_quotes(text, name)
            pasted.check_visible(" ".join(text.split()), name)
            return ",".join(filter(None, re.split(r"[,;\s]+", text)))
    return ""


def _proxy_logon(given: Given, found: Proxy) -> tuple[str | None, str | None]:
    """How to authenticate at the proxy: scheme, and host of its service. Raises UsageError."""
    named = given.text("proxy-auth")
    choices = credentials.SCHEMES
    scheme = choices[given.choice("proxy-auth", tuple(choices), "basic")] if named else None
    if scheme in ("Basic", "NTLM") and (found.user is None or found.password is None):
        raise UsageError(f"--proxy-auth {named} needs --proxy-user and --proxy-password-file")
    spn_host = given.text("proxy-spn-host")
    if spn_host is not None and not re.fullmatch(r"[A-Za-z0-9.-]+", spn_host):
        raise UsageError(f"--proxy-spn-host: {spn_host} is not a host name")
    return scheme, spn_host


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

"""From argv, ini sections, environment and files to Options.

Map: `parse` is the way through; `sources.Given` holds the values; each function below decides what
one of them means. Nothing else reads argv, environment or ini. What a usage error does not need is
imported late.
"""

from __future__ import annotations

import math
import os
import re
import stat

from . import addresses, credentials, files
from .arguments import parse_command_line
from .errors import UsageError
from .sources import TENANT, Given, is_none
from .vocabulary import DEFAULT_THRESHOLDS, KINDS, LABELS, PLUGIN, STATES, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from .options import Options, Proxy

#: Where packages create a cache directory that belongs to the monitoring user.
SYSTEM_CACHE = "/var/cache/check_mapi_connectivity"

#: Options of method mapi: with one of them and no tenant, `--method mapi` was forgotten.
_MAPI_ONLY = ("hostname", "autodiscover-url", "mapi-url", "auth", "username")

_NUMBER = r"-?(?:[0-9]{1,15}\.?[0-9]{0,15}|\.[0-9]{1,15})"
_RANGE = rf"@?(?:(?P<start>~|{_NUMBER}|):)?(?P<end>{_NUMBER})?"
_TIMEOUT = r"(?P<seconds>[0-9]{1,9}\.?[0-9]{0,9}|\.[0-9]{1,9})?(?::(?P<state>.+))?"
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


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
        given.add_tenant(environ)
        return _options(given, environ)
    except UsageError as error:
        error.as_json = given.flag("json")
        raise


def _options(given: Given, environ: MutableMapping[str, str]) -> Options:
    """What the values mean. Cheap checks come first, files next, heavy imports last."""
    mailbox = _mailbox(given)
    method = _method(given.texts("method"))
    cloud = given.choice("cloud", ("worldwide", "gcc", "gcc-high", "dod", "china"), "worldwide")
    diagnosis = given.choice("diagnosis", ("on", "off"), "on") == "on"
    min_tls = given.choice("min-tls", ("1.2", "1.3"), "1.2")
    ip_version = _ip_version(given)
    timeout, timeout_state = _timeout(given.text("timeout"))
    thresholds = _thresholds(given, _labels(given, method))
    states = _states(given.texts("state"))
    inbox_items = _inbox_items(given.text("inbox-items"))
    tenant = _tenant(given, method)
    places = addresses.exchange_server(given, method, mailbox)
    ca_files = _ca_files(given, environ)
    login = credentials.login(given, environ, method, tenant)
    certificate = credentials.certificate(given, environ, tenant) if login is None else None
    client_id = credentials.client_id(given) if tenant else ""
    proxy, no_proxy = _proxy(given, environ)

    from .options import CLOUDS, Options

    hosts = CLOUDS[cloud]
    return Options(
        mailbox=mailbox,
        method=method,
        archive=given.flag("archive"),
        tenant=tenant,
        cloud=hosts,
        authority_url=addresses.authority(given.text("authority-url"), tenant)
        or f"https://{hosts.authority_host}",
        exchange_url=addresses.url(given.text("exchange-url"), "--exchange-url") or hosts.resource,
        client_id=client_id,
        certificate=certificate,
        proxy=proxy,
        no_proxy=no_proxy,
        ca_files=ca_files,
        min_tls=min_tls,
        ip_version=ip_version,
        thresholds=thresholds,
        states=states,
        timeout=timeout,
        timeout_state=timeout_state or states["timeout"],
        diagnosis=diagnosis,
        verbose=min(3, int(given.values.get("verbose", 0))),
        json=given.flag("json"),
        cache_dir=_cache_dir(given, environ),
        sources=tuple(given.sections),
        login=login,
        inbox_items=inbox_items,
        **places,
    )


def _method(names: Sequence[str]) -> str:
    """The method to test by. Raises UsageError."""
    found = list(dict.fromkeys(name.lower() for name in names)) or ["cmdlet"]
    if len(found) > 1:
        raise UsageError("--method: this version runs one method; start a check for each")
    if found[0] not in LABELS:
        raise UsageError(f"--method: {found[0]} is none of {', '.join(LABELS)}")
    return found[0]


def _ip_version(given: Given) -> int | None:
    """4 or 6 where only that one is to be used. Raises UsageError."""
    if given.flag("ipv4") and given.flag("ipv6"):
        raise UsageError("-4 and -6 exclude each other; give one of them or none")
    return 4 if given.flag("ipv4") else 6 if given.flag("ipv6") else None


def _labels(given: Given, method: str) -> tuple[str, ...]:
    """The performance labels of this run: only a certificate has days to live."""
    certificate = method == "cmdlet" or given.text("certificate") is not None
    return tuple(label for label in LABELS[method] if certificate or label != "certificate_days")


def _inbox_items(text: str | None) -> int:
    if text is None:
        return 10
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= 1000:
        raise UsageError(
            f"--inbox-items: {text or 'an empty value'} is not a number from 1 to 1000"
        )
    return int(text)


def _tenant(given: Given, method: str) -> str:
    """The tenant to sign in to; empty for an Exchange Server, which has none."""
    tenant = given.text("tenant")
    if tenant is None and method == "mapi":
        return ""
    alien = [name for name in _MAPI_ONLY if given.text(name) is not None]
    if tenant is None and alien:
        raise UsageError(
            f"--{alien[0]} is for --method mapi: add that, or give --tenant for Exchange Online"
        )
    if tenant is None:
        raise UsageError(
            "--tenant is missing: give a domain of the tenant, e.g. contoso.onmicrosoft.com, "
            "or its GUID"
        )
    if not re.fullmatch(TENANT, tenant):
        raise UsageError(f"--tenant: {tenant} is neither a domain nor a GUID")
    return tenant


def _mailbox(given: Given) -> str:
    mailboxes = list({name.lower(): name for name in reversed(given.texts("mailbox"))}.values())
    if len(mailboxes) > 1:
        raise UsageError("--mailbox: this version tests one mailbox a run; start a check for each")
    if not mailboxes:
        raise UsageError(
            "--mailbox (-m) is missing: the e-mail address of the mailbox to log on to"
        )
    mailbox = mailboxes[0]
    address = (
        re.fullmatch(r"[^@\s]+@[^@\s]+", mailbox) and mailbox.isprintable() and len(mailbox) <= 320
    )
    if not address and not re.fullmatch(_GUID, mailbox):
        raise UsageError(f"--mailbox: {mailbox} is neither an e-mail address nor a GUID")
    return mailbox


def _timeout(text: str | None) -> tuple[float, str | None]:
    """Seconds, and the state for a deadline hit where the option names one."""
    if text is None:
        return 30.0, None
    match = re.fullmatch(_TIMEOUT, text)
    seconds = float(match["seconds"] or 30) if match and text else 0.0
    if not match or not 0 < seconds < 1e6:
        raise UsageError(
            f"--timeout: {text or 'an empty value'} is not SECONDS[:STATE], e.g. 20 or "
            "10.5:UNKNOWN; 0 is no time at all"
        )
    state = state_name(match["state"]) if match["state"] else None
    if match["state"] and state is None:
        raise UsageError(f"--timeout: {match['state']} is none of {', '.join(STATES)}")
    return seconds, state


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
        raise UsageError(f"{option}: the range {text} ends before it starts")
    return text


def _thresholds(given: Given, labels: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
    """Label -> (warning, critical); `none` switches a default off."""
    pairs = {label: list(DEFAULT_THRESHOLDS.get(label, (None, None))) for label in labels}
    for position, level in enumerate(("warning", "critical")):
        text = given.text(level)
        if text is not None:
            pairs["connection_time"][position] = check_range(text, f"--{level}")
        for item in given.texts(f"{level}-for"):
            option = f"--{level}-for"
            label, equals, spec = item.partition("=")
            if not equals:
                raise UsageError(f"{option}: {item} is not LABEL=RANGE, e.g. time_tls=0.5")
            if label not in pairs:
                raise UsageError(
                    f"{option}: there is no label {label}; this method has {', '.join(labels)}"
                )
            pairs[label][position] = (
                None if is_none(spec) else check_range(spec, f"{option} {label}")
            )
    return {label: (warning, critical) for label, (warning, critical) in pairs.items()}


def _states(items: Sequence[str]) -> dict[str, str]:
    """Kind -> state, defaults included."""
    states = dict(KINDS)
    for item in items:
        kind, equals, name = item.partition("=")
        if not equals:
            raise UsageError(f"--state: {item} is not KIND=STATE, e.g. throttled=OK")
        if kind == "usage":
            raise UsageError(
                "--state: usage errors always exit 3; there is no other state for them"
            )
        if kind not in states:
            raise UsageError(
                f"--state: there is no kind {kind}; kinds are {', '.join(list(KINDS)[1:])}"
            )
        state = state_name(name)
        if state is None:
            raise UsageError(f"--state: {name or 'an empty value'} is none of {', '.join(STATES)}")
        states[kind] = state
    return states


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
            if not os.path.isdir(path) and b"-----BEGIN" not in files.read(path, option):
                raise UsageError(f"{option}: {path} holds no PEM certificate")
            return (path,)
    return ()


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
        return None, ""
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
        no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        if not url:
            return None, ""

    from .proxy import parse_url

    return parse_url(url, source, user, password), no_proxy


def _cache_dir(given: Given, environ: MutableMapping[str, str]) -> str | None:
    """Where tokens are kept; None for nowhere. The directory need not exist."""
    if given.flag("no-cache"):
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

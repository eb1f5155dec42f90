"""What `--explain` says, section by section: each is a function from options to entries.

Nothing is sent, looked up or written; the certificate is read from the bytes that the options hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..base.clouds import MODULE_CLIENT_ID
from ..base.credentials import (
    CertificateFiles,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
    UserPassword,
)
from ..base.errors import UsageError
from ..base.options import INSTEAD
from ..base.reading import untrusted
from ..base.vocabulary import BASIC, KINDS, METHODS, NEGOTIATE, prefixes
from ..feed import explained, settings
from ..result import notes, output
from ..secrecy import names
from ..signin import certificate
from .hosts import HTTPS, Contact, contacts
from .permissions import FACT, NOTE, Entry, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base.credentials import CertificateFacts, Login
    from ..base.options import (
        Account,
        Command,
        Credential,
        Judging,
        Network,
        Options,
        Provenance,
        Targets,
    )
    from ..feed.settings import Feed

#: Mailboxes, and limits, that are named.
_MOST_NAMED = 20

#: Seconds after which Icinga, Nagios and Naemon kill a check unless told otherwise.
_SCHEDULER = 60.0


class Section(NamedTuple):
    """One part of the explanation."""

    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Known:
    """The certificate's facts, or why there are none to be used, with further lines."""

    facts: CertificateFacts | None = None
    problem: str = ""
    details: tuple[str, ...] = ()


class Explanation(NamedTuple):
    """What a command line would do."""

    sections: list[Section]
    hosts: list[Contact]
    certificate: CertificateFacts | None


def explain(command: Command, now: float) -> Explanation:
    """The explanation in its order; `now` is in seconds since 1970."""
    options, provenance = command.options, command.provenance
    targets, account, server = options.targets, options.account, options.server
    hosts = contacts(targets, account, server, options.network)
    feed = settings.read(command)
    hosts += _scheduler(feed)
    known = _read_certificate(account, provenance, now)
    found = [
        Section("what would be tested", list(_tests(options))),
        Section("hosts and ports", [_host(contact) for contact in hosts]),
        Section("proxy", list(_proxy(options.network, provenance))),
        Section("credential", list(_credential(command, known, now))),
        Section("TLS and network", list(_tls(options.network, provenance))),
    ]
    for method in targets.methods:
        entries = [
            *needed(method, targets, account, server),
            Entry(NOTE, METHODS[method].unseen),
        ]
        found.append(Section(f"permissions for method {method}", entries))
    found.append(Section("files", list(_files(command))))
    found.append(Section("judgement", list(_judgement(targets, options.judging))))
    if feed is not None:
        entries = [Entry(FACT, text, name) for name, text in explained.facts(feed, command)]
        found.append(Section("feed", entries))
    return Explanation(found, hosts, known.facts)


def _scheduler(feed: Feed | None) -> list[Contact]:
    """The API that results are given to."""
    place = None if feed is None else explained.address(feed)
    if feed is None or place is None:
        return []
    through = feed.network.proxy
    because = f"{through}, by --submit-proxy" if through else ""
    return [Contact(*place, HTTPS, "Icinga's API, for the feed", through is not None, because)]


def _read_certificate(account: Account, provenance: Provenance, now: float) -> Known:
    """The certificate as it is, from the bytes that the options hold."""
    files = account.certificate
    if files is None or provenance.lacking:
        return Known(problem=provenance.lacking)
    try:
        facts = certificate.load(files, now).facts
    except UsageError as error:
        return Known(None, str(error), error.details)
    refused = certificate.refusal(facts, now, account.tenant)
    return Known(facts, f"{refused.cause}; {refused.remedy}" if refused else "")


def _tests(options: Options) -> Iterator[Entry]:
    targets = options.targets
    for method in targets.methods:
        yield Entry(FACT, METHODS[method].does, f"method {method}")
    shown = ", ".join(targets.mailboxes[:_MOST_NAMED]) or "none, the sign-in alone"
    more = len(targets.mailboxes) - _MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    yield Entry(FACT, shown + rest, "mailboxes" if len(targets.mailboxes) > 1 else "mailbox")
    if targets.archive:
        yield Entry(FACT, "the archive, not the mailbox itself", "archive")
    if targets.address_book:
        yield Entry(FACT, "is asked for the user of a mailbox that is well", "address book")
    if targets.addresses or targets.each_address:
        where = ", ".join(targets.addresses) or "all that the host's name resolves to, 16 at most"
        yield Entry(FACT, where, "addresses")
    if any(METHODS[method].lists for method in targets.methods):
        yield Entry(FACT, f"the newest {targets.inbox_items} messages are listed", "Inbox")
    if len(targets.tests) > 1:
        count = f"{len(targets.tests)}, at most {targets.concurrency} at the same time"
        yield Entry(FACT, count, "tests")
    yield Entry(FACT, _requests(options), "requests")


#: Requests that an address book costs a test by method mapi.
_OF_ADDRESS_BOOK = 3


def _requests(options: Options) -> str:
    """About how many, by what a run without faults sends."""
    targets, account, login = options.targets, options.account, options.server.login
    credential = account.credential
    usual = sum(METHODS[method].requests for _, method in targets.tests)
    if targets.address_book:
        usual += _OF_ADDRESS_BOOK * sum(method == "mapi" for _, method in targets.tests)
    resources = len({account.resource(method) for method in targets.methods})
    each = 0 if credential is None else 2
    if isinstance(credential, ManagedIdentity):
        each = 1
    elif isinstance(credential, UserPassword):
        each = 3
    more = []
    if each:
        more.append(f"{each * resources} more for the sign-in")
    if "mapi" in targets.methods and not options.server.mapi_url:
        more.append("Autodiscover for each mailbox")
    if login is not None and login.scheme is None:
        more.append("one for what authentication the server takes")
    first = "where the cache holds nothing" if options.cache_dir else "for want of a cache"
    if isinstance(credential, ClientSecret) and options.cache_dir:
        more.append(
            "once a day up to 3 for the secret's end, where secret_days has a limit or the app may "
            "read it"
        )
    extra = f"; {first}, {', '.join(more)}" if more else ""
    if login is not None and login.scheme != BASIC:
        extra += "; NTLM and Kerberos take one or two more on each connection"
    return f"about {usual}{extra}"


def _host(contact: Contact) -> Entry:
    host = f"[{contact.host}]" if contact.host and ":" in contact.host else contact.host
    name = f"{host or 'a host not known yet,'} port {contact.port}"
    return Entry(FACT, f"{contact.protocol}, {contact.way}: {contact.purpose}", name)


def _proxy(network: Network, provenance: Provenance) -> Iterator[Entry]:
    through = network.proxy
    if through is None:
        words = "none, because --no-proxy says so"
        if network.no_proxy != "*":
            words = "none: no option names one, nor HTTPS_PROXY or ALL_PROXY of the environment"
        yield Entry(FACT, words, "proxy")
        return
    yield Entry(FACT, notes.proxy_text(network), "proxy")
    if network.no_proxy:
        yield Entry(FACT, f"hosts of NO_PROXY: {network.no_proxy}", "directly")
    user = f"as {through.user}" if through.user else "without a user"
    scheme = f"{through.scheme}, {user}"
    if through.scheme is None:
        scheme = f"what the proxy asks for, {user}: Kerberos before NTLM before Basic"
    yield Entry(FACT, scheme, "logs on by")
    if through.password is not None:
        where = dict(provenance.reads).get("proxy password", f"the URL of {through.source}")
        yield Entry(FACT, f"proxy password from {where}", "secret")
    if through.scheme in (None, NEGOTIATE):
        service = f"HTTP/{through.spn_host or through.host}, where it comes to Kerberos"
        yield Entry(FACT, service, "service name")
    yield Entry(NOTE, "from here only the proxy, and what is reached directly, must be reachable")


def _credential(command: Command, known: Known, now: float) -> Iterator[Entry]:
    login, provenance = command.options.server.login, command.provenance
    if login is not None:
        yield from _login(login, provenance)
        return
    account = command.options.account
    kind, option = _kind(account.credential)
    if provenance.lacking and option not in provenance.origins:
        kind = "none yet; what a certificate needs is told here"
    yield Entry(FACT, kind, "kind")
    if option in provenance.origins:
        yield Entry(FACT, f"--{option} ({provenance.origins[option]})", "given by")
    if account.tenant:
        yield Entry(FACT, account.tenant, "tenant")
    yield Entry(FACT, account.cloud.name, "cloud")
    if account.client_id == MODULE_CLIENT_ID:
        own = f"{account.client_id}, Microsoft's own for Exchange PowerShell"
        yield Entry(FACT, own, "client id")
    elif account.client_id:
        where = provenance.origins.get("client-id")
        yield Entry(FACT, account.client_id + (f" ({where})" if where else ""), "client id")
    yield from _secrets(provenance)
    yield from _facts(known, now)
    if isinstance(account.credential, FederatedToken):
        claims = untrusted.claims(account.credential.token.reveal())
        for name, claim in (("issuer", "iss"), ("subject", "sub")):
            yield Entry(
                FACT, names.text(str(claims.get(claim, "not told by the token"))[:500]), name
            )
    for note in notes.general_notes(account):
        yield Entry(NOTE, note)


def _kind(credential: Credential | None) -> tuple[str, str]:
    """A credential in words, and the option that gives it."""
    if isinstance(credential, CertificateFiles):
        return f"certificate of an app registration, {credential.path}", "certificate"
    if isinstance(credential, ClientSecret):
        return "secret of an app registration", "client-secret-file"
    if isinstance(credential, FederatedToken):
        return f"federated token, {credential.path}", "federated-token-file"
    if isinstance(credential, UserPassword):
        return f"user {credential.username} and password", "username"
    if isinstance(credential, ManagedIdentity) and credential.client_id:
        return f"managed identity {credential.client_id} of this VM", "managed-identity"
    return "this VM's own managed identity", "managed-identity"


def _login(login: Login, provenance: Provenance) -> Iterator[Entry]:
    kind = f"user {login.username} and password"
    if provenance.lacking:
        yield Entry(FACT, provenance.lacking, "not usable")
    elif login.password is None:
        of = f" of user {login.username}" if login.username else ""
        kind = f"Kerberos ticket or keytab{of}"
    yield Entry(FACT, kind, "kind")
    if "username" in provenance.origins:
        yield Entry(FACT, f"--username ({provenance.origins['username']})", "given by")
    yield from _secrets(provenance)
    offer = "what the server offers: NTLM before Negotiate before Basic"
    yield Entry(FACT, login.scheme or offer, "logs on by")


def _secrets(provenance: Provenance) -> Iterator[Entry]:
    """Where the credential's secrets came from."""
    for what, where in provenance.reads:
        if what in ("certificate passphrase", "client secret", "password"):
            yield Entry(FACT, f"{what} from {where}", "secret")


def _facts(known: Known, now: float) -> Iterator[Entry]:
    """The certificate, as the portal shows it; what is wrong with it as a usage error says it."""
    if known.problem:
        yield Entry(FACT, known.problem, "not usable")
    for line in known.details:
        yield Entry(NOTE, line)
    facts = known.facts
    if facts is None:
        return
    _, _, when = output.ending(facts.not_after, facts.days(now)).partition(" ")
    yield Entry(FACT, facts.subject, "subject")
    yield Entry(FACT, when, "ends")
    yield Entry(FACT, facts.sha1, "SHA-1")
    yield Entry(FACT, facts.sha256, "SHA-256")


def _tls(network: Network, provenance: Provenance) -> Iterator[Entry]:
    instead = [where for what, where in provenance.reads if what == INSTEAD]
    usual = " and ".join(instead) or "the system's"
    more = "".join(f", and those of {path}" for path in network.ca_files)
    yield Entry(FACT, f"{usual}{more}", "authorities")
    yield Entry(FACT, f"{network.min_tls}; certificates are always verified", "lowest TLS")
    if network.ip_version is not None:
        yield Entry(FACT, f"IPv{network.ip_version} only", "addresses")


def _files(command: Command) -> Iterator[Entry]:
    options, provenance = command.options, command.provenance
    for source in options.sources:
        yield Entry(FACT, f"options: {source}", "reads")
    for what, where in provenance.reads:
        yield Entry(FACT, f"{what}: {where}", "reads")
    if command.recording is not None:
        told = "what goes over the wire, made anew with mode 0600; the cache is not used"
        yield Entry(FACT, f"{command.recording.path}: {told}", "writes")
        return
    if options.cache_dir is None:
        yield Entry(FACT, "nothing: there is no cache", "writes")
        return
    yield Entry(FACT, f"{options.cache_dir} (mode 0700, files 0600, each with a lock)", "writes")
    if options.account.credential is not None:
        yield Entry(FACT, "access tokens", "token-*.json")
    if isinstance(options.account.credential, ClientSecret):
        yield Entry(FACT, "when the client secret ends, asked once a day", "secret-*.json")
    if isinstance(options.account.credential, UserPassword):
        refused = "for a minute that a password was refused; a salted digest, no password"
        yield Entry(FACT, refused, "refused-*.json")
    if "mapi" in options.targets.methods:
        learned = "address, DN, Inbox id and server of a mailbox; no password"
        yield Entry(FACT, learned, "mapi-*.json")
    if options.display.diagnosis and options.display.frequency != (1, 1):
        yield Entry(FACT, "how many runs in a row have ended alike", "diagnosis-*.json")


def _judgement(targets: Targets, judging: Judging) -> Iterator[Entry]:
    limits = list(_limits(targets, judging))
    for label, (warning, critical) in limits[:_MOST_NAMED]:
        given = (("WARNING", warning), ("CRITICAL", critical))
        words = [f"{state} {_position(spec)}" for state, spec in given if spec]
        yield Entry(FACT, ", ".join(words), label)
    if not limits:
        yield Entry(FACT, "none", "limits")
    if len(limits) > _MOST_NAMED:
        yield Entry(NOTE, f"and {len(limits) - _MOST_NAMED} more limits")
    changed = [
        f"{kind} is {state}" for kind, state in judging.states.items() if state != KINDS[kind]
    ]
    yield Entry(FACT, ", ".join(changed) or "as documented for each kind of failure", "states")
    limit = f"{judging.timeout:g}s for the whole run, then {judging.timeout_state}"
    yield Entry(FACT, limit, "timeout")
    fits = "long enough" if judging.timeout < _SCHEDULER else "too short"
    advice = f"the scheduler's own limit must be longer; {_SCHEDULER:g}s, the usual one, is {fits}"
    yield Entry(NOTE, advice)


def _position(spec: str) -> str:
    """Where a value violates this range."""
    return f"inside {spec[1:]}" if spec.startswith("@") else f"outside {spec}"


def _limits(
    targets: Targets, judging: Judging
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """(label, limits); a bare label where all mailboxes and methods have the same."""
    bare: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for (_, method), prefix in prefixes(targets.mailboxes, targets.methods).items():
        for label in METHODS[method].labels:
            pair = judging.thresholds.get(prefix + label, (None, None))
            bare.setdefault(label, {})[prefix + label] = pair
    for label, group in bare.items():
        same = len(set(group.values())) == 1
        shown = {label: next(iter(group.values()))} if same else group
        yield from (item for item in shown.items() if item[1] != (None, None))
    known = {name for group in bare.values() for name in group}
    yield from (item for item in judging.thresholds.items() if item[0] not in known)

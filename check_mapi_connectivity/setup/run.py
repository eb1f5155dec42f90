"""One run of the set-up command: steps, connections, and what is said about how it went."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ..base.cache import Cache
from ..base.deadline import Deadline
from ..base.errors import UsageError
from ..base.report import Report
from ..commandline import given as commandline_given
from ..network.route import Means
from ..signin.session import Session
from . import administrator as setup_administrator
from . import command_line, proof
from .administrator import Administrator
from .files import reach
from .line import PATIENCE, Line
from .steps import entra, files, names, on_paper, removal, scope, work
from .steps import exchange as setup_steps_exchange
from .steps import identity as setup_steps_identity
from .steps.step import Known, Site
from .tenant_api import Services
from .terminal import Voice, confirm

if TYPE_CHECKING:
    from ..base.credentials import CertificateFiles
    from .command_line import Settings
    from .steps.step import Step


def steps_of(settings: Settings) -> list[Step]:
    """The steps in the order they are made."""
    place, user = settings.directory, settings.user
    tenant, lines = settings.account.tenant, list(settings.lines)
    methods = settings.methods
    shared: list[Step] = [
        setup_steps_exchange.CustomizationStep(),
        setup_steps_exchange.RoleStep(),
        setup_steps_exchange.GroupStep(),
    ]
    if user:
        path = settings.password_file or os.path.join(place, names.PASSWORD)
        identity = [("username", user), ("password-file", path)]
        return [
            setup_steps_exchange.UserStep(user),
            *shared,
            setup_steps_identity.ExchangeRightsStep(methods, user),
            setup_steps_exchange.MemberStep(user),
            *_password(settings),
            files.OptionsStep(place, tenant, [*identity, *lines]),
        ]
    identity = [("client-id", ""), ("certificate", os.path.join(place, names.CERTIFICATE))]
    steps: list[Step] = [
        *_entra_steps(settings),
        entra.PrincipalStep(),
        setup_steps_identity.CredentialStep(settings.account.certificate),
        setup_steps_identity.EntraRightsStep(cmdlet="cmdlet" in methods),
    ]
    if "cmdlet" in methods:
        steps += [entra.GrantStep(), *shared]
    else:
        steps.append(setup_steps_exchange.CustomizationStep())
    steps += [setup_steps_exchange.PointerStep(), setup_steps_identity.ExchangeRightsStep(methods)]
    if "cmdlet" in methods:
        steps.append(setup_steps_exchange.MemberStep())
    if "graph" in methods:
        steps.append(scope.ScopeStep(settings.mailboxes))
        steps.append(scope.AssignmentStep())
        steps += [scope.AuthorizationStep(mailbox) for mailbox in settings.mailboxes]
    return [*steps, files.OptionsStep(place, tenant, [*identity, *lines])]


def _password(settings: Settings) -> list[Step]:
    """The file of a password that is typed in, or would be."""
    typed = command_line.password_of(settings)
    if typed is not None:
        return [files.PasswordStep(settings.directory, typed.password)]
    planned = settings.print_only and settings.password_file is None
    return [files.PasswordStep(settings.directory, None)] if planned else []


def _entra_steps(settings: Settings) -> list[Step]:
    """Certificate and app registration: what a renewal is about."""
    given = settings.account.certificate
    place = settings.directory
    if settings.action != "set up":
        given = None
    return [
        files.CertificateStep(place, settings.subject, settings.lifetime, given),
        setup_steps_identity.KeyProofStep(lambda: command_line.try_key(settings)),
        entra.AppStep(cmdlet="cmdlet" in settings.methods),
        files.ClientIdStep(place),
        entra.KeyStep(),
    ]


def run(settings: Settings, voice: Voice) -> int:
    """Do what was asked for; the exit code. Raises UsageError, StepFailure, CheckFailure."""
    steps = steps_of(settings)
    if settings.print_only:
        # Whoever does it by hand must not lose the certificates of others.
        held = [{"keyId": "THOSE-THAT-ARE-THERE"}]
        known = Known(subject=settings.subject, keys=held)
        removing = settings.action == "remove"
        owner = settings.monitor
        tenant, graph_url = settings.account.tenant, settings.server.graph_url
        voice.lines(on_paper.plan(steps, known, tenant, graph_url, owner, removing=removing))
        return 0
    report = Report("", "graph")
    deadline = Deadline(time.monotonic(), PATIENCE)
    network = settings.network._replace(ca_files=(), authorities=settings.authorities)
    line = Line(Means(network, confided=settings.confided), deadline, report)
    # The administrator's requests need no credential of the check.
    account = settings.account._replace(credential=None)
    try:
        session = Session(account, line, Cache(None, []), report, deadline)
        return _run(settings, steps, voice, session)
    finally:
        line.close()
        settings.place.close()


def _run(settings: Settings, steps: list[Step], voice: Voice, session: Session) -> int:
    tokens = _tokens(settings, voice)
    administrator = Administrator(session, voice, tokens)
    services = Services(session.account, settings.server, session.transport, administrator, voice)
    place, known = settings.place, Known()
    site = Site(session.account, services, place, voice, known, settings.user, settings.client_id)
    tenant = session.account.tenant
    for line in settings.hosts:
        voice.say(f"note: {line}")
    # Before anything is made, and both codes in one go.
    for service in _wanted(settings):
        administrator.token(service)
    if settings.action == "status":
        voice.say(f"What there is for {tenant}, in {settings.directory}:")
        voice.say(f"  looked at by {administrator.who}")
        whole = work.status(site, steps)
        return 0 if whole else 1
    if settings.action == "remove":
        return _remove(settings, site, steps)
    if settings.action == "renew":
        given = settings.account.certificate
        voice.say(f"A new certificate for {tenant}, in {settings.directory}:")
        _renew(settings, site, given)
        place.settle()
        voice.say("done")
        return 0
    _introduce(settings, voice)

    def own(certificate: str) -> proof.Check:
        words = command_line.own_words(settings, site.known.client_id, certificate)
        return proof.Check(words, settings.environ, settings.place)

    made = work.set_up(site, steps, own, settings.wait)
    place.settle()
    if made:
        voice.say("done")
    voice.say(f"run: check_mapi_connectivity {_command(settings)}")
    return 0


def _wanted(settings: Settings) -> tuple[str, ...]:
    """The services that this run is going to need."""
    if settings.user:
        return ("exchange",)
    return ("graph",) if settings.action == "renew" else ("graph", "exchange")


def _introduce(settings: Settings, voice: Voice) -> None:
    """What a person should know before anything is done."""
    voice.say(f"Setting up {settings.account.tenant}, in {settings.directory}:")
    if os.geteuid() == 0 and not settings.monitor:
        voice.say("  only root can read the files; name the user that runs the check by --owner")
    closed = reach.closed_program(settings.owner, settings.monitor) if settings.monitor else None
    if closed:
        voice.say(
            f"  note: {settings.monitor} has no access to {closed}, which runs the check here"
        )
    if settings.account.cloud.doubt:
        voice.say(f"  note: {settings.account.cloud.doubt}")
    for warning in on_paper.PASSWORD_WARNINGS if settings.user else ():
        voice.say(f"  note: {warning}")


def _command(settings: Settings) -> str:
    """The command line that is green now."""
    usual = os.path.join(commandline_given.TENANT_DIRECTORIES, settings.account.tenant)
    who = f"--tenant {settings.account.tenant}"
    if settings.directory != usual:
        ini = os.path.join(settings.directory, names.OPTIONS_INI)
        who = f"--extra-opts={settings.account.tenant}@{ini}"
    return f"{who} -m {settings.mailboxes[0]}"


def _renew(settings: Settings, site: Site, given: CertificateFiles | None) -> None:
    if settings.user:
        raise UsageError("--renew: a user with a password has no certificate; leave out --username")

    def own(certificate: str) -> proof.Check:
        words = command_line.own_words(settings, site.known.client_id, certificate)
        return proof.Check(words, settings.environ, settings.place)

    def new() -> bytes:
        return files.new_certificate(settings.subject, settings.lifetime, given)

    steps = [
        step
        for step in _entra_steps(settings)
        if not isinstance(step, (entra.KeyStep, setup_steps_identity.KeyProofStep))
    ]
    work.renew(site, steps, own, new, settings.wait)


def _remove(settings: Settings, site: Site, steps: list[Step]) -> int:
    tenant, voice = settings.account.tenant, site.voice
    voice.say(f"What there is for {tenant}, in {settings.directory}:")

    def agreed(titles: list[str]) -> bool:
        for title in titles:
            voice.say(f"  {title}")
        if settings.assumed:
            return True
        return confirm(voice, "All of this will be removed.", tenant)

    def asked(title: str) -> bool:
        voice.say(f"{title}: it is not certain that {names.COMMAND} made it")
        return confirm(voice, "Remove it?", "yes")

    if removal.remove(site, steps, agreed, asked):
        voice.say("done")
        return 0
    voice.say("nothing was removed; where there is no terminal, add --yes")
    return 1


def _tokens(settings: Settings, voice: Voice) -> dict[str, str] | None:
    """Tokens that the administrator has given; None where he is to sign in. Raises UsageError."""
    exchange = settings.account.cloud.exchange
    if settings.tokens:
        return setup_administrator.sort(list(settings.tokens), "--token-file", exchange)
    if not settings.ask_token:
        return None
    if not os.isatty(0):
        raise UsageError("--ask-token works on a terminal only; else use --token-file")
    import getpass

    typed = []
    for called in ("Microsoft Graph", "Exchange Online"):
        text = getpass.getpass(f"access token for {called} (empty for none): ").strip()
        typed += [text] if text else []
    return setup_administrator.sort(typed, "--ask-token", exchange)

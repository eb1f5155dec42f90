"""Asks Autodiscover for a mailbox's settings, over the run's transport."""

from __future__ import annotations

from ..base.clouds import MICROSOFT
from ..base.errors import UsageError
from ..base.failure import CheckFailure, Failure
from ..base.value import NamedTuple
from ..mapihttp import autodiscover, discovery
from ..mapihttp.discovery import (
    GUESSED,
    JSON,
    NAMED,
    REDIRECT,
    SERVICE,
    Moved,
    Trust,
    Untrusted,
    Walk,
    is_autodiscover,
)
from ..mapihttp.reader import WireError
from ..network.ntlm_kerberos import Unusable
from ..services import autodiscover_refusals, mapi_http_refusals
from ..services.mapi_refusals import plain, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..base.options import Server
    from ..base.report import Report
    from ..mapihttp.discovery import Step
    from ..network.answer import Answer
    from ..network.transport import Transport
    from .mapi_authentication import Authentication

#: Kinds of a candidate's failure, the most telling first.
_TELLING = (
    *("logon", "mailbox", "permission", "throttled", "server", "protocol"),
    *("tls", "proxy", "connect", "dns"),
)

#: Kinds of failure after which no other candidate is asked, unless no password was needed for it.
_LAST = ("logon", "credential", "untested", "mailbox", "timeout")

#: Kinds of failure that mean no Autodiscover service was found.
_NOTHING = ("dns", "protocol", "connect", "tls")

_REDIRECTS = (301, 302, 303, 307, 308)

#: What a proxy says of a host that it cannot, or may not, reach: no verdict on a guessed one.
_UNREACHED = tuple(f"HTTP {status}" for status in (403, 451, 500, 502, 503, 504))

#: Autodiscover ErrorCodes that mean an unknown address.
_UNKNOWN = (404, 500)

_NAME_IT = "give the Exchange host by --hostname"


class Found(NamedTuple):
    """A mailbox's settings, and the Autodiscover URL that gave them."""

    settings: autodiscover.Settings
    url: str


class Discovery:
    """Finds settings of mailboxes; the time is charged to the report's `discovery`."""

    def __init__(
        self,
        server: Server,
        transport: Transport,
        authentication: Authentication,
        report: Report,
        *,
        online: bool,
    ) -> None:
        self._transport = transport
        self._authentication = authentication
        self._report = report
        self._named = discovery.named_url(server.autodiscover_url, server.hostname)
        self._online = online
        hosts = (server.hostname, server.autodiscover_url, server.mapi_url, self._named)
        self.trust = Trust(
            report.mailbox,
            tuple(
                discovery.host_of(host if "//" in host else f"//{host}") for host in hosts if host
            ),
            MICROSOFT,
        )

    def settings(self, address: str, url: str | None = None) -> Found:
        """The settings of one address; `url` is where to ask, where that is known.

        Raises CheckFailure, with `during` set, and UsageError.
        """
        walk = Walk(address, self.trust, url or self._named, online=self._online)
        went: list[tuple[str, str]] = []
        try:
            return self._walked(walk, went)
        finally:
            self._report.trace.note(*_table(went, guessed=not (url or self._named)))

    def _walked(self, walk: Walk, went: list[tuple[str, str]]) -> Found:
        """The settings that the first good candidate has; `went` takes up each candidate and what
        it said. Raises CheckFailure, UsageError.
        """
        address = walk.address
        failures: list[Failure] = []
        lacking: UsageError | None = None
        while walk.steps:
            url, known = walk.steps[0].url, len(failures)
            said = "leads on"
            try:
                settings = self._step(walk)
            except WireError as error:
                failures.append(_wire(str(error), discovery.host_of(url)))
                if walk.steps and walk.steps[0].url == url:
                    walk.skip()
            except Untrusted as error:
                failures.append(_untrusted(error))
            except UsageError as error:
                # Another candidate may want no package that is missing here.
                lacking, said = lacking or error, str(error)
                walk.skip()
            except Moved as error:
                failures.append(_ONLINE if error.online else _moved(error.address))
                walk.steps.clear()
            except CheckFailure as error:
                failures.append(self._doubted(error.failure, walk))
                walk.skip()
                if error.failure.kind in _LAST and not isinstance(error, Unusable):
                    walk.steps.clear()
            else:
                if settings is not None:
                    went.append((url, "has the settings"))
                    return Found(settings, url)
            went.append((url, failures[-1].cause if len(failures) > known else said))
        if lacking is not None and all(failure.kind in _NOTHING for failure in failures):
            raise lacking
        raise CheckFailure(_concluded(failures, address))

    def _doubted(self, failure: Failure, walk: Walk) -> Failure:
        """What is said of, or by, a host that was guessed may be no word on Exchange."""
        step, how = walk.steps[0], walk.steps[0].how
        if how == NAMED:
            return failure
        if failure.kind == "protocol" and how == GUESSED and not is_autodiscover(step.url):
            return failure._replace(remedy=mapi_http_refusals.LOGON_PAGE)
        if failure.kind == "proxy" and failure.code in _UNREACHED:
            return failure._replace(kind="dns")
        if failure.kind == "logon" and how == GUESSED:
            remedy = f"{failure.remedy}; or give another host by --hostname"
            return failure._replace(remedy=remedy)
        return failure

    def _step(self, walk: Walk) -> autodiscover.Settings | None:
        """Ask the first candidate; None where it sends the walk on. Raises CheckFailure, Untrusted,
        WireError.
        """
        step, sent = walk.steps[0], self._authentication.sent
        if step.how == SERVICE:
            self._service(walk, step.url)
            return None
        answer = self._asked(step)
        if step.how == JSON:
            self._from_json(walk, answer)
            return None
        if answer.status in _REDIRECTS and answer.headers.get("Location"):
            walk.redirected(answer.headers["Location"])
            self._report.trace.remark(f"Autodiscover led on to {walk.steps[0].url}")
            return None
        if step.how == REDIRECT:
            cause = f"{answer.host} does not redirect to an Autodiscover service"
            raise CheckFailure(Failure("protocol", cause, code=f"HTTP {answer.status}"))
        if answer.status != 200:
            raise CheckFailure(self._authentication.explain(answer))
        try:
            result = walk.answered(answer.body)
        except WireError:
            if _is_page(answer):
                raise CheckFailure(mapi_http_refusals.not_mapi(answer)) from None
            raise
        if result is None:
            to = walk.steps[0]
            place = to.url if to.address == step.address else to.address
            self._report.trace.remark(f"Autodiscover led on to {place}")
        if isinstance(result, autodiscover.Refusal):
            asked = self._authentication.sent != sent
            raise CheckFailure(_refused(answer, walk, result, asked=asked))
        if isinstance(result, autodiscover.Settings) and result.foreign:
            raise CheckFailure(_foreign(answer, result, guessed=step.how != NAMED))
        return result

    def _asked(self, step: Step) -> Answer:
        """What a candidate answers. Raises CheckFailure, Untrusted."""
        watch = self._report.times.discovery
        if step.how in (REDIRECT, JSON):
            return self._transport.send("GET", step.url, watch)
        return self._authentication.post(
            step.url,
            watch,
            unasked=step.how != GUESSED,
            phase="request",
            headers={
                **autodiscover.CAPABILITY,
                "Content-Type": autodiscover.CONTENT_TYPE,
                # A routing hint, which a header can hold in ASCII only.
                **({"X-AnchorMailbox": step.address} if step.address.isascii() else {}),
            },
            data=autodiscover.request(step.address),
        )

    def _from_json(self, walk: Walk, answer: Answer) -> None:
        """Go where Autodiscover v2 says. Raises CheckFailure, Moved, Untrusted, WireError."""
        if answer.status != 200:
            cause = f"{answer.host} has no Autodiscover v2 for Outlook"
            raise CheckFailure(Failure("protocol", cause, code=f"HTTP {answer.status}"))
        walk.named(autodiscover.read_json(answer.body))
        self._report.trace.remark(f"Autodiscover led on to {walk.steps[0].url}")

    def _service(self, walk: Walk, name: str) -> None:
        """Look up a service record, where a resolver library is installed.

        Raises CheckFailure, Untrusted, WireError.
        """
        self._report.times.discovery.start("dns")
        try:
            found = self._transport.learn("service", lambda: _service_record(name))
            if found is None:
                self._report.times.discovery.discard()
        finally:
            self._report.times.discovery.stop()
        if found is None:
            note = f"{name} not looked up: the package dnspython is not installed"
            self._report.trace.remark(note)
            walk.skip()
            return
        walk.service(*found)


def _service_record(name: str) -> list[Any] | None:
    """Host and port of the best service record; None where no resolver library is installed.

    Raises CheckFailure.
    """
    try:
        from dns import exception, resolver
    except ImportError:
        return None
    try:
        records = list(resolver.resolve(name, "SRV"))
    except (exception.DNSException, OSError) as error:
        cause = f"no service record {name}"
        raise CheckFailure(Failure("dns", cause, detail=type(error).__name__)) from None
    best = min(records, key=lambda record: (record.priority, -record.weight))
    return [str(best.target).rstrip("."), int(best.port)]


def _table(went: list[tuple[str, str]], *, guessed: bool) -> list[str]:
    """The way through the candidates, a line each: what it said, and who was asked next; nothing of
    one alone.
    """
    if len(went) < 2:
        return []
    following = [*(f"next {url}" for url, _ in went[1:]), "the last"]
    lines = [f"{url}: {said}; {then}" for (url, said), then in zip(went, following)]
    if guessed:
        lines.append("the service connection point in Active Directory is not asked")
    return [f"Autodiscover: {line}" for line in lines]


def _is_page(answer: Answer) -> bool:
    """Whether a person was meant to read this, or nothing came at all."""
    kind = answer.headers.get("Content-Type", "").lower()
    start = answer.body[:1000].lstrip().lower()
    return "html" in kind or not start or b"<html" in start or b"<!doctype html" in start


def _wire(text: str, host: str) -> Failure:
    """What cannot be followed is said as it is; the rest is no document of Autodiscover's."""
    if text.startswith("Autodiscover redirects"):
        cause, _, last = text.partition(", last to ")
        remedy = "check --hostname; or give the host by --autodiscover-url"
        return Failure("protocol", cause, remedy, detail=last and f"last to {last}")
    cause = f"{short(host)} sends invalid Autodiscover XML"
    remedy = "check the reverse proxy, else run the check with --record and report it"
    return Failure("protocol", cause, remedy, detail=plain(text))


def _untrusted(error: Untrusted) -> Failure:
    """No remedy names the host, which the other side chose."""
    if error.page:
        cause = f"{error.named_by} to a web page"
        detail = f"leads to {error.page}; no password is sent there"
        return Failure("protocol", cause, mapi_http_refusals.LOGON_PAGE, detail=detail)
    if error.plain:
        cause = f"{error.named_by} to http, not https"
        detail = f"leads to http://{error.host}; passwords go over https only"
        return Failure("protocol", cause, "correct the redirect; it must lead to https", "", detail)
    return autodiscover_refusals.foreign(error.host, f"{error.named_by} to it")


_CLOUD = "use --method cmdlet or graph; they need --tenant, and onmicrosoft is Exchange Online"

_ONLINE = Failure(
    "mailbox",
    "Autodiscover: the mailbox is in Exchange Online",
    _CLOUD,
)


def _moved(address: str) -> Failure:
    """The mailbox is elsewhere, and this server does not serve it."""
    shown = f"{address[:57]}..." if len(address) > 60 else address
    if discovery.in_cloud(address):
        return _ONLINE._replace(detail=address)
    cause = f"Autodiscover: the mailbox is at {shown}"
    remedy = "test that address; give the host that serves it by -H"
    return Failure("mailbox", cause, remedy, detail=address)


def _refused(answer: Answer, walk: Walk, refusal: autodiscover.Refusal, *, asked: bool) -> Failure:
    """What the Error document of the first candidate means; `asked` is whether it asked for a
    sign-in before.
    """
    failure, step = autodiscover_refusals.error(refusal.code, refusal.message), walk.steps[0]
    if step.how == GUESSED and not asked:
        # Exchange wants to know first who asks: the next candidate may be Exchange.
        return failure._replace(kind="protocol", cause=f"{answer.host}: {failure.cause}")
    if refusal.code in _UNKNOWN and step.address.lower() != walk.address.lower():
        return _moved(step.address)._replace(code=failure.code, detail=failure.detail)
    return failure


def _foreign(answer: Answer, settings: autodiscover.Settings, *, guessed: bool) -> Failure:
    """Settings for other clients, as web hosters give them at the bare domain of a web site."""
    kinds = ", ".join(kind[:12] for kind in settings.kinds[:5])
    known = f"knows only {kinds}" if kinds else "has no settings for Outlook"
    remedy = _NAME_IT if guessed else "correct the check's host name; what answers is no Exchange"
    return Failure("protocol", f"Autodiscover of {answer.host} {known}", remedy)


def _concluded(failures: list[Failure], address: str) -> Failure:
    """What is said of a walk without settings, and that it was Autodiscover where that matters."""
    failure = _worst(failures, address)
    if failure.kind in ("logon", "credential", "permission", "untested"):
        return failure
    return failure._replace(during=failure.during or "Autodiscover")


def _worst(failures: list[Failure], address: str) -> Failure:
    """The most telling of the candidates' failures."""
    if len(failures) == 1:
        return failures[0]
    ranked = sorted(
        failures,
        key=lambda failure: _TELLING.index(failure.kind) if failure.kind in _TELLING else -1,
    )
    domain, causes = address.rpartition("@")[2], "; ".join(failure.cause for failure in failures)
    if ranked and ranked[0].kind not in _NOTHING:
        return ranked[0]
    # A host of this name is meant for Autodiscover: its certificate is what there is to repair.
    meant = f"autodiscover.{discovery.domain_of(address)}"
    for failure in failures:
        if failure.kind == "tls" and meant in failure.cause:
            return failure._replace(detail=f"{failure.detail}; {causes}".lstrip("; "))
    return Failure(
        ranked[0].kind if ranked else "protocol",
        f"no Autodiscover service found for {domain}",
        _NAME_IT,
        detail=causes,
    )

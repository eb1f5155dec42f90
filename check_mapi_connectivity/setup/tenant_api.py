"""Microsoft Graph and Exchange's admin interface with the administrator's tokens.

What is asked may be asked again: after a broken connection, a gateway's error, and where the
service asks to wait. What changes something is sent again only where the service says that it did
nothing; after anything else the step fails, and a second run looks first.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..base.failure import CheckFailure, Failure
from ..base.reading.untrusted import claims
from ..base.report import Stopwatch
from ..network import headers
from ..services import exchange_admin, exchange_refusals, graph_refusals, http_refusals

if TYPE_CHECKING:
    from typing import Any

    from ..base.options import Account, Server
    from ..network.answer import Answer
    from ..network.transport import Transport
    from .administrator import Administrator
    from .terminal import Voice

#: Tries of one request, and the most seconds that are waited before another.
_TRIES = 5
_LONGEST = 300.0

#: Statuses that mean: nothing was done, come again; and those after which a question may be asked
#: again, whatever became of it.
_AGAIN = (429, 503)
_ASK_AGAIN = (*_AGAIN, 408, 500, 502, 504)

#: Graph's code where two requests met in the tenant, and its code for what a replica of Entra does
#: not know yet, be it the tenant itself; so it is no answer to whether something is there.
_CONCURRENT = "ConcurrencyViolation"
_REPLICA = "Directory_ObjectNotFound"

#: Ends of the codes by which app management policies refuse a certificate.
_POLICIES = ("PerAppPolicy", "InvalidEndDate")

_THERE = re.compile(r"already (?:exists?|present|a member|assigned|in use|enabled)", re.IGNORECASE)
_ABSENT = re.compile(r"could\s?n[o']t be found|does not exist|was not found", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """One request: of Graph, `verb` an HTTP method and `path` from the version on; or of Exchange,
    `verb` a cmdlet, `path` empty and `body` its parameters.
    """

    verb: str
    path: str = ""
    body: dict[str, Any] = field(default_factory=dict)


class Services:
    """Sends requests by a line that ends each of them."""

    def __init__(
        self,
        account: Account,
        server: Server,
        line: Transport,
        administrator: Administrator,
        voice: Voice,
    ) -> None:
        self._account, self._server, self._line = account, server, line
        self._administrator = administrator
        self._voice = voice

    def graph(self, path: str) -> dict[str, Any] | None:
        """A document of Graph; None where there is nothing. Raises CheckFailure."""
        answer = self._send_graph("GET", path, None)
        if answer.status == 404 and _code(answer) != _REPLICA:
            return None
        return _document(answer, "Graph")

    def listed(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list of Graph, all pages. Raises CheckFailure."""
        found: list[dict[str, Any]] = []
        for _ in range(100):
            document = self.graph(path) or {}
            found += _objects(document.get("value"))
            following = document.get("@odata.nextLink")
            if not isinstance(following, str) or "/v1.0/" not in following:
                return found
            # The host stays the one that the options name.
            path = "/v1.0/" + following.split("/v1.0/", 1)[1]
        return found

    def exchange(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        """The objects that a cmdlet puts out; none where Exchange knows no such thing. Raises
        CheckFailure.
        """
        answer = self._send_exchange(cmdlet, parameters)
        if answer.status == 200:
            document = _document(answer, "Exchange")
            self._errors(cmdlet, document)
            return _objects(document.get("value", document.get("Value")))
        if _is_absent(answer):
            return []
        raise CheckFailure(_exchange_failure(answer, cmdlet))

    def change(self, call: Call) -> dict[str, Any] | None:
        """Make or take away something: the service's document, None where it was so already. Raises
        CheckFailure.
        """
        if not call.path:
            return self._change_exchange(call)
        answer = self._send_graph(call.verb, call.path, call.body or None)
        if answer.status < 300:
            document = answer.json() if answer.body else {}
            return document if isinstance(document, dict) else {}
        if call.verb == "DELETE" and answer.status == 404 and _code(answer) != _REPLICA:
            return None
        if call.verb == "POST" and answer.status in (400, 409) and _is_there(answer):
            return None
        raise CheckFailure(_graph_failure(answer))

    def _change_exchange(self, call: Call) -> dict[str, Any] | None:
        answer = self._send_exchange(call.verb, call.body)
        removing = call.verb.startswith("Remove-")
        if answer.status == 200:
            document = _document(answer, "Exchange")
            self._errors(call.verb, document)
            rows = _objects(document.get("value"))
            return rows[0] if rows else {}
        if removing and _is_absent(answer):
            return None
        if not removing and _is_there(answer):
            return None
        raise CheckFailure(_exchange_failure(answer, call.verb))

    @staticmethod
    def _errors(cmdlet: str, document: dict[str, Any]) -> None:
        """A 200 is no success where errors stand beside the result (exchange-online 1.6)."""
        errors = document.get("@adminapi.errors")
        if errors:
            cause = f"Exchange reports an error of {cmdlet}"
            text = errors if isinstance(errors, str) else json.dumps(errors)
            raise CheckFailure(Failure("server", cause, "see the details", detail=text))

    def _send_graph(self, verb: str, path: str, body: dict[str, Any] | None) -> Answer:
        headers = {
            "Authorization": f"Bearer {self._administrator.token('graph')}",
            "Accept": "application/json",
        }
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode("ascii")
        asking = verb in ("GET", "DELETE")
        return self._send(verb, self._server.graph_url + path, headers, data, asking=asking)

    def _send_exchange(self, cmdlet: str, parameters: dict[str, Any]) -> Answer:
        token = self._administrator.token("exchange")
        said = claims(token)
        user = next((str(said[name]) for name in ("upn", "unique_name") if said.get(name)), None)
        tenant = str(said.get("tid") or self._account.tenant)
        path, headers, data = exchange_admin.invoke(
            tenant, cmdlet, parameters, token=token, user=user
        )
        asking = cmdlet.startswith(("Get-", "Test-"))
        return self._send("POST", self._server.exchange_url + path, headers, data, asking=asking)

    def _send(
        self, verb: str, url: str, headers: dict[str, str], data: bytes | None, *, asking: bool
    ) -> Answer:
        """One request and its answer, sent again as far as that does no harm. Raises
        CheckFailure.
        """
        for tried in range(1, _TRIES + 1):
            try:
                answer = self._line.send(verb, url, Stopwatch(), headers=headers, data=data)
            except CheckFailure as error:
                if not (asking and error.failure.transient and tried < 3):
                    raise
                self._voice.wait(1.0, error.failure.cause)
                continue
            wait = _pause(answer, tried, asking=asking)
            if wait is None or tried == _TRIES:
                return answer
            self._voice.wait(wait, f"{answer.host} asks to wait")
        return answer


def _pause(answer: Answer, tried: int, *, asking: bool) -> float | None:
    """Seconds after which to send a request again; None for not at all."""
    if not _passes(answer, asking=asking):
        return None
    wait = headers.retry_after(answer)
    wait = 2.0**tried if wait is None else wait
    return wait if wait <= _LONGEST else None


def _passes(answer: Answer, *, asking: bool) -> bool:
    """Whether the same request may be answered otherwise in a moment, and may be sent again."""
    if answer.status in (_ASK_AGAIN if asking else _AGAIN):
        return True
    code = _code(answer)
    if code.endswith(_CONCURRENT) or (asking and code == _REPLICA):
        return True
    # Exchange tells of its exceptions with 400, of those on the way to a cmdlet with 500.
    exception = exchange_refusals.exception_name(answer)
    text = http_refusals.message(answer)
    return (answer.status == 400 or (answer.status == 500 and exception != "")) and (
        exchange_refusals.passes(exception, text)
    )


def _code(answer: Answer) -> str:
    """Graph's code of an error; empty for none."""
    return str(http_refusals.error_document(answer).get("code") or "")


def _document(answer: Answer, who: str) -> dict[str, Any]:
    """The JSON object of an answer with status 200. Raises CheckFailure."""
    if answer.status != 200:
        raise CheckFailure(_graph_failure(answer))
    cause = f"{answer.host} does not answer as {who} does"
    remedy = "check proxy and gateway; one of them may have answered instead"
    none = Failure("protocol", cause, remedy, "", http_refusals.glimpse(answer))
    return http_refusals.document(answer, lambda *_: none)


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or one that stands alone."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _is_there(answer: Answer) -> bool:
    name = exchange_refusals.exception_name(answer)
    return "AlreadyExists" in name or bool(_THERE.search(http_refusals.message(answer)[:2000]))


def _is_absent(answer: Answer) -> bool:
    if answer.status not in (400, 404):
        return False
    name = exchange_refusals.exception_name(answer)
    named = "ObjectNotFound" in name or "MemberNotFound" in name
    return named or bool(_ABSENT.search(http_refusals.message(answer)[:2000]))


def _graph_failure(answer: Answer) -> Failure:
    """Why Graph did not do what the administrator asked."""
    if 300 <= answer.status < 400:
        return http_refusals.redirected(answer, "--graph-url")
    code = str(http_refusals.error_document(answer).get("code") or f"HTTP {answer.status}")
    text = http_refusals.message(answer)
    if not http_refusals.error_document(answer):
        return graph_refusals.status(answer, {})
    limit = _limit(code, text)
    if limit is not None:
        return limit
    if answer.status == 401:
        remedy = "sign in again; check that a pasted token is new and of this tenant"
        return Failure("credential", "Graph refuses the administrator's token", remedy, code, text)
    if answer.status == 403:
        return _forbidden(code, text)
    if answer.status == 404:
        cause = "Graph does not find an object that the request names"
        remedy = "run this again in a few minutes; Entra may not know it everywhere yet"
        return Failure("server", cause, remedy, code, text)
    if code.endswith(_POLICIES):
        cause = "a policy of the tenant forbids this certificate"
        remedy = (
            "remove the file of the new certificate and give a shorter --lifetime, or exempt the "
            "app from the policy"
        )
        return Failure("permission", cause, remedy, code, text)
    if answer.status == 429 or answer.status >= 500:
        failure = http_refusals.trouble(answer, "Graph", "run this again later")
        return failure._replace(code=code)
    return Failure("protocol", "Graph refuses the request", "see the details", code, text)


def _limit(code: str, text: str) -> Failure | None:
    """A refusal for quota or size, which no other role of the administrator mends; else None."""
    if "Quota" in code:
        cause = "Graph makes no more objects: a quota of the directory is used up"
        remedy = (
            "delete objects that nobody needs, or have the quota raised; Graph says whose it is"
        )
    elif "SizeExceeded" in code or "SizeLimit" in code:
        cause = "the object in the directory would become larger than Entra allows"
        remedy = "remove what it does not need, for example certificates that have expired"
    else:
        return None
    return Failure("server", cause, remedy, code, text)


def _forbidden(code: str, text: str) -> Failure:
    """A 403 of Graph: not each of them says that a right is missing."""
    if "backing application" in text:
        cause = "Entra does not know the new app everywhere yet"
        return Failure("server", cause, "run this again in a few minutes", code, text)
    if not re.search("Denied|Privileges|Forbidden|Unauthorized", code, re.IGNORECASE):
        return Failure("permission", "Graph refuses the request", "see the details", code, text)
    remedy = "sign in as Global Administrator or Privileged Role Administrator"
    return Failure("permission", "Graph does not let this account do that", remedy, code, text)


def _exchange_failure(answer: Answer, cmdlet: str) -> Failure:
    """Why Exchange did not run the administrator's cmdlet (exchange-online 1.7)."""
    code = f"HTTP {answer.status}"
    if answer.status == 401:
        cause = "Exchange refuses the administrator's token"
        remedy = "check EXOModuleEnabled (Get-User), and that a pasted token is for Exchange Online"
        return Failure("credential", cause, remedy, code, http_refusals.message(answer))
    failure = exchange_refusals.exchange_status(answer, {})
    if answer.status == 403 or failure.kind == "permission":
        cause = f"this account may not run {cmdlet}"
        remedy = "sign in as Exchange Administrator or a member of Organization Management"
        text = "" if not answer.body.strip(b"\0") else http_refusals.message(answer)
        return Failure("permission", cause, remedy, code, text)
    if http_refusals.error_document(answer) and failure.kind not in ("throttled",):
        code = exchange_refusals.exception_name(answer) or code
        cause, remedy = (
            f"Exchange could not run {cmdlet}",
            "see the details",
        )
        text = http_refusals.message(answer)
        return Failure("server", cause, remedy, code, text, status=answer.status)
    return failure

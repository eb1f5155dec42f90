"""Autodiscover where nothing but the address is known: who is asked, in which order, with what."""

from __future__ import annotations

import sys
import types

import pytest

from check_mapi_connectivity.base.credentials import Login, Secret
from check_mapi_connectivity.base.failure import CheckFailure, Failure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.answer import Answer, Headers
from check_mapi_connectivity.probes.mapi_autodiscover import Discovery

PATH = "/autodiscover/autodiscover.xml"
ROOT, HOST = f"https://contoso.com{PATH}", f"https://autodiscover.contoso.com{PATH}"
PLAIN = f"http://autodiscover.contoso.com{PATH}"
JSON = (
    "https://autodiscover.contoso.com/autodiscover/autodiscover.json/v1.0/probe@contoso.com"
    "?Protocol=AutodiscoverV1"
)
SETTINGS = """<Autodiscover><Response><User><LegacyDN>/o=C/cn=probe</LegacyDN></User><Account>
<Action>settings</Action><Protocol Type="mapiHttp"><MailStore>
<ExternalUrl>https://mail.contoso.com/mapi/emsmdb/?MailboxId=1</ExternalUrl></MailStore></Protocol>
</Account></Response></Autodiscover>"""


def answer(url, status=200, body=SETTINGS, location=""):
    headers = Headers({"Location": location} if location else {})
    host = url.split("/")[2]
    return Answer(url, host, status, "", headers, body.encode(), lines=tuple(headers.items()))


class Web:
    """Stands for transport and authentication: URL -> answer, and the order it was asked in."""

    scheme = "Basic"

    def __init__(self, **answers):
        self.answers = answers
        self.sent = 0
        self.asked = []

    def __call__(self, places):
        self.places = places
        return self

    def post(self, url, watch, *, unasked, phase, **keywords):
        self.asked.append((url, "at once" if unasked else "when asked"))
        assert keywords["headers"]["X-MapiHttpCapability"] == "1"
        assert b"<EMailAddress>" in keywords["data"]
        return self._found(url)

    def send(self, method, url, watch):
        assert method == "GET"
        self.asked.append((url, "never"))
        return self._found(url)

    def learn(self, kind, ask, take=None):
        return ask()

    def explain(self, found):
        return Failure("logon" if found.status == 401 else "protocol", f"HTTP {found.status}")

    def _found(self, url):
        found = self.places.get(url)
        if found is None:
            raise CheckFailure(Failure("dns", f"name of {url} does not exist"))
        return found


@pytest.fixture
def discovery(options, monkeypatch):
    """`discovery(places, records=None, **options)` -> Discovery, and the Web it asks."""

    def make(places, records=None, **changes):
        web = Web()(places)
        dns = types.ModuleType("dns")
        dns.exception = types.SimpleNamespace(DNSException=LookupError)

        def resolve(name, kind):
            web.asked.append((name, kind))
            if not records:
                raise LookupError("no such name")
            return [types.SimpleNamespace(**record) for record in records]

        dns.resolver = types.SimpleNamespace(resolve=resolve)
        monkeypatch.setitem(sys.modules, "dns", dns)
        chosen = options(
            mailboxes=("probe@contoso.com",),
            tenant="",
            credential=None,
            methods=("mapi",),
            login=Login("probe@contoso.com", Secret("x")),
            **changes,
        )
        report, online = Report("probe@contoso.com", "mapi"), chosen.account.credential is not None
        return Discovery(chosen.server, web, web, report, online=online), web

    return make


def test_the_candidates_in_outlooks_order(discovery):
    found, web = discovery({})
    with pytest.raises(CheckFailure) as caught:
        found.settings("probe@contoso.com")
    assert web.asked == [
        (ROOT, "when asked"),
        (HOST, "when asked"),
        (PLAIN, "never"),
        ("_autodiscover._tcp.contoso.com", "SRV"),
        (JSON, "never"),
    ]
    failure = caught.value.failure
    assert failure.cause == "no Autodiscover service found for contoso.com"
    assert (failure.kind, failure.during) == ("dns", "Autodiscover")
    assert "--hostname" in failure.remedy
    assert failure.detail.count("does not exist") == 4
    assert found._report.trace.notes == [
        f"Autodiscover: {ROOT}: name of {ROOT} does not exist; next {HOST}",
        f"Autodiscover: {HOST}: name of {HOST} does not exist; next {PLAIN}",
        f"Autodiscover: {PLAIN}: name of {PLAIN} does not exist; next _autodiscover._tcp.contoso.com",
        "Autodiscover: _autodiscover._tcp.contoso.com: no service record "
        f"_autodiscover._tcp.contoso.com; next {JSON}",
        f"Autodiscover: {JSON}: name of {JSON} does not exist; the last",
        "Autodiscover: the service connection point in Active Directory is not asked",
    ]


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (200, f'{{"Url":"https://mail.contoso.com{PATH}"}}', ""),
        (400, "{}", "no Autodiscover service found for contoso.com"),
        (200, "<html>", "no Autodiscover service found for contoso.com"),
        (
            200,
            f'{{"Url":"https://outlook.office365.com{PATH}"}}',
            "Autodiscover: the mailbox is in Exchange Online",
        ),
        (
            200,
            '{"Url":"https://elsewhere.example/autodiscover/x"}',
            "no Autodiscover service found",
        ),
    ],
)
def test_the_json_kind_is_asked_last_and_without_a_password(discovery, status, body, cause):
    mail = f"https://mail.contoso.com{PATH}"
    found, web = discovery({JSON: answer(JSON, status, body), mail: answer(mail)})
    if not cause:
        assert found.settings("probe@contoso.com").url == mail
        assert web.asked[-2:] == [(JSON, "never"), (mail, "when asked")]
        return
    with pytest.raises(CheckFailure) as caught:
        found.settings("probe@contoso.com")
    assert caught.value.failure.cause.startswith(cause)
    assert web.asked[-1] == (JSON, "never")


def test_a_web_site_at_the_root_domain_is_passed_by(discovery):
    site = answer(ROOT, 200, "<html><body>Welcome</body></html>")
    found, web = discovery({ROOT: site, HOST: answer(HOST)})
    assert found.settings("probe@contoso.com").url == HOST
    assert [url for url, _ in web.asked] == [ROOT, HOST]


def test_a_redirect_in_plain_http_to_a_trusted_host(discovery):
    target = f"https://mail.contoso.com{PATH}"
    places = {PLAIN: answer(PLAIN, 302, location=target), target: answer(target)}
    found, web = discovery(places)
    assert found.settings("probe@contoso.com").url == target
    assert web.asked[-1] == (target, "when asked")


def test_a_redirect_in_plain_http_to_a_stranger(discovery):
    target = f"https://mail.hoster.example{PATH}"
    places = {PLAIN: answer(PLAIN, 302, location=target), target: answer(target)}
    found, web = discovery(places)
    with pytest.raises(CheckFailure) as caught:
        found.settings("probe@contoso.com")
    assert (target, "when asked") not in web.asked
    assert "Autodiscover leads to foreign host mail.hoster.example" in caught.value.failure.detail


def test_a_stranger_that_is_named(discovery):
    target = f"https://mail.hoster.example{PATH}"
    found, web = discovery({target: answer(target)}, hostname="mail.hoster.example")
    assert found.settings("probe@contoso.com").url == target
    assert web.asked == [(target, "at once")]


def test_plain_http_that_answers_with_settings_is_not_believed(discovery):
    found, _ = discovery({PLAIN: answer(PLAIN)})
    with pytest.raises(CheckFailure):
        found.settings("probe@contoso.com")


def test_the_service_record_with_the_best_priority(discovery):
    records = [
        {"priority": 20, "weight": 0, "port": 443, "target": "late.contoso.com."},
        {"priority": 10, "weight": 1, "port": 443, "target": "light.contoso.com."},
        {"priority": 10, "weight": 5, "port": 8443, "target": "mail.contoso.com."},
    ]
    target = f"https://mail.contoso.com:8443{PATH}"
    found, _ = discovery({target: answer(target)}, records)
    assert found.settings("probe@contoso.com").url == target


def test_without_a_resolver_library(discovery, monkeypatch):
    found, _ = discovery({})
    monkeypatch.setitem(sys.modules, "dns", None)
    with pytest.raises(CheckFailure):
        found.settings("probe@contoso.com")
    assert "dnspython is not installed" in found._report.trace.remarks[0]


def test_a_refused_password_ends_the_search(discovery):
    found, web = discovery({ROOT: answer(ROOT, 401), HOST: answer(HOST)})
    with pytest.raises(CheckFailure) as caught:
        found.settings("probe@contoso.com")
    assert caught.value.failure.kind == "logon"
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"hostname": "mail:8443"}, f"https://mail:8443{PATH}"),
        ({"autodiscover_url": "https://mail/x.xml"}, "https://mail/x.xml"),
        ({"autodiscover_url": "https://mail"}, f"https://mail{PATH}"),
        ({"hostname": "other", "autodiscover_url": "https://mail/x"}, "https://mail/x"),
    ],
)
def test_the_url_that_options_name(discovery, changes, url):
    found, web = discovery({url: answer(url)}, **changes)
    assert found.settings("probe@contoso.com").url == url
    assert web.asked == [(url, "at once")]


def test_a_domain_beyond_ascii_is_asked_for_as_dns_has_it(discovery):
    found, web = discovery({})
    with pytest.raises(CheckFailure):
        found.settings("probe@bücher.example")
    assert len(web.asked) == 5
    assert all("xn--bcher-kva.example" in url for url, _ in web.asked)


HOSTER = """<Autodiscover><Response><Account><Action>settings</Action>
<Protocol><Type>POP3</Type></Protocol></Account></Response></Autodiscover>"""
ACTIVE_SYNC = """<Autodiscover><Response><User/><Action><Settings><Server><Type>MobileSync</Type>
<Url>https://x.example/</Url></Server></Settings></Action></Response></Autodiscover>"""
UNKNOWN = """<Autodiscover><Response><Error><ErrorCode>500</ErrorCode><Message>Who?</Message>
</Error></Response></Autodiscover>"""


@pytest.mark.parametrize(
    "body", [HOSTER, ACTIVE_SYNC, UNKNOWN, "<Autodiscover><Response/></Autodiscover>"]
)
def test_a_web_hoster_at_the_root_domain_is_passed_by(discovery, body):
    found, web = discovery({ROOT: answer(ROOT, body=body), HOST: answer(HOST)})
    assert found.settings("probe@contoso.com").url == HOST
    assert [url for url, _ in web.asked] == [ROOT, HOST]


def test_a_refusal_after_a_sign_in_is_a_verdict(discovery, monkeypatch):
    """An Exchange server that the password went to: it goes to no other host."""
    found, web = discovery({ROOT: answer(ROOT, body=UNKNOWN), HOST: answer(HOST)})
    post = web.post

    def signed_in(*args, **keywords):
        web.sent += 1
        return post(*args, **keywords)

    monkeypatch.setattr(web, "post", signed_in)
    with pytest.raises(CheckFailure) as caught:
        found.settings("probe@contoso.com")
    assert caught.value.failure.cause == "Autodiscover does not know this address"
    assert [url for url, _ in web.asked] == [ROOT]


def broken(discovery, **failures):
    """The failure where each place of `failures` fails so."""
    found, web = discovery({})
    places = {"root": ROOT, "host": HOST, "plain": PLAIN}
    wanted = {places[name]: failure for name, failure in failures.items()}

    def give(url):
        raise CheckFailure(wanted.get(url, Failure("dns", f"name of {url} does not exist")))

    web._found = give
    with pytest.raises(CheckFailure) as caught:
        found.settings("probe@contoso.com")
    return caught.value.failure


@pytest.mark.parametrize("status", [403, 500, 502, 503, 504])
def test_what_a_proxy_says_of_a_guessed_host_is_no_verdict(discovery, status):
    said = Failure("proxy", "proxy p:3128 cannot reach it", "look at it", f"HTTP {status}")
    failure = broken(discovery, root=said, host=said, plain=said)
    assert failure.cause == "no Autodiscover service found for contoso.com"
    assert failure.remedy == "give the Exchange host by --hostname"
    assert failure.kind == "dns"
    assert failure.detail.count("proxy p:3128 cannot reach it") == 3


def test_what_a_proxy_says_of_itself_is_one(discovery):
    said = Failure("proxy", "proxy p:3128 refuses the logon", "check it", "HTTP 407")
    failure = broken(discovery, root=said, host=said, plain=said)
    assert (failure.kind, failure.cause, failure.remedy) == ("proxy", said.cause, said.remedy)


def test_a_certificate_of_the_autodiscover_host_is_what_there_is_to_repair(discovery):
    site = Failure("protocol", "contoso.com answers, but not as Autodiscover")
    expired = Failure(
        "tls", "certificate of autodiscover.contoso.com has expired", "renew it", "X", "in full"
    )
    failure = broken(discovery, root=site, host=expired)
    assert (failure.kind, failure.cause, failure.remedy) == ("tls", expired.cause, expired.remedy)
    assert failure.detail.startswith("in full; contoso.com answers, but not")
    # One of the web site at the bare domain is no news.
    other = Failure("tls", "certificate of contoso.com is for other names", "see there")
    assert broken(discovery, root=other).cause == "no Autodiscover service found for contoso.com"

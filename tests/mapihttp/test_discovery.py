"""The way to the settings: order of the candidates, redirects, and who is told the password
(sheet mapi-http 1.4 and 1.7).
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from check_mapi_connectivity.base.clouds import MICROSOFT
from check_mapi_connectivity.mapihttp.autodiscover import Refusal, Settings
from check_mapi_connectivity.mapihttp.discovery import (
    GUESSED,
    JSON,
    MOST_HOPS,
    NAMED,
    PATH,
    REDIRECT,
    SERVICE,
    Moved,
    Step,
    Trust,
    Untrusted,
    Walk,
    host_of,
    usable_store,
)
from check_mapi_connectivity.mapihttp.reader import WireError

from .material import patient
from .test_autodiscover import account, document

ADDRESS = "probe@contoso.com"
CANDIDATES = [
    Step(GUESSED, f"https://contoso.com{PATH}", ADDRESS),
    Step(GUESSED, f"https://autodiscover.contoso.com{PATH}", ADDRESS),
    Step(REDIRECT, f"http://autodiscover.contoso.com{PATH}", ADDRESS),
    Step(SERVICE, "_autodiscover._tcp.contoso.com", ADDRESS),
    Step(
        JSON,
        "https://autodiscover.contoso.com/autodiscover/autodiscover.json/v1.0/probe@contoso.com"
        "?Protocol=AutodiscoverV1",
        ADDRESS,
    ),
]


def walk(url=None, hosts=(), address=ADDRESS, **more):
    return Walk(address, Trust(address, hosts, MICROSOFT), url, **more)


def to_address(address):
    return account(f"<Action>redirectAddr</Action><RedirectAddr>{address}</RedirectAddr>")


def to_url(url):
    return account(f"<Action>redirectUrl</Action><RedirectUrl>{url}</RedirectUrl>")


def test_candidates_in_order():
    found = walk()
    assert found.steps == CANDIDATES
    for left in (4, 3, 2, 1, 0, 0):
        found.skip()
        assert found.steps == CANDIDATES[5 - left :]


def test_a_url_of_the_operator_is_the_only_candidate():
    url = "https://mail.example.net/Autodiscover/Autodiscover.xml"
    found = walk(url)
    assert found.steps == [Step(NAMED, url, ADDRESS)]
    assert found.answered(to_address("b@other.example")) is None
    assert found.steps == [Step(NAMED, url, "b@other.example")]


def test_the_domain_is_taken_in_lower_case():
    assert walk(address="Probe@CONTOSO.com").steps[0].url == f"https://contoso.com{PATH}"


def test_settings_and_refusals_end_the_walk():
    found = walk()
    assert isinstance(found.answered(document("")), Settings)
    assert found.answered(document("<Error><ErrorCode>500</ErrorCode></Error>")) == Refusal(500, "")
    assert found.steps == CANDIDATES
    with pytest.raises(WireError):
        found.answered(b"<html/>")
    assert found.steps == CANDIDATES


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://mail.contoso.com/a?b=c#d", "https://mail.contoso.com/a?b=c#d"),
        ("/owa", "https://contoso.com/owa"),
        ("//mail.contoso.com:8443/x", "https://mail.contoso.com:8443/x"),
        ("https://autodiscover-s.outlook.com/", "https://autodiscover-s.outlook.com/"),
        ("HTTPS://Partner.Example/x", "https://Partner.Example/x"),
    ],
)
@pytest.mark.parametrize("by_document", [True, False])
def test_redirects_are_asked_before_the_other_candidates(location, url, by_document):
    found = walk(hosts=("Partner.example",))
    if by_document:
        assert found.answered(to_url(location)) is None
    else:
        found.redirected(location)
    (step, *others) = found.steps
    assert step.url.lower() == url.lower()
    assert (step.how, step.address) == (GUESSED, ADDRESS)
    assert others == CANDIDATES[1:]


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "http://contoso.com/",
        "https://contoso.com.evil.example/",
        "https://evilcontoso.com/",
        "https://contoso.com@evil.example/",
        "https://evil.example\\.contoso.com/",
        "https://evil.example%2f.contoso.com/",
        "https://evil.example%00.contoso.com/",
        "https://evil.example .contoso.com/",
        "https://evil.example／.contoso.com/",
        "https://evil.example[contoso.com]/",
        "https://[contoso.com]/",
        "https://contoso.com:99999/",
        "https://contoso.com:443.evil.example/",
        "https://192.0.2.1/",
        "https://outlook.com.evil.example/",
        "ftp://contoso.com/",
        "javascript:alert(1)",
        "https://[/",
    ],
)
@pytest.mark.parametrize("by_document", [True, False])
def test_the_password_does_not_follow_a_redirect_elsewhere(location, by_document):
    found = walk()
    with pytest.raises((Untrusted, WireError)) as caught:
        if by_document:
            found.answered(to_url(location))
        else:
            found.redirected(location)
    assert found.steps == CANDIDATES[1:]
    if isinstance(caught.value, Untrusted):
        assert caught.value.named_by == "contoso.com redirects Autodiscover"
        assert len(str(caught.value)) < 400


def test_the_unencrypted_candidate_is_left_by_https_only():
    found = walk()
    found.skip()
    found.skip()
    with pytest.raises(Untrusted):
        found.redirected("/autodiscover/autodiscover.xml?a")
    assert found.steps == CANDIDATES[3:]


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("mail.contoso.com", 443, f"https://mail.contoso.com{PATH}"),
        ("mail.contoso.com.", 443, f"https://mail.contoso.com{PATH}"),
        ("mail.contoso.com", 8443, f"https://mail.contoso.com:8443{PATH}"),
    ],
)
def test_service_records(host, port, url):
    found = walk()
    found.steps = found.steps[3:4]
    found.service(host, port)
    assert found.steps == [Step(GUESSED, url, ADDRESS)]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example/.contoso.com", "evil.example#.contoso.com", "", ".",
     "a@contoso.com", "contoso.com:1@evil.example", "evil.example?.contoso.com", "a\\.contoso.com"],
)  # fmt: skip
def test_service_records_that_point_elsewhere(host):
    found = walk()
    found.steps = found.steps[3:4]
    with pytest.raises(Untrusted) as caught:
        found.service(host, 443)
    assert caught.value.named_by == "service record _autodiscover._tcp.contoso.com leads"
    assert found.steps == []


def test_what_the_json_kind_names():
    found = walk()
    found.steps = found.steps[4:]
    found.named(f"https://mail.contoso.com{PATH}")
    assert found.steps == [Step(GUESSED, f"https://mail.contoso.com{PATH}", ADDRESS)]
    for url in ("https://elsewhere.example/", f"http://mail.contoso.com{PATH}"):
        found = walk()
        found.steps = found.steps[4:]
        with pytest.raises(Untrusted):
            found.named(url)
    found = walk()
    found.steps = found.steps[4:]
    with pytest.raises(Moved):
        found.named(f"https://outlook.office365.com{PATH}")


def test_an_address_within_the_domain_begins_anew():
    found = walk()
    assert found.answered(to_address("b@eu.contoso.com")) is None
    assert [step.url for step in found.steps] == [
        f"https://eu.contoso.com{PATH}",
        f"https://autodiscover.eu.contoso.com{PATH}",
        f"http://autodiscover.eu.contoso.com{PATH}",
        "_autodiscover._tcp.eu.contoso.com",
        "https://autodiscover.eu.contoso.com/autodiscover/autodiscover.json/v1.0/b@eu.contoso.com"
        "?Protocol=AutodiscoverV1",
    ]
    assert {step.address for step in found.steps} == {"b@eu.contoso.com"}


def test_an_address_elsewhere_gets_no_password_before_somebody_trusted_is_named():
    found = walk(online=True)
    assert found.answered(to_address("b@contoso.mail.onmicrosoft.com")) is None
    assert [step.how for step in found.steps] == [REDIRECT, SERVICE, JSON]
    found.redirected(f"https://autodiscover-s.outlook.com{PATH}")
    assert found.steps[0].how == GUESSED
    # The operator may know the host.
    found = walk(hosts=("autodiscover.other.example",))
    found.answered(to_address("b@other.example"))
    assert [step.how for step in found.steps] == [GUESSED, REDIRECT, SERVICE, JSON]


@pytest.mark.parametrize(
    "address", ["", "b", "@contoso.com", "b@", "a@b@c", "b @contoso.com", "b@" + "c" * 400]
)
def test_what_is_no_address(address):
    with pytest.raises(WireError, match="malformed address"):
        walk().answered(to_address(address))


def test_circles():
    found = walk()
    for _ in range(2):
        with pytest.raises(WireError, match="circles"):
            found.redirected(found.steps[0].url)
    with pytest.raises(WireError, match="in circles"):
        walk().answered(to_address("PROBE@contoso.com"))
    found = walk("https://contoso.com/x")
    found.answered(to_address("b@contoso.com"))
    with pytest.raises(WireError, match="circles"):
        found.answered(to_address(ADDRESS))


def test_redirects_that_never_end():
    found = walk()
    for number in range(MOST_HOPS):
        found.redirected(f"https://contoso.com/{number}")
    with pytest.raises(WireError, match=r"circles, last to https://contoso\.com/last"):
        found.redirected("https://contoso.com/last")
    found = walk()
    for number in range(MOST_HOPS):
        found.answered(to_address(f"b{number}@contoso.com"))
    with pytest.raises(WireError, match=r"circles, last to b5@contoso\.com"):
        found.answered(to_address("b5@contoso.com"))


HOSTS = st.sampled_from(["evil.example", "contoso.com", "mail.contoso.com", "outlook.com", "a", ""])
MARKS = st.sampled_from([*"@\\/#?:%[]. ;&,\t\n\0", "%2f", "／", "。", "443", "\u200b", "é", "::1"])
NASTY = st.lists(st.one_of(HOSTS, HOSTS, MARKS), min_size=1, max_size=6).map("".join)


def trusted(host):
    host = host.lower().rstrip(".")
    return host == "partner.example" or any(
        host == domain or host.endswith(f".{domain}") for domain in ("contoso.com", *MICROSOFT)
    )


@patient
@given(st.sampled_from(["https://", "https:/", "https:", "HTTPS://", "//", "http://"]), NASTY)
@example("https://", "evil.example\\.contoso.com/")
@example("https://", "evil.example/.contoso.com")
def test_the_client_goes_where_trust_thought_it_would(scheme, rest):
    url = scheme + rest
    if not Trust(ADDRESS, ("partner.example",), MICROSOFT).allows(url):
        return
    try:
        found = parse_url(url)
    except LocationParseError:
        return
    assert (found.scheme, found.auth) == ("https", None)
    assert trusted(found.host)


ANSWERS = st.one_of(
    st.tuples(st.just("redirected"), st.sampled_from(["", "/a", "https://"]).flatmap(
        lambda before: NASTY.map(lambda rest: before + rest))),
    st.tuples(st.just("redirected"), st.integers(0, 9).map("https://contoso.com/{}".format)),
    st.tuples(st.just("service"), NASTY),
    st.tuples(st.just("answered"), st.integers(0, 9).map(lambda n: to_address(f"b{n}@contoso.com"))),
    st.tuples(st.just("answered"), st.sampled_from(["a@evil.example", "a@b", "", "c@contoso.com#"]).map(to_address)),
    st.tuples(st.just("answered"), st.integers(0, 9).map(lambda n: to_url(f"https://outlook.com/{n}"))),
    st.tuples(st.just("answered"), st.sampled_from([b"", b"<html/>", to_url("https://evil.example/")])),
    st.tuples(st.just("skip"), st.none()),
)  # fmt: skip


@patient
@given(
    st.lists(ANSWERS, min_size=1, max_size=60),
    st.sampled_from([None, "https://partner.example/x", "https://unlisted.example/x"]),
)
def test_any_answers(answers, url):
    found = walk(url, hosts=("partner.example",))
    named = set(found.steps)
    asked = []
    for how, what in answers * 60:
        if not found.steps:
            break
        step = found.steps[0]
        asked.append(step)
        if how == "redirected" or (how == "service" and step.how == SERVICE):
            outcome = (
                (found.service, (what, 443)) if how == "service" else (found.redirected, (what,))
            )
        else:
            outcome = (found.answered, (what,)) if how == "answered" else (found.skip, ())
        try:
            outcome[0](*outcome[1])
        except Moved:
            break
        except (WireError, Untrusted):
            if found.steps and found.steps[0] is step:
                found.skip()
        for step in found.steps:
            assert step.how != GUESSED or step in named or found.trust.allows(step.url)
            assert step.how != NAMED or step.url == url
    assert len(asked) == len(set(asked)) <= 4 * (MOST_HOPS + 1)
    assert not found.steps or len(answers) * 60 <= len(asked)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://contoso.com/", True),
        ("https://CONTOSO.com", True),
        ("https://contoso.com./x", True),
        ("https://a.b.contoso.com:8443/x?y", True),
        ("https://partner.example/", True),
        ("https://sub.partner.example/", False),
        ("https://[2001:db8::1]:8443/", True),
        ("https://eu.outlook.com/", True),
        ("https://x.partner.outlook.cn/", True),
        ("https://outlook.cn/", False),
        ("https://contoso.com:0/", False),
        ("", False),
        ("https://", False),
        ("https:///contoso.com", False),
        ("https://evil.example\t.contoso.com/", False),
        (" https://contoso.com/", False),
        ("https://contoso.com/\r\n", False),
    ],
)
def test_trust(url, allowed):
    trust = Trust(ADDRESS, ("Partner.example", "2001:DB8::1"), MICROSOFT)
    assert trust.allows(url) is allowed
    if not allowed:
        with pytest.raises(Untrusted):
            trust.check(url, "a test")


@pytest.mark.parametrize("address", ["probe@com", "probe@localhost", "probe", ""])
def test_a_domain_without_a_dot_is_trusted_by_name_only(address):
    assert not Trust(address, (), MICROSOFT).allows("https://evil.com/")
    assert not Trust(address, (), MICROSOFT).allows("https://localhost/")
    assert Trust(address, ("localhost",), MICROSOFT).allows("https://localhost/")


@patient
@given(st.text(), st.text(max_size=20))
def test_any_url(url, host):
    trust = Trust(ADDRESS, (host,), MICROSOFT)
    for text in (url, "https://" + url, f"https://{url}.contoso.com/mapi/emsmdb/"):
        assert isinstance(trust.allows(text), bool)
        assert isinstance(usable_store(text), bool)
        assert len(host_of(text)) < 256


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com", True),
        ("https://mail.contoso.com:8443/Mapi/Emsmdb?MailboxId=1", True),
        ("http://mail.contoso.com/mapi/emsmdb/?MailboxId=1", False),
        ("https://mail.contoso.com/mapi/nspi/?MailboxId=1", False),
        ("https://mail.contoso.com/mapi/emsmdb/x", False),
        ("https://mail.contoso.com/owa/mapi/emsmdb/", False),
        ("https:///mapi/emsmdb/", False),
        ("https://mail.contoso.com:x/mapi/emsmdb/", False),
        ("https://mail.contoso.com:0/mapi/emsmdb/", False),
        ("https://mail.contoso.com/mapi/emsmdb/?a b", False),
        ("https://mail.contoso.com/mapi/emsmdb/?\r\nX-A: b", False),
        ("", False),
    ],
)
def test_usable_stores(url, usable):
    assert usable_store(url) is usable

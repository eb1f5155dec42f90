"""What a proxy setting means, where it comes from, which hosts it is for, and how it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import Proxy, Secret
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.commandline import network
from check_mapi_connectivity.network import route
from check_mapi_connectivity.result import notes

from ..support.options import parsed


@pytest.mark.parametrize(
    ("url", "shown", "tls", "user"),
    [
        ("http://p:3128", "p:3128", False, None),
        ("p:3128", "p:3128", False, None),
        ("http://p/", "p:80", False, None),
        ("https://p", "p:443", True, None),
        ("HTTPS://p:3129/", "p:3129", True, None),
        ("http://[::1]:8", "[::1]:8", False, None),
        ("http://u%40x:p%3A@h:1", "h:1", False, "u@x"),
    ],
)
def test_proxy_urls(url, shown, tls, user):
    made = network.parse_url(url, "x")
    assert (str(made), made.tls, made.user) == (shown, tls, user)
    if user:
        assert made.password.reveal() == "p:"


@given(st.text(max_size=30) | st.text("htps:/@[]0129.%x ", max_size=30))
def test_any_proxy_url_is_taken_or_refused_without_showing_it(url):
    try:
        made = network.parse_url(f"http://u:s3cr3t@{url}", "src")
        assert 0 < made.port < 65536
    except UsageError as error:
        assert "s3cr3t" not in str(error)


URL = "its value is not a proxy URL like http://proxy.example.com:3128"
RELAY = "use a local relay such as px or cntlm"
PAC = (
    "proxy auto-configuration (PAC, WPAD) is not supported; name the proxy that it leads to, or "
    f"{RELAY}"
)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://wpad/wpad.dat", PAC),
        ("http://p.example/proxy.PAC", PAC),
        ("pac+http://p.example/x", PAC),
        *(
            (
                f"{scheme}://u:p@h:1080",
                f"{scheme} proxies are not supported, only http:// and https://; {RELAY}",
            )
            for scheme in ("socks5", "socks5h", "socks4", "ftp")
        ),
        *(
            (url, URL)
            for url in ("http://", "p:0", "p:99999", "http://p/x", "a b:1", "http://[::1")
        ),
    ],
)
def test_what_is_no_proxy(url, text):
    with pytest.raises(UsageError) as caught:
        network.parse_url(url, "src")
    assert str(caught.value) == f"src: {text}"


@pytest.mark.parametrize(
    "credential", ["u:in#out", "u:in?out", "u:8080#out", "u:p@in#out", "u:p@in?", "u:8/o", "u:p[o"]
)
def test_a_password_that_ends_the_host_is_no_host(credential):
    """Half of it would be asked for in DNS, and stand on the first line."""
    with pytest.raises(UsageError) as caught:
        network.parse_url(f"http://{credential}@p.example:3128", "src")
    escapes = "in user and password write # ? / [ ] as %23 %3F %2F %5B %5D"
    assert str(caught.value) == f"src: {URL}; {escapes}"


@pytest.mark.parametrize(
    ("user", "domain", "shown"),
    [
        ("u", "CORP", "CORP\\u"),
        ("OTHER\\u", "CORP", "OTHER\\u"),
        ("u@corp.example", "CORP", "u@corp.example"),
        ("u", None, "u"),
        (None, "CORP", None),
    ],
)
def test_the_domain_of_a_user(user, domain, shown):
    assert network.parse_url("p:1", "x", user, Secret("w"), domain).user == shown


@pytest.mark.parametrize("user", ["a:b", "a\nb", "a\0"])
def test_what_is_no_user(user):
    with pytest.raises(UsageError, match="a proxy user name has no colon and no control char"):
        network.parse_url("p:1", "x", user)


def direct(no_proxy, url):
    """Whether a URL is reached without the proxy."""
    through = Proxy("p", 1, "HTTPS_PROXY")
    found = route.choose(Network(proxy=through, no_proxy=no_proxy), url)
    assert found in (None, through)
    return found is None


@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [
        ("", False),
        ("*", True),
        ("localhost,*", True),
        ("office365.com", True),
        (".office365.com", True),
        ("*.office365.com", True),
        ("*office365.com", True),
        ("outlook.*", True),
        ("OutLook.Office365.COM.", True),
        ("graph.microsoft.com, outlook.office365.com", True),
        ("outlook.office365.com:443", True),
        ("outlook.office365.com:8443", False),
        ("https://outlook.office365.com/owa", True),
        ("outlook.office365.com/", True),
        ("k.office365.com", False),
        ("fice365.com", False),
        (".outlook.office365.com", True),
        ("x.outlook.office365.com", False),
        (".,*.", False),
        ("10.0.0.0/8", False),
    ],
)
def test_which_hosts_need_none(no_proxy, expected):
    assert direct(no_proxy, "https://outlook.office365.com:443/") is expected
    assert direct(no_proxy, "https://outlook.office365.com.:443/") is expected


@pytest.mark.parametrize(
    ("no_proxy", "yes", "no"),
    [
        ("10.0.0.0/8", "10.1.2.3", "11.1.2.3"),
        ("10.0.0.0/255.255.0.0", "10.0.2.3", "10.1.2.3"),
        ("0.0.0.0/0", "10.1.2.3", "mail.example"),
        ("10.1.2.3:443", "10.1.2.3", "10.1.2.4"),
        ("10.1.*", "10.1.2.3", "5.10.1.2"),
        ("fd00::/8", "[fd00::1]", "[fe00::1]"),
        ("[fd00::]/8", "[fd00::1]", "10.1.2.3"),
        ("0:0::1", "[::1]", "[::2]"),
        ("[::1]:443", "[::1]", "[::2]"),
        ("b\u00fccher.example", "mail.xn--bcher-kva.example", "buecher.example"),
    ],
)
def test_addresses_and_names_that_need_none(no_proxy, yes, no):
    assert direct(no_proxy, f"https://{yes}:443/")
    assert not direct(no_proxy, f"https://{no}:443/")
    assert not direct(f"{no_proxy.replace(':443', '')}:444", f"https://{yes}:443/")


@given(st.text(max_size=30) | st.text("*.:/[]0129afx,%", max_size=20))
def test_any_list_of_hosts_has_an_answer(no_proxy):
    assert direct(no_proxy, "https://outlook.office365.com/") in (True, False)
    assert direct(no_proxy, "https://[fd00::1]:8443/") in (True, False)


@pytest.fixture
def parse(there):
    """`parse(*arguments, **environment)` -> Options with a certificate and the secret `p`."""
    (there / "p").write_text("word\n")
    (there / "p").chmod(0o600)
    good = ["-m", "a@b.c", "--tenant", "t.example", "--client-id", "i", "--certificate", "c.pem"]

    def run(*arguments, **environ):
        return parsed([*good, *arguments], {"HOME": "/h", **environ})

    return run


USER = ("--proxy-user", "u", "--proxy-password-file", "p")


def test_the_options_of_a_logon(parse):
    words = ("--proxy", "https://p:1", *USER, "--proxy-domain", "CORP", "--proxy-auth", "NTLM")
    made = parse(*words, "--proxy-spn-host", "real.example").proxy
    assert made.password.reveal() == "word"
    assert (made.user, made.tls, made.scheme, made.spn_host) == (
        "CORP\\u",
        True,
        "NTLM",
        "real.example",
    )
    made = parse("--proxy", "p").proxy
    assert (made.user, made.password, made.scheme, made.spn_host) == (None, None, None, None)
    # By the ticket of whoever runs the check.
    assert parse("--proxy", "p", "--proxy-auth", "negotiate").proxy.scheme == "Negotiate"
    assert parse(*USER, HTTPS_PROXY="http://e:1").proxy.user == "u"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--proxy-auth", "digest"], "--proxy-auth: digest is not one of basic, ntlm, negotiate"),
        (
            ["--proxy-auth", "Kerberos"],
            "--proxy-auth: Kerberos is not one of basic, ntlm, negotiate; Kerberos is negotiate",
        ),
        (
            ["--proxy-auth", "basic"],
            "--proxy-auth basic needs --proxy-user and --proxy-password-file",
        ),
        (
            ["--proxy-auth", "ntlm", "--proxy-user", "u"],
            "--proxy-auth ntlm needs --proxy-user and --proxy-password-file",
        ),
        (["--proxy-spn-host", "http/x"], "--proxy-spn-host: http/x is not a host name"),
        (
            ["--no-proxy"],
            "--no-proxy and --proxy exclude each other; give one of them (--proxy none switches "
            "one of an ini section off)",
        ),
        (
            ["--proxy", "http://u:word@p:1"],
            "--proxy: no user or password in a URL on the command line; use --proxy-user and "
            "--proxy-password-file",
        ),
        (["--proxy-host", "h", "--proxy-port", "1"], "--proxy and --proxy-host/--proxy-port say "),
        (["--proxy", "none", "--proxy-host", "http://h", "--proxy-port", "1"], "--proxy-host: htt"),
        (["--proxy", "none", "--proxy-host", "h", "--proxy-port", "x"], "--proxy-port: x is not a"),
    ],
)
def test_what_cannot_be(parse, words, text):
    with pytest.raises(UsageError) as caught:
        parse("--proxy", "p:1", *words)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("words", "environ", "told"),
    [
        ((), {}, "none, direct connection"),
        (("--no-proxy",), {"HTTPS_PROXY": "http://e:1"}, "none, direct connection (--no-proxy)"),
        (("--proxy", "p"), {"HTTPS_PROXY": "http://e:1"}, "p:80 from --proxy (command line)"),
        (
            ("--proxy-host", "::1", "--proxy-port", "3128", *USER),
            {},
            "[::1]:3128 from --proxy-host (command line) as u",
        ),
        ((), {"https_proxy": "https://e", "HTTPS_PROXY": "f"}, "e:443 by TLS from https_proxy"),
        ((), {"ALL_PROXY": "http://a:b@e:1"}, "e:1 from ALL_PROXY as a"),
        (("--extra-opts=x@i.ini",), {}, "i:1 from --proxy ([x] of i.ini) as n"),
    ],
)
def test_what_is_told_of_it(parse, there, words, environ, told):
    (there / "i.ini").write_text("[x]\nproxy = http://n:geheim@i:1\n")
    (there / "i.ini").chmod(0o600)
    assert notes.proxy_text(parse(*words, **environ)) == told

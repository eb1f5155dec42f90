"""The options that name hosts: Exchange Servers for method mapi, and overrides of a cloud's."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.options import address_parts
from check_mapi_connectivity.commandline import target
from check_mapi_connectivity.commandline.given import Given

from ..support.options import parsed

URL = "https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com"
USER = ("-l", "probe@contoso.com", "--password-file", "pw")


@pytest.fixture
def mapi(there):
    """`mapi(*arguments)` -> Options of method mapi, with a password file `pw` at hand."""
    (there / "pw").write_text("Secret.123\n")
    (there / "pw").chmod(0o600)

    def read(*arguments):
        mailbox = [] if "-m" in arguments else ["-m", "probe@contoso.com"]
        return parsed(["--method", "mapi", *USER, *mailbox, *arguments], {"HOME": "/h"})

    return read


def test_without_autodiscover(mapi):
    options = mapi("--mapi-url", URL, "--legacy-dn", "/o=C/cn=probe")
    assert (options.mapi_url, options.legacy_dn) == (URL, "/o=C/cn=probe")
    assert options.autodiscover_url is None
    # Nobody asks for the settings of this mailbox, so a GUID will do.
    guid = "5d1b7a3e-1111-4c0e-8a52-000000000001"
    assert mapi("-m", guid, "--mapi-url", URL, "--legacy-dn", "/o=C").mailboxes == (guid,)


@pytest.mark.parametrize(
    "host", ["mail.contoso.com", "10.0.0.1", "[::1]", "mail:8443", "[::1]:444"]
)
def test_hosts(mapi, host):
    assert mapi("-H", host).hostname == host


def test_a_tenant_has_autodiscover_of_its_cloud_but_where_an_option_speaks(mapi):
    tenant = ("--tenant", "t.example", "--client-id", "i")
    usual = "https://autodiscover-s.outlook.com"
    assert mapi(*tenant).autodiscover_url == usual
    assert mapi(*tenant, "--exchange-url", "https://x").autodiscover_url == "https://x"
    own = mapi(*tenant, "--autodiscover-url", "https://a/autodiscover/autodiscover.xml")
    assert own.autodiscover_url == "https://a/autodiscover/autodiscover.xml"
    assert mapi(*tenant, "-H", "mail.contoso.com").autodiscover_url is None
    # An Exchange Server is found by the mailbox's domain.
    assert mapi().autodiscover_url is None


def test_hosts_of_another_method_are_left_alone(there):
    words = ["--tenant", "t.example", "--client-id", "i", "--certificate", "c.pem", "-m", "a@b.c"]
    options = parsed([*words, "-H", "https://odd/"], {})
    assert (options.hostname, options.autodiscover_url) == (
        None,
        "https://autodiscover-s.outlook.com",
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://login.example", "https://login.example"),
        ("https://login.example/", "https://login.example"),
        ("https://login.example:8443/t.example", "https://login.example:8443"),
        ("https://[::1]:444/t.example/", "https://[::1]:444"),
        (None, None),
    ],
)
def test_authority(text, found):
    assert target.authority(text, "t.example") == found


def test_authority_with_another_path():
    with pytest.raises(UsageError) as caught:
        target.authority("https://login.example/common", "t.example")
    text = "--authority-url: https://login.example/common has a path; give the host alone, the "
    assert str(caught.value) == f"{text}tenant is added to it"


@given(st.text(max_size=30) | st.text("htps:/@[]0129.%x?# ", max_size=30))
def test_any_url_is_taken_or_refused_without_showing_a_password(text):
    try:
        found = target.url(f"https://u:s3cr3t@{text}", "--x")
    except UsageError as error:
        assert str(error) == (
            "--x: its value is not an https URL like https://host or https://host:port"
        )
    else:
        pytest.fail(found)


@given(st.text(max_size=30) | st.text("htps:/@[]0129.%x?# ", max_size=30))
def test_any_url_goes_by_https(text):
    try:
        found = target.url(text, "--x")
    except UsageError:
        return
    assert found.startswith("https://")
    assert found.isprintable()
    assert not found.endswith("/")


#: What is no host -> how the refusal ends.
NO_HOST = {
    "[::1]:": "; write [::1]",
    "[::1]:0": "; write [::1]",
    "[::1]:00443": "; write [::1]:443",
    "mail.contoso.com:": "; write mail.contoso.com",
    "mail.contoso.com:0443": "; write mail.contoso.com:443",
    "https://[::1]:443/": "; write [::1]:443",
    "[10.0.0.1]": "; write 10.0.0.1",
    "::1": "; an IPv6 address stands in brackets: [::1]",
    "[::1": "; an IPv6 address stands in brackets: [::1]",
    "[fe80::1%eth0]": "; an address with a zone (%) cannot be given",
    "[:]": "",
    "mail:65536": "",
    "[::1]:443:1": "",
}


@pytest.mark.cases(8)
@pytest.mark.parametrize("option", ["--address", "--hostname"])
@pytest.mark.parametrize("text", NO_HOST)
def test_no_host(mapi, option, text):
    words = ("--hostname", "mail") if option == "--address" else ()
    with pytest.raises(UsageError) as caught:
        mapi(*words, option, text)
    name = option[2:].upper().replace("NAME", "")
    assert str(caught.value) == f"{option}: {text} is not {name} or {name}:PORT{NO_HOST[text]}"


def test_an_empty_address_of_an_ini_section(there, mapi):
    (there / "x.ini").write_text("[x]\nhostname = mail\naddress =\n")
    with pytest.raises(UsageError, match="--address: its value is empty; write none"):
        mapi("--extra-opts", f"x@{there / 'x.ini'}")


@given(st.text("[]:.%01fx-", max_size=12) | st.text(max_size=12))
def test_any_host_is_taken_apart_or_refused(text):
    """What is taken is host and port to all who take it apart later."""
    options = Given()
    options.add({"address": [text], "hostname": text}, "test")
    try:
        (found,) = target.read_counts(options, ("m",), ("mapi",))["addresses"]
    except UsageError:
        return
    host, port = address_parts(found)
    parts = urlsplit(f"https://{found}")
    assert (parts.hostname, parts.port) == (host, port)
    assert target.exchange_server(options, ("mapi",), ("a@b.c",))["hostname"] == text


REFUSED = [
    (["--mapi-url", URL], "--mapi-url and --legacy-dn belong together; give both"),
    (["--legacy-dn", "/o=C"], "--mapi-url and --legacy-dn belong together; give both"),
    (
        ["--mapi-url", "http://m/mapi/emsmdb/?a", "--legacy-dn", "/o=C"],
        "--mapi-url: its value is not https://HOST/mapi/emsmdb/?MailboxId=GUID@DOMAIN",
    ),
    (
        ["--mapi-url", URL, "--legacy-dn", "probe@contoso.com"],
        "--legacy-dn: probe@contoso.com is not a DN like /o=ORG/ou=.../cn=USER",
    ),
    (
        ["--mapi-url", URL, "--legacy-dn", "/o=C", "--autodiscover-url", "https://a/b"],
        "--mapi-url and --autodiscover-url exclude each other; give one of them",
    ),
    (
        ["--mapi-url", URL, "--legacy-dn", "/o=C", "-H", "mail"],
        "--mapi-url and --hostname exclude each other; give one of them",
    ),
    (
        ["--mapi-url", URL, "--legacy-dn", "/o=C", "-m", "a@b.c", "-m", "d@e.f"],
        "--mapi-url is for one mailbox; leave it out, then Autodiscover finds each mailbox",
    ),
    (["-H", "https://mail/"], "--hostname: https://mail/ is not HOST or HOST:PORT; write mail"),
    (
        ["-H", "https://mail/owa"],
        "--hostname: https://mail/owa is not HOST or HOST:PORT; write mail",
    ),
    (
        ["-H", "fd00:0::1"],
        "--hostname: fd00:0::1 is not HOST or HOST:PORT; an IPv6 address stands in brackets: [fd00:0::1]",
    ),
    (
        ["-H", "b\u00fccher.example:444"],
        "--hostname: b\u00fccher.example:444 is not HOST or HOST:PORT; write "
        "xn--bcher-kva.example:444",
    ),
    (["-H", "u:p@mail"], "--hostname: its value is not HOST or HOST:PORT"),
    (["-H", "mail:65536"], "--hostname: mail:65536 is not HOST or HOST:PORT"),
    (
        ["--autodiscover-url", "http://a/b"],
        "--autodiscover-url: its value is not an https URL like https://host or https://host:port",
    ),
    (
        ["-m", "a@b.c", "-m", "5d1b7a3e-1111-4c0e-8a52-000000000001"],
        "--mailbox: Autodiscover needs an e-mail address, not a GUID",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_refused(mapi, arguments, text):
    with pytest.raises(UsageError) as caught:
        mapi(*arguments)
    assert str(caught.value) == text

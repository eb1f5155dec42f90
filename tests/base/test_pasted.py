"""Values as they are pasted and exported: refused, with the value as it should be written."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.reading import pasted
from check_mapi_connectivity.commandline.parse import parse

ADDRESS = "probe@contoso.example"
AROUND = "something around the address; write probe@contoso.example"
SECRET = {"MAPI_CLIENT_SECRET": "the secret"}
TENANT = ("--tenant", "contoso.example", "--client-id", "id-1")


def complaint(*arguments, **environ):
    with pytest.raises(UsageError) as caught:
        parse(arguments, {**SECRET, **environ})
    return str(caught.value)


@pytest.mark.parametrize(
    "form",
    [
        *('"{}"', "'{}'", "<{}>", "({})", "SMTP:{}", "smtp:{}", "mailto:{}", "{},", "{};", "{}."),
        *("\u201c{}\u201d", "Probe <{}>", '"Probe, the" <{}>;', "mailto:{}?subject=x"),
        *('"SMTP:{}";', "sip:{}", "[{}]", "`{}`", "<mailto:{}>"),
    ],
)
def test_what_stands_around_an_address(form, tmp_path):
    text = form.format(ADDRESS)
    assert complaint(*TENANT, "-m", text) == f"--mailbox: {text} has {AROUND}"
    listed = tmp_path / "list"
    listed.write_text(f"a@b.example\n{text}\n")
    if text == text.strip():
        told = complaint(*TENANT, "--mailbox-file", str(listed))
        assert told == f"--mailbox-file: {listed} line 2: {text} has {AROUND}"


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\u200e", "U+200E LEFT-TO-RIGHT MARK"),
        ("\u00ad", "U+00AD SOFT HYPHEN"),
    ],
)
def test_invisible_characters_are_named(character, name):
    told = f"its value holds an invisible character, {name}; write "
    for text in (f"{ADDRESS}{character}", f"{character}{ADDRESS}"):
        assert complaint(*TENANT, "-m", text) == f"--mailbox: {told}{ADDRESS}"
    rest = ("-m", ADDRESS)
    odd = f"contoso.example{character}"
    assert complaint("--tenant", odd, *rest) == f"--tenant: {told}contoso.example"
    user = f"probe{character}"
    assert complaint(*TENANT[:2], *rest, "-l", user) == f"--username: {told}probe"
    host = ("--method", "mapi", "-l", "a@b.c", "-H", f"mail{character}")
    assert complaint(*host, MAPI_PASSWORD="x") == f"--hostname: {told}mail"
    assert complaint(*TENANT, *rest, "--method", f"cmdlet{character}") == f"--method: {told}cmdlet"
    url = complaint(*TENANT, *rest, "--graph-url", f"https://a.example{character}")
    assert url == f"--graph-url: {told}it without"


@pytest.mark.parametrize("form", [" {}", "{} ", "  {}  "])
def test_a_blank_at_the_edge(form):
    """A message would not show it: `mail is not a host; write mail`."""
    told = "its value begins or ends with a blank; write"
    for option, value in (
        ("--tenant", "contoso.example"),
        ("--mailbox", ADDRESS),
        ("--client-id", "5d1b7a3e-1111-4c0e-8a52-000000000001"),
        ("--certificate", "/nowhere/probe.pem"),
        ("--method", "cmdlet"),
    ):
        rest = () if option == "--mailbox" else ("-m", ADDRESS)
        refused = complaint(*TENANT, *rest, option, form.format(value))
        assert refused == f"{option}: {told} {value}"


@pytest.mark.parametrize("odd", [" ", "\u00a0"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--proxy", "http://u:secret@proxy.example"),
        ("--hostname", "u:secret@mail.example"),
        ("--address", "u:secret@mail.example"),
        ("--username", "u:secret"),
    ],
)
def test_what_may_hold_a_password_is_not_shown(option, value, odd):
    given = {"-m": ADDRESS, "--hostname": "mail.example", "--username": ADDRESS}
    given[option] = f"{value}{odd}"
    words = [word for pair in given.items() for word in pair]
    told = complaint("--method", "mapi", *words, MAPI_PASSWORD="x")
    assert told.startswith(f"{option}: its value ")
    assert told.endswith("; write it without")


def test_bytes_that_are_no_text_are_no_invisible_characters():
    """Without them it would be another mailbox."""
    told = "--mailbox: its value is not UTF-8 text; check it and LANG"
    assert complaint(*TENANT, "-m", os.fsdecode(b"prob\xe9@contoso.com")) == told


@pytest.mark.parametrize("form", ['"{}"', "<{}>", "{},", "{};", "https://{}/"])
def test_what_stands_around_a_host_or_tenant(form):
    text = form.format("mail.contoso.example")
    told = complaint(
        "--method", "mapi", "-m", ADDRESS, "-l", ADDRESS, "-H", text, MAPI_PASSWORD="x"
    )
    assert told == f"--hostname: {text} is not HOST or HOST:PORT; write mail.contoso.example"
    told = complaint("--tenant", text, "-m", ADDRESS)
    assert told == f"--tenant: {text} is neither a domain nor a GUID; write mail.contoso.example"


@pytest.mark.parametrize("form", ['"{}"', "<{}>", "{},", "{};"])
def test_what_stands_around_a_url_or_user(form):
    text = form.format("https://a.example")
    told = complaint(*TENANT, "-m", ADDRESS, "--graph-url", text)
    alone = "its value has something around the URL; write https://a.example"
    assert told == f"--graph-url: {alone}"
    user = form.format(ADDRESS)
    told = complaint(*TENANT[:2], "-m", ADDRESS, "-l", user, MAPI_PASSWORD="x")
    assert told == f"--username: {user} has something around it; write {ADDRESS}"


def test_several_addresses_in_one():
    told = complaint(*TENANT, "-m", "a@b.c;d@e.f")
    assert told == (
        "--mailbox: a@b.c;d@e.f is more than one address; give --mailbox once for each, or one a "
        "line of --mailbox-file"
    )


@pytest.mark.parametrize("quote", ['"', "'", "\u201c"])
@pytest.mark.parametrize(
    "name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
)
def test_quotes_of_an_env_file(name, quote):
    told = complaint(
        *TENANT, "-m", ADDRESS, **{name: f"{quote}http://u:p@proxy.example:3128{quote}"}
    )
    assert told == (
        f"{name}: its value stands in quotes, which env files keep; write it without quotes"
    )


@pytest.mark.parametrize(
    "text", ["a.example;b.example", "a.example b.example", " a.example ,b.example;"]
)
def test_hosts_without_a_proxy_however_they_are_parted(text):
    environ = {**SECRET, "HTTPS_PROXY": "http://proxy.example:1", "NO_PROXY": text}
    assert (
        parse((*TENANT, "-m", ADDRESS), environ).options.network.no_proxy == "a.example,b.example"
    )


@pytest.mark.parametrize(
    "address",
    ["o'brien@b.example", "a#EXT#@b.example", "a+b@c.example", "$x=y@b.example", "ä@b.example"],
)
def test_odd_addresses_that_are_right(address):
    assert parse((*TENANT, "-m", address), dict(SECRET)).options.targets.mailboxes == (address,)


@given(st.text(max_size=60) | st.text(alphabet="\"'<>(),;: @a.\u200b", max_size=60))
def test_what_is_left_has_nothing_around_it(text):
    alone = pasted.bare(text)
    assert pasted.bare(alone) == alone
    assert alone.isprintable()


@pytest.mark.parametrize(
    ("text", "alone"), [("'", "'"), ("''", ""), ("'a'", "a"), ("a?b", "a?b"), ("a@b?c", "a@b")]
)
def test_quotes_and_queries(text, alone):
    assert pasted.bare(text) == alone

"""Options of a feed: what they mean, and what is refused."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.options import Submission
from check_mapi_connectivity.commandline.parse import parse
from check_mapi_connectivity.feed.settings import read

TENANT = ("--tenant", "contoso.example", "--client-id", "5d1b7a3e-1111-4c0e-8a52-000000000001")
USUAL = (*TENANT, "--certificate", "c.pem", "-m", "a@b.example", "-m", "c@d.example")
NAGIOS = ("--submit", "nagios", "--submit-directory", "/spool")
ICINGA = ("--submit", "icinga2", "--submit-url", "https://icinga:5665", "--submit-user", "mapi")


def command(*words, **environ):
    environ.setdefault("MAPI_SUBMIT_PASSWORD", "secret")
    return parse([*USUAL, *words], environ)


def feed(*words, **environ):
    return read(command(*words, **environ))


def test_none(there):
    assert feed() is None
    # An ini section may hold the rest.
    assert feed("--submit", "none", "--submit-directory", "/spool") is None


def test_nagios(there):
    found = feed(*NAGIOS)
    assert (found.scheduler, found.host, found.directory) == ("nagios", "contoso.example", "/spool")
    assert found.service_of("a@b.example") == "Mailbox a@b.example"
    assert found.network.proxy is None


def test_icinga(there):
    named = ("--submit-host", "o365", "--submit-service", "mapi {mailbox}/x")
    found = feed(
        *ICINGA, *named, "--submit-proxy", "http://proxy:3128", "--proxy", "http://other:1"
    )
    assert (found.url, found.user, found.password.reveal()) == (
        "https://icinga:5665",
        "mapi",
        "secret",
    )
    assert (found.host, found.service_of("a@b")) == ("o365", "mapi a@b/x")
    assert str(found.network.proxy) == "proxy:3128"
    assert "secret" not in repr(found)


def test_no_proxy_of_the_environment_is_used(there):
    assert feed(*ICINGA, HTTPS_PROXY="http://proxy:3128").network.proxy is None


def test_the_password_leaves_the_environment(there):
    environ = {"MAPI_SUBMIT_PASSWORD": "secret"}
    parse([*USUAL, *NAGIOS], environ)
    assert environ == {}


def test_the_host_is_the_exchange_server_where_there_is_no_tenant(there):
    words = ("--method", "mapi", "-H", "mail.contoso.com:444", "-l", "u", "-m", "a@b.example")
    found = read(parse([*words, *NAGIOS], {"MAPI_PASSWORD": "x"}))
    assert found.host == "mail.contoso.com"


REFUSED = [
    (("--submit", "zabbix"), "--submit: zabbix is not one of icinga2, nagios"),
    (("--submit-url", "https://x"), "--submit-url needs --submit, with the name of the scheduler"),
    ((*NAGIOS, "--submit-user", "x"), "--submit-user is for --submit icinga2, not nagios"),
    (
        (*ICINGA, "--submit-directory", "/x"),
        "--submit-directory is for --submit nagios, not icinga2",
    ),
    (
        ("--submit", "nagios"),
        "--submit nagios needs --submit-directory with the absolute path of the directory of check results",
    ),
    (
        ("--submit", "nagios", "--submit-directory", "spool"),
        "--submit nagios needs --submit-directory with the absolute path of the directory of check results; spool is "
        "no absolute path",
    ),
    (
        ("--submit", "icinga2", "--submit-user", "x"),
        "--submit icinga2: name Icinga's API by --submit-url https://HOST:5665",
    ),
    (
        ("--submit", "icinga2", "--submit-url", "http://x"),
        "--submit-url: its value is not an https URL like https://host or https://host:port",
    ),
    (
        ("--submit", "icinga2", "--submit-url", "https://x/v1", "--submit-user", "x"),
        "--submit-url: https://x/v1 has a path; give host and port alone",
    ),
    (
        ("--submit", "icinga2", "--submit-url", "https://x"),
        "--submit icinga2 needs --submit-user or --submit-certificate",
    ),
    (
        (*ICINGA, "--submit-certificate", "c.pem"),
        "--submit-user and --submit-certificate exclude each other; give one of them",
    ),
    (
        (*ICINGA, "--submit-certificate-key", "c.pem"),
        "--submit-certificate-key belongs to --submit-certificate; give both",
    ),
    ((*ICINGA[:-1], "a:b"), "--submit-user: a:b is no name of an ApiUser that can sign in"),
    ((*ICINGA, "--submit-ca-file", "missing.pem"), "--submit-ca-file: missing.pem does not exist"),
    (
        (*ICINGA, "--submit-proxy", "http://u:secret@x:1"),
        "--submit-proxy: a proxy with a user is not supported here",
    ),
    (
        (*ICINGA, "--submit-host", "a!b"),
        "--submit-host: a!b: Icinga has no name with !, which separates host and service",
    ),
    (
        (*NAGIOS, "--submit-service", "a;{mailbox}"),
        "--submit-service: a;{mailbox}: Nagios has no name with ;, which begins a comment",
    ),
    (
        (*NAGIOS, "--submit-service", "mailbox"),
        "--submit-service: mailbox would be the service of all mailboxes; write {mailbox} where the mailbox stands in the name",
    ),
    (
        (*NAGIOS, "--record", "x"),
        "--record and --submit exclude each other; record a run without --submit",
    ),
]


@pytest.mark.parametrize(("words", "text"), REFUSED)
def test_refused(there, words, text):
    with pytest.raises(UsageError) as raised:
        feed(*words)
    assert str(raised.value) == text


def test_the_sign_in_alone_has_a_service_with_a_name_of_its_own(there):
    words = [*TENANT, "--certificate", "c.pem", "--sign-in-only", *NAGIOS]
    with pytest.raises(UsageError, match="name its service by --submit-service"):
        read(parse(words, {}))
    found = read(parse([*words, "--submit-service", "mapi sign-in"], {}))
    assert found.service_of("") == "mapi sign-in"


def test_a_user_without_a_password(there):
    with pytest.raises(
        UsageError, match="--submit-user needs a password: --submit-password-file, "
    ):
        read(parse([*USUAL, *ICINGA], {}))


def test_a_password_has_no_option(there):
    with pytest.raises(UsageError, match="no option takes a secret: use --submit-password-file"):
        feed(*ICINGA, "--submit-password=secret")


@pytest.mark.parametrize("name", ["a\nb", " a", "a\u200bb", ""])
def test_a_name_that_does_not_show(there, name):
    """As a library could give it; the command line refuses most of them before."""
    said = Submission("nagios", {"submit-directory": "/spool", "submit-host": name or " "})
    with pytest.raises(UsageError, match="--submit-host: "):
        read(command()._replace(submission=said))

"""Values that would only fail later, or lock an account, are usage errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import credentials

from ..support.options import parsed

MAILBOX = ("-m", "a@b.c")
ODD_URLS = [
    *(
        "http://[x",
        "http://]",
        "http://[]",
        "http://[",
        "http://[::1",
        "http://::1",
        "http://[::1]x",
    ),
    *("http://:80", "http://", "https://", "http://h:99999", "http://h:65536", "http://h:0"),
    *("http://h:", "http://h:x", "http://h:-1", "http://h:\u0661", "http://h:80:80"),
    *(
        "http://h\u00e4",
        "http://a b",
        "http://h/x",
        "http://@h",
        "http:h",
        ":99999",
        "//h",
    ),
]
URL = "its value is not a URL like http://169.254.169.254"


@pytest.fixture
def complaint(there):
    """`complaint(*arguments, **environ)` -> the words of the usage error."""
    (there / "pw").write_text("Secret.123\n")
    (there / "pw").chmod(0o600)

    def run(*arguments, **environ):
        with pytest.raises(UsageError) as caught:
            parsed([*arguments], {"HOME": "/h", **environ})
        return str(caught.value)

    return run


@pytest.mark.parametrize("url", ODD_URLS)
def test_odd_addresses_of_the_metadata_service(complaint, url):
    words = (*MAILBOX, "--managed-identity")
    assert complaint(*words, "--imds-url", url) == f"--imds-url: {URL}"
    environ = {credentials.IMDS_VARIABLE: url}
    assert complaint(*words, **environ) == f"{credentials.IMDS_VARIABLE}: {URL}"


@given(st.text("htps:/[]@.0159ax?#\\ ", max_size=20) | st.text(max_size=20))
def test_any_address_of_the_metadata_service_is_taken_or_refused(text):
    words = [*MAILBOX, "--managed-identity", "--no-cache"]
    for begin in ("http://", "https://", ""):
        url = f"{begin}{text}"
        if url.lower() == "none":
            continue
        try:
            options = parsed([*words, f"--imds-url={url}"], {"HOME": "/h"})
        except UsageError as error:
            assert str(error).startswith("--imds-url")
        else:
            assert options.credential.url.startswith(("http://", "https://"))


@pytest.mark.parametrize("username", ["jos\u00e9@b.c", "\u0430dmin@b.c", "a@b\u00fccher.example"])
@pytest.mark.parametrize("method", ["cmdlet", "graph", "mapi"])
def test_a_user_of_entra_beyond_ascii(complaint, method, username):
    words = ("--tenant", "t.example", "--client-id", "i", "-l", username, "--password-file", "pw")
    text = "--username: user names of Entra have ASCII characters only"
    assert complaint(*MAILBOX, *words, "--method", method) == text


def test_a_user_of_an_exchange_server_beyond_ascii(complaint):
    words = ["--method", "mapi", "-H", "h", "-l", "CONTOSO\\jos\u00e9", "--password-file", "pw"]
    assert parsed([*MAILBOX, *words], {"HOME": "/h"}).login.username == "CONTOSO\\jos\u00e9"


def test_nothing_is_sent(way):
    for words in (
        ("cmdlet-managed", "--imds-url", "http://[x"),
        ("cmdlet-password", "-l", "jos\u00e9@practice.example"),
    ):
        run = way(*words)
        assert (run.code, run.requests, run.connections, run.stderr) == (3, [], 0, "")
        assert run.line.startswith("MAPI UNKNOWN - --")


def test_an_empty_mailbox(complaint):
    assert complaint("--tenant", "t.example", "-m", "") == (
        "--mailbox: its value is empty; write none to leave it out"
    )


@pytest.mark.parametrize(
    ("section", "lines", "text"),
    [
        ("prob", "timeout = 5", "--extra-opts: p.ini has no section [prob]; is probe meant?"),
        ("other", "timeout = 5", "--extra-opts: p.ini has no section [other]"),
        (
            "probe",
            "timeout = 5 ; seconds",
            "p.ini line 2: write the comment on a line of its own, not behind a value",
        ),
        (
            "probe",
            "tenant = t.example #",
            "p.ini line 2: write the comment on a line of its own, not behind a value",
        ),
    ],
)
def test_slips_in_an_ini_file(complaint, there, section, lines, text):
    (there / "p.ini").write_text(f"[probe]\n{lines}\n[probes of others]\nx\n")
    assert complaint(*MAILBOX, f"--extra-opts={section}@p.ini") == text


def test_a_secret_may_look_like_a_comment(there):
    (there / "p.ini").write_text("[probe]\npassword = a ; b # c\n")
    (there / "p.ini").chmod(0o600)
    words = ["--extra-opts=probe@p.ini", *MAILBOX, "--method", "mapi", "-H", "h.example"]
    options = parsed([*words, "-l", "a@b.c"], {})
    assert options.login.password.reveal() == "a ; b # c"


def test_a_user_of_a_proxy_that_is_not_there(complaint):
    words = ("--tenant", "t.example", *MAILBOX, "--client-id", "i", "--certificate", "c.pem")
    text = "--proxy-user: there is no proxy; give --proxy HOST:PORT as well"
    assert complaint(*words, "--proxy-user", "u") == text
    # A proxy of the environment will do, and so will none at all.
    parsed([*words, "--proxy-user", "u"], {"HTTPS_PROXY": "http://p.example:3128"})
    parsed([*words, "--proxy-user", "u", "--no-proxy"], {})

"""argv, ini and environment to Options: what each value means, and what is refused in which words."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import Information, UsageError
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.commandline import parse as commandline_parse

from ..support.options import BY_CERTIFICATE, parsed


def parse(*arguments, **environ):
    good = ["--tenant", "contoso.example", "--client-id", "id-1", "--certificate", "c.pem"]
    mailbox = [] if "-m" in arguments else ["-m", "a@b.example"]
    return parsed([*good, *mailbox, *arguments], {"HOME": "/h", **environ})


def complaint(*arguments, **environ):
    with pytest.raises(UsageError) as caught:
        parse(*arguments, **environ)
    return str(caught.value)


def test_defaults(there):
    options = parse()
    assert (options.mailboxes, options.methods) == (("a@b.example",), ("cmdlet",))
    assert options.tests == [("a@b.example", "cmdlet")]
    assert (options.cloud.name, options.timeout, options.timeout_state) == (
        "worldwide",
        30.0,
        "CRITICAL",
    )
    assert (options.authority_url, options.exchange_url, options.graph_url) == (
        "https://login.microsoftonline.com",
        "https://outlook.office365.com",
        "https://graph.microsoft.com",
    )
    assert (options.inbox_items, options.concurrency, options.waited) == (10, 4, 0.0)
    assert options.thresholds["certificate_days"] == ("30:", "7:")
    assert tuple(options.thresholds) == BY_CERTIFICATE["cmdlet"]
    assert options.states == KINDS
    assert (options.proxy, options.ca_files, options.ip_version, options.verbose) == (
        None,
        (),
        None,
        0,
    )
    assert (options.diagnosis, options.json, options.archive) == (True, False, False)


@pytest.mark.parametrize(
    ("cloud", "authority", "exchange", "graph", "autodiscover"),
    [
        (
            "worldwide",
            "login.microsoftonline.com",
            "outlook.office365.com",
            "graph.microsoft.com",
            "autodiscover-s.outlook.com",
        ),
        (
            "gcc",
            "login.microsoftonline.com",
            "outlook.office365.com",
            "graph.microsoft.com",
            "autodiscover-s.outlook.com",
        ),
        (
            "gcc-high",
            "login.microsoftonline.us",
            "outlook.office365.us",
            "graph.microsoft.us",
            "autodiscover-s.office365.us",
        ),
        (
            "dod",
            "login.microsoftonline.us",
            "outlook-dod.office365.us",
            "dod-graph.microsoft.us",
            "autodiscover-s-dod.office365.us",
        ),
        (
            "china",
            "login.partner.microsoftonline.cn",
            "partner.outlook.cn",
            "microsoftgraph.chinacloudapi.cn",
            "autodiscover-s.partner.outlook.cn",
        ),
    ],
)
def test_clouds(there, cloud, authority, exchange, graph, autodiscover):
    """Hosts as in reference sheet exchange-online 7."""
    methods = ("--method", "cmdlet", "--method", "graph", "--method", "mapi")
    options = parse("--cloud", cloud, *methods)
    assert options.authority_url == f"https://{authority}"
    assert options.exchange_url == options.resource("cmdlet") == options.resource("mapi")
    assert options.exchange_url == f"https://{exchange}"
    assert options.graph_url == options.resource("graph") == f"https://{graph}"
    assert options.autodiscover_url == f"https://{autodiscover}"
    urls = ("--exchange-url", "https://other:8443/", "--graph-url", "https://third/")
    moved = parse("--cloud", cloud, *methods, *urls)
    assert (moved.exchange_url, moved.graph_url) == ("https://other:8443", "https://third")
    # The token stays the cloud's own (contract 7.10).
    assert moved.resource("cmdlet") == f"https://{exchange}"
    assert moved.resource("graph") == f"https://{graph}"
    assert moved.autodiscover_url == "https://other:8443"


def test_none_means_not_given(there):
    options = parse(
        "--proxy",
        "none",
        "-w",
        "NONE",
        "--state",
        "none",
        "--ca-file",
        "None",
        "--cloud",
        "none",
        "--certificate-key",
        "none",
    )
    assert (options.proxy, options.cloud.name, options.certificate.key_data) == (
        None,
        "worldwide",
        None,
    )
    assert "--certificate" in complaint("--certificate", "none")


@pytest.mark.parametrize("word", ["--help", "--version", "--nonsense"])
def test_nothing_is_coloured(check, word):
    """argparse colours from Python 3.14 on, also where a scheduler has no terminal."""
    plain, forced = check(word, started=True), check(word, started=True, FORCE_COLOR="1")
    assert "\x1b" not in forced.stdout
    assert (forced.stdout, forced.stderr) == (plain.stdout, "")


def test_help_and_version():
    with pytest.raises(Information, match="usage: check_mapi_connectivity"):
        parsed(["-m", "x", "--help"], {})
    with pytest.raises(Information, match=r"check_mapi_connectivity [0-9.]+\n"):
        parsed(["-V"], {})


def test_secret_comes_from_file_then_ini_then_environment(there):
    (there / "pass").write_text(" file secret \r\nsecond line")
    (there / "pass").chmod(0o640)
    (there / "p.ini").write_text("[x]\ncertificate-passphrase = 'ini secret'\n")
    (there / "p.ini").chmod(0o600)
    environ = {"MAPI_CERTIFICATE_PASSPHRASE": "environment secret"}

    def found(*arguments, **more):
        return parse(*arguments, **more).certificate.passphrase.reveal()

    assert (
        found("--certificate-passphrase-file", "pass", "--extra-opts=x@p.ini", **environ)
        == " file secret "
    )
    assert found("--extra-opts=x@p.ini", **environ) == "ini secret"
    assert found(**environ) == "environment secret"
    assert parse().certificate.passphrase is None


def test_secret_is_removed_from_the_environment(there):
    environ = {"MAPI_CERTIFICATE_PASSPHRASE": "x", "MAPI_PROXY_PASSWORD": "y", "PATH": "z"}
    arguments = [
        "--tenant",
        "c.example",
        "-m",
        "a@b.example",
        "--client-id",
        "i",
        "--certificate",
        "c.pem",
    ]
    parsed(arguments, environ)
    assert environ == {"PATH": "z"}


def test_files_with_secrets_that_others_can_read(there):
    (there / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n")
    (there / "key.pem").chmod(0o644)
    text = complaint("--certificate-key", "key.pem")
    assert (
        text
        == "--certificate-key: key.pem holds a secret and is open to all users (mode 0644); chmod 640 key.pem"
    )
    (there / "p.ini").write_text("[x]\nproxy-password = geheim\n")
    (there / "p.ini").chmod(0o604)
    text = complaint("--extra-opts=x@p.ini")
    assert text.startswith("ini line 2: p.ini holds a secret")
    assert "geheim" not in text
    (there / "p.ini").write_text("[x]\nproxy = http://u:geheim@h:1\n")
    assert "holds a secret" in complaint("--extra-opts=x@p.ini")
    (there / "p.ini").chmod(0o640)
    proxy = parse("--extra-opts=x@p.ini").proxy
    assert (str(proxy), proxy.user, proxy.password.reveal()) == ("h:1", "u", "geheim")
    assert "geheim" not in repr(proxy)


def test_proxy_sources(there):
    assert parse(HTTPS_PROXY="http://e:1").proxy.source == "HTTPS_PROXY"
    assert parse(https_proxy="http://f:1", HTTPS_PROXY="http://e:1").proxy.host == "f"
    assert parse("--proxy", "p", HTTPS_PROXY="http://e:1").proxy.source == "--proxy (command line)"
    assert parse("--no-proxy", HTTPS_PROXY="http://e:1").proxy is None
    assert parse(ALL_PROXY="http://e:1", NO_PROXY="x.example").no_proxy == "x.example"
    starred = "*.x.example *.y.example;*"
    assert parse(ALL_PROXY="http://e:1", NO_PROXY=starred).no_proxy == "*.x.example,*.y.example,*"
    assert str(parse("--proxy-host", "::1", "--proxy-port", "3128").proxy) == "[::1]:3128"
    assert "secret" not in complaint("--proxy", "http://u:secret@h:1")
    assert complaint(HTTPS_PROXY="socks5://h:1").startswith(
        "HTTPS_PROXY: socks5 proxies are not supported"
    )


def test_cache_directory(there, monkeypatch):
    monkeypatch.setattr(commandline_parse, "SYSTEM_CACHE", str(there / "none"))
    monkeypatch.setenv("HOME", "/h")
    assert parse().cache_dir == "/h/.cache/check_mapi_connectivity"
    assert parse(XDG_CACHE_HOME="/x").cache_dir == "/x/check_mapi_connectivity"
    assert parse("--cache-dir", "/y").cache_dir == "/y"
    assert parse("--no-cache", "--cache-dir", "/y").cache_dir is None
    monkeypatch.setattr(commandline_parse, "SYSTEM_CACHE", str(there))
    assert parse().cache_dir == str(there)


def test_mailboxes_and_methods_each_once_in_their_order(there):
    words = ("-m", "b@b.example", "-m", "a@b.example", "-m", "B@B.example")
    options = parse(*words, "--method", "graph", "--method", "cmdlet", "--method", "Graph")
    assert options.mailboxes == ("b@b.example", "a@b.example")
    assert options.methods == ("graph", "cmdlet")
    assert options.tests == [
        ("b@b.example", "graph"),
        ("b@b.example", "cmdlet"),
        ("a@b.example", "graph"),
        ("a@b.example", "cmdlet"),
    ]


def test_json_is_remembered_for_a_complaint(there):
    (there / "p.ini").write_text("[x]\njson =\n")
    with pytest.raises(UsageError) as caught:
        parse("--extra-opts=x@p.ini", "-t", "0")
    assert caught.value.as_json


def test_mailboxes(there):
    for good in (
        "a@b",
        "ä.ö@b.example",
        "o'hara+x@b.example",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ):
        assert parse("-m", good).mailboxes == (good,)
    for bad in ("a", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "a@\u202eb", "x" * 400 + "@b"):
        assert complaint("-m", bad).startswith("--mailbox: ")


@given(
    st.lists(
        st.sampled_from(
            [
                "-m",
                "a@b",
                "--tenant",
                "t.example",
                "--certificate",
                "/dev/null",
                "-w",
                "-t",
                "5",
                "--proxy",
                "\x00",
                "--json",
                "-vv",
                "--state",
                "x",
                "--extra-opts",
                "-4",
                "=",
                "--",
                "-",
            ]
        )
        | st.text(max_size=8),
        max_size=8,
    )
)
def test_any_command_line_gives_options_or_one_complaint(arguments):
    try:
        parsed(arguments, {})
    except (UsageError, Information) as error:
        assert str(error)


REFUSED = [
    (["--critcal", "5"], "unknown option --critcal; is --critical meant? see --help"),
    (["--user", "probe"], "unknown option --user; is --username meant? see --help"),
    (["--frobnicate"], "unknown option --frobnicate; see --help"),
    (
        ["\u2013m", "probe@contoso.com"],
        "an option begins with a dash of a word processor or web page; type it anew, with - or --",
    ),
    (
        ["--password=hunter2"],
        "no option takes a secret: use --password-file, an ini section, or the environment "
        "(MAPI_PASSWORD)",
    ),
    (["-phunter2"], "unknown option -p; see --help"),
    (
        ["hunter2"],
        "a word on the command line belongs to no option; quote values that hold blanks, see --help",
    ),
    (
        ["-t"],
        "--timeout: its value is missing; write one that begins with a dash as --timeout=VALUE",
    ),
    (["-4", "-6"], "-4 and -6 exclude each other; give one of them or none"),
    (["--tenant", "../etc"], "--tenant: ../etc is neither a domain nor a GUID"),
    (
        ["--client-id", "a b"],
        "--client-id: a b is not an application id; the portal shows it as Application (client) ID",
    ),
    (["--certificate", "/nope"], "--certificate: /nope does not exist"),
    (["--certificate", "/"], "--certificate: / is a directory; name a file"),
    (["--certificate", "/dev/zero"], "--certificate: /dev/zero is not a regular file"),
    (["--ca-file", "/nope"], "--ca-file: /nope does not exist"),
    (
        ["--ca-file", "~/nope"],
        "--ca-file: ~/nope does not exist; ~ is a shell's word, write the whole path",
    ),
    (
        ["--ca-file", "/dev"],
        "--ca-file: /dev is a directory; name a file, or run openssl rehash on it",
    ),
    (
        ["--authority-url", "http://x"],
        "--authority-url: its value is not an https URL like https://host or https://host:port",
    ),
    (
        ["--exchange-url", "https://u:p@x"],
        "--exchange-url: its value is not an https URL like https://host or https://host:port",
    ),
    (
        ["--graph-url", "https://x?y"],
        "--graph-url: its value is not an https URL like https://host or https://host:port",
    ),
    (["--method", "ews"], "--method: ews is not one of cmdlet, mapi, graph"),
    (
        ["--method", "cmdlet,graph"],
        "--method: cmdlet,graph is not one of cmdlet, mapi, graph; give --method once for each",
    ),
    (["--concurrency", "0"], "--concurrency: 0 is not a number from 1 to 64"),
    (["--concurrency", "65"], "--concurrency: 65 is not a number from 1 to 64"),
    (["--concurrency", "١"], "--concurrency: ١ is not a number from 1 to 64"),
    (
        ["--method", "graph", "--archive"],
        "--archive is for --method cmdlet and mapi; method graph does not test it",
    ),
    (
        ["--proxy", "h", "--proxy-host", "h"],
        "--proxy and --proxy-host/--proxy-port say the same thing; give one of them",
    ),
    (["--proxy-host", "h"], "--proxy-host and --proxy-port belong together; give both"),
    (["--extra-opts=x@/nope"], "--extra-opts: /nope does not exist"),
    (
        ["--extra-opts=plugin.ini"],
        "--extra-opts: plugin.ini is read as the name of a section; write a file behind an @: "
        "SECTION@plugin.ini",
    ),
    (
        ["--extra-opts"],
        "--extra-opts: there is no monitoring-plugins.ini to read [check_mapi_connectivity] from; name a file: check_mapi_connectivity@FILE",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_refused(there, arguments, text):
    assert complaint(*arguments) == text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_secret_of_a_third_user(there):
    (there / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    (there / "key.pem").chmod(0o600)
    os.chown(there / "key.pem", 12345, 0)
    text = complaint("--certificate-key", "key.pem")
    assert (
        "belongs to user id 12345, neither root nor the running user 0; chown root key.pem" in text
    )


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [(["-vvv"], True), (["-vv"], False), (["-vvv", "--record", "file"], False)],
)
def test_subjects_are_asked_for_where_bodies_are_shown_but_for_no_recording(
    there, words, asked_for
):
    assert parse(*words).subjects is asked_for


@pytest.mark.parametrize(("text", "lowest"), [("1.2", "1.2"), ("1.3", "1.3"), ("1.300000", "1.3")])
def test_the_lowest_tls_as_icinga_writes_numbers(text, lowest):
    words = ["--tenant", "t.example", "-m", "a@b.c", "--client-id", "i", "--min-tls", text]
    assert parsed(words, {"MAPI_CLIENT_SECRET": "x"}).min_tls == lowest

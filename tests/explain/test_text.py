"""`--explain` as a whole: its text, its document, and that nothing else happens."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.clouds import MODULE_CLIENT_ID
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.explain import text as explain_text

from ..conftest import ROOT
from ..support.explained import CREDENTIALS, SECRETS, asked, facts, foreign, furnish, mask, told
from ..support.options import View, command


@pytest.fixture(autouse=True)
def here(there):
    """The files of the command lines, in the working directory."""
    furnish(there)
    return there


def test_the_sample_of_the_documents():
    page = (ROOT / "docs" / "output.md").read_text()
    sample = page.partition("```\nMAPI UNKNOWN - nothing")[2].partition("\n```")[0]
    lines = [line for line in sample.split("\n")[1:] if line != "..."]
    assert len(lines) > 10
    # The same command line as there: without a credential so far.
    assert set(lines) <= set(told("--tenant", "contoso.onmicrosoft.com").split("\n"))


#: Every credential with every method that takes it.
EVERY = [
    *[
        (name, method)
        for name in CREDENTIALS
        for method in ("cmdlet", "graph", "mapi")
        if (name in ("login", "ticket")) == (method == "mapi")
    ],
    ("user", "mapi"),
]
EVERY.remove(("module", "graph"))


@pytest.mark.parametrize(("name", "method"), EVERY)
def test_nothing_is_sent_looked_up_or_written(monkeypatch, capfd, here, name, method):
    def refuse(*_, **__):
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = sorted(here.rglob("*"))
    proxies = {"HTTPS_PROXY": "http://u:canary-proxy@proxy:8080"}
    given_ = ("--cache-dir", str(here / "cache"), *CREDENTIALS[name], "--method", method)
    for more in ((), ("--json",)):
        text = explain_text.build(asked(*given_, *more, **proxies), 0.0)
        shown = [word for word in (*SECRETS.values(), foreign(), "canary") if word in text]
        assert shown == []
    assert sorted(here.rglob("*")) == before
    assert capfd.readouterr() == ("", "")


def test_the_process(check, here):
    paths = [here / word if word in ("probe.pem",) else word for word in CREDENTIALS["certificate"]]
    run = check("--explain", "--cache-dir", "/c", "-m", "probe@contoso.com", *paths, "-t", "1:OK")
    first = "MAPI UNKNOWN - nothing was tested: --explain says what would be done"
    assert (run.code, run.stderr, run.stdout.split("\n")[:2]) == (3, "", [first, ""])
    assert f"  SHA-1         {facts().sha1}\n" in run.stdout
    refused = check("--explain", "--json", "-m", "probe@contoso.com")
    assert (refused.code, json.loads(refused.stdout)["failure"]["kind"]) == (3, "usage")


def test_an_ini_section_cannot_switch_the_check_off(here):
    (here / "a.ini").write_text("[x]\nexplain =\n")
    with pytest.raises(UsageError, match="explain works on the command line only"):
        asked("--extra-opts=x@a.ini", *CREDENTIALS["certificate"])


def test_a_certificate_that_has_ended_or_is_none(here):
    options = asked(*CREDENTIALS["certificate"])
    text = mask(explain_text.build(options, facts().not_after + 86400))
    begin = text.index("  client id")
    assert (
        text[begin : text.index("\nTLS")]
        == """\
  client id     11111111-2222-3333-4444-555555555555 (command line)
  not usable    certificate probe.pem expired on (day); renew it; run
                check_mapi_connectivity_setup --tenant contoso.onmicrosoft.com
                --renew
  subject       CN=probe
  ends          (day)
  SHA-1         (sha1)
  SHA-256       (sha256)
"""
    )
    (here / "probe.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    text = explain_text.build(asked(*CREDENTIALS["certificate"], "--json"), 0.0)
    document = json.loads(text)
    [problem] = [
        entry["text"]
        for section in document["sections"]
        for entry in section["entries"]
        if entry["name"] == "not usable"
    ]
    assert problem == "--certificate: probe.pem holds no certificate"
    assert document["certificate"] is None


def test_the_credential_need_not_be_there_yet():
    text = told("--tenant", "contoso.onmicrosoft.com")
    assert "  kind          none yet; what a certificate needs is told here\n" in text
    assert "  not usable    no certificate for contoso.onmicrosoft.com: " in text
    assert "\n    New-ServicePrincipal -AppId CLIENT-ID " in text
    text = told("--method", "mapi", "-H", "mail.contoso.com", "-l", "probe@contoso.com")
    assert "  kind          user probe@contoso.com and password\n" in text
    assert "  not usable    no password for probe@contoso.com: " in text
    text = told("--tenant", "contoso.onmicrosoft.com", "--certificate", "absent.pem")
    assert "  kind          certificate of an app registration, absent.pem\n" in text
    assert "  not usable    --certificate: absent.pem does not exist\n" in text


def test_what_is_written_besides_tokens():
    usual = ("--tenant", "contoso.onmicrosoft.com")
    assert "diagnosis-*.json" not in told(*usual)
    text = told(*usual, "--diagnosis-frequency", "12:1")
    assert "  diagnosis-*.json\n      how many runs in a row have ended alike\n" in text
    text = told(*usual, "--record", "probe.json")
    assert "  writes        probe.json: what goes over the wire, made anew with mode 0600;" in text
    assert "token-" not in text


def test_the_document_has_what_the_text_has():
    words = (*CREDENTIALS["certificate"], "--method", "graph", "--proxy", "http://proxy:3128")
    now = facts().not_after - 100 * 86400
    document = json.loads(explain_text.build(asked(*words, "--json"), now))
    assert document["hosts"][0] == {
        "host": "proxy",
        "port": 3128,
        "protocol": "http proxy",
        "by_proxy": False,
        "purpose": "looks up and reaches all hosts that are marked: by the proxy",
    }
    hosts = [(one["host"], one["port"], one["by_proxy"]) for one in document["hosts"][1:]]
    assert hosts == [
        ("login.microsoftonline.com", 443, True),
        ("graph.microsoft.com", 443, True),
    ]
    assert document["certificate"]["sha1"] == facts().sha1
    text = explain_text.build(asked(*words), now)
    titles = [section["title"] for section in document["sections"]]
    assert titles == [part.split("\n")[0] for part in text.split("\n\n")[1:]]
    joined = " ".join(text.replace(" `\n", " ").split())
    for section in document["sections"]:
        for entry in section["entries"]:
            assert " ".join(entry["text"].split()) in joined


NAMES = st.text("abcdefghij.-_'$`", min_size=1, max_size=70)
ADDRESSES = st.builds(
    "{}@{}".format, NAMES, st.sampled_from(["contoso.com", "b\u00fccher.example"])
)


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_options_fit_80_columns(options, data):
    """But for words that are longer themselves; and a command is put together as it was."""
    kind = data.draw(st.sampled_from(sorted(CREDENTIALS)))
    changes = {
        "mailboxes": tuple(data.draw(st.lists(ADDRESSES, min_size=1, max_size=13, unique=True)))
    }
    base = View(
        asked(*CREDENTIALS[kind], *(("--method", "mapi") if kind in ("login", "ticket") else ()))
    )
    methods = base.methods
    if kind not in ("login", "ticket"):
        methods = tuple(data.draw(st.permutations(["cmdlet", "graph", "mapi"]))[:2])
    changes |= {
        "methods": methods,
        "credential": base.credential,
        "login": base.login,
        "client_id": data.draw(st.sampled_from(["11111111-2222", MODULE_CLIENT_ID, "a" * 90])),
        "timeout": data.draw(st.floats(0.001, 1e5)),
        "cache_dir": data.draw(st.sampled_from([None, "/c", "/" + "c" * 90])),
    }
    text = explain_text.build(command(options(**changes)), 0.0)
    lines = text.split("\n")
    for line in lines:
        assert len(line) <= 80 or max(map(len, line.split())) > 62
    whole = json.loads(explain_text.build(command(options(**changes, json=True)), 0.0))
    commands = [
        entry["text"]
        for section in whole["sections"]
        for entry in section["entries"]
        if entry["kind"] == "command"
    ]
    joined = text.replace(" `\n      ", " ").split("\n")
    assert [
        line[4:] for line in joined if line.startswith("    ") and line[4:] in commands
    ] == commands

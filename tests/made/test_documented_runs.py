"""Command lines and ini sections of the documents can be used, and what they show was said by the check."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from functools import lru_cache

import pytest

from check_mapi_connectivity.base.errors import Information
from check_mapi_connectivity.base.vocabulary import PLUGIN
from check_mapi_connectivity.commandline import arguments
from check_mapi_connectivity.commandline import parse as cli
from check_mapi_connectivity.setup import command_line as set_up_cli
from check_mapi_connectivity.setup.steps import names

from ..conftest import ROOT
from ..support.documents import DOCS, DOCUMENTS, README, blocks, name, prose
from ..support.masks import timeless, varying
from ..tenant.directory import DOMAIN

#: A command line of ours, with what may stand before it.
OURS = (
    rf"^(?:runuser -u nagios -- )?(?:/usr/lib/nagios/plugins/)?((?:{PLUGIN}|{names.COMMAND}) .*)$"
)


def commands():
    """(document, words) of each command line of ours in a block of code."""
    found = []
    for document in DOCUMENTS:
        for _, language, lines in blocks(document):
            text = "" if language else "\n".join(lines).replace("\\\n", " ")
            for line in re.findall(OURS, text, re.MULTILINE):
                words = shlex.split(line, comments=True)
                found.append((document, words))
    return found


COMMANDS = commands()


@pytest.fixture
def furnished(there, monkeypatch):
    """A directory with all files that command lines and ini sections name."""
    monkeypatch.setattr("check_mapi_connectivity.commandline.secrets.ask", lambda _: "typed")
    # A user of this machine who runs checks cannot look into it.
    monkeypatch.setattr(set_up_cli, "_MONITORS", ())
    for file in ("probe.password", "proxy.password", "submit.password", "azure-identity-token"):
        (there / file).write_text("secret\n")
        (there / file).chmod(0o600)
    (there / "mailboxes").write_text("probe@contoso.com\n")
    for file in ("c.pem", "contoso-ca.pem"):
        (there / file).write_text((there / "c.pem").read_text())
        (there / file).chmod(0o600)
    own = "[contoso.onmicrosoft.com]\nclient-id = i\ncertificate = c.pem\n"
    (there / "plugins.ini").write_text(own)
    (there / "plugins.ini").chmod(0o600)
    return there


def here(word):
    """A word of a command line, with files of this directory."""
    files = {"probe.pfx": "c.pem", "probe.pem": "c.pem", "CLIENT-ID": "i"}
    last = word.rpartition("/")[2]
    return files.get(last, last) if word.startswith(("/etc/", "/var/run/", "CLIENT-ID")) else word


def test_command_lines_are_found():
    assert len(COMMANDS) >= 20
    assert {document for document, _ in COMMANDS} >= {README, ROOT / "docs" / "proxies.md"}


@pytest.mark.parametrize(
    "words", [words for _, words in COMMANDS], ids=[name(document) for document, _ in COMMANDS]
)
def test_every_command_line_can_be_parsed(words, furnished):
    parse = set_up_cli.parse if words[0].endswith("_setup") else cli.parse
    given = [here(word) for word in words[1:]]
    if "--replay" in given:
        shutil.copy(ROOT / "tests/recordings/cmdlet-ok.json", "probe.json")
    parse(given, {"MP_CONFIG_FILE": str(furnished / "plugins.ini")})


INI = [
    (document, "\n".join(lines))
    for document in DOCUMENTS
    for _, language, lines in blocks(document)
    if language == "ini"
]


@pytest.mark.parametrize("text", [text for _, text in INI], ids=[name(path) for path, _ in INI])
def test_every_ini_section_can_be_used(text, furnished):
    [section] = re.findall(r"^\[(.*)\]$", text, re.MULTILINE)
    text = re.sub(r"(?<= = )/etc/\S+", lambda path: here(path[0]), text)
    (furnished / "own.ini").write_text(text)
    (furnished / "own.ini").chmod(0o600)
    environ = {"MP_CONFIG_FILE": str(furnished / "plugins.ini")}
    tenant = [] if section == "exchange" else ["--tenant", section]
    more = [] if "method" in text or "certificate" in text else ["--certificate", "c.pem"]
    more += ["--client-id", "i"] if more else []
    words = [f"--extra-opts={section}@own.ini", "-m", "probe@contoso.com", *tenant, *more]
    assert cli.parse(words, environ).options.targets.mailboxes == ("probe@contoso.com",)


def inline():
    """(document, words) of each command line of ours in running text."""
    for document in DOCUMENTS:
        for text in re.findall(rf"`((?:{PLUGIN}|{names.COMMAND}) [^`]+)`", prose(document)):
            yield document, text


@pytest.mark.parametrize(("document", "text"), inline(), ids=lambda value: str(value)[-40:])
def test_command_lines_in_running_text(document, text, furnished):
    examples = {"TENANT": "contoso.onmicrosoft.com", "ADDRESS": "probe@contoso.com"}
    command, *words = [examples.get(word, word) for word in shlex.split(text)]
    own = set_up_cli if command == names.COMMAND else cli
    if "--tenant" in words:
        own.parse(words, {"MP_CONFIG_FILE": str(furnished / "plugins.ini")})
    elif words == ["--version"]:
        with pytest.raises(Information):
            own.parse(words, {})
    else:
        # What is named may be a part of a command line.
        arguments.split((arguments if own is cli else own).parser(), words)


def samples():
    """(words of the comment above, lines) of each sample of a run."""
    found = []
    for document in DOCUMENTS:
        for above, _, lines in blocks(document):
            run = re.fullmatch(r"<!-- run: (.*) -->", above)
            if run:
                found.append((run[1].split(), lines))
    return found


def still(line):
    """A line of output without what differs from run to run."""
    return re.sub(r"=[0-9.]+s", "=#s", timeless(varying(line)))


def matches(shown, said):
    """Whether the lines of a sample are the output: nothing is left out but where `...` stands."""
    rest, may_skip = [still(line) for line in said], False
    for line in shown:
        if line.strip() == "...":
            may_skip = True
            continue
        head, cut, _ = line.rpartition(" ...")
        begins = still(head if cut else line)
        found = [
            number
            for number, real in enumerate(rest if may_skip else rest[:1])
            if real == begins or (cut and real.startswith(f"{begins} "))
        ]
        if not found:
            return False
        rest, may_skip = rest[found[0] + 1 :], False
    return True


@pytest.mark.parametrize(("words", "lines"), samples(), ids=lambda value: " ".join(value)[:40])
def test_samples_are_what_the_check_says(words, lines, way, tenant):
    section, *rest = words
    given = []
    for word in rest:
        node = re.fullmatch(r"([0-9.]+)=(\w+)(?:/([a-z0-9-]+))?", word)
        if node:
            tenant.node(*node.groups())
            given += ["--address", node[1]]
        elif re.fullmatch(r"[a-z-]+/[a-z0-9-]+", word):
            tenant.faults.on(*word.split("/"))
        elif re.fullmatch(r"[a-z][a-z0-9-]+", word):
            given += ["-m", f"{word}@{DOMAIN}"]
        else:
            given.append(word)
    mailboxes = [word for word in given if "@" in word]
    more = ["-l", mailboxes[0]] if section == "mapi" else []
    run = way(section, *given, *more)
    assert lines[0].startswith("MAPI ")
    assert matches(lines, run.stdout.split("\n")), run.stdout


def test_there_are_samples_and_they_are_compared():
    assert len(samples()) >= 6
    assert matches(["a 0.100s", "...", "c ..."], ["a 0.200s", "b", "c d"])
    assert not matches(["a 0.100s", "b"], ["a 0.100s", "c"])
    assert not matches(["a", "c"], ["a", "b", "c"])
    assert matches(["a b ..."], ["a b c"])
    assert not matches(["a b ..."], ["a bc"])
    assert not matches(["c", "a"], ["a", "c"])


#: What messages fill in, where a document names an example of it.
FILLED = r"\.\.\.|\b(?:NTLM|Negotiate|Basic|HOST|pyspnego|tcp|\d+s)\b"

#: Heads of the tables that tell what the check says.
SAYING = ("first line says", "what it says")


def messages():
    """(document, message) of each that a table explains."""
    found = []
    for document in (README, *DOCS):
        for table in re.findall(r"(?:^\|.*\n)+", prose(document), re.MULTILINE):
            head, _, *rows = table.rstrip("\n").split("\n")
            if head.split("|")[1].strip() in SAYING:
                cells = [row.split("|")[1] for row in rows]
                found += [
                    (document, text) for cell in cells for text in re.findall("`([^`]+)`", cell)
                ]
    return found


@lru_cache(None)
def sayings():
    """All texts of the program, a line each, `\x00` for what is filled in; then what tests saw."""
    found = []
    for path in (ROOT / PLUGIN).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else "\x00" for part in node.values
                ]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    texts = [" ".join(text.split()) for text in found]
    for path in (ROOT / "tests" / "golden").rglob("*.*"):
        texts += path.read_text().split("\n")
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("document", "message"),
    messages(),
    ids=lambda value: name(value) if hasattr(value, "parent") else value[:50],
)
def test_messages_are_the_checks_own(document, message):
    """Each piece between two names is in a text of the program, or of a run that a test compares."""
    for piece in re.split(FILLED, message):
        words = re.sub(r" \((?:HTTP \d+|AADSTS\d+|ErrorAccessDenied)\)$", "", piece).strip(" ,;()")
        assert words in sayings(), words


def test_messages_are_found():
    assert len(messages()) >= 40
    assert ("in phase" in sayings()) and ("no such words anywhere" not in sayings())

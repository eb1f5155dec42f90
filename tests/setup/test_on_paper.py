"""The plan on paper can be pasted as it is: into a shell, whatever the paths are called, and into
PowerShell, whatever the addresses are.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.base import quoting
from check_mapi_connectivity.base.credentials import CertificateFiles
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.setup import command_line, run
from check_mapi_connectivity.setup.terminal import Voice
from check_mapi_connectivity.signin import certificate

TENANT = "contoso.onmicrosoft.com"

#: Somebody without any right.
ORDINARY = 65534 if os.geteuid() == 0 else os.geteuid()

#: Language specification for Windows PowerShell 3.0, 2.3.5.2: single-quote-character.
QUOTES = "'\u2018\u2019\u201a\u201b"

#: What stands outside of quotes in what this command prints.
BARE = re.compile(r"[A-Za-z][A-Za-z/.,-]*|-[A-Za-z]+(:\$(true|false))?")


def verbatim(text, start):
    """The value of the verbatim string literal that begins at `start`, and where it ends: two
    single-quote characters within it stand for one, a lone one ends it, and nothing else means
    anything.
    """
    assert text[start] in QUOTES
    at, value = start + 1, ""
    while True:
        assert at < len(text), "the string does not end"
        one = text[at]
        if one not in QUOTES:
            value, at = value + one, at + 1
        elif text[at + 1 : at + 2] and text[at + 1] in QUOTES:
            value, at = value + text[at + 1], at + 2
        else:
            return value, at + 1


def arguments(line):
    """A line of PowerShell as values: bare words as they are, quoted ones as (value,), lists joined.
    Raises AssertionError for anything that PowerShell would interpret.
    """
    found, at = [], 0
    while at < len(line):
        if line[at] == " ":
            at += 1
        elif line[at] == "#":
            break
        elif line[at] in QUOTES:
            value, at = verbatim(line, at)
            found.append((value,))
            while line[at : at + 1] == ",":
                value, at = verbatim(line, at + 1)
                found[-1] += (value,)
            assert line[at : at + 1] in ("", " ")
        else:
            word = line[at:].partition(" ")[0]
            assert BARE.fullmatch(word), word
            found.append(word)
            at += len(word)
    return found


def printed(*words):
    """What --print-only says, by blocks: (`shell` or `powershell`) -> lines."""
    said = []

    def write(text):
        said.extend(text.split("\n")[:-1])
        return True

    settings = command_line.parse(["--tenant", TENANT, "--print-only", *words], {})
    assert run.run(settings, Voice(None, write)) == 0
    blocks, block = {"shell": [], "powershell": [], "": []}, ""
    for line in said:
        if line in ("# On this host, in a shell:", "# In PowerShell:"):
            block = "shell" if "shell:" in line else "powershell"
        blocks[block].append(line)
        if not line:
            block = ""
    return blocks


@pytest.fixture
def tree():
    """An empty directory of an ordinary user's, which he can get to."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        tree = pathlib.Path(directory) / "mapi"
        tree.mkdir()
        # Whatever the umask is.
        tree.chmod(0o711)
        os.chown(tree, ORDINARY, -1)
        yield tree


def pasted(lines, tree, user):
    """Run lines by a shell; what it says on stderr."""
    done = subprocess.run(
        ["sh", "-e"],
        input="\n".join(lines) + "\n",
        user=user if os.geteuid() == 0 else None,
        cwd=tree,
        env={"PATH": os.environ["PATH"], "HOME": str(tree)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


HOSTILE = ["plain", "a b", "a;touch pwned", "$(touch pwned)", "`touch pwned`", "it's", "-rf", '"\\']


@pytest.mark.cases(2)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize("name", HOSTILE)
def test_the_shell_part_in_an_empty_tree(tree, name):
    place = tree / name / TENANT
    blocks = printed("-m", "probe@contoso.com", f"--output={place}")
    pasted(blocks["shell"], tree, ORDINARY)
    assert sorted(one.name for one in tree.iterdir()) == [name]
    assert sorted(one.name for one in place.iterdir()) == [
        "certificate.pem",
        "client_id",
        "options.ini",
    ]
    for path in place.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(place.stat().st_mode) == 0o750
    # A directory that was there is as it was.
    assert stat.S_IMODE(tree.stat().st_mode) == 0o711
    data = (place / "certificate.pem").read_bytes()
    assert certificate.load(CertificateFiles("/nowhere", data)).facts.subject.startswith("CN=check")
    assert (place / "options.ini").read_text() == (
        f"[{TENANT}]\ntenant = {TENANT}\nclient-id = CLIENT-ID\n"
        f"certificate = {place}/certificate.pem\nmethod = cmdlet\n"
    )
    assert (place / "client_id").read_text() == "CLIENT-ID\n"
    # Once more changes nothing that is the directory's or the key's.
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    place.chmod(0o700)
    pasted(blocks["shell"], tree, ORDINARY)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    # And back.
    pasted(printed("--remove", f"--output={place}")["shell"], tree, ORDINARY)
    assert [one.name for one in tree.iterdir()] == [name]
    assert list((tree / name).iterdir()) == []


def test_directories_that_are_there_keep_owner_and_mode(tree):
    """As root, too: `/` and whatever else is above."""
    (tree / "etc").mkdir()
    (tree / "etc").chmod(0o701)
    before = [
        (one.stat().st_mode, one.stat().st_uid, one.stat().st_gid) for one in (tree, tree / "etc")
    ]
    lines = printed("-m", "p@contoso.com", f"--output={tree}/etc")["shell"]
    made = next(n for n, line in enumerate(lines) if line == "umask 077")
    pasted(lines[:made], tree, os.geteuid())
    after = [
        (one.stat().st_mode, one.stat().st_uid, one.stat().st_gid) for one in (tree, tree / "etc")
    ]
    assert after == before


def test_a_password_that_would_be_typed_in(tree):
    lines = printed("-m", "p@contoso.com", "-l", "u@contoso.com", f"--output={tree}/d")["shell"]
    pasted(lines, tree, ORDINARY)
    assert sorted(one.name for one in (tree / "d").iterdir()) == ["options.ini", "password"]
    assert stat.S_IMODE((tree / "d" / "password").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "mailbox",
    [
        "$calc@x.com",
        "o'neil@x.com",
        "a|b@x.com",
    ],
)
@pytest.mark.parametrize("action", ["set up", "remove"])
def test_powershell_takes_every_word_as_it_is(mailbox, action):
    words = ("-m", mailbox, "--method=cmdlet", "--method=graph")
    blocks = printed(*words, *(["--remove"] if action == "remove" else []))
    found = [arguments(line) for line in blocks["powershell"]]
    assert sum(bool(one) for one in found) > 8
    if action == "set up":
        wanted = ["Test-ServicePrincipalAuthorization", "-Identity", ("OBJECT-ID",), "-Resource"]
        assert [*wanted, (mailbox,)] in found


@pytest.mark.parametrize(
    "mailbox", ["$(calc)@x.com", "o\u2019neil@x.com", "a`nb@x.com", 'a";calc;"@x.com']
)
def test_what_is_no_address_is_refused_before_anything_is_printed(mailbox):
    with pytest.raises(UsageError, match="is neither an e-mail address nor a GUID"):
        printed("-m", mailbox)


@given(
    st.text(
        st.one_of(st.characters(blacklist_categories=["Cs"]), st.sampled_from(f'{QUOTES}$`"; ,'))
    )
)
@example("")
@example("\u2019; calc")
@example("a'\u2018'")
def test_powershell_quoting_holds_any_text(text):
    quoted = quoting.powershell(text)
    assert verbatim(quoted, 0) == (text, len(quoted))

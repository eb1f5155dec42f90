"""The small rooms: vocabulary, options, ini, files, masking, headers, arguments, deadline."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import time
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.base.credentials import Secret
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.reading import files
from check_mapi_connectivity.codes.entra import ENTRA
from check_mapi_connectivity.commandline import arguments, ini, option_table
from check_mapi_connectivity.commandline import option as commandline_option
from check_mapi_connectivity.network import head, headers
from check_mapi_connectivity.network.carriers.capped import CappedResponse
from check_mapi_connectivity.secrecy import names

from .conftest import ROOT


def test_states_and_severity():
    assert vocabulary.worst(["OK", "UNKNOWN", "WARNING", "CRITICAL"]) == "CRITICAL"
    assert vocabulary.worst(["UNKNOWN", "WARNING"]) == "UNKNOWN"
    assert vocabulary.worst([]) == "OK"
    assert set(vocabulary.KINDS.values()) <= set(vocabulary.STATES) == set(vocabulary.SEVERITY)


def test_secret_never_shows():
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {vars(Secret)}"
    assert secret.reveal() == "hunter2"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@given(st.text(max_size=200) | st.text("[]=#;abc \n'\"", max_size=60))
def test_any_ini_is_a_section_or_one_complaint(text):
    try:
        found = ini.parse(text, "abc", "file")
    except UsageError as error:
        assert str(error).startswith("file line ")
        return
    assert found is None or all(key and number > 0 for number, key, _ in found)


def test_ini_syntax():
    text = "\ufeff# c\n[a]\n x = 1 \n; c\ny=\n[b]\nbroken\n[a]\nz = ' q '\nw = a = b\n"
    assert ini.parse(text.lstrip("\ufeff"), "a", "f") == [
        (3, "x", "1"),
        (5, "y", ""),
        (9, "z", " q "),
        (10, "w", "a = b"),
    ]
    assert ini.parse(text, "c", "f") is None
    with pytest.raises(UsageError, match="f line 7: an option reads name = value"):
        ini.parse(text, "b", "f")


def test_file_that_is_none(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(bytes(files.LIMIT + 1))
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbfpass\r\nx")
    (tmp_path / "latin").write_bytes(b"\xe4")
    for name, text in (
        ("fifo", "not a regular file"),
        ("large", "larger than 1 MiB"),
        ("gone", "does not exist"),
        ("a\0b", "NUL"),
    ):
        with pytest.raises(UsageError, match=text):
            files.read(str(tmp_path / name), "--x")
    assert files.first_line(str(tmp_path / "bom"), "--x") == "pass"
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        files.read_text(str(tmp_path / "latin"), "--x")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o440, 0o400])
def test_secret_files_that_are_good(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(mode)
    assert files.read(str(path), "--x", secret=True) == b"x"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o666])
def test_secret_files_that_are_not(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(mode)
    with pytest.raises(UsageError, match=f"mode {mode:04o}"):
        files.read(str(path), "--x", secret=True)


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"access_token": "{JWT}"',
        f'{{"access_token":"{JWT[:-4]}',
        '{"refresh_token" : "opaque-secret-1"}',
        "a=b&client_assertion=opaque-secret-1",
        "password=opaque-secret-1&x=y",
        f"plain {JWT} text",
        "Authorization: Bearer opaque-secret-1",
        '{"id_token":"opaque\\"secret-1"}',
    ],
)
def test_bodies_are_masked(body):
    masked = names.body(body)
    assert names.MASK in masked
    assert not any(part in masked for part in (JWT, JWT[:-4], "secret-1"))


def test_names_spelled_with_escapes_are_masked():
    assert "opaque" not in names.body(
        r'{"access\u005ftoken": "opaque", "a": [{"Password": "opaque"}]}'
    )


def test_hostile_texts_are_searched_in_no_time():
    """Each took seconds of a regular expression before texts were bounded."""
    begun = time.monotonic()
    names.headers({"X": "eyJ" * 20000, "Y": "eyJ-" * 15000})
    names.body("eyJ-" * 500000)
    headers.schemes(['Basic realm="' + '\\"' * 32000])
    headers.token(["NTLM " + ", \t" * 8000] * 2, "NTLM")
    # Milliseconds on an idle machine.
    assert time.monotonic() - begun < 5.0


def test_headers_are_masked():
    shown = names.headers(
        {"Authorization": "Bearer x", "Set-Cookie": "a=b", "X-Any": f"has {JWT}", "request-id": "1"}
    )
    assert shown == [
        ("Authorization", "Bearer ***"),
        ("Set-Cookie", "***"),
        ("X-Any", "has ***"),
        ("request-id", "1"),
    ]


@given(st.text(max_size=300))
def test_any_body_can_be_masked(text):
    assert len(names.body(text)) <= max(4000, len(text) * 4)


class Wire:
    """A socket that has already received everything."""

    def __init__(self, data):
        self.sent = b""
        self._data = data

    def makefile(self, *_):
        return io.BytesIO(self._data)

    def sendall(self, data):
        self.sent += data


def read_head(data):
    response = CappedResponse(Wire(data), method="GET")
    try:
        response.begin()
        return response
    finally:
        response.close()


def test_headers_are_capped():
    interim, final = b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\nX: y\r\n\r\n"
    assert read_head(interim + final).status == 204
    assert read_head(interim * 50 + final).status == 204
    with pytest.raises(head.HeadError, match="sends over 50 answers of HTTP 1xx, and no other"):
        read_head(interim * 51 + final)
    for data in (
        b"HTTP/1.1 200 OK\r\n" + b"X: yyyy\r\n" * 9000,
        b"HTTP/1.1 100 C\r\n\r\n" * 9000,
        b"HTTP/1.1 200 " + b"x" * 70000,
    ):
        with pytest.raises(head.HeadError):
            read_head(data)


@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail)
)
def test_any_head_is_read_or_refused(data):
    with contextlib.suppress(head.HeadError, head.Disconnected):
        assert 100 <= read_head(data).status <= 999


def test_parser_takes_every_option_of_the_table():
    values = {
        commandline_option.VALUE: ["v"],
        commandline_option.LIST: ["v"],
        commandline_option.FLAG: [],
        commandline_option.COUNT: [],
        commandline_option.OPTIONAL: [],
    }
    for option in option_table.OPTIONS.values():
        if option.name not in ("help", "version"):
            for flag in option.flags:
                found = arguments.parse_command_line([flag, *values[option.shape]])
                assert list(found) == [option.name]
                if option.shape == commandline_option.OPTIONAL:
                    assert found[option.name] == commandline_option.MISSING
                    assert arguments.parse_command_line([flag, "v"]) == {option.name: "v"}
    assert isinstance(arguments.parser(), argparse.ArgumentParser)


def test_deadline():
    deadline = Deadline(time.monotonic() - 5.0, 7.0)
    assert 0 < deadline.remaining() <= 2.0
    assert Deadline(time.monotonic() - 5.0, 3.0).remaining() == 0.0


LIGHT = """
import sys
before = set(sys.modules)
sys.argv = ["check", *sys.argv[1:]]
from check_mapi_connectivity.__main__ import main
code = main()
heavy = {"requests", "msal", "cryptography", "nagiosplugin", "ssl", "socket", "dataclasses", "typing", "shutil", "logging", "inspect"}
if "_colorize" in sys.modules:
    # What argparse of Python 3.14 takes its colours from, even where it shows none.
    heavy -= {"dataclasses", "inspect", "typing"}
loaded = heavy & (set(sys.modules) - before)
sys.exit(code if not loaded else f"{sorted(loaded)}")
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-V"],
        ["--nonsense"],
        [],
        ["-m", "a@b", "--tenant", "t", "--certificate", "/nope"],
        ["-m", "a@b", "-t", "x"],
        ["-m", "a@b", "--state", "x=y"],
    ],
)
def test_help_and_usage_errors_import_little(environment, words):
    done = subprocess.run(
        [sys.executable, "-S", "-c", LIGHT, *words],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (3, b"")


def test_nothing_prints_but_output_and_nothing_reads_the_environment_but_cli():
    rooms = {
        path.name: path.read_text() for path in (ROOT / "check_mapi_connectivity").rglob("*.py")
    }
    assert not [name for name, text in rooms.items() if re.search(r"\bprint\(|sys\.stdout", text)]
    assert {name for name, text in rooms.items() if "os.write(" in text} == {"output.py"}
    # The Kerberos library reads its own variables by itself: what it will see is looked at there.
    readers = {name for name, text in rooms.items() if "os.environ" in text}
    assert readers == {"__main__.py", "ntlm_kerberos.py", "process.py"}
    assert {name for name, text in rooms.items() if "os._exit" in text} == {"process.py"}


NO_MEMORY = "out of memory; raise the limits this check runs under (ulimit -d, -v)"


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (
            "RuntimeError('hunter2')",
            "internal error: RuntimeError in sitecustomize.py line 2; please report it",
        ),
        (
            "KeyboardInterrupt",
            "interrupted before anything was tested",
        ),
        ("MemoryError", NO_MEMORY),
        ("SystemError('returned NULL without setting an exception')", NO_MEMORY),
        ("OSError(errno.ENOMEM, 'x')", NO_MEMORY),
        ("ImportError('/lib/x.so: failed to map segment from shared object')", NO_MEMORY),
        ("ImportError('x')", "this installation is incomplete (x); install it again"),
    ],
)
def test_whatever_is_raised_gives_one_line(environment, tmp_path, raised, text):
    (tmp_path / "sitecustomize.py").write_text(
        "import errno, check_mapi_connectivity.commandline.parse as cli\n"
        f"def parse(*_): raise {raised}\n"
        "cli.parse = parse\n"
    )
    path = f"{tmp_path}:{environment['PYTHONPATH']}"
    command = [sys.executable, "-m", "check_mapi_connectivity"]
    variables = {**environment, "PYTHONPATH": path}
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    assert (done.stdout.decode(), done.returncode) == (f"MAPI UNKNOWN - {text}\n", 3)
    assert done.stderr == b""


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_is_worded_once_there_is_no_memory(environment, tmp_path, as_json):
    """To word something may take memory that is not there."""
    (tmp_path / "sitecustomize.py").write_text(
        "from check_mapi_connectivity.commandline import parse as cli\n"
        "from check_mapi_connectivity.result import output\n"
        "def no_more(*_, **__): raise MemoryError\n"
        "def parse(*_):\n"
        "    output.complain = output.clean = no_more\n"
        "    no_more()\n"
        "cli.parse = parse\n"
    )
    path = f"{tmp_path}:{environment['PYTHONPATH']}"
    command = [sys.executable, "-m", "check_mapi_connectivity", *["--json"] * as_json]
    variables = {**environment, "PYTHONPATH": path}
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    assert (done.stdout.count(b"\n"), done.returncode, done.stderr) == (1, 3, b"")
    said = json.loads(done.stdout)["summary"] if as_json else done.stdout.decode().rstrip()
    assert said == f"MAPI UNKNOWN - {NO_MEMORY}"[0 if not as_json else 15 :]


#: The numbers of reference sheet exchange-online 6 and its corrections, and their siblings.
def test_entra_table_is_whole():
    assert len(ENTRA) == 127
    assert {50034, 53003, 700027, 90002, 9001023, 100007, 7000229} <= set(ENTRA)


def test_traceback_never_names_a_secret():
    secret = Secret("hunter2")
    try:
        assert secret.nothing
    except AttributeError:
        assert "hunter2" not in traceback.format_exc()

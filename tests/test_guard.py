"""The guard that every test stands under."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .guard.hook import Trespass

#: What no test may do, as Python.
FORBIDDEN = (
    "open('/etc/trespass', 'w')",
    "import os; os.mkdir('/etc/trespass')",
    "import os; os.open('/trespass', os.O_CREAT | os.O_WRONLY)",
    "import os; os.chdir('/etc'); open('trespass', 'a')",
    "import os; os.symlink('/nowhere', '/etc/trespass')",
    "import os; os.rename('/etc/trespass', '/etc/other')",
    "import os; os.chmod('/etc', 0o755)",
    "import os; os.rmdir('/etc/trespass', dir_fd=os.open('/', os.O_RDONLY))",
    "with __import__('socket').socket() as one: one.connect(('192.0.2.1', 9))",
    "with __import__('socket').socket(type=2) as one: one.sendto(b'', ('192.0.2.1', 9))",
    "with __import__('socket').socket() as one: one.bind(('', 0))",
)


@pytest.fixture
def noted(guard):
    """What was tried in this test, which is then forgiven."""

    def read():
        notes = Path(guard.notes)
        text = notes.read_text() if notes.exists() else ""
        notes.unlink(missing_ok=True)
        return text

    return read


@pytest.mark.parametrize("code", FORBIDDEN)
def test_what_this_process_must_not_do(code, noted, monkeypatch):
    monkeypatch.chdir("/")
    with pytest.raises(Trespass) as caught:
        exec(code)
    assert noted() == f"{caught.value}\n"


@pytest.mark.parametrize("code", FORBIDDEN)
def test_what_its_children_must_not_do(code, environment, noted):
    for variables in (environment, None):
        done = subprocess.run(
            [sys.executable, "-c", code], env=variables, capture_output=True, check=False
        )
        assert done.stderr.splitlines()[-1] == b"hook.Trespass: " + noted().strip().encode()


def test_a_run_that_is_forked_is_watched(mapi, noted):
    assert mapi("healthy", "--record", "/etc/trespass.json").code == 3
    assert "of /etc/trespass.json" in noted()
    assert not os.path.exists("/etc/trespass.json")


def test_what_is_allowed(tmp_path, noted):
    (tmp_path / "file").write_text("")
    (tmp_path / "file").rename(tmp_path / "other")
    with open(os.devnull, "w") as nothing, socket.create_server(("127.0.0.1", 0)) as server:
        nothing.write("-")
        socket.create_connection(server.getsockname()).close()
    assert noted() == ""

"""Files that an administrator names: text of Windows, and what is no file to be read."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.base.reading import files

WORDS = "pass word\u00e4"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\nmore\n", "\r\rmore"])
def test_the_first_line_of_any_text(tmp_path, encoding, end):
    path = tmp_path / "secret"
    path.write_bytes(f"{WORDS}{end}".encode(encoding))
    path.chmod(0o600)
    assert files.first_line(str(path), "--x", secret=True) == WORDS


@given(st.text(alphabet=st.characters(min_codepoint=1, blacklist_categories=["Cs"]), min_size=2))
def test_any_text_is_read(text):
    assert files.decoded(text.encode("utf-8-sig")) == text
    assert files.decoded(b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")) == text


@given(st.binary())
def test_any_bytes_are_text_or_refused(data):
    with contextlib.suppress(UnicodeDecodeError):
        assert isinstance(files.decoded(data), str)


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_what_is_no_regular_file(path):
    with pytest.raises(UsageError, match=r"^--x: /\S* is not a regular file$"):
        files.read(path, "--x")


@pytest.mark.parametrize("path", ["/", "/proc/self/fd"])
def test_a_directory(path):
    with pytest.raises(UsageError, match=r"^--x: /\S* is a directory; name a file$"):
        files.read(path, "--x")


def test_a_pipe_that_nobody_writes_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=r"pipe is not a regular file$"):
        files.read(str(tmp_path / "pipe"), "--x")


def test_a_file_that_gives_nothing_yet(tmp_path, monkeypatch):
    """What the kernel's log does, which is called a regular file."""
    (tmp_path / "log").write_bytes(b"x")

    def read(descriptor, size):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "read", read)
    with pytest.raises(UsageError, match=r"^--x: /\S*log has no end; it is not a regular file$"):
        files.read(str(tmp_path / "log"), "--x")


def test_what_a_library_reads_by_itself(tmp_path, monkeypatch):
    """What is not there or cannot be read is the library's affair; what has no end is not."""
    (tmp_path / "bundle").write_bytes(b"x" * (2 << 20))
    for path in (tmp_path, tmp_path / "bundle", tmp_path / "nothing", "\0"):
        files.check_ends(str(path), "SSL_CERT_FILE")

    def read(descriptor, size):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "read", read)
    for path in (f"{tmp_path}/bundle", f"FILE:{tmp_path}/bundle"):
        with pytest.raises(UsageError, match=r"^KRB5CCNAME: /\S*bundle has no end; "):
            files.check_ends(path, "KRB5CCNAME")


NO_DEV = """
import os, sys
os.devnull = "/nonexistent/null"
from check_mapi_connectivity.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_without_dev(environment, arguments):
    done = subprocess.run(
        [sys.executable, "-c", NO_DEV, "--tenant", "t", "-m", "a@b.c", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    told = (
        "/nonexistent/null cannot be opened: No such file or directory; this check needs /dev, in "
        "a chroot or container as well"
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert told in done.stdout
    assert done.stdout.startswith('{"' if arguments else "MAPI UNKNOWN - /nonexistent/null cannot")


@pytest.mark.parametrize("kilobytes", [9000, 20000, 26000])
def test_with_hardly_any_memory(environment, kilobytes):
    limit = kilobytes << 10
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))\n"
        "from check_mapi_connectivity.__main__ import run; run()"
    )
    command = [sys.executable, "-c", program, "--tenant", "t", "-m", "a@b.c"]
    command += ["--certificate", "/nowhere"]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
    except subprocess.TimeoutExpired:
        if sys.version_info[:2] != (3, 11):
            raise
        pytest.skip("Python 3.11 itself may loop where memory ends while it handles an error")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (3, "", 1)
    assert done.stdout.startswith("MAPI UNKNOWN - ")

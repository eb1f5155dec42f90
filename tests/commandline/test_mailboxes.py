"""Which mailboxes a run tests: options, files, and the user's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError

from ..support.options import parsed

GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.fixture
def parse(there):
    """`parse(*arguments)` -> Options, with certificate and tenant given."""

    def run(*arguments):
        words = ["--tenant", "t.example", "--client-id", "i", "--certificate", "c.pem"]
        return parsed([*words, *arguments], {"HOME": "/h"})

    return run


@pytest.fixture
def listed(parse, there):
    """`listed(bytes, *arguments)` -> the mailboxes of a file that holds these bytes."""

    def run(data, *arguments):
        (there / "list").write_bytes(data)
        return parse("--mailbox-file", "list", *arguments).mailboxes

    return run


@pytest.fixture
def complaint(listed):
    """The same for a file that is refused: the words of the refusal."""

    def run(data, *arguments):
        with pytest.raises(UsageError) as caught:
            listed(data, *arguments)
        return str(caught.value)

    return run


@pytest.mark.parametrize(
    ("data", "mailboxes"),
    [
        (b"a@b.c\nd@e.f\n", ("a@b.c", "d@e.f")),
        (b"a@b.c\r\nd@e.f\r\n", ("a@b.c", "d@e.f")),
        (b"\xef\xbb\xbfa@b.c", ("a@b.c",)),
        ("a@b.c\r\nd@e.f\r\n".encode("utf-16"), ("a@b.c", "d@e.f")),
        ("a@b.c\nd@e.f".encode("utf-16-be"), ("a@b.c", "d@e.f")),
        (b"a@b.c\rd@e.f\r", ("a@b.c", "d@e.f")),
        (b"# who\n\n  a@b.c  # why\n\t#\nd@e.f#x\n", ("a@b.c", "d@e.f#x")),
        (b"guest_b.c#EXT#@e.f # of another tenant\n", ("guest_b.c#EXT#@e.f",)),
        (b"a@b.c\nd@e.f\nA@B.c\na@b.c\n", ("a@b.c", "d@e.f")),
        ("ä@b.c\n".encode(), ("ä@b.c",)),
        (GUID.encode(), (GUID,)),
    ],
    ids=[
        "lines",
        "crlf",
        "bom",
        "utf-16",
        "no-mark",
        "cr",
        "comments",
        "guest",
        "twice",
        "utf-8",
        "guid",
    ],
)
def test_mailbox_file(listed, data, mailboxes):
    assert listed(data) == mailboxes


def test_file_and_option_together(listed):
    assert listed(b"a@b.c\nd@e.f\n", "-m", "g@h.i", "-m", "D@e.f") == ("g@h.i", "D@e.f", "a@b.c")


def test_many_keep_their_order(listed):
    many = tuple(f"u{number}@b.c" for number in range(1000))
    assert listed("\n".join(many).encode()) == many


@pytest.mark.parametrize(
    ("count", "methods"), [(1001, ["cmdlet"]), (501, ["cmdlet", "graph"]), (9999, ["graph"])]
)
def test_too_many_are_refused(complaint, listed, count, methods):
    data = "\n".join(f"u{number}@b.c" for number in range(count)).encode()
    words = [word for method in methods for word in ("--method", method)]
    assert complaint(data, *words) == (
        f"{count} mailboxes, {len(methods)} of --method: more than 1000 tests; split them into "
        "several runs"
    )


def test_as_many_as_there_may_be_by_two_methods(listed):
    data = "\n".join(f"u{number}@b.c" for number in range(500)).encode()
    assert len(listed(data, "--method", "cmdlet", "--method", "graph")) == 500


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "--mailbox-file: list names no mailbox"),
        (b"# a@b.c\n\n \r\n", "--mailbox-file: list names no mailbox"),
        (
            b"# one\na@b.c\n\nnobody\nd@e.f",
            "--mailbox-file: list line 4: nobody is neither an e-mail address nor a GUID",
        ),
        (
            b"a@b.c d@e.f\n",
            "--mailbox-file: list line 1: a@b.c d@e.f is more than one address; give --mailbox "
            "once for each, or one a line of --mailbox-file",
        ),
        (
            b"A table of mailboxes, made by hand, in no order.\n",
            "--mailbox-file: list line 1: neither an e-mail address nor a GUID: A table of "
            "mailboxes, made by hand, in no order.",
        ),
        (
            b"none\n",
            "--mailbox-file: list line 1: none is neither an e-mail address nor a GUID",
        ),
        (b"a@b.c\n\xe4@b.c\n", "--mailbox-file: list is not UTF-8 text"),
        ("a@b.c".encode("utf-16")[:-1] + b"\xd8", "--mailbox-file: list is not UTF-8 text"),
        (
            b"a@b.c;\n" * 200000,
            "--mailbox-file: list is larger than 1 MiB; it is not what this option wants",
        ),
    ],
    ids=["empty", "comments", "bad", "two", "long", "none", "latin-1", "utf-16", "large"],
)
def test_mailbox_file_that_is_refused(complaint, data, text):
    assert complaint(data) == text


@pytest.mark.parametrize("data", [b"a\0@b.c", "a@\u202eb".encode(), b"a@b\x1b[31m", b"\x00" * 9])
def test_odd_characters_in_a_file(complaint, data):
    assert complaint(b"a@b.c\n" + data).startswith("--mailbox-file: list line 2: ")


def test_missing_mailbox_file(parse):
    with pytest.raises(UsageError, match=r"^--mailbox-file: gone does not exist$"):
        parse("--mailbox-file", "gone")
    with pytest.raises(UsageError, match=r"^--mailbox-file: / is a directory; name a file$"):
        parse("--mailbox-file", "/")


@given(st.binary(max_size=60) | st.text("a@b.c# \n\r\t", max_size=60).map(str.encode))
def test_any_file_names_mailboxes_or_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any-mailboxes"
    path.write_bytes(data)
    words = ["--managed-identity", "--mailbox-file", str(path)]
    try:
        options = parsed(words, {"HOME": "/h"})
    except UsageError as error:
        assert str(error).startswith(f"--mailbox-file: {path} ")
        return
    assert options.mailboxes
    assert all("@" in mailbox and mailbox.isprintable() for mailbox in options.mailboxes)


def test_the_users_own_mailbox(there):
    (there / "pw").write_text("Secret.123\n")
    (there / "pw").chmod(0o600)

    def mailboxes(*arguments):
        words = ["--method", "mapi", "--password-file", "pw", *arguments]
        return parsed(words, {"HOME": "/h"}).mailboxes

    assert mailboxes("-l", "probe@contoso.com") == ("probe@contoso.com",)
    assert mailboxes("-l", "probe@contoso.com", "-m", "none") == ("probe@contoso.com",)
    assert mailboxes("-l", "probe@contoso.com", "-m", "a@b.c") == ("a@b.c",)
    for name in ("probe", "CONTOSO\\probe"):
        with pytest.raises(UsageError, match=r"^--mailbox \(-m\) is missing: "):
            mailboxes("-l", name)

"""The plain loop and argparse read the same of every command line; where the loop does not know, it says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import Information, UsageError
from check_mapi_connectivity.commandline import arguments
from check_mapi_connectivity.commandline.argv import plain
from check_mapi_connectivity.commandline.option_table import OPTIONS

FLAGS = [flag for option in OPTIONS.values() for flag in option.flags]
WORDS = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from(FLAGS).flatmap(
        lambda flag: st.sampled_from(["", "x", "a=b", " "]).map(f"{flag}={{}}".format)
    ),
    st.sampled_from(
        [
            "",
            "-",
            "--",
            "---",
            "-5",
            "-.5",
            "-x",
            "-vv",
            "-mA",
            "-vm",
            "a",
            "a b",
            "-a b",
            "--no",
            "--no=x",
        ]
    ),
    st.text("-=ab5 .\u2013", max_size=4),
)


def outcome(read, argv):
    try:
        return read(argv)
    except Information as information:
        return str(information)
    except UsageError as error:
        return ("refused", str(error))


@given(st.lists(WORDS, max_size=6))
def test_the_loop_reads_what_argparse_reads(argv):
    assert outcome(arguments.parse_command_line, argv) == outcome(
        lambda words: arguments.without_empty(arguments.split(arguments.parser(), words)), argv
    )


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["-m", "a@b", "--mailbox=d"], ({"mailbox": ["a@b", "d"]}, [])),
        (["-v", "--verbose", "--json"], ({"verbose": 2, "json": True}, [])),
        (["--extra-opts", "--extra-opts=s@f"], ({"extra-opts": ["", "s@f"]}, [])),
        (["--managed-identity"], ({"managed-identity": "system"}, [])),
        (["word", "--nonsense", "-m", "-"], ({"mailbox": ["-"]}, ["word", "--nonsense"])),
        (["--nonsense", "--help", "-vv"], ({"help": True}, [])),
        (["-vv"], None),
        (["-m"], None),
        (["-m", "-5"], None),
        (["--json=yes"], None),
        (["--"], None),
    ],
)
def test_what_the_loop_reads_by_itself(argv, found):
    assert plain.read(argv, OPTIONS) == found

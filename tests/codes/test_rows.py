"""The text that tables of codes are written in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity import codes
from check_mapi_connectivity.codes import Advice

TEXT = """
[server] look
1 One: first cause
2
3 Third

[mailbox moving, again] wait
four: it is {host} that moves
"""


def test_rows_of_a_text():
    assert list(codes.table(TEXT).values()) == [
        Advice("server", "first cause", "look", code="1", name="One"),
        Advice("server", "first cause", "look", code="2"),
        Advice("server", "first cause", "look", code="3", name="Third"),
        Advice("mailbox", "it is {host} that moves", "wait", "moving", True, "four"),
    ]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("{code}", "0x10"),
        ("{name} {code}", "ecOne 0x10"),
        ("verify error {code}", "verify error 0x10"),
    ],
)
def test_how_a_code_is_shown(form, code):
    [row] = codes.numbered("[tls] wait\n0x10 ecOne: all is one", form).items()
    assert row == (16, Advice("tls", "all is one", "wait", code=code, name="ecOne"))


@given(st.text())
def test_any_text_keeps_what_is_no_placeholder(text):
    assert codes.plain(text.replace("{", "")) == text.replace("{", "")
    assert codes.plain("{host}").isupper()

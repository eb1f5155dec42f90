"""What the sections of an explanation say beside what `test_golden` shows."""

from __future__ import annotations

import pytest

from ..support.explained import CREDENTIALS, furnish, part, told
from ..tenant.material import private_file


@pytest.fixture(autouse=True)
def here(there):
    """The files of the command lines, in the working directory."""
    furnish(there)
    private_file(there / "a.ini", b"[x]\nclient-secret = canary\n")
    return there


def test_a_secret_of_an_ini_section_is_named_by_its_section():
    words = [
        word for word in CREDENTIALS["secret"] if word not in ("--client-secret-file", "secret")
    ]
    text = told("--extra-opts=x@a.ini", *words)
    assert "  secret        client secret from [x] of a.ini\n" in text
    assert "  reads         options: [x] of a.ini\n" in text
    assert "canary" not in text


def test_many_limits_and_mailboxes_are_counted():
    words = (
        *CREDENTIALS["login"],
        "--method",
        "mapi",
        *(f"-mn{number}@x.example" for number in range(30)),
    )
    odd = [f"--warning-for=n{number}_x_example_total_time={number + 1}" for number in range(30)]
    text = told(*words, *odd)
    assert "n17@x.example, n18@x.example and 11 more" in " ".join(text.split())
    assert part(text, "judgement").count("total_time") == 20
    assert "  note          and 10 more limits\n" in text

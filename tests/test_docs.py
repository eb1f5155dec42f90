"""The documents say what the program does."""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity import help_text, option_table, vocabulary
from check_mapi_connectivity.credentials import IMDS_VARIABLE
from check_mapi_connectivity.provision import names
from check_mapi_connectivity.provision import option_table as set_up
from generate import man
from generate.__main__ import made

from .conftest import ROOT

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", made())
def test_what_is_made_is_current(path):
    assert made()[path] == (ROOT / path).read_text(), "run: make docs"


def test_man_page_has_every_option():
    page = (ROOT / "docs" / "check_mapi_connectivity.1").read_text()
    for option in option_table.OPTIONS.values():
        assert man.roff(option.flags[-1]) in page


def test_man_page_of_the_set_up_command_has_every_option():
    page = (ROOT / "docs" / "check_mapi_connectivity_setup.8").read_text()
    for option in set_up.OPTIONS.values():
        assert man.roff(option.flags[-1]) in page


def test_readme_names_what_the_set_up_command_makes():
    for name in (names.APP, names.ROLE, names.GROUP, names.SCOPE, names.ASSIGNMENT):
        assert f'"{name}"' in README or f"`{name}`" in README


def test_readme_names_every_kind_with_its_state_and_every_label():
    rows = dict(re.findall(r"^\| (`[a-z`, ]+`) \| .* \| ([A-Z]+)", README, re.MULTILINE))
    states = {
        kind: state for kinds, state in rows.items() for kind in re.findall(r"`([a-z]+)`", kinds)
    }
    assert {kind: states.get(kind) for kind in vocabulary.KINDS} == vocabulary.KINDS
    for label in {label for labels in vocabulary.LABELS.values() for label in labels}:
        assert f"`{label}`" in README


def test_what_is_unseen_is_said():
    assert set(help_text.NOT_YET_SEEN) == set(vocabulary.LABELS)
    for text in help_text.NOT_YET_SEEN.values():
        assert "not yet been seen" in text
    assert "Not yet seen on a live tenant" in README


def test_every_variable_of_the_environment_is_in_the_man_page():
    page = man.man_page()
    for variable in (*option_table.ENVIRONMENT_SECRETS.values(), IMDS_VARIABLE):
        assert variable in page.partition(".SH ENVIRONMENT")[2]


def test_no_path_of_a_developers_machine_is_committed():
    for path in [
        *ROOT.glob("*.*"),
        *(ROOT / "check_mapi_connectivity").rglob("*.py"),
        *(ROOT / "docs").iterdir(),
    ]:
        if path.is_file():
            assert not re.search(r"/(root|home)/", path.read_text()), path

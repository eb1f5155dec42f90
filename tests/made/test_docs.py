"""The documents say what the program does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.commandline import (
    arguments,
    given,
    ini,
    option_table,
    parse,
)
from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.commandline.argv import help_text
from check_mapi_connectivity.commandline.credentials import IMDS_VARIABLE
from check_mapi_connectivity.setup import command_line as set_up_cli
from check_mapi_connectivity.setup import option_table as set_up
from check_mapi_connectivity.setup.steps import names
from generate import man
from generate.__main__ import made

from ..conftest import ROOT

README = (ROOT / "README.md").read_text()

#: By name, what is in `docs/`.
PAGES_OF_DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}

#: What the check looks for in a tenant's directory.
TENANT_FILES = ("options.ini", "certificate.pem", "certificate.pfx", "client_id")

#: Man page -> the parser whose command it describes.
PAGES = {"check_mapi_connectivity.1": arguments, "check_mapi_connectivity_setup.8": set_up_cli}


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


@pytest.fixture(scope="module", params=PAGES)
def shown(request):
    """(the parser of a command, its man page as a terminal of 80 columns shows it)."""
    if shutil.which("man") is None:
        pytest.skip("there is no man here")
    done = subprocess.run(
        ["man", "--warnings", "-l", ROOT / "docs" / request.param],
        env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return PAGES[request.param].parser(), done.stdout


def test_man_page_fits_80_columns_and_breaks_no_word(shown):
    assert max(map(len, shown[1].split("\n"))) <= 80
    assert not re.search("[`\u2010]", shown[1])


def test_examples_of_the_man_page_can_be_copied(shown):
    """The lines of `--help`, as they are."""
    parser, page = shown
    told = re.findall(r"examples:\n(.*?)\n\n", parser.format_help(), re.DOTALL)
    for block in filter(None, re.split(r" *#.*\n", "\n".join(told))):
        lines = [line.replace("  ", "", 1) for line in block.rstrip().split("\n")]
        assert "\n".join(f"       {line}" for line in lines) in page
        for line in lines[:-1]:
            assert line.endswith(" \\")
    assert len(told) == (2 if parser.prog == vocabulary.PLUGIN else 1)


def test_man_page_tells_the_exit_codes(shown):
    parser, page = shown
    section = page.partition("\nEXIT STATUS\n")[2].partition("\nENVIRONMENT\n")[0]
    assert "Exit codes" not in section
    told = re.findall(r"\b[0-9]+(?= [a-zA-Z])", parser.format_help().rpartition("Exit codes:")[2])
    assert re.findall(r"^ {7}([0-9]+) ", section, re.MULTILINE) == told


def test_files_of_the_man_page():
    page = man.man_page().partition(".SH FILES")[2]
    places = [f"{given.TENANT_DIRECTORIES}/TENANT/{name}" for name in TENANT_FILES]
    for path in (*places, *ini.NAMES, *ini.PATHS, parse.SYSTEM_CACHE):
        assert man.roff(path) in page
    page = man.set_up_man_page().partition(".SH FILES")[2]
    for name in (names.CERTIFICATE, names.CLIENT_ID, names.OPTIONS_INI, names.PASSWORD):
        assert f"/TENANT/{name}" in page.replace("\\:", "")


@pytest.mark.parametrize("width", [60, 71, 132])
@pytest.mark.parametrize("page", PAGES)
def test_man_has_nothing_to_complain_of(page, width):
    if shutil.which("man") is None:
        pytest.skip("there is no man here")
    done = subprocess.run(
        ["man", "--warnings", "-l", ROOT / "docs" / page],
        env={**os.environ, "MANWIDTH": str(width), "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_man_pages_name_each_other():
    assert ".BR check_mapi_connectivity_setup (8)" in man.man_page().partition(".SH SEE ALSO")[2]
    assert ".BR check_mapi_connectivity (1)" in man.set_up_man_page().partition(".SH SEE ALSO")[2]


def test_set_up_page_names_what_the_command_makes():
    for page in ("set-up.md", "exchange-online.md"):
        for name in (names.APP, names.ROLE, names.GROUP, names.SCOPE, names.ASSIGNMENT):
            text = PAGES_OF_DOCS[page]
            assert f'"{name}"' in text or f"`{name}`" in text


def test_every_kind_has_its_state():
    text = PAGES_OF_DOCS["output.md"]
    rows = dict(re.findall(r"^\| (`[a-z`, -]+`) \| .* \| ([A-Z]+)", text, re.MULTILINE))
    states = {
        kind: state for kinds, state in rows.items() for kind in re.findall(r"`([a-z-]+)`", kinds)
    }
    assert {kind: states.get(kind) for kind in vocabulary.KINDS} == vocabulary.KINDS


def test_readme_names_every_state_with_its_code_and_every_label():
    rows = re.findall(r"^\| (\d) \| ([A-Z]+) \| (.*) \|$", README, re.MULTILINE)
    assert {state: int(code) for code, state, _ in rows} == vocabulary.STATES
    [unknown] = [text for _, state, text in rows if state == "UNKNOWN"]
    untold = {kind for kind, state in vocabulary.KINDS.items() if state == "UNKNOWN"}
    assert set(re.findall(r"`([a-z]+)`", unknown)) == untold
    for label in {label for labels in vocabulary.LABELS.values() for label in labels}:
        assert f"`{label}`" in README


def test_thresholds_of_the_readme_are_the_defaults():
    warning, critical = vocabulary.DEFAULT_THRESHOLDS["certificate_days"]
    shown = f"WARNING below {warning[:-1]}, CRITICAL below {critical[:-1]}"
    assert shown in README


def test_every_cloud_has_its_hosts():
    text = PAGES_OF_DOCS["exchange-online.md"]
    rows = {
        name: row
        for row in re.findall(r"^\| `[a-z-]+`.*$", text, re.MULTILINE)
        for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])
    }
    for name, cloud in CLOUDS.items():
        for host in (cloud.authority_host, cloud.exchange_host, cloud.graph_host):
            assert host in rows[name]
        assert cloud.autodiscover_host in rows[name]


def test_what_is_unseen_is_said():
    for method in vocabulary.METHODS.values():
        assert "not yet been seen" in method.unseen
    assert "Not yet seen on a live tenant" in README
    page = man.man_page()
    assert " ".join(help_text.NO_LIVE_RUN_YET.split()) in page.replace("\\", "")


def test_every_variable_of_the_environment_is_in_the_man_page():
    page = man.man_page()
    for variable in (*commandline_given.ENVIRONMENT_SECRETS.values(), IMDS_VARIABLE):
        assert variable in page.partition(".SH ENVIRONMENT")[2]


def test_no_path_of_a_developers_machine_is_committed():
    for path in [
        *ROOT.glob("*.*"),
        *(ROOT / ".github").rglob("*.*"),
        *(ROOT / "check_mapi_connectivity").rglob("*.py"),
        *(ROOT / "docs").iterdir(),
    ]:
        if path.is_file():
            assert not re.search(r"/(root|home)/", path.read_text()), path

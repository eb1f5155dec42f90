"""The documents say what the program does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from check_mapi_connectivity import cli, option_table, vocabulary
from check_mapi_connectivity.option_table import NOT_YET_SEEN

from .conftest import ROOT

spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)

README = (ROOT / "README.md").read_text()


def test_readme_options_are_current():
    assert generate.readme(README) == README, "run: make docs"


def test_man_page_is_current():
    page = (ROOT / "docs" / "check_mapi_connectivity.1").read_text()
    assert generate.man_page() == page, "run: make docs"
    for option in option_table.OPTIONS.values():
        assert generate.roff(option.flags[-1]) in page


def test_readme_names_every_kind_with_its_state_and_every_label():
    rows = dict(re.findall(r"^\| (`[a-z`, ]+`) \| .* \| ([A-Z]+)", README, re.MULTILINE))
    states = {
        kind: state for kinds, state in rows.items() for kind in re.findall(r"`([a-z]+)`", kinds)
    }
    assert {kind: states.get(kind) for kind in vocabulary.KINDS} == vocabulary.KINDS
    for label in {label for labels in vocabulary.LABELS.values() for label in labels}:
        assert f"`{label}`" in README


def test_what_is_unseen_is_said():
    assert "not yet been seen on a live tenant" in NOT_YET_SEEN["cmdlet"]
    assert "not yet been seen for own app registrations" in NOT_YET_SEEN["mapi"]
    assert "Not yet seen on a live tenant" in README


@pytest.mark.parametrize("words", [words for _, words in option_table.EXAMPLES])
def test_examples_parse(words, tmp_path, monkeypatch):
    """Every example of the help text is a command line that works, given the files it names."""
    certificate = tmp_path / "probe.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    ini = tmp_path / "plugins.ini"
    ini.write_text(
        f"[contoso]\ntenant = t.example\nclient-id = i\ncertificate = {certificate}\n[contoso.onmicrosoft.com]\nclient-id = i\ncertificate = {certificate}\n"
    )
    password = tmp_path / "probe.password"
    password.write_text("secret\n")
    for path in (certificate, password):
        path.chmod(0o600)
    given = {certificate.suffix: certificate, password.suffix: password}
    arguments_ = [str(given.get(Path(word).suffix, word)) for word in words.split()]
    assert cli.parse(arguments_, {"MP_CONFIG_FILE": str(ini)}).mailbox == "probe@contoso.com"


def test_no_path_of_a_developers_machine_is_committed():
    for path in [
        *ROOT.glob("*.*"),
        *(ROOT / "check_mapi_connectivity").rglob("*.py"),
        *(ROOT / "docs").iterdir(),
    ]:
        if path.is_file():
            assert not re.search(r"/(root|home)/", path.read_text()), path

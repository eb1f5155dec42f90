"""The Containerfile, as dockerfile-parse reads it: it is built by nobody here."""

from __future__ import annotations

import json
import re

import pytest

from check_mapi_connectivity.base.vocabulary import PLUGIN
from check_mapi_connectivity.setup.steps import names

from ..conftest import ROOT

dockerfile_parse = pytest.importorskip("dockerfile_parse")


@pytest.fixture(scope="module")
def instructions(tmp_path_factory):
    """Instruction -> its values, in order."""
    path = tmp_path_factory.mktemp("container") / "Dockerfile"
    path.write_text((ROOT / "Containerfile").read_text())
    found = {}
    for one in dockerfile_parse.DockerfileParser(str(path)).structure:
        found.setdefault(one["instruction"], []).append(one["value"])
    return found


def test_both_commands_are_there_for_nobody_in_particular(instructions):
    assert instructions["FROM"] == ["debian:trixie-slim"]
    assert [value.split()[-2:] for value in instructions["COPY"]] == [
        ["dist/check_mapi_connectivity.pyz", f"/usr/local/bin/{command}"]
        for command in (PLUGIN, names.COMMAND)
    ]
    (user,) = instructions["USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)


def test_no_shell_stands_between(instructions):
    (entry,) = instructions["ENTRYPOINT"]
    assert json.loads(entry) == [f"/usr/local/bin/{PLUGIN}"]
    assert json.loads(instructions["CMD"][0]) == ["--help"]


def test_what_it_installs_is_what_the_zipapp_lacks(instructions):
    (run,) = instructions["RUN"]
    packages = run.partition("--no-install-recommends ")[2].partition("&&")[0].split()
    assert packages == ["ca-certificates", "python3", "python3-cryptography"]

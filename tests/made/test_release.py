"""`make release`: what it refuses, in which order it works, and the papers beside the packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from check_mapi_connectivity import __version__
from generate import project

from ..conftest import ROOT
from .test_packaging import OWN, VERSION, metadata

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")

PLACEHOLDER = {"url": "https://a.invalid/b", "maintainer": "A B", "maintainer_email": "c@d.invalid"}
SECTION = f"## [{__version__}] - 2026-12-01\n\n- First.\n\n## [0.0.1] - 2026-01-01\n\n- Older."

#: In the place of make: `make test` does what it is told, the packages are two small files.
MAKE = """#!/bin/sh
echo "make $*"
case $1 in
test) eval "$TESTS" ;;
*)
  mkdir dist
  cp "$ZIPAPP" dist/check_mapi_connectivity.pyz
  echo deb >dist/check-mapi-connectivity_1_all.deb
  ;;
esac
"""

#: Libraries of this environment whose metadata stand for those of the zipapp.
LIBRARIES = {"msal": "MIT", "nagiosplugin": "ZPL-2.1", "requests": "Apache-2.0"}


def git(directory, *words):
    """What git says."""
    who = ("-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    command = ["git", "-C", directory, *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory):
    """A zipapp with the metadata of real libraries."""
    path = tmp_path_factory.mktemp("zipapp") / "check_mapi_connectivity.pyz"
    with zipfile.ZipFile(path, "w") as made:
        for name in LIBRARIES:
            found = importlib.metadata.distribution(name)
            text = found.read_text("METADATA")
            if text is None:
                pytest.skip("Debian's packages have no METADATA")
            made.writestr(f"{name}-{found.version}.dist-info/METADATA", text)
        made.writestr("msal/__init__.py", "")
    return path


@pytest.fixture
def releasing(tmp_path, zipapp):
    """`releasing(section, placeholders)`: exit code and what is said of a release of a copy whose
    changelog has that section, and in which the files of `placeholders` name no project yet.
    """
    there = tmp_path / "copy"
    for path in ("packaging/release", "packaging/papers.py", "packaging/epoch", VERSION):
        (there / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, there / path)
    (tmp_path / "make").write_text(MAKE)
    (tmp_path / "make").chmod(0o755)

    def run(section, *placeholders, tests="true", committed=True, before=lambda: None):
        (there / "CHANGELOG.md").write_text(f"# Changelog\n\n{section}\n")
        (there / ".gitignore").write_text("dist/\n")
        for path, lines in {"setup.cfg": {"url = .*": "url = {url}"}, **project.LINES}.items():
            text = (ROOT / path).read_text()
            for old in metadata()["metadata"]["url"], metadata()["metadata"]["maintainer_email"]:
                text = text.replace(old, "")
            words = PLACEHOLDER if path in placeholders else OWN
            (there / path).parent.mkdir(parents=True, exist_ok=True)
            (there / path).write_text(project.named(text, lines, words))
        if committed:
            git(there, "init", "-q")
            git(there, "add", "-A")
            git(there, "commit", "-q", "--allow-empty", "-m", "all")
        before()
        done = subprocess.run(
            [there / "packaging/release", sys.executable, tmp_path / "make"],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "TESTS": tests, "ZIPAPP": str(zipapp)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    run.there = there
    return run


def test_a_release_is_tested_built_and_described(releasing):
    assert releasing(SECTION) == (0, "make test\nmake dist zipapp deb rpm\n", "")
    made = releasing.there / "dist"
    assert {path.name for path in made.iterdir()} == {
        "check_mapi_connectivity.pyz",
        "check-mapi-connectivity_1_all.deb",
        "check_mapi_connectivity.pyz.spdx.json",
        "RELEASE-NOTES.md",
        "SHA256SUMS",
    }
    told = (made / "RELEASE-NOTES.md").read_text()
    assert told == f"# check_mapi_connectivity {__version__}\n\n- First.\n"
    said = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=made,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.count(": OK\n") == 4


def test_the_zipapp_is_described_by_its_own_metadata(releasing, zipapp):
    releasing(SECTION)
    text = (releasing.there / "dist/check_mapi_connectivity.pyz.spdx.json").read_text()
    document = json.loads(text)
    assert (document["spdxVersion"], document["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT[0-9:]{8}Z", document["creationInfo"]["created"])
    whole, *parts = document["packages"]
    digest = hashlib.sha256(zipapp.read_bytes()).hexdigest()
    assert whole["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    assert whole["versionInfo"] == __version__
    assert {part["name"]: part["licenseDeclared"] for part in parts} == LIBRARIES
    for part in parts:
        installed = importlib.metadata.version(part["name"])
        (reference,) = part["externalRefs"]
        assert reference["referenceLocator"] == f"pkg:pypi/{part['name']}@{installed}"
        assert part["homepage"].startswith("https://")
    ids = [package["SPDXID"] for package in document["packages"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one) for one in ids)
    related = {one["relatedSpdxElement"] for one in document["relationships"]}
    assert related == set(ids)


def test_what_metadata_does_not_say_is_not_asserted():
    spec = importlib.util.spec_from_file_location("papers", ROOT / "packaging/papers.py")
    papers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(papers)
    found = papers._library("Name: a\nVersion: 1\nLicense: some words\n of somebody\n\n")
    assert found == {"name": "a", "version": "1", "licence": papers.NONE, "home": papers.NONE}
    with pytest.raises(ValueError, match=r"says nothing of 1\.0"):
        papers.notes("## [1.0] - 2026-01-01\n\n## [0.9] - 2025-01-01\n- x\n", "1.0")


def test_a_release_has_its_own_address_and_a_section(releasing):
    code, out, said = releasing(SECTION, "setup.cfg", *project.LINES)
    assert (code, out, said.count("\n")) == (1, "", 1)
    assert said.startswith("release: setup.cfg names a placeholder (.invalid): put the project's")
    text = f'release: CHANGELOG.md has no section "## [{__version__}] - DATE"\n'
    assert releasing("## [Unreleased]") == (1, "", text)
    assert releasing(f"## [{__version__}]") == (1, "", text)


@pytest.mark.parametrize("path", project.LINES)
def test_a_file_that_was_not_made_anew_is_not_published(releasing, path):
    text = f"release: {path} still names the placeholder of setup.cfg: run make docs\n"
    assert releasing(SECTION, path) == (1, "", text)


def test_only_what_is_committed_is_published(releasing):
    text = "release: this tree is not under version control\n"
    assert releasing(SECTION, committed=False) == (1, "", text)
    dirty = "release: the tree is not as it was committed: see git status\n"
    new = releasing.there / "new"
    assert releasing(SECTION, before=new.touch) == (1, "", dirty)
    new.unlink()
    changed = releasing.there / "README.md"
    assert releasing(SECTION, before=lambda: changed.write_text("x")) == (1, "", dirty)


@pytest.mark.parametrize(
    ("tests", "text"),
    [
        ("false", "release: make test is not green: nothing was built\n"),
        ("echo >x", "release: the tree is no longer as it was before make test: see git status\n"),
        (
            "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m more",
            "release: the tree is no longer as it was before make test: see git status\n",
        ),
    ],
)
def test_the_tests_are_green_in_this_very_run(releasing, tests, text):
    assert releasing(SECTION, tests=tests) == (1, "make test\n", text)
    assert not (releasing.there / "dist").exists()

"""What the packages are made of agrees with the program and with itself."""

from __future__ import annotations

import ast
import configparser
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from check_mapi_connectivity import __version__, process
from check_mapi_connectivity.commandline import given, parse
from generate import completion, fish, project

from ..conftest import ROOT

PACKAGING, DEBIAN = ROOT / "packaging", ROOT / "debian"
VERSION = "check_mapi_connectivity/__init__.py"

#: Directories that may name the project.
PLACES = (".ci", ".github", "check_mapi_connectivity", "completion", "debian", "docs", "findings")
PLACES += ("generate", "icinga-templates", "packaging")

#: What setup.cfg may say, and all files that are made from it.
OWN = {"url": "https://a.example/b", "maintainer": "A B", "maintainer_email": "c@d.example"}

SPEC = (PACKAGING / "check_mapi_connectivity.spec").read_text()


def metadata():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def needed():
    """Name -> lowest version, of what setup.cfg wants."""
    lines = metadata()["options"]["install_requires"].split()
    return dict(line.split(">=") for line in lines)


def epoch(**variables):
    environment = {"PATH": os.environ["PATH"], **variables}
    run = [PACKAGING / "epoch"]
    return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout


def packed(directory, root=ROOT):
    """The source as `packaging/source` packs it."""
    directory.mkdir()
    subprocess.run([root / "packaging/source", directory], cwd="/", check=True)
    (path,) = directory.iterdir()
    assert path.name == f"check_mapi_connectivity-{__version__}.tar.gz"
    return path


def test_every_package_is_of_this_version():
    changes = (DEBIAN / "changelog").read_text()
    assert changes.startswith(f"check-mapi-connectivity ({__version__}-")
    assert f"Version: {__version__}\n" in SPEC
    assert f"> - {__version__}-1\n" in SPEC.partition("%changelog")[2]


def test_every_package_needs_the_same():
    control = (DEBIAN / "control").read_text()
    for name, lowest in needed().items():
        assert f" python3-{name} (>= {lowest}),\n" in control
        assert f"Requires: python3-{name} >= {lowest}\n" in SPEC
        # The line that a missing one ends with names it as packages do.
        assert name in process._NEEDED


def test_the_zipapp_carries_what_is_needed_but_cryptography():
    lines = (PACKAGING / "zipapp/requirements.txt").read_text().split("\n")[1:-1]
    pinned = {}
    for line in lines:
        name, version = re.fullmatch(
            r"([a-z0-9-]+)==([0-9.]+) --hash=sha256:[0-9a-f]{64}", line
        ).groups()
        pinned[name] = version
    assert set(needed()) - set(pinned) == {"cryptography"}
    for name in set(needed()) - {"cryptography"}:
        lowest, carried = needed()[name].split("."), pinned[name].split(".")
        assert list(map(int, carried)) >= list(map(int, lowest))


def test_pythons_that_are_too_old_can_read_what_the_zipapp_starts_with():
    ast.parse((PACKAGING / "zipapp/__main__.py").read_text(), feature_version=(3, 4))


def test_a_python_that_is_too_old_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 6, 8))
    monkeypatch.setattr(sys, "version", "3.6.8 (default)")
    monkeypatch.setattr(sys, "argv", ["/opt/check_mapi_connectivity.pyz"])
    with pytest.raises(SystemExit) as ended:
        exec((PACKAGING / "zipapp/__main__.py").read_text(), {})
    assert ended.value.code == 3
    assert capsys.readouterr().out == (
        "MAPI UNKNOWN - Python 3.9 or newer is needed, this is 3.6.8; "
        "name it: python3.9 check_mapi_connectivity.pyz ...\n"
    )


def test_an_archive_depends_on_its_files_alone():
    archive = runpy.run_path(str(PACKAGING / "zipapp/build.py"))["archive"]
    made = archive({"b/c.py": b"1\n", "__main__.py": b"2\n"}, 1e9)
    assert made == archive({"__main__.py": b"2\n", "b/c.py": b"1\n"}, 1e9)
    assert made.startswith(b"#!/usr/bin/env python3\nPK")
    with zipfile.ZipFile(io.BytesIO(made)) as found:
        assert found.namelist() == ["__main__.py", "b/c.py"]
        assert found.read("b/c.py") == b"1\n"
        assert found.getinfo("b/c.py").date_time == (2001, 9, 9, 1, 46, 40)


def test_the_moment_is_that_of_the_changelog():
    assert re.fullmatch("[0-9]{10}\n", epoch())
    assert epoch(SOURCE_DATE_EPOCH="1") == "1\n"


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_the_source_is_the_same_with_git_and_without(tmp_path):
    """An unpacked source packs itself as a clone does, whatever lies about."""
    if not (ROOT / ".git").exists():
        pytest.skip("no clone")
    first = packed(tmp_path / "first")
    with tarfile.open(first) as archive:
        names = archive.getnames()
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-x", "-C", tmp_path / "unpacked", "-f", first], check=True)
    assert not [name for name in names if "__pycache__" in name or "/.git/" in name]
    root = tmp_path / "unpacked" / f"check_mapi_connectivity-{__version__}"
    for litter in ("dist/old.whl", "build/x", ".venv/x", "tests/__pycache__/x.pyc", "a.egg-info/x"):
        (root / litter).parent.mkdir(parents=True, exist_ok=True)
        (root / litter).touch()
    assert packed(tmp_path / "second", root).read_bytes() == first.read_bytes()


def test_the_sdist_is_told_of_every_directory():
    listed = set(re.findall(r"^graft (.+)$", (ROOT / "MANIFEST.in").read_text(), re.MULTILINE))
    there = {path.name for path in ROOT.iterdir() if path.is_dir()}
    passing = {"build", "dist", "check_mapi_connectivity.egg-info"}
    hidden = {name for name in there if name.startswith((".", "__"))} - {".ci", ".github"}
    assert there - passing - hidden - listed == {"check_mapi_connectivity"}


def test_everything_made_for_shells_and_manual_is_in_the_wheel():
    places = metadata()["options.data_files"]
    files = " ".join(text for place, text in places.items() if "/doc/" not in place).split()
    assert set(files) == {
        *completion.files(),
        *fish.files(),
        "docs/check_mapi_connectivity.1",
        "docs/check_mapi_connectivity_setup.8",
    }
    for path in files:
        assert f"/{path.rpartition('/')[2]}"[1:] in SPEC.replace(
            "%{name}", "check_mapi_connectivity"
        )


def test_every_package_has_the_pages_beside_readme():
    """As they lie in the source, so that links lead on."""
    places = metadata()["options.data_files"]
    base = "share/doc/check_mapi_connectivity"
    assert places[base].split() == ["README.md", "SECURITY.md"]
    assert places[f"{base}/docs"].split() == ["docs/*.md", "docs/report.schema.json"]
    rules = (DEBIAN / "rules").read_text()
    assert "mv $(documents)/check_mapi_connectivity $(documents)/check-mapi-connectivity\n" in rules
    assert "dh_compress -XREADME.md -XSECURITY.md -Xcheck-mapi-connectivity/docs/\n" in rules
    assert "\ncp -p docs/*.md docs/report.schema.json made/docs/\n" in SPEC
    assert "\n%doc README.md CHANGELOG.md SECURITY.md made/docs icinga-templates\n" in SPEC


def test_address_and_maintainer_stand_where_they_come_from_and_where_they_are_made():
    words = metadata()["metadata"]
    found = set()
    for path in [*ROOT.iterdir(), *(path for name in PLACES for path in (ROOT / name).rglob("*"))]:
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_bytes()
            if any(words[name].encode() in text for name in ("url", "maintainer_email")):
                found.add(str(path.relative_to(ROOT)))
    assert found == {"setup.cfg", *project.LINES}


@pytest.mark.parametrize("path", project.LINES)
def test_each_line_that_names_the_project_is_made(path):
    before = (ROOT / path).read_text()
    for pattern, line in project.LINES[path].items():
        made = project.named(before, {pattern: line}, OWN)
        assert made != before
        assert sum(one != other for one, other in zip(before.split("\n"), made.split("\n"))) == 1


def test_packages_make_the_directories_that_the_program_looks_for():
    assert parse.SYSTEM_CACHE == "/var/cache/check_mapi_connectivity"
    settings = (DEBIAN / "check-mapi-connectivity.tmpfiles").read_text()
    assert f"\nd {parse.SYSTEM_CACHE} 0700 nagios nagios -\n" in settings
    postinst = (DEBIAN / "check-mapi-connectivity.postinst").read_text()
    assert f"configuration={given.TENANT_DIRECTORIES.rstrip('/')}\n" in postinst
    assert f"cache={parse.SYSTEM_CACHE}\n" in postinst


@pytest.mark.parametrize(
    "script",
    [
        *(
            "packaging/source",
            "packaging/epoch",
            "packaging/deb",
            "packaging/rpm",
            "packaging/dist",
            "packaging/release",
        ),
        *("debian/check-mapi-connectivity.postinst", "debian/check-mapi-connectivity.postrm"),
    ],
)
def test_scripts_are_of_the_plain_shell(script):
    done = subprocess.run(["sh", "-n", ROOT / script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

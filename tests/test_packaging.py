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
from generate import completion

from .conftest import ROOT

PACKAGING, DEBIAN = ROOT / "packaging", ROOT / "debian"
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
    hidden = {name for name in there if name.startswith((".", "__")) and name != ".ci"}
    assert there - passing - hidden - listed == {"check_mapi_connectivity"}


def test_everything_made_for_shells_and_manual_is_in_the_wheel():
    files = " ".join(metadata()["options.data_files"].values()).split()
    assert set(files) == {
        *completion.files(),
        "docs/check_mapi_connectivity.1",
        "docs/check_mapi_connectivity_setup.8",
    }
    for path in files:
        assert f"/{path.rpartition('/')[2]}"[1:] in SPEC.replace(
            "%{name}", "check_mapi_connectivity"
        )


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
        ),
        *("debian/check-mapi-connectivity.postinst", "debian/check-mapi-connectivity.postrm"),
    ],
)
def test_scripts_are_of_the_plain_shell(script):
    done = subprocess.run(["sh", "-n", ROOT / script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

"""Wheel, zipapp and RPM: made, and used on the oldest and the newest Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from check_mapi_connectivity import __version__
from check_mapi_connectivity.base.vocabulary import PLUGIN
from check_mapi_connectivity.setup.steps import names

from ..tenant.directory import TENANT_NAME
from ..tenant_itself.test_squid import need
from .conftest import needs
from .packages import digest, made, run, words
from .practice import address

OLDEST, NEWEST = "3.9", "3.13"
PYTHONS = ("/usr/bin/python3", OLDEST, NEWEST)


def interpreter(version):
    """The Python of this version: a path, or one that PATH or pyenv has."""
    found = version if version.startswith("/") else shutil.which(f"python{version}")
    # A shim of pyenv's may stand for a version that is not chosen.
    if (
        found
        and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
    ):
        return found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    others = sorted(root.glob(f"versions/{version}.*/bin/python"))
    need("" if others else f"Python {version} is missing")
    return str(others[-1])


def check(*argv, **variables):
    """Exit code and output of a command that says nothing on stderr."""
    done = subprocess.run(
        list(map(str, argv)),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def zipapp(sources):
    run(sys.executable, sources / "packaging/zipapp/build.py")
    return sources / "dist" / f"{PLUGIN}.pyz"


@pytest.fixture(scope="module")
def ways(practice, tmp_path_factory):
    """Method -> the words of a command line, with no cache."""
    user = ["-l", address("healthy")]
    return {
        method: [
            *words({k: v for k, v in practice.variables(method).items() if k != "mapi_cache_dir"}),
            *("-m", address("healthy"), "--no-cache"),
            *(user if method == "mapi" else []),
        ]
        for method in ("cmdlet", "mapi")
    }


def test_the_wheel_in_a_clean_environment(wheel_and_sdist, ways, tmp_path):
    wheel = next(iter(wheel_and_sdist.values()))
    run(interpreter(NEWEST), "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/pip", "install", "--quiet", "--no-compile", wheel)
    code, said = check(tmp_path / "venv/bin" / PLUGIN, *ways["cmdlet"])
    assert (code, said.partition(" - ")[0]) == (0, "MAPI OK")
    assert names.COMMAND in check(tmp_path / "venv/bin" / names.COMMAND, "--help")[1]
    share = tmp_path / "venv/share"
    assert {str(path.relative_to(share)) for path in share.rglob("*connectivity*")} == {
        f"man/man1/{PLUGIN}.1",
        f"man/man8/{names.COMMAND}.8",
        f"doc/{PLUGIN}",
        *(f"bash-completion/completions/{name}" for name in (PLUGIN, names.COMMAND)),
        *(f"zsh/site-functions/_{name}" for name in (PLUGIN, names.COMMAND)),
        *(f"fish/vendor_completions.d/{name}.fish" for name in (PLUGIN, names.COMMAND)),
    }


def test_the_zipapp_is_the_same_twice(zipapp, sources):
    before = digest(zipapp)
    zipapp.unlink()
    run(interpreter(NEWEST), sources / "packaging/zipapp/build.py")
    assert digest(zipapp) == before


@pytest.fixture(scope="module", params=PYTHONS)
def with_cryptography(request, tmp_path_factory):
    """A Python that has cryptography, and nothing else of what the check needs."""
    python = interpreter(request.param)
    if request.param == PYTHONS[0]:
        return [python, "-I"]
    venv = tmp_path_factory.mktemp("cryptography") / "venv"
    run(python, "-m", "venv", venv)
    run(venv / "bin/pip", "install", "--quiet", "--no-compile", "cryptography")
    return [venv / "bin/python", "-I"]


@pytest.mark.parametrize("method", ["cmdlet", "mapi"])
def test_the_zipapp_with_the_systems_cryptography(
    zipapp, ways, with_cryptography, method, tmp_path
):
    (tmp_path / "tmp").mkdir()
    code, said = check(*with_cryptography, zipapp, *ways[method], TMPDIR=str(tmp_path / "tmp"))
    assert (code, said.partition(" - ")[0]) == (0, "MAPI OK")
    # Nothing is unpacked.
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("version", PYTHONS)
def test_the_zipapp_alone(zipapp, ways, version):
    """Without the system's libraries: what needs no cryptography works, what does says so."""
    alone = [interpreter(version), "-I", "-S", zipapp]
    code, said = check(*alone, *ways["mapi"])
    assert (code, said.partition(" - ")[0]) == (0, "MAPI OK")
    assert check(*alone, *ways["cmdlet"]) == (
        3,
        "MAPI UNKNOWN - Python module cryptography is missing: apt install python3-cryptography, "
        "or pip install cryptography\n",
    )


def test_the_zipapp_alone_by_client_secret(zipapp, practice):
    there = practice.material.directory
    arguments = f"--extra-opts=cmdlet-secret@{there / 'plugin.ini'}", "--no-cache"
    alone = (interpreter(NEWEST), "-I", "-S", zipapp)
    code, said = check(*alone, *arguments)
    assert (code, said.partition(" - ")[0]) == (0, "MAPI OK"), said
    graph = check(*alone, f"--extra-opts=graph-secret@{there / 'plugin.ini'}", "--no-cache")
    assert (graph[0], graph[1].partition(" - ")[0]) == (0, "MAPI OK")


def test_the_zipapp_under_the_set_up_commands_name(zipapp, tmp_path):
    (tmp_path / names.COMMAND).symlink_to(zipapp)
    words = ("--tenant", TENANT_NAME, "-m", address("healthy"), "--print-only")
    code, said = check(sys.executable, "-I", tmp_path / names.COMMAND, *words)
    assert code == 0
    assert "Exchange.ManageAsApp" in said


def test_the_zipapp_unpacked(zipapp, ways, tmp_path):
    """Quicker, because Python keeps what it has compiled."""
    run("/usr/bin/python3", "-m", "zipfile", "-e", zipapp, tmp_path / PLUGIN)
    code, said = check("/usr/bin/python3", tmp_path / PLUGIN, *ways["cmdlet"])
    assert (code, said.partition(" - ")[0]) == (0, "MAPI OK")


def test_the_rpm_as_far_as_debian_can_tell(sources):
    needs(rpmbuild="rpm", rpmspec="rpm")
    spec = sources / f"packaging/{PLUGIN}.spec"
    assert f"Version: {__version__}\n" in run("rpmspec", "-P", spec)
    assert run("rpmspec", "-P", "--define", "monitor icinga", spec).count("icinga, icinga)") == 1
    (rpm,) = made(sources, "rpm").values()
    before = digest(rpm)
    rpm.unlink()
    (rpm,) = made(sources, "rpm").values()
    assert digest(rpm) == before
    listed = run(
        "rpm",
        "-qp",
        "--qf",
        "[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]",
        rpm,
    )
    for line in (
        f"-rwxr-xr-x root:root /usr/lib64/nagios/plugins/{PLUGIN}",
        f"lrwxrwxrwx root:root /usr/bin/{PLUGIN}",
        f"-rwxr-xr-x root:root /usr/sbin/{names.COMMAND}",
        f"drwxr-x--- root:nagios /etc/{PLUGIN}",
        f"drwx------ nagios:nagios /var/cache/{PLUGIN}",
        f"-rw-r--r-- root:root /usr/lib/tmpfiles.d/{PLUGIN}.conf",
        f"-rw-r--r-- root:root /usr/share/icinga2/include/plugins-contrib.d/{PLUGIN}.conf",
        f"-rw-r--r-- root:root /usr/share/man/man8/{names.COMMAND}.8",
    ):
        assert f"{line}\n" in listed
    assert "__pycache__" not in listed

"""The packages as they are made, installed and taken away again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from pathlib import Path

from ..conftest import ROOT

PACKAGE = "check-mapi-connectivity"

#: What the package makes beside its files.
CONFIGURATION = Path("/etc/check_mapi_connectivity")
CACHE = Path("/var/cache/check_mapi_connectivity")

#: Where the packages' own programs are looked for, whatever Pythons the tests run on.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

#: Directories that a package of this kind has files in.
_PLACES = [
    "/etc",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib/nagios",
    "/usr/lib/python3",
    "/usr/lib/tmpfiles.d",
    "/usr/lib/systemd",
    "/usr/share/bash-completion",
    "/usr/share/doc",
    "/usr/share/icinga2",
    "/usr/share/lintian",
    "/usr/share/man",
    "/usr/share/python3",
    "/usr/share/zsh",
    "/usr/share/fish",
    "/var/cache",
    "/var/lib/nagios",
]

#: Those that apt and others write to with every package.
_BUSY = ("/etc/ld.so.cache", "/var/cache/apt", "/var/cache/ldconfig", "/var/cache/man")


def run(*argv, cwd="/", **variables):
    """What a program says that must succeed."""
    done = subprocess.run(
        list(map(str, argv)),
        cwd=cwd,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: exit {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


def unpacked(archive, directory):
    """The source in an archive."""
    directory.mkdir()
    run("tar", "--extract", "--file", archive, "--directory", directory)
    return next(directory.iterdir())


def source(directory):
    """The source that packages are made of, in a directory of its own."""
    run(ROOT / "packaging/source", directory, cwd=ROOT)
    return unpacked(next(directory.glob("*.tar.gz")), directory / "source")


def made(source, what, *arguments, **variables):
    """The files that `make deb` and its like put into dist/: name -> path."""
    before = set(source.glob("dist/*"))
    run(source / "packaging" / what, *arguments, cwd=source, **variables)
    return {path.name: path for path in sorted(set(source.glob("dist/*")) - before)}


def digest(path):
    """What two files have in common that hold the same bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def apt(*words):
    """What apt-get says."""
    quick = "Dpkg::Options::=--force-unsafe-io"
    usual = ("apt-get", "-q", "-y", "--no-install-recommends", "-o", quick)
    return run(*usual, *words, DEBIAN_FRONTEND="noninteractive")


def machine():
    """Path -> owner, group and mode, of everything where packages put things."""
    found = {}
    for place in _PLACES:
        for directory, names, files in os.walk(place):
            names[:] = [name for name in names if f"{directory}/{name}" not in _BUSY]
            for name in (*names, *files):
                path = f"{directory}/{name}"
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(path)
                    found[path] = (status.st_uid, status.st_gid, oct(status.st_mode))
    for path in _BUSY:
        found.pop(path, None)
    return found


def somebodys():
    """What of it is on this machine already, and is not the tests' to take away."""
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", PACKAGE]
    state = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    known = [f"package {PACKAGE} ({state})"] if state not in ("", "not-installed") else []
    return known + [str(path) for path in (CONFIGURATION, CACHE) if path.exists()]


def words(variables):
    """The command line that these variables of a service stand for."""
    found = []
    for name, value in variables.items():
        option = "--" + name.partition("_")[2].replace("_", "-")
        for one in value if isinstance(value, list) else [value]:
            found += [option, str(one)]
    return found


class Installed:
    """The package on this machine, from its installation by apt to its purge."""

    #: Where schedulers look for the plugin.
    plugins = Path("/usr/lib/nagios/plugins")

    def __init__(self, deb):
        self.deb = deb
        self.before = machine()
        apt("install", deb)

    def left(self):
        """The paths that are there and were not before, or are gone, or have changed."""
        now = machine()
        return {path for path in {*self.before, *now} if self.before.get(path) != now.get(path)}

    def close(self):
        """Remove it, which leaves what is the administrator's, and purge it."""
        certificate = CONFIGURATION / "probe.pem"
        certificate.write_text("an administrator's\n")
        apt("remove", PACKAGE)
        command = Path("/etc/nagios-plugins/config/mapi_connectivity.cfg")
        assert self.left() == {str(path) for path in (command, CONFIGURATION, certificate)}
        said = apt("purge", PACKAGE)
        assert f"{CONFIGURATION} holds certificates or settings of yours" in said
        assert certificate.read_text() == "an administrator's\n"
        # An empty directory goes with the package.
        certificate.unlink()
        run("dpkg", "--install", "--force-unsafe-io", self.deb)
        run("dpkg", "--purge", "--force-unsafe-io", PACKAGE)
        assert self.left() == set()

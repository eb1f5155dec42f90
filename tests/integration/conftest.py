"""The laboratory, the plugin as its schedulers find it, and a tenant that they may ask."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import pytest

from ..tenant_itself.test_squid import need
from .laboratory import Laboratory
from .packages import Installed, made, somebodys, source
from .practice import Practice


def needs(**programs):
    """A skip, or with REAL_SERVERS a failure, that names the package of a missing program."""
    need("" if os.geteuid() == 0 else "the laboratory must be started by root")
    for program, package in programs.items():
        found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
        need("" if found else f"{program} is missing: Debian package {package}")


@pytest.fixture(autouse=True, scope="session")
def guard():
    """None here: what is installed, started and written is all over the machine."""


@pytest.fixture(autouse=True, scope="session")
def no_authorities():
    """All of the system's: packages are fetched by them."""


@pytest.fixture(autouse=True)
def guarded():
    """None here, see `guard`."""


@pytest.fixture(autouse=True, scope="session")
def terminable():
    """Who ends the tests by SIGTERM has the machine put in order as well."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def lab():
    """The laboratory; its daemons end with the session."""
    needs(icinga2="icinga2-bin", nagios4="nagios4-core")
    with Laboratory() as lab:
        yield lab


@pytest.fixture(scope="session")
def plugin_dir(installed):
    """Where schedulers find the plugin: that of the installed package."""
    return installed.plugins


@pytest.fixture(scope="session")
def practice(lab):
    """A practice tenant for the schedulers of the whole session."""
    tenant = Practice(lab.directory / "tenant").start()
    yield tenant
    tenant.stop()
    assert tenant.crashes == []


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """The source that packages are made of."""
    return source(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def deb(sources):
    """Debian's package, as `make deb` makes it."""
    needs(**{"dpkg-buildpackage": "dpkg-dev", "dh": "debhelper", "pybuild": "dh-python"})
    needs(**{"g++": "build-essential"})
    return next(iter(made(sources, "deb").values()))


@pytest.fixture(scope="session")
def wheel_and_sdist(sources):
    """As `make dist` makes them: name -> path."""
    return made(sources, "dist", sys.executable)


@pytest.fixture(scope="session")
def installed(deb):
    """That package on this machine: `installed.plugins` is where schedulers find the plugin.

    At the end of the session it is removed and purged, and an error of the last test tells what that
    has left. A package that is somebody's is left alone: then these tests fail.
    """
    found = somebodys()
    assert not found, f"this machine has {', '.join(found)}: remove it, or test on another machine"
    package = Installed(deb)
    yield package
    package.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Beside a failure, what the daemons said."""
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab is not None:
        report.sections += [(f"log of {one.name}", one.said()) for one in lab.daemons]

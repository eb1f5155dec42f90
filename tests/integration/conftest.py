"""The laboratory, the plugin as its schedulers find it, and a tenant that they may ask."""

from __future__ import annotations

import os
import shutil

import pytest

from ..conftest import ROOT
from ..test_squid import need
from .laboratory import Laboratory
from .practice import Practice

#: The package as it lies here, run by the system's Python: what a user may enter, and nothing else.
WRAPPER = """#!/usr/bin/python3
import sys
sys.path.insert(0, {library!r})
from check_mapi_connectivity.__main__ import run
run()
"""


def needs(**programs):
    """A skip, or with REAL_SERVERS a failure, that names the package of a missing program."""
    need("" if os.geteuid() == 0 else "the laboratory must be started by root")
    for program, package in programs.items():
        found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
        need("" if found else f"{program} is missing: Debian package {package}")


@pytest.fixture(scope="session")
def lab():
    """The laboratory; its daemons end with the session."""
    needs(icinga2="icinga2-bin", nagios4="nagios4-core")
    with Laboratory() as lab:
        yield lab


@pytest.fixture(scope="session")
def plugin_dir(lab):
    """A directory with `check_mapi_connectivity` that the scheduler's user can run."""
    directory = lab.directory / "plugins"
    shutil.copytree(ROOT / "check_mapi_connectivity", directory / "lib/check_mapi_connectivity")
    plugin = directory / "check_mapi_connectivity"
    plugin.write_text(WRAPPER.format(library=str(directory / "lib")))
    lab.run(["chmod", "-R", "a+rX", directory], user="root")
    plugin.chmod(0o755)
    lab.run(["/usr/bin/python3", "-m", "compileall", "-q", directory / "lib"], user="root")
    return directory


@pytest.fixture(scope="session")
def practice(lab):
    """A practice tenant for the schedulers of the whole session."""
    tenant = Practice(lab.directory / "tenant").start()
    yield tenant
    tenant.stop()
    assert tenant.crashes == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Beside a failure, what the daemons said."""
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab is not None:
        report.sections += [(f"log of {one.name}", one.said()) for one in lab.daemons]

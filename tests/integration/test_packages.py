"""Packages: made twice with the same bytes, installed, used as the scheduler's user, taken away."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from check_mapi_connectivity import __version__
from check_mapi_connectivity.base.vocabulary import PLUGIN
from check_mapi_connectivity.setup.steps import names

from ..conftest import ROOT
from ..made.test_docs import README
from ..support.documents import links
from .conftest import needs
from .packages import CACHE, CONFIGURATION, PACKAGE, PATH, digest, made, run, unpacked, words
from .practice import address, by_hand

#: Where Debian has them.
DOCUMENTS = Path("/usr/share/doc/check-mapi-connectivity")


@pytest.fixture(scope="module")
def again(wheel_and_sdist, tmp_path_factory):
    """The source as the sdist has it."""
    _, sdist = wheel_and_sdist.values()
    return unpacked(sdist, tmp_path_factory.mktemp("again") / "source")


def test_the_sdist_makes_the_same_wheel_and_sdist(wheel_and_sdist, again):
    found = made(again, "dist", sys.executable)
    assert {name: digest(path) for name, path in found.items()} == {
        name: digest(path) for name, path in wheel_and_sdist.items()
    }


def test_the_sdist_makes_the_same_package_of_debian(deb, again):
    """Elsewhere, later, and without the tests that run while it is made."""
    (second,) = made(again, "deb", DEB_BUILD_OPTIONS="nocheck").values()
    assert second.name == f"{PACKAGE}_{__version__}-1_all.deb"
    assert digest(second) == digest(deb)


def test_lintian_has_nothing_to_say(sources, deb):
    needs(lintian="lintian")
    (changes,) = (sources / "build/deb").glob("*.changes")
    said = run("lintian", "--fail-on", "error,warning", "--allow-root", changes)
    assert said == ""


def test_the_check_works_as_the_scheduler_runs_it(installed, practice):
    given = {
        name: value for name, value in practice.variables().items() if name != "mapi_cache_dir"
    }
    plugin = installed.plugins / PLUGIN
    for _ in range(2):
        done = by_hand(plugin, *words(given), "-m", address("healthy"))
        assert (done.code, done.stderr) == (0, "")
        assert re.fullmatch(r"MAPI OK - healthy@practice\.example: Inbox .*", done.line)
    # The second run found the token of the first.
    assert done.values()["time_token"] == "0s"
    assert [path.stat().st_mode & 0o777 for path in CACHE.iterdir()].count(0o600) > 0
    failed = by_hand(plugin, *words(given), "-m", address("offline"))
    assert (failed.code, failed.line.partition(" - ")[0]) == (2, "MAPI CRITICAL")


def test_directories_are_the_schedulers(installed):
    def owner(path):
        return f"{path.owner()}:{path.group()} {path.stat().st_mode & 0o7777:04o}"

    assert owner(CONFIGURATION) == "root:nagios 0750"
    assert owner(CACHE) == "nagios:nagios 0700"
    assert owner(installed.plugins / PLUGIN) == "root:root 0755"


def configured(path=PATH):
    """The package's own script, as at an upgrade."""
    script = f"/var/lib/dpkg/info/{PACKAGE}.postinst"
    version = f"{__version__}-1"
    run(script, "configure", version, PATH=str(path), DPKG_MAINTSCRIPT_PACKAGE=PACKAGE)


def test_the_cache_is_made_without_systemd_as_well(installed, tmp_path):
    for directory in PATH.split(":")[:2]:
        for path in os.scandir(directory):
            if path.name != "systemd-tmpfiles" and not (tmp_path / path.name).is_symlink():
                (tmp_path / path.name).symlink_to(path.path)
    run("rm", "-r", CACHE)
    configured(tmp_path)
    assert (CACHE.owner(), CACHE.stat().st_mode & 0o777) == ("nagios", 0o700)


def test_what_the_administrator_changed_stays_so(installed):
    CONFIGURATION.chmod(0o700)
    configured()
    assert CONFIGURATION.stat().st_mode & 0o777 == 0o700
    CONFIGURATION.chmod(0o750)


def test_the_front_page_leads_to_the_pages_beside_it(installed):
    targets = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    pages = {target for target in targets if target.startswith(("docs/", "icinga-templates/"))}
    assert len(pages) >= 12
    for page in pages:
        assert (DOCUMENTS / page).read_bytes() == (ROOT / page).read_bytes()
    assert (DOCUMENTS / "README.md").read_text() == README


def test_manual_pages_and_completion_are_found(installed):
    needs(man="man-db", zsh="zsh")
    for section, command in ((1, PLUGIN), (8, names.COMMAND)):
        assert run("man", "-w", section, command).endswith(f"/{command}.{section}.gz\n")
        page = run("man", "--warnings", section, command, MANWIDTH="80")
        assert f"{command.upper()}({section})" in page
        asked = f"source /usr/share/bash-completion/bash_completion; _completion_loader {command}"
        said = run("bash", "--norc", "-c", f"{asked}; complete -p {command}")
        assert said == f"complete -F _{command} {command}\n"
        asked = "autoload -Uz compinit; compinit -u -D; print -r $_comps[" + command + "]"
        assert run("zsh", "-f", "-c", asked) == f"_{command}\n"
    assert "--print-only" in run("/usr/sbin/check_mapi_connectivity_setup", "--help")


def test_templates_are_where_schedulers_look(installed):
    own = run("dpkg", "-L", PACKAGE).split("\n")
    assert f"/usr/share/icinga2/include/plugins-contrib.d/{PLUGIN}.conf" in own
    assert "/etc/nagios-plugins/config/mapi_connectivity.cfg" in own
    examples = [path for path in own if "/check-mapi-connectivity/examples/" in path]
    named = re.findall(r"/usr/[^`\s]*check-mapi-connectivity/[^`\s]*", README)
    assert named != []
    assert {path.rstrip("/") for path in named} <= {*own}
    installed_ones = (f"/{PLUGIN}.conf", "/nagios/mapi_connectivity.cfg")
    assert [path for path in examples if path.endswith(installed_ones)] == []

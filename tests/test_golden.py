"""What the check says of every fault of the practice tenant, whole, one file a scenario; and that a
replay of its recording says the same.

`make golden` writes the files anew; what has changed is then reviewed by eye.
"""

from __future__ import annotations

import re
import time
import warnings
from pathlib import Path

import pytest

from check_mapi_connectivity import __main__, plugin
from check_mapi_connectivity.commandline import parse

from .conftest import Outcome
from .support import keys
from .support.recorded import forget, record_and_replay
from .support.scenarios import SCENARIOS, WRITE, seen, told

pytestmark = pytest.mark.cases(64)

GOLDEN = Path(__file__).parent / "golden"


class Unwatched:
    """In the place of the watchdog, which would end this process."""

    def __init__(self, deadline, last_words, write):
        pass

    def start(self):
        """Watch nothing."""

    def claim(self):
        """Nobody else has the last word."""
        return True


@pytest.fixture
def inside(environment, monkeypatch):
    """Run the check within this process, which is quicker than to fork one."""
    monkeypatch.setattr(plugin, "Watchdog", Unwatched)
    for name, value in keys.NO_AUTHORITIES.items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        forget()
        begun = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            command = parse.parse([str(word) for word in arguments], {**environment})
            text, code, _ = __main__.carry_out(command, begun)
        return Outcome(code, text, "", time.monotonic() - begun)

    return run


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(check, inside, tenant, tmp_path, name):
    scenario, path = SCENARIOS[name], GOLDEN / f"{name}.txt"
    run = check if scenario.lasts else inside
    if scenario.place:
        tenant.faults.on(scenario.place, scenario.fault, -1)
    outcome = record_and_replay(run, tmp_path / "recording.json", *scenario.words(tenant.ini))
    assert outcome.stderr == ""
    assert tenant.crashes == []
    text = told(outcome) + seen(tenant)
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    tenant.mapi.sessions.clear()


def test_every_file_has_its_scenario():
    files = {str(path.relative_to(GOLDEN))[:-4] for path in GOLDEN.rglob("*.txt")}
    assert files == set(SCENARIOS)


def test_the_cause_stands_first():
    """The first line begins with a cause, which is no mere symptom; the diagnosis has the rest of
    one that was cut.
    """
    for name, scenario in SCENARIOS.items():
        code, line, *rest = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").split("\n")
        state = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[int(code.split()[1])]
        assert line.startswith(f"MAPI {state} - "), name
        said = line.partition(" - ")[2].replace(f"{scenario.address}: ", "", 1)
        assert not re.match("timed out|error|exception|failed", said), name
        causes = [one.partition("cause")[2].strip() for one in rest if one.startswith("  cause ")]
        assert len(causes) == ("..." in said and state != "OK"), name
        for cause in causes:
            assert said.startswith(cause[:20]) or re.match("sign-in|Autodiscover", said), name


def test_what_to_do_is_said():
    for name in SCENARIOS:
        text = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
        assert text.startswith("exit 0\n") or re.search(r"(?m)^  remedy  +\S", text), name

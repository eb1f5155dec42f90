"""What the check says of every fault of the practice tenant, whole, one file a scenario; and that a
replay of its recording says the same.

`make golden` writes the files anew; what has changed is then reviewed by eye.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .recorded import record_and_replay
from .scenarios import SCENARIOS, WRITE, seen, told

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(check, tenant, tmp_path, name):
    scenario, path = SCENARIOS[name], GOLDEN / f"{name}.txt"
    if scenario.place:
        tenant.faults.on(scenario.place, scenario.fault, -1)
    outcome = record_and_replay(check, tmp_path / "recording.json", *scenario.words(tenant.ini))
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
    """What the diagnosis calls the cause begins the first line, and is no mere symptom."""
    for name, scenario in SCENARIOS.items():
        code, line, *rest = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").split("\n")
        state = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[int(code.split()[1])]
        assert line.startswith(f"MAPI {state} - "), name
        causes = [one.partition("cause")[2].strip() for one in rest if one.startswith("  cause ")]
        assert bool(causes) == (state != "OK"), name
        for cause in causes:
            said = line.partition(" - ")[2].replace(f"{scenario.address}: ", "", 1)
            assert said.startswith(cause[:20]) or re.match("sign-in|Autodiscover", said), name
            assert not re.match("timed out|error|exception|failed", said), name


def test_what_to_do_is_said():
    for name in SCENARIOS:
        text = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
        assert text.startswith("exit 0\n") or re.search(r"(?m)^  remedy  +\S", text), name

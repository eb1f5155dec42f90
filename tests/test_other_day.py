"""The clock of the tests is the clock of every process that they start, also where it is shifted:
`.ci/bare trixie user days` runs what depends on the day so on other days.
"""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from check_mapi_connectivity.record import recording

#: Seconds that two looks at the clock may lie apart on a busy machine.
APART = 30

SHOW = "import time; now = time.time(); print(now, time.localtime(now).tm_gmtoff)"


def test_parent_and_child_agree_on_the_date(environment, mapi, tmp_path):
    now = time.time()
    zone = time.localtime(now).tm_gmtoff
    for variables in (environment, None):
        command = [sys.executable, "-c", SHOW]
        said = subprocess.run(command, env=variables, capture_output=True, check=True).stdout
        moment, offset = said.split()
        assert abs(float(moment) - now) < APART
        assert int(offset) == zone
    date = subprocess.run(["date", "+%s %z"], env=environment, capture_output=True, check=True)
    moment, offset = date.stdout.split()
    assert abs(float(moment) - now) < APART
    sign, hours, minutes = offset[:1], int(offset[1:3]), int(offset[3:])
    assert (hours * 60 + minutes) * 60 == (-zone if sign == b"-" else zone)
    # And of a check that is forked.
    path = tmp_path / "recording.json"
    assert mapi("healthy", "--record", path).code == 0
    began = recording.parse(path.read_bytes(), str(path)).moment
    assert abs(began - now) < APART


@pytest.mark.skipif("TESTS_SHIFT" not in os.environ, reason="the clock is this machine's")
def test_the_clock_is_shifted():
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    lines = dict(line.split(" ", 1) for line in Path("/proc/stat").read_text().splitlines())
    shifted = time.time() - (int(lines["btime"]) + uptime)
    assert abs(shifted - float(os.environ["TESTS_SHIFT"])) < APART
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%m-%d")
    assert os.environ.get("TESTS_DAY", today) == today

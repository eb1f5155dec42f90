#!/bin/bash
# whisper 1.1.10 (the files of Graphite): a point in the future takes a point of the past away.
#
# One would guess: a point that lies ahead is refused, by `update_many` as by `update`.
# What happens: `update` refuses it. `update_many`, by which carbon writes, puts it into the ring without a word: it takes the
# place of the point that is older by the retention, and the graph has a hole there. The new point is not to be seen.
# Why it matters: where a day is kept, a poller whose clock is ahead by an hour eats what was measured 23 hours ago, point by
# point, and nothing logs it. Send the time of a machine whose clock is watched.

. "$(dirname "$0")/common.bash"
python whisper==1.1.10

cat >write.py <<'PYTHON'
import whisper

NOW = 1_800_000_000
DAY = 86_400
whisper.create("latency.wsp", [(3_600, 24)])


def past():
    """The last day's values, an hour each."""
    return whisper.fetch("latency.wsp", NOW - DAY, NOW, now=NOW)[1]


whisper.update_many("latency.wsp", [(NOW - 3_600 * hours, 0.5) for hours in range(24)], now=NOW)
print("values of the day:", past().count(0.5))
try:
    whisper.update("latency.wsp", 0.7, NOW + 2 * 3_600, now=NOW)
except whisper.TimestampNotCovered:
    print("update refuses a point two hours ahead")
whisper.update_many("latency.wsp", [(NOW + 2 * 3_600, 0.7)], now=NOW)
print("values of the day after update_many:", past().count(0.5), "lost:", past().count(None))
PYTHON
is "whisper" "values of the day: 24
update refuses a point two hours ahead
values of the day after update_many: 23 lost: 1" "$("whisper==1.1.10/bin/python" write.py)"

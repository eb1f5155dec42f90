#!/bin/bash
# nagiosplugin 1.3.2 and 1.4.0: the time limit of main(timeout=...) is an ordinary exception.
#
# One would guess: when the limit is used up, the check ends, whatever the probe does.
# What happens: the alarm raises a Timeout, which is an Exception, in the middle of the probe. A probe
# that tries servers in turn and catches Exception takes it for one server's failure and goes on; the
# alarm rings once only. The check runs longer than its limit and ends as OK.
# Why it matters: a mailbox check with a retry loop is ended by the scheduler instead, without a
# diagnosis. Keep a deadline of your own and give each socket the rest of it.

. "$(dirname "$0")/common.bash"

cat >check.py <<'PYTHON'
import time

import nagiosplugin


class Mailbox(nagiosplugin.Resource):
    name = "MAPI"

    def probe(self):
        begun = time.monotonic()
        for seconds in (10, 2):
            try:
                time.sleep(seconds)  # stands for a server that does not answer
            except Exception:
                continue
        late = time.monotonic() - begun > 2.5
        return nagiosplugin.Metric("late", int(late))


nagiosplugin.Check(Mailbox(), nagiosplugin.ScalarContext("late", "0:1")).main(timeout=1)
PYTHON

for version in 1.3.2 1.4.0; do
    python "nagiosplugin==$version"
    code=0
    seen=$("nagiosplugin==$version/bin/python" check.py) || code=$?
    is "output of a check of three seconds with a limit of one" \
        "MAPI OK - late is 1 | late=1;1" "$seen"
    is "exit code" 0 "$code"
done

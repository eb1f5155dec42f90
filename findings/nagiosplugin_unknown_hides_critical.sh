#!/bin/bash
# nagiosplugin 1.3.2 and 1.4.0: one value that is UNKNOWN hides all that are CRITICAL.
#
# One would guess: the worst of CRITICAL and UNKNOWN is CRITICAL, as schedulers and other plugins have it.
# What happens: states are compared by their exit codes, so that UNKNOWN (3) is worse than CRITICAL (2). The check ends with 3,
# and the first line has only the reason of the UNKNOWN: the broken mailbox is not named.
# Why it matters: notifications for UNKNOWN are often off. One mailbox without a value silences the alarm for another that is
# down. Judge before the library does.

. "$(dirname "$0")/common.bash"

cat >check.py <<'PYTHON'
import sys

import nagiosplugin


class Mailboxes(nagiosplugin.Resource):
    name = "MAPI"

    def probe(self):
        yield nagiosplugin.Metric("alice", 9, "s", context="time")
        if sys.argv[1:]:
            yield nagiosplugin.Metric("bob", None, context="silent")


class Silent(nagiosplugin.Context):
    def evaluate(self, metric, resource):
        return self.result_cls(nagiosplugin.Unknown, "no value for bob", metric)


nagiosplugin.Check(Mailboxes(), nagiosplugin.ScalarContext("time", "2", "5"), Silent("silent")).main()
PYTHON

for version in 1.3.2 1.4.0; do
    python "nagiosplugin==$version"
    for second in "" bob; do
        wanted="MAPI CRITICAL - alice is 9s (outside range 0:5) | alice=9s;2;5" code=0
        [ -z "$second" ] || wanted="MAPI UNKNOWN - no value for bob | alice=9s;2;5"
        seen=$("nagiosplugin==$version/bin/python" check.py $second) || code=$?
        is "alice is slow${second:+, bob is unknown}" "$wanted" "$seen"
        is "exit code" "$([ -z "$second" ] && echo 2 || echo 3)" "$code"
    done
done

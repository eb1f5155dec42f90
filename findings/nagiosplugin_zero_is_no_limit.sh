#!/bin/bash
# nagiosplugin 1.3.2 and 1.4.0: the limit 0, given as a number, is no limit at all.
#
# One would guess: `ScalarContext("unread", warning=0, critical=0)` complains about every value above 0, as the text "0" does.
# What happens: 0 and 0.0 count as "not given" and are the range of all values from 0. Only the text "0" is the limit 0; 1 and
# "1" mean the same.
# Why it matters: limits that were read from JSON or by `type=float` are numbers. "No message may wait" is then OK with seven
# waiting, and the performance data show no limit. Hand limits over as text.

. "$(dirname "$0")/common.bash"

cat >check.py <<'PYTHON'
import sys

import nagiosplugin


class Mailbox(nagiosplugin.Resource):
    name = "MAPI"

    def probe(self):
        return nagiosplugin.Metric("unread", 7, context="count")


limit = {"number 0": 0, "number 0.0": 0.0, "number 1": 1, "text 0": "0"}[sys.argv[1]]
nagiosplugin.Check(Mailbox(), nagiosplugin.ScalarContext("count", critical=limit)).main()
PYTHON

for version in 1.3.2 1.4.0; do
    python "nagiosplugin==$version"
    for limit in "number 0" "number 0.0" "number 1" "text 0"; do
        case $limit in
        "number 1") wanted="MAPI CRITICAL - unread is 7 (outside range 0:1) | unread=7;;1" ;;
        "text 0") wanted="MAPI CRITICAL - unread is 7 (outside range 0:0) | unread=7;;0" ;;
        *) wanted="MAPI OK - unread is 7 | unread=7" ;;
        esac
        is "$limit" "$wanted" "$("nagiosplugin==$version/bin/python" check.py "$limit" || true)"
    done
done

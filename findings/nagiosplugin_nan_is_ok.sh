#!/bin/bash
# nagiosplugin 1.3.2 and 1.4.0: a value that is not a number passes every limit.
#
# One would guess: NaN lies in no range, so that a limit is exceeded, or the check is UNKNOWN.
# What happens: each comparison with NaN is false, and a range asks "below the start?" and "above the
# end?". The state is OK, exit code 0, and the performance data say `nan`.
# Why it matters: a latency that a mailbox server reports as NaN, or a quotient of nothing by nothing,
# is an OK that nobody has measured. Look with math.isfinite before a Metric is made.

. "$(dirname "$0")/common.bash"

cat >check.py <<'PYTHON'
import nagiosplugin


class Mailbox(nagiosplugin.Resource):
    name = "MAPI"

    def probe(self):
        return nagiosplugin.Metric("latency", float("nan"), "s")


nagiosplugin.Check(Mailbox(), nagiosplugin.ScalarContext("latency", "1:2", "0.5:5")).main()
PYTHON

for version in 1.3.2 1.4.0; do
    python "nagiosplugin==$version"
    code=0
    seen=$("nagiosplugin==$version/bin/python" check.py) || code=$?
    is "output" "MAPI OK - latency is nans | latency=nans;1:2;0.5:5" "$seen"
    is "exit code" 0 "$code"
done

#!/bin/bash
# nagiosplugin 1.3.2 and 1.4.0: an apostrophe in a metric's name turns CRITICAL into UNKNOWN.
#
# One would guess: the label is written with its quote doubled, as the guidelines for plugins allow, or
# the one value is left out.
# What happens: the library refuses the label when the result is printed. By then the check has been
# judged; the finished CRITICAL is thrown away for UNKNOWN with a traceback. `=` does the same.
# Why it matters: names of mailboxes come from people, o'brien@contoso.com among them, and the failure
# shows only when that mailbox is added. Make labels of letters, digits and `_`.

. "$(dirname "$0")/common.bash"

cat >check.py <<'PYTHON'
import sys

import nagiosplugin


class Mailbox(nagiosplugin.Resource):
    name = "MAPI"

    def probe(self):
        return nagiosplugin.Metric(sys.argv[1], 9, "s", context="time")


@nagiosplugin.guarded
def main():
    nagiosplugin.Check(Mailbox(), nagiosplugin.ScalarContext("time", "2", "5")).main()


main()
PYTHON

for version in 1.3.2 1.4.0; do
    python "nagiosplugin==$version"
    for label in "obrien" "o'brien" "a=b"; do
        code=0
        "nagiosplugin==$version/bin/python" check.py "$label" >seen || code=$?
        case $label in
        obrien) first="MAPI CRITICAL - obrien is 9s (outside range 0:5) | obrien=9s;2;5" wanted=2 ;;
        "o'brien")
            first="MAPI UNKNOWN: RuntimeError: ('label contains illegal characters', \"o'brien\")"
            wanted=3
            ;;
        *) first="MAPI UNKNOWN: RuntimeError: ('label contains illegal characters', 'a=b')" wanted=3 ;;
        esac
        is "first line for $label" "$first" "$(head -n 1 seen)"
        is "exit code" "$wanted" "$code"
    done
done

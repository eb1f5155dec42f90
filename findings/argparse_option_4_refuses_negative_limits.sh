#!/bin/bash
# argparse of Python 3.11.2 (Debian 12): a new option -4 makes all other options refuse negative numbers.
#
# One would guess: `-4` and `-6`, which monitoring plugins have for IPv4 and IPv6, are options beside the others.
# What happens: once one option looks like a negative number, no word that begins with "-" is a value any more: `-w -5` was
# good and is now an error of usage, exit code 2, which schedulers read as CRITICAL. A range `-w -5:5` never was good.
# Why it matters: adding an option breaks commands that do not use it. Written as one word, `-w-5` or `--warning=-5:5`, a
# limit stays good in each case.

. "$(dirname "$0")/common.bash"
. "$here/cpython.bash"

cat >plugin.py <<'PYTHON'
import argparse
import sys

options, words = sys.argv[1].split(), sys.argv[2:]
parser = argparse.ArgumentParser(prog="check")
parser.add_argument("-w", "--warning")
for option in options:
    parser.add_argument(option, action="store_true")
print("warning", parser.parse_args(words).warning)
PYTHON
warning() {
    code=0
    seen=$("$cpython" plugin.py "$@" 2>&1) || code=$?
    seen="$(tail -n 1 <<<"$seen") ($code)"
}
refused="check: error: argument -w/--warning: expected one argument (2)"
warning "" -w -5
is "-w -5 without an option -4" "warning -5 (0)" "$seen"
warning "-4" -w -5
is "-w -5 with an option -4" "$refused" "$seen"
warning "" -w -5:5
is "-w -5:5 without an option -4" "$refused" "$seen"
warning "-4" --warning=-5:5
is "--warning=-5:5 with an option -4" "warning -5:5 (0)" "$seen"

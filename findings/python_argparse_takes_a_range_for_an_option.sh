#!/bin/bash
# argparse of Python 3.11.2: `-w -5` is a limit, `-w -5:10` is "expected one argument".
#
# One would guess: what begins with a minus is taken as the option's value, as -5 shows that it is; or both are refused.
# What happens: only what looks like a number (-5, -5.5, -.5) may be a value. -5:10, -5: and -1e3 are taken for options that do not
# exist, and the message says that -w has no value at all.
# Why it matters: a range of the plugin format that begins below zero, such as a clock's deviation, cannot be given as the guidelines
# write it, and quotes do not help, since the shell takes them off. Write it as one word: -w=-5:10 or -w-5:10.

. "$(dirname "$0")/common.bash"
. "$here/cpython.bash"

cat >ask.py <<'PYTHON'
import argparse

parser = argparse.ArgumentParser(prog="check", exit_on_error=False)
parser.add_argument("-w")
for words in (["-w", "-5"], ["-w", "-.5"], ["-w", "-5:10"], ["-w", "-5:"], ["-w", "-1e3"], ["-w=-5:10"], ["-w-5:10"]):
    try:
        print(*words, "is", parser.parse_args(words).w)
    except argparse.ArgumentError as error:
        print(*words, "is refused:", error)
PYTHON
is "limits" "-w -5 is -5
-w -.5 is -.5
-w -5:10 is refused: argument -w: expected one argument
-w -5: is refused: argument -w: expected one argument
-w -1e3 is refused: argument -w: expected one argument
-w=-5:10 is -5:10
-w-5:10 is -5:10" "$("$cpython" ask.py)"

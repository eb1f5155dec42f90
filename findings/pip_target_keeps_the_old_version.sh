#!/bin/bash
# pip 25.3: `pip install --target` into a folder that has an older version leaves the old code there, and succeeds.
#
# One would guess: the version that was asked for is there afterwards, as without --target, or the exit code says that it is not.
# What happens: pip warns that the folder "already exists", keeps it, and ends with 0. It adds the new version's `.dist-info`
# beside the old one, so that a list of the folder names both.
# Why it matters: a folder of libraries beside a plugin, or one that a zipapp is built of, stays as it was through an update, also
# one for a security hole, and a scanner that reads the names sees the new version. Use an empty folder each time, or --upgrade.

. "$(dirname "$0")/common.bash"
python pip==25.3

into() { "pip==25.3/bin/pip" install -q --no-deps --target libraries "$@" 2>messages || echo "exit code $?"; }
code() { PYTHONPATH=libraries python3 -c 'import idna; print(idna.__version__)'; }
into idna==3.6
is "idna 3.6 in an empty folder" "3.6" "$(code)"
seen=$(into idna==3.7)
is "idna 3.7 into the same, complaint of the exit code" "" "$seen"
is "what it warns of" "libraries/idna already exists. Specify --upgrade to force replacement." \
    "$(sed -n "s|.*Target directory $folder/||p" messages)"
is "the code that is there" "3.6" "$(code)"
is "the versions that are named there" "idna-3.6.dist-info idna-3.7.dist-info" "$(cd libraries && echo *.dist-info)"
into --upgrade idna==3.7
is "idna 3.7 by --upgrade" "3.7" "$(code)"

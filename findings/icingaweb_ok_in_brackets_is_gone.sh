#!/bin/bash
# Icinga DB Web 1.0.2: "(OK)" anywhere in the output of a check is taken out, and a green dot stands there.
#
# One would guess: the words that make coloured dots stand at the beginning of a line, or are the check's own.
# What happens: OK, WARNING, CRITICAL, UNKNOWN, UP and DOWN in round or square brackets, even `[OK)`, become dots wherever they stand, also in
# what another server said. The word itself is not on the page. Icinga DB Web 1.1.3 does the same.
# Why it matters: "proxy said: 200 (OK)" in the middle of a failure shows a green dot, and what was said is lost to whoever copies the text.
# Take the brackets off in foreign texts.

. "$(dirname "$0")/common.bash"
. "$here/icingaweb.bash"

icingaweb
is "the page" 'refused: 200 <span class="state-ball ball-size-m state-ok"></span>, node <span class="state-ball ball-size-m state-down"></span>' \
    "$(page <<<'refused: 200 (OK), node [DOWN)')"

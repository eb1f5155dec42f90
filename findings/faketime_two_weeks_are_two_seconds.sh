#!/bin/bash
# libfaketime 0.9.10: an offset of two weeks is two seconds.
#
# One would guess: `faketime -f +2w` is two weeks ahead, as +14d is, or an unknown unit is refused.
# What happens: m, h, d and y are units; "w" is none and is passed over, and what is left is seconds. Nothing is said.
# Why it matters: a test that shows the warning before a certificate ends, two weeks on, runs with today's date and is green.
# A test in moved time first looks at the clock.

. "$(dirname "$0")/common.bash"
debian faketime=0.9.10-2.1 libfaketime=0.9.10-2.1

# ahead OFFSET: how many seconds ahead, to the nearest ten.
ahead() {
    local begun=$EPOCHSECONDS moved
    moved=$(LD_PRELOAD=$(echo "$folder"/usr/lib/*-linux-gnu/faketime/libfaketime.so.1) FAKETIME=$1 date +%s)
    echo $(((moved - begun) / 10 * 10))
}
is "+14d" 1209600 "$(ahead +14d)"
is "+2w" 0 "$(ahead +2w)"
is "+30w" 30 "$(ahead +30w)"

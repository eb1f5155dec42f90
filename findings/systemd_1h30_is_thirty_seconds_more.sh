#!/bin/bash
# systemd 252 (Debian 12): a time span 1h30 is one hour and thirty seconds.
#
# One would guess: an hour and a half, as 1h30 is read everywhere, or an error.
# What happens: a number without a unit is seconds, also behind a part that has one; `1h 30` and `2d12` are the same trap.
# Why it matters: a timer with OnUnitActiveSec=1h30 runs half as often again as was meant, and RuntimeMaxSec=1min30 is right
# by chance. Write the unit of each part; `systemd-analyze timespan` shows what was understood.

. "$(dirname "$0")/common.bash"
debian systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)/systemd

span() { usr/bin/systemd-analyze timespan "$1" | sed -n 's/.*Human: //p'; }
is "1h30" "1h 30s" "$(span 1h30)"
is "2d12" "2d 12s" "$(span 2d12)"
is "1h30min" "1h 30min" "$(span 1h30min)"

#!/bin/bash
# Icinga 2.13.6: 1200ms reaches Graphite as 1.2, and 5M, which a plugin means as millions, as 300.
#
# One would guess: the number goes to Graphite as the plugin printed it, and a letter that is no unit of the guidelines is ignored.
# What happens: Icinga 2 counts into seconds and bytes, limits too: ms by 1000, KB as 1000 B. In its own list of units M, in either
# case, is minutes. A word that it does not know is left out, and the number stays.
# Why it matters: graphs and alarms made from the plugin's output are wrong by 1000 or by 60, and only below Icinga 2; Nagios hands
# the text on. Read one stored value before an alarm is set on it, and print seconds and bytes.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"
icinga
icinga_graphite "MAPI OK | time=1200ms;1500;2000 mails=5M age=2m size=5KB items=5 rounds=5x"
await received 16
is "time=1200ms;1500;2000 mails=5M age=2m size=5KB items=5 rounds=5x at Graphite" "age.value 120
items.value 5
mails.value 300
rounds.value 5
size.value 5000
time.crit 2
time.value 1.200000
time.warn 1.500000" "$(points)"

#!/bin/bash
# Nagios 4.4.6: of two result files the one that is read last counts, also where it is the older.
#
# One would guess: a result has a finish_time, so that one which is older than what Nagios has is passed over, as Icinga 2 does.
# What happens: the older one replaces the newer, and `last_check` goes back.
# Why it matters: files that were held up, on a share or by a sender that tries again, bring a failure back that is over, or an
# OK. Send one file per run, and drop what is late.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios x "_X x"
passive
now=$(date +%s)
last_check() { sed -n '/^servicestatus/,/}/ s/.*last_check=//p' status.dat; }
result 0 "MAPI OK - now" "$now"
is "the result of now" "plugin_output=MAPI OK - now" "$(shown "OK - now" | grep -m 1 plugin_output)"
is "last_check" 0 "$(($(last_check) - now))"
result 2 "MAPI CRITICAL - two minutes old" $((now - 120))
is "after it one of two minutes ago" "plugin_output=MAPI CRITICAL - two minutes old" "$(shown old | grep -m 1 plugin_output)"
is "last_check" -120 "$(($(last_check) - now))"

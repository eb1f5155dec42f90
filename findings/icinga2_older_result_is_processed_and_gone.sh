#!/bin/bash
# Icinga 2.13.6: a passive result that began before the last one is "successfully processed", and thrown away.
#
# One would guess: what is answered by 200 and "Successfully processed" is the service's state; or the answer says that there is
# a newer one.
# What happens: of two results the one whose execution_start is later stays, whichever comes last and whichever ended last. The
# other leaves no trace, and the answer is the same.
# Why it matters: a check of a minute that ends CRITICAL is lost to one that began later and was done at once, and two senders
# whose clocks differ take turns in being unheard. Send the time of the run's own machine, and one run at a time.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
icinga_api
now=$(date +%s)
result() { printf '{"exit_status": %s, "plugin_output": "%s", "execution_start": %s, "execution_end": %s}' "$@"; }
is "began 10 s ago, took 1 s" "200 Successfully processed check result" \
    "$(send '?service=tenant!alice' "$(result 0 quick $((now - 10)) $((now - 9)))")"
is "began 20 s ago, took 19 s" "200 Successfully processed check result" \
    "$(send '?service=tenant!alice' "$(result 2 slow $((now - 20)) $((now - 1)))")"
is "services" "alice 0 quick,bob nothing" "$(states)"
is "began 5 s ago, took 5 s" "200 Successfully processed check result" \
    "$(send '?service=tenant!alice' "$(result 2 slow $((now - 5)) "$now")")"
is "services" "alice 2 slow,bob nothing" "$(states)"

#!/bin/bash
# Icinga 2.13.6: one limit with a decimal comma, and the value itself is not stored.
#
# One would guess: of `latency=3s;2,5;5` the limit is dropped, as ranges are, and the value 3 is sent.
# What happens: the whole item is left out of what goes to Graphite, with a warning in the log; the service goes on showing it.
# Its neighbours are sent.
# Why it matters: a plugin that prints limits as the administrator typed them, or in the locale of the daemon, loses the graph of
# just that value. Print numbers with a point, and limits as they were understood.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"
icinga
icinga_graphite "MAPI OK | comma=3s;2,5;5 point=3s;2.5;5"
await received 6
is "at Graphite" "point.crit 5
point.value 3
point.warn 2.500000" "$(points)"
is "in the log" "Ignoring invalid perfdata with value: comma=3s;2,5;5" \
    "$(grep -h -m 1 "invalid perfdata" daemon.log | sed "s/.*Ignoring/Ignoring/; s/ for checkable.*with/ with/")"

#!/bin/bash
# negate of Monitoring Plugins 2.3.3: `-s` rewrites names and labels, not only the state.
#
# One would guess: `-s`, "substitute output text", puts the new state in the place of the old one at
# the beginning of the line.
# What happens: every "OK" of the output is replaced, inside words and performance data too. A room
# BOOKING@contoso.com becomes a mailbox that does not exist, and the label `OK` another time series.
# Why it matters: who turns a check around ("this mailbox must not be reachable") is told of a mailbox
# that nobody has, and graphs break in two at each change of state. Leave `-s` out.

. "$(dirname "$0")/common.bash"

debian monitoring-plugins-common=2.3.3-5+deb12u2
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK - BOOKING@contoso.com: Inbox listed | OK=1"
PLUGIN

code=0
seen=$(usr/lib/nagios/plugins/negate "$folder/check") || code=$?
is "without -s" "MAPI OK - BOOKING@contoso.com: Inbox listed | OK=1 (2)" "$seen ($code)"
code=0
seen=$(usr/lib/nagios/plugins/negate -s "$folder/check") || code=$?
is "with -s" "MAPI CRITICAL - BOCRITICALING@contoso.com: Inbox listed | CRITICAL=1 (2)" "$seen ($code)"

#!/bin/bash
# Nagios 4.4.6: a result file can give a service the state 7.
#
# One would guess: a return code above 3 is UNKNOWN or CRITICAL, as it is from a plugin ("out of bounds") and from the command
# pipe.
# What happens: the number out of the file becomes the state as it is: status.dat has current_state=7, or -1.
# Why it matters: what reads status.dat knows 0 to 3, and neither counts such a service as broken nor as well. Whoever writes
# result files limits the code himself.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios x "_X x"
passive
result 7 "MAPI UNKNOWN - no time" "$(date +%s)"
is "return_code=7" "current_state=7 plugin_output=MAPI UNKNOWN - no time" "$(shown "no time" | head -n 2 | paste -s -d " ")"
result -1 "MAPI UNKNOWN - no answer" "$(date +%s)"
is "return_code=-1" "current_state=-1 plugin_output=MAPI UNKNOWN - no answer" "$(shown "no answer" | head -n 2 | paste -s -d " ")"

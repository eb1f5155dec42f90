#!/bin/bash
# Nagios 4.4.6: a plugin that is killed is UNKNOWN with what it had printed; killed below a wrapper it is CRITICAL.
#
# One would guess: both are the same case, a check without a valid exit code, and CRITICAL as codes above 3 are.
# What happens: a plugin that a signal ends is UNKNOWN, with its text as if it had finished, also a text that says OK. A wrapper
# that hands the shell's 137 on makes it CRITICAL, "out of bounds", without the text.
# Why it matters: when memory runs out, one mailbox is UNKNOWN with "MAPI OK", the other pages; and the cause is in neither.
# The state counts, not the words; dmesg has the cause.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios x "_X x"
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK - signed in | time=1"
kill -KILL $$
PLUGIN
is "killed" "current_state=3
plugin_output=MAPI OK - signed in
long_plugin_output=
performance_data=time=1" "$(shown signed)"
mv check killed
plugin check <<PLUGIN
#!/bin/sh
"$folder/killed"
exit \$?
PLUGIN
is "killed below a wrapper" "current_state=2
plugin_output=(Return code of 137 for service 'mailbox' on host 'tenant' was out of bounds)
long_plugin_output=
performance_data=time=1" "$(shown bounds)"

#!/bin/bash
# Nagios 4.4.6: where the first line is empty, a check has "no output", and its status line is a detail.
#
# One would guess: leading empty lines are passed over, or the first line is shown empty.
# What happens: the first line is replaced by "(No output returned from plugin)", while the text below it, its performance data
# and the exit code count.
# Why it matters: a wrapper or an interpreter that prints one newline first hides the diagnosis in lists and messages, which show
# the first line only, and the message says that the plugin is broken. Print nothing before the status line.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios x "_X x"
plugin check <<'PLUGIN'
#!/bin/sh
echo
echo "MAPI CRITICAL - cannot log on | time=1"
exit 2
PLUGIN
is "the service" "current_state=2
plugin_output=(No output returned from plugin)
long_plugin_output=MAPI CRITICAL - cannot log on
performance_data=time=1" "$(shown CRITICAL | sed 's/ *$//')"

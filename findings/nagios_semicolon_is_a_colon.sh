#!/bin/bash
# Nagios 4.4.6: a semicolon in the first line of a check becomes a colon.
#
# One would guess: the text of a plugin is shown as it was printed; illegal_macro_output_chars, which names no semicolon, is for
# commands.
# What happens: each `;` of the first line is a `:` in the status, the log and the notification. Further lines and performance
# data keep theirs.
# Why it matters: a search for the plugin's own words finds nothing, and what has a meaning with `;`, such as a part of a header
# that is quoted, is changed. Do without `;` in the first line.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios x "_X x"
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI CRITICAL - text/html; charset=utf-8 | time=1;2;3"
echo "second line; third word"
exit 2
PLUGIN
is "the service" "current_state=2
plugin_output=MAPI CRITICAL - text/html: charset=utf-8
long_plugin_output=second line; third word
performance_data=time=1;2;3" "$(shown CRITICAL)"

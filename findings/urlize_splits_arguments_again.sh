#!/bin/bash
# urlize of Monitoring Plugins 2.3.3: arguments do not arrive as they were given.
#
# One would guess: as with env or nice, the words behind the URL are the command line of the plugin.
# What happens: urlize joins them by blanks and splits them again by rules of its own. A word with a
# blank becomes two, without a message; with an apostrophe in it the plugin is not even started. Of
# what the plugin prints only the first line is left.
# Why it matters: `-m o'brien@contoso.com` makes the check UNKNOWN, whatever quotes are put around it,
# and the diagnosis below the status line is lost. Link to notes by the scheduler's notes_url.

. "$(dirname "$0")/common.bash"

debian monitoring-plugins-common=2.3.3-5+deb12u2
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK - $# arguments"
echo "diagnosis"
PLUGIN
urlize() {
    code=0
    seen=$(usr/lib/nagios/plugins/urlize http://127.0.0.1/ "$folder/check" "$@" | tr -s ' \n' ' ') ||
        code=$?
}

urlize -m 'Room 1'
is "2 arguments, one of them with a blank" \
    '<A href="http://127.0.0.1/">MAPI OK - 3 arguments</A> (0)' "${seen% } ($code)"
urlize -m "o'brien@contoso.com"
is "2 arguments, one of them with an apostrophe" \
    "Could not open pipe: $folder/check -m o'brien@contoso.com (3)" "${seen% } ($code)"

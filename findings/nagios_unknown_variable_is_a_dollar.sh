#!/bin/bash
# Nagios 4.4.6: a variable that does not exist becomes a dollar in the command line.
#
# One would guess: an unknown $_HOST...$ is an error when the configuration is checked, or empty.
# What happens: a single `$` is left where the macro was, and `nagios -v` finds nothing to say.
# Why it matters: where one host lacks `_MAPI_OPTIONS`, its check gets the word `$` and refuses it; as a
# mailbox, a proxy or a path it would be taken for a name. Give templates a default that does nothing.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios '-m $_HOSTMAILBOX$ $_HOSTOPTIONS$ -v' '_MAILBOX probe@contoso.com'
is "words of the check" '<-m><probe@contoso.com><$><-v>' "$(head -n 1 seen)"

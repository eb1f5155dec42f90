#!/bin/bash
# Nagios 4.4.6: quotes and some more characters are taken out of custom variables.
#
# One would guess: `illegal_macro_output_chars` is for what it is named after, the output of plugins; a
# variable that an administrator wrote goes into the command as it stands.
# What happens: custom variables are cleaned as well, without a message: backquote ~ $ & | ' " < > are
# gone, with Debian's setting. Written into the command itself, the same address stays whole.
# Why it matters: the check of o'brien@contoso.com tests obrien@contoso.com, who may be somebody else,
# and healthy. Name such a mailbox by its GUID.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios "\"o'brien@contoso.com\" \"\$_HOSTMAILBOX\$\"" "_MAILBOX o'brien@contoso.com"
is "words of the check" "<o'brien@contoso.com><obrien@contoso.com>" "$(head -n 1 seen)"

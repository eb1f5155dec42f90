#!/bin/bash
# Icinga 2.13.6: a passive result whose state is null makes the service OK.
#
# One would guess: `"exit_status": null` is refused, as a result without exit_status is, or is UNKNOWN.
# What happens: the answer is 200, "Successfully processed", and the state is 0, whatever the text says. Without the key the
# answer is 400, with a word in its place 500.
# Why it matters: null is what a script writes that has no state: a variable never set, a process that was killed. The broken
# mailbox is OK, with the text of its failure. Look at the state before it is sent.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
icinga_api
is "without a state" 400 "$(send '?service=tenant!alice' '{"plugin_output": "cannot log on"}')"
is "a word" 500 "$(send '?service=tenant!alice' '{"exit_status": "critical", "plugin_output": "cannot log on"}')"
is "null" "200 Successfully processed check result" \
    "$(send '?service=tenant!alice' '{"exit_status": null, "plugin_output": "cannot log on"}')"
is "services" "alice 0 cannot log on,bob nothing" "$(states)"

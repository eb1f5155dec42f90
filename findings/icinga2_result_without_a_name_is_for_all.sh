#!/bin/bash
# Icinga 2.13.6: a passive result that names no service is the result of every service.
#
# One would guess: process-check-result with a type and no name, or with a key that does not exist, is 400.
# What happens: keys that are not known are passed over, and a type alone is all objects of that type which the user may touch:
# each gets the result, and the answer is 200. `"filters"`, a letter too many, is such a key.
# Why it matters: one mistake in a script makes all services of the site OK at once. Name the service in the address of the
# request, and let the user touch no more than his own by the filter of his permission.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
icinga_api
for mailbox in alice bob; do
    is "$mailbox" "200 Successfully processed check result" \
        "$(send "?service=tenant!$mailbox" '{"exit_status": 2, "plugin_output": "cannot log on"}')"
done
is "a filter for alice" "200 Successfully processed check result" \
    "$(send "" '{"type": "Service", "filter": "service.name == \"alice\"", "exit_status": 1, "plugin_output": "slow"}')"
is "services" "alice 1 slow,bob 2 cannot log on" "$(states)"
is "\"filters\" for alice" "200 Successfully processed check result,200 Successfully processed check result" \
    "$(send "" '{"type": "Service", "filters": "service.name == \"alice\"", "exit_status": 0, "plugin_output": "fine"}')"
is "services" "alice 0 fine,bob 0 fine" "$(states)"

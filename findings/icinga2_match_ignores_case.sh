#!/bin/bash
# Icinga 2.13.6: match() takes capitals and small letters for the same, `==`, `in` and regex() do not.
#
# One would guess: all of them tell PROBE from probe, or none.
# What happens: match("probe*", "PROBE-1") is true; regex("^probe", "PROBE-1") and "PROBE" == "probe" are false, and so is `in`.
# Why it matters: `assign where match("vip*", mailbox)` puts VIPARCHIVE under the alarm of the VIPs, and rewriting a rule from
# match to `==` or `in` takes services away without a message. Bring names into one spelling first.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
cat >>icinga2.conf <<'CONFIGURATION'
log(LogCritical, "seen", [
  match("probe*", "PROBE-1"), match("PROBE-?", "probe-1"), regex("^probe", "PROBE-1"), "PROBE" == "probe", "PROBE" in [ "probe" ]
])
CONFIGURATION
"${icinga[@]}" -C >checked 2>&1
is "match, match, regex, ==, in" "true, true, false, false, false" \
    "$(grep -A 9 critical/seen checked | tr -d ' \n' | grep -oE '(true|false)' | head -n 5 | paste -s -d , | sed 's/,/, /g')"

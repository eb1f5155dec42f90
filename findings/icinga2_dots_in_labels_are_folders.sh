#!/bin/bash
# Icinga 2.13.6: dots in a label are folders at Graphite, dots in a host's name are not.
#
# One would guess: both become `_`, since a dot separates the parts of a Graphite name.
# What happens: the host mail.contoso.com is sent as mail_contoso_com; the label time_mail.contoso.com is sent with its dots, and
# Graphite makes folders of it. Blanks become `_` in both.
# Why it matters: a dashboard that takes the label from one place of the name finds `time_mail`, and shows nothing for the rest. Make
# labels of letters, digits and `_`.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"
icinga
icinga_graphite "MAPI OK | time_mail.contoso.com=3 'two words'=4" mail.contoso.com
await received 2
is "names at Graphite" "icinga2.mail_contoso_com.host.check.perfdata.time_mail.contoso.com.value
icinga2.mail_contoso_com.host.check.perfdata.two_words.value" "$(cut -d " " -f 1 received | sort -u)"

#!/bin/bash
# Nagios 4.4.6: the same text is whole from a check that Nagios runs, and cut as a passive result.
#
# One would guess: the output of a plugin means the same, whichever way it comes.
# What happens: in the command file a backslash with an "n" is the end of a line, so that `CONTOSO\nina` is "CONTOSO" and, in
# the part that alerts leave out, "ina". A second backslash in front of it keeps it.
# Why it matters: of the logon name the domain is left, and what follows, the cause, is not in the alert. Only names that
# begin with n are hit, so that a trial with another name shows nothing. Double each backslash in passive results.

. "$(dirname "$0")/common.bash"
. "$here/nagios.bash"

nagios "" "" 1
# alert NAME: the text of the alert that begins with the name.
alert() {
    local tries text
    for tries in $(seq 300); do
        text=$(sed -n "s/.* SERVICE ALERT: .*;\($1: .*\)/\1/p" nagios.log)
        [ -z "$text" ] || break
        sleep 0.1
    done
    echo "$text"
}
passive() {
    printf '[%s] PROCESS_SERVICE_CHECK_RESULT;tenant;mailbox;%s;%s\n' "$(date +%s)" "$1" "$2" >nagios.cmd
}
plugin check.new <<'PLUGIN'
#!/bin/sh
printf '%s\n' 'active: CONTOSO\nina is locked'
exit 1
PLUGIN
mv check.new check
is "from a check" 'active: CONTOSO\nina is locked' "$(alert active)"
passive 2 'passive: CONTOSO\nina is locked'
is "as a passive result" 'passive: CONTOSO' "$(alert passive)"
passive 0 'doubled: CONTOSO\\nina is locked'
is "as a passive result, backslash doubled" 'doubled: CONTOSO\nina is locked' "$(alert doubled)"

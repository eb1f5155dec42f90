#!/bin/bash
# Icinga 2.13.6: one `$` in a note stops the whole configuration.
#
# One would guess: `$` means something where a command uses the variable; a variable that no command
# knows is any text.
# What happens: each custom variable is read for macros when the configuration is, used or not, also
# inside lists. A `$` without a second one is an error, and Icinga keeps the old configuration.
# Why it matters: a password or a remark with a `$` at one mailbox (`vars.notes = "costs 50$"`) keeps
# every change to every host from taking effect. Write `$$`.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
cat >>icinga2.conf <<'CONFIGURATION'
object CheckCommand "check" {
  command = [ "/bin/true" ]
}
object Host "host" {
  check_command = "check"
  vars.notes = [ "costs 50$$" ]
}
CONFIGURATION
for text in 'costs 50$$' 'costs 50$'; do
    sed -i "s/costs 50.*\"/$text\"/" icinga2.conf
    code=0
    "${as[@]}" "${icinga[@]}" -C >seen || code=$?
    if [ "$text" = 'costs 50$$' ]; then
        is "exit code with $text" 0 "$code"
    else
        is "exit code with $text" 1 "$code"
        grep -o "Validation failed.*\|Closing \$ not found.*" seen | head -n 2
        is "complaints of the macro" 1 "$(grep -c 'Closing \$ not found' seen)"
    fi
done

#!/bin/bash
# Icinga 2.13.6: a flag of a CheckCommand is off when its variable is "yes", and null is a value.
#
# One would guess: `set_if = "$x$"` is on for what everybody calls on, or the configuration is refused;
# a variable set to null is not there.
# What happens: `true`, "true" and each number but 0 are on. "yes", "on" and "TRUE" are off; there is a
# warning in the log, and none on the service. A value that is null is handed over as an empty word.
# Why it matters: `vars.mapi_archive = "yes"` tests the primary mailbox and says OK; taking back a
# template's `vars.mapi_hostname` by null leaves `--hostname ''`. Compare texts in an expression.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
plugin check <<PLUGIN
#!/bin/sh
echo "\$*" >>"$folder/seen"
PLUGIN
cat >>icinga2.conf <<CONFIGURATION
object CheckCommand "check" {
  command = [ "$folder/check" ]
  arguments = {
    "--archive" = { set_if = "\$archive\$" }
    "--hostname" = { value = "\$hostname\$" }
    "--name" = { value = "\$host.name\$" }
  }
}
template Host "each" {
  check_command = "check"
  check_interval = 1s
}
object Host "true" {
  import "each"
  vars.archive = true
}
object Host "text-true" {
  import "each"
  vars.archive = "true"
}
object Host "text-yes" {
  import "each"
  vars.archive = "yes"
}
object Host "text-TRUE" {
  import "each"
  vars.archive = "TRUE"
}
object Host "null" {
  import "each"
  vars.hostname = null
}
CONFIGURATION
daemon "${icinga[@]}"
await seen 15
host() { grep -e "--name $1\$" seen | head -n 1; }
is "true" "--archive --name true" "$(host true)"
is '"true"' "--archive --name text-true" "$(host text-true)"
is '"yes"' "--name text-yes" "$(host text-yes)"
is '"TRUE"' "--name text-TRUE" "$(host text-TRUE)"
is "null" "--hostname  --name null" "$(host null)"

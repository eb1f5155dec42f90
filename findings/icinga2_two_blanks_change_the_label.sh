#!/bin/bash
# Icinga 2.13.6: of two blanks between performance values, the second is part of the next label.
#
# One would guess: blanks separate, however many.
# What happens: one blank separates. `a=1  b=2` is the label `a` and the label ` b`, which Graphite gets as `_b`.
# Why it matters: a plugin that lines its values up, or leaves an empty one out, makes a second time series, and the graph ends.
# Join values by one blank.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK | a=1  b=2 c=3"
PLUGIN
cat >>icinga2.conf <<CONFIGURATION
object CheckCommand "check" {
  command = [ "$folder/check" ]
}
object Host "host" {
  check_command = "check"
  check_interval = 1s
}
object PerfdataWriter "writer" {
  host_perfdata_path = "$folder/seen"
  host_temp_path = "$folder/hosts"
  service_temp_path = "$folder/services"
  host_format_template = "\$host.perfdata\$"
  rotation_interval = 2s
}
CONFIGURATION
daemon "${icinga[@]}"
await "seen.*" 1
is "printed: a=1  b=2 c=3, stored" "a=1 ' b'=2 c=3" "$(cat seen.* | head -n 1)"

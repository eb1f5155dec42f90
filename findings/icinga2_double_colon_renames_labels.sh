#!/bin/bash
# Icinga 2.13.6: a label with `::` gives its first part to all labels behind it.
#
# One would guess: a performance value is stored by the label that the plugin printed.
# What happens: `::` is the mark of check_multi. What stands before it is kept, and put before each
# following label until the next one that has a `::` of its own, whatever plugin it was.
# Why it matters: an IPv6 address in a label, `time_::1`, makes `total_time` a `time_::total_time`; a
# graph of total_time ends, and nobody sees why. Make labels of letters, digits and `_`.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK - fine | before=1 time_::1=2 total_time=3 total_size=4"
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
is "labels" "before=1 time_::1=2 time_::total_time=3 time_::total_size=4" "$(cat seen.* | head -n 1)"

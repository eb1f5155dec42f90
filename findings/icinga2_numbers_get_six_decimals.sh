#!/bin/bash
# Icinga 2.13.6: a number with a decimal point reaches the plugin with six decimals.
#
# One would guess: `vars.min_tls = 1.2` gives the argument 1.2, as it is written.
# What happens: numbers that are not whole are printed with six decimals: 1.2 is "1.200000", 0.5 is "0.500000", 0.0000001 is
# "0.000000". Whole numbers, and texts, stay as they are.
# Why it matters: a plugin that knows the words 1.2 and 1.3 refuses 1.200000, and a small limit becomes 0. Quote what is not a
# quantity: `vars.min_tls = "1.2"`.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
plugin check <<PLUGIN
#!/bin/sh
echo "\$*" >>"$folder/seen"
PLUGIN
cat >>icinga2.conf <<CONFIGURATION
object CheckCommand "check" {
  command = [ "$folder/check", "\$number\$", "\$half\$", "\$small\$", "\$whole\$", "\$text\$" ]
}
object Host "host" {
  check_command = "check"
  check_interval = 1s
  vars.number = 1.2
  vars.half = 0.5
  vars.small = 0.0000001
  vars.whole = 3
  vars.text = "1.2"
}
CONFIGURATION
daemon "${icinga[@]}"
await seen 1
is '1.2, 0.5, 0.0000001, 3 and "1.2"' "1.200000 0.500000 0.000000 3 1.2" "$(head -n 1 seen)"

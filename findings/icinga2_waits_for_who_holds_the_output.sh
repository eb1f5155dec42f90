#!/bin/bash
# Icinga 2.13.6: a check is over when its output is closed, not when it has ended.
#
# One would guess: the result is there as soon as the plugin has ended, with its exit code.
# What happens: what the plugin started in the background holds its output open. Icinga waits for that until the time limit,
# kills the group, and has UNKNOWN in place of OK, below the text that says OK.
# Why it matters: a plugin that starts an agent (ssh's ControlPersist, a cache, a token helper) is well at a terminal and UNKNOWN
# at the first run in Icinga. Give what is to live on its own output: `>/dev/null 2>&1`.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"

icinga
plugin held <<'PLUGIN'
#!/bin/sh
sleep 30 &
echo "MAPI OK"
PLUGIN
plugin free <<'PLUGIN'
#!/bin/sh
sleep 30 >/dev/null 2>&1 &
echo "MAPI OK"
PLUGIN
cat >>icinga2.conf <<CONFIGURATION
for (name in [ "held", "free" ]) {
  object CheckCommand name {
    command = [ "$folder/" + name ]
    timeout = 4s
  }
}
object Host "tenant" {
  check_command = "free"
}
for (name in [ "held", "free" ]) {
  object Service name {
    host_name = "tenant"
    check_command = name
    check_interval = 1s
  }
}
object PerfdataWriter "writer" {
  service_perfdata_path = "$folder/seen"
  host_temp_path = "$folder/hosts"
  service_temp_path = "$folder/services"
  service_format_template = "\$service.name\$ \$service.state\$ \$service.output\$"
  rotation_interval = 2s
}
CONFIGURATION
daemon "${icinga[@]}"
for tries in $(seq 300); do
    ! grep -qs "^held" seen.* || break
    sleep 0.1
done
is "services" "free OK MAPI OK
held UNKNOWN MAPI OK
<Timeout exceeded.>" "$(cat seen.* | grep -A 1 "^free\|^held" | sort -u | sed '/^--$/d; /^</d'; grep -h -m 1 -A 1 "^held" seen.* | tail -n +2)"

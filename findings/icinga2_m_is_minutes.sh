#!/bin/bash
# Icinga 2.13.6: 1200ms reaches Graphite as 1.2, and 5M, which a plugin means as millions, as 300.
#
# One would guess: the number goes to Graphite as the plugin printed it, and a letter that is no unit of the guidelines is ignored.
# What happens: Icinga 2 counts into seconds and bytes, limits too: ms by 1000, KB as 1000 B. In its own list of units M, in either
# case, is minutes. A word that it does not know is left out, and the number stays.
# Why it matters: graphs and alarms made from the plugin's output are wrong by 1000 or by 60, and only below Icinga 2; Nagios hands
# the text on. Read one stored value before an alarm is set on it, and print seconds and bytes.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"
icinga

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >graphite.py <<'PYTHON'
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    with listener.accept()[0] as connection, connection.makefile() as lines, open("received", "a") as file:
        for line in lines:
            if ".perfdata." in line:
                print(" ".join(line.split(".perfdata.")[1].split()[:2]), file=file, flush=True)
PYTHON
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK | time=1200ms;1500;2000 mails=5M age=2m size=5KB items=5 rounds=5x"
PLUGIN
cat >>icinga2.conf <<CONFIGURATION
include <itl>
library "perfdata"
object GraphiteWriter "graphite" {
    host = "127.0.0.1"
    port = $port
    enable_send_thresholds = true
}
object CheckCommand "check" {
    command = [ "$folder/check" ]
}
object Host "tenant" {
    check_command = "check"
    check_interval = 1s
}
CONFIGURATION
daemon /usr/bin/env python3 "$folder/graphite.py" "$port"
daemon "${icinga[@]}"
await received 16
is "time=1200ms;1500;2000 mails=5M age=2m size=5KB items=5 rounds=5x at Graphite" "age.value 120
items.value 5
mails.value 300
rounds.value 5
size.value 5000
time.crit 2
time.value 1.200000
time.warn 1.500000" "$(sort -u received)"

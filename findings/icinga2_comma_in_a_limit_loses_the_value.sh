#!/bin/bash
# Icinga 2.13.6: one limit with a decimal comma, and the value itself is not stored.
#
# One would guess: of `latency=3s;2,5;5` the limit is dropped, as ranges are, and the value 3 is sent.
# What happens: the whole item is left out of what goes to Graphite, with a warning in the log; the service goes on showing it.
# Its neighbours are sent.
# Why it matters: a plugin that prints limits as the administrator typed them, or in the locale of the daemon, loses the graph of
# just that value. Print numbers with a point, and limits as they were understood.

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
echo "MAPI OK | comma=3s;2,5;5 point=3s;2.5;5"
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
await received 6
is "at Graphite" "point.crit 5
point.value 3
point.warn 2.500000" "$(sort -u received)"
is "in the log" "Ignoring invalid perfdata with value: comma=3s;2,5;5" \
    "$(grep -h -m 1 "invalid perfdata" daemon.log | sed "s/.*Ignoring/Ignoring/; s/ for checkable.*with/ with/")"

#!/bin/bash
# Icinga 2.13.6: a limit that is a range is not in what it sends to Graphite.
#
# One would guess: of `latency=3s;1:2;@4:5` the ranges are sent as they are, or their upper ends.
# What happens: limits that are one number are sent; a range of the plugin format, even `0:2`, which is the same as `2`, is
# left out without a message. The value itself is sent. The PerfdataWriter, beside it, keeps the ranges.
# Why it matters: the line of the limit is missing in the graph of just that mailbox, and its alarm in Grafana compares with
# nothing. Print a plain number where a range starts at 0.

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
echo "MAPI OK | plain=3s;4;5 ranges=3s;1:4;@4:5 zero=3s;0:4;0:5"
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
await received 15
is "values and limits at Graphite" "plain.crit 5
plain.value 3
plain.warn 4
ranges.value 3
zero.value 3" "$(sort -u received)"

#!/bin/bash
# Prometheus node exporter 1.5.0: of a series that a text file has twice, the second is dropped, and nothing counts as an error.
#
# One would guess: `node_textfile_scrape_error`, made for alarms, is 1, as for every mistake in a file; or the last value counts.
# What happens: the file counts as read and the error as 0, the answer is 200. The first value is there, the second is only in
# the log of the node exporter. So it goes for another HELP of a name in a second file: all its series are missing.
# Why it matters: who appends results to a file shows the first of all runs for ever, with a fresh
# `node_textfile_mtime_seconds`; and two checks of different versions take each other out. Write a file anew, in one piece.

. "$(dirname "$0")/common.bash"
debian prometheus-node-exporter=1.5.0-1+b6

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
mkdir files
daemon usr/bin/prometheus-node-exporter --web.listen-address="127.0.0.1:$port" --collector.disable-defaults \
    --collector.textfile --collector.textfile.directory="$folder/files"
cat >ask.py <<'PYTHON'
import sys
import time
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for _ in range(300):
    try:
        answer = OPENER.open(f"http://127.0.0.1:{sys.argv[1]}/metrics", None, 10)
        break
    except OSError:
        time.sleep(0.1)
lines = answer.read().decode().splitlines()
shown = [line for line in lines if line.startswith(("mapi_", "node_textfile_scrape_error"))]
print(answer.status, *shown, sep=", ")
PYTHON
seen() { python3 ask.py "$port"; }
printf 'mapi_up{mailbox="alice"} 1\n' >files/a.prom
is "one line" '200, mapi_up{mailbox="alice"} 1, node_textfile_scrape_error 0' "$(seen)"
printf 'mapi_up{mailbox="alice"} 0\n' >>files/a.prom
is "a second line of the same series" '200, mapi_up{mailbox="alice"} 1, node_textfile_scrape_error 0' "$(seen)"
is "the log" "was collected before with the same name and label values" "$(grep -o 'was collected before.*values' daemon.log)"
printf '# HELP mapi_up Signed in\nmapi_up{mailbox="alice"} 1\n' >files/a.prom
printf '# HELP mapi_up Signed in.\nmapi_up{mailbox="bob"} 0\n' >files/b.prom
is "a second file with another HELP" '200, mapi_up{mailbox="alice"} 1, node_textfile_scrape_error 0' "$(seen)"
printf 'mapi_up{mailbox="bob"} zero\n' >files/b.prom
is "a value that is no number" '200, mapi_up{mailbox="alice"} 1, node_textfile_scrape_error 1' "$(seen)"

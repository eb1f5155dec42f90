#!/bin/bash
# Prometheus Pushgateway 1.5.1: POST takes all series of the names that it brings out, also those with other labels.
#
# One would guess: PUT replaces what a job had pushed, and POST adds to it, so that each mailbox can be pushed by itself.
# What happens: POST replaces by name: `mapi_up{mailbox="bob"}` takes `mapi_up{mailbox="alice"}` out, whatever its labels. What has
# another name stays. Only labels of the URL keep series apart.
# Why it matters: checks that push one after another leave the last mailbox alone; the failure of all others is gone after a
# moment, with 200 to each. Push all of a job together, or write the mailbox into the URL: /metrics/job/mapi/mailbox/alice.

. "$(dirname "$0")/common.bash"
debian prometheus-pushgateway=1.5.1-2+b5

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
daemon usr/bin/prometheus-pushgateway --web.listen-address="127.0.0.1:$port" --log.level=error
cat >ask.py <<'PYTHON'
import sys
import time
import urllib.request

BASE = f"http://127.0.0.1:{sys.argv[1]}/metrics"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def stored():
    lines = OPENER.open(BASE, None, 10).read().decode().splitlines()
    return sorted(line.replace('instance="",job="mapi",', "") for line in lines if line.startswith("mapi_"))


def push(group, line):
    request = urllib.request.Request(BASE + group, f"{line}\n".encode(), method="POST")
    print("POST", group, line, OPENER.open(request, None, 10).status)


for _ in range(300):
    try:
        stored()
        break
    except OSError:
        time.sleep(0.1)
push("/job/mapi", 'mapi_seconds{mailbox="alice"} 3')
push("/job/mapi", 'mapi_up{mailbox="alice"} 0')
push("/job/mapi", 'mapi_up{mailbox="bob"} 1')
print("stored:", *stored())
push("/job/mapi/mailbox/alice", "mapi_state 2")
push("/job/mapi/mailbox/bob", "mapi_state 0")
print("stored:", *stored())
PYTHON
is "pushed one by one" 'POST /job/mapi mapi_seconds{mailbox="alice"} 3 200
POST /job/mapi mapi_up{mailbox="alice"} 0 200
POST /job/mapi mapi_up{mailbox="bob"} 1 200
stored: mapi_seconds{mailbox="alice"} 3 mapi_up{mailbox="bob"} 1
POST /job/mapi/mailbox/alice mapi_state 2 200
POST /job/mapi/mailbox/bob mapi_state 0 200
stored: mapi_seconds{mailbox="alice"} 3 mapi_state{mailbox="alice"} 2 mapi_state{mailbox="bob"} 0 mapi_up{mailbox="bob"} 1' \
    "$(python3 ask.py "$port")"

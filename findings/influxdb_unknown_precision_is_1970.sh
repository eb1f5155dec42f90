#!/bin/bash
# InfluxDB 1.6.7: `precision=sec` is no error, the point is stored in 1970.
#
# One would guess: a unit of time that does not exist is refused, as a line with a mistake is: 400.
# What happens: every word but the known ones (`s`, `ms`, ...) counts for nanoseconds, `S` and `sec` too. The answer is 204, and
# the seconds of today are the first two seconds of 1970.
# Why it matters: the sender sees success, the graph of the last hours is empty, and where a retention policy is set the point is
# gone at once. Write `precision=s`, and read one point back.

. "$(dirname "$0")/common.bash"
debian influxdb=1.6.7~rc0-1+b13

port() { python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'; }
http=$(port) rpc=$(port)
cat >influxdb.conf <<CONFIGURATION
reporting-disabled = true
bind-address = "127.0.0.1:$rpc"
[meta]
dir = "$folder/meta"
[data]
dir = "$folder/data"
wal-dir = "$folder/wal"
[http]
bind-address = "127.0.0.1:$http"
[monitor]
store-enabled = false
CONFIGURATION
daemon usr/bin/influxd -config "$folder/influxdb.conf"

cat >ask.py <<'PYTHON'
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BASE = f"http://127.0.0.1:{sys.argv[1]}"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(path, **fields):
    return OPENER.open(BASE + path, urllib.parse.urlencode(fields).encode(), 10)


def write(precision, line):
    try:
        return OPENER.open(f"{BASE}/write?db=checks&precision={precision}", line.encode(), 10).status
    except urllib.error.HTTPError as error:
        return error.status


for _ in range(300):
    try:
        OPENER.open(BASE + "/ping", None, 10)
        break
    except OSError:
        time.sleep(0.1)
post("/query", q="CREATE DATABASE checks")
for precision in ("s", "sec", "S"):
    status = write(precision, "check value=1 1790000000")
    series = json.load(post("/query", db="checks", q="SELECT value FROM check"))["results"][0]["series"]
    print(precision, status, sorted(time for time, _ in series[0]["values"]))
    post("/query", db="checks", q="DROP MEASUREMENT check")
print("a mistake in the line:", write("s", "check value=one"))
PYTHON
is "precision, answer, what is stored" "s 204 ['2026-09-21T14:13:20Z']
sec 204 ['1970-01-01T00:00:01.79Z']
S 204 ['1970-01-01T00:00:01.79Z']
a mistake in the line: 400" "$(python3 ask.py "$http")"

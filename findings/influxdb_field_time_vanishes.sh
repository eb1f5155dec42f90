#!/bin/bash
# InfluxDB 1.6.7: a field named `time` is thrown away, and the answer is that all went well.
#
# One would guess: it is stored beside the time of the point, or the line is refused.
# What happens: with other fields on the line, the answer is 204 and the field is gone. Only a line that has no other field is
# refused, so that a first try with one field tells the truth and the real data do not.
# Why it matters: `time` is the label of many checks (check_http says time=0.04s). Where labels become fields, the latency is
# the one value that never arrives. Put the label into a tag's value and the number into a field `value`.

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


def write(line):
    try:
        return OPENER.open(BASE + "/write?db=checks", line.encode(), 10).status
    except urllib.error.HTTPError as error:
        return error.status


for _ in range(300):
    try:
        OPENER.open(BASE + "/ping", None, 10)
        break
    except OSError:
        time.sleep(0.1)
post("/query", q="CREATE DATABASE checks")
print("time alone:", write("lone time=0.04"))
print("time and size:", write("check time=0.04,size=63"))
series = json.load(post("/query", db="checks", q="SHOW FIELD KEYS"))["results"][0]["series"]
print("fields:", [(one["name"], [name for name, _ in one["values"]]) for one in series])
PYTHON
is "answers, then what is stored" "time alone: 400
time and size: 204
fields: [('check', ['size'])]" "$(python3 ask.py "$http")"

#!/bin/bash
# Monitoring Plugins 2.3.3: in the file of `--extra-opts`, quotes and what stands behind a value are part of it.
#
# One would guess: as in most ini files, `"two words"  # why` is two words; the quotes and the comment go.
# What happens: the value is the whole rest of the line, quotes, blanks between, `#` and `;` and all. A line that begins with
# `#` is a comment, the end of a line is not.
# Why it matters: a password in quotes is a wrong password, refused at each run, and the file looks right. Write the bare value,
# and the comment on a line of its own.

. "$(dirname "$0")/common.bash"
debian monitoring-plugins-basic=2.3.3-5+deb12u2 monitoring-plugins-common=2.3.3-5+deb12u2 libssl3

cat >plugins.ini <<'INI'
[check_http]
# the name of the probe
useragent = "two words"  # why
header = X-Remark: three; four
authorization = probe:"S3cret"
INI
cat >serve.py <<'PYTHON'
import base64
import socket
import subprocess
import sys

with socket.create_server(("127.0.0.1", 0)) as listener:
    port = str(listener.getsockname()[1])
    plugin = subprocess.Popen([*sys.argv[1:], "-H", "127.0.0.1", "-p", port], stdout=subprocess.DEVNULL)
    listener.settimeout(20)
    connection = listener.accept()[0]
    for line in connection.recv(4096).decode().splitlines():
        name, _, value = line.partition(": ")
        if name == "Authorization":
            value = base64.b64decode(value.split()[1]).decode()
        if name in ("User-Agent", "X-Remark", "Authorization"):
            print(f"{name} <{value}>")
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()
    plugin.wait(20)
PYTHON
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)
is "headers of check_http" 'Authorization <probe:"S3cret">
User-Agent <"two words"  # why>
X-Remark <three; four>' "$(python3 serve.py usr/lib/nagios/plugins/check_http --extra-opts=@plugins.ini | sort)"

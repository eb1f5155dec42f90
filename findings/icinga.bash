# Sourced by findings about Icinga 2, after common.bash.

# icinga: Icinga 2 in this folder. "${icinga[@]}" is its daemon's command line, to which -C may be added;
# icinga2.conf is its configuration, to be added to.
icinga() {
    debian icinga2-bin=2.13.6-2+deb12u2 \
        libboost-{context,coroutine,filesystem,iostreams,program-options,regex,thread}1.74.0 \
        libicu72 libedit2 libbsd0 libmd0 libssl3
    cat >icinga2.conf <<CONFIGURATION
const NodeName = "node"
const ZoneName = "node"
object CheckerComponent "checker" { }
CONFIGURATION
    local part at
    at=usr/lib/$(uname -m)-linux-gnu
    icinga=(env "LD_LIBRARY_PATH=$folder/$at:$folder/$at/icinga2" "$at/icinga2/sbin/icinga2"
        daemon -c "$folder/icinga2.conf"
        "-DConfiguration.RunAsUser=$user" "-DConfiguration.RunAsGroup=$group")
    for part in Config Data Log Cache Spool InitRun; do
        mkdir "$part"
        icinga+=("-DConfiguration.${part}Dir=$folder/$part")
    done
    [ ${#as[@]} = 0 ] || chown -R "$user:$group" "$folder"
}

# icinga_api: let it run with an API and the passive services alice and bob of the host `tenant`.
# `send QUERY JSON` submits a result, `states` shows what the services have.
icinga_api() {
    local port command=("${icinga[@]:0:3}") definitions=("${icinga[@]:6}")
    mkdir Data/certs
    [ ${#as[@]} = 0 ] || chown -R "$user:$group" "$folder"
    "${command[@]}" pki new-ca "${definitions[@]}" >>install.log
    "${command[@]}" pki new-cert --cn node --key Data/certs/node.key --csr Data/certs/node.csr "${definitions[@]}" >>install.log
    "${command[@]}" pki sign-csr --csr Data/certs/node.csr --cert Data/certs/node.crt "${definitions[@]}" >>install.log
    cp Data/ca/ca.crt Data/certs
    port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    api=https://127.0.0.1:$port/v1
    cat >>icinga2.conf <<CONFIGURATION
object Endpoint NodeName { }
object Zone ZoneName {
  endpoints = [ NodeName ]
}
object ApiListener "api" {
  bind_host = "127.0.0.1"
  bind_port = $port
}
object ApiUser "probe" {
  password = "S3cret"
  permissions = [ "*" ]
}
object CheckCommand "none" {
  command = [ "/bin/true" ]
}
object Host "tenant" {
  check_command = "none"
  enable_active_checks = false
}
for (mailbox in [ "alice", "bob" ]) {
  object Service mailbox {
    host_name = "tenant"
    check_command = "none"
    enable_active_checks = false
  }
}
CONFIGURATION
    cat >ask.py <<'PYTHON'
import base64
import json
import ssl
import sys
import time
import urllib.error
import urllib.request

OPENER = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
)
LOGON = base64.b64encode(b"probe:S3cret").decode()
HEADERS = {"Accept": "application/json", "Authorization": f"Basic {LOGON}"}
REQUEST = urllib.request.Request(sys.argv[1], sys.argv[2].encode() if sys.argv[2:] else None, HEADERS)


def answer():
    for _ in range(300):
        try:
            return json.load(OPENER.open(REQUEST, timeout=20))["results"]
        except urllib.error.HTTPError as error:
            return [{"code": error.code}]
        except OSError:
            time.sleep(0.1)


for result in answer():
    if "code" in result:
        print(result["code"], result.get("status", "").partition(" for ")[0])
    else:
        seen = result["attrs"]["last_check_result"]
        print(result["attrs"]["name"], f"{int(seen['state'])} {seen['output']}" if seen else "nothing")
PYTHON
    daemon "${icinga[@]}"
}
send() { python3 ask.py "$api/actions/process-check-result$1" "$2" | sed 's/ *$//' | paste -s -d ,; }
states() { python3 ask.py "$api/objects/services?attrs=name&attrs=last_check_result" | sort | paste -s -d ,; }

# icinga_graphite OUTPUT [HOST]: let it run a check of this output at a host, and send what the check
# measures, with limits, to a Graphite that writes name and value of each point into `received`.
icinga_graphite() {
    local port
    port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    cat >graphite.py <<'PYTHON'
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    with listener.accept()[0] as connection, connection.makefile() as lines, open("received", "a") as file:
        for line in lines:
            if ".perfdata." in line:
                print(*line.split()[:2], file=file, flush=True)
PYTHON
    printf '#!/bin/sh\ncat <<"END"\n%s\nEND\n' "$1" | plugin check
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
object Host "${2:-tenant}" {
    check_command = "check"
    check_interval = 1s
}
CONFIGURATION
    daemon /usr/bin/env python3 "$folder/graphite.py" "$port"
    daemon "${icinga[@]}"
}

# What Graphite was sent, each once, without what all names begin with.
points() { sed 's/.*\.perfdata\.//' received | sort -u; }

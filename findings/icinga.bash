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

# icinga_api: add the API to it, at $api, with one user who may do everything; `ask PATH [JSON]` asks it and shows the answer.
icinga_api() {
    local port command=("${icinga[@]:0:3}") definitions=("${icinga[@]:6}")
    port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    api=https://127.0.0.1:$port/v1
    mkdir Data/certs
    [ ${#as[@]} = 0 ] || chown -R "$user:$group" "$folder"
    "${command[@]}" pki new-ca "${definitions[@]}" >>install.log
    "${command[@]}" pki new-cert --cn node --key Data/certs/node.key --csr Data/certs/node.csr "${definitions[@]}" >>install.log
    "${command[@]}" pki sign-csr --csr Data/certs/node.csr --cert Data/certs/node.crt "${definitions[@]}" >>install.log
    cp Data/ca/ca.crt Data/certs
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
REQUEST = urllib.request.Request(
    sys.argv[1],
    sys.argv[2].encode() if sys.argv[2:] else None,
    {"Accept": "application/json", "Authorization": "Basic " + base64.b64encode(b"probe:S3cret").decode()},
)
for _ in range(300):
    try:
        print(json.dumps(json.load(OPENER.open(REQUEST, timeout=20))))
        break
    except urllib.error.HTTPError as error:
        print(error.code)
        break
    except OSError:
        time.sleep(0.1)
PYTHON
}
ask() { python3 "$folder/ask.py" "$api/$1" "${@:2}"; }

#!/bin/bash
# Icinga 2.13.6: dots in a label are folders at Graphite, dots in a host's name are not.
#
# One would guess: both become `_`, since a dot separates the parts of a Graphite name.
# What happens: the host mail.contoso.com is sent as mail_contoso_com; the label time_mail.contoso.com is sent with its dots, and
# Graphite makes folders of it. Blanks become `_` in both.
# Why it matters: a dashboard that takes the label from one place of the name finds `time_mail`, and shows nothing for the rest. Make
# labels of letters, digits and `_`.

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
                print(line.split()[0], file=file, flush=True)
PYTHON
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK | time_mail.contoso.com=3 'two words'=4"
PLUGIN
cat >>icinga2.conf <<CONFIGURATION
include <itl>
library "perfdata"
object GraphiteWriter "graphite" {
    host = "127.0.0.1"
    port = $port
}
object CheckCommand "check" {
    command = [ "$folder/check" ]
}
object Host "mail.contoso.com" {
    check_command = "check"
    check_interval = 1s
}
CONFIGURATION
daemon /usr/bin/env python3 "$folder/graphite.py" "$port"
daemon "${icinga[@]}"
await received 2
is "names at Graphite" "icinga2.mail_contoso_com.host.check.perfdata.time_mail.contoso.com.value
icinga2.mail_contoso_com.host.check.perfdata.two_words.value" "$(sort -u received)"

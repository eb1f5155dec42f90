#!/bin/bash
# NSCA 2.10.2: send_nsca takes every word that is not a number for the state OK.
#
# One would guess: a line without a numeric return code is refused, at the sender or at the daemon.
# What happens: "CRITICAL" in place of 2 is sent as 0, OK. A service's line that lacks the return code has three fields, so
# that it is a host's: the service's name is its return code, 0, and the host is UP with the text of a failure. The sender
# says "sent successfully" and ends with 0 each time.
# Why it matters: a wrapper with a mistake shows a broken mailbox as OK. Look at the return code before it is sent.

. "$(dirname "$0")/common.bash"
debian nsca=2.10.2-2 nsca-client=2.10.2-2 libmcrypt4
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >nsca.cfg <<CONFIGURATION
server_address=127.0.0.1
server_port=$port
nsca_user=$user
nsca_group=$group
pid_file=$folder/nsca.pid
command_file=$folder/commands
append_to_file=1
aggregate_writes=0
decryption_method=0
CONFIGURATION
echo encryption_method=0 >send_nsca.cfg
: >commands
daemon usr/sbin/nsca -c "$folder/nsca.cfg" -f --single

# send TEXT N: send a line; then the daemon has written N of them.
send() {
    local tries
    for tries in $(seq 100); do
        ! printf "$1\n" | usr/sbin/send_nsca -H 127.0.0.1 -p "$port" -c send_nsca.cfg >sent 2>&1 || break
        sleep 0.1
    done
    await commands "$2"
    seen=$(tail -n 1 commands | cut -d' ' -f2-)
}
send 'tenant\tmailbox\t2\tMAPI CRITICAL' 1
is "tenant, mailbox, 2" "PROCESS_SERVICE_CHECK_RESULT;tenant;mailbox;2;MAPI CRITICAL" "$seen"
send 'tenant\tmailbox\tCRITICAL\tMAPI CRITICAL' 2
is "tenant, mailbox, CRITICAL" "PROCESS_SERVICE_CHECK_RESULT;tenant;mailbox;0;MAPI CRITICAL" "$seen"
send 'tenant\tmailbox\tMAPI CRITICAL' 3
is "tenant, mailbox" "PROCESS_HOST_CHECK_RESULT;tenant;0;MAPI CRITICAL" "$seen"
is "the sender" "1 data packet(s) sent to host successfully." "$(cat sent)"

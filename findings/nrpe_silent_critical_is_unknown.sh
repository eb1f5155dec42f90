#!/bin/bash
# NRPE 4.1.0: the exit code of a plugin that prints nothing does not count.
#
# One would guess: the exit code is the state, and an empty text is an empty text; what stands on standard error is shown, as
# Nagios and Icinga do.
# What happens: without standard output the answer is UNKNOWN, "Unable to read output", also for exit code 2 and also where the
# reason stands on standard error. With one word of output the code counts.
# Why it matters: a wrapper that ends with 2 and writes to standard error why, is UNKNOWN by NRPE and CRITICAL by the scheduler
# itself, and the reason is lost. Print the state on standard output.

. "$(dirname "$0")/common.bash"

debian nagios-nrpe-server=4.1.0-1+b1 nagios-nrpe-plugin=4.1.0-1+b1 libwrap0 libnsl2 libtirpc3
export LD_LIBRARY_PATH=$folder/usr/lib/$(uname -m)-linux-gnu:$folder/lib/$(uname -m)-linux-gnu
plugin silent <<'PLUGIN'
#!/bin/sh
exit 2
PLUGIN
plugin complains <<'PLUGIN'
#!/bin/sh
echo "MAPI CRITICAL - cannot log on" >&2
exit 2
PLUGIN
plugin speaks <<'PLUGIN'
#!/bin/sh
echo "MAPI CRITICAL - cannot log on"
exit 2
PLUGIN
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >nrpe.cfg <<CONFIGURATION
log_file=$folder/nrpe.log
pid_file=$folder/nrpe.pid
server_address=127.0.0.1
server_port=$port
nrpe_user=$user
nrpe_group=$group
allowed_hosts=127.0.0.1
command[silent]=$folder/silent
command[complains]=$folder/complains
command[speaks]=$folder/speaks
CONFIGURATION
: >nrpe.log
daemon usr/sbin/nrpe -c "$folder/nrpe.cfg" -n -f
await nrpe.log 4

ask() {
    local code=0 seen
    seen=$(usr/lib/nagios/plugins/check_nrpe -n -H 127.0.0.1 -p "$port" -c "$1") || code=$?
    echo "$seen ($code)"
}
is "nothing, exit code 2" "NRPE: Unable to read output (3)" "$(ask silent)"
is "standard error, exit code 2" "NRPE: Unable to read output (3)" "$(ask complains)"
is "standard output, exit code 2" "MAPI CRITICAL - cannot log on (2)" "$(ask speaks)"

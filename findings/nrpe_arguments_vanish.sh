#!/bin/bash
# NRPE 4.1.0: where arguments are forbidden, $ARG1$ becomes nothing, and the plugin runs without.
#
# One would guess: a command with $ARG1$ is refused while dont_blame_nrpe=0, the default,
# or the plugin gets the text $ARG1$.
# What happens: the placeholder is taken out of the command line. What was to be limits or a mailbox is
# missing, and nobody is told: the exit code is that of the plugin.
# Why it matters: `command[mapi]=check_mapi_connectivity --tenant NAME -m ADDRESS $ARG1$`, written for
# `-w 2 -c 5`, is OK however slow the mailbox is. Write whole command lines into nrpe.cfg.

. "$(dirname "$0")/common.bash"

debian nagios-nrpe-server=4.1.0-1+b1 nagios-nrpe-plugin=4.1.0-1+b1 libwrap0 libnsl2 libtirpc3
export LD_LIBRARY_PATH=$folder/usr/lib/$(uname -m)-linux-gnu:$folder/lib/$(uname -m)-linux-gnu
plugin check <<'PLUGIN'
#!/bin/sh
echo "MAPI OK - arguments: $*"
PLUGIN
port=$((20000 + $$ % 10000))
cat >nrpe.cfg <<CONFIGURATION
log_file=$folder/nrpe.log
pid_file=$folder/nrpe.pid
server_address=127.0.0.1
server_port=$port
nrpe_user=$user
nrpe_group=$group
allowed_hosts=127.0.0.1
dont_blame_nrpe=0
command[mapi]=$folder/check -m probe@contoso.com \$ARG1\$ -t 30
CONFIGURATION
: >nrpe.log
daemon usr/sbin/nrpe -c "$folder/nrpe.cfg" -n -f
await nrpe.log 4

code=0
seen=$(usr/lib/nagios/plugins/check_nrpe -n -H 127.0.0.1 -p "$port" -c mapi) || code=$?
is "output" "MAPI OK - arguments: -m probe@contoso.com -t 30" "$seen"
is "exit code" 0 "$code"

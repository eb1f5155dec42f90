# Sourced by findings about Nagios 4, after common.bash.

# nagios COMMAND VARIABLE: one host with a custom variable, checked every second by a stand-in that puts
# its words into the file `seen`; COMMAND is the stand-in's part of the command line.
nagios() {
    debian nagios4-core=4.4.6-4+deb12u2
    plugin check <<PLUGIN
#!/bin/sh
for word; do printf '<%s>' "\$word"; done >>"$folder/seen"
echo >>"$folder/seen"
PLUGIN
    mkdir spool
    cat >nagios.cfg <<CONFIGURATION
cfg_file=$folder/objects.cfg
log_file=$folder/nagios.log
object_cache_file=$folder/objects.cache
precached_object_file=$folder/objects.precache
status_file=$folder/status.dat
status_update_interval=1
temp_file=$folder/nagios.tmp
temp_path=$folder
check_result_path=$folder/spool
state_retention_file=$folder/retention.dat
lock_file=$folder/nagios.lock
query_socket=$folder/nagios.qh
command_file=$folder/nagios.cmd
check_external_commands=0
nagios_user=$user
nagios_group=$group
interval_length=1
enable_notifications=0
check_for_updates=0
use_syslog=0
illegal_macro_output_chars=\`~\$&|'"<>
CONFIGURATION
    cat >objects.cfg <<CONFIGURATION
define command{
    command_name check
    command_line $folder/check $1
}
define timeperiod{
    timeperiod_name always
    alias always
    sunday 00:00-24:00
    monday 00:00-24:00
    tuesday 00:00-24:00
    wednesday 00:00-24:00
    thursday 00:00-24:00
    friday 00:00-24:00
    saturday 00:00-24:00
}
define contact{
    contact_name somebody
    host_notification_commands check
    service_notification_commands check
    host_notification_period always
    service_notification_period always
}
define host{
    host_name tenant
    address 127.0.0.1
    contacts somebody
    check_period always
    notification_period always
    max_check_attempts 1
    check_interval 1
    check_command check
    $2
}
define service{
    host_name tenant
    service_description mailbox
    contacts somebody
    check_period always
    notification_period always
    max_check_attempts 1
    check_interval 1
    retry_interval 1
    check_command check
}
CONFIGURATION
    [ ${#as[@]} = 0 ] || chown -R "$user:$group" "$folder"
    "${as[@]}" usr/sbin/nagios4 -v "$folder/nagios.cfg" >checked
    is "nagios4 -v" "Total Warnings: 0, Total Errors:   0" \
        "$(grep -h ^Total checked | paste -s -d, | sed 's/,/, /')"
    daemon usr/sbin/nagios4 "$folder/nagios.cfg"
    await seen 1
}

# shown PATTERN: what Nagios has of the service, as soon as the pattern is in it.
shown() {
    local tries
    for tries in $(seq 300); do
        sed -n '/^servicestatus/,/}/ { s/^\t//; /^current_state=\|plugin_output=\|^performance_data=/p }' status.dat >shown 2>>install.log || true
        ! grep -q "$1" shown || break
        sleep 0.1
    done
    cat shown
}

# passive: begin again, without checks of the service; `result CODE TEXT FINISHED` writes the file of a result.
passive() {
    kill -KILL -- "-${started[0]}"
    while kill -0 -- "-${started[0]}" 2>/dev/null; do sleep 0.1; done
    rm -f nagios.qh nagios.lock nagios.cmd status.dat
    sed -i '/service_description mailbox/a active_checks_enabled 0' objects.cfg
    echo "check_result_reaper_frequency=1" >>nagios.cfg
    daemon usr/sbin/nagios4 "$folder/nagios.cfg"
}
result() {
    local name
    name=c$(printf %06d "$((results += 1))")
    cat >"spool/$name" <<RESULT
file_time=$(date +%s)

host_name=tenant
service_description=mailbox
check_type=1
start_time=$3.0
finish_time=$3.0
return_code=$1
output=$2
RESULT
    : >"spool/$name.ok"
    [ ${#as[@]} = 0 ] || chown "$user:$group" spool/*
}
results=0

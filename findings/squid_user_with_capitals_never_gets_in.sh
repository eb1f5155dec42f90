#!/bin/bash
# Squid 5.7: a user whose name has a capital in the password file is refused, with the right password.
#
# One would guess: the name goes to the program that looks at the password as it was typed; whether case counts is the
# program's business.
# What happens: Squid makes it lower case first (`auth_param basic casesensitive` is off). Squid's own basic_ncsa_auth compares
# exactly, so that `Probe` of the file can be reached by no spelling, and `probe` by all of them.
# Why it matters: 407 for a password that is right sends one looking for encodings and quotes. Write names in the proxy's file in
# lower case, or set casesensitive on.

. "$(dirname "$0")/common.bash"
debian squid=5.7-2+deb12u6 squid-common squid-langpack libecap3 libltdl7 libnettle8 libhogweed6 libgnutls30 \
    libnetfilter-conntrack3 libnfnetlink0 libmnl0 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0


port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
plugin helper <<HELPER
#!/bin/sh
tee -a "$folder/names" | "$folder/usr/lib/squid/basic_ncsa_auth" "$folder/passwords"
HELPER
for name in Probe monitor; do
    printf 'S3cret\n' | openssl passwd -apr1 -stdin | sed "s/^/$name:/"
done >passwords
cat >squid.conf <<CONFIGURATION
http_port 127.0.0.1:$port
auth_param basic program $folder/helper
auth_param basic children 1 startup=1 idle=1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
visible_hostname proxy.lab.test
pid_filename none
netdb_filename none
pinger_enable off
cache deny all
hosts_file none
udp_incoming_address 127.0.0.1
dns_nameservers 127.0.0.1
cache_effective_user $user
cache_log $folder/cache.log
access_log none
coredump_dir $folder
mime_table $folder/usr/share/squid/mime.conf
icon_directory $folder/usr/share/squid/icons
error_directory $folder/usr/share/squid-langpack/en
CONFIGURATION
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)
daemon usr/sbin/squid -N -f "$folder/squid.conf"
for tries in $(seq 100); do
    ! grep -q "Accepting HTTP" cache.log 2>/dev/null || break
    sleep 0.1
done

cat >ask.py <<'PYTHON'
import base64
import socket
import sys

with socket.create_server(("127.0.0.1", 0)) as target:
    place = f"127.0.0.1:{target.getsockname()[1]}"
    for name in ("monitor", "MONITOR", "Probe", "probe"):
        user = base64.b64encode(f"{name}:S3cret".encode()).decode()
        request = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {user}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as connection:
            connection.sendall(request.encode())
            print(name, connection.recv(4096).decode().split()[1])
PYTHON
is "users of the file" "Probe monitor" "$(cut -d: -f1 passwords | paste -s -d ' ')"
is "name, status of CONNECT with the right password" "monitor 200
MONITOR 200
Probe 407
probe 407" "$(python3 ask.py "$port")"
is "names that the helper was asked for" "monitor probe" "$(cut -d' ' -f1 names | uniq | paste -s -d ' ')"

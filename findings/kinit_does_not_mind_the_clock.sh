#!/bin/bash
# MIT Kerberos 1.20.1: kinit gets a ticket, and services too, with a clock that is two days wrong.
#
# One would guess: more than five minutes between the client and the KDC are "Clock skew too great", for a password as well.
# What happens: the client takes the time out of the KDC's first answer, and remembers the difference in the file of tickets.
# Both kinit and the ticket for a service work. Only `klist -s` compares with the plain clock: it calls the new ticket expired.
# Why it matters: a Kerberos logon that works is no proof of the clock, and certificates or passive results still fail by it. A
# script `klist -s || kinit` asks for a ticket at every run.

. "$(dirname "$0")/common.bash"
debian krb5-{user,kdc,admin-server}=1.20.1-2+deb12u5 lib{krb5-3,k5crypto3,krb5support0,gssapi-krb5-2,kdb5-10}=1.20.1-2+deb12u5 \
    libfaketime=0.9.10-2.1 libgssrpc4 libkadm5{srv,clnt}-mit12 libcom-err2 libkeyutils1 libss2 libverto1 libverto-libev1 libev4
libraries=$(echo "$folder"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH=$libraries:$(echo "$folder"/lib/*-linux-gnu)
export KRB5_CONFIG=$folder/krb5.conf KRB5_KDC_PROFILE=$folder/kdc.conf KRB5CCNAME=FILE:$folder/tickets

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
cat >krb5.conf <<CONFIGURATION
[libdefaults]
    default_realm = LAB.TEST
    dns_lookup_kdc = false
    udp_preference_limit = 1
[realms]
    LAB.TEST = {
        kdc = 127.0.0.1:$port
    }
CONFIGURATION
cat >kdc.conf <<CONFIGURATION
[kdcdefaults]
    kdc_listen = 127.0.0.1:$port
    kdc_tcp_listen = 127.0.0.1:$port
[realms]
    LAB.TEST = {
        database_name = $folder/principal
        key_stash_file = $folder/stash
        max_life = 10h
    }
[dbmodules]
    db_module_dir = $libraries/krb5/plugins/kdb
CONFIGURATION
usr/sbin/kdb5_util -r LAB.TEST create -s -P master >>install.log 2>&1
for command in "addprinc -pw S3cret +requires_preauth probe" "addprinc -randkey HTTP/proxy.lab.test"; do
    usr/sbin/kadmin.local -q "$command" >>install.log 2>&1
done
daemon usr/sbin/krb5kdc -n -P "$folder/kdc.pid"
await daemon.log 1

ahead() { LD_PRELOAD=$libraries/faketime/libfaketime.so.1 FAKETIME=+2d "$@"; }
says() { "$@" >>install.log 2>&1 && echo yes || echo no; }
is "the client's clock is ahead by" "2 days" "$(($(ahead date +%s) / 86400 - $(date +%s) / 86400)) days"
is "kinit" yes "$(echo S3cret | says ahead usr/bin/kinit probe)"
is "a ticket for the proxy" yes "$(says ahead usr/bin/kvno HTTP/proxy.lab.test)"
is "klist -s" no "$(says ahead usr/bin/klist -s)"
is "klist -s by the right clock" yes "$(says usr/bin/klist -s)"

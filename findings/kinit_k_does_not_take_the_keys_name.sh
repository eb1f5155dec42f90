#!/bin/bash
# kinit of MIT Kerberos 1.20.1: `kinit -k -t FILE` does not log on as the account that the key file holds.
#
# One would guess: a key file with one account is enough, kinit takes its name, as the library does for KRB5_CLIENT_KTNAME.
# What happens: without a name kinit takes the host of the machine, `host/NAME`, and says that the file has "no suitable keys". The
# name of the file's account has to be repeated, or be asked for by `-i` from the file of KRB5_CLIENT_KTNAME.
# Why it matters: a cron job with a fresh key file fails as if the file, or its kinds of keys, were wrong; and klist -k shows nothing
# wrong. Write `kinit -k -t FILE ACCOUNT`.

. "$(dirname "$0")/common.bash"
debian krb5-user=1.20.1-2+deb12u5 lib{krb5-3,k5crypto3,krb5support0,gssapi-krb5-2,kdb5-10}=1.20.1-2+deb12u5 \
    libgssrpc4 libkadm5{srv,clnt}-mit12 libcom-err2 libkeyutils1 libss2
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu):$(echo "$folder"/lib/*-linux-gnu)
export KRB5_CONFIG=$folder/krb5.conf KRB5CCNAME=FILE:$folder/tickets
cat >krb5.conf <<'CONFIGURATION'
[libdefaults]
    default_realm = LAB.TEST
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
CONFIGURATION
printf 'addent -password -p monitor -k 1 -e aes256-cts\nS3cret\nwkt %s/keys\n' "$folder" | usr/bin/ktutil >/dev/null

try() { usr/bin/kinit "$@" 2>&1 | sed -E 's,host/[^ ]*,host/HERE,' || true; }
is "accounts of the file" "monitor@LAB.TEST" "$(usr/bin/klist -k keys | sed -n 's/^ *1 //p')"
is "kinit -k -t keys" "kinit: Keytab contains no suitable keys for host/HERE while getting initial credentials" "$(try -k -t keys)"
found='kinit: Cannot find KDC for realm "LAB.TEST" while getting initial credentials'
is "kinit -k -t keys monitor" "$found" "$(try -k -t keys monitor)"
export KRB5_CLIENT_KTNAME=$folder/keys
is "kinit -k -i, the file in KRB5_CLIENT_KTNAME" "$found" "$(try -k -i)"

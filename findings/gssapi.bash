# Sourced by the findings about Kerberos: Debian's gssapi for Python with MIT's libraries, and a realm without a KDC.

debian python3-gssapi=1.8.2-1+b1 python3-decorator libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1
export PYTHONPATH=$folder/usr/lib/python3/dist-packages LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)
export KRB5_CONFIG=$folder/krb5.conf KRB5CCNAME=FILE:$folder/no-cache KRB5_CLIENT_KTNAME=FILE:$folder/no-keytab
printf '[libdefaults]\n  default_realm = LAB.TEST\n' >krb5.conf

#!/bin/bash
# Python's ssl (3.11.2 with OpenSSL 3.0, of Debian 12): what cannot be read in openssl.cnf is the fault of the next certificate.
#
# One would guess: OpenSSL refuses such a configuration, or it passes over the line and all goes on without it.
# What happens: it passes over the line and leaves its error behind. Python looks for an error after it has loaded an
# authority, finds that one and raises it. The authority was loaded; the same call once more gives no error.
# Why it matters: a group or a cipher that an administrator added for a newer OpenSSL makes a good CA file "not usable", and
# it is the CA file that is repaired. An authority that is refused is worth a second try.

. "$(dirname "$0")/common.bash"
python cryptography==45.0.7

cat >openssl.cnf <<'CNF'
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
Groups = X25519MLKEM768_of_tomorrow
CNF
cat >load.py <<'PYTHON'
import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

key = ec.generate_private_key(ec.SECP256R1())
subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "company")])
made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
made = made.not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2049, 1, 1))
made = made.add_extension(x509.BasicConstraints(True, None), critical=True).sign(key, hashes.SHA256())
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
for _ in range(2):
    told = "no error"
    try:
        context.load_verify_locations(cadata=made.public_bytes(serialization.Encoding.DER))
    except ssl.SSLError as error:
        told = type(error).__name__
    print(f"{told}, authorities: {len(context.get_ca_certs())}")
PYTHON
load() { OPENSSL_CONF=$1 "cryptography==45.0.7/bin/python" load.py; }
is "with an empty openssl.cnf" "no error, authorities: 1
no error, authorities: 1" "$(load /dev/null)"
is "with a group that is not known" "SSLError, authorities: 1
no error, authorities: 1" "$(load "$folder/openssl.cnf")"

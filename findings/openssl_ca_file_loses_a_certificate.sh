#!/bin/bash
# Python's ssl (OpenSSL) and cryptography 45.0.7: one certificate of a CA file is lost without a word.
#
# One would guess: what stands before a certificate is skipped, or the file is refused.
# What happens: where other text stands on the line of `-----BEGIN CERTIFICATE-----`, OpenSSL passes over that certificate
# and takes the others. There is no error while one is left. cryptography reads all of them from the same file.
# Why it matters: a proxy's authority that was appended behind a label ("proxy: -----BEGIN ...") is not trusted, although
# another tool lists it as part of the file; what fails is the next TLS connection.

. "$(dirname "$0")/common.bash"
python cryptography==45.0.7

cat >read.py <<'PYTHON'
import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def authority(name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2049, 1, 1))
    made = made.add_extension(x509.BasicConstraints(True, None), critical=True).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


with open("ca.pem", "wb") as file:
    file.write(authority("company") + b"proxy: " + authority("proxy"))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations("ca.pem")
print("OpenSSL:", *(one["subject"][0][0][1] for one in context.get_ca_certs()))
with open("ca.pem", "rb") as file:
    print("cryptography:", *(one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(file.read())))
PYTHON
seen=$("cryptography==45.0.7/bin/python" read.py)
is "authorities" "OpenSSL: company
cryptography: CN=company CN=proxy" "$seen"

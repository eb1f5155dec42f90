#!/bin/bash
# cryptography 45.0.7: a private key that 44.0.3 and OpenSSL read cannot be read, because of the word in its marks.
#
# One would guess: the word between BEGIN and END is for people; what a key is stands in its bytes.
# What happens: from 45 on the word decides how the bytes are read. PKCS #8 between `-----BEGIN RSA PRIVATE KEY-----`, as
# programs write that put their own marks around what a library gives them, is refused; 44 and `openssl rsa` read it.
# Why it matters: the day cryptography is updated the certificate of an app "is damaged", and openssl says that it is not.
# The bytes alone, by load_der_private_key, are read by both.

. "$(dirname "$0")/common.bash"
python cryptography==44.0.3
python cryptography==45.0.7

cat >read.py <<'PYTHON'
import sys

from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa

key = rsa.generate_private_key(65537, 2048)
right = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
with open("renamed.pem", "wb") as file:
    file.write(right.replace(b" PRIVATE", b" RSA PRIVATE"))
with open("renamed.pem", "rb") as file:
    try:
        s.load_pem_private_key(file.read(), None)
        print("read")
    except ValueError as error:
        print("refused:", str(error)[:40])
s.load_der_private_key(key.private_bytes(s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption()), None)
PYTHON
is "cryptography 44.0.3" "read" "$("cryptography==44.0.3/bin/python" read.py)"
is "cryptography 45.0.7" "refused: Could not deserialize key data. The data" "$("cryptography==45.0.7/bin/python" read.py)"
is "openssl" "RSA key ok" "$(openssl rsa -in renamed.pem -noout -check 2>/dev/null)"

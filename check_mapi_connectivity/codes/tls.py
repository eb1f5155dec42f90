"""What OpenSSL says of certificates and handshakes -> kind, cause and remedy.

Numbers and names of verification are those of OpenSSL 3.0 (x509_vfy.h), reasons of a failed
handshake those of Python's ssl module (ssl.SSLError.reason).
"""

from __future__ import annotations

from . import numbered, table

#: Why a certificate is refused, as the words after "certificate of HOST refused: ".
VERIFY = numbered(
    """
[tls] give --ca-file; the authority is your own, or of a proxy that inspects TLS
2 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT: the issuer of an authority in its chain is unknown
18 X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: it is self-signed, nobody here trusts it
19 X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: its root authority is not trusted here
20 X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: its issuer is unknown here
27 X509_V_ERR_CERT_UNTRUSTED: its authority is not trusted for this use

[tls] have the server send its whole chain; else give the authority by --ca-file
21 X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: it came alone, and its issuer is unknown here

[tls] have the server's certificate renewed; or correct this host's clock
10 X509_V_ERR_CERT_HAS_EXPIRED: it has expired

[tls] check this host's clock
9 X509_V_ERR_CERT_NOT_YET_VALID: it is not yet valid

[tls] check host name, DNS and proxy; the certificate lacks that name
62 X509_V_ERR_HOSTNAME_MISMATCH: it is for other names
64 X509_V_ERR_IP_ADDRESS_MISMATCH: it is not for this address
63 X509_V_ERR_EMAIL_MISMATCH: it is for another e-mail address

[tls] have the server's certificate replaced
23 X509_V_ERR_CERT_REVOKED: its authority has revoked it
28 X509_V_ERR_CERT_REJECTED: the trust store here rejects it for this use

[tls] have it issued anew; key or digest must be stronger, see SECLEVEL in openssl.cnf
66 X509_V_ERR_EE_KEY_TOO_SMALL: its key is too weak
67 X509_V_ERR_CA_KEY_TOO_SMALL: the key of its authority is too weak
68 X509_V_ERR_CA_MD_TOO_WEAK: an authority signed with a weak digest

[tls] have it issued as a server certificate; extendedKeyUsage must be serverAuth
26 X509_V_ERR_INVALID_PURPOSE: it, or its authority, is not made for servers
39 X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE: its key may not sign

[tls] have it issued anew; a damaged one may come from a proxy on the way
4 X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE: its signature cannot be decrypted
6 X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: its issuer's key cannot be read
7 X509_V_ERR_CERT_SIGNATURE_FAILURE: its signature is wrong
13 X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD: its beginning of validity cannot be read
14 X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD: its end of validity cannot be read
34 X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION: it has a critical extension that is unknown here
37 X509_V_ERR_INVALID_NON_CA: it is marked as an authority and is none
41 X509_V_ERR_INVALID_EXTENSION: one of its extensions contradicts itself
45 X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE: an extension asks for what is unknown here
53 X509_V_ERR_UNSUPPORTED_NAME_SYNTAX: one of its names cannot be read
76 X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM: its kind of signature is unknown here
77 X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH: its signature is not of its issuer's kind of key
78 X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY: it names two kinds of signature
84 X509_V_ERR_SUBJECT_NAME_EMPTY: it has no subject
87 X509_V_ERR_EMPTY_SUBJECT_ALT_NAME: its list of names is empty
88 X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL: without a subject its names must be critical
93 X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3: it is too old a version for its extensions
94 X509_V_ERR_EC_KEY_EXPLICIT_PARAMS: its elliptic curve is not a named one

[tls] ask who runs its authority; or take it out of --ca-file
22 X509_V_ERR_CERT_CHAIN_TOO_LONG: its chain of authorities is too long
24 X509_V_ERR_NO_ISSUER_PUBLIC_KEY: its issuer has no key
25 X509_V_ERR_PATH_LENGTH_EXCEEDED: an authority may not have others below it
29 X509_V_ERR_SUBJECT_ISSUER_MISMATCH: the authority found has another name than its issuer
30 X509_V_ERR_AKID_SKID_MISMATCH: the authority found has another key than its issuer
31 X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH: the authority found has another serial number
32 X509_V_ERR_KEYUSAGE_NO_CERTSIGN: its issuer may not sign certificates
38 X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED: its chain of proxy certificates is too long
40 X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED: it is a proxy certificate
55 X509_V_ERR_PATH_LOOP: its chain of authorities goes round in a circle
70 X509_V_ERR_STORE_LOOKUP: looking for its authority failed here
72 X509_V_ERR_PROXY_SUBJECT_NAME_VIOLATION: its name breaks the rules of proxy certificates
79 X509_V_ERR_INVALID_CA: its issuer is no authority
80 X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA: it limits a chain and is no authority
81 X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN: an authority limits a chain and may not sign
82 X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA: it may sign others and is no authority
83 X509_V_ERR_ISSUER_NAME_EMPTY: it names no issuer
85 X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER: it lacks its issuer's key identifier
86 X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER: an authority lacks its key identifier
89 X509_V_ERR_CA_BCONS_NOT_CRITICAL: an authority's basic constraints are not critical
90 X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL: its issuer's key identifier is critical
91 X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL: its key identifier is critical
92 X509_V_ERR_CA_CERT_MISSING_KEY_USAGE: an authority does not say what its key is for

[tls] ask who runs its authority; the name is outside of what it may certify
42 X509_V_ERR_INVALID_POLICY_EXTENSION: its policies contradict each other
43 X509_V_ERR_NO_EXPLICIT_POLICY: it has no policy that counts
46 X509_V_ERR_UNNESTED_RESOURCE: it claims addresses that its issuer does not have
47 X509_V_ERR_PERMITTED_VIOLATION: its authority may not certify this name
48 X509_V_ERR_EXCLUDED_VIOLATION: its authority is barred from this name
49 X509_V_ERR_SUBTREE_MINMAX: its authority's limits on names are of an unknown kind
51 X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE: its authority limits names of an unknown kind
52 X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX: its authority's limits on names cannot be read

[tls] check openssl.cnf and OPENSSL_CONF; OpenSSL's settings of this host ask for it
3 X509_V_ERR_UNABLE_TO_GET_CRL: no revocation list of its authority is at hand
5 X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE: signature of a revocation list cannot be decrypted
8 X509_V_ERR_CRL_SIGNATURE_FAILURE: signature of a revocation list is wrong
11 X509_V_ERR_CRL_NOT_YET_VALID: a revocation list is not yet valid
12 X509_V_ERR_CRL_HAS_EXPIRED: a revocation list has expired
15 X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD: a revocation list's date cannot be read
16 X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD
33 X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER: issuer of a revocation list is unknown here
35 X509_V_ERR_KEYUSAGE_NO_CRL_SIGN: an authority may not sign revocation lists
36 X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION: a revocation list has an unknown extension
44 X509_V_ERR_DIFFERENT_CRL_SCOPE: a revocation list is for other certificates
54 X509_V_ERR_CRL_PATH_VALIDATION_ERROR: issuer of a revocation list cannot be verified
56 X509_V_ERR_SUITE_B_INVALID_VERSION: Suite B does not allow its version
57 X509_V_ERR_SUITE_B_INVALID_ALGORITHM: Suite B does not allow its kind of key
58 X509_V_ERR_SUITE_B_INVALID_CURVE: Suite B does not allow its elliptic curve
59 X509_V_ERR_SUITE_B_INVALID_SIGNATURE_ALGORITHM: Suite B does not allow its signature
60 X509_V_ERR_SUITE_B_LOS_NOT_ALLOWED: Suite B does not allow its curve at this level
61 X509_V_ERR_SUITE_B_CANNOT_SIGN_P_384_WITH_P_256: Suite B does not allow its issuer's curve
65 X509_V_ERR_DANE_NO_MATCH: no TLSA record fits it
71 X509_V_ERR_NO_VALID_SCTS: no transparency log lists it
73 X509_V_ERR_OCSP_VERIFY_NEEDED: no proof that it is not revoked
74 X509_V_ERR_OCSP_VERIFY_FAILED: the answer about its revocation cannot be verified
75 X509_V_ERR_OCSP_CERT_UNKNOWN: its authority's OCSP service does not know it

[tls] update Python and OpenSSL; if it lasts, run the check with --record and report it
1 X509_V_ERR_UNSPECIFIED: OpenSSL gives no reason
17 X509_V_ERR_OUT_OF_MEM: no memory was left to verify it
50 X509_V_ERR_APPLICATION_VERIFICATION: a check of its own failed
69 X509_V_ERR_INVALID_CALL: OpenSSL was called in a wrong way
""",
    "verify error {code}",
)

#: OpenSSL's reasons of a failed handshake; the cause follows the name of the place.
HANDSHAKE = table("""
[tls] check the proxy, then the firewall; or it is a plain HTTP port
WRONG_VERSION_NUMBER: {host} answers without TLS
UNKNOWN_PROTOCOL
HTTP_REQUEST
HTTPS_PROXY_REQUEST
RECORD_LAYER_FAILURE
PACKET_LENGTH_TOO_LONG

[tls] check --min-tls; the server may be too old
UNSUPPORTED_PROTOCOL: {host} offers no TLS version this check accepts
TLSV1_ALERT_PROTOCOL_VERSION
VERSION_TOO_LOW
VERSION_TOO_HIGH
WRONG_SSL_VERSION
UNSUPPORTED_SSL_VERSION

[tls] check --min-tls; and MinProtocol and MaxProtocol in openssl.cnf of this host
NO_PROTOCOLS_AVAILABLE: OpenSSL of this host allows no TLS version with {host}

[tls] check the proxy, then the firewall; one of them may cut the connection
UNEXPECTED_EOF_WHILE_READING: {host} breaks off the TLS handshake

[tls] check proxy and load balancer; one may want a client certificate, other ciphers
SSLV3_ALERT_HANDSHAKE_FAILURE: {host} refuses the TLS handshake

[tls] exempt this host from client certificates; the check has none for TLS
TLSV13_ALERT_CERTIFICATE_REQUIRED: {host} demands a client certificate for TLS
SSLV3_ALERT_NO_CERTIFICATE
TLSV1_ALERT_UNKNOWN_CA: {host} wants a client certificate of an authority it knows
SSLV3_ALERT_BAD_CERTIFICATE: {host} refuses a client certificate that it asked for
SSLV3_ALERT_UNSUPPORTED_CERTIFICATE
SSLV3_ALERT_CERTIFICATE_REVOKED
SSLV3_ALERT_CERTIFICATE_EXPIRED
SSLV3_ALERT_CERTIFICATE_UNKNOWN
TLSV1_ALERT_ACCESS_DENIED: {host} denies access during the TLS handshake

[tls] check the host name; a proxy or load balancer has no certificate for it
TLSV1_UNRECOGNIZED_NAME: {host} does not know this host name

[tls] check the server's TLS settings; ciphers and keys must fit openssl.cnf here
NO_SHARED_CIPHER: {host} has no cipher in common with this host
NO_CIPHERS_AVAILABLE: OpenSSL of this host has no cipher for {host}
TLSV1_ALERT_INSUFFICIENT_SECURITY: {host} wants stronger ciphers than this host has
DH_KEY_TOO_SMALL: {host} uses a key exchange that is too weak
EE_KEY_TOO_SMALL: {host} uses a key that is too weak
CA_MD_TOO_WEAK: {host} shows a certificate signed with a weak digest
WRONG_SIGNATURE_TYPE: {host} signs in a way that this host does not allow
LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED
NO_SUITABLE_SIGNATURE_ALGORITHM
NO_SHARED_SIGNATURE_ALGORITHMS
NO_SUITABLE_KEY_SHARE: {host} has no key exchange in common with this host
UNSAFE_LEGACY_RENEGOTIATION_DISABLED: {host} knows only unsafe TLS renegotiation
UNSUPPORTED_ELLIPTIC_CURVE: {host} uses an elliptic curve that is unknown here
WRONG_CURVE
WRONG_CIPHER_RETURNED: {host} answers with a cipher that nobody offered
UNKNOWN_CIPHER_RETURNED

[tls] see the server's own log; it may be overloaded or misconfigured
TLSV1_ALERT_INTERNAL_ERROR: {host} reports an internal error of TLS
TLSV1_ALERT_USER_CANCELLED: {host} ends the TLS handshake

[tls] check the proxy, then the firewall; else see the server's own log
SSLV3_ALERT_UNEXPECTED_MESSAGE: {host} got an unexpected TLS message
SSLV3_ALERT_ILLEGAL_PARAMETER: {host} finds the TLS handshake malformed
SSLV3_ALERT_BAD_RECORD_MAC: {host} got TLS that was changed on the way
SSLV3_ALERT_DECOMPRESSION_FAILURE
TLSV1_ALERT_RECORD_OVERFLOW
TLSV1_ALERT_DECRYPTION_FAILED
TLSV1_ALERT_DECODE_ERROR: {host} cannot read the TLS handshake
TLSV1_ALERT_DECRYPT_ERROR: {host} cannot verify the TLS handshake
TLSV1_ALERT_EXPORT_RESTRICTION: {host} refuses the TLS handshake by old export rules
TLSV1_ALERT_INAPPROPRIATE_FALLBACK: {host} sees a downgrade of the TLS version
TLSV1_ALERT_NO_RENEGOTIATION: {host} does not renegotiate TLS
TLSV1_UNSUPPORTED_EXTENSION: {host} does not support a TLS extension
TLSV13_ALERT_MISSING_EXTENSION: {host} lacks a TLS extension
TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE: {host} refuses a certificate status
TLSV1_BAD_CERTIFICATE_HASH_VALUE: {host} refuses a certificate hash
TLSV1_CERTIFICATE_UNOBTAINABLE: {host} cannot obtain a certificate
DECRYPTION_FAILED_OR_BAD_RECORD_MAC: TLS of {host} was changed on the way
BAD_SIGNATURE: {host} signs the TLS handshake wrongly
UNEXPECTED_MESSAGE: {host} sends an unexpected TLS message
UNEXPECTED_RECORD
""")

"""AADSTS numbers -> (kind, cause, remedy), all of reference sheet exchange-online 6.

They serve every credential: certificate, client secret, federated token, managed identity and a
user's password. Numbers that a person's sign-in meets are here too: Entra answers them to an app
as well when a policy covers workload identities.
"""

from __future__ import annotations

_C, _S, _T = "credential", "server", "throttled"

_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("16000", _C, "account is not in this tenant", "use an account of this tenant"),
    (
        "50001 500011",
        _C,
        "tenant has no Exchange Online under this name",
        "check --cloud; the tenant needs Exchange Online",
    ),
    (
        "50002 500021 500022",
        _C,
        "a proxy's tenant restrictions exclude this tenant",
        "ask the network team to allow it",
    ),
    (
        "50012",
        _C,
        "Entra does not accept the signature of certificate or token",
        "use the key of the uploaded certificate; for a token see its issuer",
    ),
    ("50034", _C, "user is unknown in this tenant", "check user name and --tenant"),
    (
        "50049 90051",
        _C,
        "Entra does not know this cloud instance",
        "check --authority-url and --cloud",
    ),
    (
        "50053",
        _C,
        "account is locked, or this address is seen as malicious",
        "look at the sign-in log; stop the check meanwhile",
    ),
    ("50055 50144", _C, "password has expired", "set a new one that does not expire"),
    ("50056", _C, "account has no password in the cloud", "synchronise it, or use a certificate"),
    ("50057", _C, "account is disabled", "enable it"),
    (
        "50059 50128",
        _C,
        "sign-in names no tenant that Entra knows",
        "check --tenant: a domain of the tenant or its GUID",
    ),
    (
        "50064 50126",
        _C,
        "user name or password is wrong",
        "correct it; repeated tries lock the account",
    ),
    (
        "50072 50079 50125 53004",
        _C,
        "account must register security information",
        "not possible unattended; use a certificate",
    ),
    (
        "50074 50076 50078",
        _C,
        "multi-factor authentication is demanded",
        "not possible unattended; use a certificate",
    ),
    (
        "50097 50155 53000 53001",
        _C,
        "a policy demands a registered device",
        "exclude this identity from the policy",
    ),
    (
        "50105 501051",
        _C,
        "identity is not assigned to the app",
        "assign it, or switch 'assignment required' off",
    ),
    (
        "50131 53002 53003 530032",
        _C,
        "Conditional Access blocks this sign-in",
        "see the sign-in log; allow this host's address",
    ),
    ("530035", _C, "security defaults block this sign-in", "use a certificate"),
    ("53011 530034", _C, "account or tenant is blocked for risk", "remediate the risk in Entra"),
    ("50135", _C, "password is considered leaked", "change it"),
    (
        "50158",
        _C,
        "an external control wants a person",
        "not possible unattended; use a certificate",
    ),
    (
        "50173 700082 70008",
        _C,
        "grant has been revoked or has expired",
        "the next run signs in afresh; if it stays, see the sign-in log",
    ),
    ("50194", _C, "app is for one tenant only", "check --tenant"),
    (
        "50196",
        _T,
        "Entra sees a loop of identical requests",
        "let it rest; is the cache directory usable?",
    ),
    (
        "65001 90094 90095",
        _C,
        "administrator has not consented",
        "grant admin consent in the portal",
    ),
    (
        "65002",
        _C,
        "Microsoft's own app may not use this interface",
        "use an app registration of your own",
    ),
    ("65004", _C, "consent was declined", "grant admin consent in the portal"),
    (
        "650052 650054 650057",
        _C,
        "app registration lacks a permission of this service",
        "add Exchange.ManageAsApp, or for Graph Mail.ReadBasic",
    ),
    (
        "650056",
        _C,
        "app registration is misconfigured or lacks consent",
        "check client id, credential, permissions and consent",
    ),
    ("70001 7000112", _C, "application is disabled", "enable the enterprise application"),
    ("700016", _C, "client id is unknown in this tenant", "check --client-id and --tenant"),
    (
        "7000229",
        _C,
        "app registration has no enterprise application here",
        "grant admin consent in the portal",
    ),
    ("70002 7000215", _C, "client secret is wrong", "copy the secret's value, not its id"),
    ("7000222", _C, "client secret has expired", "make a new one, or use a certificate"),
    (
        "700024",
        _C,
        "assertion is outside its validity",
        "this host's clock is wrong: check NTP; a federated token may be old",
    ),
    (
        "700025",
        _C,
        "app is a public client and takes no certificate or secret",
        "switch 'public client flows' off",
    ),
    ("700027", _C, "Entra does not know this certificate", "upload it or check --client-id"),
    ("700030", _C, "certificate's subject name is not authorised", "upload the certificate itself"),
    (
        "7000218",
        _C,
        "app wants a credential of its own and got none",
        "for a user: Allow public client flows; else give certificate or secret",
    ),
    ("70011 1002012", _C, "scope is not valid", "check --cloud"),
    (
        "700211",
        _C,
        "no federated credential of the app has this token's issuer",
        "compare it with the token's iss claim",
    ),
    (
        "700213",
        _C,
        "no federated credential of the app has this token's subject",
        "compare it with the token's sub claim",
    ),
    (
        "70043",
        _C,
        "sign-in frequency policy asks for a new sign-in",
        "exclude this identity from the policy",
    ),
    (
        " ".join(str(number) for number in range(80001, 80015)),
        _C,
        "on-premises authentication agent fails",
        "look at the agent and its AD",
    ),
    (
        "90002",
        _C,
        "Entra knows no such tenant",
        "check --tenant, and --cloud: it may live in another cloud",
    ),
    ("90006 90024 90033 50000 50033", _S, "Entra has a passing problem", "wait for the next run"),
    (
        "90014 900144 9002313",
        _C,
        "Entra finds the request malformed",
        "is client id, tenant, user or password empty, or has odd characters?",
    ),
    ("90019", _C, "Entra cannot tell the tenant", "give --tenant"),
    ("90038 900382 900432", _C, "tenant belongs to another cloud", "set --cloud"),
    ("90055", _T, "Entra throttles this tenant", "run the checks less often"),
    (
        "90072",
        _C,
        "account is external and unknown in this tenant",
        "use an account of this tenant",
    ),
    ("9001023 90124 90130", _C, "sign-in of this kind wants a tenant of its own", "give --tenant"),
    ("100007", _C, "regional sign-in is not for this app", "unset MSAL_FORCE_REGION"),
)

#: AADSTS number -> (kind, cause, remedy).
ENTRA = {
    int(number): (kind, cause, remedy)
    for numbers, kind, cause, remedy in _ROWS
    for number in numbers.split()
}

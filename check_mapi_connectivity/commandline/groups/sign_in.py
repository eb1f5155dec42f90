"""Options that say who signs in, at the service and at the proxy."""

from __future__ import annotations

from ..option import FLAG, OPTIONAL, Option

CREDENTIAL: tuple[str, tuple[Option, ...]] = (
    "credential",
    (
        Option(
            "--client-id",
            "GUID",
            """Application (client) id of the app registration that may run the test. With
            --username and method cmdlet alone the default is that of Microsoft's Exchange
            PowerShell.""",
        ),
        Option(
            "--certificate",
            "FILE",
            """Certificate of the app registration: PEM (with or without its key) or PFX. The
            key must be RSA, and other users must not be able to read it.""",
        ),
        Option(
            "--certificate-key",
            "FILE",
            """PEM file with the private key of --certificate, where the key is in a separate
            file.""",
        ),
        Option(
            "--certificate-passphrase-file",
            "FILE",
            """File with the passphrase of the certificate's private key or PFX; its first line
            counts. Instead: certificate-passphrase in an ini section, or the environment
            variable MAPI_CERTIFICATE_PASSPHRASE.""",
        ),
        Option(
            "--client-secret-file",
            "FILE",
            """File with the client secret of the app registration; its first line counts.
            Instead: client-secret in an ini section, or the environment variable
            MAPI_CLIENT_SECRET beside --client-id.""",
        ),
        Option(
            "-l --username",
            "[DOMAIN\\]USER",
            """User who logs on (method mapi): that of the mailbox, or one with FullAccess. With
            --tenant the user signs in at Entra by password alone. That fails where a policy
            requires more, e.g. MFA. Microsoft is going to retire it.""",
        ),
        Option(
            "--password-file",
            "FILE",
            """File with the password of --username; its first line counts. Instead: password in
            an ini section, or the environment variable MAPI_PASSWORD.""",
        ),
        Option(
            "--managed-identity",
            "CLIENT-ID",
            """Sign in as a managed identity of the Azure VM that the check runs on: the
            system-assigned one, or the user-assigned one of this client id. Never through a
            proxy.""",
            OPTIONAL,
        ),
        Option(
            "--imds-url",
            "URL",
            """URL of the instance metadata service, which gives a managed identity's token.
            Default: AZURE_POD_IDENTITY_AUTHORITY_HOST of the environment, else
            http://169.254.169.254.""",
        ),
        Option(
            "--federated-token-file",
            "FILE",
            """File with a token of another issuer that Entra trusts for --client-id (workload
            identity federation), e.g. of Kubernetes.""",
        ),
        Option(
            "--ask-password",
            "",
            """Ask for the secret on the terminal, twice: the password of --username, the
            passphrase of --certificate, or else the client secret of --client-id.""",
            FLAG,
        ),
    ),
)

PROXY: tuple[str, tuple[Option, ...]] = (
    "proxy",
    (
        Option(
            "--proxy",
            "URL",
            """HTTP proxy for sign-in, Exchange and Graph. Format: http://HOST:PORT, or
            https://HOST:PORT where the proxy itself needs TLS. A user name belongs in --proxy-user.
            Default: HTTPS_PROXY or ALL_PROXY of the environment, except for hosts in
            NO_PROXY.""",
        ),
        Option(
            "--proxy-host",
            "HOST",
            "Host of the HTTP proxy, instead of --proxy; needs --proxy-port.",
        ),
        Option("--proxy-port", "PORT", "Port of the HTTP proxy; needs --proxy-host."),
        Option("--proxy-user", "NAME", "User at the proxy: NAME, DOMAIN\\NAME or NAME@REALM."),
        Option("--proxy-domain", "DOMAIN", "Windows domain of --proxy-user."),
        Option(
            "--proxy-password-file",
            "FILE",
            """File with the password of --proxy-user; its first line counts. Instead:
            proxy-password in an ini section, or the environment variable
            MAPI_PROXY_PASSWORD.""",
        ),
        Option(
            "--proxy-auth",
            "SCHEME",
            """How to authenticate at the proxy: basic, ntlm or negotiate. Default: the
            strongest that the proxy offers and the check knows. negotiate without a password
            uses a Kerberos ticket or keytab (KRB5CCNAME, KRB5_CLIENT_KTNAME).""",
        ),
        Option(
            "--proxy-spn-host",
            "HOST",
            """Host in the proxy's Kerberos service name (HTTP/HOST), where it is not that of
            --proxy, e.g. behind a load balancer.""",
        ),
        Option("--no-proxy", "", "Use no proxy, also where the environment names one.", FLAG),
    ),
)

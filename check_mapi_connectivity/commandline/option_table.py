"""The one table of options.

Command line, ini sections, `--help`, the list in docs/options.md and the man page are all made from
`GROUPS`.
"""

from __future__ import annotations

from ..base.vocabulary import KINDS, METHODS, OFFERED
from .option import COUNT, FLAG, LIST, OPTIONAL, Option

_KINDS = ", ".join(kind for kind in KINDS if kind != "usage")

GROUPS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "what to test",
        (
            Option(
                "-m --mailbox",
                "ADDRESS",
                """Mailbox to log on to: its e-mail address, or its GUID (by method cmdlet that of
                the mailbox, by graph that of the user). Repeatable. Default: the address of
                --username, where that is one.""",
                LIST,
            ),
            Option(
                "--mailbox-file",
                "FILE",
                """File with mailboxes, one per line; what follows a # is a comment. Together with
                --mailbox both count.""",
            ),
            Option(
                "--method",
                "METHOD",
                "How to test a mailbox. "
                + "".join(f"{name}: {METHODS[name].usage}. " for name in OFFERED)
                + f"One of: {', '.join(OFFERED)}. Repeatable: all are run side by side. "
                "Default: cmdlet.",
                LIST,
            ),
            Option(
                "--sign-in-only",
                "",
                """Test no mailbox, only the sign-in: get a token, also from the cache, and the
                tenant's openid-configuration, anew in each run. For the service that those of the
                mailboxes depend on. --method says for what the token is, -w and -c judge
                total_time.""",
                FLAG,
            ),
            Option(
                "--archive", "", "Test the archive, not the primary mailbox (method cmdlet).", FLAG
            ),
            Option(
                "--inbox-items",
                "N",
                """How many messages of the Inbox to list, newest first, 1 to 1000 (methods mapi and
                graph). Default: 10.""",
            ),
            Option(
                "--concurrency",
                "N",
                """How many mailboxes, or methods of one, are tested at the same time, 1 to 64. A
                test that hangs gives its place away. Default: 4.""",
            ),
        ),
    ),
    (
        "Exchange Server (method mapi)",
        (
            Option(
                "-H --hostname",
                "HOST[:PORT]",
                """Exchange Server (method mapi) to ask for the mailbox's address (Autodiscover);
                beside --autodiscover-url: another host that the password may go to. Default:
                guessed from the mailbox, as Outlook does. Example: mail.contoso.com.""",
            ),
            Option(
                "--autodiscover-url",
                "URL",
                """Autodiscover URL (method mapi), where it is not the usual one of the Exchange
                Server. https only.""",
            ),
            Option(
                "--mapi-url",
                "URL",
                """MAPI over HTTP address of the mailbox, with its MailboxId: Autodiscover is not
                asked, and --mailbox is only a name. Needs --legacy-dn. https only.""",
            ),
            Option("--legacy-dn", "DN", "LegacyExchangeDN of the mailbox, for --mapi-url."),
            Option(
                "--auth",
                "SCHEME",
                """HTTP authentication at the Exchange Server (method mapi): basic, ntlm or
                negotiate. Default: the strongest that it offers, NTLM before Negotiate before
                Basic; remembered. negotiate without a password uses a Kerberos ticket or keytab
                (KRB5CCNAME, KRB5_CLIENT_KTNAME).""",
            ),
        ),
    ),
    (
        "tenant",
        (
            Option(
                "--tenant",
                "NAME-OR-GUID",
                """Entra tenant, by a domain of it or its GUID. Given alone, client id and
                certificate come from the ini section of that name or from
                /etc/check_mapi_connectivity/TENANT/. Example: contoso.onmicrosoft.com.""",
            ),
            Option(
                "--cloud",
                "CLOUD",
                """Microsoft cloud of the tenant. One of: worldwide, gcc, gcc-high, dod, china.
                Default: worldwide.""",
            ),
            Option(
                "--authority-url",
                "URL",
                """URL of the Entra sign-in, instead of that of --cloud, for new clouds and tests.
                https only.""",
            ),
            Option(
                "--exchange-url",
                "URL",
                """URL of Exchange Online, instead of that of --cloud, for new clouds and tests.
                https only.""",
            ),
            Option(
                "--graph-url",
                "URL",
                """URL of Microsoft Graph, instead of that of --cloud, for new clouds and tests.
                https only.""",
            ),
        ),
    ),
    (
        "credential",
        (
            Option(
                "--client-id",
                "GUID",
                """Application (client) id of the app registration that may run the test. Default
                for --username with method cmdlet alone: Microsoft's own for Exchange
                PowerShell.""",
            ),
            Option(
                "--certificate",
                "FILE",
                """Certificate of the app registration: PEM (with or without its key) or PFX. The
                key has to be RSA, and other users must not be able to read it.""",
            ),
            Option(
                "--certificate-key",
                "FILE",
                """PEM file with the private key of --certificate, where that is in a file of its
                own.""",
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
                """User who logs on by method mapi: the mailbox's own, or one with FullAccess. With
                --tenant the user signs in at Entra by password alone, which fails where a policy
                asks more, and which Microsoft is going to retire.""",
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
                """Sign in as a managed identity of the Azure VM that the check runs on: its own, or
                the user-assigned one of this client id. Never through a proxy.""",
                OPTIONAL,
            ),
            Option(
                "--imds-url",
                "URL",
                """Instance metadata service that gives a managed identity's token. Default:
                AZURE_POD_IDENTITY_AUTHORITY_HOST of the environment, else
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
                passphrase of --certificate, else the secret of --client-id.""",
                FLAG,
            ),
        ),
    ),
    (
        "proxy",
        (
            Option(
                "--proxy",
                "URL",
                """HTTP proxy for sign-in, Exchange and Graph. Format: http://HOST:PORT, or https://
                for one that is spoken to by TLS. A user name belongs in --proxy-user. Default:
                HTTPS_PROXY or ALL_PROXY of the environment, except for hosts in NO_PROXY.""",
            ),
            Option(
                "--proxy-host", "HOST", "HTTP proxy's host, instead of --proxy; needs --proxy-port."
            ),
            Option("--proxy-port", "PORT", "Port of the HTTP proxy, needed by --proxy-host."),
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
    ),
    (
        "TLS and network",
        (
            Option(
                "--ca-file",
                "FILE",
                """PEM file of certificate authorities to trust besides the system's own, e.g. of a
                TLS-inspecting proxy.""",
            ),
            Option(
                "--min-tls", "VERSION", "Lowest TLS version to accept: 1.2 or 1.3. Default: 1.2."
            ),
            Option("-4 --ipv4", "", "Connect by IPv4 only.", FLAG),
            Option("-6 --ipv6", "", "Connect by IPv6 only.", FLAG),
        ),
    ),
    (
        "judgement",
        (
            Option(
                "-w --warning",
                "RANGE",
                """WARNING when the connection time in seconds is outside this range. Format:
                [@]START:END. Example: 2.""",
            ),
            Option(
                "-c --critical",
                "RANGE",
                """CRITICAL when the connection time in seconds is outside this range. Format:
                [@]START:END. Example: 5.""",
            ),
            Option(
                "--warning-for",
                "LABEL=RANGE",
                """WARNING when a performance value, named by its label, is outside its range.
                Repeatable. Example: time_tls=0.5. Default: certificate_days=30:.""",
                LIST,
            ),
            Option(
                "--critical-for",
                "LABEL=RANGE",
                """CRITICAL when a performance value, named by its label, is outside its range.
                Repeatable. Example: time_tls=2. Default: certificate_days=7:.""",
                LIST,
            ),
            Option(
                "--state",
                "KIND=STATE",
                f"Monitoring state for one kind of failure. Repeatable. Kinds: {_KINDS}. Example: "
                "throttled=OK.",
                LIST,
            ),
            Option(
                "-t --timeout",
                "SECONDS[:STATE]",
                """Time limit of the whole run in seconds, fractions allowed, and the state when it
                is used up. Keep it below the scheduler's own limit. Default: 30:CRITICAL.""",
            ),
        ),
    ),
    (
        "output",
        (
            Option(
                "--diagnosis", "on|off", "Print a diagnosis below the status line. Default: on."
            ),
            Option(
                "--diagnosis-frequency",
                "NORMAL:ABNORMAL",
                """Print the diagnosis every NORMAL-th run while all is well, every ABNORMAL-th
                while something is wrong, and whenever the state changes; none: never. -v prints it
                always. Default: 1:1. Example: 12:1.""",
            ),
            Option(
                "-v --verbose",
                "",
                """Print more details: -v notes on cache, proxy and retries, -vv requests and
                headers, -vvv bodies too. Secrets and tokens are in none of them.""",
                COUNT,
            ),
            Option("--json", "", "Print the report as one JSON document instead of text.", FLAG),
            Option(
                "--explain",
                "",
                """Test nothing; say what this command line would do: hosts and ports, proxy,
                credential, permissions and the commands that grant them, files, limits. Exits
                with 3.""",
                FLAG,
            ),
        ),
    ),
    (
        "state files",
        (
            Option(
                "--cache-dir",
                "DIR",
                """Directory for cached tokens and what method mapi learned about mailboxes, created
                with mode 0700. Default: /var/cache/check_mapi_connectivity where that is the
                running user's own, else check_mapi_connectivity in $XDG_CACHE_HOME or ~/.cache.""",
            ),
            Option("--no-cache", "", "Neither read nor write the cache of --cache-dir.", FLAG),
        ),
    ),
    (
        "recording",
        (
            Option(
                "--record",
                "FILE",
                """Write all that went over the wire to a new file, for a bug report; secrets,
                tokens, cookies and subjects are replaced before. The cache is not used: the run
                signs in, also where a password was refused within the last minute.""",
            ),
            Option("--redact-addresses", "", "Replace addresses and names in --record, too.", FLAG),
            Option(
                "--replay",
                "FILE",
                """Run a file of --record again, without network: the result is the same. Beside it
                only -v, --json and --diagnosis.""",
            ),
        ),
    ),
    (
        "other",
        (
            Option(
                "--extra-opts",
                "[SECTION][@FILE]",
                """Read options from an ini section; the command line wins. Default section:
                check_mapi_connectivity. Default file: the first monitoring-plugins.ini on the
                Monitoring Plugins search path. Repeatable. Example:
                contoso@/etc/contoso.ini.""",
                LIST,
            ),
            Option(
                "-V --version", "", "Print the version and exit (with 3, as all plugins do).", FLAG
            ),
            Option("-h --help", "", "Print this help and exit (with 3, as all plugins do).", FLAG),
        ),
    ),
)

OPTIONS = {option.name: option for _, options in GROUPS for option in options}

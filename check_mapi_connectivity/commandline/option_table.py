"""The one table of options.

Command line, ini sections, `--help`, the list in docs/options.md and the man page are all made from
`GROUPS`.
"""

from __future__ import annotations

from ..base.vocabulary import KINDS, METHODS, OFFERED
from .groups import feeding, sign_in
from .option import COUNT, FLAG, LIST, Option

_KINDS = ", ".join(kind for kind in KINDS if kind != "usage")

GROUPS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "what to test",
        (
            Option(
                "-m --mailbox",
                "ADDRESS",
                """Mailbox to log on to: its e-mail address, or a GUID (method cmdlet: that of the
                mailbox; method graph: that of the user). Repeatable. Default: --username, if it is
                an address.""",
                LIST,
            ),
            Option(
                "--mailbox-file",
                "FILE",
                """File with mailboxes, one in a line; # begins a comment. Those of --mailbox are
                tested as well.""",
            ),
            Option(
                "--method",
                "METHOD",
                "How to test a mailbox. "
                + "".join(f"{name}: {METHODS[name].usage}. " for name in OFFERED)
                + f"One of: {', '.join(OFFERED)}. Repeatable: all run at the same time. "
                "Default: cmdlet.",
                LIST,
            ),
            Option(
                "--sign-in-only",
                "",
                """Test no mailbox, only the sign-in: get a token, also from the cache, and read the
                tenant's openid-configuration in each run. For one service that the services of the
                mailboxes depend on. The token is for Graph with --method graph, else for Exchange;
                -w and -c judge total_time.""",
                FLAG,
            ),
            Option(
                "--archive",
                "",
                "Test the archive, not the primary mailbox (methods cmdlet and mapi).",
                FLAG,
            ),
            Option(
                "--address-book",
                "",
                """Look up the mailbox's user in the address book as well (method mapi): three more
                requests, and the labels address_book and time_address_book. A failure there is kind
                address-book and does not change the mailbox's own result.""",
                FLAG,
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
                test without an answer does not keep others waiting. Default: 4.""",
            ),
        ),
    ),
    (
        "Exchange Server (method mapi)",
        (
            Option(
                "-H --hostname",
                "HOST[:PORT]",
                """Exchange Server (method mapi) whose Autodiscover is asked for the mailbox's
                address. Beside --autodiscover-url: another host that the password may go to.
                Default: guessed from the mailbox, as Outlook does. Example: mail.contoso.com.""",
            ),
            Option(
                "--autodiscover-url",
                "URL",
                """URL of Autodiscover (method mapi), where it is not the usual one of the Exchange
                Server. https only.""",
            ),
            Option(
                "--mapi-url",
                "URL",
                """URL of the mailbox for MAPI over HTTP, with its MailboxId. Autodiscover is not
                asked, and --mailbox is only a name in the output. Needs --legacy-dn. https
                only.""",
            ),
            Option("--legacy-dn", "DN", "LegacyExchangeDN of the mailbox, for --mapi-url."),
            Option(
                "--address",
                "ADDRESS[:PORT]",
                """Connect to this address or name instead of what the Exchange host's name resolves
                to: one node behind a load balancer. TLS, Host header, Kerberos and NO_PROXY still
                use the host's name. Repeatable: all are tested at the same time, and labels begin
                with the address. IPv6 in brackets. Example: 10.0.0.13.""",
                LIST,
            ),
            Option(
                "--each-address",
                "",
                """Test every address that the Exchange host's name resolves to, 16 at most, as with
                --address. Needs --hostname or --mapi-url.""",
                FLAG,
            ),
            Option(
                "--auth",
                "SCHEME",
                """HTTP authentication at the Exchange Server (method mapi): basic, ntlm or
                negotiate. Default: the first of NTLM, Negotiate and Basic that the server
                offers; kept in the cache. negotiate without a password uses a Kerberos ticket or
                keytab (KRB5CCNAME, KRB5_CLIENT_KTNAME).""",
            ),
        ),
    ),
    (
        "tenant",
        (
            Option(
                "--tenant",
                "NAME-OR-GUID",
                """Entra tenant: one of its domains, or its GUID. Without a credential beside it,
                client id and certificate come from the ini section of that name or from
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
    sign_in.CREDENTIAL,
    sign_in.PROXY,
    (
        "TLS and network",
        (
            Option(
                "--ca-file",
                "FILE",
                """PEM file of certificate authorities to trust in addition to the system's own,
                e.g. that of a proxy that inspects TLS.""",
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
                is over. Keep it below the scheduler's own limit. Default: 30:CRITICAL.""",
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
                """Print the diagnosis in every NORMAL-th run while the state is OK, in every
                ABNORMAL-th run while it is not, and whenever the state changes; none: never. -v
                prints it always. Default: 1:1. Example: 12:1.""",
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
                with mode 0700. Default: /var/cache/check_mapi_connectivity where it belongs to the
                running user, else check_mapi_connectivity in $XDG_CACHE_HOME or ~/.cache.""",
            ),
            Option("--no-cache", "", "Neither read nor write the cache of --cache-dir.", FLAG),
        ),
    ),
    feeding.GROUP,
    (
        "recording",
        (
            Option(
                "--record",
                "FILE",
                """Write all requests and answers to a new file, for a bug report. Secrets, tokens,
                cookies and subjects are replaced first. The cache is not used: the run signs in,
                also where a password was refused within the last minute.""",
            ),
            Option(
                "--redact-addresses",
                "",
                "Replace addresses and names in the file of --record, too.",
                FLAG,
            ),
            Option(
                "--replay",
                "FILE",
                """Run a file of --record again, without network: the result is the same. Only -v,
                --json and --diagnosis may be given with it.""",
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
                Monitoring Plugins search path, which the man page lists. Repeatable. Example:
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

"""The options of the set-up command; those of proxy and TLS are the check's own."""

from __future__ import annotations

from ..commandline import option_table
from ..commandline.option import FLAG, LIST, Option
from .steps import names

_SHARED = {option.name: option for _, options in option_table.GROUPS for option in options}

#: Groups of the check that hold here as well.
_NETWORK = tuple(group for group in option_table.GROUPS if group[0] in ("proxy", "TLS and network"))

GROUPS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "what to set up",
        (
            Option(
                "--tenant",
                "NAME-OR-GUID",
                "Entra tenant: one of its domains, or its GUID. Example: contoso.onmicrosoft.com.",
            ),
            Option(
                "-m --mailbox",
                "ADDRESS",
                """Mailbox that the check will log on to. With method graph the app may read the
                mailboxes of this run and of earlier runs, and no others. Repeatable.""",
                LIST,
            ),
            Option(
                "--method",
                "METHOD",
                """Method of the check to set up: cmdlet (the right to run one cmdlet) or graph (the
                right to list the Inbox of the mailboxes). Repeatable. Default: that of an earlier
                run, else cmdlet.""",
                LIST,
            ),
            _SHARED["cloud"],
            _SHARED["authority-url"],
            _SHARED["exchange-url"],
            _SHARED["graph-url"],
        ),
    ),
    (
        "what to do, instead of setting up",
        (
            Option(
                "--status",
                "",
                """Show what is set up, until when it is valid, what is missing and what is wrong,
                such as a credential of somebody else; change nothing.""",
                FLAG,
            ),
            Option(
                "--renew",
                "",
                """Add a new certificate, and remove the old one when the new one works.""",
                FLAG,
            ),
            Option(
                "--remove",
                "",
                """Remove all that was set up, after asking. What other hosts still use stays.""",
                FLAG,
            ),
            Option(
                "--print-only",
                "",
                """Change nothing and sign in nowhere: print the plan in words, as requests, and as
                PowerShell; with --remove, the plan of the removal.""",
                FLAG,
            ),
            Option("--yes", "", "With --remove: do not ask.", FLAG),
        ),
    ),
    (
        "identity of the check",
        (
            Option(
                "--client-id",
                "GUID",
                f"""Application (client) id of an app registration that exists: needed where several
                are called {names.APP}, or where it holds certificates or secrets that are not in
                --output. Whoever has these can do what the app may do.""",
            ),
            Option(
                "--certificate",
                "FILE",
                """Certificate and key to use instead of new ones: PEM or PFX, RSA. They are copied
                into --output.""",
            ),
            _SHARED["certificate-key"],
            Option(
                "--certificate-passphrase-file",
                "FILE",
                """File with the passphrase of the certificate's private key or PFX; its first line
                counts. Instead: the environment variable MAPI_CERTIFICATE_PASSPHRASE.""",
            ),
            Option(
                "--lifetime",
                "MONTHS",
                "Validity of a new certificate in months, 1 to 24. Default: 12.",
            ),
            Option(
                "-l --username",
                "USER",
                """User who signs in with a password instead of the app, where a tenant requires it
                (method cmdlet). The user must exist. Microsoft will retire this sign-in.""",
            ),
            Option(
                "--password-file",
                "FILE",
                """File with the password of --username. It must stay there, because the check reads
                it, too. Without this option the password is asked for on the terminal and kept in
                --output.""",
            ),
        ),
    ),
    (
        "administrator",
        (
            Option(
                "--token-file",
                "FILE",
                """File with the administrator's access tokens, one a line: one for Microsoft Graph
                and one for Exchange Online. Instead of the sign-in by device code. For standard
                input give -.""",
            ),
            Option(
                "--ask-token",
                "",
                "Ask for the administrator's access tokens on the terminal, without showing them.",
                FLAG,
            ),
        ),
    ),
    (
        "this host",
        (
            Option(
                "--output",
                "DIR",
                """Directory for certificate, client id and ini section. Default:
                /etc/check_mapi_connectivity/TENANT, where the check finds them by itself.""",
            ),
            Option(
                "--owner",
                "USER[:GROUP]",
                """User that runs the check: files get mode 0640, owner root and this user's group.
                Default: nagios, icinga or naemon, the first that exists. Works as root only.""",
            ),
            Option(
                "--wait",
                "SECONDS",
                "How many seconds to wait at most until the grants take effect. Default: 900.",
            ),
        ),
    ),
    *_NETWORK,
    (
        "other",
        (
            Option("-V --version", "", "Print the version and exit.", FLAG),
            Option("-h --help", "", "Print this help and exit.", FLAG),
        ),
    ),
)

OPTIONS = {option.name: option for _, options in GROUPS for option in options}

DESCRIPTION = f"""Sets up what check_mapi_connectivity needs in an Exchange Online tenant, with the
least privilege: app registration and enterprise application "{names.APP}" with a certificate; for
method cmdlet role "{names.ROLE}" in role group "{names.GROUP}"; for method graph scope
"{names.SCOPE}" and role assignment "{names.ASSIGNMENT}". What exists already is used; a second
run changes nothing. Not yet tried on a live tenant."""

USAGE = (
    "--tenant NAME -m ADDRESS [option ...]",
    "--tenant NAME --status [option ...]",
    "--tenant NAME --remove [option ...]",
)

EXAMPLES = (
    (
        "from an empty tenant to a check that works",
        "--tenant contoso.onmicrosoft.com -m probe@contoso.com",
    ),
    (
        "the right to list one Inbox through Microsoft Graph, and nothing else",
        "--tenant contoso.onmicrosoft.com -m probe@contoso.com --method graph",
    ),
    (
        "only the plan, for somebody else to carry out",
        "--tenant contoso.onmicrosoft.com -m probe@contoso.com --print-only",
    ),
    (
        "a new certificate before the old one ends",
        "--tenant contoso.onmicrosoft.com -m probe@contoso.com --renew",
    ),
)

#: Exit code -> meaning.
EXITS = {
    0: "done, or nothing to do",
    1: "a step failed, or --status found something missing",
    2: "usage error",
    130: "interrupted",
}

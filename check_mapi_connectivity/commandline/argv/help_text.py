"""What `--help` and the man page say beside the options."""

from __future__ import annotations

DESCRIPTION = """Log on to a user's Exchange mailbox, list its Inbox, and say whether MAPI
connectivity is there and how long it took."""

#: The same of all methods, for the help and the man page.
NO_LIVE_RUN_YET = """No method has been tried yet on a live tenant or a live Exchange Server;
--explain says what that means for each."""

#: Examples that `--help` begins with.
EXAMPLES = (
    (
        "everything from /etc/check_mapi_connectivity/contoso.onmicrosoft.com/",
        "--tenant contoso.onmicrosoft.com -m probe@contoso.com",
    ),
    (
        "certificate named on the command line, thresholds on the connection time",
        "--tenant contoso.onmicrosoft.com --client-id 11111111-2222-3333-4444-555555555555"
        " --certificate /etc/check_mapi_connectivity/probe.pem -m probe@contoso.com -w 2 -c 5",
    ),
    (
        "an Exchange Server, logged on to as Outlook does",
        "--method mapi -H mail.contoso.com -l probe@contoso.com"
        " --password-file /etc/check_mapi_connectivity/probe.password -m probe@contoso.com",
    ),
    (
        "what this command line would do; nothing is tested",
        "--explain --tenant contoso.onmicrosoft.com -m probe@contoso.com",
    ),
)

#: Examples that `--help` shows below the options.
MORE_EXAMPLES = (
    (
        "two methods side by side, to see which of them fails",
        "--tenant contoso.onmicrosoft.com -m probe@contoso.com --method cmdlet --method graph",
    ),
    (
        "many mailboxes in one run, on an Azure VM with a managed identity",
        "--managed-identity --mailbox-file /etc/check_mapi_connectivity/mailboxes --method graph",
    ),
    (
        "options from an ini section, a state of its own for throttling",
        "--extra-opts=contoso -m probe@contoso.com --state throttled=OK",
    ),
)

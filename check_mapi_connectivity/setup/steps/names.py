"""What the objects of the set-up command are called, and the ids that Microsoft gives its own.

The names are those of the manual way in docs/exchange-online.md, so that either finds what the
other made.
"""

from __future__ import annotations

from ...base import clouds, vocabulary

COMMAND = "check_mapi_connectivity_setup"

APP = vocabulary.PLUGIN
ROLE, GROUP, SCOPE = vocabulary.ROLE, vocabulary.GROUP, vocabulary.SCOPE
ASSIGNMENT = "MAPI probe Inbox"

#: What Exchange gives a member of the role group, and the app by method graph.
CMDLET = "Test-MAPIConnectivity"
MAIL_ROLE = "Application Mail.ReadBasic"

#: The built-in role to derive from where it holds the cmdlet (reference sheet exchange-online 2.3).
PARENT = "View-Only Recipients"

#: Stands in the notes or description of everything that the command makes.
TAG = f"made by {COMMAND}"

EXCHANGE_APP, MANAGE_AS_APP = clouds.EXCHANGE_APP, clouds.MANAGE_AS_APP
MANAGE_AS_APP_NAME = "Exchange.ManageAsApp"

#: Microsoft Graph Command Line Tools, a public client of Microsoft's own, whose scopes are
#: consented to as they are asked for (exchange-online 8.1).
GRAPH_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
GRAPH_SCOPES = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")

#: Files of a tenant's directory.
CERTIFICATE, NEXT_CERTIFICATE, OLD_CERTIFICATE = (
    "certificate.pem",
    "certificate.next.pem",
    "certificate.old.pem",
)
CLIENT_ID, OPTIONS_INI, PASSWORD = "client_id", "options.ini", "password"

#: All of them, in the order in which they are made.
FILES = (CERTIFICATE, NEXT_CERTIFICATE, OLD_CERTIFICATE, CLIENT_ID, PASSWORD, OPTIONS_INI)

#: Which of them this command made, and their SHA-256.
LIST = "made.json"

"""One table of all codes: complete by the reference sheets, worded for a status line, found by code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.codes import entries
from check_mapi_connectivity.result import diagnosis

from ..conftest import ROOT
from . import test_entra, test_mapi

ENTRIES = entries.entries()

#: Typed from the sheets: exchange-online 1.7, 3.3; mapi-http 1.3, 7.3, 8. Those of exchange-online
#: 6 and mapi-http 2.4, 2.8 are typed in the tests of their own tables.
SHEETS = {
    "Entra": [f"AADSTS{number}" for numbers in test_entra.NUMBERS.values() for number in numbers],
    "Exchange admin interface": [
        "ManagementObjectNotFoundException",
        "AmbiguousParameterSetException",
        "ParameterTransformationException",
        "CmdletProxyNotAvailableFailure",
        "ServerBusyException",
        "TransientException",
        "BackendCommunicationException",
        "UnableToWriteToAadException",
        "ManagementObjectAmbiguousException",
        "CmdletAccessDeniedException",
    ],
    "HTTP status, Exchange admin interface": ["HTTP 401", "HTTP 403", "HTTP 405"],
    "HTTP status, any service": [
        "HTTP 302",
        "HTTP 429",
        "HTTP 500",
        "HTTP 502",
        "HTTP 503",
        "HTTP 504",
    ],
    "HTTP status, Autodiscover and MAPI over HTTP": ["HTTP 401", "HTTP 403", "HTTP 456"],
    "Microsoft Graph": [
        "InvalidAuthenticationToken",
        "ErrorAccessDenied",
        "Authorization_RequestDenied",
        "MailboxNotEnabledForRESTAPI",
        "ResourceNotFound",
        "Request_ResourceNotFound",
        "ErrorItemNotFound",
        "ErrorInvalidUser",
        "TooManyRequests",
        "ApplicationThrottled",
        "InternalServerError",
        "ServiceNotAvailable",
        "UnknownError",
        "ErrorServerBusy",
        "ErrorMailboxStoreUnavailable",
        "ErrorMailboxMoveInProgress",
    ],
    "MAPI": [
        *(
            f"{symbols.split()[-1] if 'MAPI_' in symbols else symbols.split()[0]} 0x{number:X}"
            for sheet in (test_mapi.IDENTITY, test_mapi.PLACE, test_mapi.PROTOCOL)
            for number, symbols in sheet.items()
        ),
        "RPC_S_SERVER_UNAVAILABLE 0x6BA",
        "RPC_S_SERVER_TOO_BUSY 0x6BB",
    ],
    "MAPI over HTTP": [
        f"X-ResponseCode {number} {name}" for number, name in test_mapi.RESPONSES.items()
    ],
    "Autodiscover": [
        f"Autodiscover ErrorCode {number}" for number in (500, 501, 600, 601, 602, 603)
    ],
    "Token refused by Exchange": ["2000003", "2000008", "4000000"],
    "HTTP status, proxy": [
        f"HTTP {status}" for status in (401, 403, 405, 407, 451, 500, 502, 503, 504)
    ],
    "Squid": [
        "ERR_ACCESS_DENIED",
        "ERR_CACHE_ACCESS_DENIED",
        "ERR_CONNECT_FAIL",
        "ERR_CANNOT_FORWARD",
        "ERR_DNS_FAIL",
    ],
}

#: Codes beside those of the sheets, of sources that the tables name.
COUNTS = {
    "Entra": 127,
    "Entra, without a number": 13,
    "Exchange admin interface": 24,
    "Test-MAPIConnectivity": 19,
    "Microsoft Graph": 41,
    "MAPI": 104,
    "Address book": 13,
    "MAPI over HTTP": 17,
    "Autodiscover": 7,
    "Token refused by Exchange": 3,
    "HTTP status, any service": 12,
    "HTTP status, Exchange admin interface": 4,
    "HTTP status, Microsoft Graph": 2,
    "HTTP status, Autodiscover and MAPI over HTTP": 4,
    "HTTP status, proxy": 20,
    "Squid": 26,
    "Certificate": 94,
    "TLS handshake": 63,
    "Name resolution": 18,
    "Connection": 26,
    "Kerberos": 13,
}


@pytest.mark.parametrize("family", SHEETS)
def test_every_code_of_the_sheets(family):
    found = {entry.code for entry in ENTRIES if entry.family == family}
    assert [code for code in SHEETS[family] if code not in found] == []


def test_how_many_there_are():
    assert Counter(entry.family for entry in ENTRIES) == COUNTS
    # Of one family each code is told once.
    assert len({(entry.family, entry.code) for entry in ENTRIES}) == len(ENTRIES)


#: What a half sentence may begin with besides a small letter: names, and what a message fills in.
NAMES = re.compile(
    r"[a-z'*-]|[A-Z]+ |(Add|Get|Set|Disable|Update|Mount|New|Test)-[A-Z]|(Active Directory|Autodiscover|Conditional Access|"
    r"Entra|Exchange|Exchange's|Graph|MAPI|Microsoft's|OpenSSL|OpenSSL's|Suite|Test-\w+|KDC)\b"
)


@pytest.mark.parametrize("family", COUNTS)
def test_every_row_is_worded_for_a_status_line(family):
    for entry in ENTRIES:
        if entry.family != family:
            continue
        assert entry.kind in KINDS, entry
        assert entry.code and 8 <= len(entry.cause) <= 75 and 5 <= len(entry.remedy) <= 82, entry
        assert len(entry.cause) + len(entry.code) < 115, entry
        for text in entry[1:6]:
            assert not re.search(r"[<>|{}\n]", text), entry
        for text in (entry.cause, entry.remedy):
            assert NAMES.match(text) and not text.endswith((".", " ")), entry


def test_links_are_pages_of_the_owner():
    hosts = {re.match(r"https://([^/]+)/", entry.link)[1] for entry in ENTRIES if entry.link}
    assert hosts == {"login.microsoftonline.com", "learn.microsoft.com"}
    for entry in ENTRIES:
        assert bool(entry.link) or entry.family not in (
            "Entra",
            "Microsoft Graph",
            "MAPI over HTTP",
        )


ERRORS = "ms-oxcdata/21bc846a-7c15-4b4b-98ec-b57df01bf03e"
MORE_ERRORS = "ms-oxcdata/c9dc2fb0-73ca-4cc2-bdee-cc6ffb9b70eb"


@pytest.mark.parametrize(
    ("code", "name", "link"),
    [
        ("AADSTS700016", "UnauthorizedClient_DoesNotMatchRequest", "error?code=700016"),
        ("AADSTS500021", "", "error?code=500021"),
        ("AADSTS987654", "", "error?code=987654"),
        ("invalid_client", "invalid_client", "identity-platform/reference-error-codes"),
        ("ErrorAccessDenied", "ErrorAccessDenied", "graph/errors"),
        ("MapiExceptionMdbOffline", "ecMDBNotInit", MORE_ERRORS),
        ("MapiExceptionTimeout", "MapiExceptionTimeout", ""),
        ("ecMDBNotInit 0x476", "ecMDBNotInit", MORE_ERRORS),
        ("MAPI_E_LOGON_FAILED 0x80040111", "MAPI_E_LOGON_FAILED", ERRORS),
        ("MailboxQuarantined 0xA33", "MailboxQuarantined", ""),
        ("HTTP 401, 2000003", "invalid_resource", ""),
        ("ERR_DNS_FAIL", "ERR_DNS_FAIL", ""),
        ("KRB5 24", "KRB5KDC_ERR_PREAUTH_FAILED", ""),
        ("HTTP 403", "Forbidden", ""),
        ("verify error 62", "X509_V_ERR_HOSTNAME_MISMATCH", ""),
        ("EAI_NONAME", "EAI_NONAME", ""),
        ("unknown code 0x1", "", ""),
        ("", "", ""),
    ],
)
def test_name_and_link_of_a_code(code, name, link):
    found = entries.find(code)
    assert found[0] == name
    assert found[1].endswith(link) and bool(found[1]) == bool(link)


@given(st.text() | st.sampled_from(ENTRIES).map(lambda entry: entry.code))
def test_any_code(code):
    name, link = entries.find(code)
    assert isinstance(name, str) and (not link or link.startswith("https://"))


def test_the_diagnosis_says_what_a_code_is():
    def shown(code, verbose=0):
        blocks = diagnosis._failure(Failure("tls", "no", "do", code), verbose, "no")
        lines = [line for block in blocks for line in block.lines]
        return lines[lines.index("  remedy        do") + 1 :]

    assert shown("AADSTS50126") == [
        "  code          AADSTS50126, InvalidUserNameOrPassword",
        "  see           https://login.microsoftonline.com/error?code=50126",
    ]
    assert shown("ECONNREFUSED") == ["  code          ECONNREFUSED"]
    assert shown("HTTP 503") == ["  code          HTTP 503, Service Unavailable"]
    assert shown("no code of any table") == ["  code          no code of any table"]
    # A link longer than a line is there for who asks for all.
    assert len(shown("ecUnknownUser 0x3EB")) == 1
    assert shown("ecUnknownUser 0x3EB", 1)[1].startswith("  see           https://")


def test_a_run_that_needs_no_table_loads_none():
    lines = (
        "import sys",
        "from check_mapi_connectivity import plugin",
        "from check_mapi_connectivity.probes import cmdlet",
        "from check_mapi_connectivity.result import diagnosis, document, first_line, several",
        "from check_mapi_connectivity.signin import msal_client",
        "print([name for name in sys.modules if "
        "name.startswith('check_mapi_connectivity.codes.')])",
    )
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "['check_mapi_connectivity.codes.recipients']\n"

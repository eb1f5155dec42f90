"""The tables of MAPI over HTTP: complete, and worded for a status line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from check_mapi_connectivity.base.vocabulary import KINDS
from check_mapi_connectivity.codes import mapi
from check_mapi_connectivity.codes.exchange import EC, MAPI
from check_mapi_connectivity.codes.mapi import CODES, STATUS_CODES
from check_mapi_connectivity.mapihttp import responses

# fmt: off
#: Every number of the reference sheet's section 2.8, typed from it, with the symbols it allows.
IDENTITY = {
    0x3EB: "ecUnknownUser", 0x3EE: "ecBadConfig", 0x3EF: "ecUnknownCodePage", 0x3F2: "ecLoginPerm",
    0x3F6: "ecZombieUser", 0x11C: "ecProfileNotConfigured", 0x479: "WrongTenant",
    0x4BC: "ecRpcAuthentication", 0x4BD: "ecRpcBadAuthenticationLevel",
    0x4DF: "ecClientVerDisallowed", 0x4E0: "ecRpcHttpDisallowed", 0x4E1: "ecCachedModeRequired",
    0x7D8: "ecProtocolDisabled", 0x7D9: "ecCleartextLogonDisabled", 0x970: "ecNotEncrypted",
    0x64C: "ecChgPassword", 0x64D: "ecPwdExpired", 0x64E: "ecInvWkstn", 0x64F: "ecInvLogonHrs",
    0x650: "ecAcctDisabled", 0x648: "ecWrongMailbox", 0x89A: "ecAmbiguousAlias",
    0x89B: "ecUnknownMailbox", 0x96C: "ecMailboxDisabled", 0x501: "ecNoReadRight",
    0x80070005: "ecAccessDenied MAPI_E_NO_ACCESS", 0x80040111: "ecLoginFailure MAPI_E_LOGON_FAILED",
    0x80040110: "ecVersionMismatch MAPI_E_VERSION",
    0x80040112: "ecTooManySessions MAPI_E_SESSION_LIMIT", 0x8004011E: "MAPI_E_UNKNOWN_CPID",
    0x8004011F: "MAPI_E_UNKNOWN_LCID", 0x8004011D: "MAPI_E_FAILONEPROVIDER",
}
PLACE = {
    0x478: "ecWrongServer", 0x50C: "ecMailboxInTransit", 0x476: "ecMDBNotInit", 0x3ED: "ecExiting",
    0x47B: "WriteOperationOnReadOnlyDatabase", 0x47F: "ecServerPaused", 0x480: "ecServerBusy",
    0x50D: "ecBackupInProgress", 0xA31: "ecLowMdbSpace", 0xA32: "LowDatabaseLogDiskSpace",
    0xA33: "MailboxQuarantined", 0xA34: "MountInProgress", 0xA35: "DismountInProgress",
    0xA37: "NotFoundInContainer", 0xA4B: "MailboxSoftDeleted", 0x3EA: "ecJetError IsamError",
    0x454: "ecDatabaseError", 0x3F0: "ecServerOOM", 0x96E: "ecADUnavailable", 0x96F: "ecADError",
    0x971: "ecADNotFound", 0x57E: "ecDSNoSuchObject", 0x973: "ecRpcServerTooBusy",
    0x974: "ecRpcOutOfMemory", 0x975: "ecRpcServerOutOfMemory", 0x976: "ecRpcOutOfResources",
    0x977: "ecRpcServerUnavailable", 0x97D: "ecSubsystemStopping", 0x97E: "ecSAUnavailable",
    0x6B9: "ecNoServerSupport", 0x6BA: "ecLockTimedOut", 0x6BB: "ecObjectLocked",
    0x6F7: "RPC_X_BAD_STUB_DATA", 0xA2D: "ecMaxPoolExceeded", 0xA2E: "ecRpcInvalidHandle",
    0xA36: "ConnectionsOverBudget", 0xA4D: "RpcInvalidSession", 0xA8C: "MaxThreadsPerMdbExceeded",
}
PROTOCOL = {
    0x4B6: "ecRpcFormat", 0x47D: "ecBufferTooSmall", 0x4B9: "ecNullObject", 0x481: "ecNoSuchLogon",
    0x4ED: "ecFmtError", 0x4DE: "ecMaxObjsExceeded", 0x4D9: "ecQuotaExceeded",
    0x4DD: "ecShutoffQuotaExceeded", 0x4FB: "ecFolderDisabled", 0x7EE: "ecRejected",
    0x40380: "ecWarnWithErrors MAPI_W_ERRORS_RETURNED", 0x40481: "MAPI_W_POSITION_CHANGED",
    0x80004005: "ecError MAPI_E_CALL_FAILED", 0x8007000E: "MAPI_E_NOT_ENOUGH_MEMORY",
    0x80070057: "ecInvalidParam", 0x80040102: "ecNotSupported MAPI_E_NO_SUPPORT",
    0x80040106: "MAPI_E_UNKNOWN_FLAGS", 0x80040107: "ecInvalidEntryId",
    0x80040108: "ecInvalidObject", 0x8004010B: "MAPI_E_BUSY", 0x8004010D: "MAPI_E_NOT_ENOUGH_DISK",
    0x8004010E: "ecInsufficientResrc", 0x8004010F: "ecNotFound MAPI_E_NOT_FOUND",
    0x80040115: "ecRpcFailed MAPI_E_NETWORK_ERROR", 0x80040116: "ecReadFault MAPI_E_DISK_ERROR",
    0x80040117: "MAPI_E_TOO_COMPLEX", 0x80040118: "MAPI_E_BAD_COLUMN",
    0x8004011B: "MAPI_E_CORRUPT_DATA", 0x80040200: "MAPI_E_END_OF_SESSION",
    0x80040305: "MAPI_E_TOO_BIG", 0x80040401: "MAPI_E_TIMEOUT", 0x80040FFF: "NotImplemented",
}
RESPONSES = {
    1: "Unknown Failure", 2: "Invalid Verb", 3: "Invalid Path", 4: "Invalid Header",
    5: "Invalid Request Type", 6: "Invalid Context Cookie", 7: "Missing Header",
    8: "Anonymous Not Allowed", 9: "Too Large", 10: "Context Not Found", 11: "No Privilege",
    12: "Invalid Request Body", 13: "Missing Cookie", 15: "Invalid Sequence",
    16: "Endpoint Disabled", 17: "Invalid Response", 18: "Endpoint Shutting Down",
}
# fmt: on

TABLES = {
    "CODES": CODES,
    "STATUS_CODES": STATUS_CODES,
    "RESPONSE_CODES": mapi.RESPONSE_CODES,
    "AUTODISCOVER_CODES": mapi.AUTODISCOVER_CODES,
    "DIAGNOSTICS": mapi.DIAGNOSTICS,
}
ROWS = [
    pytest.param(code, id=f"{name}-{number:#x}")
    for name, table in TABLES.items()
    for number, code in table.items()
]

#: Words that keep their capital at the beginning.
NAMES = ("Active Directory", "Autodiscover", "MAPI", "Get-", "Set-", "Exchange")


@pytest.mark.parametrize("section", [IDENTITY, PLACE, PROTOCOL])
def test_every_number_of_the_sheet_is_there_by_its_name(section):
    for number, symbols in section.items():
        assert CODES[number].name in symbols.split(), hex(number)


def test_no_number_is_invented():
    assert set(CODES) == {*IDENTITY, *PLACE, *PROTOCOL}
    assert len(IDENTITY) + len(PLACE) + len(PROTOCOL) == len(CODES)
    assert {number: code.name for number, code in mapi.RESPONSE_CODES.items()} == RESPONSES
    assert set(mapi.AUTODISCOVER_CODES) == {404, 500, 501, 600, 601, 602, 603}
    assert set(mapi.DIAGNOSTICS) == {2000003, 2000008, 4000000}
    assert set(STATUS_CODES) == {0x6BA, 0x6BB, 0x6F7}


def test_no_number_stands_twice_in_the_source():
    source = Path(mapi.__file__).read_text()
    rows = re.findall(r"(?m)^(?:0x[0-9A-F]+|[0-9]+) [^:\n]+: ", source)
    assert len(rows) == sum(map(len, TABLES.values())) - 1  # 0x6F7 is in two


@pytest.mark.parametrize("code", ROWS)
def test_words_fit_a_status_line(code):
    assert code.kind in KINDS and code.kind != "moving"
    assert code.name
    assert 10 <= len(code.cause) <= 60
    assert 10 <= len(code.remedy) <= 80
    for text in (code.cause, code.remedy):
        assert not text.endswith((".", " ")) and not re.search(r"[|<>\n]", text)
        assert text[0].islower() or text.startswith(NAMES), text


def test_kinds_that_decide_the_state():
    def kinds(*numbers):
        return {CODES[number].kind for number in numbers}

    assert kinds(0x3F2, 0x64D, 0x650, 0x3F6, 0x80040111) == {"logon"}
    assert kinds(0x3EB, 0x96C, 0xA33, 0xA4B, 0x476, 0x4DD, 0x50C) == {"mailbox"}
    assert kinds(0x96E, 0x3F0, 0x454, 0x480, 0x47F, 0x80040112) == {"server"}
    assert kinds(0x4B6, 0x6F7, 0x47D, 0x4B9, 0x80040FFF) == {"protocol"}
    assert kinds(0xA36) == {"throttled"}
    assert [hex(number) for number, code in CODES.items() if code.judged_as] == ["0x50c"]
    assert CODES[0x50C].judged_as == "moving"


def test_what_may_be_tried_again():
    assert all(CODES[number].transient for number in (0x480, 0x47F, 0xA34, 0x6BB))
    assert STATUS_CODES[0x6BB].transient and not STATUS_CODES[0x6BA].transient
    assert not any(code.transient for code in CODES.values() if code.kind in ("logon", "protocol"))
    assert {n for n, code in mapi.RESPONSE_CODES.items() if code.transient} == {1, 6, 10, 18}
    assert {number for number, code in mapi.RESPONSE_CODES.items() if code.kind == "server"} == {
        1,
        16,
        17,
        18,
    }


def test_two_numbers_mean_something_else_in_the_status_code():
    assert STATUS_CODES[0x6BA].name == "RPC_S_SERVER_UNAVAILABLE"
    assert STATUS_CODES[0x6BB].name == "RPC_S_SERVER_TOO_BUSY"
    assert STATUS_CODES[0x6F7] is CODES[0x6F7]


def test_warnings_are_codes():
    assert sorted(responses.WARNINGS) == [0x00040380, 0x00040481]
    assert set(CODES) > responses.WARNINGS


def test_protocol_errors_ask_for_a_report():
    for number in (0x4B6, 0x47D, 0x80070057, 0x6F7):
        assert "--record" in CODES[number].remedy


def test_the_cmdlet_says_the_same_of_a_number():
    for number, name in EC.items():
        if number != 0x478:
            assert MAPI[name].cause == CODES[number].cause
            assert MAPI[name].kind == CODES[number].kind
    assert MAPI["MapiExceptionWrongServer"].judged_as == "moving"
    assert MAPI["MapiExceptionWrongServer"].cause == "mailbox has just been moved"

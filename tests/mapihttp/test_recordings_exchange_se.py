"""Recordings of a lab Exchange Server SE, which are no part of this project: they are read from
`shared/exchange-se` beside it, where that is there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from check_mapi_connectivity.mapihttp import envelope, responses, rops, rpcext

from .material import questions

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "exchange-se"
SESSIONS = ("contents", "hierarchy")
NAME = "EXCHANGE-LAB-01.dev.local"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir() and os.environ.get("REAL_SERVERS") != "required",
    reason="the recordings of Exchange Server SE are not beside this project",
)


def read(session, name):
    return (FOLDER / session / f"{name}.bin").read_bytes()


def executed(session, number):
    """Requests and responses of the Execute with this number."""
    asked = questions(read(session, f"{number:02}-execute.request"))
    entity = envelope.strip(read(session, f"{number:02}-execute.response"))
    body = envelope.execute_response(entity.body)
    columns = next((rop.tags for rop in asked if isinstance(rop, rops.SetColumns)), ())
    return asked, body, responses.read(body.payloads, asked, columns)


@pytest.mark.parametrize("session", SESSIONS)
def test_connect(session):
    sent = read(session, "01-connect.request")
    assert envelope.read_request("Connect", sent).encode() == sent
    entity = envelope.strip(read(session, "01-connect.response"))
    assert 1 <= int(entity.headers["x-elapsedtime"]) <= 20
    found = envelope.connect_response(entity.body)
    assert (found.status_code, found.error_code, found.polls_max, found.retry_count) == (
        *(0, 0, 60000),
        6,
    )
    assert (found.dn_prefix, found.display_name) == ("", "Spike Test Usr")
    told = {block.name: block.text for block in found.auxiliary}
    assert told[rpcext.SERVER_NAME] == NAME
    assert re.match(rf"ClientAccessServer={NAME},ConnectTime=", told[rpcext.SESSION_INFO])
    assert told["AUX_SERVER_CAPABILITIES"] == "0xB"
    assert not any("unreadable" in text for text in told.values())


@pytest.mark.parametrize(
    ("session", "number"), [("contents", 2), ("contents", 3), ("hierarchy", 2)]
)
def test_our_execute_is_the_recorded_one(session, number):
    sent = read(session, f"{number:02}-execute.request")
    asked = envelope.read_request("Execute", sent)
    (payload,) = rpcext.unpack(asked.rop_buffer)
    listed = rops.RopList.decode(payload)
    again = b"".join(rop.encode() for rop in rops.requests(listed))
    buffer = rpcext.pack(rops.RopList(again, listed.handles).encode())
    assert envelope.ExecuteRequest(buffer, asked.flags, asked.max_rop_out).encode() == sent


@pytest.mark.parametrize("session", SESSIONS)
def test_logon(session):
    asked, body, answer = executed(session, 2)
    assert [type(rop) for rop in asked] == [rops.Logon]
    assert (body.status_code, body.error_code) == (0, 0)
    mailbox = answer.responses[0].content
    assert isinstance(mailbox, responses.Mailbox)
    assert mailbox.inbox == bytes.fromhex("010000000000010c")


def test_the_answer_to_a_hierarchy_table_is_framed_like_the_others():
    """The check asks for no hierarchy table: its ROPs are not among ours."""
    body = envelope.strip(read("hierarchy", "03-execute.response")).body
    found = envelope.execute_response(body)
    assert (found.status_code, found.error_code, len(found.payloads)) == (0, 0, 1)


def test_rows_of_the_contents_table():
    asked, _, answer = executed("contents", 3)
    assert [rop.NAME for rop in asked][-1] == rops.QueryRows.NAME
    assert all(response.done for response in answer.responses)
    rows = answer.responses[-1].content
    assert isinstance(rows, responses.Rows)
    assert (rows.origin, bool(rows.rows)) == (2, True)

"""Every file in `recordings/`, whoever made it: its replay comes to what its run came to."""

from __future__ import annotations

import json

import pytest

from .conftest import ROOT
from .support.recorded import play, replayed, reword
from .support.scenarios import WRITE

FILES = sorted((ROOT / "tests" / "recordings").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_replay_is_the_run(path):
    if WRITE:
        reword(path)
    recorded, again = replayed(path)
    assert again == recorded


def test_there_are_some_of_each_kind():
    documents = [json.loads(path.read_text()) for path in FILES]
    methods = {method for one in documents for method in one["options"]["methods"]}
    assert methods == {"cmdlet", "graph", "mapi"}
    assert {one["result"]["exit_code"] for one in documents} == {0, 2, 3}
    assert {one["ending"]["by"] for one in documents} >= {"itself", "deadline"}


@pytest.mark.parametrize("detail", [("-v",), ("-vv",), ("-vvv",), ("-vvv", "--json")])
def test_more_of_the_wire_is_shown_at_replay(detail):
    [path] = [path for path in FILES if path.stem == "mapi-basic-ok"]
    code, text = play(path, *detail)
    assert code == 0
    assert ("X-RequestType" in text) == (detail != ("-v",))
    assert ("RopLogon" in text) == ("-vvv" in detail)
    assert not any(one in text for one in ("<", "|\n", "REDACTED"))
    named = f"of {path}, recorded 2026-"
    assert (json.loads(text)["replay"] if "--json" in detail else text).count(named) == 1

"""The file of a recording: what is none is told in one line, whatever its bytes."""

from __future__ import annotations

import contextlib
import functools
import json
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.record import recording

from ..support.masks import begins
from ..support.recorded import play
from ..test_recordings import FILES

GOOD = {path.stem: path.read_bytes() for path in FILES}
OK = GOOD["cmdlet-ok"]


def refused(data):
    """The one line about a file that is no good recording."""
    with pytest.raises(UsageError) as caught:
        recording.parse(data, "f.json")
    assert caught.value.details == ()
    return str(caught.value)


def changed(data, change, *, fits=True):
    """The file after `change(document)`, its checksum made anew where it is to fit."""
    document = json.loads(data)
    change(document)
    if fits:
        document["sha256"] = recording.checksum(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            OK[: len(OK) // 2],
            "is cut short: it ends in the middle; copy it again or record it anew",
        ),
        (b"", "is no JSON; copy it again or record it anew"),
        (b"\xff\xfe", "is no JSON; copy it again or record it anew"),
        (b"[" * 100_000, "is no JSON; copy it again or record it anew"),
        (b"{}", "is no recording; make one with --record"),
        (b"[1]", "is no recording; make one with --record"),
        (
            changed(OK, lambda one: one.update(format_version=2)),
            "is a recording of another format; replay it with the version that wrote it, or "
            "record it anew",
        ),
        (
            changed(OK, lambda one: one.update(moment=1.0), fits=False),
            "was changed after it was recorded: its checksum does not fit; record it anew",
        ),
        (
            changed(OK, lambda one: one["options"].update(timeout="soon")),
            "does not hold what a recording does (options.timeout); record it anew",
        ),
        (
            changed(OK, lambda one: one["entries"][0].update(begin=-1)),
            "does not hold what a recording does (entries[0].begin); record it anew",
        ),
        (
            changed(OK, lambda one: one.update(moment=253402300800.0)),
            "does not hold what a recording does (moment); record it anew",
        ),
        (
            changed(OK, lambda one: one.update(padding=[0])),
            "does not hold what a recording does (padding); record it anew",
        ),
        (
            changed(OK, lambda one: one["entries"][0].update(padding=0)),
            "does not hold what a recording does (entries[0].padding); record it anew",
        ),
        (
            changed(OK, lambda one: one["certificate"].update(sha1="x" * 40)),
            "does not hold what a recording does (certificate.sha1); record it anew",
        ),
        (
            changed(OK, lambda one: one.update(redacted=["all"])),
            "does not hold what a recording does (redacted); record it anew",
        ),
    ],
)
def test_what_is_wrong_is_said(data, text):
    assert refused(data) == f"--replay: f.json {text}"


def test_layout_does_not_matter():
    one, other = (recording.parse(data, "f") for data in (OK, json.dumps(json.loads(OK)).encode()))
    assert (one.entries, one.tests, one.result) == (other.entries, other.tests, other.result)


def test_too_large(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(recording.LIMIT + 1)
    code, text = play(path)
    assert code == 3
    first = text.partition("\n")[0]
    assert begins(first, f"MAPI UNKNOWN - --replay: {path} is larger than 8 MiB"), first


@given(st.binary(max_size=200) | st.sampled_from(sorted(GOOD.values())).map(lambda one: one[:-9]))
def test_any_bytes_are_refused(data):
    assert refused(data).startswith("--replay: f.json ")


VALUES = st.sampled_from(
    [None, True, 0, -1, 1e300, float("nan"), "", "x", "\ud800", "\0", [], {}, [[]], "9" * 50, 1e-9]
) | st.text(max_size=9)


def spots(value, path=()):
    """Where something stands in a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        if isinstance(one, (dict, list)):
            yield from spots(one, (*path, name))
        else:
            yield (*path, name)


SPOTS = {name: list(spots(json.loads(data)))[1:] for name, data in GOOD.items()}


@settings(max_examples=60)
@given(st.data())
def test_any_change_gives_a_run_or_one_line(tmp_path_factory, data):
    name = data.draw(st.sampled_from(sorted(GOOD)))
    document = json.loads(GOOD[name])
    for *way, last in data.draw(st.lists(st.sampled_from(SPOTS[name]), min_size=1, max_size=3)):
        value = data.draw(VALUES)
        # What an earlier change took away has no parts any more.
        with contextlib.suppress(LookupError, TypeError):
            place = functools.reduce(operator.getitem, way, document)
            if data.draw(st.booleans()):
                place[last] = value
            else:
                del place[last]
    document["sha256"] = recording.checksum(document)
    path = tmp_path_factory.mktemp("changed") / "f.json"
    path.write_text(json.dumps(document))
    code, text = play(path)
    assert code in (0, 1, 2, 3)
    assert text.startswith("MAPI ")
    assert len(text.partition("\n")[0].partition(" | ")[0]) <= 120

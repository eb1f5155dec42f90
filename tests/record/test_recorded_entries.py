"""What a test met comes back from JSON as it was; test_recording has what is odd."""

from __future__ import annotations

import json

import pytest

from check_mapi_connectivity.base.reading.untrusted import Fields, Odd
from check_mapi_connectivity.record import entries, recording

from ..test_recordings import FILES


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_each_comes_back(path):
    found = recording.parse(path.read_bytes(), "f")
    for entry in found.entries:
        document = entries.document(entry)
        for part in ("request", "answer"):
            if part in document:
                document[part]["body"] = {"base64": b64(document[part]["body"])}
        parsed = entries.parse(Fields(json.loads(json.dumps(document)), ""), len(found.tests))
        assert parsed == entry


def b64(data):
    import base64

    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"kind": "guess"}, "kind"),
        ({"test": 1}, "test"),
        ({"kind": "request"}, "request"),
        ({"kind": "service", "value": ["host", 70_000]}, "value.port"),
        ({"kind": "turn", "value": {}}, "value.accepted"),
        ({"kind": "spnego", "value": None}, "value"),
        ({"kind": "handshake", "value": "begun"}, "value"),
        ({"kind": "spnego", "value": "opening"}, "value"),
        ({"failure": {"kind": "luck"}}, "failure.kind"),
    ],
)
def test_what_is_odd_is_named(changes, odd):
    entry = {"test": 0, "kind": "handshake", "begin": 0.0, "end": 1.0, "value": True, **changes}
    with pytest.raises(Odd) as caught:
        entries.parse(Fields(entry, ""), 1)
    assert str(caught.value) == odd

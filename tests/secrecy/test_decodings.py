"""What hides a secret that is echoed, and that nothing of it is shown."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.result import output
from check_mapi_connectivity.secrecy import decodings, echoes, names, reports


def _base64(text):
    return base64.b64encode(text.encode()).decode()


WORDS = ("Tr0ub4dor-x9", "correcthorse", 'pa&ss"w%41rd')

HIDING = {
    "NUL between all": "\0".join,
    "one NUL": lambda word: f"{word[:4]}\0{word[4:]}",
    "a control": lambda word: f"{word[:4]}\x01{word[4:]}",
    "zero width": "\u200b".join,
    "soft hyphen": lambda word: f"{word[:4]}\u00ad{word[4:]}",
    "spaced": " ".join,
    "dashed": "-".join,
    "dotted": ".".join,
    "a line end": lambda word: f"{word[:4]}\r\n{word[4:]}",
    "quoted-printable": lambda word: "".join(f"={ord(c):02X}" for c in word),
    "quoted-printable in part": lambda word: f"{word[:3]}={ord(word[3]):02X}{word[4:]}",
    "quoted-printable, folded": lambda word: f"{word[:4]}=\r\n{word[4:]}",
    "escapes of C": lambda word: "".join(f"\\x{ord(c):02x}" for c in word),
    "octal": lambda word: "".join(f"\\{ord(c):03o}" for c in word),
    "octal in part": lambda word: f"{word[:3]}\\{ord(word[3]):03o}{word[4:]}",
    "JSON in part": lambda word: f"{word[:3]}\\u{ord(word[3]):04x}{word[4:]}",
    "JSON in JSON": lambda word: "".join(f"\\\\u{ord(c):04x}" for c in word),
    "braces": lambda word: "".join(f"\\u{{{ord(c):x}}}" for c in word),
    "eight digits": lambda word: "".join(f"\\U{ord(c):08x}" for c in word),
    "percent twice": lambda word: "".join(f"%25{ord(c):02X}" for c in word),
    "percent in part": lambda word: f"{word[:3]}%{ord(word[3]):02x}{word[4:]}",
    "references twice": lambda word: "".join(f"&amp;#{ord(c)};" for c in word),
    "hexadecimal, spaced": lambda word: " ".join(f"{ord(c):02x}" for c in word),
    "hexadecimal, colons": lambda word: ":".join(f"{ord(c):02X}" for c in word),
    "hexadecimal, marked": lambda word: " ".join(f"0x{ord(c):02x}" for c in word),
    "numbers": lambda word: f"[{', '.join(str(ord(c)) for c in word)}]",
    "full width": lambda word: "".join(chr(ord(c) + 0xFEE0) for c in word),
    "accents": "\u0301".join,
    "capitals": str.upper,
    "small letters": lambda word: word.lower() if word.lower() != word else word.title(),
    "base64 twice": lambda word: _base64(_base64(word)),
    "base64 of a form": lambda word: _base64(quote(word, safe="")),
}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("how", HIDING)
def test_a_hidden_secret_is_masked_in_failures_and_successes(word, how):
    told = f"logon of probe with {HIDING[how](word)} was refused"
    failed, well = Report("m@x.y", "mapi"), Report("m@x.y", "mapi")
    failed.failure = Failure("logon", "refused", detail=told)
    well.trace.remark(told)
    reports.conceal([failed, well], echoes.spellings(word))
    for shown in (output.clean(failed.failure.detail), output.clean(well.trace.remarks[0])):
        assert names.MASK in shown
        assert HIDING[how](word) not in shown
        assert not [view for view in decodings.views(shown) if word in view]


@pytest.mark.parametrize(
    "told",
    ["logon of probe was refused = 5%, see \\\\server\\share [1, 2, 3]", "a\0b", "x" * 90000],
)
def test_what_holds_no_secret_is_left_as_it_is(told):
    report = Report("m@x.y", "mapi")
    report.trace.remark(told)
    reports.conceal([report], echoes.spellings(WORDS[0]))
    assert report.trace.remarks == [told]


@given(st.text() | st.text(alphabet="\\xu%=&#;0123456789abcdefU{}, \r\n\0", max_size=300))
def test_any_text_is_looked_at(text):
    found = list(decodings.views(text))
    assert 1 <= len(found) <= 13
    assert all(isinstance(decodings.skeleton(view), str) for view in found)

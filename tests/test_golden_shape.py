"""What every golden file has in common: a next step on the first line wherever there is room for
it, and a diagnosis that fits on a screen and says nothing twice.
"""

from __future__ import annotations

import re
from pathlib import Path

from check_mapi_connectivity.result.layout import WIDTH
from check_mapi_connectivity.result.output import FIRST_LINE, shortened
from check_mapi_connectivity.result.several import MOST_LINES

GOLDEN = Path(__file__).parent / "golden"

#: A value, and the lines that it goes on with.
FIELD = re.compile(r"(?m)^  (\S.*?)(?:  +| (?=\())(\S.*(?:\n {16}\S.*)*)")


class Told:
    """One golden file: exit code, first line, the lines of the diagnosis, and their fields."""

    def __init__(self, path):
        self.name = str(path.relative_to(GOLDEN))
        code, self.line, _, *lines = path.read_text(encoding="utf-8").splitlines()
        self.failed = code != "exit 0"
        # The last line is what the tenant saw. A port stands for itself.
        self.lines = [re.sub(r"\(port\)", "1", line) for line in lines[:-1]]
        fields = FIELD.findall("\n".join(self.lines))
        self.fields = {name: re.sub(r"\n +", " ", value) for name, value in fields}


FILES = [Told(path) for path in sorted(GOLDEN.rglob("*.txt"))]


def test_the_next_step_stands_on_the_first_line_wherever_there_is_room():
    missing = []
    for told in FILES:
        forms = shortened(told.fields.get("remedy", ""))
        if told.failed and not any(told.line.endswith(f"; {form}") for form in forms):
            # All states have the room of the longest, and the cause stands alone.
            line = re.sub(r"UNKNOWN|WARNING", "CRITICAL", told.line)
            cause = line.removesuffix(f" ({told.fields.get('code', '').partition(',')[0]})")
            if len(f"{cause}; {forms[-1]}") <= FIRST_LINE:
                missing.append(told.name)
    assert missing == []


def test_a_mailbox_is_told_in_few_lines():
    assert [told.name for told in FILES if 1 + len(told.lines) > MOST_LINES] == []


def test_no_line_is_too_long_for_the_page():
    assert [line for told in FILES for line in told.lines if len(line) > WIDTH] == []
    assert [told.line for told in FILES if len(told.line) > FIRST_LINE] == []


def test_nothing_is_told_twice_and_nothing_unknown_is_told():
    for told in FILES:
        text = "\n".join(told.lines)
        assert not re.search(r"not known|not named|not measured|none reported", text), told.name
        if "cause" in told.fields:
            assert "..." in told.line, told.name
            assert told.fields.get("note", "").count(told.fields["cause"]) == 0, told.name
        else:
            said = told.line.partition(" - ")[2].partition(";")[0]
            assert said not in text, told.name

"""The check result file, as Nagios 4.4.6 was seen to read it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.feed import nagios_file

from .material import result


def test_the_whole_file():
    one = result(
        began=1795915825.0, ended=1795915825.4, host="o365", service="mapi alice@example.org"
    )
    assert nagios_file.text(
        [one, one._replace(service="x", state="UNKNOWN")], "ab12", 1795915826.7
    ) == (
        "# check_mapi_connectivity feed ab12\n"
        "file_time=1795915826\n"
        "\n"
        "host_name=o365\n"
        "service_description=mapi alice@example.org\n"
        "check_type=1\n"
        "check_options=0\n"
        "scheduled_check=0\n"
        "reschedule_check=0\n"
        "latency=0.0\n"
        "start_time=1795915825.000000\n"
        "finish_time=1795915825.400000\n"
        "early_timeout=0\n"
        "exited_ok=1\n"
        "return_code=1\n"
        "output=MAPI WARNING - slow|time=1.2s;1;2;0 token=0.1s\\n  long line 1\\n  long line 2\n"
        "\n"
        "host_name=o365\n"
        "service_description=x\n"
        "check_type=1\n"
        "check_options=0\n"
        "scheduled_check=0\n"
        "reschedule_check=0\n"
        "latency=0.0\n"
        "start_time=1795915825.000000\n"
        "finish_time=1795915825.400000\n"
        "early_timeout=0\n"
        "exited_ok=1\n"
        "return_code=3\n"
        "output=MAPI WARNING - slow|time=1.2s;1;2;0 token=0.1s\\n  long line 1\\n  long line 2\n"
    )


def as_nagios_reads(text):
    r"""A value, decoded as Nagios does: `\n` and `\\`, any other `\x` stays."""
    found, position = "", 0
    while position < len(text):
        pair = text[position : position + 2]
        decoded = {"\\n": "\n", "\\\\": "\\"}.get(pair)
        found += decoded or text[position]
        position += 2 if decoded else 1
    return found


@example("C:\\new\\\\")
@given(st.text(st.sampled_from("ab\\n\n |;\r%"), max_size=12))
def test_any_text_arrives_on_one_line(text):
    value = nagios_file.escaped(text)
    assert "\n" not in value
    assert as_nagios_reads(value) == text.replace("\r", "")

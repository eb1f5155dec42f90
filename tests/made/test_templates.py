"""What is shipped for schedulers and written by hand: the parts agree with each other and with us."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import xml.etree.ElementTree as ET

import pytest

from check_mapi_connectivity.commandline.arguments import parse_command_line
from generate import icinga2

from ..conftest import ROOT

SHIPPED = ROOT / "icinga-templates"
TEMPLATES = (SHIPPED / "icinga2/templates.conf").read_text()
NAGIOS = (SHIPPED / "nagios/mapi_connectivity.cfg").read_text()
MRPE = SHIPPED / "checkmk/mapi_mrpe"


def test_every_variable_in_the_examples_is_one_of_the_command():
    known = {argument.variable for argument in icinga2.arguments()}
    known |= {"mapi_mailboxes", "mapi_endpoint", "mapi_fed"}
    known |= {"mapi_nodes", "mapi_node_mailbox", icinga2.NO_RESULT}
    known |= {"mapi_no_result_state", "mapi_no_result_text"}
    for name in ("templates.conf", "feed.conf", "nodes.conf", "hosts-example.conf", "zones.conf"):
        text = (SHIPPED / "icinga2" / name).read_text()
        assert set(re.findall(r"\bmapi_[a-z_]+[a-z]", text)) - {icinga2.COMMAND} <= known, name


def test_the_sign_in_tests_no_mailbox():
    block = re.search(r'template Service "mapi-sign-in" \{(.*?)\n\}', TEMPLATES, re.DOTALL)[1]
    assert "vars.mapi_sign_in_only = true" in block
    # What a host says of its mailboxes is taken back.
    for name in ("mailbox", "mailbox_file", "warning", "critical"):
        assert f'vars.mapi_{name} = "none"' in block
    (sign_in,) = (line for line in NAGIOS.splitlines() if "--sign-in-only" in line)
    assert " -m " not in sign_in


@pytest.mark.parametrize("line", re.findall(r"command_line\t(.*?/check_mapi.*)", NAGIOS))
def test_commands_of_nagios_are_command_lines_of_ours(line):
    filled = re.sub(r"\$ARG([0-9])\$", r"value\1", line)
    words = shlex.split(filled)
    assert words[0] == "$USER1$/check_mapi_connectivity"
    # The last argument is for more options.
    assert words[-1].startswith("value")
    assert isinstance(parse_command_line(words[1:-1]), dict)


def test_the_line_for_checkmk_is_a_command_line_of_ours():
    lines = (SHIPPED / "checkmk/mrpe.cfg").read_text().splitlines()
    (line,) = (line for line in lines if line and not line.startswith("#"))
    assert "'" not in line
    service, interval, command = line.split(" ", 2)
    assert (service, interval) == ("MAPI%20probe@contoso.com", "(interval=300)")
    _, _, words = command.partition("/plugins/check_mapi_connectivity ")
    assert parse_command_line(words.split())["mailbox"] == ["probe@contoso.com"]


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_checkmk_sees_no_value_that_does_not_exist(code):
    first = "MAPI OK - t=U at a: fine | a=1;;;0;1 b=U;2;5 c=U d=0.1s;30: e=U;;;0"
    rest = "\n[OK] b=U | c=U"
    script = f"printf '%s\\n' '{first}{rest}'; exit {code}"
    done = subprocess.run(
        [MRPE, "sh", "-c", script], capture_output=True, text=True, check=False, timeout=10
    )
    assert done.returncode == code
    assert done.stdout == f"MAPI OK - t=U at a: fine | a=1;;;0;1 d=0.1s;30:{rest}\n"
    assert done.stderr == ""


def test_arguments_pass_through_to_the_check():
    done = subprocess.run(
        [MRPE, "printf", "%s;", "a b", "", "*"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "a b;;*;\n"


def test_the_icon_is_a_picture():
    root = ET.fromstring((SHIPPED / "icon.svg").read_text())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox") == "0 0 64 64"


def test_the_readme_names_every_file():
    text = (SHIPPED / "README.md").read_text()
    for directory in ("icinga2", "director", "nagios", "checkmk"):
        for path in (SHIPPED / directory).iterdir():
            assert path.name in text, path


def test_both_ways_to_icinga_depend_alike():
    (own,) = re.findall(r"apply Dependency .*?\n}\n", TEMPLATES, re.DOTALL)
    assert re.search(r"  states = \[ OK, Warning \]\n  ignore_soft_states = false\n", own)
    assert "  disable_notifications = true\n" in own
    basket = json.loads((SHIPPED / "director/check_mapi_connectivity-basket.json").read_text())
    (theirs,) = basket["Dependency"].values()
    assert theirs["states"] == ["OK", "Warning"]
    assert (theirs["ignore_soft_states"], theirs["disable_notifications"]) == (False, True)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("check_mapi_connectivity", "$ARG1$"),
        ("check_mapi_cmdlet", "--method cmdlet --tenant '$ARG1$' -m '$ARG2$' $ARG3$"),
        ("check_mapi_graph", "--method graph --tenant '$ARG1$' -m '$ARG2$' $ARG3$"),
        (
            "check_mapi_on_premises",
            "--method mapi -H '$ARG1$' -l '$ARG2$' --password-file '$ARG3$' -m '$ARG4$' $ARG5$",
        ),
        ("check_mapi_ini", "--extra-opts='$ARG1$' -m '$ARG2$' $ARG3$"),
    ],
)
def test_commands_of_nagios_take_their_arguments_in_order(command, words):
    line = f"$USER1$/check_mapi_connectivity {words}"
    assert f"\tcommand_name\t{command}\n\tcommand_line\t{line}\n" in NAGIOS


def test_mailboxes_leave_the_certificate_to_the_sign_in():
    text = (SHIPPED / "nagios/servicetemplates.cfg").read_text()
    both = "--warning-for certificate_days=none --critical-for certificate_days=none"
    # Those of their own, and those of the feed.
    assert text.count(both) == 2
    assert TEMPLATES.count('_for = [ "certificate_days=none" ] + ') == 2

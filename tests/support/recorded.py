"""Runs that are recorded and replayed, and what must be the same in both."""

from __future__ import annotations

import json
import os
import re
import warnings
from dataclasses import dataclass

from msal.authority import Authority

from check_mapi_connectivity.base.errors import UsageError
from check_mapi_connectivity.commandline import parse
from check_mapi_connectivity.record import recording, replay
from check_mapi_connectivity.result import output

from .masks import timeless

#: What both say of the file, and the other not.
_ABOUT = re.compile(r"^  (?:recording|replay) {4,}.*\n", re.MULTILINE)

#: What went over the wire: secrets that `***` hides in one have placeholders in the other.
_WIRE = re.compile(r"^  request  .*\n(?:    .*\n)*(?:  answer  .*\n(?:    .*\n)*)?", re.MULTILINE)


@dataclass
class Said:
    """What a run or a replay came to, times aside."""

    code: int
    line: str
    labels: list
    diagnosis: str

    @classmethod
    def of(cls, code, text):
        """From a whole output."""
        if text.startswith("{"):
            return cls.of_json(code, json.loads(text))
        text = _WIRE.sub("", _ABOUT.sub("", text))
        first, _, diagnosis = text.partition("\n")
        line, _, perfdata = first.partition(" | ")
        labels = [re.sub(r"=.*", "", item) for item in perfdata.split()]
        return cls(code, timeless(line), labels, timeless(diagnosis))

    @classmethod
    def of_json(cls, code, document):
        """From a document of `--json`."""
        reports = document.get("reports", [])
        labels = [item["label"] for one in reports for item in one["perfdata"]]
        for one in reports:
            del one["perfdata"]
            one["exchanges"] = len(one["exchanges"])
        document = {**document, "recording": "", "replay": ""}
        text = json.dumps(document, indent=1, sort_keys=True)
        text = re.sub(r"\b[0-9]+(\.[0-9]+|e-[0-9]+)+\b", "#", text)
        return cls(code, timeless(document["summary"]), labels, timeless(text))


def forget():
    """Make msal ask again: it remembers for the life of a process whom it need not ask."""
    Authority._domains_without_user_realm_discovery.clear()


def play(path, *arguments):
    """Exit code and output of a replay in this process."""
    forget()
    words = ["--replay", str(path), *map(str, arguments)]
    try:
        asked = parse.parse(words, {})
        # As a process of the check does.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text, code = replay.run(asked)
    except UsageError as error:
        return 3, output.complain(str(error), error.details, as_json=error.as_json)
    return code, text


def flags(document):
    """What the recorded run was shown with."""
    options = document["options"]
    shown = ["-v"] * options["verbose"] + ["--json"] * options["json"]
    return [*shown, *(() if options["diagnosis"] else ("--diagnosis", "off"))]


def reword(path):
    """Give a recording the result that its replay has now: after a change of words, not of sense."""
    document = json.loads(path.read_text())
    code, text = play(path, *flags(document))
    if text.startswith("{"):
        text = json.dumps({**json.loads(text), "replay": None}) + "\n"
    document["result"] = {"exit_code": code, "output": _ABOUT.sub("", text)}
    path.write_bytes(recording.encode(document))


def replayed(path):
    """(the recorded result, what its replay says) of a recording."""
    document = json.loads(path.read_text())
    result = document["result"]
    return (
        Said.of(result["exit_code"], result["output"]),
        Said.of(*play(path, *flags(document))),
    )


def record_and_replay(run, path, *arguments, redact=False, **keywords):
    """Run `run(*arguments)` with `--record`, replay the recording here, and compare.

    `run` gives an Outcome. What it printed, the recording's own result and the replay must be the
    same, times aside; with `redact` what it printed shows the addresses and is not compared.
    """
    if path.exists():
        os.unlink(path)
    more = ("--redact-addresses",) if redact else ()
    outcome = run(*arguments, "--record", path, *more, **keywords)
    recorded, again = replayed(path)
    assert again == recorded
    if not redact:
        assert Said.of(outcome.code, outcome.stdout) == recorded
    assert outcome.code == again.code
    return outcome

"""README, `docs/` and what lies beside them: links lead somewhere, each has its form and its size."""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity.commandline import option_table
from check_mapi_connectivity.setup import option_table as set_up

from ..conftest import ROOT
from ..support.documents import CONTRIBUTING, DOCS, DOCUMENTS, README, anchors, links, name, prose

#: Options of other programs that documents name.
OTHERS = {
    "--define",
    "--no-deps",
    "--target",
    "--cacert",
    "--strict",
    "--ignore",
    "--resolve",
    "--connect-to",
}


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name)


@every_document
def test_every_link_leads_somewhere(document):
    for target in links(document):
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), target
        assert ROOT in there.parents, target
        if anchor:
            assert anchor in anchors(there), target


def test_links_are_found():
    """Of every form that the documents have."""
    assert "docs/recordings.md#what-nobody-has-seen-yet" in links(README)
    assert "icinga-templates/screenshots/icinga-web-critical.png" in links(README)
    assert "ARCHITECTURE.md" in links(CONTRIBUTING)
    assert "several-methods-us-or-microsoft" in anchors(ROOT / "docs" / "slow-runs.md")


def test_the_index_names_every_page_and_every_page_leads_back():
    index = README.read_text().partition("## Documentation")[2]
    for page in DOCS:
        assert f"](docs/{page.name})" in index
        assert "[README](../README.md)" in page.read_text().split("\n")[2]
    assert "](findings/README.md)" in index


#: What a newcomer looks for -> where it is told.
SOUGHT = {
    "the permission that an app lacks": "docs/exchange-online.md#permission-missing",
    "how to grant it": "docs/exchange-online.md#by-hand",
    "a proxy that wants a Windows logon": "docs/proxies.md#a-windows-logon",
    "what exit code 3 meant": "README.md#states-and-exit-codes",
    "which kind it was": "docs/output.md#states",
    "where to change the first line": "ARCHITECTURE.md",
    "each node of a load balancer": "docs/exchange-server.md#every-node-behind-the-load-balancer",
    "a feed of passive services": "docs/scale-out.md#a-feed-one-run-a-thousand-services",
    "only the sign-in": "docs/output.md#the-sign-in-alone",
}


def followed(place):
    """Where the links of a page lead, as paths below the root with their anchors."""
    document = ROOT / place.partition("#")[0]
    if not document.exists() or document.suffix != ".md":
        return set()
    whole = [(document.parent / link).resolve() for link in links(document) if link[:1] != "#"]
    own = [f"{name(document)}{link}" for link in links(document) if link[:1] == "#"]
    return {str(path.relative_to(ROOT)) for path in whole} | set(own)


def test_what_a_newcomer_looks_for_is_three_clicks_away():
    reached = {"README.md"}
    for _ in range(3):
        reached |= {target for place in reached for target in followed(place)}
    assert {what for what, place in SOUGHT.items() if place not in reached} == set()
    assert {SOUGHT["what exit code 3 meant"], "CONTRIBUTING.md#where-to-change-what"} <= followed(
        "README.md"
    )


def test_front_page_is_short_and_shows_first_what_it_is():
    text = README.read_text()
    lines = text.split("\n")
    assert len(lines) <= 251
    assert len(text.encode()) <= 16 * 1024
    assert len(CONTRIBUTING.read_text().split("\n")) <= 121
    screen = "\n".join(lines[:40])
    for shown in ("MAPI OK - ", "MAPI CRITICAL - ", ".png)", "Not yet seen on a live tenant"):
        assert shown in screen


def test_the_two_commands_need_what_ci_installs():
    """What `.ci/bare` reads."""
    section = re.search(
        r"^## Try it without a tenant.*?^```", README.read_text(), re.MULTILINE | re.DOTALL
    )
    lines = [line for line in section[0].split("\n") if line.startswith("On ")]
    packages = [package for line in lines for package in re.findall("`([^`]*)`", line)]
    assert packages == ["make", "python3", "python3-venv"]


def test_the_changelog_has_the_usual_form():
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    form = r"\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d"
    assert [one for one in versions if not re.fullmatch(form, one)] == []
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds


@pytest.mark.parametrize("template", ["bug_report", "first_run"])
def test_an_issue_asks_for_a_recording(template):
    text = (ROOT / f".github/ISSUE_TEMPLATE/{template}.md").read_text()
    assert re.match(r"---\nname: .+\nabout: .+\n---\n", text)
    assert "--record probe.json --redact-addresses" in text


def test_icinga_exchange_is_told_what_it_wants():
    """By the fields that others have."""
    text = (ROOT / "icingaexchange.yml").read_text()
    keys = re.findall(r"^(\w+):", text, re.MULTILINE)
    assert keys == [
        "name",
        "description",
        "url",
        "tags",
        "vendor",
        "target",
        "type",
        "license",
        "releases",
    ]
    assert 'description: "file:///README.md"' in text


@every_document
def test_every_option_named_is_one(document):
    known = {
        flag
        for table in (option_table.OPTIONS, set_up.OPTIONS)
        for option in table.values()
        for flag in option.flags
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", prose(document)))
    assert named - OTHERS <= known

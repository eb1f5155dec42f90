"""What is written for people, and how to read it: blocks of code, running text, headings, links."""

from __future__ import annotations

import re
from functools import lru_cache

from ..conftest import ROOT

DOCS = sorted((ROOT / "docs").glob("*.md"))
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"

#: What is written for people, Markdown all of it.
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "findings" / "README.md",
    *sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.md")),
    *sorted((ROOT / "icinga-templates").rglob("*.md")),
    *DOCS,
]


def name(path):
    """Below the root of the source."""
    return str(path.relative_to(ROOT))


@lru_cache(None)
def blocks(document):
    """(what stands above, language, lines) of each block of code."""
    found = []
    pattern = r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$"
    text = document.read_text()
    for block in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        above = text[: block.start()].rstrip("\n").rpartition("\n")[2]
        lines = [line.replace(block["indent"], "", 1) for line in block["code"].splitlines()]
        found.append((above, block["language"], lines))
    return found


@lru_cache(None)
def prose(document):
    """The text without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


@lru_cache(None)
def anchors(document):
    """What a link to a heading may name, as GitHub makes it."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE):
        anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        found.append(anchor + (f"-{found.count(anchor)}" if anchor in found else ""))
    return found


def links(document):
    """Targets of the links and pictures that are not elsewhere in the web."""
    text = re.sub(r"(`+).*?\1", "", prose(document))
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not target.startswith("https://")]

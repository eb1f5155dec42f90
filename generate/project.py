"""Lines that name the project's address and its maintainer, wherever such a line stands first.

Both come from `setup.cfg`. Until there is an address they are placeholders below `.invalid`, which
`make release` refuses.
"""

from __future__ import annotations

import configparser
import re

from . import ROOT

#: File -> lines of it, each a regular expression and what the line is to be.
LINES: dict[str, dict[str, str]] = {
    "README.md": {r"git clone \S+": "git clone {url}.git"},
    "CONTRIBUTING.md": {r"git clone \S+": "git clone {url}.git"},
    "SECURITY.md": {r"Write to <.*>\.": "Write to <{maintainer_email}>."},
    "icingaexchange.yml": {r"url: .*": "url: {url}"},
    ".github/ISSUE_TEMPLATE/config.yml": {r"    url: .*": "    url: {url}/blob/HEAD/SECURITY.md"},
    "debian/control": {
        r"Maintainer: .*": "Maintainer: {maintainer} <{maintainer_email}>",
        r"Homepage: .*": "Homepage: {url}",
    },
    "debian/copyright": {r"Source: .*": "Source: {url}"},
    "debian/changelog": {r" -- .*  (.*)": r" -- {maintainer} <{maintainer_email}>  \1"},
    "packaging/check_mapi_connectivity.spec": {
        r"URL: .*": "URL: {url}",
        r"(\* \w+ \w+ \d+ \d+) .* - (.*)": r"\1 {maintainer} <{maintainer_email}> - \2",
    },
}


def metadata() -> dict[str, str]:
    """Name -> value, of `[metadata]` in `setup.cfg`."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return dict(parser["metadata"])


def named(text: str, lines: dict[str, str], words: dict[str, str]) -> str:
    """The text with its lines that name the project made anew.

    >>> named("a\\nurl: x\\n", {"url: .*": "url: {url}"}, {"url": "https://b.example"})
    'a\\nurl: https://b.example\\n'
    """
    for pattern, line in lines.items():
        text = re.sub(f"^{pattern}$", line.format(**words), text, count=1, flags=re.MULTILINE)
    return text


def files() -> dict[str, str]:
    """All of them, as they should be."""
    words = metadata()
    return {path: named((ROOT / path).read_text(), lines, words) for path, lines in LINES.items()}

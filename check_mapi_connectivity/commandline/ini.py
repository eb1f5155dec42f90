"""Ini files as Monitoring Plugins read them (`--extra-opts`): search path, sections, repeated keys.

configparser does not serve: it keeps only the last of repeated keys, and repeating a key is how a
repeatable option is given here.
"""

from __future__ import annotations

import os
import re

from ..base.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Looked for in each directory of $NAGIOS_CONFIG_PATH.
NAMES = ("monitoring-plugins.ini", "plugins.ini", "nagios-plugins.ini")

#: Looked for next, in this order (lib/parse_ini.c of Monitoring Plugins).
PATHS = (
    "/usr/local/etc/monitoring-plugins/monitoring-plugins.ini",
    "/usr/local/etc/monitoring-plugins.ini",
    "/etc/monitoring-plugins/monitoring-plugins.ini",
    "/etc/monitoring-plugins.ini",
    "/etc/nagios/plugins.ini",
    "/usr/local/nagios/etc/plugins.ini",
    "/usr/local/etc/nagios/plugins.ini",
    "/etc/opt/nagios/plugins.ini",
    "/etc/nagios-plugins.ini",
    "/usr/local/etc/nagios-plugins.ini",
    "/etc/opt/nagios-plugins.ini",
)


def default_file(environ: Mapping[str, str]) -> str | None:
    """The ini file that holds where none is named, None when there is none."""
    named = environ.get("MP_CONFIG_FILE")
    if named:
        return named
    for directory in filter(None, environ.get("NAGIOS_CONFIG_PATH", "").split(":")):
        for name in NAMES:
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                return path
    return next((path for path in PATHS if os.path.isfile(path)), None)


def parse(text: str, section: str, source: str) -> list[tuple[int, str, str]] | None:
    """(line number, key, value) triples of one section in order; None when the file lacks it.

    `name = value` sets an option, `name =` a flag; `#` and `;` begin a comment line; a section
    given twice is one. Other sections may belong to other plugins and are not judged. Raises
    UsageError, naming `source` and line, for anything else within the section.
    """
    found: list[tuple[int, str, str]] = []
    known = inside = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        header = _header(line)
        if header is not None:
            inside = header == section
            known = known or inside
        elif inside:
            key, equals, value = line.partition("=")
            if not equals or not key.strip():
                text = "an option reads name = value, a flag name ="
                raise UsageError(f"{source} line {number}: {text}")
            found.append((number, key.strip(), _unquoted(value.strip())))
    return found if known else None


def sections(text: str) -> tuple[str, ...]:
    """The names of all sections, in order.

    >>> sections("[a]\\nx = 1\\n[b]")
    ('a', 'b')
    """
    headers = (_header(line.strip()) for line in text.split("\n"))
    return tuple(header for header in headers if header is not None)


def _header(line: str) -> str | None:
    """The section that a line begins, with or without a comment behind it; None for another."""
    if not line.startswith("["):
        # Of hundreds of lines in hundreds of sections nearly none needs more than a look.
        return None
    found = re.fullmatch(r"\[([^]]*)\]\s*(?:[#;].*)?", line)
    return found[1].strip() if found else None


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value

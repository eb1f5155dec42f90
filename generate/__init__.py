"""What is made from the tables of options, labels and codes: documents, man pages, templates.

`make docs` writes all of it; `tests/made/test_docs.py` fails when any of it is stale. One module a
kind of reader; each has `files()`: path below the root -> text.
"""

from __future__ import annotations

from pathlib import Path

from check_mapi_connectivity.base import clouds, vocabulary
from check_mapi_connectivity.commandline import credentials
from check_mapi_connectivity.commandline import option as commandline_option
from check_mapi_connectivity.commandline.groups import feeding

ROOT = Path(__file__).resolve().parent.parent

#: What a list of options is made of: title -> options, in order.
Groups = tuple[tuple[str, tuple[commandline_option.Option, ...]], ...]

#: Option -> the words that it takes.
WORDS = {
    "method": vocabulary.OFFERED,
    "cloud": tuple(clouds.CLOUDS),
    "auth": tuple(credentials.SCHEMES),
    "proxy-auth": tuple(credentials.SCHEMES),
    "min-tls": ("1.2", "1.3"),
    "diagnosis": ("on", "off"),
    "submit": feeding.SCHEDULERS,
}


def flags(option: commandline_option.Option) -> str:
    """`-t, --timeout SECONDS[:STATE]`."""
    return f"{', '.join(option.flags)} {option.metavar}".rstrip()

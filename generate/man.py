"""The man pages of both commands."""

from __future__ import annotations

import re

from check_mapi_connectivity import __version__
from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.commandline import (
    given,
    ini,
    option_table,
    parse,
)
from check_mapi_connectivity.commandline.argv import help as argv_help
from check_mapi_connectivity.commandline.argv import help_text
from check_mapi_connectivity.setup import option_table as set_up
from check_mapi_connectivity.setup.steps import names
from check_mapi_connectivity.setup.steps.on_paper import NOT_YET_SEEN

from . import Groups, flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: Neither hyphens nor wide gaps, which nobody can copy.
_AS_WRITTEN = (".nh", ".ad l")

#: A directory of one tenant on this host.
_TENANT = f"{given.TENANT_DIRECTORIES}/TENANT/"

#: Environment variables that the check reads, and when.
ENVIRONMENT = (
    (
        "MAPI_CERTIFICATE_PASSPHRASE",
        "passphrase of the private key or PFX, where no file is given",
    ),
    ("MAPI_PASSWORD", "password of --username, where no file is given"),
    ("MAPI_CLIENT_SECRET", "secret of --client-id, where no other credential is given"),
    ("MAPI_PROXY_PASSWORD", "proxy password, where no file is given"),
    ("MAPI_SUBMIT_PASSWORD", "password of --submit-user, where no file is given"),
    ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "the instance metadata service of a managed identity"),
    ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "the proxy, where no option names one"),
    (
        "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE",
        "authorities, where --ca-file is not given",
    ),
    ("MP_CONFIG_FILE, NAGIOS_CONFIG_PATH", "where --extra-opts looks for its file"),
)


def roff(text: str) -> str:
    """Plain text as roff: nothing in it is a request or an escape; what stands in backticks is
    bold; a long path may be broken after a slash, for narrow terminals.
    """
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    text = re.sub(r"\S{41,}", lambda word: word[0].replace("/", "/\\:"), text)
    text = re.sub("`([^`]*)`", r"\\fB\1\\fR", text)
    return f"\\&{text}" if text[:1] in (".", "'") else text


def man_page() -> str:
    """check_mapi_connectivity(1)."""
    lines = [
        f'.TH CHECK_MAPI_CONNECTIVITY 1 "" "{__version__}" "Monitoring plugins"',
        *_AS_WRITTEN,
        ".SH NAME",
        f"{vocabulary.PLUGIN} \\- "
        + roff("check that users can log on to their Exchange mailboxes"),
        ".SH SYNOPSIS",
        f".B {vocabulary.PLUGIN}",
        roff("--tenant NAME -m ADDRESS [option ...]"),
        ".br",
        f".B {vocabulary.PLUGIN}",
        roff("--method mapi -l USER -m ADDRESS [option ...]"),
        ".SH DESCRIPTION",
        roff(help_text.DESCRIPTION),
        ".PP",
        roff(help_text.NO_LIVE_RUN_YET.replace("\n", " ")),
        ".SH OPTIONS",
        roff(
            "Every long option also works as `name = value` in an ini section (see --extra-opts)."
        ),
        roff("The value `none` means: not given."),
    ]
    lines += [*options_for_man(option_table.GROUPS), ".SH EXIT STATUS"]
    meanings = {
        "OK": "the check logged on to the mailbox and listed its Inbox, within all thresholds",
        "WARNING": "as with OK, but a warning threshold is violated or the address book fails; or "
        "the mailbox is being moved",
        "CRITICAL": "the check could not do so, or a critical threshold is violated",
        "UNKNOWN": "the mailbox was not tested; also help, version and usage errors",
    }
    for state, code in vocabulary.STATES.items():
        lines += [".TP", f".B {code} {state}", roff(meanings[state])]
    lines += [*terms("ENVIRONMENT", ENVIRONMENT), *terms("FILES", check_files())]
    examples = (*help_text.EXAMPLES, *help_text.MORE_EXAMPLES)
    lines += [*examples_for_man(vocabulary.PLUGIN, examples), ".SH SEE ALSO"]
    lines.append(f".BR {names.COMMAND} (8)")
    return "\n".join(lines) + "\n"


def terms(title: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    """A section of terms, each with its text; paths get a line each, in terms and in texts."""
    lines = [f".SH {title}"]
    for term, text in entries:
        for number, name in enumerate(term.split(", ") if "/" in term else [term]):
            lines += [".TQ" if number else ".TP", f".B {roff(name)}"]
        lines += "\n.br\n".join(map(roff, text.split("\n"))).split("\n")
    return lines


def check_files() -> list[tuple[str, str]]:
    """What the check reads and writes where no option names a file."""
    cache = f"{vocabulary.PLUGIN}/"
    return [
        (
            _TENANT,
            "Read with --tenant alone; TENANT is its value as given, or in lower case. An ini "
            "section of that name in the file of --extra-opts is used first.",
        ),
        (f"{_TENANT}options.ini", "Ini file with a section `[TENANT]`: all options of the check."),
        (
            f"{_TENANT}certificate.pem, {_TENANT}certificate.pfx",
            "The certificate, where no ini section names a credential.",
        ),
        (f"{_TENANT}client_id", "The client id that belongs to it, where none is given."),
        (
            "/etc/monitoring-plugins.ini",
            "Ini file of --extra-opts where none is named. The check reads the first that there "
            "is: `$MP_CONFIG_FILE`; in the directories of `$NAGIOS_CONFIG_PATH` "
            f"{', '.join(f'`{name}`' for name in ini.NAMES)}; then\n"
            + "\n".join(f"`{path}`" for path in ini.PATHS),
        ),
        (
            f"{parse.SYSTEM_CACHE}/, $XDG_CACHE_HOME/{cache}, ~/.cache/{cache}",
            "Cached tokens, and what was learned about mailboxes: in the first directory where it "
            "belongs to the running user, else in the second, or in the third where "
            "XDG_CACHE_HOME is not set. Made with mode 0700, files with 0600. They may be removed "
            "at any time: the next run signs in again.",
        ),
    ]


def options_for_man(groups: Groups) -> list[str]:
    """A sub-section a group."""
    lines = []
    for title, options in groups:
        lines.append(f".SS {roff(title[0].upper() + title[1:])}")
        for option in options:
            lines += [".TP", f".B {roff(flags(option))}", roff(option.help)]
    return lines


def examples_for_man(name: str, examples: tuple[tuple[str, str], ...]) -> list[str]:
    """The section of examples, with the lines of `--help`."""
    lines = [".SH EXAMPLES"]
    for purpose, words in examples:
        lines += [".PP", f"{roff(purpose[0].upper() + purpose[1:])}", ".PP", ".EX"]
        lines += [*map(roff, argv_help.command_lines(name, words)), ".EE"]
    return lines


def set_up_man_page() -> str:
    """check_mapi_connectivity_setup(8): a command for administrators."""
    lines = [
        f'.TH CHECK_MAPI_CONNECTIVITY_SETUP 8 "" "{__version__}" "Monitoring"',
        *_AS_WRITTEN,
        ".SH NAME",
        f"{names.COMMAND} \\- {roff('set up a tenant for check_mapi_connectivity')}",
        ".SH SYNOPSIS",
    ]
    for usage in set_up.USAGE:
        lines += [f".B {names.COMMAND}", roff(usage), ".br"]
    lines += [".SH DESCRIPTION", roff(" ".join(set_up.DESCRIPTION.split()))]
    lines += [".PP", roff(" ".join(NOT_YET_SEEN.split())), ".SH OPTIONS"]
    lines += options_for_man(set_up.GROUPS)
    lines += terms("EXIT STATUS", ((str(code), text) for code, text in set_up.EXITS.items()))
    lines += terms("FILES", set_up_files())
    lines += [*examples_for_man(names.COMMAND, set_up.EXAMPLES), ".SH SEE ALSO"]
    lines.append(f".BR {vocabulary.PLUGIN} (1)")
    return "\n".join(lines) + "\n"


def set_up_files() -> list[tuple[str, str]]:
    """What the set-up command writes where --output is not given."""
    return [
        (f"{_TENANT}{names.CERTIFICATE}", "Certificate and private key, in one file."),
        (f"{_TENANT}{names.CLIENT_ID}", "The client id of the app registration."),
        (
            f"{_TENANT}{names.PASSWORD}",
            "The password of --username, where it was entered on the terminal.",
        ),
        (
            f"{_TENANT}{names.OPTIONS_INI}",
            "The ini section that the check reads with --tenant alone. A later run of the set-up "
            "takes options from it that its own command line does not have.",
        ),
    ]


def files() -> dict[str, str]:
    """A page each."""
    return {
        f"docs/{vocabulary.PLUGIN}.1": man_page(),
        f"docs/{names.COMMAND}.8": set_up_man_page(),
    }

"""The man pages of both commands."""

from __future__ import annotations

from check_mapi_connectivity import __version__, help_text, option_table, vocabulary
from check_mapi_connectivity.provision import names
from check_mapi_connectivity.provision import option_table as set_up
from check_mapi_connectivity.provision.words import NOT_YET_SEEN

from . import Groups, flags

#: Environment variables that the check reads, and when.
ENVIRONMENT = (
    (
        "MAPI_CERTIFICATE_PASSPHRASE",
        "passphrase of the private key or PFX, where no file is given",
    ),
    ("MAPI_PASSWORD", "password of --username, where no file is given"),
    ("MAPI_CLIENT_SECRET", "secret of --client-id, where no other credential is given"),
    ("MAPI_PROXY_PASSWORD", "proxy password, where no file is given"),
    ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "the instance metadata service of a managed identity"),
    ("HTTPS_PROXY, ALL_PROXY, NO_PROXY", "the proxy, where no option speaks"),
    (
        "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE",
        "authorities, where --ca-file is not given",
    ),
    ("MP_CONFIG_FILE, NAGIOS_CONFIG_PATH", "where --extra-opts looks for its file"),
)


def roff(text: str) -> str:
    """Plain text as roff: nothing in it is a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text


def man_page() -> str:
    """check_mapi_connectivity(1)."""
    lines = [
        f'.TH CHECK_MAPI_CONNECTIVITY 1 "" "{__version__}" "Monitoring plugins"',
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
        roff(" ".join(help_text.NOT_YET_SEEN.values())),
        ".SH OPTIONS",
        roff(
            "Every long option also works as `name = value` in an ini section (see --extra-opts)."
        ),
        roff("The value `none` means: not given."),
    ]
    lines += [*options_for_man(option_table.GROUPS), ".SH EXIT STATUS"]
    meanings = {
        "OK": "the mailbox was logged on to and its Inbox was listed, within all thresholds",
        "WARNING": "it was, but a warning threshold is violated; or the mailbox is being moved",
        "CRITICAL": "it was not, or the way to it is broken; or a critical threshold is violated",
        "UNKNOWN": "the mailbox was not put to the test; help, version and usage errors",
    }
    for state, code in vocabulary.STATES.items():
        lines += [".TP", f".B {code} {state}", roff(meanings[state])]
    lines.append(".SH ENVIRONMENT")
    for name, text in ENVIRONMENT:
        lines += [".TP", f".B {roff(name)}", roff(text)]
    lines += [*examples_for_man(vocabulary.PLUGIN, help_text.EXAMPLES), ".SH SEE ALSO"]
    lines.append(f".BR {names.COMMAND} (8)")
    return "\n".join(lines) + "\n"


def options_for_man(groups: Groups) -> list[str]:
    """A sub-section a group."""
    lines = []
    for title, options in groups:
        lines.append(f".SS {roff(title[0].upper() + title[1:])}")
        for option in options:
            lines += [".TP", f".B {roff(flags(option))}", roff(option.help)]
    return lines


def examples_for_man(name: str, examples: tuple[tuple[str, str], ...]) -> list[str]:
    """The section of examples."""
    lines = [".SH EXAMPLES"]
    for purpose, words in examples:
        lines += [".TP", roff(purpose), f".B {roff(f'{name} {words}')}"]
    return lines


def set_up_man_page() -> str:
    """check_mapi_connectivity_setup(8): a command for administrators."""
    lines = [
        f'.TH CHECK_MAPI_CONNECTIVITY_SETUP 8 "" "{__version__}" "Monitoring"',
        ".SH NAME",
        f"{names.COMMAND} \\- {roff('make the identity that check_mapi_connectivity signs in as')}",
        ".SH SYNOPSIS",
    ]
    for usage in set_up.USAGE:
        lines += [f".B {names.COMMAND}", roff(usage), ".br"]
    lines += [".SH DESCRIPTION", roff(" ".join(set_up.DESCRIPTION.split()))]
    lines += [".PP", roff(" ".join(NOT_YET_SEEN.split())), ".SH OPTIONS"]
    lines += [*options_for_man(set_up.GROUPS), ".SH EXIT STATUS"]
    lines.append(roff(" ".join(set_up.EXITS.split())))
    lines += [*examples_for_man(names.COMMAND, set_up.EXAMPLES), ".SH SEE ALSO"]
    lines.append(f".BR {vocabulary.PLUGIN} (1)")
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """A page each."""
    return {
        f"docs/{vocabulary.PLUGIN}.1": man_page(),
        f"docs/{names.COMMAND}.8": set_up_man_page(),
    }

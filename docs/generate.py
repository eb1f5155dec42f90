"""Writes what is made from the tables: the README's options and codes, and the man pages.

Run by `make docs`; `tests/test_docs.py` fails when either is stale.
"""

from __future__ import annotations

from pathlib import Path

from check_mapi_connectivity import (
    __version__,
    advice_table,
    help_text,
    option_table,
    vocabulary,
)
from check_mapi_connectivity.provision import names
from check_mapi_connectivity.provision import option_table as set_up
from check_mapi_connectivity.provision.words import NOT_YET_SEEN

Groups = tuple[tuple[str, tuple[option_table.Option, ...]], ...]

ROOT = Path(__file__).resolve().parent.parent
END = "<!-- end of options -->"
BEGIN_CODES, END_CODES = "<!-- codes: made by make docs -->", "<!-- end of codes -->"

#: Where a list of options begins in the README -> its groups.
LISTS = {
    "<!-- options: made by make docs -->": option_table.GROUPS,
    "<!-- options of the set-up command: made by make docs -->": set_up.GROUPS,
}


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


def flags(option: option_table.Option) -> str:
    """`-t, --timeout SECONDS[:STATE]`."""
    return f"{', '.join(option.flags)} {option.metavar}".rstrip()


def options_for_readme(groups: Groups) -> str:
    """A Markdown table a group."""
    lines = []
    for title, options in groups:
        lines += ["", f"**{title[0].upper()}{title[1:]}**", "", "| option | meaning |", "|---|---|"]
        for option in options:
            shown, text = flags(option).replace("|", "\\|"), option.help.replace("|", "\\|")
            lines.append(f"| `{shown}` | {text} |")
    return "\n".join([*lines, ""])


def codes_for_readme() -> str:
    """A collapsible Markdown table a family of codes."""
    lines = []
    entries = advice_table.entries()
    for family in dict.fromkeys(entry.family for entry in entries):
        rows = [entry for entry in entries if entry.family == family]
        lines += ["", f"<details><summary>{family} ({len(rows)})</summary>", ""]
        links = {entry.link for entry in rows} - {""}
        if len(links) <= 2:
            lines += [*(f"[Their owner's page]({link})" for link in sorted(links)), ""]
        lines += ["| code | name | meaning | what to do |", "|---|---|---|---|"]
        for entry in rows:
            code = f"[`{entry.code}`]({entry.link})" if len(links) > 2 else f"`{entry.code}`"
            name = f"`{entry.name}`" if entry.name and entry.name not in entry.code else ""
            lines.append(f"| {code} | {name} | {entry.cause} | {entry.remedy} |")
        lines += ["", "</details>"]
    return "\n".join([*lines, ""])


def replaced(text: str, begin: str, end: str, made: str) -> str:
    """The text with what stands between two marks made anew."""
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{made}\n{end}{after}"


def readme(current: str) -> str:
    """The README with its options and codes made anew."""
    for begin, groups in LISTS.items():
        current = replaced(current, begin, END, options_for_readme(groups))
    return replaced(current, BEGIN_CODES, END_CODES, codes_for_readme())


def roff(text: str) -> str:
    """Plain text as roff: nothing in it is a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text


def man_page() -> str:
    """check_mapi_connectivity(1)."""
    lines = [
        f'.TH CHECK_MAPI_CONNECTIVITY 1 "" "{__version__}" "Monitoring plugins"',
        ".SH NAME",
        f"{vocabulary.PLUGIN} \\- {roff('check that users can log on to their Exchange mailboxes')}",
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
    lines += examples_for_man(vocabulary.PLUGIN, help_text.EXAMPLES)
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
    """check_mapi_connectivity_setup(1)."""
    lines = [
        f'.TH CHECK_MAPI_CONNECTIVITY_SETUP 1 "" "{__version__}" "Monitoring plugins"',
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


def main() -> None:
    """Write all of it."""
    path = ROOT / "README.md"
    path.write_text(readme(path.read_text()))
    (ROOT / "docs" / f"{vocabulary.PLUGIN}.1").write_text(man_page())
    (ROOT / "docs" / f"{names.COMMAND}.1").write_text(set_up_man_page())


if __name__ == "__main__":
    main()

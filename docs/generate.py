"""Writes what is made from the tables: the README's options and codes, and the man page.

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

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- options: made by make docs -->", "<!-- end of options -->"
BEGIN_CODES, END_CODES = "<!-- codes: made by make docs -->", "<!-- end of codes -->"


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


def options_for_readme() -> str:
    """A Markdown table a group."""
    lines = []
    for title, options in option_table.GROUPS:
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
    options = replaced(current, BEGIN, END, options_for_readme())
    return replaced(options, BEGIN_CODES, END_CODES, codes_for_readme())


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
    for title, options in option_table.GROUPS:
        lines.append(f".SS {roff(title[0].upper() + title[1:])}")
        for option in options:
            lines += [".TP", f".B {roff(flags(option))}", roff(option.help)]
    lines += [".SH EXIT STATUS"]
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
    lines += [".SH EXAMPLES"]
    for purpose, words in help_text.EXAMPLES:
        lines += [".TP", roff(purpose), f".B {roff(f'{vocabulary.PLUGIN} {words}')}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files."""
    path = ROOT / "README.md"
    path.write_text(readme(path.read_text()))
    (ROOT / "docs" / f"{vocabulary.PLUGIN}.1").write_text(man_page())


if __name__ == "__main__":
    main()

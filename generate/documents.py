"""Lists of options and codes in `docs/`, between marks; what is around them is written by hand."""

from __future__ import annotations

from check_mapi_connectivity.codes import entries
from check_mapi_connectivity.commandline import option_table
from check_mapi_connectivity.setup import option_table as set_up

from . import ROOT, Groups, flags

OPTIONS, CODES = "docs/options.md", "docs/error-codes.md"

END = "<!-- end of options -->"
BEGIN_CODES, END_CODES = "<!-- codes: made by make docs -->", "<!-- end of codes -->"

#: Where a list of options begins -> its groups.
LISTS = {
    "<!-- options: made by make docs -->": option_table.GROUPS,
    "<!-- options of the set-up command: made by make docs -->": set_up.GROUPS,
}


def option_tables(groups: Groups) -> str:
    """A Markdown table a group."""
    lines = []
    for title, options in groups:
        lines += ["", f"**{title[0].upper()}{title[1:]}**", "", "| option | meaning |", "|---|---|"]
        for option in options:
            shown, text = flags(option).replace("|", "\\|"), option.help.replace("|", "\\|")
            lines.append(f"| `{shown}` | {text} |")
    return "\n".join([*lines, ""])


def code_tables() -> str:
    """A collapsible Markdown table a family of codes."""
    lines = []
    told = entries.entries()
    for family in dict.fromkeys(entry.family for entry in told):
        rows = [entry for entry in told if entry.family == family]
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


def options(current: str) -> str:
    """The page of options with its lists made anew."""
    for begin, groups in LISTS.items():
        current = replaced(current, begin, END, option_tables(groups))
    return current


def files() -> dict[str, str]:
    """Both pages, as they should be."""
    return {
        OPTIONS: options((ROOT / OPTIONS).read_text()),
        CODES: replaced((ROOT / CODES).read_text(), BEGIN_CODES, END_CODES, code_tables()),
    }

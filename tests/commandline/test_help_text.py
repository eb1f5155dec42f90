"""What `--help` says: every option, the examples, and what nobody has seen yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from check_mapi_connectivity.base.errors import Information
from check_mapi_connectivity.base.vocabulary import KINDS, OFFERED
from check_mapi_connectivity.commandline import arguments, option_table
from check_mapi_connectivity.commandline import given as commandline_given
from check_mapi_connectivity.commandline.argv import help_text

from ..support.options import parsed

HELP = arguments.parser().format_help()
#: The same with its lines joined.
FLAT = " ".join(HELP.split())
EXAMPLES = (*help_text.EXAMPLES, *help_text.MORE_EXAMPLES)


def test_help_fits_80_columns_and_names_every_option():
    assert max(map(len, HELP.split("\n"))) <= 80
    for option in option_table.OPTIONS.values():
        assert all(flag in HELP for flag in option.flags)


def test_every_option_is_read_somewhere():
    package = Path(option_table.__file__).parent.parent
    sources = [path for path in package.glob("**/*.py") if path.name != "option_table.py"]
    code = "".join(path.read_text() for path in sources)
    # These two are put together from a level and `-for`.
    built = {"warning-for", "critical-for"}
    names = {name for name in option_table.OPTIONS if f'"{name}"' in code or f'"--{name}' in code}
    assert {*option_table.OPTIONS} - names == built


def test_no_option_takes_a_secret():
    flags = {flag for option in option_table.OPTIONS.values() for flag in option.flags}
    assert not flags & {f"--{secret}" for secret in commandline_given.INI_SECRETS}
    assert set(commandline_given.INI_SECRETS) == set(commandline_given.ENVIRONMENT_SECRETS)
    for secret, path in commandline_given.INI_SECRETS.items():
        assert f"--{path}" in flags
        assert commandline_given.ENVIRONMENT_SECRETS[secret] in FLAT


def test_reserved_letters_keep_their_meaning():
    """Contract 2."""
    long = {option.flags[0]: option.flags[-1] for option in option_table.OPTIONS.values()}
    wanted = {
        "-h": "--help",
        "-V": "--version",
        "-v": "--verbose",
        "-t": "--timeout",
        "-w": "--warning",
        "-c": "--critical",
        "-H": "--hostname",
        "-l": "--username",
        "-m": "--mailbox",
    }
    assert {letter: long[letter] for letter in wanted} == wanted


def test_every_option_of_the_contract_is_there():
    """Contract 2."""
    contract = """mailbox mailbox-file method archive inbox-items tenant cloud authority-url
        exchange-url graph-url hostname autodiscover-url mapi-url legacy-dn client-id certificate
        certificate-key certificate-passphrase-file client-secret-file username password-file
        managed-identity federated-token-file auth proxy proxy-host proxy-port proxy-user
        proxy-domain proxy-password-file proxy-auth proxy-spn-host no-proxy ca-file min-tls ipv4 ipv6 warning
        critical warning-for critical-for state timeout diagnosis diagnosis-frequency verbose json
        cache-dir no-cache extra-opts version help ask-password"""
    assert set(contract.split()) - set(option_table.OPTIONS) == set()


def test_vocabulary_of_the_help():
    for kind in set(KINDS) - {"usage"}:
        assert re.search(rf"\b{kind}\b", FLAT)
    for method in OFFERED:
        assert f"{method}: " in FLAT
    assert "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, help and usage errors." in HELP


def test_what_is_unseen_is_said():
    """In one sentence; what it means for each method is said by --explain."""
    said = " ".join(help_text.NO_LIVE_RUN_YET.split())
    assert said in FLAT
    assert said.count(".") == 1
    assert "not yet been seen" not in FLAT


def test_help_begins_with_usage_examples_and_explain():
    """What a newcomer needs comes before the options."""
    head, _, rest = HELP.partition("\nwhat to test:\n")
    assert re.findall(r"^(?:usage|examples)(?=:)", head, re.MULTILINE) == ["usage", "examples"]
    assert head.count("  # ") == len(help_text.EXAMPLES) == 4
    assert "--explain" in head.rpartition("  # ")[2]
    assert rest.count("  # ") == len(help_text.MORE_EXAMPLES)


def test_examples_are_shown_as_they_are():
    joined = " ".join(HELP.replace("\\\n", " ").split())
    for purpose, words in EXAMPLES:
        assert f"# {purpose} check_mapi_connectivity {words}" in joined


@pytest.mark.parametrize("words", [words for _, words in EXAMPLES])
def test_examples_parse(there, words):
    """Every example is a command line that works, given the files it names."""
    (there / "c.pem").chmod(0o600)
    (there / "probe.password").write_text("secret\n")
    (there / "probe.password").chmod(0o600)
    (there / "mailboxes").write_text("probe@contoso.com\n")
    ini = there / "plugins.ini"
    own = "client-id = i\ncertificate = c.pem\n"
    ini.write_text(f"[contoso]\ntenant = t.example\n{own}[contoso.onmicrosoft.com]\n{own}")
    here = {"probe.pem": "c.pem", "probe.password": "probe.password", "mailboxes": "mailboxes"}
    given = [here.get(word.rpartition("/")[2], word) for word in words.split()]
    options = parsed(given, {"MP_CONFIG_FILE": str(ini)})
    assert options.mailboxes == ("probe@contoso.com",)


def test_examples_name_only_examples():
    """Names and GUIDs that belong to nobody."""
    for _, words in EXAMPLES:
        assert set(re.findall(r"[\w-]+@([\w.]+)", words)) <= {"contoso.com"}
        guids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", words)
        assert set(guids) <= {"11111111-2222-3333-4444-555555555555"}


def test_help_is_information():
    with pytest.raises(Information) as caught:
        parsed(["--help"], {})
    assert str(caught.value) == HELP

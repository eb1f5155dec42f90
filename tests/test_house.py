"""The plan of the house (ARCHITECTURE.md): which room may import which, and how large rooms and
files may be.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import check_mapi_connectivity

ROOT = Path(check_mapi_connectivity.__file__).parent

#: Room -> the rooms that it may import.
PLAN = {
    "base": "",
    "codes": "base",
    "mapihttp": "base",
    "secrecy": "base mapihttp",
    "commandline": "base mapihttp",
    "network": "base codes secrecy",
    "result": "base codes secrecy",
    "services": "base codes secrecy network",
    "signin": "base codes secrecy network services",
    "probes": "base codes mapihttp network services signin",
    "feed": "base secrecy network result",
    "explain": "base mapihttp secrecy network signin result feed",
    "record": "base mapihttp secrecy network signin probes result commandline",
    "setup": "base codes secrecy commandline network services signin result process",
}

#: Third-party library -> the modules that may import it.
HOMES = {
    "requests": "network record",
    "urllib3": "network",
    "msal": "signin/msal_client.py setup/administrator.py",
    "spnego": "network/ntlm_kerberos.py",
    "dns": "probes/mapi_autodiscover.py",
    "nagiosplugin": "result",
    "cryptography": "signin/certificate.py signin/pkcs12.py network setup/keypair.py",
}

#: Part of a report -> the modules that may change it; the others have it for reading, and whoever
#: meets something tells a Trace or the Confidences by their own methods.
WRITERS = {
    "report": "probes/runner.py probes/cmdlet.py probes/graph.py probes/mapi.py probes/sign_in.py"
    " signin/identity.py record/replay.py secrecy/reports.py",
    "finding": "probes/cmdlet.py probes/graph.py probes/mapi.py probes/mapi_listing.py"
    " result/conclusion.py secrecy/reports.py",
    "times": "probes/runner.py probes/cmdlet.py probes/graph.py probes/mapi.py probes/sign_in.py"
    " signin/identity.py record/replay.py result/conclusion.py",
    "trace": "secrecy/reports.py",
    "confidences": "",
}

#: What changes a collection.
CHANGING = [
    "add",
    "append",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "remove",
    "setdefault",
    "update",
]
WATCHES = ("sign_in", "discovery", "service", "address_book")

#: Lines of a file; files of a room.
MOST_LINES = 400
MOST_FILES = 12

#: What every run imports of us, `--help` beside it, and what a run by method cmdlet that has its token
#: in the cache imports beside. Starting takes time for each, on any machine.
HELP = """
__main__ process
base base.deadline base.errors base.reading base.reading.files base.reading.pasted base.vocabulary
commandline commandline.argv commandline.argv.plain commandline.arguments commandline.given
commandline.groups commandline.groups.feeding commandline.groups.sign_in commandline.ini
commandline.option commandline.option_table commandline.parse
result result.output
"""
WORDS = "commandline.argv.help commandline.argv.help_text"
WARM = """
base.cache base.clock_skew base.clouds base.credentials base.failure base.options base.reading.pem
base.reading.untrusted base.report base.value
codes codes.recipients
commandline.credentials commandline.limits commandline.network commandline.secrets
commandline.target
network network.answer network.carriers network.carriers.plain network.carriers.request
network.confidential network.head network.headers network.response network.route
network.shared_logon network.tls network.transport network.trust
plugin
probes probes.cmdlet probes.context probes.runner probes.unrecorded
result.conclusion result.diagnosis result.first_line result.frequency result.judge result.layout
result.nodes result.nodes.groups result.notes result.phase_tree result.several result.time_analysis
secrecy secrecy.decodings secrecy.echoes secrecy.names secrecy.reports
services services.exchange_admin services.exchange_refusals services.http_refusals
signin signin.certificate signin.identity signin.session signin.tokens
"""

FILES = sorted(ROOT.rglob("*.py"))
ROOMS = sorted({path.parent for path in FILES} - {ROOT})


def imported(path):
    """(line, first word) of every import of our own: inside functions, too, and for the type
    checker.
    """
    here = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) + 1 - node.level]
            words = (*base, *filter(None, (node.module or "").split(".")))
            found = [words[0]] if words else [alias.name for alias in node.names]
            yield from ((node.lineno, name) for name in found if name != "__version__")


def foreign(path):
    """(line, library) of every import that is not our own."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, (node.module or "").split(".")[0]


def test_who_may_import_whom():
    against = []
    for path in FILES:
        here = path.relative_to(ROOT)
        allowed = (
            {here.parts[0], *PLAN[here.parts[0]].split()}
            if here.parts[0] in PLAN
            else set(PLAN) | {"library", "plugin", "process"}
        )
        for line, other in imported(path):
            if other not in allowed:
                against.append(f"{here}:{line} imports {other}")
    assert against == []


def test_libraries_have_one_home():
    against = []
    for path in FILES:
        here = str(path.relative_to(ROOT))
        for line, library in foreign(path):
            homes = HOMES.get(library, here).split()
            if not any(here == home or here.startswith(home + "/") for home in homes):
                against.append(f"{here}:{line} imports {library}")
    assert against == []


def changed(tree):
    """(line, part) of every change to a report or a part of one, by the names that they go by."""
    for node in ast.walk(tree):
        targets = []
        if isinstance(node, ast.Assign):
            targets = [one for target in node.targets for one in ast.walk(target)]
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = list(ast.walk(node.target))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func
            # A stopwatch is for whoever holds it.
            if method.attr in CHANGING and not ast.unparse(method.value).endswith(WATCHES):
                targets = [method.value]
            elif method.attr == "signed_by":
                targets = [method]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr":
            targets = [ast.Attribute(node.args[0], "any", ast.Store())]
        for target in targets:
            if isinstance(target, ast.Attribute) and (
                isinstance(target.ctx, ast.Store) or isinstance(node, ast.Call)
            ):
                of = ast.unparse(target.value).split(".")[-1].split("[")[0].strip("_")
                part = {"reports": "report", "first": "report"}.get(of, of)
                if part in WRITERS and ast.unparse(target) != f"self.{target.attr}":
                    yield node.lineno, part


def test_a_report_is_changed_by_those_whom_its_part_names():
    against = []
    for path in FILES:
        here = str(path.relative_to(ROOT))
        for line, part in changed(ast.parse(path.read_text())):
            if here not in ("base/report.py", *WRITERS[part].split()):
                against.append(f"{here}:{line} changes {part}")
    assert against == []


def test_the_writers_of_a_report_are_few():
    assert len({writer for writers in WRITERS.values() for writer in writers.split()}) <= 10


def test_length_of_a_file():
    lines = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in FILES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.cases(99)
@pytest.mark.parametrize("room", ROOMS, ids=[str(room.relative_to(ROOT)) for room in ROOMS])
def test_size_of_a_room_and_its_sentence(room):
    assert len([path for path in room.glob("*.py") if path.name != "__init__.py"]) <= MOST_FILES
    body = ast.parse((room / "__init__.py").read_text()).body
    if room.name != "codes":
        assert [type(node) for node in body] == [ast.Expr]
    assert ast.get_docstring(ast.parse((room / "__init__.py").read_text()))


def test_the_rooms_are_those_of_the_plan():
    # By their files: a directory that was carried away may still hold what Python compiled.
    found = {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT}
    assert found == set(PLAN)


#: Runs the check with the words after the first, and writes what it has imported of us into the
#: file that the first names.
LOADING = """
import sys
path, sys.argv = sys.argv[1], ["check", *sys.argv[2:]]
from check_mapi_connectivity.__main__ import main
code = main()
with open(path, "w") as file:
    file.write("\\n".join(sys.modules))
sys.exit(code)
"""


@pytest.fixture
def loaded(environment, tmp_path):
    """`loaded(*words)` -> exit code of a run, and what it has imported of us."""

    def run(*words):
        path, us = tmp_path / "modules", "check_mapi_connectivity."
        command = [sys.executable, "-c", LOADING, str(path), *map(str, words)]
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, check=False)
        names = path.read_text().split("\n")
        return done.returncode, {name[len(us) :] for name in names if name.startswith(us)}

    return run


def test_what_help_imports(loaded):
    assert loaded("--help") == (3, {*HELP.split(), *WORDS.split()})


def test_what_a_warm_run_imports(loaded, tenant, tmp_path):
    options = (f"--extra-opts=cmdlet@{tenant.ini}", "--cache-dir", tmp_path / "cache")
    words = (*options, "-m", "healthy@practice.example")
    assert loaded(*words)[0] == 0
    tenant.token_requests = 0
    assert loaded(*words) == (0, set(HELP.split()) | set(WARM.split()))
    assert tenant.token_requests == 0

"""`make bench`: what a run costs in instructions, which repeat to 0.2 % on a busy machine, and its memory.

Hosts have Microsoft's names, and the practice tenant's authority lies in the system's hashed store: a mount namespace of our own
has it so. The ruler is `import requests, nagiosplugin` by the same interpreter, Debian's with the libraries of `.bench`.

`python -m tests.costs` prints them beside the stored ones, and the CPU of a further mailbox, which hangs on the machine; `check`
fails where a row is 5 % worse than stored, `store` stores new ones; `TREE` before these words measures the package of another tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .bench import once
from .tenant import Tenant

HERE = Path(__file__).resolve().parent
STORED = HERE / "costs.json"
PYTHON = HERE.parent / ".bench/bin/python"
LIBRARIES = ("cryptography", "msal", "nagiosplugin", "requests", "urllib3")

#: A row may be so much worse than it is stored.
WORSE = 1.05

HOSTS = {
    "authority": "login.microsoftonline.com",
    "exchange": "outlook.office365.com",
    "graph": "graph.microsoft.com",
    "own": "mail.contoso.test",
}

#: Mailboxes of a run beside its first one, and how often such runs are timed.
FURTHER = 60
ROUNDS = 9

RULER = "import requests, nagiosplugin"
MEMORY = "warm cmdlet: MiB"

#: Row -> what is wanted, as a share of the ruler, in millions of instructions, in MiB or milliseconds.
TARGETS = {
    "warm cmdlet": 0.75,
    "warm graph": 0.75,
    "warm mapi": 0.85,
    "cold cmdlet": 2.8,
    "--help": 0.20,
    "usage error": 0.15,
    "further mailbox: mapi": 12,
    "further mailbox: cmdlet": 3,
    "further mailbox: graph": 3,
    "further mailbox: mapi, ms CPU": 4,
    MEMORY: 25,
}


def counted(words):
    """Millions of instructions of one process, and its exit code."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*command, *map(str, words)],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    found = re.search(r"I +refs: +([0-9,]+)", done.stderr)
    if found is None:
        raise SystemExit(done.stderr)
    return int(found[1].replace(",", "")) / 1e6, done


class Bench:
    """The practice tenant under the names of HOSTS, and what runs of the check of `tree` cost."""

    def __init__(self, tenant, tree):
        self.tenant = tenant
        self.there = tenant.material.directory.resolve()
        script = self.there / "check"
        begin = f"import sys\nsys.path.insert(0, {str(tree)!r})\n"
        script.write_text(f"{begin}from check_mapi_connectivity.__main__ import run\nrun()\n")
        self.check = [PYTHON, "-I", script]

    def prepare(self):
        """Names, trust and settings: mounts of this process's own namespace."""
        there, port = self.there, self.tenant.port
        (there / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in HOSTS.values()))
        store = there / "certs"
        shutil.copytree("/etc/ssl/certs", store, symlinks=True)
        authority = self.tenant.material.ca_file
        words = ["openssl", "x509", "-noout", "-subject_hash", "-in", authority]
        named = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        shutil.copy(authority, store / f"{named}.0")
        for mounted, over in (("hosts", "/etc/hosts"), ("certs", "/etc/ssl/certs")):
            subprocess.run(["mount", "--bind", there / mounted, over], check=True)
        text = self.tenant.ini.read_text()
        for option, name in HOSTS.items():
            text = re.sub(rf"({option}-url = https://)[0-9.:]+", rf"\1{name}:{port}", text)
        text = re.sub(r"hostname = .*", f"hostname = {HOSTS['own']}:{port}", text)
        text = re.sub(r"ca-file = .*\n", "", text)
        self.tenant.ini.write_text(text)
        names = [line for line in (there / "mailboxes").read_text().split() if "@" in line]
        for number in (1, 1 + FURTHER):
            (there / f"few-{number}").write_text("\n".join(names[:number]))

    def forget(self):
        """As before the first run."""
        shutil.rmtree(self.there / "cache", ignore_errors=True)

    def command(self, section, *words):
        """The words of a run."""
        told = f"--extra-opts={section}@{self.tenant.ini}"
        return [str(word) for word in (*self.check, told, "-t", "100", *words)]

    def several(self, method, number):
        """The words of a run of so many mailboxes."""
        return (
            f"many-{method}",
            "--concurrency",
            "4",
            "--mailbox-file",
            self.there / f"few-{number}",
        )

    def run(self, *words):
        """Millions of instructions of a run that is well."""
        cost, done = counted(self.command(*words))
        if done.returncode:
            raise SystemExit(done.stdout)
        return cost

    def warm(self, *words):
        """The second run."""
        once(self.command(*words))
        return self.run(*words)

    def rows(self):
        """(row, figure), one after the other."""
        yield RULER, counted([PYTHON, "-I", "-c", RULER])[0]
        yield "--help", counted([*self.check, "--help"])[0]
        yield "usage error", counted([*self.check, "--nonsense"])[0]
        for section in ("cmdlet", "graph", "mapi"):
            yield f"warm {section}", self.warm(section)
        yield MEMORY, max(once(self.command("cmdlet"))[2] for _ in range(5))
        for section in ("cmdlet", "mapi"):
            self.forget()
            yield f"cold {section}", self.run(section)
        for method in ("cmdlet", "graph", "mapi"):
            one = self.warm(*self.several(method, 1))
            # An answer that comes in more pieces, because others work on this machine, costs more.
            many = min(self.warm(*self.several(method, 1 + FURTHER)) for _ in range(2))
            yield f"further mailbox: {method}", (many - one) / FURTHER

    def timed(self):
        """(row, milliseconds of CPU), for whoever reads them."""
        for method in ("cmdlet", "graph", "mapi"):
            pairs = [
                [
                    once(self.command(*self.several(method, number)))[1]
                    for number in (1 + FURTHER, 1)
                ]
                for _ in range(ROUNDS)
            ]
            cost = statistics.median(many - one for many, one in pairs) / FURTHER
            yield f"further mailbox: {method}, ms CPU", 1000 * cost


def surroundings():
    """Interpreter, OpenSSL, CA bundle and libraries that figures are good for."""
    names = ", ".join(f"'{name}'" for name in LIBRARIES)
    code = (
        "import sys, ssl, platform; from importlib.metadata import version\n"
        f"print(sys.version, platform.machine(), ssl.OPENSSL_VERSION, *map(version, ({names},)))"
    )
    bundle = Path("/etc/ssl/certs/ca-certificates.crt").read_bytes()
    told = subprocess.run([PYTHON, "-I", "-c", code], capture_output=True, text=True, check=True)
    return [told.stdout.strip(), hashlib.sha256(bundle).hexdigest()]


def line(name, figure, ruler, stored):
    """One row in words."""
    target = TARGETS.get(name)
    absolute = name == MEMORY or name.startswith("further")
    share = "" if absolute else f"{figure / ruler:8.3f}"
    wanted = "" if target is None else f"{target:8.2f}"
    before = (
        ""
        if name not in stored
        else f"{stored[name]:9.1f}{100 * figure / stored[name] - 100:+7.1f} %"
    )
    shown = f"{figure:9.2f}" if name.startswith("further") else f"{figure:9.1f}"
    return f"{name:<32}{shown}{share:>8}{wanted:>8}{before}"


def measured(tree, stored, *, timed):
    """Row -> figure, printed as they come; those of time are only printed."""
    print(f"{'':<32}{'M instr.':>9}{'/ ruler':>8}{'target':>8}{'stored':>9}", flush=True)
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        tenant = Tenant(directory).start()
        bench = Bench(tenant, tree)
        bench.prepare()
        for name, figure in bench.rows():
            found[name] = round(figure, 2)
            print(line(name, figure, found[RULER], stored), flush=True)
        for name, figure in bench.timed() if timed else ():
            print(line(name, figure, found[RULER], stored), flush=True)
        tenant.stop()
        for mounted in ("/etc/hosts", "/etc/ssl/certs"):
            subprocess.run(["umount", mounted], check=True)
    return found


def main(words):
    """Measure, compare, store."""
    tree = Path(words.pop(0)).resolve() if words and os.path.isdir(words[0]) else HERE.parent
    known = json.loads(STORED.read_text()) if STORED.exists() else {"where": [], "rows": {}}
    where = surroundings()
    same = where == known["where"]
    if not same:
        print("figures were stored with others of interpreter, OpenSSL, CA bundle and libraries:")
        print(f"  {known['where']}\n  {where}")
    found = measured(tree, known["rows"], timed=not words)
    if words == ["store"]:
        STORED.write_text(json.dumps({"where": where, "rows": found}, indent=1) + "\n")
    worse = [
        name for name, figure in found.items() if figure > WORSE * known["rows"].get(name, figure)
    ]
    if words == ["check"] and same and worse:
        print(f"more than 5 % worse than stored: {', '.join(worse)}")
        return 1
    return 0


if __name__ == "__main__":
    if os.environ.get("OWN_MOUNTS") is None:
        command = ["unshare", "-rm", sys.executable, "-m", "tests.costs", *sys.argv[1:]]
        os.execvpe(command[0], command, {**os.environ, "OWN_MOUNTS": "yes"})
    sys.exit(main(sys.argv[1:]))

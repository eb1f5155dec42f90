"""`make bench`: what a run costs, as whole processes, each paired with a yardstick and run in turn with it.

Wall and CPU are medians, RSS is the largest; the ratio is the median of the pairs' ratios, which holds while the machine's speed
drifts. HTTP requests and TLS connections are counted at the practice tenant.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from .tenant import Tenant
from .tenant.__main__ import command

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
PYTHON = sys.executable


#: Runs what it is told in a process tree of its own: a child's largest RSS counts that of the process it was forked from.
RUNNER = """
import json, os, sys, time
for line in sys.stdin:
    words = json.loads(line)
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        os.execv(words[0], words)
    _, _, usage = os.wait4(pid, 0)
    wall = time.monotonic() - begun
    print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]), flush=True)
"""


@functools.cache
def runner():
    """The process that runs commands for `once`."""
    words = [PYTHON, "-I", "-S", "-c", RUNNER]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def once(words):
    """(wall, cpu, RSS in MiB) of one process."""
    runner().stdin.write(json.dumps(words) + "\n")
    runner().stdin.flush()
    return json.loads(runner().stdout.readline())


def pair(name, words, yardstick, before=None):
    """Print one row: `words` against `yardstick`, in turn."""
    ours, theirs = [], []
    for number in range(ROUNDS + 1):
        if before:
            before()
        row = once(words), once(yardstick)
        if number:
            ours.append(row[0])
            theirs.append(row[1])
    wall, cpu = (1000 * statistics.median(run[column] for run in ours) for column in (0, 1))
    ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, theirs))
    print(
        f"{name:<44}{wall:7.1f}{cpu:7.1f}{max(run[2] for run in ours):7.1f}{ratio:8.2f}", flush=True
    )


def many(check, tenant, forget):
    """What a further mailbox costs: 100 in one run against one, and against 100 runs."""
    there = tenant.material.directory
    names = [line for line in (there / "mailboxes").read_text().split() if "@" in line][:100]
    (there / "hundred").write_text("\n".join(names))
    print(f"\n100 mailboxes in one run: {'':<18}cpu/further  wall  one by one  TLS  token requests")
    for section in ("many-cmdlet", "many-graph", "many-mapi"):
        words = [
            *check,
            f"--extra-opts={section}@{tenant.ini}",
            "--concurrency",
            "4",
            "--mailbox-file",
        ]
        single = [*words, "none", "-m"]
        forget()
        tenant.reset()
        once([*words, f"{there}/hundred"])
        cold = tenant.connections, tenant.token_requests
        for name in names:
            once([*single, name])
        rounds = []
        for number in range(ROUNDS):
            hundred = once([*words, f"{there}/hundred"])
            one = once([*single, names[number % 100]])
            rounds.append((hundred, one))
        cpu = statistics.median((all_[1] - one[1]) / 99 for all_, one in rounds)
        wall = statistics.median(all_[0] for all_, _ in rounds)
        each = statistics.median(one[0] for _, one in rounds)
        print(
            f"  {section:<40}{1000 * cpu:7.2f} ms{wall:7.2f} s{100 * each:8.1f} s{cold[0]:6}{cold[1]:6}",
            flush=True,
        )


def main():
    """The table."""
    argparse = [PYTHON, "-c", "import argparse"]
    libraries = [PYTHON, "-c", "import requests, nagiosplugin"]
    check = command()
    if check[0] != PYTHON:
        check = [PYTHON, check[0]]
    print(
        f"{ROUNDS} rounds, Python {sys.version.split()[0]}\n{'':<44}   wall    cpu    RSS   ratio of wall to"
    )
    print(f"{'':<44}     ms     ms    MiB   python -c 'import argparse'")
    pair("python -c pass", [PYTHON, "-c", "pass"], argparse)
    pair("python -c 'import requests, nagiosplugin'", libraries, argparse)
    pair("--help", [*check, "--help"], argparse)
    pair("-V", [*check, "-V"], argparse)
    pair("usage error", [*check, "--nonsense"], argparse)
    with tempfile.TemporaryDirectory() as directory:
        tenant = Tenant(directory).start()
        cache = tenant.material.directory / "cache"
        print(f"{'':<44}                        python -c 'import requests, nagiosplugin'")

        def forget():
            shutil.rmtree(cache, ignore_errors=True)

        for section, name, before in (
            ("cmdlet", "warm check (token cached)", None),
            ("cmdlet", "cold check (sign-in by certificate)", forget),
            ("graph", "warm check by graph (token cached)", None),
            ("mapi", "warm check by mapi (address remembered)", None),
            ("mapi", "cold check by mapi (Autodiscover)", forget),
        ):
            words = [*check, f"--extra-opts={section}@{tenant.ini}"]
            pair(name, words, libraries, before)
            if before:
                before()
            tenant.reset()
            once(words)
            print(
                f"  HTTP requests {len(tenant.requests)}, TLS connections {tenant.connections}",
                flush=True,
            )
        many(check, tenant, forget)
        tenant.stop()


if __name__ == "__main__":
    main()

"""Interactive bash and zsh on a terminal of their own, and fish: what they complete a line to."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import subprocess
import time
from pathlib import Path

from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.setup.steps import names

COMPLETION = Path(__file__).resolve().parent.parent.parent / "completion"

#: ^T inserts all that matches.
_KEY = "\x14"
#: Around the words that a command was given; no echo of a line holds these.
_BEGIN, _END = "\x01", "\x02"

#: Shell -> how it starts, and what it is told before the first line.
_SHELLS = {
    "bash": (
        ("bash", "--norc", "-i"),
        ("PS1=", "bind '\"\\C-t\": insert-completions'", "bind 'set bell-style none'"),
    ),
    "zsh": (
        ("zsh", "-f", "-i"),
        (
            "PS1= RPS1=",
            f"fpath=({shlex.quote(str(COMPLETION / 'zsh'))} $fpath)",
            "autoload -Uz compinit; compinit -u -D",
            "every() { _main_complete; compstate[insert]=all; compstate[list]= }",
            "zle -C every complete-word every; bindkey '^T' every",
        ),
    ),
}


class Shell:
    """One shell; both commands only print what they are given."""

    def __init__(self, name, directory):
        program, commands = _SHELLS[name]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            keep = {"PATH": os.environ["PATH"], "HOME": str(directory), "TERM": "dumb"}
            os.execvpe(program[0], program, {**keep, "LC_ALL": "C", "COLUMNS": "999"})
        for command in (vocabulary.PLUGIN, names.COMMAND):
            self._type(f"{command}() {{ printf '\\1'; printf '%s\\n' \"$@\"; printf '\\2'; }}\n")
            if name == "bash":
                self._type(f"source {shlex.quote(str(COMPLETION / 'bash' / command))}\n")
        for line in commands:
            self._type(f"{line}\n")
        assert self.complete(f"{vocabulary.PLUGIN} ready") == ["ready"]

    def complete(self, line):
        """The words of the line after the command, when all that matches has been inserted."""
        self._type(f"{line}{_KEY}\n")
        shown, until = "", time.monotonic() + 20
        while _END not in shown:
            assert time.monotonic() < until, shown
            if select.select([self.terminal], [], [], 0.5)[0]:
                shown += os.read(self.terminal, 65536).decode()
        return shown.partition(_BEGIN)[2].partition(_END)[0].split()

    def _type(self, text):
        os.write(self.terminal, text.encode())

    def close(self):
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Fish:
    """The same of fish, which tells without a terminal."""

    def __init__(self, directory):
        self._directory = directory
        self._files = " ".join(
            shlex.quote(str(COMPLETION / "fish" / f"{command}.fish"))
            for command in (vocabulary.PLUGIN, names.COMMAND)
        )

    def complete(self, line):
        """The words of the line after the command, the last one completed in every way there is."""
        script = f"for file in {self._files}; source $file; end; complete -C $argv[1]"
        done = subprocess.run(
            ["fish", "--no-config", "-c", script, line],
            cwd=self._directory,
            env={"PATH": os.environ["PATH"], "HOME": str(self._directory), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        assert done.stderr == ""
        found = [one.partition("\t")[0] for one in done.stdout.splitlines()]
        *before, last = line.split(" ")[1:]
        return [*before, *(found or [last])]

    def close(self):
        """Nothing runs on."""

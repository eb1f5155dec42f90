#!/bin/bash
# Python 3.11.2 (Debian 12; the same was seen with 3.6 to 3.13): signal.sigtimedwait returns a signal that nobody sent.
#
# One would guess: when the time is over and no signal came, the result is None, as documented.
# What happens: a process that was stopped before the time was over and continued after it (SIGSTOP, SIGCONT) gets a siginfo.
# Nobody has filled it in: its si_signo is any number, and may be that of a real signal.
# Why it matters: a check that waits so for SIGTERM or SIGINT ends, as if it had been told to. Compare si_signo with the set
# that was waited for, and look at the clock.

. "$(dirname "$0")/common.bash"
. "$here/cpython.bash"

cat >wait.py <<'PYTHON'
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print(signal.sigtimedwait({signal.SIGUSR1}, 0.1))
waiting = os.getpid()
if os.fork() == 0:
    time.sleep(0.5)
    os.kill(waiting, signal.SIGSTOP)
    time.sleep(4)
    os.kill(waiting, signal.SIGCONT)
    os._exit(0)
seen = signal.sigtimedwait({signal.SIGUSR1}, 3)
os.wait()
print(type(seen).__name__, "pending:", len(signal.sigpending()))
PYTHON
seen=$("$cpython" wait.py)
is "time over, then time over while stopped" "None
struct_siginfo pending: 0" "$seen"

"""A process that has the libraries loaded and forks the check from itself, as often as it is told.

Starting Python and importing requests, msal and cryptography is most of what a run costs, and the
same in each. What depends on how a process starts is tested by starting one (`conftest.check`).
"""

from __future__ import annotations

import array
import contextlib
import importlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

from ..guard import hook
from . import carriers, keys

#: Loaded before the first fork.
MODULES = (
    "check_mapi_connectivity.codes.entries",
    "check_mapi_connectivity.signin.msal_client",
    "check_mapi_connectivity.signin.federation",
    "check_mapi_connectivity.signin.managed_identity",
    "check_mapi_connectivity.plugin",
    "check_mapi_connectivity.commandline.network",
    "check_mapi_connectivity.record.tape",
    "check_mapi_connectivity.commandline.parse",
    "check_mapi_connectivity.probes.cmdlet",
    "check_mapi_connectivity.probes.graph",
    "check_mapi_connectivity.probes.mapi",
    "cryptography.hazmat.primitives.serialization.pkcs12",
    "cryptography.x509",
    "jwt",
    "msal",
    "nagiosplugin",
    "requests",
)


class Zygote:
    """The forking process, as tests see it."""

    def __init__(self):
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, "-m", "tests.support.zygote", str(theirs.fileno())]
            self._process = subprocess.Popen(words, pass_fds=[theirs.fileno()])

    def run(self, arguments, environment, stdin, limit):
        """(exit code, stdout, stderr) of one run of the check.

        Raises subprocess.TimeoutExpired after `limit` seconds.
        """
        pipes = [os.pipe() for _ in range(3)]
        given = array.array("i", [stdin, *(write for _, write in pipes)])
        order = json.dumps([list(map(str, arguments)), environment]).encode()
        self._socket.sendmsg([order], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given)])
        for _, write in pipes:
            os.close(write)
        out, err, status = _read([read for read, _ in pipes], time.monotonic() + limit)
        if status is None:
            raise subprocess.TimeoutExpired(arguments, limit)
        return os.waitstatus_to_exitcode(int(status)), out, err

    def stop(self):
        """End it; runs that hang still go on to their own deadline."""
        self._socket.close()
        self._process.wait()


def _read(descriptors, until):
    """What comes out of each until its end; None for all where that does not come in time."""
    found = dict.fromkeys(descriptors, b"")
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < until:
            for key, _ in selector.select(max(0.0, until - time.monotonic())):
                data = os.read(key.fd, 1 << 16)
                found[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
        whole = not selector.get_map()
    for descriptor in descriptors:
        os.close(descriptor)
    return [found[descriptor] if whole else None for descriptor in descriptors]


def serve(descriptor):
    """Fork a run for each order, until the other side is gone."""
    for name in MODULES:
        importlib.import_module(name)
    if "hook" not in sys.modules:
        hook.from_environment()
    # Who waits for a run is a child of its own.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = socket.socket(fileno=descriptor)
    keys.read_once()
    carriers.force()
    primed = set()
    while True:
        order, ancillary, _, _ = orders.recvmsg(1 << 20, socket.CMSG_SPACE(4 * 4))
        if not order:
            return
        for directory in re.findall(r"--extra-opts=[\w-]*@([^\"]+)/plugin\.ini", order.decode()):
            if directory not in primed:
                primed.add(directory)
                keys.prime(directory)
        given = array.array("i")
        given.frombytes(ancillary[0][2][:16])
        if os.fork() == 0:
            orders.close()
            _watch(json.loads(order), list(given))
        for number in given:
            os.close(number)


def _watch(order, given):
    """Fork the run itself, and tell its status when it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, status = given
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _become(*order, streams)
    for number in streams:
        os.close(number)
    _, code = os.waitpid(pid, 0)
    os.write(status, str(code).encode())
    os._exit(0)


def _become(arguments, environment, streams):
    """Be a process of the check, as if it had just been started; the variable `TESTS_ETC` stands for
    the directory of the tenants' directories.
    """
    from check_mapi_connectivity.__main__ import run
    from check_mapi_connectivity.commandline import given as commandline_given

    commandline_given.TENANT_DIRECTORIES = environment.pop(
        "TESTS_ETC", commandline_given.TENANT_DIRECTORIES
    )
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.chdir("/")
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["check_mapi_connectivity", *arguments]
    with contextlib.suppress(KeyboardInterrupt):
        run()
    os._exit(1)


if __name__ == "__main__":
    serve(int(sys.argv[1]))

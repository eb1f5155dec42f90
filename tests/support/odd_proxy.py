"""A proxy on loopback that does with every CONNECT what a test wants, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading

#: Refusals of all kinds.
BASIC_WANTED = (
    b'HTTP/1.1 407 No\r\nContent-Length: 0\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'
)
OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class OddProxy:
    """`act(proxy, client, head)` answers each CONNECT; the connection is kept while it returns
    True. `seen` are the heads, `connections` how many there were; `context` is for TLS.
    """

    def __init__(self, act, host="127.0.0.1", context=None):
        self.seen, self.connections = [], 0
        self._stop = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.host, self.port = self._listener.getsockname()[:2]
        self.address = f"{f'[{host}]' if ':' in host else host}:{self.port}"
        self._act, self._context = act, context
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(client)
            if self._context is not None:
                client = stack.enter_context(self._context.wrap_socket(client, server_side=True))
            keep = True
            while keep:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = client.recv(4096)
                    if not data:
                        return
                    head += data
                self.seen.append(head.decode())
                keep = self._act(self, client, head.decode())

    def relay(self, client, head, opened=OPENED):
        """An ordinary proxy's tunnel."""
        host, port = head.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as origin:
            client.sendall(opened)
            while True:
                for source in select.select([client, origin], [], [])[0]:
                    data = source.recv(65536)
                    while isinstance(source, ssl.SSLSocket) and source.pending():
                        data += source.recv(65536)
                    if not data:
                        return
                    (origin if source is client else client).sendall(data)

    def hang(self, *_):
        """Nothing, for as long as the test takes."""
        self._stop.wait(60)

    def drip(self, client, _):
        """Headers without end, slowly."""
        client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not self._stop.wait(0.05):
            client.sendall(b"y")

    def close(self):
        """Ends it; who hangs there is let go."""
        self._stop.set()
        self._listener.close()


def asks_first(act):
    """Wants Basic of whoever has not shown it, and then does something else."""

    def either(proxy, client, head):
        if "\r\nProxy-Authorization: Basic " in head:
            return act(proxy, client, head)
        client.sendall(BASIC_WANTED)
        return True

    return either


def answers(*replies, kept=True):
    """These replies on every connection, one to each CONNECT; unless `kept`, one connection is for
    one reply. A reply is bytes, or what makes them of the head.
    """
    numbers, lock = {}, threading.Lock()

    def act(_, client, head):
        one = client if kept else None
        with lock:
            number = numbers[one] = numbers.get(one, -1) + 1
        reply = replies[number]
        client.sendall(reply(head) if callable(reply) else reply)
        return kept and number + 1 < len(replies)

    return act


def ntlm_challenge():
    """An NTLM challenge of domain EXLAB (MS-NLMP 2.2.1.2)."""
    name = "EXLAB".encode("utf-16-le")
    pairs = struct.pack("<HH", 2, len(name)) + name + struct.pack("<HH", 0, 0)
    flags = 0xA2890205 & ~0x02000000  # Unicode, NTLM, extended session security; no version
    fields = struct.pack("<HHI", len(name), len(name), 48)
    fields += struct.pack("<I", flags) + b"\x01\x23\x45\x67\x89\xab\xcd\xef" + bytes(8)
    fields += struct.pack("<HHI", len(pairs), len(pairs), 48 + len(name))
    return b"NTLMSSP\0" + struct.pack("<I", 2) + fields + name + pairs

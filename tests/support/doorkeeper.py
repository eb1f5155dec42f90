"""A server, or a proxy, that lets nobody in and counts the passwords and proofs it is shown."""

from __future__ import annotations

import base64
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

from .odd_proxy import OddProxy, ntlm_challenge

#: Object identifier of NTLM as a mechanism of SPNEGO, in DER (MS-SPNG 1.9).
NTLM_OID = bytes.fromhex("060a2b06010401823702020a")


def der(tag, data):
    """One value in DER, of up to 65535 bytes."""
    size = len(data)
    length = bytes([size]) if size < 128 else b"\x82" + struct.pack(">H", size)
    return bytes([tag]) + length + data


def spnego(challenge):
    """A NegTokenResp that goes on by NTLM, with signatures (RFC 4178 4.2.2, MS-NLMP 2.2.2.5)."""
    flags = struct.unpack_from("<I", challenge, 20)[0] | 0x60008010
    challenge = challenge[:20] + struct.pack("<I", flags) + challenge[24:]
    state = der(0xA0, b"\x0a\x01\x01")
    token = der(0xA2, der(0x04, challenge))
    return der(0xA1, der(0x30, state + der(0xA1, NTLM_OID) + token))


class Door:
    """`offer` are the schemes that are wanted, `folded` puts them into one line, challenge in front
    or behind; `proofs` are those that were shown, as (host, scheme), in their order.
    """

    def __init__(self, offer, *, folded=""):
        self.offer, self.folded = offer, folded
        self.proofs, self.lock = [], threading.Lock()

    def answer(self, host, authorization):
        """The challenge headers for a request with this Authorization, empty for none."""
        scheme, _, word = authorization.partition(" ")
        names = [f'{name} realm="a, b"' if name == "Basic" else name for name in self.offer]
        if not scheme:
            return self._lines(names)
        token = base64.b64decode(word)
        at = token.find(b"NTLMSSP\0")
        if scheme in self.offer and scheme != "Basic" and at >= 0 and token[at + 8] == 1:
            # NTLM comes by itself, also by Negotiate, or within SPNEGO.
            challenge = ntlm_challenge() if at == 0 else spnego(ntlm_challenge())
            shown = f"{scheme} {base64.b64encode(challenge).decode()}"
            return self._lines([shown if name == scheme else name for name in names])
        with self.lock:
            self.proofs.append((host, scheme))
        return self._lines(names)

    def _lines(self, names):
        ordered = names[::-1] if self.folded == "reversed" else names
        return [", ".join(ordered)] if self.folded else ordered


class DoorServer(Door):
    """The same as a server by TLS for these names, signed by `authority` (trustme)."""

    def __init__(self, authority, offer, names, **keywords):
        super().__init__(offer, **keywords)
        self.asked = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                host = self.headers["Host"].partition(":")[0]
                door.asked.append(host)
                self.send_response(401)
                for line in door.answer(host, self.headers.get("Authorization", "")):
                    self.send_header("WWW-Authenticate", line)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


class DoorProxy(Door):
    """The same as a proxy, by TLS with `context`."""

    def __init__(self, offer, *, context=None, **keywords):
        super().__init__(offer, **keywords)
        self._proxy = OddProxy(self._act, context=context)
        self.address = self._proxy.address
        self.close = self._proxy.close

    def _act(self, _, client, head):
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        lines = self.answer(self.address, fields.get("Proxy-Authorization", ""))
        shown = "".join(f"Proxy-Authenticate: {line}\r\n" for line in lines)
        client.sendall(f"HTTP/1.1 407 No\r\n{shown}Content-Length: 0\r\n\r\n".encode())
        return True


def authority():
    """A certificate authority of a test's own."""
    return trustme.CA()

"""Secrets that must show nowhere: runs in a room of their own, a search that knows how others spell a
secret, and a server that sends back all it was told.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import stat
import subprocess
import sys
import urllib.parse
from functools import lru_cache
from xml.sax.saxutils import escape

from ..tenant.handler import Handler

#: Bytes of a long secret that would be enough to know it by.
PIECE = 40


@lru_cache(None)
def spellings(secret):
    """A secret as text and as others write it, in whole and in pieces."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    found = {raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode().rstrip("=")}
    found.add(base64.urlsafe_b64encode(raw).decode().rstrip("="))
    if isinstance(secret, str):
        for text in (secret, secret[:PIECE], secret[-PIECE:], secret[len(secret) // 2 :][:PIECE]):
            found |= {text, escape(text), json.dumps(text)[1:-1], repr(text)[1:-1]}
            found |= {urllib.parse.quote(text), urllib.parse.quote_plus(text)}
    return found


class Room:
    """A HOME, TMPDIR and working directory that runs have for themselves, and what must not be
    found in them: canary -> secrets.
    """

    def __init__(self, directory, environment, tenant):
        self.directory, self.tenant = directory, tenant
        self.places = {name: directory / name for name in ("home", "tmp", "work", "cache")}
        for place in self.places.values():
            place.mkdir(mode=0o700)
        self.environment = {
            **environment,
            "HOME": str(self.places["home"]),
            "TMPDIR": str(self.places["tmp"]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.canaries = {}

    def keep(self, name, *secrets):
        """Canaries that are in play."""
        assert all(len(secret) >= 8 for secret in secrets)
        assert secrets
        self.canaries.setdefault(name, set()).update(secrets)

    def start(self, *arguments, **variables):
        """A check that runs."""
        return subprocess.Popen(
            [sys.executable, "-m", "check_mapi_connectivity", *map(str, arguments)],
            env={**self.environment, **variables},
            cwd=self.places["work"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, section, *arguments, **variables):
        """Exit code and output of a run, which is kept."""
        named = [f"--extra-opts={section}@{self.tenant.ini}"] if section else []
        options = (*named, "--cache-dir", self.places["cache"], *arguments)
        process = self.start(*options, **variables)
        output = process.communicate(timeout=60)[0].decode()
        self.note()
        self.must_not_be_in(output, " ".join(map(str, arguments)))
        return process.returncode, output

    def record(self, check, section, *arguments, **variables):
        """Exit code of a run by `check` that is recorded; nothing of the canaries is in the
        recording, nor in its binary bodies.
        """
        path = self.directory / "recording.json"
        named = [f"--extra-opts={section}@{self.tenant.ini}"] if section else []
        code = check(*named, *arguments, "--record", path, **variables).code
        self.note()
        document = json.loads(path.read_text())
        texts = [path.read_text(), *_strings(document)]
        for one in list(texts):
            with contextlib.suppress(ValueError):
                data = base64.b64decode(one, validate=True)
                wide = data.decode("utf-16-le", "replace"), data[1:].decode("utf-16-le", "replace")
                texts += [data.decode("latin-1"), *wide]
        assert len(document["entries"]) > 1
        self.must_not_be_in("\n".join(texts), f"recording of {section}")
        path.unlink()
        return code

    def note(self):
        """What the tenant has been sent that is nobody's business."""
        for _, _, headers, raw in self.tenant.requests:
            scheme, _, word = headers.get("authorization", "").partition(" ")
            if scheme == "Bearer":
                self.keep("access token", word)
            if scheme in ("NTLM", "Negotiate") and len(word) > 300:
                self.keep("NTLM response" if scheme == "NTLM" else "ticket", word[60:])
            if "cookie" in headers:
                self.keep("cookie", *re.findall(r"=([^;]{8,})", headers["cookie"]))
            form = urllib.parse.parse_qs(raw.decode(errors="replace"))
            for field in {"client_assertion", "assertion"} & set(form):
                self.keep("assertion", *form[field])
            for word in form.get("assertion", []):
                plain = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode()
                self.keep("assertion", *re.findall("SignatureValue>([^<]+)<", plain))

    def found_in(self, text):
        """The canaries that a text holds."""
        return {
            name
            for name, secrets in self.canaries.items()
            if any(word in text for secret in secrets for word in spellings(secret))
        }

    def must_not_be_in(self, text, where):
        """Fail where a canary is found."""
        assert (self.found_in(text), where) == (set(), where)

    def must_not_be_left(self, cached=()):
        """No file but those of the cache holds a canary, and those hold these only."""
        files = [path for place in self.places.values() for path in place.rglob("*")]
        files = [path for path in files if path.is_file()]
        inside = set()
        for path in files:
            found = self.found_in(path.read_bytes().decode("latin-1"))
            if path.parent == self.places["cache"]:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                inside |= found
            else:
                assert (found, path) == (set(), path)
        assert inside == set(cached)


def _strings(value):
    """Every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in _strings(one)]


def echo(handler):
    """Answer with all that this request said, in every place that is read."""
    _, path, headers, raw = handler.server.tenant.requests[-1]
    word = headers.get("authorization", "").partition(" ")[2]
    plain = ""
    with contextlib.suppress(ValueError):
        plain = base64.b64decode(word, validate=True).decode("latin-1")
    form = urllib.parse.unquote_plus(raw.decode("latin-1"))
    text = " ".join([word, plain, headers.get("cookie", ""), raw.decode("latin-1"), form])
    text = "".join(char if char.isprintable() else " " for char in text)
    known = {
        name: (word or text)[:2000].encode("ascii", "replace").decode()
        for name in ("request-id", "X-FEServer", "X-BEServer", "x-ms-ags-diagnostic")
    }
    if "/adfs/" in path:
        [word] = re.findall(rb"<wsse:Password>([^<]+)<", raw)
        body = f"<s:Envelope><s:Body><s:Text>{word.decode()}</s:Text></s:Body></s:Envelope>"
        return handler.answer(500, {"Content-Type": "application/soap+xml", **known}, body.encode())
    document = {"error": {"code": "Echo", "message": text}}
    if path.endswith("/token"):
        document = {"error": "invalid_grant", "error_description": f"AADSTS50126: {text}"}
    status = 400 if path.endswith("/token") else 500
    return handler.answer(
        status, {"Content-Type": "application/json", **known}, json.dumps(document).encode()
    )


def echoing(tenant, monkeypatch):
    """`switch(*places)`: the tenant sends back what these are sent; without any, all is well."""
    ordinary = Handler.spoiled

    def spoiled(self, fault):
        if fault != "http-504":
            return ordinary(self, fault)
        asked = self.command == "GET" and "/adfs/" in self.path
        # The federation server's metadata is asked for without any secret.
        if not asked:
            echo(self)
        return not asked

    monkeypatch.setattr(Handler, "spoiled", spoiled)

    def switch(*places):
        tenant.faults.off()
        for place in places:
            tenant.faults.on(place, "http-504")

    return switch

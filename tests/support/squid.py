r"""A lab of real proxies on loopback: squid with every kind of authentication, verified by what
sites have: a password file, Samba's winbindd (NTLMv2 only), MIT Kerberos.

    with Squid(tenant) as lab:                   # or Squid(tenant, kinds=("open", "basic"))
        lab.url("ntlm")                          # http://127.0.0.1:PORT, wants NTLM
        lab.url("basic", "tls", "localhost")     # https://localhost:PORT
        lab.url("open", "inspecting", "::1")     # opens TLS; its authority is lab.inspection_ca
        lab.reset()                              # forget what happened so far
        ...                                      # a client asks for https://outlook.office365.com/
        lab.requests()                           # what the proxies saw, once the client is gone
        lab.failed_logons()                      # [("ntlm", "EXLAB\\monuser")]

The names in `squid_config.NAMES` lead to the practice tenant, through a relay on port 443 of a
loopback address. Nothing is changed in /etc, nothing leaves the machine, nothing runs on after
`stop()` or after the tests' process. Source: reference sheet proxy 1.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import glob
import itertools
import os
import re
import shutil
import socket
import tempfile
import urllib.parse
from types import MappingProxyType
from typing import NamedTuple

from . import acceptors, squid_config
from .acceptor_process import PATH, Acceptor, poll, run
from .squid_config import CONNECTED, HELPERS, KINDS, LISTEN, NAMES, WAYS, ipv6, sockets, users

#: squid's user; started as root it becomes this one, too.
USER = "proxy"
DROP = ("setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "--pdeathsig", "KILL", "--")

#: The kinds whose logons go to Samba and to the KDC.
SAMBA = frozenset(("ntlm", "negotiate-ntlm", "all"))
KERBEROS = frozenset(("kerberos", "all"))


def available(kinds=KINDS):
    """ "" if a lab of these kinds can run here, else the reason why not."""
    for needed, package in Squid.needs.items():
        found = glob.glob(needed) if needed.startswith("/") else shutil.which(needed, path=PATH)
        if not found:
            return f"{needed} is missing: Debian package {package}"
    if os.geteuid() != 0:
        return "the lab of proxies must be started by root"
    backends = {Domain: SAMBA, Realm: KERBEROS}
    used = [backend for backend, of in backends.items() if of.intersection(kinds)]
    return next(filter(None, map(acceptors.available, used)), "")


class Domain(acceptors.SambaNtlm):
    """The domain EXLAB. Its clients are squid's helpers; winbindd's log tells of every logon.

    `plain` is a second user, for curl: its NTLM knows no letters but ASCII's.
    """

    plain, plain_password = "plain", "Plain-S3cret"

    def spawn(self, argv, environment):
        """winbindd, which has to find all users when it starts, keeps Samba's own record of
        logons (smb.conf(5), "log level").
        """
        if argv[0] != "winbindd":
            return super().spawn(argv, environment)
        with open(self.directory / "passwd", "a", encoding="utf-8") as file:
            file.write(f"{self.plain}:x:54322:54321::/:/bin/false\n")
        smbpasswd = ["smbpasswd", "-c", self.directory / "smb.conf", "-a", "-s", self.plain]
        run(smbpasswd, environment, f"{self.plain_password}\n" * 2)
        (self.directory / "wb").chmod(0o755)
        return super().spawn([*argv, "--option=log level = 1 auth_audit:3"], environment)

    def start(self):
        """Lets squid's user in where its helpers must go."""
        super().start()
        at = self.directory
        for name in ("smb.conf", "passwd", "group"):
            (at / name).chmod(0o644)
        for path in (at, at / "state"):
            path.chmod(0o755)
        shutil.chown(at / "state" / "winbindd_privileged", group=USER)

    def program(self, protocol):
        """squid's helper."""
        settings = " ".join(f"{name}={value}" for name, value in self.settings.items())
        helper = " ".join(map(str, self.helper))
        return f"/usr/bin/env {settings} /usr/bin/{helper} --helper-protocol={protocol}"

    def logons(self):
        """All logons through a helper, as (user, whether he got in)."""
        line = r"Auth: \[winbind,NTLM_AUTH,.*? user \[(.*?)\]\\\[(.*?)\] .*? status \[(\w+)\]"
        text = (self.directory / f"log.wb-{self.domain}").read_text(errors="replace")
        return [
            (f"{domain}\\{user}", status == "NT_STATUS_OK")
            for domain, user, status in re.findall(line, text)
        ]


class Realm(acceptors.Kerberos):
    """The realm LAB.TEST. squid's helper takes its tickets for HTTP/localhost."""

    def serve(self, mechanism, environment):
        """Instead of an acceptor. A user has to prove his password to the KDC, as in Active
        Directory; else a wrong one would be noticed by the client alone.
        """
        self.administer(f"modprinc +requires_preauth {self.account}")
        for path, mode in ((".", 0o755), ("krb5.conf", 0o644), ("service.keytab", 0o640)):
            (self.directory / path).chmod(mode)
        shutil.chown(self.directory / "service.keytab", group=USER)

    def program(self):
        """squid's helper; no replay cache, because several of them would share one."""
        return (
            f"/usr/bin/env KRB5_CONFIG={self.settings['KRB5_CONFIG']} "
            f"{HELPERS}/negotiate_kerberos_auth -t none "
            f"-s GSS_C_NO_NAME -k {self.directory}/service.keytab"
        )

    def logons(self):
        """All logons at the KDC, as (user, whether he got in)."""
        line = (
            r"AS_REQ .*: (ISSUE|PREAUTH_FAILED|CLIENT_NOT_FOUND): (?:authtime.*?, )?(\S+@\S+) for"
        )
        text = (self.directory / "kdc.log").read_text(errors="replace")
        return [(user, verdict == "ISSUE") for verdict, user in re.findall(line, text)]


class Request(NamedTuple):
    """One line of a proxy's log: what reached which port, and what became of it.

    `target` is the URL, of a CONNECT host:port; `user` who had logged on, with Basic who tried to;
    `error` squid's name for a refusal; `headers` all that came, names in lower case.
    """

    time: float
    kind: str
    way: str
    address: str
    result: str
    status: int
    error: str
    method: str
    target: str
    user: str
    headers: dict

    @property
    def scheme(self):
        """Of the credential for the proxy, in lower case, "" for none."""
        return self.headers.get("proxy-authorization", "").partition(" ")[0].lower()

    @property
    def token(self):
        """What follows the scheme, b"" where it is not base64."""
        with contextlib.suppress(ValueError):
            return base64.b64decode(self.headers["proxy-authorization"].partition(" ")[2])
        return b""

    @property
    def claimed(self):
        """The user of a Basic credential, right or wrong, "" if it names none."""
        return self.token.decode(errors="replace").partition(":")[0]


class Squid(Acceptor):
    """The lab. Its directory is not the caller's: squid's user could not get at one of pytest's.

    `samba` and `kerberos` are what verifies logons, None where no kind needs them. `relay.address`
    is where the names lead, `relay.openings` how connections there began. `ca_file` is the
    authority of the tenant and of ways "tls", `inspection_ca` that of ways "inspecting".
    """

    needs = MappingProxyType(
        {
            "squid": "squid-openssl",
            f"{HELPERS}/security_file_certgen": "squid-openssl",
            "openssl": "openssl",
        }
    )
    #: A second user for Basic, with everything that forms and URLs stumble over.
    odd, odd_password = "odd@user", "p@ss:w/o#r%d ü"

    def __init__(self, tenant, kinds=KINDS, names=NAMES, address=None):
        self.tenant, self.kinds, self.names = tenant, tuple(kinds), tuple(names)
        self.wanted_address = address
        self.addresses = ("127.0.0.1", "[::1]") if ipv6() else ("127.0.0.1",)
        self.ports, self.runs, self.samba, self.kerberos = {}, [], None, None
        self.forgotten = {"requests": 0, "ntlm": 0, "kerberos": 0}
        self.stack, self.held = contextlib.ExitStack(), contextlib.ExitStack()
        directory = tempfile.mkdtemp(prefix="squid-", dir="/tmp")
        self.stack.callback(shutil.rmtree, directory)
        # squid's helpers, each in a session of its own, end when they notice that squid has.
        self.stack.callback(poll, lambda: not users(directory), "the helpers are gone")
        os.chmod(directory, 0o755)
        super().__init__(directory)

    def start(self):
        """The network, what verifies logons, the proxies."""
        self.relay, nobody = self.network()
        if SAMBA.intersection(self.kinds):
            self.samba = self.stack.enter_context(Domain(self.directory / "samba"))
        if KERBEROS.intersection(self.kinds):
            self.kerberos = self.stack.enter_context(Realm(self.directory / "kerberos"))
        self.ca_file = self.tenant.material.ca_file
        certificate, self.inspection_key = squid_config.inspection_authority()
        self.inspection_ca = self.directory / "inspection-ca.pem"
        self.inspection_ca.write_bytes(certificate)
        hosts = squid_config.hosts(self.names, self.relay.address, nobody)
        # A squid has one helper for Negotiate.
        apart = [kind for kind in self.kinds if kind == "negotiate-ntlm"]
        for kinds in ([kind for kind in self.kinds if kind not in apart], apart):
            if kinds:
                self.launch(kinds, hosts)
        poll(self.listening, "the proxies listen")
        self.held.close()

    def network(self):
        """The relay, and an address whose port 443 is held but does not listen."""
        origin = (urllib.parse.urlsplit(self.tenant.url).hostname, self.tenant.port)
        wanted = [self.wanted_address] if self.wanted_address else squid_config.addresses()
        for address in wanted:
            nobody = ".".join(["127", "4", *address.split(".")[2:]])
            with contextlib.ExitStack() as found:
                try:
                    relay = found.enter_context(squid_config.Relay(address, origin))
                    found.enter_context(squid_config.NameServer(address))
                    found.enter_context(socket.socket()).bind((nobody, 443))
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                    continue
                self.stack.push(found.pop_all())
                return relay, nobody
        raise RuntimeError("no loopback address whose ports 443 and 53 are free")

    def launch(self, kinds, hosts):
        """One squid for these kinds."""
        at = self.directory / f"squid{len(self.runs)}"
        self.runs.append(at)
        self.furnish(at, hosts)
        listeners = []
        for kind, way in itertools.product(kinds, WAYS):
            port = self.ports[kind, way] = self.hold()
            listeners += [(kind, way, f"{address}:{port}") for address in self.addresses]
        programs = {}
        if "negotiate-ntlm" in kinds:
            programs["negotiate"] = self.samba.program("gss-spnego")
        elif self.kerberos:
            programs["negotiate"] = self.kerberos.program()
        if self.samba:
            programs["ntlm"] = self.samba.program("squid-2.5-ntlmssp")
        text = squid_config.squid_conf(at, self.relay.address, listeners, programs)
        (at / "squid.conf").write_text(text, encoding="utf-8")
        (at / "squid.conf").chmod(0o644)
        # As its user from the start: changing users takes back the death signal (prctl(2)).
        # Its shared memory (a few KB) lies in /dev/shm under this name.
        name = "".join(filter(str.isalnum, f"{self.directory.name}{at.name}"))
        self.stack.callback(discard, f"/dev/shm/{name}-*")
        self.spawn([*DROP, "squid", "-N", "-n", name, "-f", at / "squid.conf"], {})

    def furnish(self, at, hosts):
        """A squid's directory."""
        at.mkdir()
        chain, key = squid_config.proxy_certificate(self.tenant.material.authority)
        files = {
            "hosts": hosts.encode(),
            "htpasswd": self.htpasswd().encode(),
            "origin-ca.pem": self.ca_file.read_bytes(),
            "proxy.crt": chain,
            "proxy.key": key,
            "inspector.pem": self.inspection_ca.read_bytes() + self.inspection_key,
        }
        for name, data in files.items():
            (at / name).write_bytes(data)
            shutil.chown(at / name, USER, USER)
        at.chmod(0o755)
        shutil.chown(at, USER, USER)
        maker = f"{HELPERS}/security_file_certgen"
        run([*DROP, maker, "-c", "-s", at / "certificates", "-M", "4MB"], {})

    def htpasswd(self):
        """The users of Basic: the account that everybody knows, and an odd one."""
        text = ""
        for user, password in ((self.user, self.password), (self.odd, self.odd_password)):
            text += f"{user}:{run(['openssl', 'passwd', '-6', '-stdin'], {}, password + chr(10))}"
        return text

    def hold(self):
        """A port of every address, kept from others until squid listens there."""
        while True:
            with contextlib.ExitStack() as found:
                first, *others = self.addresses
                port = found.enter_context(squid_config.reserved(first)).getsockname()[1]
                try:
                    for address in others:
                        found.enter_context(squid_config.reserved(address, port))
                except OSError:
                    continue
                self.held.push(found.pop_all())
                return port

    def listening(self):
        """Whether every port is there; RuntimeError if a proxy has ended."""
        for process in self.processes:
            process.check()
        return len(sockets(self.ports.values(), LISTEN)) == len(self.ports) * len(self.addresses)

    def url(self, kind="open", way="plain", host="127.0.0.1"):
        """The URL of a port; at host `localhost` its service principal name is in Kerberos."""
        return f"http{'s' if way == 'tls' else ''}://{self.address(kind, way, host)}"

    def address(self, kind="open", way="plain", host="127.0.0.1"):
        """HOST:PORT."""
        return f"{f'[{host}]' if ':' in host else host}:{self.ports[kind, way]}"

    def environment(self, **names):
        """What a client's environment needs; `cache` and `keytab` are names of files that
        `kerberos` has made.
        """
        return self.kerberos.environment(**names) if self.kerberos else super().environment()

    def requests(self):
        """What the proxies saw since the last reset(), in the order of its end.

        squid logs a tunnel when it ends: this waits until no client is connected any more.
        """
        return self._requests()[self.forgotten["requests"] :]

    def _requests(self):
        poll(lambda: not sockets(self.ports.values(), CONNECTED), "no client is connected")
        at = {port: key for key, port in self.ports.items()}
        lines = []
        for run_directory in self.runs:
            with contextlib.suppress(FileNotFoundError):
                text = (run_directory / "access.log").read_text(encoding="utf-8")
                lines += [parsed(line.split(" "), at) for line in text.splitlines()]
        return sorted(lines, key=lambda request: request.time)

    def logons(self):
        """Attempts to log on since the last reset(), as (verifier, user, whether he got in):
        "basic" by the proxy's log, "ntlm" by winbindd's, "kerberos" by the KDC's.
        """
        seen = [
            ("basic", request.claimed, request.status != 407)
            for request in self.requests()
            if request.scheme == "basic"
        ]
        for name, verifier in (("ntlm", self.samba), ("kerberos", self.kerberos)):
            known = verifier.logons()[self.forgotten[name] :] if verifier else []
            seen += [(name, *logon) for logon in known]
        return seen

    def failed_logons(self):
        """Those that were refused, as (verifier, user)."""
        return [(verifier, user) for verifier, user, succeeded in self.logons() if not succeeded]

    def reset(self):
        """Forgets what the logs say, and how connections to the origin began."""
        self.forgotten["requests"] = len(self._requests())
        for name, verifier in (("ntlm", self.samba), ("kerberos", self.kerberos)):
            self.forgotten[name] = len(verifier.logons()) if verifier else 0
        self.relay.openings.clear()

    def stop(self):
        """Ends everything; twice does no harm."""
        with self.stack.pop_all(), self.held:
            super().stop()


def discard(pattern):
    """Removes files."""
    for path in glob.glob(pattern):
        os.unlink(path)


def parsed(fields, at):
    """A line of the log in `squid_config.LOG_FORMAT`."""
    when, address, port, result, status, error, method, *quoted = fields
    target, user, head = (urllib.parse.unquote(text) for text in quoted)
    pairs = (line.partition(":") for line in head.splitlines() if ":" in line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    kind, way = at[int(port)]
    user, error = ("" if text == "-" else text for text in (user, error))
    return Request(
        float(when), kind, way, address, result, int(status), error, method, target, user, headers
    )

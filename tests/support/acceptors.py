"""Acceptors of NTLM and Negotiate tokens that share no code with the client: Samba's winbindd, the
gss-ntlmssp mechanism and MIT Kerberos, each in a directory of its own, on loopback.

    with Kerberos(directory) as acceptor:
        context = acceptor.open(certificate_der)        # one per TCP connection
        reply, user = context.step(token)               # ValueError when refused
        context.close()

Nothing is changed in /etc and nothing runs on after `stop()`. Where a package is missing,
`available()` names it.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from cryptography import x509

from .acceptor_process import LIMIT, PATH, Acceptor, decoded, encoded, free_port, poll, run

#: Debian's own interpreter: python3-gssapi is installed for this one only.
SYSTEM_PYTHON = "/usr/bin/python3"

#: What gives a KDC a clock of its own: Debian package libfaketime.
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


def available(kind):
    """ "" if acceptors of this class can run here, else the reason why not."""
    for needed, package in {"setpriv": "util-linux", **kind.needs}.items():
        found = glob.glob(needed) if needed.startswith("/") else shutil.which(needed, path=PATH)
        if not found:
            return f"{needed} is missing: Debian package {package}"
    if issubclass(kind, Gss) and not system_gssapi():
        return f"{SYSTEM_PYTHON} lacks gssapi: Debian package python3-gssapi"
    if kind is SambaNtlm and os.geteuid() != 0:
        return "winbindd must be started by root"
    return ""


@lru_cache
def system_gssapi():
    """Whether Debian's own interpreter has a gssapi that knows the channel-bound flag."""
    argv = [SYSTEM_PYTHON, "-Ic", "import gssapi; gssapi.RequirementFlag.channel_bound"]
    with contextlib.suppress(OSError):
        done = subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False)
        return done.returncode == 0
    return False


def end_point(certificate_der):
    """The application data of the tls-server-end-point channel binding (RFC 5929, section 4.1)."""
    algorithm = x509.load_der_x509_certificate(certificate_der).signature_hash_algorithm
    name = algorithm.name if algorithm else "sha256"
    name = "sha256" if name in ("md5", "sha1") else name
    return b"tls-server-end-point:" + hashlib.new(name, certificate_der).digest()


class Gss(Acceptor):
    """An acceptor that is a process of `gss_acceptor.py`."""

    def serve(self, mechanism, environment):
        """Starts the process."""
        script = Path(__file__).with_name("gss_acceptor.py")
        self.process = self.spawn([SYSTEM_PYTHON, "-I", script, mechanism], environment)
        self.numbers = itertools.count()

    def open(self, certificate_der):
        """A new conversation; with no certificate nothing is asked of the client's binding."""
        binding = end_point(certificate_der) if certificate_der else b""
        return GssContext(self.process, next(self.numbers), binding)


class GssContext:
    """One conversation of a process that holds many."""

    def __init__(self, process, number, binding):
        self.process, self.number = process, number
        self.process.ask(f"open {number} {encoded(binding)}")

    def step(self, token):
        """The reply to a token, and the user once there is one; ValueError when refused."""
        verb, _, rest = self.process.ask(f"step {self.number} {encoded(token)}").partition(" ")
        if verb == "no":
            raise ValueError(rest)
        reply, _, user = rest.partition(" ")
        return decoded(reply), user or None

    def close(self):
        """Forgets the conversation."""
        self.process.ask(f"close {self.number}")


class GssNtlm(Gss):
    """NTLM by Debian's gss-ntlmssp, a plugin of MIT's GSS-API in C, bare or inside Negotiate.

    Channel bindings are required: gss-ntlmssp refuses a wrong one, gss_acceptor.py a missing one.
    A domain in other letters than `EXLAB` is refused; Windows and Samba take that.
    """

    needs = MappingProxyType({"/usr/lib/*/gssntlmssp/gssntlmssp.so": "gss-ntlmssp"})

    def start(self):
        """Writes the account, in both forms of its name, and starts the process."""
        users = self.directory / "users"
        names = (f"{self.domain}:{self.user}", f":{self.user}@lab.test")
        users.write_text("".join(f"{name}:{self.password}\n" for name in names), encoding="utf-8")
        mechanism = "ntlm" if self.scheme == "NTLM" else "negotiate-ntlm"
        self.serve(mechanism, {"NTLM_USER_FILE": str(users), "KRB5_KTNAME": "/dev/null"})


class Kerberos(Gss):
    """Negotiate by MIT Kerberos: its own KDC, with a service HTTP/localhost in realm LAB.TEST.

    Channel bindings are required: MIT refuses a wrong one, gss_acceptor.py a missing one.
    """

    realm, host = "LAB.TEST", "localhost"
    needs = MappingProxyType(
        {
            "krb5kdc": "krb5-kdc",
            "kdb5_util": "krb5-kdc",
            "kadmin.local": "krb5-admin-server",
            "kinit": "krb5-user",
        }
    )

    def __init__(self, directory):
        super().__init__(directory, scheme="Negotiate")

    @property
    def account(self):
        """The account's full name, as a client gives it."""
        return f"{self.user}@{self.realm}"

    def start(self):
        """Makes the realm, then starts its KDC and the acceptor."""
        self.port = free_port()
        self.settings = {}
        files = {
            "KRB5_CONFIG": ("krb5.conf", KRB5_CONF),
            "KRB5_KDC_PROFILE": ("kdc.conf", KDC_CONF),
        }
        for variable, (name, text) in files.items():
            (self.directory / name).write_text(text.format(self=self))
            self.settings[variable] = str(self.directory / name)
        run(["kdb5_util", "-r", self.realm, "create", "-s", "-P", "master"], self.settings)
        service, table = f"HTTP/{self.host}", self.directory / "service.keytab"
        self.administer(
            f'addprinc -pw "{self.password}" {self.account}',
            f"addprinc -randkey {service}",
            f"ktadd -k {table} {service}",
        )
        self.start_kdc()
        acceptor = {
            "KRB5_CONFIG": self.settings["KRB5_CONFIG"],
            "KRB5_KTNAME": f"FILE:{table}",
            "KRB5RCACHENAME": f"file2:{self.directory}/replays",
            "GSS_MECH_CONFIG": "/dev/null",  # no gss-ntlmssp inside this Negotiate
        }
        self.serve("kerberos", acceptor)

    def start_kdc(self, ahead=0):
        """Starts the KDC, by a clock that is wrong by so many seconds."""
        clock = {}
        if ahead:
            [library] = glob.glob(FAKETIME)
            clock = {"LD_PRELOAD": library, "FAKETIME": f"{ahead:+}"}
            clock["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        command = ["krb5kdc", "-n", "-P", self.directory / "kdc.pid"]
        self.kdc = self.spawn(command, {**self.settings, **clock})
        poll(self.kdc_listens, "the KDC listens")

    def stop_kdc(self):
        """Ends the KDC."""
        self.processes.remove(self.kdc)
        self.kdc.stop()
        # libfaketime's shared memory, which only a process that ends by itself takes along.
        for path in glob.glob(f"/dev/shm/*faketime_s[eh]m_{self.kdc.pid}"):
            os.unlink(path)

    @contextlib.contextmanager
    def kdc_down(self):
        """For a while nobody listens at the KDC's port."""
        self.stop_kdc()
        try:
            yield
        finally:
            self.start_kdc()

    @contextlib.contextmanager
    def kdc_ahead(self, seconds):
        """For a while the KDC's clock differs from that of everybody else; needs `FAKETIME`."""
        with self.kdc_down():
            self.start_kdc(seconds)
            try:
                yield
            finally:
                self.stop_kdc()

    @contextlib.contextmanager
    def kdc_silent(self):
        """For a while the KDC takes connections and never answers."""
        os.kill(self.kdc.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.kdc.pid, signal.SIGCONT)

    def kdc_listens(self):
        """Whether somebody answers at the KDC's port; RuntimeError if the KDC has ended."""
        self.kdc.check()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def administer(self, *commands):
        """Commands for kadmin.local; what it says."""
        argv = ["kadmin.local", "-r", self.realm, "-q"]
        return "".join(run([*argv, command], self.settings) for command in commands)

    def environment(self, cache="nothing", keytab="no-keytab"):
        """Shuts out the machine's own Kerberos; without arguments the client has no ticket."""
        return {
            "KRB5_CONFIG": self.settings["KRB5_CONFIG"],
            "KRB5CCNAME": f"FILE:{self.directory / cache}",
            "KRB5_CLIENT_KTNAME": f"FILE:{self.directory / keytab}",
        }

    def ticket_cache(self, name="cache", principal=None, password=None, life="1h"):
        """Logs on, as kinit does; the cache's path."""
        path = self.directory / name
        argv = ["kinit", "-l", life, "-c", path, principal or self.account]
        run(argv, self.settings, (password or self.password) + "\n")
        return path

    def keytab(self, name="client.keytab", principal=None):
        """A keytab of the account's present key; its path."""
        path = self.directory / name
        said = self.administer(f"ktadd -norandkey -k {path} {principal or self.account}")
        if not path.exists():  # kadmin.local exits 0 whatever happened
            raise RuntimeError(said)
        return path


class SambaNtlm(Acceptor):
    """NTLMv2 by Samba's winbindd, bare or inside Negotiate; NTLMv1 and LM are refused.

    Samba's helper does NOT check channel bindings: it takes wrong ones and none alike.
    """

    needs = MappingProxyType(
        {
            "winbindd": "winbind",
            "ntlm_auth": "winbind",
            "smbpasswd": "samba-common-bin",
            "/usr/lib/*/libnss_wrapper.so": "libnss-wrapper",
        }
    )

    def __init__(self, directory, scheme="NTLM"):
        self.short = None
        if len(str(directory)) > 70:  # and a socket's path must stay below 108
            self.short = tempfile.TemporaryDirectory(prefix="samba-")
            directory = self.short.name
        super().__init__(directory, scheme)

    def stop(self):
        """Ends every process; twice does no harm."""
        super().stop()
        if self.short:
            self.short.cleanup()

    def start(self):
        """Makes the account and starts winbindd; the Unix account exists by preload only."""
        at = self.directory
        for name in ("private", "lock", "state", "cache", "run", "ncalrpc", "wb"):
            (at / name).mkdir()
        (at / "smb.conf").write_text(SMB_CONF.format(self=self))
        for name, line in (("passwd", ":x:54321:54321::/:/bin/false"), ("group", ":x:54321:")):
            (at / name).write_text(Path("/etc", name).read_text() + f"{self.user}{line}\n")
        self.settings = {
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": str(at / "passwd"),
            "NSS_WRAPPER_GROUP": str(at / "group"),
            "SELFTEST_WINBINDD_SOCKET_DIR": str(at / "wb"),
        }
        smbpasswd = ["smbpasswd", "-c", at / "smb.conf", "-a", "-s", self.user]
        run(smbpasswd, self.settings, f"{self.password}\n" * 2)
        winbindd = ["winbindd", "-F", "--no-process-group", "-s", at / "smb.conf"]
        self.winbindd = self.spawn(winbindd, self.settings)
        self.helper = ["ntlm_auth", f"--configfile={at / 'smb.conf'}"]
        poll(self.answers, "winbindd answers")

    def answers(self):
        """Whether winbindd knows the account and its password; RuntimeError if it has ended."""
        self.winbindd.check()
        account = [f"--username={self.user}", f"--domain={self.domain}"]
        with contextlib.suppress(RuntimeError):
            return bool(run([*self.helper, *account], self.settings, self.password + "\n"))
        return False

    def open(self, certificate_der):
        """A new conversation with a helper process of its own; the certificate is not looked at."""
        protocol = "squid-2.5-ntlmssp" if self.scheme == "NTLM" else "gss-spnego"
        helper = self.spawn([*self.helper, f"--helper-protocol={protocol}"], self.settings)
        return SambaContext(helper, lambda: self.processes.remove(helper))


class SambaContext:
    """One conversation of a process that holds no other."""

    def __init__(self, process, forget):
        self.process, self.forget, self.verb = process, forget, "YR"

    def step(self, token):
        """The reply to a token, and the user once there is one; ValueError when refused."""
        answer = self.process.ask(f"{self.verb} {encoded(token)}").split(" ", 2)
        self.verb = "KK"
        if answer[0] == "TT":
            return decoded(answer[1]), None
        if answer[0] != "AF":
            raise ValueError(" ".join(answer))
        # Bare NTLM: "AF USER"; Negotiate: "AF TOKEN USER".
        reply, user = answer[1:] if len(answer) == 3 else ("-", answer[1])
        return decoded(reply), user

    def close(self):
        """Ends the process."""
        self.process.stop()
        with contextlib.suppress(ValueError):  # the acceptor was stopped meanwhile
            self.forget()


SMB_CONF = """\
[global]
  workgroup = LAB
  netbios name = {self.domain}
  server role = standalone server
  passdb backend = tdbsam:{self.directory}/private/passdb.tdb
  private dir = {self.directory}/private
  lock directory = {self.directory}/lock
  state directory = {self.directory}/state
  cache directory = {self.directory}/cache
  pid directory = {self.directory}/run
  ncalrpc dir = {self.directory}/ncalrpc
  winbindd socket directory = {self.directory}/wb
  log file = {self.directory}/log.%m
  log level = 1
  interfaces = lo
  bind interfaces only = yes
  ntlm auth = ntlmv2-only
  rpc start on demand helpers = no
  idmap config * : backend = tdb
  idmap config * : range = 100000-200000
"""

KRB5_CONF = """\
[libdefaults]
  default_realm = {self.realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  {self.realm} = {{
    kdc = 127.0.0.1:{self.port}
  }}
[domain_realm]
  {self.host} = {self.realm}
"""

KDC_CONF = """\
[kdcdefaults]
  kdc_listen = 127.0.0.1:{self.port}
  kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
  {self.realm} = {{
    database_name = {self.directory}/principal
    key_stash_file = {self.directory}/stash
    acl_file = {self.directory}/kadm5.acl
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
  }}
[logging]
  kdc = FILE:{self.directory}/kdc.log
"""

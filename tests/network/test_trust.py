"""Whom a run trusts: the system's store in every form it has, and the files named. Over real TLS."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time

import pytest
import trustme

from check_mapi_connectivity.base.credentials import Proxy
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network import trust
from check_mapi_connectivity.network.route import Route

from ..support.odd_proxy import OddProxy

UNKNOWN = "certificate of 127.0.0.1 is not trusted here: issued by Contoso CA"


def _made(path):
    path.mkdir()
    return path


class Store:
    """A system's store: a bundle, a directory of hashes, both or neither."""

    def __init__(self, directory):
        self.bundle, self.hashed = directory / "bundle.pem", directory / "certs"
        self.hashed.mkdir()

    def bundles(self, *authorities):
        """Have these in the bundle."""
        self.bundle.write_bytes(b"".join(one.cert_pem.bytes() for one in authorities))
        return self

    def hashes(self, *authorities):
        """Have these in the directory."""
        for number, authority in enumerate(authorities):
            path = self.hashed / f"{number}.pem"
            path.write_bytes(authority.cert_pem.bytes())
            words = ["openssl", "x509", "-noout", "-subject_hash", "-in", path]
            name = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
            path.rename(self.hashed / f"{name}.{number}")
        return self


@pytest.fixture
def authority():
    """The one that issues the server's certificate."""
    return trustme.CA(organization_name="Contoso CA", organization_unit_name="")


@pytest.fixture
def other():
    """Another one of the same name, as a renewed one has."""
    return trustme.CA(organization_name="Contoso CA", organization_unit_name="")


@pytest.fixture
def origin(authority):
    """A server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    running = OddProxy(lambda _, client, head: client.close(), context=context)
    yield running
    running.close()


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The system's, in place of this machine's: as OpenSSL finds it, not as variables name it."""
    made = Store(tmp_path)
    paths = ssl.get_default_verify_paths()
    for name in (paths.openssl_cafile_env, paths.openssl_capath_env):
        monkeypatch.delenv(name, raising=False)
    found = paths._replace(cafile=None, capath=str(made.hashed))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: found)

    def whole(context, purpose=ssl.Purpose.SERVER_AUTH):
        context.load_verify_locations(capath=str(made.hashed))
        if made.bundle.exists() and made.bundle.stat().st_size:
            context.load_verify_locations(str(made.bundle))

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", whole)
    return made


@pytest.fixture
def reach(options, origin):
    """`reach(**changes)` -> how many handshakes a connection took."""

    def run(**changes):
        begun = origin.connections
        way = Route(options(**changes), Deadline(time.monotonic(), 30), Report("m", "cmdlet"))
        way.open("127.0.0.1", origin.port).close()
        names = [phase.name for phase in way.watch.phases()]
        assert names == ["dns", "tcp", "tls"]
        return origin.connections - begun

    return run


def refused(reach, **changes):
    """The failure of a connection that does not come about."""
    with pytest.raises(CheckFailure) as caught:
        reach(**changes)
    return caught.value.failure


def test_a_hashed_authority_takes_no_bundle(store, authority, reach, monkeypatch):
    store.hashes(authority)
    monkeypatch.setattr(trust.Trust, "complete", None)
    assert reach() == 1


def test_an_authority_that_only_the_bundle_has(store, authority, reach):
    store.hashes(trustme.CA()).bundles(authority)
    assert reach() == 2


def test_an_authority_that_is_renewed_in_the_bundle_alone(store, authority, other, reach):
    """OpenSSL takes the old one of the same name for its issuer, and finds that it is not."""
    store.hashes(other).bundles(authority)
    assert reach() == 2


def test_a_store_without_hashes(store, authority, other, reach):
    store.bundles(authority)
    (store.hashed / "contoso.pem").write_bytes(authority.cert_pem.bytes())
    assert reach() == 1
    # A file of another name than its hash is not looked for.
    store.bundles(other)
    assert refused(reach).cause == UNKNOWN


def test_a_store_without_a_directory(store, authority, other, reach, monkeypatch):
    paths = ssl.get_default_verify_paths()._replace(capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    store.hashed.rmdir()
    store.bundles(authority)
    assert reach() == 1
    store.bundles(other)
    assert refused(reach).cause == UNKNOWN


def test_whom_neither_has(store, authority, other, reach):
    store.hashes(other).bundles(trustme.CA())
    failure = refused(reach)
    assert (failure.kind, failure.cause) == ("tls", UNKNOWN)


def test_an_empty_store(store, authority, other, reach, tmp_path):
    failure = refused(reach)
    assert (failure.kind, failure.cause) == ("tls", UNKNOWN)
    # Only who is named is trusted.
    named = Store(_made(tmp_path / "own"))
    assert reach(ca_files=(str(named.bundles(authority).bundle),)) == 1
    assert refused(reach, ca_files=(str(named.bundles(other).bundle),)).cause == UNKNOWN


def test_a_bundle_helps_nobody_of_another_name(store, authority, options, origin):
    store.hashes(authority).bundles(authority)
    way = Route(options(), Deadline(time.monotonic(), 30), Report("m", "cmdlet"))
    with pytest.raises(CheckFailure) as caught:
        way.open("localhost", origin.port)
    assert caught.value.failure.code == "verify error 62"
    assert (origin.connections, way.shared.trust.whole) == (1, False)


@pytest.mark.parametrize("form", ["file", "directory"])
def test_authorities_named_beside_the_stores(store, authority, reach, tmp_path, form):
    there = Store(_made(tmp_path / "own"))
    path = (
        there.hashes(authority).hashed if form == "directory" else there.bundles(authority).bundle
    )
    store.hashes(trustme.CA())
    assert reach(ca_files=(str(path),)) == 1
    # They are added, and nothing of the store is lost.
    assert refused(reach).cause == UNKNOWN
    there.bundles(trustme.CA())
    assert refused(reach, ca_files=(str(there.bundle),)).cause == UNKNOWN
    store.bundles(authority)
    assert reach(ca_files=(str(there.bundle),)) == 2


@pytest.mark.parametrize("form", ["file", "system"])
@pytest.mark.parametrize("named", ["issuer", "server"])
def test_the_authority_that_issued_it_is_enough(store, options, tmp_path, form, named):
    """The root that is above it is nobody's business here: so browsers and curl have it."""
    issuer = trustme.CA(organization_name="Contoso CA").create_child_ca()
    leaf = issuer.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    trusted = tmp_path / "issuer.pem"
    trusted.write_bytes((issuer.cert_pem if named == "issuer" else leaf.cert_chain_pems[0]).bytes())
    store.hashes(trustme.CA())
    if form == "system":
        store.bundle.write_bytes(trusted.read_bytes())
    files = (str(trusted),) if form == "file" else ()
    server = OddProxy(lambda _, client, head: client.close(), context=context)
    way = Route(options(ca_files=files), Deadline(time.monotonic(), 30), Report("m", "cmdlet"))
    sock = way.open("127.0.0.1", server.port)
    shown = sock.getpeercert(binary_form=True)
    sock.close()
    server.close()
    assert ssl.DER_cert_to_PEM_cert(shown) == leaf.cert_chain_pems[0].bytes().decode()


def test_tls_to_a_proxy_by_the_bundle(store, authority, options, origin):
    store.hashes(trustme.CA()).bundles(authority)
    through = Proxy("127.0.0.1", origin.port, "--proxy", tls=True)
    way = Route(options(proxy=through), Deadline(time.monotonic(), 2), Report("m", "cmdlet"))
    way._to(through).close()
    assert origin.connections == 2


WHO = """
import sys, time
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.options import Network
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.route import Means, Route
way = Route(Means(Network()), Deadline(time.monotonic(), 30), Report("m", "cmdlet"))
try:
    way.open("127.0.0.1", int(sys.argv[1])).close()
    print("trusted", way.shared.trust.whole)
except CheckFailure as error:
    print(error.failure.cause)
"""


@pytest.mark.parametrize(
    ("file", "directory", "told"),
    [
        ("own", None, "trusted True"),
        ("own", "other", "trusted True"),
        (None, "own", "trusted False"),
        ("none", "own", "trusted False"),
        # The bundle of this machine is looked at in vain.
        (None, "other", UNKNOWN),
        ("other", "other", UNKNOWN),
        ("", "", UNKNOWN),
        (None, "none:own", "trusted True"),
    ],
)
def test_variables_of_openssl(
    tmp_path, authority, other, environment, origin, file, directory, told
):
    """A process of its own: OpenSSL reads them itself."""
    there = {"none": Store(_made(tmp_path / "none"))}
    for name, one in (("own", authority), ("other", other)):
        there[name] = Store(_made(tmp_path / name)).bundles(one).hashes(one)
    values = {name: value for name, value in environment.items() if "SSL_CERT" not in name}
    if file is not None:
        values["SSL_CERT_FILE"] = str(there[file].bundle) if file else ""
    if directory is not None:
        names = [str(there[name].hashed) if name else "" for name in directory.split(":")]
        values["SSL_CERT_DIR"] = ":".join(names)
    words = [sys.executable, "-c", WHO, str(origin.port)]
    done = subprocess.run(words, env=values, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (told, "")

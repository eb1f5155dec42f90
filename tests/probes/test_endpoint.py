"""What one run tells the next about a mailbox's endpoint."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.cache import Cache
from check_mapi_connectivity.probes.finding.endpoint import Endpoint, Memory

URL = "https://mail.example/mapi/emsmdb/?MailboxId=1@contoso.com"
BOOK = "https://mail.example/mapi/nspi/?MailboxId=1@contoso.com"
KNOWN = Endpoint(URL, "/o=C/cn=probe", "/o=C/cn=probe", address_books=(BOOK,), front="EX1")


@pytest.fixture
def memory(tmp_path):
    """A Memory of a run whose secret is `s3cret`."""

    def make():
        cache = Cache(str(tmp_path / "cache"), [])
        return Memory(cache, "mapi-1", lambda text: text.replace("s3cret", "***"))

    return make


@pytest.mark.parametrize("field", ["url", "legacy_dn", "user_dn"])
def test_an_address_with_a_secret_in_it_is_not_kept(memory, tmp_path, field):
    odd = KNOWN._replace(**{field: f"{getattr(KNOWN, field)}s3cret"})
    assert memory().store(odd, "Basic") == odd
    assert memory().load() is None
    assert list(tmp_path.rglob("*.json")) == []


def test_names_with_a_secret_in_them_are_kept_without(memory, tmp_path):
    odd = KNOWN._replace(
        front="s3cret",
        server="ex.s3cret",
        store="s3cret",
        name="s3cret",
        address_books=(BOOK, "s3cret"),
    )
    kept = memory().store(odd, "Basic")
    assert kept == memory().load()
    assert kept == KNOWN._replace(front="***", server="ex.***", store="***", name="***")
    (path,) = tmp_path.rglob("*.json")
    assert "s3cret" not in path.read_text()


def test_what_was_remembered_is_kept_as_it_is(memory):
    memory().store(KNOWN, "NTLM")
    again = memory()
    assert again.load() == KNOWN
    again.doubt()
    assert (again.store(KNOWN, again.scheme), again.scheme) == (KNOWN, "NTLM")
    last = memory()
    assert (last.load(), last.doubted) == (KNOWN, False)

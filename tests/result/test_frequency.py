"""Which runs print the diagnosis: as sequences of runs, whatever becomes of the file in between."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_mapi_connectivity.base.credentials import CertificateFiles, Login
from check_mapi_connectivity.result import conclusion, frequency


@pytest.fixture
def service(options, tmp_path):
    """`service(normal, abnormal)` -> runs: states -> which of these runs print."""

    def make(normal, abnormal, **changes):
        changes = {"cache_dir": str(tmp_path / "cache"), **changes}
        chosen = options(frequency=(normal, abnormal), **changes)
        return lambda *states: [conclusion.due(chosen, state) for state in states]

    return make


def file_of(tmp_path):
    [name] = [name for name in os.listdir(tmp_path / "cache") if name.endswith(".json")]
    return tmp_path / "cache" / name


def test_three_to_one(service):
    runs = service(3, 1)
    assert runs(*["OK"] * 7) == [True, False, False, True, False, False, True]
    assert runs("OK", *["CRITICAL"] * 3) == [False, True, True, True]
    assert runs(*["OK"] * 4) == [True, False, False, True]


def test_every_change_is_printed(service):
    runs = service(100, 100)
    states = ["OK", "OK", "WARNING", "CRITICAL", "CRITICAL", "UNKNOWN", "OK", "OK"]
    assert runs(*states) == [True, False, True, True, False, True, True, False]


def test_a_problem_that_lasts(service):
    assert service(1, 2)(*["CRITICAL"] * 5) == [True, False, True, False, True]
    assert service(1, 2)("OK", "OK", "OK") == [True, True, True]


@pytest.mark.parametrize("left", [b"", b"{", b'{"version": 1, "runs": "2"}', b"\xff" * 99, None])
def test_a_lost_or_damaged_file_begins_anew(service, tmp_path, left):
    runs = service(3, 1)
    assert runs("OK", "OK") == [True, False]
    if left is None:
        file_of(tmp_path).unlink()
    else:
        file_of(tmp_path).write_bytes(left)
    assert runs("OK", "OK", "OK", "OK") == [True, False, False, True]


def test_one_to_one_writes_nothing(service, tmp_path):
    assert service(1, 1)("OK", "OK", "CRITICAL") == [True, True, True]
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_remembered_is_printed(service, tmp_path):
    assert service(3, 3, cache_dir=None)("OK", "OK") == [True, True]
    (tmp_path / "file").write_text("x")
    assert service(3, 3, cache_dir=str(tmp_path / "file"))("OK", "OK") == [True, True]
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert service(3, 3, cache_dir=str(tmp_path / "open"))("OK", "OK") == [True, True]


def test_a_file_that_cannot_be_replaced_is_printed_too(service, tmp_path, monkeypatch):
    runs = service(3, 3)
    assert runs("OK", "OK") == [True, False]

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert runs("OK", "OK") == [True, True]


def test_services_do_not_count_for_each_other(service):
    first, second = service(2, 1), service(2, 1, mailboxes=("other@contoso.com",))
    others = [
        service(2, 1, **change)
        for change in (
            {"thresholds": {"connection_time": ("2", None)}},
            {"ip_version": 4},
            {"min_tls": "1.3"},
            {"no_proxy": "*"},
            {"inbox_items": 3},
            {"credential": CertificateFiles("/other.pem", b"")},
            {"credential": None, "login": Login("a", None, "Basic")},
            {"credential": None, "login": Login("a", None, "NTLM")},
        )
    ]
    for printed in (True, False):
        assert [runs("OK") for runs in (first, second, *others)] == [[printed]] * 10


def test_runs_at_once_are_all_counted(service):
    runs, printed = service(10, 1), []

    def work():
        printed.extend(runs(*["OK"] * 5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert printed.count(True) == 2
    assert runs("OK") == [True]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(["runs", "state", "x"]), st.text() | st.floats() | st.none())
)
def test_any_document_is_a_number_of_runs(document):
    runs = frequency._runs(document, "OK")
    assert isinstance(runs, int)
    assert runs == 0 or document["state"] == "OK"

"""The one session: caps, redirects, encodings, and what is kept for `-vv`."""

from __future__ import annotations

import contextlib
import time
import tracemalloc

import pytest

from check_mapi_connectivity.base.credentials import Proxy
from check_mapi_connectivity.base.deadline import Deadline
from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.base.report import Report, Stopwatch
from check_mapi_connectivity.network import transport

from ..support.options import means

pytestmark = pytest.mark.usefixtures("carried")


@pytest.fixture
def send(tenant, options):
    """Send a GET to the practice tenant; `send.report` is the report it is sent for."""
    report = Report("m", "cmdlet")
    chosen = options(ca_files=(str(tenant.material.ca_file),), verbose=2)
    carrier = transport.Transport(means(chosen), Deadline(time.monotonic(), 30), report)

    def get(path="/nothing", watch=None, **keywords):
        return carrier.send("GET", tenant.url + path, watch or Stopwatch(), **keywords)

    get.report, get.carrier = report, carrier
    yield get
    carrier.close()


DISCOVERY = "/practice.onmicrosoft.example/v2.0/.well-known/openid-configuration"


def test_answer_of_any_status_is_a_value(send, tenant):
    assert send().status == 404
    tenant.faults.on("discovery", "redirect")
    answer = send(DISCOVERY)
    assert (answer.status, answer.headers["location"]) == (302, "https://127.0.0.1:1/elsewhere")
    assert len(tenant.requests) == 2


def test_phases_are_charged_once_a_connection(send):
    first, second = Stopwatch(), Stopwatch()
    send(watch=first)
    send(watch=second)
    assert [phase.name for phase in first.phases()] == ["dns", "tcp", "tls", "request"]
    assert [phase.name for phase in second.phases()] == ["request"]
    assert first.total() > 0


def test_headers_of_every_request(send, tenant):
    send(headers={"Authorization": "Bearer secret-token"})
    headers = tenant.requests[-1][2]
    assert headers["accept-encoding"] == "identity"
    assert headers["client-request-id"] == send.report.trace.ids["client-request-id"]
    [exchange] = send.report.trace.exchanges
    assert ("Authorization", "Bearer ***") in exchange.request_headers
    assert "secret-token" not in repr(exchange)


def test_netrc_is_never_read(send, tenant, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    assert send().status == 404
    assert "authorization" not in tenant.requests[-1][2]


@pytest.mark.parametrize("fault", ["huge-body", "gzip-bomb", "endless-headers", "endless-continue"])
def test_memory_stays_bounded(send, tenant, fault):
    tenant.faults.on("discovery", fault)
    tracemalloc.start()
    try:
        with pytest.raises(CheckFailure) as caught:
            send(DISCOVERY)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.failure.kind == "protocol"


@pytest.mark.parametrize("fault", ["redirect-bomb", "json-bomb"])
def test_memory_stays_bounded_for_what_is_no_answer(send, tenant, fault):
    tenant.faults.on("discovery", fault)
    tracemalloc.start()
    try:
        with pytest.raises(CheckFailure) if fault == "redirect-bomb" else contextlib.nullcontext():
            assert send(DISCOVERY).json() is None
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("fault", ["truncated", "garbage", "close", "many-headers"])
def test_broken_answer_is_a_failure(send, tenant, fault):
    tenant.faults.on("discovery", fault)
    with pytest.raises(CheckFailure) as caught:
        send(DISCOVERY)
    assert caught.value.failure.kind in ("protocol", "connect")
    assert caught.value.failure.transient == (fault in ("close", "truncated"))


def test_one_transport_works_for_one_report_after_the_other(send, tenant):
    send(headers={"Authorization": "Bearer secret-of-a"})
    first, second = send.report, Report("b", "graph")
    send.carrier.patience = 5.0
    send.carrier.attach(second)
    send()
    assert tenant.connections == 1
    assert (len(first.trace.exchanges), len(second.trace.exchanges)) == (1, 1)
    assert first.trace.ids["client-request-id"] != second.trace.ids["client-request-id"]
    assert second.times.host == "127.0.0.1"
    assert send.carrier.patience is None
    # A server may still echo what it was told for the other.
    assert second.confidences.secrets == {"secret-of-a"}


def test_what_is_cut_is_told_of_the_report_of_now(send, tenant):
    tenant.faults.on("discovery", "silent")
    send()
    second = Report("b", "graph")
    send.carrier.attach(second)
    with pytest.raises(CheckFailure) as caught:
        send(DISCOVERY, second.times.service, until=time.monotonic() + 0.3)
    assert caught.value.failure.cause.startswith("no complete answer from 127.0.0.1 in ")
    assert [phase.finished for phase in second.times.service.phases()] == [False]


def test_transports_of_a_run_share_their_settings(send, tenant, options):
    # Without the file of the authority, by the settings of the other alone.
    report = Report("b", "graph")
    deadline = Deadline(time.monotonic(), 30)
    other = transport.Transport(means(options()), deadline, report, send.carrier.shared)
    assert other.shared is send.carrier.shared
    assert other.send("GET", f"{tenant.url}/nothing", Stopwatch()).status == 404
    assert send().status == 404
    assert tenant.connections == 2
    other.close()


def test_past_the_proxy(tenant, options):
    chosen = options(
        ca_files=(str(tenant.material.ca_file),), proxy=Proxy("127.0.0.1", 1, "--proxy")
    )
    carrier = transport.Transport(
        means(chosen), Deadline(time.monotonic(), 30), Report("m", "graph")
    )
    url = f"{tenant.url}/nothing"
    with pytest.raises(CheckFailure) as caught:
        carrier.send("GET", url, Stopwatch())
    assert caught.value.failure.kind == "proxy"
    watch = Stopwatch()
    assert carrier.send("GET", url, watch, direct=True).status == 404
    assert [phase.name for phase in watch.phases()] == ["dns", "tcp", "tls", "request"]
    carrier.close()

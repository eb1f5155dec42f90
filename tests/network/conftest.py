"""Tests of the transport run on both carriers."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.network import transport

from ..support import carriers


@pytest.fixture(params=carriers.BOTH)
def carried(request, monkeypatch):
    """The transports of this test go by each carrier in turn."""
    monkeypatch.setattr(transport, "carrier", carriers.named(request.param))
    return request.param

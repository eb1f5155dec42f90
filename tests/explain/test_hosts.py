"""Hosts and ports that a run will contact."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.explain import hosts

from ..support.explained import CREDENTIALS, asked, furnish


@pytest.fixture(autouse=True)
def here(there):
    """The files of the command lines, in the working directory."""
    furnish(there)
    return there


def test_without_anything_by_the_proxy_it_is_not_contacted():
    environ = {"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": "*"}
    options = asked(*CREDENTIALS["secret"], **environ).options
    found = hosts.contacts(*options[:4])
    assert [(one.host, one.way) for one in found] == [
        ("login.microsoftonline.com", "directly, because NO_PROXY says so"),
        ("outlook.office365.com", "directly, because NO_PROXY says so"),
        ("graph.microsoft.com", "directly, because NO_PROXY says so"),
    ]

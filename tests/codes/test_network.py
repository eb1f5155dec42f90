"""Errors of resolver and system, in our words."""

from __future__ import annotations

import errno
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.codes import network
from check_mapi_connectivity.codes.network import DNS, SYSTEM


def test_every_result_of_the_resolver():
    known = [getattr(socket, name) for name in dir(socket) if name.startswith("EAI_")]
    # glibc's netdb.h has these besides.
    for number in [*known, *range(-105, -99)]:
        assert network.dns(number).code in DNS
    assert {network.dns(number).code for number in [*known, *range(-105, -99)]} == set(DNS)
    assert network.dns(socket.EAI_NONAME).cause == "name {host} does not exist"
    for number in (None, 0, 1, -999):
        assert network.dns(number) is network.DNS_UNKNOWN


@pytest.mark.parametrize("name", SYSTEM)
def test_every_error_of_a_connection(name):
    number = getattr(errno, name)
    row = network.system(OSError(number, os.strerror(number)))
    # Some names are one number.
    assert row is not None and row.code in SYSTEM
    assert network.reason(OSError(number, "its own words"))[:2] == (row.cause, row.code)


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection refused", "ECONNREFUSED"),
        (socket.timeout("timed out"), "connection timed out", "ETIMEDOUT"),
        (OSError(errno.EXDEV, "Odd Thing"), "odd thing", "EXDEV"),
        (OSError("no number"), "no number", ""),
        (OSError(), "oserror", ""),
    ],
)
def test_reason(error, words, code):
    assert network.reason(error)[:2] == (words, code)
    assert network.reason(error).remedy


def test_local_faults_are_not_tried_again():
    assert not any(SYSTEM[name].transient for name in ("EACCES", "EPERM", "EMFILE", "ENFILE"))
    assert SYSTEM["ECONNREFUSED"].transient and SYSTEM["ECONNRESET"].transient


@given(st.integers())
def test_any_number(number):
    row = network.of_number(number)
    assert row is None or row in SYSTEM.values()
    assert network.dns(number).kind == "dns"

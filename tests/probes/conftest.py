"""What tests of probes share."""

from __future__ import annotations

import pytest

from check_mapi_connectivity.base.credentials import Login, Secret
from check_mapi_connectivity.base.report import Report
from check_mapi_connectivity.network.shared_logon import Logon
from check_mapi_connectivity.probes.mapi_authentication import Authentication

from .material import context


@pytest.fixture
def authentication(options):
    def make(carrier, scheme=None, password="Secret.123", logon=None, mailbox="m"):
        login = Login("probe", Secret(password) if password else None, scheme)
        chosen = options(tenant="", credential=None, methods=("mapi",), login=login)
        report = Report(mailbox, "mapi")
        return Authentication(context(chosen, carrier, None, logon or Logon(), report))

    return make

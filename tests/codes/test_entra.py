"""Every AADSTS number of reference sheet exchange-online 6, and what the check makes of it."""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity.codes.entra import ENTRA
from check_mapi_connectivity.services import entra

CREDENTIAL = (
    "16000 16003 50001 50002 50012 50014 50020 50034 50049 50053 50055 50056 50057 50059 50064 "
    "50072 50074 50076 50078 50079 50097 50105 50125 50126 50128 50131 50135 50144 50155 50158 "
    "50173 50194 51004 53000 53001 53002 53003 53004 53011 65001 65002 65004 70001 70002 70008 "
    "70011 70021 70043 80001 80002 80003 80004 80005 80006 80007 80008 80009 80010 80011 80012 "
    "80013 80014 90002 90014 90019 90038 90051 90072 90094 90095 90124 90130 100007 500011 500021 "
    "500022 500208 500212 500213 501051 530032 530034 530035 650052 650054 650056 650057 700011 "
    "700016 700023 700024 700025 700027 700030 700082 700211 700212 700213 700229 900144 900382 "
    "900432 900439 1002012 7000112 7000215 7000218 7000222 7000229 9001023 9002313 90020 530004 "
    "1000502 1002016 5000225 7000214 7000277"
)

#: Kind (contract 7.19) -> its numbers: those of the sheet, and the siblings that Microsoft's own pages
#: name.
NUMBERS = {
    "server": [50000, 50033, 90006, 90012, 90024, 90033, 90090],
    "throttled": [50196, 90055],
    "credential": [*map(int, CREDENTIAL.split())],
}


@pytest.mark.parametrize(
    ("number", "kind"), [(number, kind) for kind in NUMBERS for number in NUMBERS[kind]]
)
def test_every_number_of_the_sheet(number, kind):
    document = {
        "error": "invalid_client",
        "error_codes": [number],
        "error_description": f"AADSTS{number}: Entra's own text. Trace ID: 1 Correlation ID: 2",
    }
    failure = entra.sign_in(document, None)
    assert (failure.kind, failure.state_key) == (kind, kind)
    assert failure.cause == ENTRA[number].cause
    assert failure.code == f"AADSTS{number}"
    assert failure.remedy
    assert failure.detail == document["error_description"]
    assert failure.transient == (kind == "server")


def test_table_holds_nothing_but_the_sheet():
    assert sorted(ENTRA) == sorted(number for kind in NUMBERS.values() for number in kind)


#: Numbers that only an app with a certificate meets.
OF_CERTIFICATES = (700027, 700030, 1000502, 7000214, 7000277)


@pytest.mark.parametrize("number", sorted(set(ENTRA) - {*OF_CERTIFICATES}))
def test_causes_do_not_presume_a_certificate(number):
    cause = ENTRA[number][1]
    assert "certificate" not in cause or re.search("certificate or (secret|token)", cause)


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (7000215, "secret"),
        (7000222, "secret"),
        (50126, "password"),
        (50064, "password"),
        (50055, "password"),
        (50144, "password"),
        (50056, "password"),
        (50135, "password"),
        (700211, "issuer"),
        (700213, "subject"),
        (700027, "certificate"),
    ],
)
def test_causes_name_the_credential_that_they_are_about(number, named):
    assert named in ENTRA[number][1]

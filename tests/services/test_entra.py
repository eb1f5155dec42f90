"""What Entra's refusals mean, by number and in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.codes.entra import ENTRA, OAUTH
from check_mapi_connectivity.services import entra

from .material import make_answer


def refusal(number, text="", error="invalid_client"):
    return {"error": error, "error_codes": [number], "error_description": f"AADSTS{number}: {text}"}


@pytest.mark.parametrize("number", sorted(ENTRA))
def test_every_entra_number(number):
    failure = entra.sign_in(refusal(number), None)
    assert (failure.kind, failure.cause, failure.remedy) == ENTRA[number][:3]
    assert failure.code == f"AADSTS{number}"
    assert failure.transient == (failure.kind == "server")


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ((90006, 90024, 90033, 50000, 50033), "server"),
        ((50196, 90055), "throttled"),
        ((700027, 90002, 53003, 7000229), "credential"),
    ],
)
def test_kinds_that_the_contract_names(numbers, kind):
    assert {entra.sign_in(refusal(number), None).kind for number in numbers} == {kind}


def test_expired_certificate_is_told_from_an_unknown_one():
    expired = entra.sign_in(refusal(700027, "The key used is expired."), None)
    unknown = entra.sign_in(refusal(700027, "The key was not found."), None)
    assert expired.cause == "Entra holds this certificate as expired"
    assert unknown.cause == "Entra does not know this certificate"


def test_unknown_number_keeps_its_number():
    failure = entra.sign_in(refusal(987654, "New.", "unauthorized_client"), None)
    assert (failure.code, failure.kind) == ("AADSTS987654", "credential")
    assert failure.cause == OAUTH["unauthorized_client"].cause
    page = "https://login.microsoftonline.com/error?code=987654"
    assert failure.remedy == f"see Entra's sign-in log; {page}"
    assert entra.sign_in({"error": "temporarily_unavailable"}, None).kind == "server"


def test_number_is_found_in_the_text_too():
    assert entra.aadsts({"error_description": "AADSTS50034: no such user"}) == 50034
    assert entra.aadsts({"error_codes": ["x"], "error_description": None}) == 0
    assert entra.aadsts({"error_codes": [True]}) == 0
    assert entra.aadsts({"error_codes": ["7000222"]}) == 7000222


@pytest.mark.parametrize("number", [70002, 7000216, 7000218])
def test_a_credential_that_is_missing_is_no_wrong_one(number):
    text = "The request body must contain: 'client_secret or client_assertion'"
    failure = entra.sign_in(refusal(number, text, "invalid_client"), None)
    assert failure.cause == ENTRA[7000218].cause
    assert failure.code == f"AADSTS{number}"


def test_a_wrong_secret_by_its_older_number():
    text = "Error validating credentials. AADSTS50012: Invalid client secret is provided."
    found = {**refusal(70002, text, "invalid_client"), "error_codes": [70002, 50012]}
    failure = entra.sign_in(found, None)
    assert (failure.cause, failure.code) == (ENTRA[7000215].cause, "AADSTS50012")


@pytest.mark.parametrize(
    ("numbers", "counts"),
    [
        ([70002, 50126], 50126),
        ([70002, 70000], 70002),
        ([987654, 50034], 50034),
        ([70002], 70002),
        ([987654, 70002], 987654),
        ([50076, 50126], 50076),
    ],
)
def test_of_several_numbers_the_one_that_says_most(numbers, counts):
    assert entra.aadsts({"error_codes": numbers}) == counts
    text = ". ".join(f"AADSTS{number}: Words" for number in numbers)
    assert entra.aadsts({"error_description": text}) == counts
    found = {"error": "invalid_grant", "error_codes": numbers, "error_description": text}
    assert entra.sign_in(found, None).code == f"AADSTS{counts}"


IDS = {
    "trace_id": "0f6a7c11-1",
    "correlation_id": "9b1e2d33-2",
    "timestamp": "2026-11-29 03:00:00Z",
}


@pytest.mark.parametrize(
    ("document", "code", "detail"),
    [
        ({"error": "odd", "error_description": "Why."}, "odd", "Why."),
        ({"error": {"code": "Odd", "message": "Why."}}, "Odd", "Why."),
        ({"error": {"code": 7}}, "7", "7"),
        ({"error": {"message": "AADSTS987654: Why."}}, "AADSTS987654", "AADSTS987654: Why."),
        ({"error": [{"code": "Odd", "message": "Why."}, 2]}, "Odd", "Why."),
        ({"error": [], "message": "Why."}, "", "Why."),
        ({"error": 503}, "503", "503"),
        ({"error": True, "error_description": ["x"]}, "", ""),
        (
            {"error": "odd", "error_description": "Why. Trace ID: 0f6a7c11-1", **IDS},
            "odd",
            "Why. Trace ID: 0f6a7c11-1; correlation id 9b1e2d33-2, timestamp 2026-11-29 03:00:00Z",
        ),
        (
            {"error": "odd", **IDS},
            "odd",
            "correlation id 9b1e2d33-2, trace id 0f6a7c11-1, timestamp 2026-11-29 03:00:00Z",
        ),
    ],
)
def test_an_error_in_any_form(document, code, detail):
    failure = entra.sign_in(document, make_answer(400))
    assert (failure.kind, failure.code, failure.detail) == ("protocol", code, detail)
    beside = entra.status(make_answer(503, json.dumps(document).encode()))
    number = code if code.startswith("AADSTS") else ""
    assert beside.code == f"HTTP 503, {number}".rstrip(", ")
    assert beside.kind == "server" and code in f"{beside.code} {beside.detail}"


TEXT = st.text(max_size=60)


@given(
    st.dictionaries(
        st.sampled_from(["error", "error_codes", "error_description"]),
        st.none() | TEXT | st.integers() | st.lists(st.integers() | TEXT),
    )
)
def test_any_refusal_of_entra(document):
    kinds = ("credential", "server", "throttled", "protocol")
    assert entra.sign_in(document, make_answer()).kind in kinds

"""Answers of Icinga's API, as 2.13.6 and 2.14.6 were seen to give them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import Failure
from check_mapi_connectivity.feed import icinga_answers as answers

from .material import result

TAKEN = {
    "results": [{"code": 200, "status": "Successfully processed check result for object 'a!b'."}]
}
NOT_FOUND = {"error": 404, "status": "No objects found."}

READ = [
    (200, TAKEN, None),
    (200, {"results": []}, "HTTP 200 without a reason"),
    (200, {"results": TAKEN["results"] * 3}, "3 objects have taken it, not one: look at the names"),
    (404, NOT_FOUND, "no such service for this ApiUser"),
    (
        404,
        {
            **NOT_FOUND,
            "diagnostic_information": "Error: Missing permission: x\n\nStacktrace:\n 0# __cxa_throw",
        },
        "No objects found.; Error: Missing permission: x",
    ),
    (
        403,
        {"results": [{"code": 403, "status": "Passive checks are disabled for object 'a!b'."}]},
        "Passive checks are disabled for object 'a!b'.",
    ),
    (
        409,
        {"results": [{"code": 409, "status": "Newer check result already present."}]},
        "Newer check result already present.",
    ),
    (500, {"results": []}, "HTTP 500 without a reason"),
    (
        200,
        {"results": [{"code": 400, "status": "Parameter 'exit_status' is required."}]},
        "Parameter 'exit_status' is required.",
    ),
]


@pytest.mark.parametrize(("status", "document", "why"), READ)
def test_of_one_result(status, document, why):
    assert answers.read(status, document) == (why and answers.Refused(why))


def test_of_all_results():
    assert answers.read(503, {"error": 503, "status": "Icinga is reloading."}) == answers.Again(
        "Icinga is reloading."
    )
    assert answers.read(401, {"error": 401, "status": "Unauthorized."}).kind == "submit"
    page = answers.read(302, None)
    assert (page.cause, page.code) == (
        "Icinga's API answers with what is not its own",
        "HTTP 302",
    )


def who(*permissions):
    """The answer to GET /v1."""
    return {"results": [{"user": "mapi", "permissions": list(permissions), "version": "r2.13.6-1"}]}


@pytest.mark.parametrize(
    "permission",
    ["actions/process-check-result", "actions/process-check-result (filtered)", "*", "actions/*"],
)
def test_permissions_that_do(permission):
    assert (
        answers.refusal(200, who("objects/query/Host", permission), "Icinga/r2.13.6-1", "mapi")
        is None
    )


@pytest.mark.parametrize(
    ("status", "document", "cause"),
    [
        (
            200,
            who("objects/query/*", "actions/reschedule-check"),
            "the ApiUser mapi may not submit results",
        ),
        (401, None, "Icinga knows no user mapi with this password or certificate"),
        (200, {"hello": 1}, "nginx does not answer as Icinga's API does"),
        (200, [], "nginx does not answer as Icinga's API does"),
        (404, None, "nginx does not answer as Icinga's API does"),
    ],
)
def test_nothing_can_be_submitted(status, document, cause):
    found = answers.refusal(status, document, "nginx", "mapi")
    assert (found.kind, found.cause) == ("submit", cause)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["results", "code", "status", "permissions", "error"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([200, 400, 404, 500, 503]), JSON)
def test_any_document_has_a_meaning(status, document):
    said = answers.read(status, document)
    assert said is None or isinstance(said, (answers.Refused, answers.Again, Failure))
    assert said is not None or document["results"][0]["code"] == 200
    found = answers.refusal(status, document, "Icinga/r2.13.6-1", "mapi")
    assert found is None or found.kind == "submit"


def test_the_object_is_in_the_url_and_nowhere_else():
    """A body with a type and without a target would mean every service."""
    odd = result(service="a+b %/?&=#;|'ü")
    assert answers.path(odd) == (
        "/v1/actions/process-check-result?service=o365%21a%2Bb%20%25%2F%3F%26%3D%23%3B%7C%27%C3%BC"
    )
    assert {*json.loads(answers.body(odd))} == {
        "exit_status",
        "plugin_output",
        "performance_data",
        "execution_start",
        "execution_end",
        "verbose",
    }

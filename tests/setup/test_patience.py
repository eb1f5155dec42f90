"""Answers of a young tenant that pass: the set-up command waits for them, not for ever, and says of what
stays what it is.

The answers are those of public reports; the codes of Entra and the exceptions of Exchange are theirs.
"""

from __future__ import annotations

import pytest

from check_mapi_connectivity.setup.steps import names

from ..support.provisioning import exchange_error, graph_error
from ..support.setup_command import commanded

BOTH = ("--method", "cmdlet", "--method", "graph")
GET, POST, PATCH = "GET /v1.0/", "POST /v1.0/", "PATCH /v1.0/"

LATE = graph_error(
    "Directory_ObjectNotFound", "Unable to read the company information from the directory."
)
BUSY = graph_error(
    "Directory_ConcurrencyViolation", "Error due to concurrent requests. Please retry."
)
BACKING = graph_error(
    "Authorization_RequestDenied",
    "When using this permission, the backing application of the service principal being created must "
    "in the local tenant",
)
GATEWAY = {"error": {"code": "UnknownError", "message": "", "innerError": {}}}
DEHYDRATED = exchange_error(
    "InvalidOperationInDehydratedContextException",
    "The command you tried to run isn't currently allowed. You first need to run the command: "
    "Enable-OrganizationCustomization.",
)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command before an empty tenant."""
    return commanded(tmp_path, monkeypatch)


def first(*answers):
    """What answers the first requests so, and then as usual."""
    return lambda number: answers[number - 1] if number <= len(answers) else None


PASSING = {
    "app not in the local tenant": (f"{POST}servicePrincipals", (403, BACKING)),
    "tenant unknown to a replica, making the app": (f"{POST}applications", (404, LATE)),
    "enterprise application unknown": (f"{POST}servicePrincipals/", (404, LATE)),
    "tenant unknown to a replica, listing apps": (f"{GET}applications", (404, LATE)),
    "tenant unknown to a replica, listing grants": (f"{GET}servicePrincipals/", (404, LATE)),
    "two requests at once, app": (f"{POST}applications", (409, BUSY)),
    "two requests at once, grant": (f"{POST}servicePrincipals/", (409, BUSY)),
    "two requests at once, as 503": (f"{POST}servicePrincipals", (503, BUSY)),
    "gateway in the way, 502": (f"{GET}applications", (502, GATEWAY)),
    "gateway in the way, 503": (f"{GET}servicePrincipals", (503, GATEWAY)),
    "gateway in the way, 504": (f"{GET}servicePrincipals(", (504, GATEWAY)),
    "gateway in the way, 504 of Exchange": ("Get-ManagementRole", (504, GATEWAY)),
    "throttled": (f"{POST}applications", (429, GATEWAY)),
    "still dehydrated, role": ("New-ManagementRole", DEHYDRATED),
    "still dehydrated, role group": ("New-RoleGroup", DEHYDRATED),
    "still dehydrated, scope": ("New-ManagementScope", DEHYDRATED),
    "still dehydrated, assignment": ("New-ManagementRoleAssignment", DEHYDRATED),
    "opening takes longer than an answer": ("Enable-Organization", (504, GATEWAY)),
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("case", PASSING)
def test_it_passes(command, case, times):
    begin, found = PASSING[case]
    command.tenant.refusals[begin] = first(*[found] * times)
    if begin.startswith("Enable-"):
        # It was begun all the same.
        command.tenant.refusals[begin] = lambda _: (
            setattr(command.tenant, "dehydrated", False) or found
        )
    assert command.told(*BOTH) == 0, command.said
    assert command.tenant.counts[begin] > (0 if begin.startswith("Enable-") else times)
    assert len(command.tenant.apps) == len(command.tenant.principals) == 1
    command.tenant.refusals.clear()
    assert command.told(*BOTH) == 0
    assert "nothing to do: everything was there" in command.said


@pytest.mark.parametrize("case", PASSING)
def test_it_stays(command, case):
    """Then the run ends and says so, after less than ten minutes."""
    begin, found = PASSING[case]
    command.tenant.refusals[begin] = found
    assert command.told(*BOTH) == 1
    assert any(line.startswith("failed: ") for line in command.said)
    assert any(line.startswith("  to do: ") for line in command.said)
    assert sum(command.naps) < 600
    # What is late is no missing right of the administrator.
    assert not any("sign in as" in line for line in command.said)


def test_a_list_that_a_replica_does_not_have_is_not_an_empty_one(command):
    """Else a second app would be made."""
    assert command.told() == 0
    command.tenant.refusals[f"{GET}applications"] = first(*[(404, LATE)] * 2)
    assert command.told() == 0
    assert len(command.tenant.apps) == 1
    command.tenant.refusals[f"{GET}applications"] = (404, LATE)
    assert command.told() == 1
    assert len(command.tenant.apps) == 1


@pytest.mark.parametrize(
    ("kind", "taker"),
    [
        ("MailUniversalDistributionGroup", "by a MailUniversalDistributionGroup"),
        ("", "; this command cannot see by what"),
    ],
)
def test_a_name_that_is_taken(command, kind, taker):
    """ "Already exists" is not "there"."""
    command.tenant.recipients[names.GROUP] = kind or "RoleGroup"
    if not kind:
        command.tenant.refusals["Get-Recipient"] = (403, "")
    assert command.told() == 1
    lines = command.said[-3:]
    join = " " if kind else ""
    assert lines[0] == (
        "failed: role group MAPI probes: role group MAPI probes is not there, but its name is taken"
        f"{join}{taker}"
    )
    assert lines[1] == "  to do: rename or remove the object of that name, then run this again"
    assert sum(command.naps) < 60
    assert command.tenant.pointers == [] and command.tenant.members == {}


@pytest.mark.parametrize(
    ("cmdlet", "title"),
    [
        ("New-ManagementRole", "role MAPI probe"),
        ("New-ServicePrincipal", "service principal check_mapi_connectivity in Exchange"),
        ("New-ManagementScope", "scope MAPI probe mailboxes"),
    ],
)
def test_other_names_that_are_taken(command, cmdlet, title):
    taken = exchange_error("ADObjectAlreadyExistsException", "The object already exists.")
    command.tenant.refusals[cmdlet] = taken
    assert command.told(*BOTH) == 1
    assert command.said[-3].startswith(
        f"failed: {title}: {title} is not there, but its name is taken"
    )


def test_what_an_earlier_run_made_and_nobody_sees_yet(command):
    """Exchange says that it is there, and shows it a moment later."""
    command.told()
    hidden = [2]

    def late(_):
        hidden[0] -= 1
        return exchange_error("ManagementObjectNotFoundException", "x") if hidden[0] >= 0 else None

    command.tenant.refusals["Get-RoleGroup"] = late
    taken = exchange_error("ADObjectAlreadyExistsException", "The object already exists.")
    command.tenant.refusals["New-RoleGroup"] = taken
    assert command.told() == 0


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (403, "Directory_QuotaExceeded", "Graph makes no more objects: a quota of the directory is used up"),
        (400, "Directory_QuotaExceeded", "Graph makes no more objects: a quota of the directory is used up"),
        (403, "Directory_ResourceSizeExceeded", "the object in the directory would become larger than Entra allows"),
        (403, "Policy_Something", "Graph refuses the request"),
    ],
)  # fmt: skip
def test_a_403_that_is_no_missing_right(command, status, code, cause):
    command.tenant.refusals[f"{POST}applications"] = (status, graph_error(code, "It says why."))
    assert command.told() == 1
    lines = command.said[-4:]
    assert lines[0] == f"failed: app registration {names.APP}: {cause} ({code})"
    assert lines[1] == "  details: It says why."
    assert "sign in" not in lines[2]


def test_a_403_that_is_one(command):
    text = "Insufficient privileges to complete the operation."
    denied = (403, graph_error("Authorization_RequestDenied", text))
    command.tenant.refusals[f"{POST}applications"] = denied
    assert command.told() == 1
    assert command.said[-2] == (
        "  to do: sign in as Global Administrator or Privileged Role Administrator"
    )
    assert command.naps == []


def test_status_shows_the_text_that_it_points_to(command):
    denied = exchange_error("SomethingException", "It says why.")
    command.tenant.refusals["Get-RoleGroup"] = denied
    assert command.told("--status", mailbox=None) == 1
    wrong = [number for number, line in enumerate(command.said) if line.startswith("  WRONG")]
    assert command.said[wrong[0] : wrong[0] + 2] == [
        f"  WRONG    role group {names.GROUP}: Exchange could not run Get-RoleGroup; see the details",
        "    details: It says why.",
    ]


@pytest.mark.parametrize(("seconds", "code"), [(7, 0), (200, 0), (4000, 1)])
def test_a_service_that_names_the_time(command, monkeypatch, seconds, code):
    """Waited for as long as it asks, but not for an hour."""
    from check_mapi_connectivity.setup import tenant_api

    monkeypatch.setattr(tenant_api.headers, "retry_after", lambda answer: seconds)
    command.tenant.refusals[f"{POST}applications"] = first((429, GATEWAY))
    assert command.told() == code
    assert sum(command.naps) == (seconds if code == 0 else 0)

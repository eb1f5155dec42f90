"""An app registration that the set-up command found and did not make: ordinary users of a tenant may
register apps of any name. It is used where all its credentials are this directory's, or where the
administrator names it; else nothing is made, and the refusal tells what there is.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re

import pytest

from check_mapi_connectivity.setup import keypair
from check_mapi_connectivity.setup.steps import names

from ..support.provisioning import pems
from ..tenant import graph_keys
from ..tenant.administration import ROLES

SQUATTER = "many-013@practice.example"
SECRET = {
    "customKeyIdentifier": None,
    "displayName": "for\ntests\x1b[2J",
    "endDateTime": "2299-12-31T00:00:00Z",
    "hint": "S3c",
    "keyId": "2f1d2b6e-0000-4000-8000-00000000000a",
    "startDateTime": "2026-01-01T00:00:00Z",
}
FEDERATED = {
    "id": "2f1d2b6e-0000-4000-8000-00000000000b",
    "name": "ci",
    "issuer": "https://issuer.example",
    "subject": "repo:mallory/app",
    "audiences": ["api://AzureADTokenExchange"],
}


def foreign():
    """A certificate of somebody else's as Graph keeps it, and its SHA-1."""
    [pem] = itertools.islice(pems(), 3, 4)
    key = keypair.der(pem.decode())
    policy = type("Policy", (), {"forbidden": False, "one_year": False, "max_days": None})
    [kept] = graph_keys.replace([], [keypair.credential(key, "mallory")], policy)
    return kept, hashlib.sha1(base64.b64decode(key)).hexdigest().upper()


def squat(arranged, *, keys=(), secrets=(), federated=(), of_principal=()):
    """An app of the right name and notes, registered by an ordinary user; its document."""
    registry = arranged.tenant.admin.registry
    document = {
        "displayName": names.APP,
        "notes": names.TAG,
        "createdDateTime": "2026-11-01T00:00:00Z",
    }
    lists = {"keyCredentials": list(keys), "passwordCredentials": list(secrets)}
    app = registry.add_application({**document, **lists}, SQUATTER)
    app.federated += federated
    if of_principal:
        principal = registry.add_principal(app.app_id, names.APP, SQUATTER)
        principal.document["passwordCredentials"] = list(of_principal)
    return app.document


def told(arranged, *words):
    """The lines from the first finding on; nothing was made anywhere."""
    before = arranged.state()
    assert arranged(*words) == 1
    assert arranged.changes() == []
    assert (arranged.state(), arranged.kept()) == (before, {})
    ids = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    lines = [re.sub(ids, "ID", line) for line in arranged.said]
    return lines[next(n for n, line in enumerate(lines) if line.startswith("  found")) :]


CERTIFICATE, SHA1 = foreign()
END = CERTIFICATE["endDateTime"]
CASES = {
    "certificate": ({"keys": [CERTIFICATE]}, f"certificate SHA-1 {SHA1}, until {END}, called CN=mallory"),
    "certificate, thumbprint alone": (
        {"keys": [{**CERTIFICATE, "key": None}]},
        f"certificate SHA-1 {SHA1}, until {END}, called CN=mallory",
    ),
    "secret": (
        {"secrets": [SECRET]},
        "client secret ID, until 2299-12-31T00:00:00Z, called for tests [2J",
    ),
    "federated": (
        {"federated": [FEDERATED]},
        "federated identity repo:mallory/app of https://issuer.example",
    ),
    "enterprise application": (
        {"of_principal": [{**SECRET, "displayName": None}]},
        "of the enterprise application: client secret ID, until 2299-12-31T00:00:00Z, without a name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("method", ["cmdlet", "graph"])
@pytest.mark.parametrize("case", CASES)
def test_a_squatted_app_gets_nothing(arranged, case, method):
    given, line = CASES[case]
    squat(arranged, **given)
    assert told(arranged, "--method", method) == [
        "  found    app registration ID: made 2026-11-01T00:00:00Z; owners, who may add credentials: ID",
        f"  found    {line}",
        "failed: credentials of the app registration: the app has 1 credential that this directory does not "
        "have; whoever holds them could use every right that the app gets",
        "  to do: if the app and all that is listed are yours, add --client-id ID; else remove or rename "
        "that app; Entra's audit log shows who added what",
        "  done before that: nothing; the next run goes on from there",
    ]


def test_an_app_without_any_credential_shows_nothing(arranged):
    """Its owner could add one when the rights are there."""
    squat(arranged)
    lines = told(arranged)
    assert lines[1] == (
        "failed: credentials of the app registration: there is an app of this name, and none of its "
        "credentials is of this directory"
    )


def test_status_and_removal_of_a_squatted_app(arranged):
    squat(arranged, keys=[CERTIFICATE])
    before = arranged.state()
    assert arranged("--status", mailbox=None) == 1
    assert any("WRONG    credentials" in line for line in arranged.said)
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert arranged.state() == before


def test_the_administrator_names_it(arranged):
    """Then it is used, and each run tells what is beside the own certificate."""
    document = squat(arranged, keys=[CERTIFICATE])
    named = f"--client-id={document['appId']}"
    assert arranged(named) == 0
    [app] = arranged.state()["applications"]
    assert [len(app["keyCredentials"]), app["keyCredentials"][0]["displayName"]] == [
        2,
        "CN=mallory",
    ]
    [line] = [one for one in arranged.said if "credentials of the app registration" in one]
    assert line.startswith(
        "  checked  credentials of the app registration: 1 certificate of this directory; beside them "
        f"certificate SHA-1 {SHA1}, until "
    )
    # The administrator has to name it again: what was added meanwhile is nobody's secret either.
    assert arranged() == 1
    assert arranged.changes() == []
    assert arranged(named) == 0
    assert arranged.said[-2] == "nothing to do: everything was there"


def test_a_credential_that_was_added_later(arranged):
    """By an owner, to the app that this command made."""
    assert arranged() == 0
    [app] = arranged.tenant.admin.registry.applications.values()
    app.document["passwordCredentials"].append(SECRET)
    assert arranged("--status", mailbox=None) == 1
    [line] = [one for one in arranged.said if "WRONG" in one and "credentials" in one]
    assert line.startswith(
        "  WRONG    credentials of the app registration: the app has 1 credential "
    )
    assert arranged() == 1
    assert arranged.changes() == []


def test_look_prove_the_key_register_grant(arranged):
    """The order of a first run: all questions, then the app, then the enterprise application, and no
    right before both are there and were looked at again.
    """
    assert arranged() == 0
    calls = arranged.tenant.admin.calls
    made = ("POST /v1.0/applications", "POST /v1.0/servicePrincipals")
    kinds = ["register" if call in made else "look" for call in calls]
    for number, call in enumerate(calls):
        if call.startswith(("New-", "Add-")) or ("POST" in call and "appRole" in call):
            kinds[number] = "grant"
    begun = kinds.index("register")
    assert {"look"} == set(kinds[:begun])
    granted = kinds.index("grant")
    assert kinds[begun:granted].count("register") == 2
    between = calls[begun:granted]
    assert any("federatedIdentityCredentials" in call for call in between)
    assert "register" not in kinds[granted:]


@pytest.mark.parametrize("broken", ["key of another", "readable by all"])
def test_a_key_that_is_no_use_is_never_registered(arranged, broken):
    """A planted file: nobody hears of it, at no service."""
    made = pems()
    first, second = next(made).decode(), next(made).decode()
    arranged.directory.mkdir(parents=True, mode=0o700)
    path = arranged.directory / "certificate.pem"
    begin = "-----BEGIN PRIVATE KEY-----"
    other = second.partition(begin)[2] if broken == "key of another" else first.partition(begin)[2]
    path.write_text(first.partition(begin)[0] + begin + other)
    path.chmod(0o644 if broken == "readable by all" else 0o600)
    assert arranged() == 1
    assert arranged.changes() == []


@pytest.mark.parametrize("role", ["Global Reader", "Exchange Administrator"])
def test_an_entra_role_of_the_app(arranged, role):
    assert arranged() == 0
    registry = arranged.tenant.admin.registry
    [principal] = [one for one in registry.principals.values() if one.owner != "Microsoft"]
    place = {"principalId": principal.document["id"], "directoryScopeId": "/"}
    registry.grant_role({**place, "roleDefinitionId": ROLES[role]})
    assert arranged("--status", mailbox=None) == 1
    assert next(line for line in arranged.said if "WRONG" in line) == (
        f"  WRONG    other rights in Entra: the app has the Entra role {role}; remove that role from the "
        "enterprise application, then run this again"
    )
    assert arranged() == 1
    assert arranged.changes() == []


def test_an_app_made_by_hand_with_the_certificate_that_is_given(arranged, tmp_path):
    """It is known here before it is copied into the directory."""
    own = tmp_path / "own.pem"
    own.write_bytes(next(pems()))
    own.chmod(0o600)
    policy = arranged.tenant.admin.registry.policy
    credential = keypair.credential(keypair.der(own.read_text()), "own")
    [kept] = graph_keys.replace([], [credential], policy)
    squat(arranged, keys=[kept])
    assert arranged(f"--certificate={own}") == 0
    [app] = arranged.state()["applications"]
    assert len(app["keyCredentials"]) == 1

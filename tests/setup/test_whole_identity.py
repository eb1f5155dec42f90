"""What the identity that the set-up command made may do before the practice tenant: its one task. Asked
by plain requests, not by the check.
"""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from check_mapi_connectivity.setup.steps import names

from ..support.setting_up import MAILBOX
from ..tenant import cmdlets, graph_admin
from ..tenant.admin_client import DENIED, MAIL_READ_BASIC_ALL, NOWHERE, Administrator, error
from ..tenant.client import EXCHANGE, GRAPH
from ..tenant.directory import MANY
from ..tenant.exchange import NUL_BODY
from ..tenant.registry import EXCHANGE_APP, GRAPH_APP
from ..tenant.replication import Arrival


@pytest.fixture
def stranger(tenant):
    """Somebody with requests and no rights of his own."""
    stranger = Administrator(tenant, "Global Reader")
    yield stranger
    stranger.close()


def app_token(arranged, stranger, resource):
    """A token of the app by the certificate in the tenant's directory."""
    pem = (arranged.directory / "certificate.pem").read_bytes()
    app_id = (arranged.directory / "client_id").read_text().strip()
    return stranger.app_token(
        app_id, resource, load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
    )["access_token"]


def refused_cmdlets(stranger, token):
    """Answers of Exchange to every cmdlet but the one, each as the service refuses what an identity
    does not have.
    """
    found = set()
    for name in cmdlets.CMDLETS:
        answer = stranger.invoke(name, token, Identity=names.ROLE)
        found.add((answer.status_code, answer.raw.read(decode_content=False)))
    return found


def refused_routes(stranger, token):
    """Status and code of Graph for every route of administrators."""
    stranger.tokens["graph"] = token
    found = set()
    for path, route in graph_admin.ROUTES.items():
        for method in route:
            body = {} if method in ("POST", "PATCH") else None
            found.add(error(stranger.ask(method, path.replace("*", NOWHERE), body)))
    return found


def test_the_app_of_method_cmdlet(arranged, stranger):
    assert arranged() == 0
    token = app_token(arranged, stranger, EXCHANGE)
    assert stranger.cmdlet(token).json()["value"][0]["Result"] == "Success"
    assert refused_cmdlets(stranger, token) == {(403, NUL_BODY)}
    token = app_token(arranged, stranger, GRAPH)
    assert refused_routes(stranger, token) == {DENIED}
    for name in ("healthy", MANY[0]):
        assert error(stranger.graph(token, name))[:2] == (403, "ErrorAccessDenied")


def test_the_app_of_method_graph(arranged, stranger):
    assert arranged("--method", "graph") == 0
    token = app_token(arranged, stranger, GRAPH)
    assert len(stranger.graph(token, "healthy").json()["value"]) > 0
    for name in ("broken", "operator", *MANY[:3]):
        assert error(stranger.graph(token, name))[:2] == (403, "ErrorAccessDenied")
    for query in ("?$select=body", "?$select=bodyPreview,id", "?$select=attachments"):
        assert error(stranger.graph(token, "healthy", query))[:2] == (403, "ErrorAccessDenied")
    assert refused_routes(stranger, token) == {DENIED}
    # Without the app role Exchange does not talk to it at all.
    token = app_token(arranged, stranger, EXCHANGE)
    assert {stranger.invoke(name, token).status_code for name in cmdlets.CMDLETS} == {401}
    assert stranger.cmdlet(token).status_code == 401


def one_thing(arranged, stranger, *methods):
    """Before both services the app can do what the methods are for, and is refused all else."""
    token = app_token(arranged, stranger, EXCHANGE)
    if "cmdlet" in methods:
        assert stranger.cmdlet(token).json()["value"][0]["Result"] == "Success"
        assert refused_cmdlets(stranger, token) == {(403, NUL_BODY)}
    else:
        assert {stranger.invoke(name, token).status_code for name in cmdlets.CMDLETS} == {401}
        assert stranger.cmdlet(token).status_code == 401
    token = app_token(arranged, stranger, GRAPH)
    assert refused_routes(stranger, token) == {DENIED}
    for name in ("healthy", "broken", MANY[0]):
        answer = stranger.graph(token, name)
        if "graph" in methods and name == "healthy":
            assert answer.status_code == 200
        else:
            assert error(answer)[:2] == (403, "ErrorAccessDenied")


METHODS = [("cmdlet",), ("graph",), ("cmdlet", "graph")]


def again(arranged, words):
    """A second run."""
    assert arranged(*words) == 0


def renewed(arranged, words):
    """A renewal."""
    assert arranged("--renew", *words) == 0


def taken_away(arranged, words):
    """What others took away is made again."""
    rbac = arranged.tenant.admin.rbac
    rbac.assignments.clear()
    for group in rbac.groups.values():
        group.members.clear()
    assert arranged(*words) == 0


def pasted(arranged, words):
    """All from the beginning, with tokens from elsewhere."""
    assert arranged("--remove", "--yes", mailbox=None) == 0
    assert arranged(arranged.tokens(), *words) == 0


def adopted(arranged, words):
    """An app that is there, has no right, and is named."""
    assert arranged("--remove", "--yes", mailbox=None) == 0
    registry = arranged.tenant.admin.registry
    app = registry.add_application({"displayName": names.APP}, "somebody")
    assert arranged(f"--client-id={app.app_id}", *words) == 0


PATHS = [again, renewed, taken_away, pasted, adopted]


@pytest.mark.cases(3)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize("methods", METHODS, ids="+".join)
def test_whatever_way_it_came(arranged, stranger, methods, path):
    words = [word for method in methods for word in ("--method", method)]
    assert arranged(*words) == 0
    one_thing(arranged, stranger, *methods)
    path(arranged, words)
    one_thing(arranged, stranger, *methods)


def test_an_app_that_may_more_is_not_adopted(arranged, stranger):
    """Neither by its name nor by --client-id: its other right stays the only one it has."""
    registry = arranged.tenant.admin.registry
    app = registry.add_application({"displayName": names.APP}, "somebody")
    principal = registry.add_principal(app.app_id, names.APP, "somebody")
    graph = next(one for one in registry.principals.values() if one.app_id == GRAPH_APP)
    registry.assign(principal, graph, MAIL_READ_BASIC_ALL)
    before = arranged.state()
    for words in (
        (),
        (f"--client-id={app.app_id}",),
        (f"--client-id={app.app_id}", "--method", "graph"),
    ):
        assert arranged(*words) == 1
        assert (arranged.changes(), arranged.state(), arranged.kept()) == ([], before, {})


def test_a_user_who_may_more_is_not_taken(arranged):
    """Who is in another role group gets nothing here."""
    name = "many-007"
    rbac = arranged.tenant.admin.rbac
    rbac.groups["Organization Management"].members["user", name] = Arrival(0)
    path = arranged.tenant.material.directory / "password"
    assert arranged(f"--username={name}@practice.example", f"--password-file={path}") == 1
    assert arranged.changes() == []
    assert arranged.said[-3] == (
        f"failed: other rights in Exchange: {name}@practice.example is a member of the role group "
        "Organization Management as well"
    )


def test_the_user_with_a_password(arranged, stranger):
    name = "many-007"
    words = (f"--username={name}@practice.example",)
    path = arranged.tenant.material.directory / "password"
    assert arranged(*words, f"--password-file={path}") == 0
    module = {"client_id": "fb78d390-0c51-40cd-8e17-fdbfab77341b"}
    token = stranger.as_user(name, **module)["access_token"]
    assert stranger.cmdlet(token).status_code == 200
    assert refused_cmdlets(stranger, token) == {(403, NUL_BODY)}
    assert stranger.as_user(name, f"{GRAPH}/.default", **module)["error_codes"] == [65002]


def test_rights_that_it_does_not_make_worse(arranged, stranger):
    """An app that Entra lets read every mailbox is told of, not used for method graph."""
    arranged()
    principal = arranged.tenant.directory_state()["service_principals"][0]["id"]
    registry = arranged.tenant.admin.registry
    graph = next(one for one in registry.principals.values() if one.app_id != EXCHANGE_APP)
    registry.assign(registry.principals[principal], graph, MAIL_READ_BASIC_ALL)
    assert arranged("--method", "graph", "--method", "cmdlet") == 1
    assert arranged.said[-3] == (
        "failed: other rights in Entra: Entra gives the app Mail.ReadBasic.All of Microsoft Graph, for "
        "every mailbox"
    )
    assert arranged.check(mailbox=MAILBOX).code == 0

"""The steps in Entra and Exchange by themselves: whatever the services say of what is there, a step
finds it, misses it, or says why it cannot be used.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.base.failure import CheckFailure
from check_mapi_connectivity.setup.files.directory import Directory, Owner
from check_mapi_connectivity.setup.steps import entra, exchange, identity, names, scope
from check_mapi_connectivity.setup.steps.step import Found, Known, Site

APP, PRINCIPAL = "00000000-1111-2222-3333-444444444444", "99999999-1111-2222-3333-444444444444"


def site(rows=None, graph=None, listed=None):
    """A site whose services answer the same to everything."""
    services = SimpleNamespace(
        exchange=lambda cmdlet, **_: rows.get(cmdlet, []) if isinstance(rows, dict) else rows,
        graph=lambda _: graph,
        listed=lambda _: listed,
    )
    known = Known(client_id=APP, principal=PRINCIPAL)
    directory = Directory("/nonexistent/at/all", Owner())
    return Site(SimpleNamespace(), services, directory, None, known)


def refused(step, place):
    with pytest.raises(CheckFailure) as caught:
        step.look(place)
    return caught.value.failure.cause


def test_parent_of_the_role():
    for held, chosen in (
        ([names.PARENT, "Mail Recipients"], names.PARENT),
        (["Reset Password", "Mail Recipients"], "Mail Recipients"),
        (["Something New", names.ROLE], "Something New"),
    ):
        place = site()
        place.services.exchange = lambda _, Cmdlet=None, held=held, **__: (
            [{"Name": one} for one in held] if Cmdlet else []
        )
        step = exchange.RoleStep()
        assert step.look(place) == Found(False)
        assert step.calls(place.known)[0].body["Parent"] == chosen
    assert refused(exchange.RoleStep(), site({})) == (
        "no role of this tenant holds Test-MAPIConnectivity"
    )


def test_role_that_does_not_hold_the_cmdlet():
    rows = {"Get-ManagementRole": [{"Name": names.ROLE}]}
    assert refused(exchange.RoleStep(), site(rows)) == (
        "role MAPI probe does not hold Test-MAPIConnectivity"
    )


def test_role_group():
    step = exchange.GroupStep()
    dn = f"CN={names.ROLE},CN=Roles,DC=x"
    for roles in ([names.ROLE], [f"x.example/{names.ROLE}"], [f"x\\{names.ROLE}"], dn):
        place = site({"Get-RoleGroup": [{"Name": names.GROUP, "Roles": roles}]})
        assert step.look(place).there
    place = site({"Get-RoleGroup": [{"Name": names.GROUP, "Roles": []}]})
    assert step.look(place) == Found(False, "there, without its role")
    (call,) = step.calls(place.known)
    assert (call.verb, call.body) == (
        "New-ManagementRoleAssignment",
        {"SecurityGroup": names.GROUP, "Role": names.ROLE},
    )
    roles = [names.ROLE, "x/Organization Configuration"]
    place = site({"Get-RoleGroup": [{"Name": names.GROUP, "Roles": roles}]})
    assert refused(step, place) == (
        "role group MAPI probes has the role Organization Configuration as well"
    )


def test_pointer_to_the_wrong_object():
    """The object id of the app registration instead of the enterprise application's."""
    step = exchange.PointerStep()
    another = "88888888-1111-2222-3333-444444444444"
    row = {"AppId": APP.upper(), "ObjectId": another}
    assert refused(step, site({"Get-ServicePrincipal": [row]})) == (
        f"service principal check_mapi_connectivity in Exchange points to object id {another}, not "
        f"to {PRINCIPAL}"
    )
    row = {"AppId": APP, "ServiceId": PRINCIPAL.upper(), "Name": "Alias"}
    place = site({"Get-ServicePrincipal": [row]})
    assert step.look(place).there
    # A role group may list it by its name in Exchange.
    rows = {"Get-RoleGroupMember": [{"Name": "alias"}]}
    place.services.exchange = lambda cmdlet, **_: rows[cmdlet]
    assert exchange.MemberStep().look(place).there
    place.known.aliases = set()
    assert not exchange.MemberStep("user@contoso.com").look(place).there


def test_assignment_of_another_app_or_scope():
    step = scope.AssignmentStep()
    row = {"Name": names.ASSIGNMENT, "CustomResourceScope": names.SCOPE, "App": PRINCIPAL}
    assert step.look(site({"Get-ManagementRoleAssignment": [row]})).there
    other = "11111111-1111-2222-3333-444444444444"
    cause = refused(step, site({"Get-ManagementRoleAssignment": [{**row, "App": other}]}))
    assert cause == f"role assignment MAPI probe Inbox is for another app, {other}"
    rows = {"Get-ManagementRoleAssignment": [{**row, "CustomResourceScope": "everybody"}]}
    assert refused(step, site(rows)) == (
        "role assignment MAPI probe Inbox is for the scope everybody"
    )


def test_scope_with_a_filter_of_its_own():
    step = scope.ScopeStep(("probe@contoso.com",))
    row = {"Name": names.SCOPE, "RecipientFilter": "CustomAttribute1 -eq 'probe'"}
    assert refused(step, site({"Get-ManagementScope": [row]})) == (
        "scope MAPI probe mailboxes has a filter that this command did not write"
    )


def test_user_without_the_module():
    step = exchange.UserStep("u@contoso.com")
    place = site({"Get-User": [{"Name": "u", "EXOModuleEnabled": False}]})
    assert refused(step, place) == (
        "EXOModuleEnabled of u@contoso.com is off, which overrides every role"
    )


def test_disabled_enterprise_application():
    place = site(listed=[{"id": PRINCIPAL, "accountEnabled": False}])
    assert refused(entra.PrincipalStep(), place) == (
        "enterprise application check_mapi_connectivity is disabled for sign-in"
    )


def test_tenant_without_exchange():
    assert refused(entra.GrantStep(), site()) == ("the tenant has no Office 365 Exchange Online")
    roles = {"id": PRINCIPAL, "appRoles": [{"id": "other"}]}
    assert refused(entra.GrantStep(), site(graph=roles)) == (
        "Office 365 Exchange Online of this tenant has no app role Exchange.ManageAsApp"
    )


@pytest.mark.parametrize("addresses", [("a@b.c",), ("o'neil@b.c", "d@e.f"), ("''@b.c",)])
def test_filters_there_and_back(addresses):
    text = scope.write_filter(addresses)
    assert scope.read_filter(text) == addresses
    assert scope.read_filter(f"({text})") == addresses


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RecipientType -eq 'UserMailbox'",
        "PrimarySmtpAddress -eq 'a@b.c' -and RecipientType -eq 'x'",
        "PrimarySmtpAddress -ne 'a@b.c'",
        "PrimarySmtpAddress -eq 'a@b.c' -or",
        "PrimarySmtpAddress -eq 'a@b.c",
    ],
)
def test_other_filters(text):
    assert scope.read_filter(text) is None


@given(st.text() | st.text(alphabet="()' -eqorPimaySmtAds@.", max_size=60))
def test_any_filter(text):
    found = scope.read_filter(text)
    assert found is None or all(isinstance(one, str) for one in found)


row = st.dictionaries(
    st.sampled_from(
        [
            "Name",
            "Identity",
            "Guid",
            "Roles",
            "AppId",
            "ObjectId",
            "RecipientFilter",
            "IsDehydrated",
            "id",
            "appId",
            "keyCredentials",
            "RoleName",
            "InScope",
            "notes",
            "appRoles",
            "appRoleId",
            "CustomResourceScope",
            "App",
            "passwordCredentials",
            "customKeyIdentifier",
            "issuer",
            "subject",
            "Members",
            "AllowedResourceScope",
            "Role",
        ]
    ),
    st.none()
    | st.booleans()
    | st.text(max_size=10)
    | st.integers()
    | st.lists(st.text(max_size=9)),
)


@given(st.lists(row, max_size=3), row)
def test_any_rows(rows, document):
    """A finding, or the one exception."""
    for step in (
        entra.AppStep(cmdlet=True),
        entra.KeyStep(),
        entra.PrincipalStep(),
        entra.GrantStep(),
        exchange.CustomizationStep(),
        exchange.RoleStep(),
        exchange.GroupStep(),
        exchange.PointerStep(),
        exchange.MemberStep(),
        exchange.UserStep("u@contoso.com"),
        scope.ScopeStep(("a@b.c",)),
        scope.AssignmentStep(),
        scope.AuthorizationStep("a@b.c"),
        identity.CredentialStep(),
        identity.EntraRightsStep(cmdlet=True),
        identity.ExchangeRightsStep(("graph",)),
    ):
        place = site(rows, document, rows)
        place.voice = SimpleNamespace(tell=lambda *_: None)
        place.known.app, place.known.scoped = PRINCIPAL, ("a@b.c",)
        try:
            assert isinstance(step.look(place), Found)
        except CheckFailure as error:
            assert error.failure.cause and error.failure.remedy


def test_an_app_that_is_listed_before_it_can_be_read():
    place = site(listed=[{"id": PRINCIPAL}])
    answers = [None, None, {"id": PRINCIPAL, "appId": APP, "keyCredentials": []}]
    naps = []
    place.services.graph = lambda _: answers.pop(0)
    place.voice = SimpleNamespace(wait=lambda seconds, _: naps.append(seconds))
    step = entra.AppStep(cmdlet=True)
    assert step.look(place) == Found(True, f"client id {APP}")
    assert naps == [1, 2]
    place.services.graph = lambda _: None
    assert step.look(place) == Found(False)


def test_an_enterprise_application_that_is_there_and_never_shown():
    place = site(listed=[])
    place.services.change = lambda _: None
    place.voice = SimpleNamespace(wait=lambda *_: None)
    with pytest.raises(CheckFailure) as caught:
        entra.PrincipalStep().make(place)
    assert caught.value.failure.cause == (
        "Entra has enterprise application check_mapi_connectivity, but does not list it yet"
    )

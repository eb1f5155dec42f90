"""Every AADSTS number of reference sheet exchange-online 6, and what the check makes of it."""

from __future__ import annotations

import re

import pytest

from check_mapi_connectivity.codes.entra import ENTRA
from check_mapi_connectivity.services import entra

#: Number, kind (contract 7.19), cause; in the order of the sheet, with the siblings that Microsoft's
#: own pages name.
ROWS = [
    (16000, "credential", "account is not in this tenant"),
    (16003, "credential", "account is not in this tenant"),
    (50014, "credential", "account is not in this tenant"),
    (50020, "credential", "account is not in this tenant"),
    (51004, "credential", "account is not in this tenant"),
    (500208, "credential", "account is of a type that this tenant does not take"),
    (500212, "credential", "account's own tenant does not let it sign in here"),
    (500213, "credential", "tenant does not let this account of another in"),
    (700011, "credential", "client id is unknown in this tenant"),
    (700023, "credential", "assertion is made for another audience"),
    (70021, "credential", "no federated credential of the app fits this token"),
    (700212, "credential", "no federated credential of the app has this token's audience"),
    (700229, "credential", "federated token is of a kind that Entra does not take"),
    (900439, "credential", "sign-in belongs to the US Government cloud"),
    (90012, "server", "Entra has a temporary problem"),
    (90090, "server", "Entra has a temporary problem"),
    (50001, "credential", "tenant has no Exchange Online under this name"),
    (500011, "credential", "tenant has no Exchange Online under this name"),
    (50002, "credential", "a proxy's tenant restrictions exclude this tenant"),
    (500021, "credential", "a proxy's tenant restrictions exclude this tenant"),
    (500022, "credential", "a proxy's tenant restrictions exclude this tenant"),
    (50012, "credential", "Entra does not accept the signature of certificate or token"),
    (50034, "credential", "user is unknown in this tenant"),
    (50049, "credential", "Entra does not know this cloud instance"),
    (90051, "credential", "Entra does not know this cloud instance"),
    (50053, "credential", "account is locked, or this address is seen as malicious"),
    (50055, "credential", "password has expired"),
    (50144, "credential", "password has expired"),
    (50056, "credential", "account has no password in the cloud"),
    (50057, "credential", "account is disabled"),
    (50059, "credential", "sign-in names no tenant that Entra knows"),
    (50128, "credential", "sign-in names no tenant that Entra knows"),
    (50064, "credential", "user name or password is wrong"),
    (50126, "credential", "user name or password is wrong"),
    (50072, "credential", "account must register security information"),
    (50079, "credential", "account must register security information"),
    (50125, "credential", "account must register security information"),
    (53004, "credential", "account must register security information"),
    (50074, "credential", "multi-factor authentication is demanded"),
    (50076, "credential", "multi-factor authentication is demanded"),
    (50078, "credential", "multi-factor authentication is demanded"),
    (50097, "credential", "a policy demands a registered device"),
    (50155, "credential", "a policy demands a registered device"),
    (53000, "credential", "a policy demands a registered device"),
    (53001, "credential", "a policy demands a registered device"),
    (50105, "credential", "identity is not assigned to the app"),
    (501051, "credential", "identity is not assigned to the app"),
    (50131, "credential", "Conditional Access blocks this sign-in"),
    (53002, "credential", "Conditional Access blocks this sign-in"),
    (53003, "credential", "Conditional Access blocks this sign-in"),
    (530032, "credential", "Conditional Access blocks this sign-in"),
    (530035, "credential", "security defaults block this sign-in"),
    (53011, "credential", "account or tenant is blocked for risk"),
    (530034, "credential", "account or tenant is blocked for risk"),
    (50135, "credential", "password is considered leaked"),
    (50158, "credential", "an external control wants a person"),
    (50173, "credential", "grant has been revoked or has expired"),
    (700082, "credential", "grant has been revoked or has expired"),
    (70008, "credential", "grant has been revoked or has expired"),
    (50194, "credential", "app is for one tenant only"),
    (50196, "throttled", "Entra sees a loop of identical requests"),
    (65001, "credential", "administrator has not consented"),
    (90094, "credential", "administrator has not consented"),
    (90095, "credential", "administrator has not consented"),
    (65002, "credential", "Microsoft's own app may not use this interface"),
    (65004, "credential", "consent was declined"),
    (650052, "credential", "app registration lacks a permission of this service"),
    (650054, "credential", "app registration lacks a permission of this service"),
    (650057, "credential", "app registration lacks a permission of this service"),
    (650056, "credential", "app registration is misconfigured or lacks consent"),
    (70001, "credential", "application is disabled"),
    (7000112, "credential", "application is disabled"),
    (700016, "credential", "client id is unknown in this tenant"),
    (7000229, "credential", "app registration has no enterprise application here"),
    (70002, "credential", "client secret is wrong"),
    (7000215, "credential", "client secret is wrong"),
    (7000222, "credential", "client secret has expired"),
    (700024, "credential", "assertion is outside its validity"),
    (700025, "credential", "a public client takes no certificate or secret"),
    (700027, "credential", "Entra does not know this certificate"),
    (700030, "credential", "certificate's subject name is not authorised"),
    (7000218, "credential", "app wants a credential of its own and got none"),
    (70011, "credential", "scope is not valid"),
    (1002012, "credential", "scope is not valid"),
    (700211, "credential", "no federated credential of the app has this token's issuer"),
    (700213, "credential", "no federated credential of the app has this token's subject"),
    (70043, "credential", "sign-in frequency policy asks for a new sign-in"),
    (80001, "credential", "on-premises authentication agent fails"),
    (80002, "credential", "on-premises authentication agent fails"),
    (80003, "credential", "on-premises authentication agent fails"),
    (80004, "credential", "on-premises authentication agent fails"),
    (80005, "credential", "on-premises authentication agent fails"),
    (80006, "credential", "on-premises authentication agent fails"),
    (80007, "credential", "on-premises authentication agent fails"),
    (80008, "credential", "on-premises authentication agent fails"),
    (80009, "credential", "on-premises authentication agent fails"),
    (80010, "credential", "on-premises authentication agent fails"),
    (80011, "credential", "on-premises authentication agent fails"),
    (80012, "credential", "on-premises authentication agent fails"),
    (80013, "credential", "on-premises authentication agent fails"),
    (80014, "credential", "on-premises authentication agent fails"),
    (90002, "credential", "Entra knows no such tenant"),
    (90006, "server", "Entra has a temporary problem"),
    (90024, "server", "Entra has a temporary problem"),
    (90033, "server", "Entra has a temporary problem"),
    (50000, "server", "Entra has a temporary problem"),
    (50033, "server", "Entra has a temporary problem"),
    (90014, "credential", "Entra finds the request malformed"),
    (900144, "credential", "Entra finds the request malformed"),
    (9002313, "credential", "Entra finds the request malformed"),
    (90019, "credential", "Entra cannot tell the tenant"),
    (90038, "credential", "tenant belongs to another cloud"),
    (900382, "credential", "tenant belongs to another cloud"),
    (900432, "credential", "tenant belongs to another cloud"),
    (90055, "throttled", "Entra throttles this tenant"),
    (90072, "credential", "account is external and unknown in this tenant"),
    (9001023, "credential", "sign-in of this kind wants a tenant of its own"),
    (90124, "credential", "sign-in of this kind wants a tenant of its own"),
    (90130, "credential", "sign-in of this kind wants a tenant of its own"),
    (100007, "credential", "regional sign-in is not for this app"),
]


@pytest.mark.parametrize(("number", "kind", "cause"), ROWS)
def test_every_number_of_the_sheet(number, kind, cause):
    document = {
        "error": "invalid_client",
        "error_codes": [number],
        "error_description": f"AADSTS{number}: Entra's own text. Trace ID: 1 Correlation ID: 2",
    }
    failure = entra.sign_in(document, None)
    assert (failure.kind, failure.state_key, failure.cause) == (kind, kind, cause)
    assert failure.code == f"AADSTS{number}"
    assert failure.remedy
    assert failure.detail == document["error_description"]
    assert failure.transient == (kind == "server")


def test_kinds_of_the_contract():
    by_kind = {kind: [number for number, found, _ in ROWS if found == kind] for _, kind, _ in ROWS}
    assert sorted(by_kind.pop("server")) == [50000, 50033, 90006, 90012, 90024, 90033, 90090]
    assert sorted(by_kind.pop("throttled")) == [50196, 90055]
    assert list(by_kind) == ["credential"]


def test_table_holds_nothing_but_the_sheet():
    assert sorted(ENTRA) == sorted(number for number, _, _ in ROWS)


#: Numbers that only an app with a certificate meets.
OF_CERTIFICATES = (700027, 700030)


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

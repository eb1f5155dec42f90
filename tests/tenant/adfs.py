"""The federation server (AD FS): its metadata (MEX), WS-Trust by user name and password, and what
Entra makes of the SAML assertion.

Sources: WS-Trust 1.3 3 and 4, WS-Trust February 2005, WS-MetadataExchange, WS-SecurityPolicy 1.2, SAML
1.1 core, RFC 7522 2.1. The assertion's signature covers its text, not a canonical form of it: whoever
passes it on must not touch a byte.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import re
import secrets
import uuid
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from .directory import FEDERATED_USERS, local_part
from .refusals import Refusal

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
POLICY = "http://schemas.xmlsoap.org/ws/2004/09/policy"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
SECURITY, UTILITY = f"{OASIS}-secext-1.0.xsd", f"{OASIS}-utility-1.0.xsd"
SAML = "urn:oasis:names:tc:SAML:1.0:assertion"
AUDIENCE = "urn:federation:MicrosoftOnline"
ISSUER = "http://adfs.practice.example/adfs/services/trust/"

#: Version -> namespace of WS-Trust, namespace of its policy, element that holds the user's token there.
VERSIONS = {
    "13": (
        "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
        "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
        "SignedEncryptedSupportingTokens",
    ),
    "2005": (
        "http://schemas.xmlsoap.org/ws/2005/02/trust",
        "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
        "SignedSupportingTokens",
    ),
}
SOAP_TYPE = {"Content-Type": "application/soap+xml; charset=utf-8"}
_TEMPLATES = {"soap": SOAP, "wsa": ADDRESSING, "wsp": POLICY, "wsse": SECURITY, "wsu": UTILITY}


class Fault(Exception):
    """A SOAP fault: subcode and reason."""

    def __init__(self, prefix, subcode, reason):
        super().__init__(reason)
        self.namespace = {"wsse": SECURITY, "wsu": UTILITY}.get(prefix, prefix)
        self.subcode, self.reason = subcode, reason


def answer(tenant, method, parts, headers, raw):
    """Status, headers, body of a request below `/adfs/services/trust`."""
    way = [part.lower() for part in parts[3:]]
    if way == ["mex"] and method == "GET":
        return 200, SOAP_TYPE, _metadata(tenant.url).encode()
    if len(way) != 2 or way[0] not in VERSIONS or way[1] != "usernamemixed":
        return 404, {"Content-Type": "text/html"}, b""
    if method != "POST" or not headers.get("Content-Type", "").startswith("application/soap+xml"):
        return 415, {"Content-Type": "text/html"}, b""
    try:
        body = _issue(tenant, way[0], headers, raw)
    except ElementTree.ParseError:
        return 400, {"Content-Type": "text/html"}, b""
    except Fault as fault:
        # A wrong password, too, is HTTP 500.
        return 500, SOAP_TYPE, _fault(fault).encode()
    return 200, SOAP_TYPE, body.encode()


def _metadata(url):
    policies = bindings = ports = ""
    for version, (trust, policy, holder) in VERSIONS.items():
        name = f"UserNameWSTrustBinding_IWSTrust{version}Async"
        there = f"{url}/adfs/services/trust/{version}/usernamemixed"
        include = f'sp:IncludeToken="{policy}/IncludeToken/AlwaysToRecipient"'
        policies += (
            f'<wsp:Policy wsu:Id="{name}_policy"><wsp:ExactlyOne><wsp:All>'
            f'<sp:TransportBinding xmlns:sp="{policy}"><wsp:Policy><sp:TransportToken><wsp:Policy>'
            '<sp:HttpsToken RequireClientCertificate="false"/></wsp:Policy></sp:TransportToken>'
            "<sp:AlgorithmSuite><wsp:Policy><sp:Basic256/></wsp:Policy></sp:AlgorithmSuite>"
            "<sp:IncludeTimestamp/></wsp:Policy></sp:TransportBinding>"
            f'<sp:{holder} xmlns:sp="{policy}"><wsp:Policy><sp:UsernameToken {include}><wsp:Policy>'
            f"<sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken></wsp:Policy></sp:{holder}>"
            '<wsaw:UsingAddressing xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl"/>'
            "</wsp:All></wsp:ExactlyOne></wsp:Policy>"
        )
        bindings += (
            f'<wsdl:binding name="{name}" type="tns:IWSTrust{version}Async">'
            f'<wsp:PolicyReference URI="#{name}_policy"/>'
            '<soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
            f'<wsdl:operation name="Trust{version}IssueAsync">'
            f'<soap12:operation soapAction="{trust}/RST/Issue" style="document"/>'
            '<wsdl:input><soap12:body use="literal"/></wsdl:input>'
            '<wsdl:output><soap12:body use="literal"/></wsdl:output></wsdl:operation></wsdl:binding>'
        )
        ports += (
            f'<wsdl:port name="{name}" binding="tns:{name}"><soap12:address location="{there}"/>'
            f"<wsa10:EndpointReference><wsa10:Address>{there}</wsa10:Address>"
            "</wsa10:EndpointReference></wsdl:port>"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?><wsdl:definitions name="SecurityTokenService" '
        'targetNamespace="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice" '
        'xmlns:tns="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice" '
        'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
        f'xmlns:wsp="{POLICY}" xmlns:wsu="{UTILITY}" xmlns:wsa10="{ADDRESSING}" '
        'xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/">'
        f'{policies}{bindings}<wsdl:service name="SecurityTokenService">{ports}</wsdl:service>'
        "</wsdl:definitions>"
    )


def _issue(tenant, version, headers, raw):
    """The response to one RequestSecurityToken. Raises Fault, ParseError."""
    root, trust = ElementTree.fromstring(raw), VERSIONS[version][0]

    def text(path):
        return (root.findtext(path, "", {**_TEMPLATES, "wst": trust}) or "").strip()

    head, wanted = "soap:Header", "soap:Body/wst:RequestSecurityToken"
    action = f"{trust}/RST/Issue"
    sent = headers.get("SOAPAction", action).strip('"')
    if root.tag != f"{{{SOAP}}}Envelope" or text(f"{head}/wsa:Action") != action or sent != action:
        raise Fault(ADDRESSING, "ActionNotSupported", "The action cannot be processed.")
    if text(f"{wanted}/wst:RequestType") != f"{trust}/Issue":
        raise Fault(trust, "InvalidRequest", "ID3035: The request was not valid.")
    now = datetime.datetime.now(datetime.timezone.utc)
    if not text(f"{head}/wsse:Security/wsu:Timestamp/wsu:Expires") > f"{now:%Y-%m-%dT%H:%M:%SZ}":
        raise Fault("wsu", "MessageExpired", "The message has expired.")
    token = f"{head}/wsse:Security/wsse:UsernameToken"
    user = text(f"{token}/wsse:Username").lower()
    # Not stripped: a password may begin with a blank.
    password = root.findtext(f"{token}/wsse:Password", "", _TEMPLATES)
    right = tenant.entra.right_password(user, password)
    if not right or local_part(user) not in FEDERATED_USERS:
        reason = "ID3242: The security token could not be authenticated or authorized."
        raise Fault("wsse", "FailedAuthentication", reason)
    scope = text(f"{wanted}/wsp:AppliesTo/wsa:EndpointReference/wsa:Address")
    if scope != AUDIENCE:
        reason = "ID3082: The request scope is not valid or is unsupported."
        raise Fault(trust, "InvalidScope", reason)
    return _response(version, tenant.entra.federation.assertion(user), now)


def _fault(fault):
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"><s:Header><a:Action s:mustUnderstand='
        '"1">http://www.w3.org/2005/08/addressing/soap/fault</a:Action></s:Header><s:Body><s:Fault>'
        f'<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:b="{fault.namespace}">'
        f"b:{fault.subcode}</s:Value></s:Subcode></s:Code><s:Reason>"
        f'<s:Text xml:lang="en-US">{fault.reason}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
    )


def _response(version, assertion, now):
    trust = VERSIONS[version][0]
    key = "http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey"
    if version == "13":
        key = f"{trust}/Bearer"
    end = now + datetime.timedelta(hours=1)
    body = (
        f'<t:RequestSecurityTokenResponse xmlns:t="{trust}"><t:Lifetime>'
        f'<u:Created xmlns:u="{UTILITY}">{now:%Y-%m-%dT%H:%M:%SZ}</u:Created>'
        f'<u:Expires xmlns:u="{UTILITY}">{end:%Y-%m-%dT%H:%M:%SZ}</u:Expires></t:Lifetime>'
        f'<p:AppliesTo xmlns:p="{POLICY}"><a:EndpointReference><a:Address>{AUDIENCE}</a:Address>'
        "</a:EndpointReference></p:AppliesTo>"
        f"<t:RequestedSecurityToken>{assertion}</t:RequestedSecurityToken>"
        f"<t:TokenType>{SAML}</t:TokenType><t:RequestType>{trust}/Issue</t:RequestType>"
        f"<t:KeyType>{key}</t:KeyType></t:RequestSecurityTokenResponse>"
    )
    action = f"{trust}/RSTR/Issue"
    if version == "13":
        action = f"{trust}/RSTRC/IssueFinal"
        name = "t:RequestSecurityTokenResponseCollection"
        body = f'<{name} xmlns:t="{trust}">{body}</{name}>'
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"><s:Header>'
        f'<a:Action s:mustUnderstand="1">{action}</a:Action></s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


class Federation:
    """The trust between federation server and Entra."""

    def __init__(self, entra):
        self.right_password = entra.right_password
        self._key = secrets.token_bytes(32)

    def _signature(self, text):
        return base64.b64encode(
            hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        ).decode()

    def assertion(self, user, minutes=60):
        """A SAML 1.1 assertion that says who signed in."""
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = (
            f"{now + datetime.timedelta(minutes=some):%Y-%m-%dT%H:%M:%S.000Z}"
            for some in (0, minutes)
        )
        immutable = base64.b64encode(uuid.uuid5(uuid.NAMESPACE_DNS, user).bytes).decode()
        subject = (
            '<saml:Subject><saml:NameIdentifier Format="urn:oasis:names:tc:SAML:1.1:nameid-format:'
            f'unspecified">{immutable}</saml:NameIdentifier></saml:Subject>'
        )
        space = 'AttributeNamespace="http://schemas.xmlsoap.org/claims"'
        whole = (
            f'<saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="_{uuid.uuid4()}" '
            f'Issuer="{ISSUER}" IssueInstant="{begin}" xmlns:saml="{SAML}">'
            f'<saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}">'
            f"<saml:AudienceRestrictionCondition><saml:Audience>{AUDIENCE}</saml:Audience>"
            "</saml:AudienceRestrictionCondition></saml:Conditions>"
            f'<saml:AttributeStatement>{subject}<saml:Attribute AttributeName="UPN" {space}>'
            f"<saml:AttributeValue>{escape(user)}</saml:AttributeValue></saml:Attribute>"
            "</saml:AttributeStatement>"
            f'<saml:AuthenticationStatement AuthenticationMethod="{SAML[:-9]}am:password" '
            f'AuthenticationInstant="{begin}">{subject}</saml:AuthenticationStatement>'
            "</saml:Assertion>"
        )
        return whole.replace(
            "</saml:Assertion>",
            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignatureValue>'
            f"{self._signature(whole)}</ds:SignatureValue></ds:Signature></saml:Assertion>",
        )

    def user_of(self, encoded):
        """Who an assertion, base64url, speaks of. Raises Refusal."""
        try:
            padded = encoded + "=" * (-len(encoded) % 4)
            text = base64.urlsafe_b64decode(padded).decode()
            signature = re.search(r"<ds:Signature .*</ds:Signature>", text)[0]
            value = re.search(r"<ds:SignatureValue>(.*)</ds:SignatureValue>", signature)[1]
            root = ElementTree.fromstring(text)
        except (binascii.Error, UnicodeDecodeError, TypeError, ElementTree.ParseError):
            raise Refusal(50008, "The SAML token is invalid.") from None
        now = datetime.datetime.now(datetime.timezone.utc)
        conditions = root.find(f"{{{SAML}}}Conditions")
        if value != self._signature(text.replace(signature, "")):
            raise Refusal(50008, "The SAML token is invalid: its signature is not verified.")
        if not conditions.get("NotOnOrAfter") > f"{now:%Y-%m-%dT%H:%M:%S}":
            raise Refusal(50008, "The SAML token is invalid: it has expired.")
        return root.findtext(f".//{{{SAML}}}AttributeValue")

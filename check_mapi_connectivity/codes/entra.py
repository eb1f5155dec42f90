"""AADSTS numbers -> name, kind, cause and remedy: reference sheet exchange-online 6, its
corrections, and what Microsoft's pages say of their siblings.

They serve every credential: certificate, client secret, federated token, managed identity and a
user's password. Numbers that a person's sign-in meets are here too: Entra answers them to an app
as well when a policy covers workload identities. Names are those of Microsoft's page "Microsoft
Entra authentication and authorization error codes"; where that has none, there is none here.
Not on that page: 1002016 ("Microsoft Entra applications using TLS 1.0/1.1 fail to authenticate"),
5000225 ("Inaccessible tenant"), 530004 (a page of its own), and what Microsoft.Identity.Web takes
for an end of a certificate: 1000502, 7000214, 7000277.
"""

from __future__ import annotations

from . import numbered, table

#: AADSTS number -> advice.
ENTRA = numbered(
    """
[credential] use an account of this tenant, or have this one invited as a guest
16000 InteractionRequired: account is not in this tenant
16003 SsoUserAccountNotFoundInResourceTenant
50014 GuestUserInPendingState
50020 UserUnauthorized
51004 UserAccountNotInDirectory

[credential] see the cross-tenant access settings of both tenants
500212 NotAllowedByOutboundPolicyTenant: account's own tenant does not let it sign in here
500213 NotAllowedByInboundPolicyTenant: tenant does not let in an account of this other tenant

[credential] use a work account of this tenant
500208: account is of a type that this tenant does not take

[credential] check --cloud; the tenant needs Exchange Online
50001 InvalidResource: tenant has no Exchange Online under this name
500011 InvalidResourceServicePrincipalNotFound

[credential] ask the network team to allow this tenant
50002 NotAllowedTenant: a proxy's tenant restrictions exclude this tenant
500021
500022

[credential] use the key of the uploaded certificate; for a token see its issuer
50012 AuthenticationFailed: Entra does not accept the signature of certificate or token

[credential] check user name and --tenant
50034 UserAccountNotFound: user is unknown in this tenant

[credential] check the proxy; one that inspects TLS must speak TLS 1.2 to Entra
1002016: Entra was reached by TLS 1.0, 1.1 or 3DES

[credential] ask Microsoft support to reactivate the tenant; after 20 days Entra deletes it
5000225: tenant is blocked because nobody used it

[credential] check --authority-url and --cloud
50049 NoSuchInstanceForDiscovery: Entra does not know this cloud instance
90051 InvalidNationalCloudId

[credential] see Entra's sign-in log; stop the check meanwhile
50053 IdsLocked: account is locked, or this host's address is blocked

[credential] set a new password; one that does not expire
50055 InvalidPasswordExpiredPassword: password has expired
50144 InvalidPasswordExpiredOnPremPassword

[credential] synchronise the password; or use a certificate
50056: account has no password in the cloud

[credential] enable the account
50057 UserDisabled: account is disabled

[credential] check --tenant; it must be a domain of the tenant or its GUID
50059 MissingTenantRealmAndNoUserInformationProvided: sign-in names no tenant that Entra knows
50128

[credential] correct the password; repeated tries lock the account
50064 CredentialAuthenticationError: user name or password is wrong
50126 InvalidUserNameOrPassword

[credential] use a certificate; nobody can answer it unattended
50072 UserStrongAuthEnrollmentRequiredInterrupt: account must register security information
50079 UserStrongAuthEnrollmentRequired
50125 PasswordResetRegistrationRequiredInterrupt
53004 ProofUpBlockedDueToRisk

[credential] use a certificate; nobody can answer it unattended
50074 UserStrongAuthClientAuthNRequiredInterrupt: multi-factor authentication is demanded
50076 UserStrongAuthClientAuthNRequired
50078 UserStrongAuthExpired

[credential] exclude this identity from the policy
50097 DeviceAuthenticationRequired: a policy demands a registered device
50155 DeviceAuthenticationFailed
53000 DeviceNotCompliant
53001 DeviceNotDomainJoined
530004

[credential] assign the identity; or switch 'assignment required' off
50105 EntitlementGrantsNotFound: identity is not assigned to the app
501051

[credential] see Entra's sign-in log, then allow this host's address
50131 ConditionalAccessFailed: Conditional Access blocks this sign-in
53002 ApplicationUsedIsNotAnApprovedApp
53003 BlockedByConditionalAccess
530032 BlockedByConditionalAccessOnSecurityPolicy

[credential] use a certificate; security defaults demand MFA of users
530035 BlockedBySecurityDefaults: security defaults block this sign-in

[credential] see the risk reports of Entra ID Protection; end the risk there
53011: account or tenant is blocked for risk
530034 DelegatedAdminBlockedDueToSuspiciousActivity

[credential] change the password
50135 PasswordChangeCompromisedPassword: password is considered leaked

[credential] use a certificate; nobody can answer it unattended
50158 ExternalSecurityChallenge: an external access control wants a person's answer

[credential] wait for the next run; if it lasts, see Entra's sign-in log
50173 FreshTokenNeeded: grant has been revoked or has expired
700082 ExpiredOrRevokedGrantInactiveToken
70008 ExpiredOrRevokedGrant

[credential] check --tenant; it must be the app's own tenant
50194: app is for one tenant only

[throttled] stop the check for a while; then check --cache-dir: runs without it sign in anew
50196 LoopDetected: Entra sees a loop of identical requests

[credential] grant admin consent in the portal
65001 DelegationDoesNotExist: administrator has not consented
90094 AdminConsentRequired
90095 AdminConsentRequiredRequestAccess

[credential] use an app registration of your own
65002: Microsoft's own app may not use this interface

[credential] grant admin consent in the portal
65004 UserDeclinedConsent: consent was declined

[credential] grant Exchange.ManageAsApp, or Mail.ReadBasic for Graph
650052: app registration lacks a permission of this service
650054
650057

[credential] check client id, credential, permissions and consent
650056: app registration is misconfigured or lacks consent

[credential] enable the enterprise application
70001 UnauthorizedClient: application is disabled
7000112 UnauthorizedClientApplicationDisabled

[credential] check --client-id and --tenant
700016 UnauthorizedClient_DoesNotMatchRequest: client id is unknown in this tenant
700011 UnauthorizedClientAppNotFoundInOrgIdTenant

[credential] grant admin consent in the portal
7000229: app registration has no enterprise application here

[credential] copy the secret's value, not its id
70002 InvalidClient: client secret is wrong
7000215

[credential] make a new one, or use a certificate
7000222 InvalidClientSecretExpiredKeysProvided: client secret has expired

[credential] check this host's clock (NTP); a federated token may be old
700024: signed assertion is too old or not yet valid

[credential] switch 'Allow public client flows' off in the app registration
700025 InvalidClientPublicClientWithCredential: a public client takes no certificate or secret

[credential] upload it or check --client-id
700027: Entra does not know this certificate

[credential] make a new certificate, then upload it
1000502: certificate has expired, or is not valid yet

[credential] make a new certificate, then upload it
7000214: certificate has been revoked
7000277

[credential] upload the certificate itself; its subject name is not enough
700030: certificate's subject name is not authorised

[credential] give a certificate or secret; for a user switch 'Allow public client flows' on
7000218: app wants a credential of its own and got none

[credential] check --cloud; each cloud has scopes of its own
70011 InvalidScope: scope is not valid
1002012

[credential] check --authority-url, --cloud and --tenant; a federated token has its aud claim
700023: signed assertion is made for another audience

[credential] compare issuer, subject and audience with the token's iss, sub, aud
70021: no federated credential of the app fits this token

[credential] compare the credential's audience with the token's aud claim
700212: no federated credential of the app has this token's audience

[credential] have the token made for an app, not for a user
700229 ForbiddenTokenType: federated token is of a kind that Entra does not take

[credential] compare the credential's issuer with the token's iss claim
700211: no federated credential of the app has this token's issuer

[credential] compare the credential's subject with the token's sub claim
700213: no federated credential of the app has this token's subject

[credential] exclude this identity from the policy
70043 BadTokenDueToSignInFrequency: sign-in frequency policy asks for a new sign-in

[credential] check the authentication agent; and its domain controllers
80001 OnPremiseStoreIsNotAvailable: on-premises authentication agent fails
80002 OnPremisePasswordValidatorRequestTimedout
80003
80004
80005 OnPremisePasswordValidatorUnpredictableWebException
80006
80007 OnPremisePasswordValidatorErrorOccurredOnPrem
80008
80009
80010 OnPremisePasswordValidationEncryptionException
80011
80012 OnPremisePasswordValidationAccountLogonInvalidHours
80013 OnPremisePasswordValidationTimeSkew
80014 OnPremisePasswordValidationAuthenticationAgentTimeout

[credential] check --tenant; and --cloud, it may live in another cloud
90002 InvalidTenantName: Entra knows no such tenant

[server, again] if it lasts, {health}
90006 ExternalServerRetryableError: Entra reports a temporary fault
90024 RequestBudgetExceededError
90033 MsodsServiceUnavailable
90012 RequestTimeout
90090 GraphRetryableError
50000 TokenIssuanceError
50033 RetryableError

[credential] check client id, tenant, user and password; one is empty or has odd characters
90014 MissingRequiredField: Entra finds the request malformed
900144
9002313 InvalidRequest

[credential] check the claim rules of the federation server
90020: federation server's token lacks the user's ImmutableID

[credential] give --tenant
90019 MissingTenantRealm: Entra cannot tell the tenant

[credential] set --cloud gcc-high or dod
900439 USGClientNotSupportedOnPublicEndpoint: sign-in belongs to the US Government cloud

[credential] set --cloud; it must be the tenant's own
90038 NationalCloudTenantRedirection: tenant belongs to another cloud
900382
900432

[throttled] run the checks less often
90055 TenantThrottlingError: Entra throttles this tenant

[credential] use an account of this tenant
90072 PassThroughUserMfaError: account is external and unknown in this tenant

[credential] give --tenant
9001023: this kind of sign-in needs a tenant by name
90124 V1ResourceV2GlobalEndpointNotSupported
90130 NonConvergedAppV2GlobalEndpointNotSupported

[credential] unset MSAL_FORCE_REGION
100007: app may not sign in by region
""",
    "AADSTS{code}",
)

#: OAuth error -> advice, for AADSTS numbers without a row: what the error says by its definition
#: (RFC 6749 5.2, OpenID Connect Core 3.1.2.6, Microsoft's page on error codes), and no more.
OAUTH = table("""
[credential] see Entra's sign-in log; run the check with -v for Entra's own text
invalid_client: Entra does not accept this client id or credential
unauthorized_client: this app registration may not sign in this way
invalid_grant: Entra refuses the sign-in for an unknown reason
access_denied

[credential] see Entra's sign-in log; nobody can answer it unattended
interaction_required: Entra wants a person's answer
login_required

[credential] grant admin consent in the portal
consent_required: consent to the app's permissions is missing

[credential] check --cloud; run the check with -v for Entra's own text
invalid_resource: Entra does not accept the resource that was asked for
invalid_scope: Entra does not accept the scope that was asked for

[protocol] run the check with --record, then report it
invalid_request: Entra does not accept the request
unsupported_grant_type

[server, again] if it lasts, {health}
temporarily_unavailable: Entra is temporarily unavailable
server_error: Entra reports an internal error
""")

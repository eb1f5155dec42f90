"""Sign-in by device code, and what refresh tokens are good for.

Sources: RFC 8628 3 and RFC 6749 6; Microsoft's page "OAuth 2.0 device authorization grant"; reference
sheet exchange-online 5.7, 6, 8.1.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from .directory import CHINA, GRAPH_TOOLS, MODULE
from .refusals import Refusal

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PAGE = "https://microsoft.com/devicelogin"
CLIENTS = {app.client_id: app for app in (GRAPH_TOOLS, MODULE)}


@dataclass
class _Flow:
    user_code: str
    client: str
    scope: str
    verdict: tuple
    after: int
    redeemed: bool = False


class Devices:
    """Codes that were asked for, and what becomes of them.

    `interval` and `expires_in` are what clients are told, in seconds; nothing here looks at a clock.
    `slow_down` of the next polls come too fast.
    """

    def __init__(self):
        self.interval, self.expires_in = 5, 900
        self.slow_down = 0
        self._verdict, self._after = ("pending",), 0
        self._flows = {}
        self._refresh = {}

    def decide(self, verdict, code=None, after=0):
        """What happens to the code of one sign-in, or to all and those to come: `("approve", user)`,
        `("decline",)`, `("expire",)` or `("pending",)`; `after` so many polls that were told to wait.
        Raises KeyError for an unknown code.
        """
        if code is None:
            self._verdict, self._after = verdict, after
        found = [flow for flow in self._flows.values() if code in (None, flow.user_code)]
        if code is not None and not found:
            raise KeyError(code)
        for flow in found:
            flow.verdict, flow.after = verdict, after

    def codes(self):
        """User codes that nobody has signed in with, oldest first."""
        return [flow.user_code for flow in self._flows.values() if not flow.redeemed]

    def begin(self, place, form):
        """The answer to a request for a code. Raises Refusal."""
        client, scope = form.get("client_id", ""), form.get("scope", "")
        if client == GRAPH_TOOLS.client_id and place.cloud == CHINA:
            raise Refusal(50059, "No tenant-identifying information found in the request.")
        if client not in CLIENTS:
            raise Refusal(700016, f"Application with identifier '{client}' was not found.")
        if not scope:
            text = "The request body must contain the following parameter: 'scope'."
            raise Refusal(900144, text)
        letters = "BCDFGHJKLMNPQRSTVWXYZ"
        user_code = "".join(secrets.choice(letters) for _ in range(9))
        device_code = secrets.token_urlsafe(48)
        flow = _Flow(user_code, client, scope, self._verdict, self._after)
        self._flows[device_code] = flow
        text = f"To sign in, use a web browser to open the page {PAGE} and enter the code "
        return {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": PAGE,
            "expires_in": self.expires_in,
            "interval": self.interval,
            "message": f"{text}{user_code} to authenticate.",
        }

    def redeem(self, form):
        """Who signed in with a code, and for which scope. Raises Refusal."""
        flow = self._flows.get(form.get("device_code", ""))
        if flow is None or flow.client != form.get("client_id"):
            text = "Invalid verification code due to User typing in wrong user code."
            raise Refusal(70018, text, "bad_verification_code")
        if self.slow_down:
            self.slow_down -= 1
            raise Refusal(70016, "The client polls too fast.", "slow_down")
        if flow.redeemed:
            raise Refusal(54005, "OAuth2 Authorization code was already redeemed.")
        if flow.after or flow.verdict == ("pending",):
            flow.after = max(flow.after - 1, 0)
            text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
            raise Refusal(70016, text, "authorization_pending")
        if flow.verdict == ("expire",):
            text = "The provided value for the input parameter 'device_code' is not valid. This "
            raise Refusal(70020, text + "code has expired.", "expired_token")
        if flow.verdict == ("decline",):
            raise Refusal(65004, "User declined to consent.", "authorization_declined")
        flow.redeemed = True
        return flow.verdict[1], flow.scope

    def remember(self, client, user, scope):
        """A refresh token."""
        token = f"1.{secrets.token_urlsafe(48)}"
        self._refresh[token] = (client, user, scope)
        return token

    def refresh(self, form):
        """Whose a refresh token is, and the scope asked for or else that of the first token. Raises
        Refusal.
        """
        found = self._refresh.get(form.get("refresh_token", ""))
        if found is None or found[0] != form.get("client_id"):
            raise Refusal(70000, "Provided grant is invalid or malformed.")
        return found[1], form.get("scope") or found[2]

    def revoke(self):
        """Forget all refresh tokens."""
        self._refresh.clear()

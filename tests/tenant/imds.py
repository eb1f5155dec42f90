"""The instance metadata service (IMDS) of an Azure machine: tokens of managed identities, by plain HTTP.

Source: Microsoft's documentation of IMDS (security, Metadata header, proxies) and of managed identities
(how to use a VM token: request, response, error handling).
"""

from __future__ import annotations

import http.server
import json
import socket
import sys
import time
import traceback
import urllib.parse

from .directory import HOME, MANAGED_IDS
from .handler import JSON, Handler

PATH = "/metadata/identity/oauth2/token"
API_VERSION = "2018-02-01"


class Refused(Exception):
    """One of IMDS's errors: status, `error`, `error_description`."""

    def __init__(self, status, error, text):
        super().__init__(text)
        self.status, self.document = status, {"error": error, "error_description": text}


def token(tenant, path, query, headers):
    """The document with a token. Raises Refused."""
    if headers.get("Metadata", "").lower() != "true":
        raise Refused(400, "invalid_request", "Required metadata header not specified")
    if "X-Forwarded-For" in headers:
        raise Refused(400, "invalid_request", "Required request header X-Forwarded-For not allowed")
    if path != PATH:
        raise Refused(404, "not_found", "The requested resource was not found")
    asked = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
    if asked.get("api-version") != API_VERSION:
        text = "api-version is invalid or was not specified in the request."
        raise Refused(400, "bad_request_102", text)
    others = {"object_id", "mi_res_id", "msi_res_id"} & set(asked)
    client = asked.get("client_id", MANAGED_IDS["system"])
    if client not in MANAGED_IDS.values() or others or not tenant.imds_identity:
        raise Refused(400, "invalid_request", "Identity not found")
    resource = asked.get("resource", "")
    if not HOME.cloud.service(resource.rstrip("/")):
        text = f"AADSTS500011: The resource principal named {resource} was not found in the tenant."
        raise Refused(400, "invalid_resource", text)
    now, lifetime = int(time.time()), tenant.entra.token_lifetime
    return {
        "access_token": tenant.entra.issue(client, HOME, resource),
        "client_id": client,
        "expires_in": str(lifetime),
        "expires_on": str(now + lifetime),
        "ext_expires_in": str(lifetime),
        "not_before": str(now),
        "resource": resource,
        "token_type": "Bearer",
    }


class _Handler(Handler):
    def serve(self, raw):
        """One request."""
        tenant = self.server.tenant
        path = self.note(raw)
        # A proxy would be spoken to with the whole URL.
        direct = path.startswith("/")
        if self.command == "GET" and path == PATH:
            tenant.count("token_requests")
        if self.spoiled(tenant.faults.take("imds")):
            return
        try:
            if self.command != "GET":
                raise Refused(405, "method_not_allowed", "Method Not Allowed")
            if not direct:
                raise Refused(400, "invalid_request", "The request came through a proxy")
            query = self.path.partition("?")[2]
            status, document = 200, token(tenant, path, query, self.headers)
        except Refused as refused:
            status, document = refused.status, refused.document
        self.answer(status, JSON, json.dumps(document).encode())


class Server(http.server.ThreadingHTTPServer):
    """The listener."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tenant, address, stopping):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.tenant, self.stopping = tenant, stopping
        super().__init__((address, 0), _Handler)

    def handle_error(self, request, client_address):
        """A client that went away is no error here; what else goes wrong is kept for tests."""
        if not isinstance(sys.exc_info()[1], OSError):
            self.tenant.crashes.append(traceback.format_exc())

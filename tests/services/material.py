"""What tests of services share: an answer of a server."""

from __future__ import annotations

from check_mapi_connectivity.network.answer import Answer, Headers


def make_answer(status=200, body=b"", decoded=True, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        "https://host.example/x",
        "host.example",
        status,
        "",
        Headers(named),
        body,
        decoded,
        tuple(named.items()),
    )

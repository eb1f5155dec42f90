"""The switchboard over HTTP: what `PUT /switch/...` and `DELETE /switch` do."""

from __future__ import annotations

from .administration import ROLES

TEXT = {"Content-Type": "text/plain"}


def throw(tenant, command, parts):
    """`PUT /switch/PLACE/FAULT[/TIMES[/MAILBOX]]`, `PUT /switch/approve/CODE[/ROLE]...`,
    `PUT /switch/late/KIND/REQUESTS`, `DELETE /switch`. Status, headers, body.
    """
    try:
        if command == "DELETE":
            tenant.faults.off()
        elif parts[0] == "approve":
            tenant.admin.approve(roles=parts[2:] or (*ROLES,)[:1], code=parts[1])
        elif parts[0] == "late":
            tenant.admin.replication.delay(parts[1], int(parts[2]))
        else:
            # A handshake that always fails would bar the way to this switch.
            times = 1 if parts[0] == "tls" else -1
            times = int(parts[2]) if len(parts) > 2 else times
            if parts[0] == "tls" and times < 0:
                raise ValueError(times)
            tenant.faults.on(parts[0], parts[1], times, *parts[3:])
    except (KeyError, IndexError, ValueError, TypeError):
        return 404, TEXT, b"no such fault\n"
    return 200, TEXT, b"switched\n"

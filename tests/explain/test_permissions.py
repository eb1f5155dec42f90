"""Names in the commands that grant permissions."""

from __future__ import annotations

from check_mapi_connectivity.explain import permissions


def test_quoted():
    """PowerShell takes these five for a single quote; nothing else is special within them."""
    assert permissions.quoted("a'b\u2018\u2019\u201a\u201bc") == (
        "'a''b\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201bc'"
    )
    assert permissions.quoted('$x`"') == "'$x`\"'"

"""MAPI over HTTP as bytes: knows no socket, no clock and no option (design decision 6)."""

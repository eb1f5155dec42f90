"""Tests of the bytes of MAPI over HTTP. Vectors and recordings come from `tests/vectors`."""

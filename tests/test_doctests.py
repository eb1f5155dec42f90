"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _modules():
    """Names of the modules whose docstrings hold examples."""
    files = [
        path
        for room in ("check_mapi_connectivity", "generate")
        for path in (ROOT / room).rglob("*.py")
    ]
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if ">>> " in path.read_text(encoding="utf-8")
    )


@pytest.mark.cases(100)
@pytest.mark.parametrize("name", _modules())
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted and not result.failed

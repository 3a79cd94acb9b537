"""Each promise names the tests that hold it, and these tests are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text()
_NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")
LINES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what is ")]


@cache
def found_in(file: str) -> frozenset[str]:
    """The tests of a file below `tests`."""
    tree = ast.parse((ROOT / "tests" / file).read_text())
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))


def test_each_promise_has_a_test_that_is_there() -> None:
    assert len(LINES) > 40
    for line in LINES:
        promise, _right, tests, _also = (part.strip() for part in line.strip("|").split("|"))
        assert _NAMED.findall(tests), f"no test holds: {promise}"
    named = set(_NAMED.findall(PAGE))
    assert len(named) > 100
    assert [f"{file}::{name}" for file, name in sorted(named) if name not in found_in(file)] == []


def test_whatever_looks_like_a_test_is_written_as_one() -> None:
    """A name with a mistake in its form would not be looked for."""
    assert PAGE.count("::") == len(_NAMED.findall(PAGE))

"""The page of journeys names a test for every role, and the tests are there for a phone and for a desk."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROLES = [
    "resident",
    "head of building",
    "grid worker",
    "community worker",
    "community secretary",
    "street department",
    "branch secretary",
    "board chair",
    "accountant",
    "cashier",
    "signer",
    "volunteer",
    "team leader",
    "unit",
    "operator",
    "auditor",
    "visitor",
]
_ROW = re.compile(r"^\| ([a-z ]+) \| `(tests/e2e/[a-z_]+\.py)::(test_[a-z_]+)` \|$", re.MULTILINE)


def test_every_role_has_a_journey_on_a_phone_and_at_a_desk() -> None:
    """Each is a test that is there, runs for both readers, and names the role where several share it."""
    rows = _ROW.findall((ROOT / "docs" / "journeys.md").read_text())
    assert set(ROLES) <= {role for role, _file, _name in rows}
    for role, file, name in rows:
        tests = {one.name: one for one in ast.parse((ROOT / file).read_text()).body if isinstance(one, ast.FunctionDef)}
        assert name in tests, f"{role}: there is no {file}::{name}"
        run = [ast.unparse(one) for one in tests[name].decorator_list]
        assert "pytest.mark.parametrize('width, locale', READERS)" in run, f"{role}: {name} is not for both readers"
        said = (ast.get_docstring(tests[name]) or "").replace("'s", "").lower()
        words = role.split() if [one for one in rows if one[2] == name] != [(role, file, name)] else []
        assert all(word in said for word in words), f"{role}: {name} does not say that it is theirs"

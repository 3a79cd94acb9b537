"""Domain specs stay quick: they decide, and start no service; what does has a folder of its own."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What takes a second to import or to start; `services.x.service` and `shared.service` but for its settings.
_SLOW = ("tests.kit.desk", "tests.kit.town", "tests.kit.machine", "hypothesis", "eventlet", "nameko", "flask")


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def _slow(name: str) -> bool:
    service = name.startswith("shared.service.") and not name.startswith("shared.service.settings.")
    return service or ".service." in name.partition("services.")[2] or name.startswith(_SLOW)


def test_domain_specs_start_no_service() -> None:
    """A spec that needs a desk goes into `tests/desk/SERVICE`, one that tries many inputs into `tests/properties`."""
    files = {path.relative_to(ROOT).as_posix(): _imported(path) for path in (ROOT / "domain").rglob("*.py")}
    assert {name: found for name, names in files.items() if (found := sorted(filter(_slow, names)))} == {}
    assert any(map(_slow, _imported(ROOT / "desk" / "test_entrypoints.py"))), "the others do"

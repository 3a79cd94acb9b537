"""No pattern of the program takes longer than in proportion to its text: whoever chooses the text would stop a process with it."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]  # how the library itself reads a pattern
from typing import Any

import pytest

from services.gateway.contracts import DEFINITIONS
from shared.domain.fields import Kind, Pattern
from shared.domain.structures import Many, Pairs

ROOT = Path(__file__).resolve().parents[2]
#: Characters of a text that is tried, and seconds after which it is tried at twice the length.
LONG, SUSPECT = 2_000, 0.008
#: Where a pattern stands, the pattern, its flags, and whether it is sought anywhere in a text.
Tried = tuple[str, str | bytes, int, bool]
_REPRESENTING = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_DIGIT": "a"}


def _written() -> Iterator[Tried]:
    """Each pattern that stands in the code, with its flags and whether it is sought anywhere in a text."""
    for path in sorted(path for top in ("services", "shared", "deploy") for path in (ROOT / top).rglob("*.py")):
        text = path.read_text()
        tree = ast.parse(text)
        names = {
            id(node.value): str(getattr(node.targets[0], "id", ""))
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first, of = node.args[0], node.func.value
            name = names.get(id(node), "")
            if isinstance(first, ast.JoinedStr) and name and node.func.attr == "compile":  # put together of others
                made = getattr(import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)), name)
                first = ast.Constant(made.pattern)
            if isinstance(of, ast.Name) and of.id == "re" and isinstance(first, ast.Constant):
                flags = sum(
                    getattr(re, name.attr)
                    for more in node.args[1:]
                    for name in ast.walk(more)
                    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) and name.value.id == "re"
                )
                used = {node.func.attr}
                if node.func.attr == "compile" and name:
                    used = set(re.findall(rf"\b{name}\.(\w+)\(", text)) or {"sub"}
                yield (
                    f"{path.relative_to(ROOT)}:{node.lineno}",
                    first.value,
                    int(flags),
                    used - {"fullmatch", "match"} != set(),
                )


def _declared() -> Iterator[Tried]:
    """Each pattern of a declared field."""
    found: dict[str, str] = {}

    def collect(kind: Kind, name: str) -> None:
        match kind:
            case Pattern():
                found.setdefault(kind.pattern, name)
            case Many():
                collect(kind.kind, name)
            case Pairs():
                collect(kind.keys, name)
                collect(kind.values, name)

    for definition in DEFINITIONS.values():
        for command in definition.commands.values():
            for field in command.fields:
                collect(field.kind, f"{definition.name}.{command.name}.{field.name}")
    for pattern, name in found.items():
        yield name, pattern, 0, False


def _characters(parsed: Any) -> set[str]:
    """Characters that mean something to a pattern, one for each range and class."""
    found: set[str] = set()
    for op, value in parsed:
        if op in (_constants.LITERAL, _constants.NOT_LITERAL):
            found.add(chr(value))
        elif op is _constants.RANGE:
            found.add(chr(value[0]))
        elif op is _constants.CATEGORY:
            found.add(_REPRESENTING.get(str(value), "a"))
        elif op is _constants.IN:
            found |= _characters(value)
        elif op is _constants.BRANCH:
            for branch in value[1]:
                found |= _characters(branch)
        elif isinstance(value, tuple | list):
            for part in value:
                if isinstance(part, _parser.SubPattern):
                    found |= _characters(part)
        elif isinstance(value, _parser.SubPattern):
            found |= _characters(value)
    return found


def _seconds(pattern: re.Pattern[Any], text: Any, anywhere: bool) -> float:
    begun = time.perf_counter()
    if anywhere:
        for _ in pattern.finditer(text):
            pass
    pattern.fullmatch(text)
    return time.perf_counter() - begun


def slow(source: str | bytes, flags: int, anywhere: bool) -> str:
    """A text that takes more than in proportion, shortened; "" when none of those that are tried does."""
    pattern = re.compile(source, flags)
    known = _characters(_parser.parse(source, flags))
    letters = sorted({one for one in known if one.isascii()} - {"\n"})[:8]
    letters += [one for one in ('"', "\\", "a", "1", " ") if one not in letters]
    pumps = [*letters, *("".join(pair) for pair in product(letters[:8], repeat=2))]
    for head, pump, tail in product(("", *letters), pumps, ("", "\x00")):

        def text(times: int, parts: tuple[str, str, str] = (head, pump, tail)) -> Any:
            whole = parts[0] + parts[1] * (times // len(parts[1])) + parts[2]
            return whole.encode() if isinstance(source, bytes) else whole

        if _seconds(pattern, text(LONG), anywhere) < SUSPECT:
            continue
        once, twice = (min(_seconds(pattern, text(LONG * by), anywhere) for _ in range(5)) for by in (1, 2))
        if once > SUSPECT / 2 and twice > 2.8 * once:
            return f"{head!r} + {pump!r} × n + {tail!r}"
    return ""


#: Those that read what only whoever runs the city wrote: files of scenarios.
OURS = {r"\$\{([^}]*)\}", r"-?(?:0|[1-9][0-9]*)$"}


def test_slow_ones_are_recognised() -> None:
    assert slow(rb'"(?:[^"\\]|\\.)*"', re.DOTALL, True)
    assert slow(r"\s+$", 0, True) and not slow(r"\s+$", 0, False)
    assert not slow(r"[a-z]{1,40}", 0, True)


@pytest.mark.timeout(300)
def test_no_pattern_takes_longer_than_in_proportion() -> None:
    tried = [*_written(), *_declared()]
    assert len(tried) > 60
    found = {
        where: told
        for where, source, flags, anywhere in tried
        if source not in OURS and (told := slow(source, flags, anywhere))
    }
    assert found == {}

"""Paths into answers: `by_level.street`, `rows.0.issue_id`, `measures[measure=area].value`, `rows.#` for how many, `.` for all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SEGMENT = re.compile(r"([A-Za-z0-9_-]+|#)(?:\[([a-z_]+)=([^\]]{1,80})\])?")
#: The path of the whole answer.
WHOLE = "."
PATH = re.compile(rf"\.|(?:{_SEGMENT.pattern})(?:\.(?:{_SEGMENT.pattern}))*")


class Missing:
    """The type of `MISSING`, which `find` returns when the answer has no such path; it equals only itself."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


def find(answer: Any, path: str) -> Any:
    """Return the value at a path of an answer, or `MISSING`."""
    for segment in _SEGMENT.finditer(path):
        name, field, value = segment.groups()
        answer = _part(answer, name)
        if field is not None:
            rows = answer if isinstance(answer, list) else []
            answer = next((row for row in rows if isinstance(row, Mapping) and str(row.get(field)) == value), MISSING)
        if answer is MISSING:
            break
    return answer


def _part(answer: Any, name: str) -> Any:
    if name == "#":
        return len(answer) if isinstance(answer, list | Mapping) else MISSING
    if isinstance(answer, Mapping):
        return answer.get(name, MISSING)
    if isinstance(answer, list) and name.isdecimal() and int(name) < len(answer):
        return answer[int(name)]
    return MISSING


def holds(found: Any, expected: Any) -> bool:
    """Whether an answer is as expected: the same value, or for a mapping the same values of the expected keys."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and holds(found[name], value) for name, value in expected.items()
        )
    return type(found) is type(expected) and bool(found == expected)

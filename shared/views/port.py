"""What a view is, and the small port that every view store implements."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Protocol

from shared.domain.errors import BadInputError, UnavailableError
from shared.domain.view import Row, Rows, View, Where, sortable

#: Changes to write: `(view, key)` to the new row, or None to remove it.
Changes = Mapping[tuple[str, str], Row | None]
#: Follower name to (position expected, new position).
Checkpoints = Mapping[str, tuple[int, int]]

OPERATORS = ("lt", "lte", "gt", "gte", "under")
LARGEST_PAGE = 500


class OvertakenError(UnavailableError):
    """Another process put rows in the place of ours that were folded with views which this program does not have.

    What was read before can be read a while longer; nothing is followed any more.
    """


def shape_of(views: Iterable[View]) -> int:
    """A fingerprint of the views that have a source: rows that were folded with others are to be folded anew."""
    shapes = "\n".join(sorted(view.shape for view in views if view.source))
    return int.from_bytes(sha256(shapes.encode()).digest()[:6])  # an integer that every store can hold


class ViewStore(Rows, Protocol):
    """Where rows lie. Adapters: SQLite, MongoDB; one contract suite runs over both."""

    def save(self, changes: Changes, checkpoints: Checkpoints | None = None) -> None:
        """Write rows and move checkpoints, all or nothing.

        Raises `ConcurrencyError` when a checkpoint is not where it was expected: somebody else applies the same facts.
        """

    def folded_alike(self) -> bool:
        """Whether the rows that have a source were folded with the views that this store was opened with."""

    def pinned(self) -> ViewStore:
        """The same rows to fold facts on: if another process puts a second generation in their place, `save` raises `ConcurrencyError`.

        Where one process alone opens the views, whoever folds and whoever promotes keep out of each other's way themselves.
        """

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease; False while somebody else holds it. For 0 seconds: give it back."""

    def fresh(self) -> ViewStore:
        """An empty second generation of all views that have a source, with its own checkpoints, built while reads of the first go on."""

    def promote(self) -> None:
        """Let the second generation take the place of the first, at once.

        Raises `ConcurrencyError` when a follower of the first one is ahead of it: a fact is never applied a second time.
        """

    def close(self) -> None:
        """Let go of files and connections."""


def encode_cursor(order: str, value: Any, key: str) -> str:
    """An opaque cursor that continues behind a row."""
    return base64.urlsafe_b64encode(json.dumps([order, value, key]).encode()).decode()


def decode_cursor(cursor: str, order: str) -> tuple[Any, str]:
    """The value and key in a cursor; raises `BadInputError` when it is not a cursor of this order."""
    try:
        found, value, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if found == order and sortable(value) and isinstance(key, str) and sortable(key):
            return value, key
    except (ValueError, TypeError):
        pass
    raise BadInputError("the cursor does not belong to this list", {"cursor": "start again without a cursor"})


def parse_where(view: View, where: Where | None) -> list[tuple[str, str, Any]]:
    """Filters as (field, operator, value); raises `BadInputError` for a field or value that cannot be filtered by."""
    parsed: list[tuple[str, str, Any]] = []
    for name, value in (where or {}).items():
        field, _, operator = name.partition("__")
        values = value if isinstance(value, list | tuple) else [value]
        if field not in view.fields or (operator and operator not in OPERATORS):
            raise BadInputError(
                f"{view.name} cannot be filtered by {name!r}", {name: f"known: {', '.join(sorted(view.fields))}"}
            )
        if not all(sortable(part) for part in values) or (operator and values != [value]):
            raise BadInputError(f"{name!r} must be text or an integer", {name: "text or integer"})
        parsed.append(
            (field, operator or ("in" if values != [value] else "eq"), values if values != [value] else value)
        )
    return parsed


def parse_order(view: View, order: str) -> tuple[str, bool]:
    """The field to sort by and whether descending; raises `BadInputError` for a field that is not indexed."""
    field = order.removeprefix("-")
    if field != "key" and field not in view.fields:
        raise BadInputError(
            f"{view.name} cannot be sorted by {field!r}", {"order": f"known: key, {', '.join(sorted(view.fields))}"}
        )
    return field, order.startswith("-")


def check_limit(limit: int) -> None:
    """Raise `BadInputError` for a page size outside 1 to `LARGEST_PAGE`."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadInputError("the page size is out of range", {"limit": f"1 to {LARGEST_PAGE}"})

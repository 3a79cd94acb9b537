"""What a view is, and the small port that every view store implements."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from shared.errors import BadInputError
from shared.log import Record

Row = dict[str, Any]
#: Changes to write: `(view, key)` to the new row, or None to remove it.
Changes = Mapping[tuple[str, str], Row | None]
#: Follower name to (position expected, new position).
Checkpoints = Mapping[str, tuple[int, int]]
Where = Mapping[str, Any]

OPERATORS = ("lt", "lte", "gt", "gte", "under")
LARGEST_PAGE = 500


@dataclass(frozen=True)
class View:
    """A read model: which rows an event touches and what it makes of each.

    A view is fed by exactly one service's facts, so that its rows do not depend on how logs interleave and a replay gives the same
    bytes. `fold(row, event, record)` gets `{}` for a new row and returns the row, or None to remove it. Own events arrive as
    their class, those of other services as plain mappings. Rows can be filtered and sorted by indexed fields only; a row must
    have them all, as text or integer. An index of several fields serves filters on its first ones. A view without a source holds
    state of its own that no replay can make again (accounts, parked facts).
    """

    name: str
    source: str
    key: Callable[[Any, Record], str | Iterable[str] | None]
    fold: Callable[[Row, Any, Record], Row | None]
    indexes: tuple[str | tuple[str, ...], ...] = ()

    def keys(self, event: Any, record: Record) -> Iterable[str]:
        """The keys of the rows that an event touches."""
        key = self.key(event, record)
        return () if key is None else (key,) if isinstance(key, str) else key

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields that may be filtered and sorted by."""
        return frozenset(field for index in self.indexes for field in ((index,) if isinstance(index, str) else index))

    def check(self, row: Row) -> None:
        """Raise `TypeError` when a row lacks an indexed field."""
        for field in self.fields:
            if not sortable(row.get(field)):
                raise TypeError(f"view {self.name}: field {field!r} must be text or integer, not {row.get(field)!r}")


def sortable(value: Any) -> bool:
    """Whether every store can compare a value: an integer of 64 bits, or text that is valid Unicode without NUL."""
    if type(value) is int:
        return -(1 << 63) <= value < 1 << 63
    return isinstance(value, str) and "\0" not in value and (value.isascii() or _is_unicode(value))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def by(field: str) -> Callable[[Any, Record], str | None]:
    """The key of a view whose rows are named by one field of the event; events without it are passed over."""

    def key(event: Any, record: Record) -> str | None:
        return event.get(field) if isinstance(event, Mapping) else getattr(event, field, None)

    return key


@dataclass(frozen=True)
class Page:
    """Some rows in order, and the cursor of the next page (None: this is the last)."""

    rows: Sequence[Row]
    next: str | None


class ViewStore(Protocol):
    """Where rows lie. Adapters: SQLite, MongoDB; one contract suite runs over both.

    `where` maps an indexed field to a value, a list of values, or with a suffix `__lt`, `__lte`, `__gt`, `__gte`, `__under` (a
    place and everything below it) to a bound. Rows come back with their `key`.
    """

    def get(self, view: str, key: str) -> Row | None:
        """One row."""

    def get_many(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        """Those of the rows that there are, by key, with one question to the store."""

    def find(
        self, view: str, where: Where | None = None, order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Rows in the order of a field (`-field`: descending), ties by key. Raises `BadInputError` for an unknown field."""

    def count(self, view: str, where: Where | None = None) -> int:
        """How many rows there are."""

    def count_by(self, view: str, field: str, where: Where | None = None) -> dict[Any, int]:
        """How many rows there are for each value of a field."""

    def checkpoint(self, follower: str) -> int:
        """The position up to which a follower has applied its source (0: nothing)."""

    def save(self, changes: Changes, checkpoints: Checkpoints | None = None) -> None:
        """Write rows and move checkpoints, all or nothing.

        Raises `ConcurrencyError` when a checkpoint is not where it was expected: somebody else applies the same facts.
        """

    def pinned(self) -> ViewStore:
        """The same rows to fold facts on: if another process puts a second generation in their place, `save` raises `ConcurrencyError`.

        Where one process alone opens the views, whoever folds and whoever promotes keep out of each other's way themselves.
        """

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease; False while somebody else holds it. For 0 seconds: give it back."""

    def fresh(self) -> ViewStore:
        """An empty second generation of all views that have a source, with its own checkpoints, built while reads of the first go on."""

    def promote(self) -> None:
        """Let the second generation take the place of the first, at once."""

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

"""The port that every view store implements, with its filters and cursors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import msgspec

from shared.domain.errors import BadInputError, CorruptionError, UnavailableError
from shared.domain.view import Row, Rows, View, Where, sortable

#: Changes to write: `(view, key)` to the new row, None to remove it.
Changes = Mapping[tuple[str, str], Row | None]
#: Follower name to (expected position, new position), and the digest of the commit there if it is to be kept.
Checkpoints = Mapping[str, tuple[int, int] | tuple[int, int, str]]

OPERATORS = ("lt", "lte", "gt", "gte", "under")
LARGEST_PAGE = 500


class Mark(NamedTuple):
    """What a store knows of the log that a follower follows: how far it reaches at least, and the digest of the commit at a position.

    `digest` is "" when none was kept; `digest_at` may be before `position`.
    """

    position: int
    digest_at: int = 0
    digest: str = ""


class OvertakenError(UnavailableError):
    """Another version of the program has rebuilt the views: this process can read its former rows for a while and follows nothing."""


def shape_of(views: Iterable[View]) -> int:
    """Return a fingerprint of the views with a source; rows folded with other views must be rebuilt."""
    shapes = "\n".join(sorted(view.shape for view in views if view.source))
    return int.from_bytes(sha256(shapes.encode()).digest()[:6])  # an integer that every store can hold


class ViewStore(Rows, Protocol):
    """Where rows lie. Adapters: SQLite, MongoDB; one contract suite runs over both."""

    def save(self, changes: Changes, checkpoints: Checkpoints | None = None) -> None:
        """Write rows and move checkpoints in one transaction, each with the digest of the commit that it stands at, if given.

        Raises `ConcurrencyError` when a checkpoint has another position: another process applies the same facts.
        """

    def check_shape(self) -> None:
        """Raise `CorruptionError` when what rows are found by does not belong to them, or the store is damaged."""

    def marks(self) -> dict[str, Mark]:
        """Return every checkpoint of the current rows by follower, with the digest that was kept last."""

    def folded_alike(self) -> bool:
        """Return whether the current rows were folded with the views that this store was opened with."""

    def pinned(self) -> ViewStore:
        """Return this store for folding: its `save` raises `ConcurrencyError` after another process promoted a second generation.

        Where only one process opens the views, it coordinates folding and promotion itself.
        """

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease; False while another holder has it. 0 seconds return it."""

    def fresh(self) -> ViewStore:
        """Return an empty second generation of all views with a source; it has its own checkpoints, and reads of the first continue."""

    def promote(self) -> None:
        """Replace the first generation by the second, at once.

        Raises `ConcurrencyError` when a follower of the first generation is ahead of the second: no fact is applied twice.
        """

    def close(self) -> None:
        """Close files and connections."""


_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read_row(key: str, text: str) -> Row:
    """Return a stored row; raises `CorruptionError` when its text is no row."""
    try:
        return {"key": key, **_decode(text)}
    except (msgspec.DecodeError, UnicodeError) as error:
        raise CorruptionError(f"the row {key!r} of a list cannot be read: {error}") from error


def encode_cursor(order: str, value: Any, key: str) -> str:
    """Return an opaque cursor that continues after a row."""
    return base64.urlsafe_b64encode(json.dumps([order, value, key]).encode()).decode()


def decode_cursor(cursor: str, order: str) -> tuple[Any, str]:
    """Return the value and key of a cursor; raises `BadInputError` when it is not a cursor of this order."""
    try:
        found, value, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if found == order and sortable(value) and isinstance(key, str) and sortable(key):
            return value, key
    except (ValueError, TypeError):
        pass
    raise BadInputError("the cursor does not belong to this list", {"cursor": "start again without a cursor"})


def parse_where(view: View, where: Where | None) -> list[tuple[str, str, Any]]:
    """Return filters as (field, operator, value); raises `BadInputError` for a field or value that cannot be used."""
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


def fits(view: View, row: Row, where: Where | None) -> bool:
    """Return whether a row is one of those that filters leave; raises `BadInputError` as `parse_where` does."""
    return all(_holds(row[field], operator, value) for field, operator, value in parse_where(view, where))


def _holds(found: Any, operator: str, value: Any) -> bool:
    match operator:
        case "in":
            return found in value
        case "under":
            return bool(found == value or str(found).startswith(f"{value}."))
        case "eq":
            return bool(found == value)
        case "lt":
            return bool(found < value)
        case "lte":
            return bool(found <= value)
        case "gt":
            return bool(found > value)
    return bool(found >= value)


def parse_order(view: View, order: str) -> tuple[str, bool]:
    """Return the field to sort by and whether descending; raises `BadInputError` for a field without an index."""
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

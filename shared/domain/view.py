"""What a view is: rows folded from facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shared.domain.record import Record

Row = dict[str, Any]


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

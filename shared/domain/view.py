"""Read models: rows folded from facts, rows that are states, sums over rows.

A view is fed by exactly one service's facts, so that its rows do not depend on how logs interleave and a replay gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import msgspec

from shared.domain.decider import Decider
from shared.domain.moments import late_entries
from shared.domain.record import Record
from shared.domain.territory import EVERYWHERE, lineage

Row = dict[str, Any]
#: Filters of rows: see `Rows.find`.
Where = Mapping[str, Any]
#: The source of a view of the service's own facts; the definition puts the service's name in its place.
OWN = "own"


@dataclass(frozen=True)
class View:
    """Which rows a fact touches and what it makes of each.

    `key(event, record)` names the rows; `fold(row, event, record, key)` gets `{}` for a new row and returns the row, or None to remove
    it. Own events arrive as their class, those of other services as plain mappings. Rows can be filtered and sorted by indexed fields
    only; a row must have them all, as text or integer. An index of several fields serves filters on its first ones. A view without a
    source holds state of its own that no replay can make again (accounts, parked facts).

    `folding` is raised by hand whenever `key` or `fold` may give another result, so that rows of older code are folded anew; `states` is
    what rows that are states depend on besides. Rows that are `kept` lie apart from views where the store can, and those that are only
    `appended` are never changed or removed: a second row of the same key is refused.
    """

    name: str
    source: str
    key: Callable[[Any, Record], str | Iterable[str] | None]
    fold: Callable[..., Row | None]
    indexes: tuple[str | tuple[str, ...], ...] = ()
    folding: int = field(default=1, kw_only=True)
    states: str = field(default="", kw_only=True)
    kept: bool = field(default=False, kw_only=True)
    appended: bool = field(default=False, kw_only=True)

    @classmethod
    def of(
        cls,
        decider: Decider[Any],
        name: str,
        indexes: tuple[str | tuple[str, ...], ...] = (),
        more: Callable[[Row, Any, Any, Record], Row] | None = None,
        folding: int = 1,
    ) -> View:
        """One row a thing: its state, field by field, its late entries, and what `more(row before, state, event, record)` adds.

        `late` counts the facts that were recorded a day or more after they happened, `late_entries` has both times of the last fact of
        each kind that was. The key is the id of the thing, which stands in the field that commands name it by (`issue_id`). What `more`
        adds must not have the name of a field of the state.
        """
        fields = frozenset(decider.state.__struct_fields__)
        facts = tuple(decider.codec.events.values())
        prefix = decider.category + "-"

        def key(event: Any, record: Record) -> str | None:
            stream = record.stream
            return stream.removeprefix(prefix) if stream.startswith(prefix) and isinstance(event, facts) else None

        def fold(row: Row, event: Any, record: Record, key: str) -> Row:
            before = state_of(decider, row, fields) if row else decider.initial(key)
            state = decider.evolve(before, event)
            made: Row = msgspec.to_builtins(state, order="deterministic")
            made[decider.id_field] = made.pop("id")
            made |= late_entries(row, record)
            return made | more(row, state, event, record) if more else made

        states = f"{decider.category} {decider.shape}, late entries: {' '.join(sorted(fields))}"
        return cls(name, OWN, key, fold, indexes, folding=folding, states=states)

    def owned_by(self, service: str) -> View:
        """The same view with the service's name as its source, if it is one of its own facts."""
        return replace(self, source=service) if self.source == OWN else self

    def keys(self, event: Any, record: Record) -> Iterable[str]:
        """The keys of the rows that an event touches."""
        key = self.key(event, record)
        return () if key is None else (key,) if isinstance(key, str) else key

    @property
    def shape(self) -> str:
        """What rows must have been folded with to be used."""
        return f"{self.name} of {self.source} by {self.indexes}, {self.folding}, {self.states}"

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields that may be filtered and sorted by."""
        return frozenset(field for index in self.indexes for field in ((index,) if isinstance(index, str) else index))

    def check(self, row: Row) -> None:
        """Raise `TypeError` when a row lacks an indexed field."""
        for name in self.fields:
            if not sortable(row.get(name)):
                raise TypeError(f"view {self.name}: field {name!r} must be text or integer, not {row.get(name)!r}")


def state_of(decider: Decider[Any], row: Row, fields: frozenset[str] | None = None) -> Any:
    """The state that a row of `View.of` shows."""
    names = fields or frozenset(decider.state.__struct_fields__)
    shown = {name: value for name, value in row.items() if name in names}
    return msgspec.convert(shown | {"id": row[decider.id_field]}, decider.state)


#: What a row counts for: a figure to a number, or to numbers by code.
Counts = Mapping[str, int | Mapping[str, int]]


def known(category: str, source: str, *facts: str) -> View:
    """The things of another service that there are, so that what names one of them is refused when there is none: `known_issue`.

    `facts` are those that make one.
    """

    def key(event: Any, record: Record) -> str | None:
        return str(event[f"{category}_id"]) if record.type in facts else None

    def fold(row: Row, event: Any, record: Record, key: str) -> Row:
        return {"place": record.place}

    return View(f"known_{category}", source, key, fold)


@dataclass(frozen=True)
class Tally(View):
    """Sums over the rows of another view: what each row counts for, at its place, at all places above it and everywhere.

    When a row changes, the difference between what it counted for before and after moves the sums. So figures that count rows by a
    code are partitions by construction (X03): their sum is the number of rows. A figure that is 0 is left out, and so are sums without
    any figure.

    `at(row)` gives other keys to count a row under (a place and a person), and `labels(key)` what rows of such keys can be found by.
    `day` is the field of the rows that says when each began to count, so that those of a period can be summed apart.
    """

    counting: str = ""
    day: str = ""
    counts: Callable[[Row], Counts] = lambda row: {}
    at: Callable[[Row], tuple[str, ...]] = lambda row: ()
    labels: Callable[[str], Row] = lambda key: {}

    @property
    def shape(self) -> str:
        """What sums must have been folded with to be used."""
        return f"{super().shape}, counting {self.counting}"

    def moves(self, before: Row | None, after: Row | None) -> dict[str, Counts]:
        """By how much each sum moves, by its key, when a row changes; nothing when it counts for what it did."""
        was, now = self.counts(before) if before else {}, self.counts(after) if after else {}
        at, to = self.at(before) if before else (), self.at(after) if after else ()
        moved = _difference(was, now)
        if at == to:
            return dict.fromkeys(at, moved) if moved else {}
        left, come = _difference(was, {}), _difference({}, now)
        by = {key: moved if key in to else left for key in at} | {key: come for key in to if key not in at}
        return {key: change for key, change in by.items() if change}

    def move(self, key: str, sums: Row | None, by: Counts) -> Row | None:
        """The sums under a key after they moved; None when nothing is left."""
        figures = dict(sums or {})
        for name, change in by.items():
            if isinstance(change, int):
                figures[name] = figures.get(name, 0) + change
            else:
                codes = figures.get(name, {})
                moved = codes | {code: codes.get(code, 0) + count for code, count in change.items()}
                figures[name] = {code: count for code, count in moved.items() if count}
            if not figures[name]:
                del figures[name]
        labels = self.labels(key)
        return figures | labels if figures.keys() - labels.keys() else None


def _difference(was: Counts, now: Counts) -> Counts:
    """By how much each figure moves; those that stay are left out."""
    found: dict[str, int | Mapping[str, int]] = {}
    for name in {**was, **now}:
        before: Any = was.get(name)
        after: Any = now.get(name)
        if before == after:
            continue
        if isinstance(before, int) or isinstance(after, int):
            found[name] = (after or 0) - (before or 0)
        else:
            left, come = before or {}, after or {}
            found[name] = {code: by for code in {**left, **come} if (by := come.get(code, 0) - left.get(code, 0))}
    return found


def _read_ahead(event: Any, record: Record) -> Iterable[str]:
    return (*lineage(record.place), EVERYWHERE)


def _never(row: Row, event: Any, record: Record, key: str) -> Row:
    raise AssertionError("a tally is moved by the rows that it counts")


def counted_at(row: Row) -> tuple[str, ...]:
    """The place of a row, all places above it, and everywhere."""
    return (*lineage(str(row.get("place", ""))), EVERYWHERE)


def tally(
    name: str,
    of: View,
    counts: Callable[[Row], Counts],
    *,
    at: Callable[[Row], tuple[str, ...]] = counted_at,
    labels: Callable[[str], Row] = lambda key: {},
    indexes: tuple[str | tuple[str, ...], ...] = (),
    day: str = "",
    folding: int = 1,
) -> Tally:
    """Sums over the rows of a view; `counts(row)` says what a row counts for. Rows need a `place`, unless `at` names the sums' keys.

    `day` is an indexed field of the rows: the day or moment by which they belong to a period. `folding` is raised by hand whenever
    `counts`, `at` or `labels` may give another result.
    """
    return Tally(
        name,
        of.source,
        _read_ahead,
        _never,
        indexes,
        counting=of.name,
        day=day,
        counts=counts,
        at=at,
        labels=labels,
        folding=folding,
    )


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A share with what it is of: numerator, denominator and the definition in words; never a rounded number."""

    numerator: int
    denominator: int
    definition: str


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


class Rows(Protocol):
    """Rows as they are read.

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

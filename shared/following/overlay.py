"""Rows as they will be once the records in hand are applied: folded in memory, read from the store where they did not change."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from shared.domain.city import every
from shared.domain.record import Record
from shared.domain.view import Page, Row, Rows, Tally, View, Where, sortable
from shared.views import ViewStore
from shared.views.port import fits, parse_order

#: Rows as they lie in a store that nobody else writes to; None: there is none.
Known = dict[tuple[str, str], Row | None]
#: The views of a source, each with the tallies that count its rows.
Folds = list[tuple[View, list[Tally]]]
#: Those that a fact touches, with the keys of the rows.
Touched = list[tuple[View, list[Tally], tuple[str, ...]]]
#: Facts whose rows a replay reads at once.
READ_AHEAD = 200
#: Most rows that are kept in memory between the batches of a replay.
MOST_KNOWN = 5_000


class Overlay:
    """Rows changed by a batch and not saved yet, over rows that are known to be in the store, over the store."""

    def __init__(self, store: ViewStore, known: Known | None = None) -> None:
        self._store = store
        self._known = {} if known is None else known
        self.changes: dict[tuple[str, str], Row | None] = {}
        #: Streams of which a fact was parked.
        self.blocked: set[str] = set()
        self._read: dict[int, tuple[Any, Touched]] = {}  # by position

    def read_ahead(self, folds: Folds, decode: Callable[[Record], Any], records: Iterable[Record]) -> None:
        """Decode facts, and read all the rows that they touch with one question a view.

        What cannot be read ahead is left to the fold, which says why.
        """
        touched: dict[str, set[str]] = {}
        for record in records:
            # of whatever kind: the fact cannot be decoded, or a view cannot say which rows it touches
            with suppress(Exception):
                self._read[record.position] = event, rows = touched_by(folds, decode, record)
                for view, tallies, named in rows:
                    touched.setdefault(view.name, set()).update(named)
                    for tally in tallies:
                        touched.setdefault(tally.name, set()).update(tally.keys(event, record))
        for name, keys in touched.items():
            # stores do not agree on keys that are no plain text: those are read one by one
            if wanted := [
                key for key in keys if isinstance(key, str) and sortable(key) and (name, key) not in self._known
            ]:
                found = self._store.get_many(name, wanted)
                self._known.update(((name, key), found.get(key)) for key in wanted)

    def read(self, folds: Folds, decode: Callable[[Record], Any], record: Record) -> tuple[Any, Touched]:
        """The decoded fact and the rows that it touches; raises what `decode` or a view raises."""
        return self._read.pop(record.position, None) or touched_by(folds, decode, record)

    def get(self, view: str, key: str) -> Row:
        if (view, key) in self.changes:
            row = self.changes[view, key]
        elif (view, key) in self._known:
            row = self._known[view, key]
        else:
            row = self._store.get(view, key)
        return {name: value for name, value in row.items() if name != "key"} if row else {}


class Seen:
    """Rows as a fact leaves them, before it is saved: what was changed, over the store. A list is one page, whatever its limit."""

    def __init__(self, store: Rows, views: Iterable[View], *changes: dict[tuple[str, str], Row | None]) -> None:
        """Of the changes the first ones are the latest."""
        self._store = store
        self._views = {view.name: view for view in views}
        self._changes = ChainMap(*changes)

    def get(self, view: str, key: str) -> Row | None:
        return self.get_many(view, [key]).get(key)

    def get_many(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        found = self._store.get_many(view, [key for key in keys if (view, key) not in self._changes])
        changed = {key: self._changes[view, key] for key in keys if (view, key) in self._changes}
        return found | {key: {"key": key, **row} for key, row in changed.items() if row is not None}

    def find(
        self, view: str, where: Where | None = None, order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Page:
        if not self._changed(view):
            return self._store.find(view, where, order, limit, cursor)
        field, descending = parse_order(self._views[view], order)
        rows = self._all(view, where)
        return Page(sorted(rows, key=lambda row: (row[field], row["key"]), reverse=descending), None)

    def count(self, view: str, where: Where | None = None) -> int:
        return len(self._all(view, where)) if self._changed(view) else self._store.count(view, where)

    def count_by(self, view: str, field: str, where: Where | None = None) -> dict[Any, int]:
        if not self._changed(view):
            return self._store.count_by(view, field, where)
        return dict(Counter(row[field] for row in self._all(view, where)))

    def checkpoint(self, follower: str) -> int:
        return self._store.checkpoint(follower)

    def _changed(self, view: str) -> dict[str, Row | None]:
        return {key: row for (name, key), row in self._changes.items() if name == view}

    def _all(self, view: str, where: Where | None) -> list[Row]:
        changed = self._changed(view)
        kept = [row for row in every(self._store, view, where or {}) if row["key"] not in changed]
        new = [{"key": key, **row} for key, row in changed.items() if row is not None]
        return kept + [row for row in new if fits(self._views[view], row, where)]


def folds_of(views: Sequence[View], source: str) -> Folds:
    """The views of a source, each with the tallies that count its rows."""
    ours = [view for view in views if view.source == source]
    tallies = [view for view in ours if isinstance(view, Tally)]
    return [
        (view, [tally for tally in tallies if tally.counting == view.name])
        for view in ours
        if not isinstance(view, Tally)
    ]


def touched_by(folds: Folds, decode: Callable[[Record], Any], record: Record) -> tuple[Any, Touched]:
    event = decode(record)
    return event, [(view, tallies, keys) for view, tallies in folds if (keys := tuple(view.keys(event, record)))]


def fold_views(event: Any, touched: Touched, record: Record, overlay: Overlay) -> dict[tuple[str, str], Row | None]:
    """The rows that a fact changes."""
    changes: dict[tuple[str, str], Row | None] = {}
    for view, tallies, keys in touched:
        for key in keys:
            if (view.name, key) in changes:
                raise ValueError(f"view {view.name}: the fact names row {key!r} twice")
            before = overlay.get(view.name, key)
            row = view.fold(before, event, record, key) or None
            if row is not None:
                view.check(row)
            changes[view.name, key] = row
            for tally in tallies:
                for sums, by in tally.moves(before, row).items():
                    at = (tally.name, sums)
                    changes[at] = tally.move(sums, changes[at] if at in changes else overlay.get(*at), by)
    return changes

"""Rows in memory: the views of a service without a store, for specs of decisions that look at the city."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.record import Record
from shared.domain.view import Page, Row, View, Where
from shared.views.port import fits, parse_order
from tests.kit.city import facts


def record_of(
    type: str,
    data: bytes,
    position: int,
    stream: str = "",
    version: int = 1,
    at: str = "2025-01-01T00:00:00+08:00",
    place: str = "",
    **more: Any,
) -> Record:
    """A record as it is read back from a log."""
    fields: dict[str, Any] = dict.fromkeys(Record.__struct_fields__, "")
    fields |= {
        "position": position,
        "stream": stream or f"{type}-{position}",
        "version": version,
        "type": type,
        "schema": 1,
    }
    fields |= {"data": msgspec.Raw(data), "id": f"e{position}", "time": at, "occurred": at, "place": place}
    return Record(**(fields | {"commit_position": position, "commit_size": 1} | more))


class MemoryRows:
    """Views as dictionaries; filters and orders as the stores have them."""

    def __init__(self, views: Iterable[View]) -> None:
        self.views = {view.name: view for view in views}
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in self.views}

    def apply(self, event: Any, record: Record) -> None:
        """Fold a fact into every view that it touches."""
        for view in self.views.values():
            for key in view.keys(event, record):
                row = view.fold(self.rows[view.name].get(key, {}), event, record, key)
                if row:
                    view.check(row)
                    self.rows[view.name][key] = row
                else:
                    self.rows[view.name].pop(key, None)

    def get(self, view: str, key: str) -> Row | None:
        row = self.rows[view].get(key)
        return None if row is None else {"key": key, **row}

    def get_many(self, view: str, keys: Sequence[str]) -> dict[str, Row]:
        return {key: {"key": key, **self.rows[view][key]} for key in keys if key in self.rows[view]}

    def find(
        self, view: str, where: Where | None = None, order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Page:
        field, descending = parse_order(self.views[view], order)
        found = [row for row in self._all(view) if self._fits(view, row, where)]
        found.sort(key=lambda row: (row[field], row["key"]), reverse=descending)
        return Page(found[:limit], None)

    def count(self, view: str, where: Where | None = None) -> int:
        return sum(self._fits(view, row, where) for row in self._all(view))

    def count_by(self, view: str, field: str, where: Where | None = None) -> dict[Any, int]:
        counts: dict[Any, int] = {}
        for row in self._all(view):
            if self._fits(view, row, where):
                counts[row[field]] = counts.get(row[field], 0) + 1
        return counts

    def checkpoint(self, follower: str) -> int:
        return 0

    def _all(self, view: str) -> list[Row]:
        return [{"key": key, **row} for key, row in self.rows[view].items()]

    def _fits(self, view: str, row: Row, where: Where | None) -> bool:
        return fits(self.views[view], row, where)


@cache
def _small() -> MemoryRows:
    rows = MemoryRows(city_views())
    for position, (type, data) in enumerate(facts(), 1):
        rows.apply(data, record_of(type, msgspec.json.encode(data), position))
    return rows


def city(day: str = "2025-03-04", *more: tuple[str, dict[str, Any]]) -> City:
    """The small city of `tests.kit.city` on a day, with some facts more."""
    if not more:
        return City(_small(), day)
    rows = MemoryRows(city_views())
    rows.rows = {name: dict(found) for name, found in _small().rows.items()}
    for position, (type, data) in enumerate(more, 10_000):
        rows.apply(data, record_of(type, msgspec.json.encode(data), position))
    return City(rows, day)

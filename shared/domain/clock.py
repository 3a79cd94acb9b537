"""What the passing of a day means: rules that let decisions record what became owed, overdue, missed or expired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.city import City, every
from shared.domain.command import On
from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.view import Row

#: The checkpoint with the last day that the clock completed, as a `date` ordinal.
CLOCK = "clock"


@dataclass(frozen=True)
class Rule:
    """What happens to things because a day has begun.

    `rows(city)` finds what the day of the city may concern (`rows_of("cases", lambda day: {"open": 1, "due__lt": day})`); `decide` is a
    decision on each of them, with `arguments(row)`; `period(row)` names what it is done once for (the time limit, the quarter): with
    rule and thing it makes the command id, so that it is done once, also after a crash and by two processes. `thing(row)` gives the id
    of the thing, by default the row's key. `since(row)` is the first day (ISO date) that it is true of, so that what is caught up with
    is dated when it happened; by default the day that begins.
    """

    name: str
    decider: Decider[Any]
    rows: Callable[[City], Iterable[Row]]
    decide: Callable[..., Iterable[Event | On]]
    period: Callable[[Row], str]
    arguments: Callable[[Row], Mapping[str, Any]] = field(default=lambda row: {})
    thing: Callable[[Row], str] = field(default=lambda row: str(row["key"]))
    since: Callable[[Row], str] | None = None


def rows_of(view: str, where: Callable[[str], Mapping[str, Any]]) -> Callable[[City], Iterable[Row]]:
    """The rows of a view that a day (ISO date) concerns, found by `where(day)`."""
    return lambda city: every(city.rows, view, where(city.day))

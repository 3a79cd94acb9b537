"""Time limits that were counted before the calendar of their year was announced are counted again once it is (C12, X05)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.issues.issue.answering import on_role_adopted
from services.issues.issue.facts import LimitCountedAgain
from services.issues.issue.state import ISSUE, OPEN, Issue
from shared.domain.calendar import provisional, working_day_after
from shared.domain.city import City, every
from shared.domain.clock import Rule, rows_of
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.view import Row

_PROVISIONAL: Mapping[str, Any] = {"open": 1, "provisional": 1}


def count_again(issue: Issue, *, by: Mandate, at: str, city: City, since: str, day: str = "") -> list[Event]:
    """The time limit by the calendar of today, once that is no longer provisional; `since` is the day (ISO date) that it runs from.

    A policy asks it of the `day` on which it acts, whatever day is said of what made it; empty: the city's.
    """
    if issue.status not in OPEN or not issue.working_days or not provisional(issue.calendar):
        return []
    limit = working_day_after(since, issue.working_days, City(city.rows, day or city.day).days())
    if provisional(limit.calendar):
        return []
    return [LimitCountedAgain(issue_id=issue.id, before=issue.due, due=limit.date, calendar=limit.calendar)]


def _since(row: Row) -> dict[str, str]:
    return {"since": str(row["limited"])[:10]}


def on_entry_adopted(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """The city adopted the calendar of a year, or what a role may do."""
    yield from on_role_adopted(fact, record, city)
    for row in list(every(city.rows, "cases", _PROVISIONAL)) if fact["kind"] == "calendars" else ():
        yield Decision(ISSUE, row["issue_id"], count_again, _since(row) | {"day": city.day})


#: The state announced a year and the program knows it: the next day begins with it.
COUNTED_AGAIN = Rule(
    "issue_limit_counted_again",
    ISSUE,
    rows=rows_of("cases", lambda day: _PROVISIONAL),
    decide=count_again,
    period=lambda row: f"{row['due']} {row['limited']}",
    arguments=_since,
)

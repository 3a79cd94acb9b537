"""What a project owes by a day: the next statement (D25), and to settle its books once the works are done or given up (C22)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Annotated, Any

from services.funding.facts import StatementOverdue
from services.funding.overview import NEXT, PROJECT_ROW, projects
from services.funding.project import PROJECT, Project
from shared.domain.answers import COUNT, TEXT, many, shape
from shared.domain.city import City, every
from shared.domain.clock import Rule
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, number
from shared.domain.mandate import Mandate
from shared.domain.query import Cursor, Limit
from shared.domain.reader import Reader
from shared.domain.view import Row

DAYS = number(1, 3660)
_LATE = shape(rows=many(PROJECT_ROW), next=NEXT, day=TEXT, every_days=COUNT)


def _before(day: str, days: int) -> str:
    """The day so many days before another; what began earlier is late."""
    return date.fromordinal(max(date.fromisoformat(day).toordinal() - days, 1)).isoformat()


def miss_statement(project: Project, *, by: Mandate, at: str, due: str, statements: int) -> list[Event]:
    """Record that a period passed without a statement, once, unless there was one after all."""
    if project.statements != statements or due <= project.overdue:
        return []
    return [StatementOverdue(project_id=project.id, due=due)]


def _missed(city: City) -> Iterable[Row]:
    """Projects that owe a statement, each with every period that passed without one and is not recorded yet."""
    if "disclosure_days" not in city.entries("parameters"):
        return  # a city that has adopted nothing yet
    days = city.parameter("disclosure_days")
    for row in every(city.rows, "projects", {"disclose_from__lt": _before(city.day, days)}):
        for due in _ends(row["disclose_from"], days, city.day):
            if due > row["overdue"]:
                yield {name: row[name] for name in ("key", "statements", "disclose_from")} | {"due": due}


def _ends(since: str, days: int, day: str) -> Iterator[str]:
    """The last days of the periods from a day on that are over."""
    end = date.fromisoformat(since)
    while (end := end + timedelta(days=days)).isoformat() < day:
        yield end.isoformat()


#: A period that passed without a statement is recorded once; the next statement takes it back (D25).
STATEMENT_DUE = Rule(
    "statement_overdue",
    PROJECT,
    rows=_missed,
    decide=miss_statement,
    period=lambda row: f"{row['disclose_from']} {row['due']}",
    arguments=lambda row: {name: row[name] for name in ("due", "statements")},
    since=lambda row: (date.fromisoformat(row["due"]) + timedelta(days=1)).isoformat(),
)


@PROJECT.query(answer=_LATE)
def find_overdue_disclosures(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    day: Annotated[str, DAY, "day to judge by; empty: today"] = "",
    every_days: Annotated[int, DAYS, "calendar days within which a statement is due; empty: as the city has it"] = 0,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Projects whose last statement is older than the city allows (D25)."""
    return _late(read, "disclose_from", "disclosure_days", place__under, day, every_days, limit, cursor)


@PROJECT.query(answer=_LATE)
def find_overdue_settlements(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    day: Annotated[str, DAY, "day to judge by; empty: today"] = "",
    every_days: Annotated[int, DAYS, "calendar days within which books are settled; empty: as the city has it"] = 0,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Projects that were accepted or given up and whose books are still open after the time that the city allows (C22)."""
    return _late(read, "settle_from", "settling_days", place__under, day, every_days, limit, cursor)


def _late(
    read: Reader, since: str, parameter: str, place: str, day: str, days: int, limit: int, cursor: str
) -> dict[str, Any]:
    day, days = day or read.today, days or read.city.parameter(parameter)
    where = {"place__under": place, f"{since}__lt": _before(day, days)}
    return {"day": day, "every_days": days} | projects(read, where, limit, cursor, since)

"""Periods of the calendar: what is owed once a year, quarter, month, half-month, week, on a weekday, a weekend or a day (X05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

CADENCES = ("year", "half_year", "quarter", "month", "half_month", "week", "day")
_MONTHS = {"year": 12, "half_year": 6, "quarter": 3, "month": 1}


@dataclass(frozen=True)
class Period:
    """A period by name (`2026`, `2026-h1`, `2026-q3`, `2026-11`, `2026-11-h2`, `2026-w48`, `2026-w48-5`, `2026-11-29`).

    `since` and `until`, the first day after, are ISO dates.
    """

    name: str
    since: str
    until: str

    @property
    def last(self) -> str:
        """The last day."""
        return (date.fromisoformat(self.until) - timedelta(days=1)).isoformat()

    @property
    def days(self) -> int:
        """How many days it has."""
        return (date.fromisoformat(self.until) - date.fromisoformat(self.since)).days


def period_of(cadence: str, day: str) -> Period:
    """The period of a cadence that a day (ISO date) lies in; weeks begin on Monday (ISO 8601), second half-months on the 16th.

    Raises `ValueError`.
    """
    found = date.fromisoformat(day)
    if cadence == "day":
        return Period(day, day, plus_days(day, 1))
    if cadence == "half_month":
        month = period_of("month", day)
        middle = found.replace(day=16).isoformat()
        first = (month.since, middle) if day < middle else (middle, month.until)
        return Period(f"{month.name}-h{1 if day < middle else 2}", *first)
    if cadence == "week":
        year, week, weekday = found.isocalendar()
        since = found - timedelta(days=weekday - 1)
        return Period(f"{year}-w{week:02d}", since.isoformat(), (since + timedelta(days=7)).isoformat())
    if cadence not in _MONTHS:
        raise ValueError(f"{cadence!r} is no cadence; known: {', '.join(CADENCES)}")
    months = _MONTHS[cadence]
    number = (found.month - 1) // months
    since = date(found.year, number * months + 1, 1)
    after = number * months + months
    until = date(found.year + after // 12, after % 12 + 1, 1)
    name = {
        "year": f"{found.year}",
        "half_year": f"{found.year}-h{number + 1}",
        "quarter": f"{found.year}-q{number + 1}",
        "month": f"{found.year}-{found.month:02d}",
    }[cadence]
    return Period(name, since.isoformat(), until.isoformat())


def weekday_of(day: str, weekday: int, days: int) -> Period | None:
    """The span of so many days from a weekday (1 Monday … 7 Sunday) on that a day (ISO date) lies in; None for another day."""
    found = date.fromisoformat(day)
    since = found - timedelta(days=(found.isoweekday() - weekday) % 7)
    until = since + timedelta(days=days)
    if found >= until:
        return None
    year, week, _weekday = since.isocalendar()
    return Period(f"{year}-w{week:02d}-{weekday}", since.isoformat(), until.isoformat())


def whole_years(since: str, on: str) -> int:
    """The whole years from a day to another (ISO dates), at least 0; full on the anniversary, that of 29 February on 1 March."""
    return max(0, int(on[:4]) - int(since[:4]) - (on[5:] < since[5:]))


def days_between(first: str, second: str) -> int:
    """Calendar days from one day to another (ISO dates)."""
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def plus_days(day: str, days: int) -> str:
    """The day so many calendar days later (ISO date)."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()

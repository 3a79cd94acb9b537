"""Working days of mainland China: statutory holidays and the weekend days worked in exchange (调休) (C12, X05).

The holidays are announced year by year, so every answer names the calendar it was computed with; in years that the
library does not know, people work Monday to Friday, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib.metadata import version

#: Local time of the cities served; days and limits are counted in it.
LOCAL = timezone(timedelta(hours=8))
#: What is added to the calendar's name once a day outside the announced years was counted.
WEEKDAYS_ONLY = "weekdays-only"
#: The longest time limit that can be asked for, in working days: about ten years.
LONGEST = 2500


def today() -> str:
    """The local day (ISO date)."""
    return datetime.now(LOCAL).date().isoformat()


@dataclass(frozen=True)
class WorkingDay:
    """A day (ISO date) and the version of the calendar it was found with."""

    date: str
    calendar: str


@cache
def _library() -> tuple[str, Callable[[date], bool], frozenset[int]]:
    """The name of the holiday library with its version, its test, and its years; imported at first use only."""
    import chinese_calendar
    from chinese_calendar.constants import holidays

    return (
        f"chinesecalendar-{version('chinesecalendar')}",
        chinese_calendar.is_workday,
        frozenset(day.year for day in holidays),
    )


def _day(day: date | str) -> date:
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{day!r} is not a date like 2025-03-04") from None


def is_working_day(day: date | str) -> bool:
    """Whether people work on a day; Monday to Friday in years whose holidays are not announced. Raises `ValueError`."""
    day = _day(day)
    _, is_workday, years = _library()
    return is_workday(day) if day.year in years else day.weekday() < 5


def working_day_after(day: date | str, count: int) -> WorkingDay:
    """The `count`-th working day after a day; raises `ValueError` unless 1 <= count <= `LONGEST`."""
    if not 1 <= count <= LONGEST:
        raise ValueError(f"a time limit has 1 to {LONGEST} working days, not {count}")
    found = _day(day)
    name, _, years = _library()
    while count:
        found += timedelta(days=1)
        count -= is_working_day(found)
        if found.year not in years and not name.endswith(WEEKDAYS_ONLY):
            name = f"{name}/{WEEKDAYS_ONLY}"
    return WorkingDay(found.isoformat(), name)

"""Working days of mainland China: statutory holidays and the weekend days worked in exchange (调休) (C12, X05).

The holidays are announced year by year, so every answer names the calendar it was computed with. In years that the library does not
know, people work Monday to Friday but on the festivals that the law fixes by their date, and the answer says that it is provisional: the
festivals of the lunar year and the weekends worked in exchange are missing. A city's own days off come on top.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib.metadata import version

#: Local time of the cities served; days and limits are counted in it.
LOCAL = timezone(timedelta(hours=8))
#: What is added to the calendar's name once a day outside the announced years was counted; records of before say `weekdays-only`.
PROVISIONAL = "provisional"
_SAID_BEFORE = "weekdays-only"
#: What is added once a day off of the city's own was met.
OWN = "own-days-off"
#: Month and day of the statutory festivals fixed by date: New Year, Labour Day, National Day (State Council, as of 2025).
FIXED = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
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


def provisional(calendar: str) -> bool:
    """Whether a limit was counted over a year that was not announced yet."""
    return not {PROVISIONAL, _SAID_BEFORE}.isdisjoint(calendar.split("/"))


def is_working_day(day: date | str, off: Set[str] = frozenset()) -> bool:
    """Whether people work on a day; `off` are the city's own days off (ISO dates). Raises `ValueError`."""
    day = _day(day)
    _, is_workday, years = _library()
    if day.isoformat() in off:
        return False
    return is_workday(day) if day.year in years else day.weekday() < 5 and (day.month, day.day) not in FIXED


def working_day_after(day: date | str, count: int, off: Set[str] = frozenset()) -> WorkingDay:
    """The `count`-th working day after a day; raises `ValueError` unless 1 <= count <= `LONGEST`.

    `off` are the city's own days off (ISO dates).
    """
    if not 1 <= count <= LONGEST:
        raise ValueError(f"a time limit has 1 to {LONGEST} working days, not {count}")
    found = _day(day)
    name, _, years = _library()
    marks: set[str] = set()
    while count:
        found += timedelta(days=1)
        works = is_working_day(found, off)
        count -= works
        if found.year not in years:
            marks.add(PROVISIONAL)
        if not works and found.isoformat() in off and is_working_day(found):
            marks.add(OWN)
    return WorkingDay(found.isoformat(), "/".join([name, *sorted(marks)]))

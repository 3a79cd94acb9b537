"""Working days of mainland China: statutory holidays and the weekend days worked in exchange (调休) (C12, X05).

The holidays are announced year by year, so every answer names the calendar it was computed with. In years that the library does not
know, people work Monday to Friday but on the festivals that the law fixes by their date, and the answer says that it is provisional: the
festivals of the lunar year and the weekends worked in exchange are missing. A city adopts the calendar of such a year once
it is announced, and has days off of its own on top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
#: What is added, with the year, once a day of a calendar that the city adopted was counted.
ADOPTED = "city-"
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


@dataclass(frozen=True)
class Year:
    """A year as it was announced (ISO dates): free days besides weekends, and the weekend days worked in exchange."""

    off: frozenset[str]
    worked: frozenset[str]

    def works(self, day: date) -> bool:
        """Whether people work on a day of the year."""
        name = day.isoformat()
        return name in self.worked or (day.weekday() < 5 and name not in self.off)


@dataclass(frozen=True)
class OwnDays:
    """What a city says of days: `off` are days off of its own (ISO dates), `years` the calendars that it adopted."""

    off: frozenset[str] = frozenset()
    years: Mapping[int, Year] = field(default_factory=dict)


#: A city that says nothing of its own.
NOTHING = OwnDays()


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


def is_working_day(day: date | str, own: OwnDays = NOTHING) -> bool:
    """Whether people work on a day, as the city says, the state announced, or, before that, the law fixes. Raises `ValueError`."""
    day = _day(day)
    _, is_workday, years = _library()
    if day.isoformat() in own.off:
        return False
    if day.year in own.years:
        return own.years[day.year].works(day)
    return is_workday(day) if day.year in years else day.weekday() < 5 and (day.month, day.day) not in FIXED


def calendar_of(day: date | str, own: OwnDays = NOTHING) -> str:
    """The version of the calendar that says whether people work on a day. Raises `ValueError`."""
    return "/".join([_library()[0], *sorted(_marks(_day(day), own))])


def _marks(day: date, own: OwnDays) -> set[str]:
    marks = {OWN} if day.isoformat() in own.off and is_working_day(day, OwnDays(years=own.years)) else set()
    if day.year in own.years:
        return marks | {f"{ADOPTED}{day.year}"}
    return marks | (set() if day.year in _library()[2] else {PROVISIONAL})


def working_day_after(day: date | str, count: int, own: OwnDays = NOTHING) -> WorkingDay:
    """The `count`-th working day after a day; raises `ValueError` unless 1 <= count <= `LONGEST`."""
    if not 1 <= count <= LONGEST:
        raise ValueError(f"a time limit has 1 to {LONGEST} working days, not {count}")
    found = _day(day)
    marks: set[str] = set()
    while count:
        found += timedelta(days=1)
        count -= is_working_day(found, own)
        marks |= _marks(found, own)
    return WorkingDay(found.isoformat(), "/".join([_library()[0], *sorted(marks)]))

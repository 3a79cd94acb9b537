"""Festivals of the lunar and the solar year, and solar terms, each on its day (D41, X05)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

#: Years between which the days of the lunar year are known.
FIRST, LAST = 1901, 2099


@cache
def festival_day(year: int, calendar: str, month: int, day: int) -> str:
    """The day (ISO date) of a festival in a year, "" where there is none or it is not known.

    `calendar` is "solar", "lunar" (the festival of the lunar year that began in this year; a day that its month lacks is the last one: 30
    December is the New Year's Eve), or "term" (`day` is the number of the solar term, 1 小寒 … 24 冬至).
    """
    if calendar == "solar":
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return ""
    if not FIRST <= year <= LAST or (calendar == "term") != (month == 0) or (calendar == "term" and day > 24):
        return ""
    from borax.calendars.lunardate import LCalendars, LunarDate, TermUtils  # at first use only

    if calendar == "term":
        found: date = TermUtils.nth_term_day(year, day - 1)
    else:
        found = LunarDate(year, month, min(day, LCalendars.ndays(year, month))).to_solar_date()
    return found.isoformat()


def near(day: str, calendar: str, month: int, number: int, ahead: int, days: int) -> tuple[str, str, str] | None:
    """The year, the first day and the first day after (ISO dates) of a festival's span that a day lies in; None outside of it.

    It begins `ahead` days before the festival and lasts `days` days from the festival on.
    """
    year = int(day[:4])
    for one in (year - 1, year, year + 1):
        if held := festival_day(one, calendar, month, number):
            since = date.fromisoformat(held) - timedelta(days=ahead)
            until = date.fromisoformat(held) + timedelta(days=days)
            if since.isoformat() <= day < until.isoformat():
                return str(one), since.isoformat(), until.isoformat()
    return None

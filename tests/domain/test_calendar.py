"""Working days of 2025 as the State Council announced them."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from shared.domain.calendar import OwnDays, WorkingDay, is_working_day, provisional, working_day_after
from tests.kit.city import entry
from tests.kit.rows import city

CALENDAR = "chinesecalendar-1.11.0"


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2025-01-28", False),  # 除夕, a Tuesday
        ("2025-02-04", False),  # last day of the Spring Festival, a Tuesday
        ("2025-01-26", True),  # 调休: a Sunday that is worked
        ("2025-02-08", True),  # 调休: a Saturday that is worked
        ("2025-04-27", True),
        ("2025-05-05", False),
        ("2025-10-08", False),  # National Day and Mid-Autumn together
        ("2025-10-11", True),
        ("2025-03-08", False),  # an ordinary Saturday
        ("2025-03-10", True),
    ],
)
def test_holidays_and_worked_weekends_of_2025(day: str, works: bool) -> None:
    """(part of X05)"""
    assert is_working_day(day) is works
    assert is_working_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("day", "count", "due"),
    [
        ("2025-03-04", 1, "2025-03-05"),
        ("2025-03-07", 1, "2025-03-10"),
        ("2025-01-24", 1, "2025-01-26"),  # Friday to the Sunday that is worked
        ("2025-01-24", 3, "2025-02-05"),  # over the whole Spring Festival
        ("2025-09-30", 1, "2025-10-09"),
        ("2025-09-30", 3, "2025-10-11"),
        ("2025-12-31", 1, "2026-01-04"),  # 2026: New Year until Saturday the 3rd, Sunday the 4th is worked
    ],
)
def test_time_limits_skip_holidays(day: str, count: int, due: str) -> None:
    """(part of C12, X05)"""
    assert working_day_after(day, count) == WorkingDay(due, CALENDAR)
    assert working_day_after(date.fromisoformat(day), count).date == due


def test_beyond_the_announced_years_limits_are_provisional_and_the_calendar_says_so() -> None:
    """Festivals that the law fixes by their date are no working days, whoever has announced what."""
    assert working_day_after("2030-09-30", 1) == WorkingDay("2030-10-04", f"{CALENDAR}/provisional")
    assert working_day_after("2026-12-31", 1) == WorkingDay("2027-01-04", f"{CALENDAR}/provisional")
    for day in ("2027-01-01", "2029-05-01", "2029-05-02", "2029-10-01", "2029-10-02", "2029-10-03", "2030-10-05"):
        assert not is_working_day(day), day
    assert is_working_day("1999-05-03") and is_working_day("2029-05-03")
    assert [provisional(name) for name in ("", CALENDAR, f"{CALENDAR}/own-days-off")] == [False] * 3
    assert provisional(f"{CALENDAR}/own-days-off/provisional") and provisional(f"{CALENDAR}/weekdays-only")


def test_a_city_has_days_off_of_its_own() -> None:
    year = city(
        "2025-03-04",
        entry("days_off", "flood", first="2025-03-05", last="2025-03-06"),
        entry("days_off", "fair", first="2025-03-10", last=""),
    )
    assert year.days().off == {"2025-03-05", "2025-03-06", "2025-03-10"}
    assert working_day_after("2025-03-04", 1, year.days()) == WorkingDay("2025-03-07", f"{CALENDAR}/own-days-off")
    assert working_day_after("2025-03-04", 2, year.days()).date == "2025-03-11"
    assert working_day_after("2025-03-11", 1, year.days()).calendar == CALENDAR
    assert not is_working_day("2025-03-10", year.days()) and city().days() == OwnDays()


@pytest.mark.parametrize("count", [0, -1, 2501])
def test_a_limit_without_days_or_of_decades_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 2500 working days"):
        working_day_after("2025-03-04", count)


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'2025-02-30' is not a date"):
        is_working_day("2025-02-30")


def test_the_library_is_imported_at_first_use_only() -> None:
    program = "import sys, shared.domain.calendar as c; assert 'chinese_calendar' not in sys.modules; c.is_working_day('2025-03-04')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_city_adopts_the_calendar_of_a_year_that_the_library_does_not_know() -> None:
    own = city("2026-12-20", entry("calendars", "2027", off=["2027-01-01", "2027-01-04"], worked=["2027-01-09"])).days()
    assert [is_working_day(f"2027-01-{day:02}", own) for day in (1, 4, 5, 9, 10)] == [False, False, True, True, False]
    assert working_day_after("2026-12-31", 1, own) == WorkingDay("2027-01-05", f"{CALENDAR}/city-2027")
    assert not provisional(working_day_after("2026-12-31", 1, own).calendar)
    assert provisional(working_day_after("2027-12-30", 3, own).calendar), "the year after is still to come"

"""Cadences: which days and spans owe something, by the calendar that was announced and by the lunar year."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.obligation.owing import count_end_again, owe, periods
from services.registry.obligation.serving import meet_obligation
from services.registry.obligation.state import OBLIGATION, Evidence, ObligationMet, ObligationOwed, ObligationServed
from shared.domain.catalogue import Obligation as Rules
from shared.domain.catalogue import data_of
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.festival import festival_day
from tests.domain.registry.test_obligation import OWED, UNUSED
from tests.kit import given
from tests.kit.city import entry
from tests.kit.rows import city

FESTIVALS = [
    entry("festivals", "spring", calendar="lunar", month=1, day=1),
    entry("festivals", "mid-autumn", calendar="lunar", month=8, day=15),
    entry("festivals", "national", calendar="solar", month=10, day=1),
    entry("festivals", "qingming", calendar="term", month=0, day=7),
]
CITY = city("2025-03-04", *FESTIVALS)


def rules(**data: Any) -> Rules:
    found: Rules = data_of("obligations", {"bearer": "party"} | data)
    return found


def owed(day: str, where: Any = CITY, **data: Any) -> list[tuple[str, str, str]]:
    return [(one.name, one.since, one.until) for one in periods(rules(**data), day, where)]


@pytest.mark.parametrize(
    ("cadence", "day", "name", "since", "until"),
    [
        ({"cadence": "half_month"}, "2025-02-15", "2025-02-h1", "2025-02-01", "2025-02-16"),
        ({"cadence": "half_month"}, "2025-02-16", "2025-02-h2", "2025-02-16", "2025-03-01"),
        ({"cadence": "half_month"}, "2025-12-31", "2025-12-h2", "2025-12-16", "2026-01-01"),
        ({"cadence": "day"}, "2024-02-29", "2024-02-29", "2024-02-29", "2024-03-01"),
        ({"cadence": "weekday", "weekday": 5}, "2025-03-07", "2025-w10-5", "2025-03-07", "2025-03-08"),
        ({"cadence": "weekday", "weekday": 4}, "2026-01-01", "2026-w01-4", "2026-01-01", "2026-01-02"),
        ({"cadence": "weekday", "weekday": 6, "days": 2}, "2025-03-09", "2025-w10-6", "2025-03-08", "2025-03-10"),
        ({"cadence": "weekday", "weekday": 7, "days": 2}, "2025-03-10", "2025-w10-7", "2025-03-09", "2025-03-11"),
    ],
)
def test_a_day_lies_in_the_period_of_its_cadence(
    cadence: dict[str, Any], day: str, name: str, since: str, until: str
) -> None:
    """Half-months, single days, a weekday, a weekend, also over the turn of a month or year (part of X05, A31, A35, A36, E31)."""
    assert owed(day, **cadence) == [(name, since, until)]


@pytest.mark.parametrize("day", ["2025-03-03", "2025-03-06", "2025-03-08"])
def test_another_weekday_owes_nothing(day: str) -> None:
    """(part of A31)"""
    assert owed(day, cadence="weekday", weekday=5) == []


@pytest.mark.parametrize(
    ("year", "festival", "day"),
    [
        (2025, ("lunar", 1, 1), "2025-01-29"),
        (2026, ("lunar", 1, 1), "2026-02-17"),
        (2025, ("lunar", 5, 5), "2025-05-31"),
        (2025, ("lunar", 6, 6), "2025-06-30"),  # a leap sixth month follows, which has no festivals
        (2025, ("lunar", 8, 15), "2025-10-06"),
        (2025, ("lunar", 9, 9), "2025-10-29"),
        (2024, ("lunar", 12, 30), "2025-01-28"),  # New Year's Eve, on the 29th of its month
        (2025, ("term", 0, 7), "2025-04-04"),
        (2026, ("term", 0, 7), "2026-04-05"),
        (2025, ("solar", 7, 1), "2025-07-01"),
        (2025, ("solar", 2, 29), ""),
        (1700, ("lunar", 1, 1), ""),
        (2150, ("lunar", 1, 1), ""),
        (2025, ("term", 0, 25), ""),
        (2025, ("lunar", 0, 1), ""),
    ],
)
def test_festivals_have_their_day_by_the_lunar_and_the_solar_year(
    year: int, festival: tuple[str, int, int], day: str
) -> None:
    """As the almanac says; where there is none, or it is not known, there is no day (part of D41)."""
    assert festival_day(year, *festival) == day


def test_what_is_owed_at_festivals_begins_so_many_days_ahead() -> None:
    """Two festivals may be near at once, each is owed on its own; a lunar festival may lie in the year after (part of D41)."""
    both: dict[str, Any] = {"cadence": "festival", "festivals": ["mid-autumn", "national"], "ahead": 7, "days": 3}
    assert owed("2025-09-23", **both) == []
    assert owed("2025-10-01", **both) == [
        ("2025-mid-autumn", "2025-09-29", "2025-10-09"),
        ("2025-national", "2025-09-24", "2025-10-04"),
    ]
    spring: dict[str, Any] = {"cadence": "festival", "festivals": ["spring"], "ahead": 30}
    assert owed("2024-12-31", **spring) == [("2025-spring", "2024-12-30", "2025-01-30")]
    assert owed("2025-01-30", **spring) == []


def owe_on(day: str, *more: Any, period: str = "", **data: Any) -> ObligationOwed | None:
    where = city(day, *FESTIVALS, entry("obligations", "r", bearer="party", **data), *more)
    ask = {"rule": "r", "organisation_id": "o-compound", "city": where, "period": period}
    spec = given(OBLIGATION, "ob-1").when(owe, at=f"{day}T00:00:00+08:00", **ask)
    found: Any = spec.ask(spec.state)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("data", "day", "period", "until"),
    [
        ({"cadence": "weekday", "weekday": 5}, "2025-03-07", "2025-w10-5", "2025-03-08"),
        ({"cadence": "weekday", "weekday": 5}, "2025-10-03", "2025-w40-5", "2025-10-10"),  # holidays: 9 October works
        ({"cadence": "weekday", "weekday": 4}, "2025-10-02", "2025-w40-4", "2025-10-10"),
        ({"cadence": "weekday", "weekday": 7}, "2025-09-28", "2025-w39-7", "2025-09-29"),  # a Sunday that is worked
        ({"cadence": "week", "unit": "minutes", "amount": 60}, "2025-03-04", "2025-w10", "2025-03-11"),
        ({"cadence": "half_month"}, "2025-03-04", "2025-03-h1", "2025-03-18"),  # the 15th is a Saturday
        ({"cadence": "month"}, "2025-03-04", "2025-03", "2025-04-01"),
        ({"cadence": "quarter"}, "2025-03-04", "2025-q1", "2025-04-01"),
        ({"cadence": "year", "amount": 3, "spacing": 60}, "2025-03-04", "2025", "2026-01-01"),
        ({"cadence": "day"}, "2025-03-04", "2025-03-04", "2025-03-05"),
        ({"cadence": "day"}, "2025-09-28", "2025-09-28", "2025-09-29"),
        ({"cadence": "festival", "festivals": ["qingming"]}, "2025-04-04", "2025-qingming", "2025-04-08"),
    ],
)
def test_one_engine_owes_by_every_cadence_and_moves_ends_behind_the_holidays(
    data: dict[str, Any], day: str, period: str, until: str
) -> None:
    """Weekly on a Friday, a Thursday or for an hour, fortnightly, quarterly, three times a year, daily; 调休 is work (X05).

    A day that is free owes nothing by the day; a period that is none of the day owes nothing either.
    """
    found = owe_on(day, workdays=True, **data)
    assert found is not None and (found.period, found.until) == (period, until)
    assert (found.amount, found.unit) == (data.get("amount", 1), data.get("unit", "times"))
    assert owe_on(day, workdays=True, period="1999", **data) is None
    assert owe_on("2025-10-03", workdays=True, cadence="day") is None, "free"


def test_an_end_is_not_counted_again_by_a_cadence_that_it_never_had() -> None:
    """The rule may be another by the time that the calendar comes."""
    friday = owe_on("2027-12-31", cadence="weekday", weekday=5, workdays=True)
    assert friday is not None and friday.period == "2027-w52-5"
    years = [entry("calendars", "2027", off=["2027-12-31"], worked=[]), entry("calendars", "2028", off=[], worked=[])]
    same = city(
        "2028-01-01", entry("obligations", "r", bearer="party", cadence="weekday", weekday=5, workdays=True), *years
    )
    spec = given(OBLIGATION, "ob-1", friday)
    state = spec.when(count_end_again, city=same)
    (again,) = state.ask(state.state)
    assert getattr(again, "until", "") == "2028-01-04"
    spec.when(
        count_end_again,
        city=city("2028-01-01", entry("obligations", "r", bearer="party", cadence="year", workdays=True), *years),
    ).then_nothing()


def test_an_hour_a_week_is_done_in_minutes_and_in_as_many_goes_as_one_likes() -> None:
    """Sixty minutes owed: forty are not enough, twenty more are; times are recorded one by one (part of A33, X05)."""
    hour = ObligationOwed(
        **{name: getattr(OWED, name) for name in OWED.__struct_fields__}
        | {"amount": 60, "spacing": 0, "unit": "minutes"}
    )
    forty = ObligationServed(
        obligation_id="ob-1", done_on="2025-03-03", evidence="a", note="", number=1, count=40, persons=0
    )
    ask = {"done_on": "2025-03-04", "evidence": "b", "used": Evidence("ev-2")}
    spec = given(OBLIGATION, "ob-1", hour, forty).when(meet_obligation, **ask, count=20)
    served, met, _used = spec.ask(spec.state)
    assert isinstance(served, ObligationServed) and (served.count, served.number) == (20, 2)
    assert met == ObligationMet(obligation_id="ob-1", late=False)
    less = given(OBLIGATION, "ob-1", hour, forty).when(meet_obligation, **ask, count=19)
    assert len(less.ask(less.state)) == 2, "not met yet"
    once = {"done_on": "2025-03-04", "evidence": "b", "used": UNUSED, "count": 2}
    given(OBLIGATION, "ob-1", OWED).when(meet_obligation, **once).then_raises(BadInputError, "on its own")


def test_it_counts_with_as_many_persons_as_the_rule_asks_for() -> None:
    """(part of A31, E26)"""
    two = ObligationOwed(**{name: getattr(OWED, name) for name in OWED.__struct_fields__} | {"persons": 2})
    ask = {"done_on": "2025-03-04", "evidence": "b", "used": UNUSED}
    spec = given(OBLIGATION, "ob-1", two)
    spec.when(meet_obligation, **ask, persons=1).then_raises(IllegalStateError, "2 persons at least, not with 1")
    came = spec.when(meet_obligation, **ask, persons=3)
    assert getattr(came.ask(came.state)[0], "persons", 0) == 3

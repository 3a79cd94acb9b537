"""What bodies owe in each period: three reports a year, a joint meeting each quarter, by any cadence."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.obligation.owing import count_end_again, miss, owe
from services.registry.obligation.rows import forecast
from services.registry.obligation.serving import meet_obligation, waive_obligation
from services.registry.obligation.state import (
    EVIDENCE,
    OBLIGATION,
    EndCountedAgain,
    Evidence,
    EvidenceUsed,
    ObligationMet,
    ObligationMissed,
    ObligationOwed,
    ObligationServed,
    ObligationWaived,
)
from shared.domain.calendar import provisional
from shared.domain.command import on
from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.mandate import Mandate
from shared.domain.period import period_of
from tests.kit import given
from tests.kit.city import COMPOUND, entry
from tests.kit.rows import city

REPORTS = entry("obligations", "branch-report", cadence="year", bearer="party", amount=3, spacing=60)
MEETING = entry("obligations", "joint-meeting", cadence="quarter", bearer="party", workdays=True)
CITY = city("2025-03-04", REPORTS, MEETING)
OWED = ObligationOwed(
    obligation_id="ob-1",
    rule="branch-report",
    rule_version=1,
    organisation_id="o-compound",
    place=COMPOUND,
    period="2025",
    since="2025-01-01",
    until="2026-01-01",
    amount=3,
    spacing=60,
    calendar="",
)
UNUSED = Evidence("ev-1")


def served(day: str, number: int, evidence: str = "minutes 1") -> ObligationServed:
    return ObligationServed(obligation_id="ob-1", done_on=day, evidence=evidence, note="", number=number)


def used(evidence: str = "minutes 1") -> Any:
    return on(EVIDENCE, "ev-1", EvidenceUsed(evidence=evidence, obligation_id="ob-1"))


def test_d15_a_body_owes_three_reports_in_a_year_with_the_version_of_the_rule() -> None:
    """The rule of the day says what is owed; the same period is owed once (part of D15)."""
    ask = {"city": CITY, "rule": "branch-report", "organisation_id": "o-compound"}
    given(OBLIGATION, "ob-1").when(owe, **ask).then(OWED)
    given(OBLIGATION, "ob-1", OWED).when(owe, **ask).then_nothing()
    given(OBLIGATION, "ob-1").when(owe, **ask | {"rule": "nothing-like-it"}).then_nothing()


@pytest.mark.parametrize(
    ("day", "period", "until", "moved"),
    [
        ("2025-03-04", "2025-q1", "2025-04-01", False),  # 31 March 2025 is a Monday
        ("2025-05-06", "2025-q2", "2025-07-01", False),
        ("2024-08-01", "2024-q3", "2024-10-01", False),  # a Monday before the holidays
        ("2023-11-11", "2023-q4", "2024-01-03", True),  # a Sunday, then New Year: 2 January is the next working day
    ],
)
def test_e05_a_quarter_that_ends_on_a_free_day_ends_after_the_next_working_day(
    day: str, period: str, until: str, moved: bool
) -> None:
    """Holidays and weekend days that are worked are those of the announced calendar, whose version is recorded (part of E05, X05)."""
    where = city(day, MEETING, ("OrganisationEstablished", BODY))
    spec = given(OBLIGATION, "ob-1").when(
        owe, at=f"{day}T00:00:00+08:00", city=where, rule="joint-meeting", organisation_id="o-early"
    )
    (owed,) = spec.ask(spec.state)
    assert (owed.period, owed.until, bool(owed.calendar)) == (period, until, moved)


BODY = {
    "organisation_id": "o-early",
    "type": "party",
    "name": "名",
    "name_en": "early",
    "level": "community",
    "place": COMPOUND,
    "parent_id": "",
    "since": "2020-01-01",
}


def test_periods_are_named_and_follow_on_each_other() -> None:
    """Year, half-year, quarter, month and ISO week; the day after one is the first of the next (part of X05)."""
    for cadence, name in (("year", "2024"), ("half_year", "2024-h2"), ("quarter", "2024-q4"), ("month", "2024-12")):
        period = period_of(cadence, "2024-12-31")
        assert (period.name, period.until) == (name, "2025-01-01")
        assert period_of(cadence, period.until).since == period.until
    assert period_of("week", "2024-12-31").name == "2025-w01"
    with pytest.raises(ValueError, match="no cadence"):
        period_of("fortnight", "2024-12-31")


def test_d15_reports_count_with_evidence_and_the_third_one_meets_what_is_owed() -> None:
    """Each with a day and evidence, used for nothing else; the last one says that it is met (part of D15)."""
    ask = {"done_on": "2025-03-01", "evidence": "minutes 1", "used": UNUSED}
    given(OBLIGATION, "ob-1", OWED).when(meet_obligation, **ask).then(served("2025-03-01", 1), used())
    two = (OWED, served("2025-01-10", 1, "a"), served("2025-04-10", 2, "b"))
    late = {"at": "2025-11-20T09:00:00+08:00", "done_on": "2025-11-20", "evidence": "minutes 1", "used": UNUSED}
    spec = given(OBLIGATION, "ob-1", *two).when(meet_obligation, **late)
    spec.then(served("2025-11-20", 3), ObligationMet(obligation_id="ob-1", late=False), used())


def test_d15_two_reports_close_together_count_once() -> None:
    """Spacing is the rule's; the refusal says from when another one counts (part of D15)."""
    history = (OWED, served("2025-01-10", 1))
    ask = {"done_on": "2025-03-04", "evidence": "minutes 2", "used": UNUSED}
    given(OBLIGATION, "ob-1", *history).when(meet_obligation, **ask).then_raises(IllegalStateError, "60 days apart")


def test_evidence_counts_once() -> None:
    """One evidence never for two periods; given again for the same it changes nothing (part of X05)."""
    ask = {"done_on": "2025-03-04", "evidence": "minutes 1"}
    other = given(OBLIGATION, "ob-1", OWED).when(meet_obligation, **ask, used=Evidence("ev-1", "ob-0"))
    other.then_raises(IllegalStateError, "needs its own")
    given(OBLIGATION, "ob-1", OWED).when(meet_obligation, **ask, used=Evidence("ev-1", "ob-1")).then_nothing()


def test_an_act_counts_for_the_period_it_lies_in_and_not_before_it_is_done() -> None:
    ask = {"evidence": "minutes 1", "used": UNUSED}
    spec = given(OBLIGATION, "ob-1", OWED)
    spec.when(meet_obligation, done_on="2024-12-31", **ask).then_raises(IllegalStateError, "outside the period")
    spec.when(meet_obligation, done_on="2025-03-05", **ask).then_raises(IllegalStateError, "not come yet")


def test_d15_a_year_with_too_few_reports_was_missed_and_a_late_entry_stays_late() -> None:
    """The breach is a fact; what is entered afterwards counts as late and takes nothing back (part of D15)."""
    one = (OWED, served("2025-01-10", 1))
    after = "2026-01-01T00:00:00+08:00"
    missed = ObligationMissed(obligation_id="ob-1", done=1, amount=3)
    given(OBLIGATION, "ob-1", *one).when(miss, at="2025-12-31T23:00:00+08:00").then_nothing()
    given(OBLIGATION, "ob-1", *one).when(miss, at=after).then(missed)
    history = (*one, missed, served("2025-06-10", 2))
    ask = {"at": after, "done_on": "2025-09-10", "evidence": "minutes 1", "used": UNUSED}
    spec = given(OBLIGATION, "ob-1", *history).when(meet_obligation, **ask)
    spec.then(served("2025-09-10", 3), ObligationMet(obligation_id="ob-1", late=True), used())


def test_what_is_owed_can_be_waived_by_others_with_a_reason_only() -> None:
    own = Mandate(actor="p", role="r", organisation_id="o-compound", powers=frozenset({"*"}))
    waived = ObligationWaived(obligation_id="ob-1", reason="epidemic")
    given(OBLIGATION, "ob-1", OWED).when(waive_obligation, reason="epidemic").then(waived)
    given(OBLIGATION, "ob-1", OWED).when(waive_obligation, by=own, reason="x").then_raises(ForbiddenError, "own body")
    ask = {"done_on": "2025-03-01", "evidence": "e", "used": UNUSED}
    given(OBLIGATION, "ob-1", OWED, waived).when(meet_obligation, **ask).then_raises(IllegalStateError, "waived")


def test_d15_the_forecast_says_behind_and_no_longer_to_be_reached() -> None:
    """Behind an even course, and impossible once the days left do not hold the spacing (part of D15)."""
    row = {
        "status": "owed",
        "since": "2025-01-01",
        "until": "2026-01-01",
        "amount": 3,
        "spacing": 60,
        "done": 1,
        "unit": "times",
    }
    row |= {"days": ["2025-01-10"]}
    assert forecast(row, "2025-03-04") == {
        "expected": 0,
        "behind": False,
        "attainable": True,
        "next_from": "2025-03-11",
    }
    assert forecast(row, "2025-10-01") == {"expected": 2, "behind": True, "attainable": True, "next_from": "2025-10-01"}
    assert forecast(row, "2025-11-05")["attainable"] is False
    assert forecast(row | {"status": "met", "done": 3}, "2025-11-05")["attainable"] is True


def test_the_end_of_a_period_in_a_year_not_announced_yet_is_provisional_and_counted_again() -> None:
    """Also where it had not moved; the calendar that comes may make the last day a free one (part of X05)."""
    told = ("OrganisationEstablished", BODY)
    ask = {"rule": "joint-meeting", "organisation_id": "o-early"}

    def owed_on(day: str) -> ObligationOwed:
        spec = given(OBLIGATION, "ob-1").when(owe, at=f"{day}T00:00:00+08:00", city=city(day, MEETING, told), **ask)
        (owed,) = spec.ask(spec.state)
        return owed

    moved, unmoved = (
        owed_on("2028-11-01"),
        owed_on("2028-08-01"),
    )  # 31 December is a Sunday, 30 September a Saturday worked
    assert (moved.until, unmoved.until) == ("2029-01-03", "2028-10-05")
    assert provisional(moved.calendar) and provisional(unmoved.calendar)
    friday = owed_on("2027-11-01")  # 31 December, a Friday
    assert (friday.until, provisional(friday.calendar)) == ("2028-01-01", True)
    years = [entry("calendars", "2027", off=["2027-12-31"], worked=[]), entry("calendars", "2028", off=[], worked=[])]
    later = city("2027-12-20", MEETING, told, *years)
    spec = given(OBLIGATION, "ob-1", friday)
    spec.when(count_end_again, city=city("2027-12-20", MEETING, told)).then_nothing()
    spec.when(count_end_again, city=later).then(
        EndCountedAgain(
            obligation_id="ob-1",
            before="2028-01-01",
            until="2028-01-04",
            calendar="chinesecalendar-1.11.0/city-2028",
        )
    )

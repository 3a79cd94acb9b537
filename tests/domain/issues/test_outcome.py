"""From resolving to closing: nothing is final without follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from services.issues.issue.facts import ContactErased, FollowUpRecorded, IssueReopened, IssueResolved
from services.issues.issue.outcome import (
    WORKS_ACCEPTED,
    close_issue,
    contained,
    erase_contact,
    finish,
    record_follow_up,
    reopen_issue,
    resolve_issue,
)
from services.issues.issue.state import ISSUE
from shared.domain.calendar import working_day_after
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.domain.issues.facts import (
    CITY,
    CLOSED,
    DISPATCHED,
    ESCALATED,
    GRID,
    HANDLED,
    ISSUE_ID,
    REPORTED,
    RESIDENT,
    RESOLVED,
    SATISFIED,
    STRANGER,
    TRIAGED,
    issue,
    mandate,
)
from tests.kit import AT
from tests.kit.city import entry
from tests.kit.rows import city

SOON, LATER = "2025-03-04T09:00:01+08:00", "2025-03-05T09:00:00+08:00"
CALENDAR = working_day_after("2025-03-04", 10).calendar
ONE_TRY = city("2025-03-04", entry("parameters", "follow_up_tries", value=1))


def asked(result: str, note: str = "", at: str = AT) -> FollowUpRecorded:
    return FollowUpRecorded(issue_id=ISSUE_ID, result=result, note=note, asked_at=at)


UNREACHED = asked("unreachable", "rang twice")
#: The new round has ten working days from the day on which it begins.
LIMIT = {"due": "2025-03-18", "calendar": CALENDAR, "working_days": 10}
REOPENED = IssueReopened(issue_id=ISSUE_ID, reason="still dark", **LIMIT)


def test_every_issue_is_resolved_with_what_was_done() -> None:
    issue(*HANDLED).when(resolve_issue, by=GRID, outcome="lamp replaced", city=CITY).then(RESOLVED)
    issue(*HANDLED, RESOLVED).when(resolve_issue, by=GRID, outcome="lamp replaced", city=CITY).then_nothing()
    differently = issue(*HANDLED, RESOLVED).when(resolve_issue, by=GRID, outcome="pole too", city=CITY)
    differently.then_raises(IllegalStateError, "resolved already")


def test_resolving_follows_dispatch() -> None:
    ask: dict[str, Any] = {"outcome": "x", "city": CITY}
    issue().when(resolve_issue, by=GRID, **ask).then_raises(NotFoundError, "no issue")
    issue(REPORTED, TRIAGED).when(resolve_issue, by=GRID, **ask).then_raises(IllegalStateError, "dispatch it")
    done = issue(*HANDLED, RESOLVED, SATISFIED, CLOSED)
    done.when(resolve_issue, by=GRID, **ask).then_raises(IllegalStateError, "is closed; .*reopen it first")
    issue(*HANDLED).when(resolve_issue, by=STRANGER, **ask).then_raises(ForbiddenError, "issue.resolve")


def test_an_issue_solved_above_its_tier_is_not_contained() -> None:
    resolved = replace(RESOLVED, level="street", contained=False, person_id="p-street")
    street = mandate("post-street", "issue.resolve")
    issue(*HANDLED, ESCALATED).when(resolve_issue, by=street, outcome="lamp replaced", city=CITY).then(resolved)


def levels(*codes: str) -> list[tuple[str, dict[str, Any]]]:
    """Levels of a city's own, from the highest to the lowest."""
    return [entry("levels", code, rank=rank) for rank, code in enumerate(codes, 1)]


@pytest.mark.parametrize(
    ("level", "tier", "more", "expected"),
    [
        ("compound", "compound", [], True),
        ("building", "compound", [], True),
        ("community", "compound", [], False),
        ("street", "community", [], False),
        ("community", "street", [], True),
        ("yard", "compound", levels("street", "community", "compound", "yard"), True),
        ("yard", "community", levels("street", "community", "yard", "building"), True),
        ("yard", "compound", levels("street", "community", "yard", "building"), None),
        ("", "compound", [], None),
        ("prefecture", "street", [], None),
        ("building", "compound", [entry("widths", "building", rank=99)], False),
    ],
)
def test_which_level_contains_an_issue(
    level: str, tier: str, more: Sequence[tuple[str, dict[str, Any]]], expected: bool | None
) -> None:
    gone = [("EntryRetired", {"kind": "levels", "code": "compound", "until": "2025-01-01"})] if more else []
    assert contained(level, tier, city("2025-03-04", *gone, *more)) is expected


# -- works --

BY_WORKS = IssueResolved(
    issue_id=ISSUE_ID, outcome=WORKS_ACCEPTED, because="project-1", level="compound", contained=True, in_time=True
)


@pytest.mark.parametrize(
    ("history", "in_time"), [((REPORTED, TRIAGED), None), ((REPORTED, TRIAGED, DISPATCHED), True), (HANDLED, True)]
)
def test_accepted_works_resolve_an_open_issue(history: tuple[Event, ...], in_time: bool | None) -> None:
    issue(*history).when(finish, project_id="project-1", city=CITY).then(replace(BY_WORKS, in_time=in_time))


def test_accepted_works_resolve_an_issue_that_was_never_triaged() -> None:
    issue(REPORTED).when(finish, project_id="project-1", city=CITY).then(
        replace(BY_WORKS, contained=None, in_time=None)
    )


@pytest.mark.parametrize("history", [(), (*HANDLED, RESOLVED), (*HANDLED, RESOLVED, SATISFIED, CLOSED)])
def test_accepted_works_leave_other_issues_alone(history: tuple[Event, ...]) -> None:
    issue(*history).when(finish, project_id="project-1", city=CITY).then_nothing()


# -- follow-up --


def test_follow_up_records_what_the_person_says() -> None:
    issue(*HANDLED, RESOLVED).when(record_follow_up, city=CITY, result="satisfied").then(SATISFIED)
    issue(*HANDLED, RESOLVED, SATISFIED).when(record_follow_up, city=CITY, result="satisfied").then_nothing()


def test_not_satisfied_reopens_at_once_and_keeps_who_is_accountable() -> None:
    spec = issue(*HANDLED, RESOLVED)
    no = asked("not_satisfied", "still dark")
    spec.when(record_follow_up, city=CITY, result="not_satisfied", note="still dark").then(no, REOPENED)
    after = ISSUE.evolve(ISSUE.evolve(spec.state, no), REOPENED)
    accountable = (after.status, after.post_id, after.person_id, after.due, after.reopened)
    assert accountable == ("dispatched", "post-grid", "p-grid", REOPENED.due, 1)
    assert after.follow_ups == {"not_satisfied": 1}
    spec.when(record_follow_up, city=CITY, result="not_satisfied").then_raises(BadInputError, "not satisfied with")


def test_unreachable_needs_a_reason_and_two_tries_on_one_occasion_are_one() -> None:
    spec = issue(*HANDLED, RESOLVED)
    spec.when(record_follow_up, city=CITY, result="unreachable", note="rang twice").then(UNREACHED)
    spec.when(record_follow_up, city=CITY, result="unreachable").then_raises(BadInputError, "tried to be reached")
    again = issue(*HANDLED, RESOLVED, UNREACHED)
    again.when(record_follow_up, city=CITY, result="unreachable", note="rang twice").then_nothing()
    soon = again.when(record_follow_up, city=CITY, at=SOON, result="unreachable", note="rang again")
    soon.then_raises(IllegalStateError, "at 2025-03-04 09:00:00 either; .* 12 hours later, from 2025-03-04 21:00:00 on")
    at_once = city("2025-03-04", entry("parameters", "follow_up_spacing_hours", value=1))
    again.when(record_follow_up, city=at_once, at=SOON, result="unreachable", note="x").then_raises(
        IllegalStateError, "1 hours later"
    )
    second = asked("unreachable", "door closed", LATER)
    again.when(record_follow_up, city=CITY, at=LATER, result="unreachable", note="door closed").then(second)
    reached = issue(*HANDLED, RESOLVED, SATISFIED)
    reached.when(record_follow_up, city=CITY, result="unreachable", note="x").then_raises(
        IllegalStateError, "is satisfied"
    )


def test_the_reporter_may_judge_their_own_issue() -> None:
    spec = issue(*HANDLED, RESOLVED)
    spec.when(record_follow_up, city=CITY, by=RESIDENT, result="satisfied").then(SATISFIED)
    of_themselves = spec.when(record_follow_up, city=CITY, by=RESIDENT, result="unreachable", note="x")
    of_themselves.then_raises(IllegalStateError, "of yourself")
    spec.when(record_follow_up, city=CITY, by=STRANGER, result="satisfied").then_raises(
        ForbiddenError, "issue.follow_up"
    )
    powerless = replace(RESIDENT, powers=frozenset({"issue.report"}))
    spec.when(record_follow_up, city=CITY, by=powerless, result="satisfied").then_raises(
        ForbiddenError, "issue.follow_up"
    )


def test_follow_up_comes_after_resolving() -> None:
    early = issue(*HANDLED).when(record_follow_up, city=CITY, result="satisfied")
    early.then_raises(IllegalStateError, "once it is resolved")
    issue().when(record_follow_up, city=CITY, result="satisfied").then_raises(NotFoundError, "no issue")


# -- close, reopen --


@pytest.mark.parametrize("followed", [SATISFIED, UNREACHED])
def test_an_issue_is_closed_after_follow_up(followed: FollowUpRecorded) -> None:
    issue(*HANDLED, RESOLVED, followed).when(close_issue, because="lamp shines", city=ONE_TRY).then(CLOSED)
    issue(*HANDLED, RESOLVED, followed, CLOSED).when(close_issue, because="lamp shines", city=ONE_TRY).then_nothing()


def test_nothing_is_closed_without_follow_up() -> None:
    ask: dict[str, Any] = {"because": "x", "city": CITY}
    issue(*HANDLED, RESOLVED).when(close_issue, **ask).then_raises(IllegalStateError, "ask the person concerned")
    issue(*HANDLED).when(close_issue, **ask).then_raises(IllegalStateError, "resolved and followed up first")
    followed = issue(*HANDLED, RESOLVED, SATISFIED)
    followed.when(close_issue, by=STRANGER, **ask).then_raises(ForbiddenError, "issue.close")
    issue().when(close_issue, **ask).then_raises(NotFoundError, "no issue")


def test_a_city_may_ask_for_more_tries() -> None:
    once = issue(*HANDLED, RESOLVED, UNREACHED)
    once.when(close_issue, because="x", city=CITY).then_raises(IllegalStateError, "in 2 tries")
    twice = issue(*HANDLED, RESOLVED, UNREACHED, asked("unreachable", "again", LATER))
    twice.when(close_issue, because="lamp shines", city=CITY).then(CLOSED)


def test_follow_up_before_reopening_does_not_count_for_the_next_round() -> None:
    again = issue(*HANDLED, RESOLVED, SATISFIED, CLOSED, REOPENED, RESOLVED)
    again.when(close_issue, because="x", city=CITY).then_raises(IllegalStateError, "ask the person concerned")


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ((REPORTED, replace(BY_WORKS, contained=None)), "reported"),
        ((REPORTED, TRIAGED, BY_WORKS), "triaged"),
        ((*HANDLED, RESOLVED), "dispatched"),
    ],
)
def test_reopening_goes_back_as_far_as_it_had_come(history: tuple[Event, ...], status: str) -> None:
    spec = issue(*history)
    reopened = REOPENED if spec.state.due else replace(REOPENED, due="", calendar="", working_days=0)
    spec.when(reopen_issue, city=CITY, reason="still dark").then(reopened)
    after = ISSUE.evolve(spec.state, reopened)
    assert (after.status, after.post_id, after.outcome, after.contained) == (status, "post-grid", "", None)


def test_a_round_that_begins_after_the_time_limit_has_one_of_its_own() -> None:
    """A closed case that is opened again long after is not overdue at once (part of C12)."""
    spec = issue(*HANDLED, RESOLVED, SATISFIED, CLOSED)
    months_later = "2025-06-03T09:00:00+08:00"
    limit = working_day_after("2025-06-03", 3)
    own = city("2025-06-03", entry("parameters", "reopened_working_days", value=3))
    counted = {"due": limit.date, "calendar": limit.calendar, "working_days": 3}
    reopened = IssueReopened(issue_id=ISSUE_ID, reason="dark again", **counted)
    spec.when(reopen_issue, city=own, at=months_later, reason="dark again").then(reopened)
    assert ISSUE.evolve(spec.state, reopened).due == "2025-06-06"


def test_what_is_resolved_after_its_time_limit_says_so() -> None:
    late = "2025-03-08T09:00:00+08:00"
    issue(*HANDLED).when(resolve_issue, by=GRID, at=late, outcome="lamp replaced", city=CITY).then(
        replace(RESOLVED, in_time=False)
    )


def test_reopening_has_a_mandate_and_something_finished() -> None:
    closed = issue(*HANDLED, RESOLVED, SATISFIED, CLOSED)
    closed.when(reopen_issue, city=CITY, reason="still dark").then(REOPENED)
    closed.when(reopen_issue, city=CITY, by=STRANGER, reason="x").then_raises(ForbiddenError, "issue.reopen")
    issue(*HANDLED).when(reopen_issue, city=CITY, reason="x").then_raises(
        IllegalStateError, "only what was resolved or closed"
    )
    issue().when(reopen_issue, city=CITY, reason="x").then_raises(NotFoundError, "no issue")


# -- contact --

ERASED = ContactErased(issue_id=ISSUE_ID)


@pytest.mark.parametrize("by", [RESIDENT, mandate("post-grid", "issue.read_contact")])
def test_the_reporter_or_staff_who_may_read_it_erase_the_contact(by: Mandate) -> None:
    issue(REPORTED).when(erase_contact, by=by).then(ERASED)
    issue(REPORTED, ERASED).when(erase_contact, by=by).then_nothing()


def test_nobody_else_erases_the_contact() -> None:
    issue(REPORTED).when(erase_contact, by=STRANGER).then_raises(ForbiddenError, "issue.read_contact")
    nobody = Mandate(actor="", role="anonymous")
    anonymous = issue(replace(REPORTED, reporter=""))
    anonymous.when(erase_contact, by=nobody).then_raises(ForbiddenError, "issue.read_contact")
    issue().when(erase_contact, by=RESIDENT).then_raises(NotFoundError, "no issue")

"""From resolving to closing: nothing is final without follow-up (C09, C14, C28, C37, X08, X09)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.issues import domain
from services.issues.events import (
    ContactErased,
    FollowUpRecorded,
    IssueClosed,
    IssueEscalated,
    IssueReopened,
    IssueResolved,
)
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.following.authority import RESIDENT
from tests.domain import kit
from tests.domain.issues.city import ACCEPTED, DISPATCHED, ISSUE_ID, REPORTED, RESOLVED, TRIAGED, mandate

RESIDENT_SELF = Mandate(actor="p-resident", role="resident", powers=RESIDENT)
STRANGER = Mandate(actor="p-x", role="resident", powers=RESIDENT)
HANDLED = (REPORTED, TRIAGED, DISPATCHED, ACCEPTED)


def given(*history: Event) -> kit.Spec:
    return kit.given(domain.ISSUE, ISSUE_ID, *history)


def asked(result: str, note: str = "", at: str = kit.AT) -> FollowUpRecorded:
    return FollowUpRecorded(issue_id=ISSUE_ID, result=result, note=note, asked_at=at)


SATISFIED, UNREACHED = asked("satisfied"), asked("unreachable", "rang twice")
CLOSED = IssueClosed(issue_id=ISSUE_ID, because="lamp shines")
REOPENED = IssueReopened(issue_id=ISSUE_ID, reason="still dark", from_status="resolved", contained=True, times=1)


def test_every_issue_is_resolved_with_what_was_done() -> None:
    given(*HANDLED).when(domain.resolve, outcome="lamp replaced").then(RESOLVED)
    given(*HANDLED).when(domain.resolve, outcome=" ").then_raises(BadInputError, "what was done")
    given(*HANDLED, RESOLVED).when(domain.resolve, outcome="lamp replaced").then_nothing()
    given(*HANDLED, RESOLVED).when(domain.resolve, outcome="pole too").then_raises(
        IllegalStateError, "resolved already"
    )


def test_resolving_follows_dispatch() -> None:
    given().when(domain.resolve, outcome="x").then_raises(NotFoundError, "no issue")
    given(REPORTED, TRIAGED).when(domain.resolve, outcome="x").then_raises(IllegalStateError, "dispatch it")
    given(*HANDLED, RESOLVED, SATISFIED, CLOSED).when(domain.resolve, outcome="x").then_raises(
        IllegalStateError, "reopen"
    )
    given(*HANDLED).when(domain.resolve, by=STRANGER, outcome="x").then_raises(ForbiddenError, "issue.resolve")


def test_an_issue_solved_above_its_tier_is_not_contained() -> None:
    up = IssueEscalated(
        issue_id=ISSUE_ID,
        from_organisation_id="o-compound",
        from_level="compound",
        to_level="street",
        organisation_id="o-street",
        person_id="p-street",
        post_id="post-street",
        reason="pipes",
    )
    resolved = replace(RESOLVED, level="street", contained=False)
    given(*HANDLED, up).when(domain.resolve, outcome="lamp replaced").then(resolved)


# -- works (C37) --

BY_WORKS = IssueResolved(
    issue_id=ISSUE_ID, outcome="works accepted", because="project-1", level="compound", contained=True
)


@pytest.mark.parametrize("history", [(REPORTED, TRIAGED), (REPORTED, TRIAGED, DISPATCHED), HANDLED])
def test_accepted_works_resolve_an_open_issue(history: tuple[Event, ...]) -> None:
    given(*history).when(domain.finish, project_id="project-1", outcome="works accepted").then(BY_WORKS)


def test_accepted_works_resolve_an_issue_that_was_never_triaged() -> None:
    untiered = replace(BY_WORKS, contained=None)
    given(REPORTED).when(domain.finish, project_id="project-1", outcome="works accepted").then(untiered)


@pytest.mark.parametrize("history", [(), (*HANDLED, RESOLVED), (*HANDLED, RESOLVED, SATISFIED, CLOSED)])
def test_accepted_works_leave_other_issues_alone(history: tuple[Event, ...]) -> None:
    given(*history).when(domain.finish, project_id="project-1", outcome="works accepted").then_nothing()


# -- follow-up --


def test_follow_up_records_what_the_person_says() -> None:
    given(*HANDLED, RESOLVED).when(domain.record_follow_up, result="satisfied").then(SATISFIED)
    given(*HANDLED, RESOLVED, SATISFIED).when(domain.record_follow_up, result="satisfied").then_nothing()


def test_not_satisfied_reopens_at_once_and_keeps_who_is_accountable() -> None:
    spec = given(*HANDLED, RESOLVED)
    no = asked("not_satisfied", "still dark")
    spec.when(domain.record_follow_up, result="not_satisfied", note="still dark").then(no, REOPENED)
    after = domain.ISSUE.evolve(domain.ISSUE.evolve(spec.state, no), REOPENED)
    assert (after.status, after.post_id, after.person_id, after.due) == (
        "dispatched",
        "post-grid",
        "p-grid",
        DISPATCHED.due,
    )
    spec.when(domain.record_follow_up, result="not_satisfied").then_raises(BadInputError, "not satisfied with")


def test_unreachable_needs_a_reason_and_two_tries_at_one_moment_are_one() -> None:
    spec = given(*HANDLED, RESOLVED)
    spec.when(domain.record_follow_up, result="unreachable", note="rang twice").then(UNREACHED)
    spec.when(domain.record_follow_up, result="unreachable", note=" ").then_raises(BadInputError, "tried to be reached")
    again = given(*HANDLED, RESOLVED, UNREACHED)
    again.when(domain.record_follow_up, result="unreachable", note="rang twice").then_nothing()
    later = "2025-03-05T09:00:00+08:00"
    second = asked("unreachable", "door closed", later)
    again.when(domain.record_follow_up, at=later, result="unreachable", note="door closed").then(second)
    reached = given(*HANDLED, RESOLVED, SATISFIED)
    reached.when(domain.record_follow_up, result="unreachable", note="x").then_raises(IllegalStateError, "is satisfied")


def test_the_reporter_may_judge_their_own_issue() -> None:
    spec = given(*HANDLED, RESOLVED)
    spec.when(domain.record_follow_up, by=RESIDENT_SELF, result="satisfied").then(SATISFIED)
    spec.when(domain.record_follow_up, by=RESIDENT_SELF, result="unreachable", note="x").then_raises(
        IllegalStateError, "of yourself"
    )
    spec.when(domain.record_follow_up, by=STRANGER, result="satisfied").then_raises(ForbiddenError, "issue.follow_up")


def test_follow_up_comes_after_resolving() -> None:
    given(*HANDLED).when(domain.record_follow_up, result="satisfied").then_raises(
        IllegalStateError, "once it is resolved"
    )
    given().when(domain.record_follow_up, result="satisfied").then_raises(NotFoundError, "no issue")


# -- close, reopen --


@pytest.mark.parametrize("followed", [SATISFIED, UNREACHED])
def test_an_issue_is_closed_after_follow_up(followed: FollowUpRecorded) -> None:
    given(*HANDLED, RESOLVED, followed).when(domain.close, because="lamp shines").then(CLOSED)
    given(*HANDLED, RESOLVED, followed, CLOSED).when(domain.close, because="lamp shines").then_nothing()


def test_nothing_is_closed_without_follow_up_or_reason() -> None:
    given(*HANDLED, RESOLVED).when(domain.close, because="x").then_raises(IllegalStateError, "ask the person concerned")
    given(*HANDLED, RESOLVED, SATISFIED).when(domain.close, because="").then_raises(BadInputError, "its own reason")
    given(*HANDLED).when(domain.close, because="x").then_raises(IllegalStateError, "resolved and followed up first")
    given(*HANDLED, RESOLVED, SATISFIED).when(domain.close, by=STRANGER, because="x").then_raises(
        ForbiddenError, "issue.close"
    )
    given().when(domain.close, because="x").then_raises(NotFoundError, "no issue")


def test_a_city_may_ask_for_more_tries() -> None:
    once = given(*HANDLED, RESOLVED, UNREACHED)
    once.when(domain.close, because="x", tries=2).then_raises(IllegalStateError, "in 2 tries")
    twice = given(*HANDLED, RESOLVED, UNREACHED, asked("unreachable", "again", "2025-03-05T09:00:00+08:00"))
    twice.when(domain.close, because="lamp shines", tries=2).then(CLOSED)


def test_follow_up_before_reopening_does_not_count_for_the_next_round() -> None:
    again = (*HANDLED, RESOLVED, SATISFIED, CLOSED, REOPENED, RESOLVED)
    given(*again).when(domain.close, because="x").then_raises(IllegalStateError, "ask the person concerned")


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ((REPORTED, replace(BY_WORKS, contained=None)), "reported"),
        ((REPORTED, TRIAGED, BY_WORKS), "triaged"),
        ((*HANDLED, RESOLVED), "dispatched"),
    ],
)
def test_reopening_goes_back_as_far_as_it_had_come(history: tuple[Event, ...], status: str) -> None:
    spec = given(*history)
    spec.when(domain.reopen, reason="still dark").then(replace(REOPENED, contained=spec.state.contained))
    after = domain.ISSUE.evolve(spec.state, REOPENED)
    assert (after.status, after.post_id, after.outcome) == (status, "post-grid", "")


def test_reopening_has_a_reason_a_mandate_and_something_finished() -> None:
    closed = given(*HANDLED, RESOLVED, SATISFIED, CLOSED)
    closed.when(domain.reopen, reason="still dark").then(replace(REOPENED, from_status="closed"))
    closed.when(domain.reopen, reason=" ").then_raises(BadInputError, "opened again")
    closed.when(domain.reopen, by=STRANGER, reason="x").then_raises(ForbiddenError, "issue.reopen")
    given(*HANDLED).when(domain.reopen, reason="x").then_raises(IllegalStateError, "it is open")
    given().when(domain.reopen, reason="x").then_raises(NotFoundError, "no issue")


# -- contact (X09) --

ERASED = ContactErased(issue_id=ISSUE_ID)


@pytest.mark.parametrize("by", [RESIDENT_SELF, mandate("post-grid", "issue.read_contact")])
def test_the_reporter_or_staff_who_may_read_it_erase_the_contact(by: Any) -> None:
    given(REPORTED).when(domain.erase_contact, by=by).then(ERASED)
    given(REPORTED, ERASED).when(domain.erase_contact, by=by).then_nothing()


def test_nobody_else_erases_the_contact() -> None:
    given(REPORTED).when(domain.erase_contact, by=STRANGER).then_raises(ForbiddenError, "only who reported")
    nobody = Mandate(actor="", role="anonymous")
    anonymous = given(replace(REPORTED, reporter=""))
    anonymous.when(domain.erase_contact, by=nobody).then_raises(ForbiddenError, "only who reported")
    given().when(domain.erase_contact, by=RESIDENT_SELF).then_raises(NotFoundError, "no issue")

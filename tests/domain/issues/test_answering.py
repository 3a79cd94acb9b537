"""Who answers for an issue when posts and persons change, nobody acts, or the post is the wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.issues.issue.answering import pass_on, raise_untaken
from services.issues.issue.facts import (
    FollowUpRecorded,
    IssueHandedUp,
    IssueInherited,
    IssueRaised,
    IssueReopened,
    IssueReported,
    IssueReturned,
    IssueWithdrawn,
)
from services.issues.issue.handling import accept_issue, dispatch_issue, escalate_issue, return_issue, triage_issue
from services.issues.issue.outcome import record_follow_up, reopen_issue, resolve_issue, withdraw_issue
from services.issues.issue.state import ISSUE
from shared.domain.calendar import working_day_after
from shared.domain.errors import ForbiddenError, IllegalStateError
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
from tests.kit.city import COMPOUND, FOUNDED, OTHER_COMPOUND, entry, post
from tests.kit.rows import city

DAY = AT[:10]
SECRETARY = {"organisation_id": "o-community", "person_id": "p-secretary", "post_id": "post-secretary"}
STREET = {"organisation_id": "o-street", "person_id": "p-street", "post_id": "post-street"}
UP = IssueHandedUp(issue_id=ISSUE_ID, level="community", cause="vacant", **SECRETARY)


def left(post_id: str, person_id: str, until: str = "2025-03-01") -> tuple[str, dict[str, Any]]:
    """The fact that a holder has left."""
    gone = {"post_id": post_id, "person_id": person_id, "since": FOUNDED, "until": until, "reason": ""}
    return "AppointmentEnded", gone | {"organisation_id": "o-compound", "place": COMPOUND}


GRID_LEFT, SECRETARY_LEFT = left("post-grid", "p-grid"), left("post-secretary", "p-secretary")
ABOLISHED = ("PostAbolished", {"post_id": "post-grid", "until": "2025-03-01"})
DISSOLVED = ("OrganisationDissolved", {"organisation_id": "o-compound", "until": "2025-03-01"})
ERASED = ("PersonErased", {"person_id": "p-grid", "place": "", "reason": ""})


# -- holders that are gone --


@pytest.mark.parametrize("history", [(REPORTED,), (REPORTED, TRIAGED), HANDLED])
@pytest.mark.parametrize(
    ("gone", "cause"),
    [
        ([GRID_LEFT], "vacant"),
        ([GRID_LEFT, ABOLISHED], "abolished"),
        ([GRID_LEFT, ABOLISHED, DISSOLVED], "dissolved"),
        ([ERASED], "erased"),
    ],
)
def test_an_open_issue_rises_to_the_next_above_when_its_holder_is_gone(
    history: tuple[Event, ...], gone: list[tuple[str, dict[str, Any]]], cause: str
) -> None:
    spec = issue(*history)
    spec.when(pass_on, city=city(DAY, *gone)).then(replace(UP, cause=cause))
    after = ISSUE.evolve(spec.state, UP)
    assert (after.post_id, after.person_id, after.level, after.due) == (
        "post-secretary",
        "p-secretary",
        "community",
        spec.state.due,
    )
    assert after.status == ("dispatched" if spec.state.status == "accepted" else spec.state.status)


def test_it_rises_past_posts_that_are_vacant_too() -> None:
    gone = city(DAY, GRID_LEFT, SECRETARY_LEFT)
    issue(*HANDLED).when(pass_on, city=gone).then(replace(UP, level="street", **STREET))


def test_at_the_top_it_goes_to_whoever_else_takes_in_issues() -> None:
    gone = city(DAY, left("post-street", "p-street"))
    issue(*HANDLED, ESCALATED).when(pass_on, city=gone).then(
        IssueHandedUp(
            issue_id=ISSUE_ID,
            organisation_id="o-compound",
            person_id="p-grid",
            post_id="post-grid",
            level="compound",
            cause="vacant",
        )
    )


def test_the_successor_who_is_appointed_first_inherits() -> None:
    (_, (_, known), appointed) = post("post-grid", "o-compound", "grid_worker", "p-new")
    successor = city(DAY, ("PersonRegistered", known), appointed)
    spec = issue(*HANDLED)
    spec.when(pass_on, city=successor).then(IssueInherited(issue_id=ISSUE_ID, person_id="p-new"))
    after = ISSUE.evolve(spec.state, IssueInherited(issue_id=ISSUE_ID, person_id="p-new"))
    assert (after.post_id, after.person_id, after.status) == ("post-grid", "p-new", "dispatched")


@pytest.mark.parametrize("history", [(), HANDLED, (*HANDLED, RESOLVED), (*HANDLED, RESOLVED, SATISFIED, CLOSED)])
def test_what_is_held_or_not_open_stays(history: tuple[Event, ...]) -> None:
    issue(*history).when(pass_on, city=CITY if history == HANDLED else city(DAY, GRID_LEFT)).then_nothing()


def next_round(reason: str, day: str) -> IssueReopened:
    """The fact that a round with ten working days begins."""
    limit = working_day_after(day, 10)
    counted = {"due": limit.date, "calendar": limit.calendar, "working_days": 10}
    return IssueReopened(issue_id=ISSUE_ID, reason=reason, **counted)


def test_what_is_opened_again_finds_somebody_who_is_there() -> None:
    gone = city(DAY, GRID_LEFT)
    reopened = next_round("still dark", DAY)
    spec = issue(*HANDLED, RESOLVED)
    spec.when(reopen_issue, city=gone, reason="still dark").then(reopened, UP)
    no = FollowUpRecorded(issue_id=ISSUE_ID, result="not_satisfied", note="still dark", asked_at=AT)
    spec.when(record_follow_up, city=gone, result="not_satisfied", note="still dark").then(no, reopened, UP)


# -- untaken --


def test_what_nobody_acts_on_rises_up_to_the_top() -> None:
    raised = IssueRaised(issue_id=ISSUE_ID, level="community", days=3, **SECRETARY)
    higher = replace(raised, level="street", **STREET)

    def waits(*history: Event, at: str = "post-grid") -> Any:
        return issue(*history).when(raise_untaken, city=CITY, post_id=at, days=3)

    waits(REPORTED).then(raised)
    waits(REPORTED, raised, at="post-secretary").then(higher)
    waits(REPORTED, higher, at="post-street").then_nothing()
    waits(REPORTED, TRIAGED).then(raised)
    waits(REPORTED, TRIAGED, DISPATCHED).then_nothing()
    waits(REPORTED, at="post-secretary").then_nothing()


# -- only who can act --


def test_an_issue_goes_only_to_a_post_that_can_accept_and_resolve_it_there() -> None:
    accountant = post("post-accountant", "o-community", "accountant", "p-accountant")
    taker = post("post-taker", "o-community", "taker", "p-taker")
    elsewhere = post("post-elsewhere", "o-community", "grid_worker", "p-there", place=OTHER_COMPOUND)
    roles = [entry("roles", "accountant", powers=["money.read"]), entry("roles", "taker", powers=["issue.accept"])]
    town = city(DAY, *roles, *accountant, *taker, *elsewhere)
    why = {
        "post-accountant": "its role accountant does not give issue.accept",
        "post-taker": "its role taker does not give issue.resolve",
        "post-elsewhere": f"it is for {OTHER_COMPOUND}, and the issue is at {COMPOUND}",
    }
    for post_id, reason in why.items():
        asked = {"post_id": post_id, "duty": "x", "due": "2025-03-07", "city": town}
        issue(REPORTED, TRIAGED).when(dispatch_issue, **asked).then_raises(IllegalStateError, reason)
        up = issue(*HANDLED).when(escalate_issue, to_post=post_id, reason="x", city=town)
        up.then_raises(IllegalStateError, reason)


def test_what_lies_outside_all_posts_is_handled_by_who_answers_for_it() -> None:
    """The last resort triages, dispatches and settles what it answers for, wherever it lies (part of X13)."""
    whole: Any = replace(REPORTED, place="350104", level="street", **STREET)
    street = mandate("post-street", "issue.*")
    judged = {"severity": "big", "reason": "x", "city": CITY}
    spec = issue(whole)
    (triaged,) = spec.when(triage_issue, by=street, **judged).ask(spec.state)
    spec.when(triage_issue, by=mandate("post-secretary", "issue.*"), **judged).then_raises(ForbiddenError, "350104")
    spec = issue(whole, triaged)  # type: ignore[arg-type]  # a fact of its own
    sent = {"post_id": "post-street", "duty": "x", "due": "2025-03-07", "city": CITY}
    (dispatched,) = spec.when(dispatch_issue, by=street, **sent).ask(spec.state)
    spec = issue(whole, triaged, dispatched)  # type: ignore[arg-type]  # as before
    assert len(spec.when(accept_issue, by=street).ask(spec.state)) == 1
    assert len(spec.when(resolve_issue, by=street, outcome="x", city=CITY).ask(spec.state)) == 1


# -- return --

SENT = replace(DISPATCHED, by_post_id="post-secretary")
RETURNED = IssueReturned(issue_id=ISSUE_ID, level="community", reason="not ours", **SECRETARY)


def test_a_post_returns_an_issue_to_who_dispatched_it() -> None:
    spec = issue(REPORTED, TRIAGED, SENT)
    spec.when(return_issue, by=GRID, city=CITY, reason="not ours").then(RETURNED)
    after = ISSUE.evolve(spec.state, RETURNED)
    assert (after.status, after.post_id, after.due, after.duty) == ("triaged", "post-secretary", SENT.due, "")
    issue(REPORTED, TRIAGED, SENT, RETURNED).when(
        dispatch_issue, post_id="post-grid", duty="x", due=SENT.due, city=CITY
    )


def test_when_who_dispatched_it_has_left_it_goes_to_the_next_above() -> None:
    gone = city(DAY, SECRETARY_LEFT)
    up = replace(RETURNED, level="street", **STREET)
    issue(REPORTED, TRIAGED, SENT).when(return_issue, by=GRID, city=gone, reason="not ours").then(up)
    former = replace(DISPATCHED, by_post_id="")  # recorded before it could be returned
    issue(REPORTED, TRIAGED, former).when(return_issue, by=GRID, city=CITY, reason="not ours").then(RETURNED)


def test_only_the_accountable_post_returns_what_somebody_else_dispatched() -> None:
    spec = issue(REPORTED, TRIAGED, SENT)
    other = spec.when(return_issue, by=mandate("post-secretary", "issue.*"), city=CITY, reason="x")
    other.then_raises(ForbiddenError, "only the post that answers")
    itself = issue(REPORTED, TRIAGED, replace(DISPATCHED, by_post_id="post-grid"))
    itself.when(return_issue, by=GRID, city=CITY, reason="x").then_raises(IllegalStateError, "nobody to return it to")
    issue(REPORTED).when(return_issue, by=GRID, city=CITY, reason="x").then_raises(IllegalStateError, "is returned")


# -- the reporter --


def test_the_reporter_withdraws_until_it_is_resolved() -> None:
    withdrawn = IssueWithdrawn(issue_id=ISSUE_ID, reason="it works")
    for history in ((REPORTED,), (REPORTED, TRIAGED), HANDLED):
        issue(*history).when(withdraw_issue, by=RESIDENT, reason="it works").then(withdrawn)
    issue(REPORTED, withdrawn).when(withdraw_issue, by=RESIDENT, reason="it works").then_nothing()
    late = issue(*HANDLED, RESOLVED).when(withdraw_issue, by=RESIDENT, reason="x")
    late.then_raises(IllegalStateError, "not resolved yet is withdrawn")
    for somebody in (STRANGER, GRID):
        issue(REPORTED).when(withdraw_issue, by=somebody, reason="x").then_raises(ForbiddenError, "only who reported")
    anonymous = issue(replace(REPORTED, reporter=""))
    nobody = Mandate(actor="", role="anonymous", powers=frozenset({"issue.report", "issue.judge"}))
    anonymous.when(withdraw_issue, by=nobody, reason="x").then_raises(ForbiddenError, "only who reported")


def test_the_reporter_opens_a_closed_case_again_within_the_time_of_the_city() -> None:
    closed = issue(*HANDLED, RESOLVED, SATISFIED, CLOSED)
    for day in ("2025-03-05", "2025-04-03"):
        at = f"{day}T09:00:00+08:00"
        closed.when(reopen_issue, by=RESIDENT, at=at, city=city(day), reason="dark again").then(
            next_round("dark again", day)
        )
    late = {"at": "2025-04-04T00:00:00+08:00", "city": city("2025-04-04"), "reason": "dark again"}
    closed.when(reopen_issue, by=RESIDENT, **late).then_raises(IllegalStateError, "within 30 days")
    closed.when(reopen_issue, **late).then(next_round("dark again", "2025-04-04"))
    long_ago = issue(*HANDLED, RESOLVED, SATISFIED, replace(CLOSED, closed_on=""))
    long_ago.when(reopen_issue, by=RESIDENT, city=CITY, reason="x").then_raises(IllegalStateError, "report it anew")


# -- who did it does not judge it --


def test_only_the_accountable_post_resolves() -> None:
    for other in (mandate("post-street", "issue.*"), mandate("post-secretary", "issue.*")):
        spec = issue(*HANDLED).when(resolve_issue, by=other, outcome="x", city=CITY)
        spec.then_raises(ForbiddenError, "only the post that answers")


def test_who_resolved_it_does_not_follow_it_up() -> None:
    spec = issue(*HANDLED, RESOLVED)
    for by in (GRID, replace(mandate("post-secretary", "issue.*"), actor="p-grid")):
        own = spec.when(record_follow_up, by=by, city=CITY, result="satisfied")
        own.then_raises(ForbiddenError, "does not follow it up")
    spec.when(record_follow_up, by=mandate("post-secretary", "issue.*"), city=CITY, result="satisfied").then(SATISFIED)
    spec.when(record_follow_up, by=RESIDENT, city=CITY, result="satisfied").then(SATISFIED)
    mine: IssueReported = replace(REPORTED, reporter="p-grid")
    own = issue(mine, *HANDLED[1:], RESOLVED).when(record_follow_up, by=GRID, city=CITY, result="satisfied")
    own.then_raises(ForbiddenError, "does not follow it up")

"""Decisions from resolving to closing: nothing is final before the person concerned was asked (C09, X08)."""

from __future__ import annotations

from collections.abc import Collection

from services.issues.domain.handling import given, without_numbers
from services.issues.domain.issue import OPEN, Issue
from services.issues.domain.post import contained
from services.issues.events import ContactErased, FollowUpRecorded, IssueClosed, IssueReopened, IssueResolved
from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

RESULTS = ("satisfied", "not_satisfied", "unreachable")


def resolve(
    issue: Issue, *, by: Mandate, at: str, outcome: str, because: str = "", levels: Collection[str] = ()
) -> list[Event]:
    """State what was done about this one issue (C28).

    `because` names a project or is "", `levels` are the codes of the city's profile from the highest to the lowest.
    """
    issue.expect("resolved", "dispatched", "accepted", "resolved", otherwise=_otherwise(issue))
    by.require("issue.resolve", issue.place)
    outcome = without_numbers(given(outcome, "outcome", "every issue is closed with what was done about it"))
    if issue.status == "resolved":
        if (issue.outcome, issue.because) == (outcome, because):
            return []
        raise IllegalStateError("the issue is resolved already; follow it up, or reopen it to resolve it differently")
    return [_resolved(issue, outcome, because, levels)]


def _otherwise(issue: Issue) -> str:
    return "reopen it first" if issue.status == "closed" else "dispatch it to somebody first"


def _resolved(issue: Issue, outcome: str, because: str, levels: Collection[str]) -> IssueResolved:
    return IssueResolved(
        issue_id=issue.id,
        outcome=outcome,
        because=because,
        level=issue.level,
        contained=contained(issue.level, issue.tier, levels) if issue.tier else None,
    )


def finish(issue: Issue, *, by: Mandate, at: str, project_id: str, outcome: str) -> list[Event]:
    """Works that passed acceptance resolve an issue they were opened for; it is still followed up (C37).

    An issue that is resolved, closed or not ours stays as it is: one works contract names several.
    """
    if issue.status not in OPEN:
        return []
    by.require("issue.resolve", issue.place)
    return [
        _resolved(issue, given(outcome, "outcome", "every issue is closed with what was done about it"), project_id, ())
    ]


def record_follow_up(issue: Issue, *, by: Mandate, at: str, result: str, note: str = "") -> list[Event]:
    """Record what the person concerned says; not satisfied reopens the issue at once (C09).

    The reporter may say it themselves. That nobody was reached needs a reason.
    """
    issue.expect("followed up", "resolved", otherwise="it is followed up once it is resolved")
    if by.actor and by.actor == issue.reporter and not by.may("issue.follow_up", issue.place):
        by.require("issue.judge", issue.place)
        if result == "unreachable":
            raise IllegalStateError(
                "you cannot say of yourself that you were not reached", {"result": "satisfied or not_satisfied"}
            )
    else:
        by.require("issue.follow_up", issue.place)
    note = without_numbers(note.strip())
    followed = FollowUpRecorded(issue_id=issue.id, result=result, note=note, asked_at=at)
    match result:
        case "satisfied":
            return [] if issue.followed == "satisfied" else [followed]
        case "unreachable":
            given(note, "note", "say how the person was tried to be reached")
            if issue.followed == "satisfied":
                raise IllegalStateError("the person concerned was reached and is satisfied; the issue can be closed")
            return [] if issue.tried_at == at else [followed]
        case _:
            given(note, "note", "say what the person is not satisfied with")
            return [followed, _reopened(issue, note)]


def close(issue: Issue, *, by: Mandate, at: str, because: str, tries: int = 1) -> list[Event]:
    """Make an issue final: the person concerned is satisfied, or was not reached in `tries` tries (C09, C28, X08)."""
    issue.expect("closed", "resolved", "closed", otherwise="it must be resolved and followed up first")
    by.require("issue.close", issue.place)
    because = without_numbers(given(because, "because", "every single issue is closed with its own reason"))
    if issue.status == "closed":
        return []
    if issue.followed != "satisfied" and issue.tries < max(1, tries):
        raise IllegalStateError(
            f"ask the person concerned first: they must be satisfied, or not be reached in {max(1, tries)} tries",
            {"follow_up": "missing"},
        )
    return [IssueClosed(issue_id=issue.id, because=because)]


def reopen(issue: Issue, *, by: Mandate, at: str, reason: str) -> list[Event]:
    """Open a resolved or closed issue again; whoever was accountable still is (X13)."""
    issue.expect("reopened", "resolved", "closed", otherwise="it is open")
    by.require("issue.reopen", issue.place)
    return [_reopened(issue, without_numbers(given(reason, "reason", "say why it is opened again")))]


def _reopened(issue: Issue, reason: str) -> IssueReopened:
    return IssueReopened(
        issue_id=issue.id,
        reason=reason,
        from_status=issue.status,
        contained=issue.contained,
        times=issue.reopened + 1,
    )


def erase_contact(issue: Issue, *, by: Mandate, at: str) -> list[Event]:
    """Make the reporter's contact unreadable for ever; the reporter asks for it, or staff who may read it (X09)."""
    issue.expect("changed", *OPEN, "resolved", "closed", otherwise="")
    if not ((by.actor and by.actor == issue.reporter) or by.may("issue.read_contact", issue.place)):
        raise ForbiddenError("only who reported the issue may have the contact erased", {"issue_id": issue.id})
    return [ContactErased(issue_id=issue.id)] if issue.contact else []

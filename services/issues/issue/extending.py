"""More time for an issue: the accountable post asks, somebody else approves or declines (C12)."""

from __future__ import annotations

from typing import Annotated

from services.issues.issue.answering import answering, its_post
from services.issues.issue.facts import ExtensionAsked, ExtensionDeclined, IssueExtended
from services.issues.issue.handling import time_limit
from services.issues.issue.state import ISSUE, Issue
from shared.domain.city import City
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, WORKING_DAYS, text
from shared.domain.mandate import Mandate
from shared.domain.words import Said, _, said


def _somebody_else(issue: Issue, by: Mandate) -> Said | None:
    mine = by.actor == issue.person_id
    return said(_("an extension is approved by somebody else than the accountable person")) if mine else None


@ISSUE.command(
    "issue.extend",
    when=("dispatched", "accepted"),
    only=_somebody_else,
    otherwise=_("the issue is {status}; only a dispatched issue has a time limit"),
)
def extend_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(1000), "why more time is needed"],
    due: Annotated[
        str, DAY, "last day of the time limit; empty, and no working days: as the accountable post asks for"
    ] = "",
    working_days: Annotated[int, WORKING_DAYS, "time limit in working days from today, instead of a date"] = 0,
) -> list[Event]:
    """Approve a later time limit, that which was asked for or another; nobody approves their own (C12)."""
    if not working_days:
        due = due or issue.asked_due
    limit = time_limit(due, working_days, at[:10], city)
    _check_later(limit.date, issue)
    return [
        IssueExtended(
            issue_id=issue.id, due=limit.date, calendar=limit.calendar, reason=reason, working_days=working_days
        )
    ]


def _check_later(day: str, issue: Issue) -> None:
    if day <= issue.due:
        raise IllegalStateError(
            _("{later} is not later than the present time limit {due}"),
            {"due": said(_("must be later"))},
            later=day,
            due=issue.due,
        )


@ISSUE.command(
    "issue.accept",
    when=("dispatched", "accepted"),
    owner=answering("issue.accept"),
    only=its_post,
    otherwise=_("the issue is {status}; only a dispatched issue has a time limit"),
)
def ask_extension(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    due: Annotated[str, DAY, "last day of the time limit that is asked for"],
    reason: Annotated[str, text(1000), "why more time is needed"],
) -> list[Event]:
    """Ask for a later time limit; the present one goes on running until somebody else approves it (C12)."""
    if issue.asked_due == due:
        return []
    _check_later(time_limit(due, 0, at[:10], city).date, issue)
    return [ExtensionAsked(issue_id=issue.id, due=due, reason=reason)]


def _nothing_asked(issue: Issue, by: Mandate, city: City) -> Said | None:
    return None if issue.asked_due else said(_("nobody asks for more time"))


@ISSUE.command(
    "issue.extend",
    when=("dispatched", "accepted"),
    only=_somebody_else,
    unless=_nothing_asked,
    otherwise=_("the issue is {status}; only a dispatched issue has a time limit"),
)
def decline_extension(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(1000), "why the time limit stays"],
) -> list[Event]:
    """Decline the later time limit that was asked for (C12)."""
    if not issue.asked_due:
        raise IllegalStateError(_("nobody asks for more time"))
    return [ExtensionDeclined(issue_id=issue.id, reason=reason)]

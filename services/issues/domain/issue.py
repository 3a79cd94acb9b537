"""An issue: its state and how facts change it.

What leads from one status to the next; anything else is refused with what would unblock it:

| command          | from                                    | to                                       |
|------------------|-----------------------------------------|------------------------------------------|
| report           | unknown                                 | reported                                 |
| triage           | reported, triaged                       | triaged                                  |
| dispatch         | triaged, dispatched, accepted           | dispatched                               |
| accept           | dispatched, accepted (a successor)      | accepted                                 |
| extend           | dispatched, accepted                    | the same                                 |
| escalate         | reported, triaged, dispatched, accepted | the same; accepted: dispatched           |
| resolve          | dispatched, accepted                    | resolved                                 |
| finish (works)   | reported, triaged, dispatched, accepted | resolved                                 |
| record_follow_up | resolved                                | the same; not satisfied: as reopen       |
| close            | resolved and followed up                | closed                                   |
| reopen           | resolved, closed                        | as far as it had come: dispatched,       |
|                  |                                         | triaged or reported; the same accountable|

From `reported` on there is exactly one accountable organisation, post and person (X13).
"""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec.structs import replace

from services.issues.events import (
    CODEC,
    ContactErased,
    FollowUpRecorded,
    IssueAccepted,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueExtended,
    IssueFact,
    IssueReopened,
    IssueReported,
    IssueResolved,
    IssueTriaged,
)
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError

#: An issue in one of these waits for somebody to act.
OPEN = ("reported", "triaged", "dispatched", "accepted")


class Issue(msgspec.Struct, frozen=True):
    """What decisions need to know of an issue; facts of the last round of resolving are kept until it is reopened."""

    id: str
    status: str = "unknown"
    place: str = ""
    category: str = ""
    description: str = ""
    channel: str = ""
    origin: str = ""
    reporter: str = ""
    contact: str = ""  # sealed
    organisation_id: str = ""
    person_id: str = ""
    post_id: str = ""
    level: str = ""
    severity: str = ""
    tier: str = ""
    reason: str = ""  # of the triage
    duty: str = ""
    due: str = ""
    outcome: str = ""
    because: str = ""
    contained: bool | None = None
    reopened: int = 0  # times
    followed: str = ""  # result of the last follow-up since it was resolved
    tries: int = 0  # times nobody was reached since it was resolved
    tried_at: str = ""  # the last of them

    def expect(self, doing: str, *statuses: str, otherwise: str) -> None:
        """Raise `NotFoundError` or `IllegalStateError` unless the issue is in one of the statuses."""
        if self.status == "unknown":
            raise NotFoundError(f"there is no issue {self.id}", {"issue_id": "unknown"})
        if self.status not in statuses:
            raise IllegalStateError(f"a {self.status} issue cannot be {doing}; {otherwise}", {"status": self.status})


def status_reopened(duty: str, tier: str) -> str:
    """Where an issue goes on when it is reopened: as far as it had come."""
    return "dispatched" if duty else "triaged" if tier else "reported"


def status_escalated(status: str) -> str:
    """Where an issue goes on when it is escalated: the new person has yet to accept it."""
    return "dispatched" if status == "accepted" else status


def evolve(issue: Issue, event: IssueFact) -> Issue:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case IssueReported():
            return Issue(
                id=event.issue_id,
                status="reported",
                place=event.place,
                category=event.category,
                description=event.description,
                channel=event.channel,
                origin=event.origin,
                reporter=event.reporter,
                contact=event.contact,
                organisation_id=event.organisation_id,
                person_id=event.person_id,
                post_id=event.post_id,
                level=event.level,
            )
        case IssueTriaged():
            level = event.level or issue.level
            return replace(
                issue, status="triaged", severity=event.severity, tier=event.tier, reason=event.reason, level=level
            )
        case IssueDispatched():
            return replace(
                issue,
                status="dispatched",
                organisation_id=event.organisation_id,
                person_id=event.person_id,
                post_id=event.post_id,
                level=event.level,
                duty=event.duty,
                due=event.due,
            )
        case IssueAccepted():
            return replace(issue, status="accepted", person_id=event.person_id)
        case IssueExtended():
            return replace(issue, due=event.due)
        case IssueEscalated():
            return replace(
                issue,
                status=status_escalated(issue.status),
                organisation_id=event.organisation_id,
                person_id=event.person_id,
                post_id=event.post_id,
                level=event.to_level,
            )
        case IssueResolved():
            return replace(
                issue, status="resolved", outcome=event.outcome, because=event.because, contained=event.contained
            )
        case FollowUpRecorded():
            if event.result != "unreachable":
                return replace(issue, followed=event.result)
            return replace(issue, followed=event.result, tries=issue.tries + 1, tried_at=event.asked_at)
        case IssueClosed():
            return replace(issue, status="closed")
        case IssueReopened():
            status = status_reopened(issue.duty, issue.tier)
            issue = replace(issue, status=status, outcome="", because="", contained=None, reopened=event.times)
            return replace(issue, followed="", tries=0, tried_at="")
        case ContactErased():
            return replace(issue, contact="")
        case _:
            assert_never(event)


ISSUE = Decider("issue", CODEC, Issue, Issue, evolve, lambda issue: issue.place)

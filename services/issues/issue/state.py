"""An issue: its state and how facts change it. From `reported` on exactly one organisation, post and person answer for it (X13)."""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec.structs import replace

from services.issues.issue.facts import (
    CODEC,
    ContactErased,
    ExtensionAsked,
    ExtensionDeclined,
    FollowUpRecorded,
    IssueAccepted,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueExtended,
    IssueFact,
    IssueHandedUp,
    IssueHeld,
    IssueInherited,
    IssueOverdue,
    IssueRaised,
    IssueRelocated,
    IssueReopened,
    IssueReported,
    IssueResolved,
    IssueReturned,
    IssueStruckOut,
    IssueTriaged,
    IssueWithdrawn,
    LimitCountedAgain,
    TextWithheld,
)
from shared.domain.decider import Decider
from shared.domain.event import taken

#: An issue in one of these waits for somebody to act.
OPEN = ("reported", "triaged", "dispatched", "accepted")
#: Nobody answers for an issue in one of these, and what it says is for staff.
NOT_TAKEN = ("held", "struck_out")
STATUSES = (*OPEN, "resolved", "closed", "withdrawn", *NOT_TAKEN)


class Issue(msgspec.Struct, frozen=True):
    """An issue; what is known of the last round of resolving is kept until it is reopened."""

    id: str
    status: str = "unknown"  # unknown, or one of STATUSES
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
    sender: str = ""  # post that dispatched or escalated it to the accountable one
    severity: str = ""
    tier: str = ""
    reason: str = ""  # of the triage
    duty: str = ""
    due: str = ""
    calendar: str = ""  # that the time limit was computed with
    working_days: int = 0  # that it was counted from; 0: it was named
    asked_due: str = ""  # the later time limit that is asked for, until somebody decides on it
    asked_because: str = ""
    missed: str = ""  # the time limit, once it has passed, until there is another one
    outcome: str = ""
    because: str = ""
    contained: bool | None = None
    resolved_by: str = ""  # person
    closed_because: str = ""
    closed_on: str = ""
    withdrawn_because: str = ""
    struck_because: str = ""
    reopened: int = 0  # times
    follow_ups: dict[str, int] = {}  # answers of all rounds by result
    followed: str = ""  # result of the last follow-up since it was resolved
    tries: int = 0  # times nobody was reached since it was resolved
    tried_at: str = ""  # the last of them
    confidential: bool = False
    withheld: tuple[str, ...] = ()  # texts that were moved out of public sight
    link: str = ""  # digest of what the private link of who reported it proves
    link_until: str = ""  # last day on which it holds


def _moved(issue: Issue, event: IssueEscalated | IssueHandedUp | IssueRaised | IssueReturned, level: str) -> Issue:
    """The issue with another accountable post, whose holder has yet to accept it."""
    return replace(
        issue,
        status="dispatched" if issue.status == "accepted" else issue.status,
        organisation_id=event.organisation_id,
        person_id=event.person_id,
        post_id=event.post_id,
        level=level,
        sender="",
        asked_due="",
        asked_because="",
    )


def _reopened(issue: Issue, event: IssueReopened) -> Issue:
    """The issue in its next round, as far as it had come before, with the time limit of this round."""
    limit = event if event.due else issue
    return replace(
        issue,
        due=limit.due,
        calendar=limit.calendar,
        working_days=limit.working_days,
        status="dispatched" if issue.duty else "triaged" if issue.tier else "reported",
        reopened=issue.reopened + 1,
        asked_due="",
        asked_because="",
        missed="",
        outcome="",
        because="",
        contained=None,
        resolved_by="",
        closed_because="",
        closed_on="",
        followed="",
        tries=0,
        tried_at="",
    )


def evolve(issue: Issue, event: IssueFact) -> Issue:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case IssueReported():
            return Issue(
                **taken(event, Issue, id=event.issue_id, status="reported", contact=event.contact or issue.contact)
            )
        case IssueHeld():
            return Issue(**taken(event, Issue, id=event.issue_id, status="held"))
        case IssueStruckOut():
            return replace(issue, status="struck_out", struck_because=event.reason)
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
                calendar=event.calendar,
                working_days=event.working_days,
                sender=event.by_post_id,
                asked_due="",
                asked_because="",
                missed="",
            )
        case IssueAccepted():
            return replace(issue, status="accepted", person_id=event.person_id)
        case IssueExtended():
            days = event.working_days
            return replace(
                issue,
                due=event.due,
                calendar=event.calendar,
                working_days=days,
                asked_due="",
                asked_because="",
                missed="",
            )
        case ExtensionAsked():
            return replace(issue, asked_due=event.due, asked_because=event.reason)
        case ExtensionDeclined():
            return replace(issue, asked_due="", asked_because="")
        case LimitCountedAgain():
            missed = issue.missed if event.due == issue.due else ""
            return replace(issue, due=event.due, calendar=event.calendar, missed=missed)
        case IssueEscalated():
            return replace(_moved(issue, event, event.to_level), sender=event.by_post_id)
        case IssueHandedUp() | IssueRaised():
            return _moved(issue, event, event.level)
        case IssueRelocated():
            return replace(issue, place=event.place)
        case IssueInherited():
            return replace(
                issue, status="dispatched" if issue.status == "accepted" else issue.status, person_id=event.person_id
            )
        case IssueReturned():
            return replace(_moved(issue, event, event.level), status="triaged" if issue.tier else "reported", duty="")
        case IssueOverdue():
            return replace(issue, missed=event.due)
        case IssueResolved():
            return replace(
                issue,
                status="resolved",
                asked_due="",
                asked_because="",
                outcome=event.outcome,
                because=event.because,
                contained=event.contained,
                resolved_by=event.person_id or issue.person_id,
            )
        case FollowUpRecorded(result=result):
            counted = issue.follow_ups | {result: issue.follow_ups.get(result, 0) + 1}
            issue = replace(issue, followed=result, follow_ups=counted)
            if result != "unreachable":
                return issue
            return replace(issue, tries=issue.tries + 1, tried_at=event.asked_at)
        case IssueClosed():
            return replace(issue, status="closed", closed_because=event.because, closed_on=event.closed_on)
        case IssueWithdrawn():
            return replace(issue, status="withdrawn", withdrawn_because=event.reason)
        case IssueReopened():
            return _reopened(issue, event)
        case TextWithheld():
            return replace(issue, withheld=(*issue.withheld, event.withheld))
        case ContactErased():
            return replace(issue, contact="")
        case _:
            assert_never(event)


def _stamp(issue: Issue, event: IssueFact) -> IssueFact:
    """A fact of a confidential case says so, since whoever reads it may not know the case."""
    secret = issue.confidential and "confidential" in event.__struct_fields__
    return replace(event, confidential=True) if secret else event


ISSUE = Decider(
    "issue", CODEC, Issue, Issue, evolve, lambda issue: issue.place, fold=2, marks=(IssueOverdue,), stamp=_stamp
)

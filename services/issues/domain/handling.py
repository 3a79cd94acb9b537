"""Decisions from intake to acceptance: report, triage, dispatch, accept, extend, escalate."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from services.issues.domain.issue import OPEN, Issue
from services.issues.domain.post import Accountable, Organisations, Row, bodies_above, holder_of, level_of
from services.issues.events import (
    IssueAccepted,
    IssueDispatched,
    IssueEscalated,
    IssueExtended,
    IssueReported,
    IssueTriaged,
)
from shared.domain.calendar import WorkingDay, working_day_after
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

CHANNELS = ("visit", "patrol", "portal", "phone", "meeting")
SEVERITIES = ("small", "hard", "big")
TIERS = ("compound", "area", "community", "street")

_IDENTITY_NUMBER = re.compile(r"(?<!\d)(\d{4})\d{10}(\d{3}[\dXx])(?!\d)")
_MOBILE_NUMBER = re.compile(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")


def without_numbers(text: str) -> str:
    """A text that anyone may read: mobile and identity numbers in it are masked before they are recorded (X09)."""
    return _MOBILE_NUMBER.sub(r"\1****\2", _IDENTITY_NUMBER.sub(r"\1**********\2", text))


def given(value: str, field: str, why: str) -> str:
    """The text without blanks around it; raises `BadInputError` when nothing is left."""
    if not (text := value.strip()):
        raise BadInputError(f"{field} is missing: {why}", {field: why})
    return text


def report(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    place: str,
    category: str,
    description: str,
    channel: str,
    accountable: Accountable | None,
    origin: str = "",
    reporter: str = "",
    contact: str = "",
    known_place: bool = True,
    categories: Collection[str] = (),
) -> list[Event]:
    """Take an issue in; `accountable` answers for it from now on (C15, X13).

    `categories` are the codes of the city's list, none: any. A resident reports through the portal and as themselves.
    """
    by.require("issue.report", place)
    if not known_place:
        raise NotFoundError(f"there is no place {place}", {"place": "unknown"})
    if categories and category not in categories:
        raise BadInputError(
            f"{category} is not a category of this city", {"category": f"one of {', '.join(sorted(categories))}"}
        )
    if by.role in ("resident", "anonymous"):
        if channel != "portal":
            raise ForbiddenError(
                f"{channel} is recorded by staff; residents report through the portal", {"channel": "portal"}
            )
        reporter = by.actor
    if accountable is None or not (accountable.organisation_id and accountable.person_id and accountable.post_id):
        raise IllegalStateError(
            f"nobody answers for {place}: appoint a grid worker, building head or secretary there or above first",
            {"place": "no post covers it"},
        )
    text = without_numbers(given(description, "description", "say what is wrong"))
    if issue.status != "unknown":
        if (issue.place, issue.category, issue.description, issue.channel, issue.origin) == (
            place,
            category,
            text,
            channel,
            origin,
        ):
            return []
        raise IllegalStateError(f"the issue {issue.id} was reported already; report another one")
    return [
        IssueReported(
            issue_id=issue.id,
            place=place,
            category=category,
            description=text,
            channel=channel,
            origin=origin,
            reporter=reporter,
            contact=contact,
            organisation_id=accountable.organisation_id,
            person_id=accountable.person_id,
            post_id=accountable.post_id,
            level=accountable.level,
        )
    ]


def triage(
    issue: Issue, *, by: Mandate, at: str, severity: str, tier: str, reason: str, organisations: Organisations
) -> list[Event]:
    """Judge how grave an issue is and the widest tier that should solve it (C10, C14), until it is dispatched."""
    issue.expect("triaged", *OPEN, otherwise="reopen it first")
    by.require("issue.triage", issue.place)
    reason = given(reason, "reason", "a judgement needs its reason")
    if (issue.severity, issue.tier, issue.reason) == (severity, tier, reason):
        return []
    issue.expect("triaged", "reported", "triaged", otherwise="it is being handled already, escalate it instead")
    level = issue.level or level_of(issue.organisation_id, organisations)
    return [
        IssueTriaged(
            issue_id=issue.id,
            severity=severity,
            tier=tier,
            reason=reason,
            organisation_id=issue.organisation_id,
            from_level=issue.level,
            level=level,
        )
    ]


def _limit(due: str, working_days: int, day: str, calendar: Callable[[str, int], WorkingDay]) -> WorkingDay:
    if due and working_days:
        raise BadInputError("give the last day or a number of working days, not both", {"due": "or working_days"})
    if working_days:
        return calendar(day, working_days)
    return WorkingDay(given(due, "due", "an issue needs a time limit: the last day or a number of working days"), "")


def dispatch(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    post_id: str,
    post: Row | None,
    organisations: Organisations,
    duty: str,
    due: str = "",
    working_days: int = 0,
    person_id: str = "",
    organisation_id: str = "",
    calendar: Callable[[str, int], WorkingDay] = working_day_after,
) -> list[Event]:
    """Name who is accountable, for what and until when (C12).

    The person is whoever holds the post today; when `person_id` or `organisation_id` is given it must be that one.
    """
    issue.expect("dispatched", "triaged", "dispatched", "accepted", otherwise=_before_handling(issue))
    by.require("issue.dispatch", issue.place)
    day = at[:10]
    duty = given(duty, "duty", "say what is to be done")
    limit = _limit(due, working_days, day, calendar)
    to = holder_of(given(post_id, "post_id", "name the post that answers for it"), post, organisations, day)
    if person_id and person_id != to.person_id:
        raise IllegalStateError(
            f"{person_id} does not hold the post {post_id} on {day}", {"person_id": "not the holder"}
        )
    if organisation_id and organisation_id != to.organisation_id:
        raise IllegalStateError(
            f"the post {post_id} is not one of {organisation_id}", {"organisation_id": "not the post's"}
        )
    if limit.date < day:
        raise IllegalStateError(f"the time limit {limit.date} is over on {day}", {"due": "must not be in the past"})
    if (issue.post_id, issue.person_id, issue.duty, issue.due) == (to.post_id, to.person_id, duty, limit.date):
        return []
    return [
        IssueDispatched(
            issue_id=issue.id,
            from_organisation_id=issue.organisation_id,
            from_level=issue.level,
            organisation_id=to.organisation_id,
            person_id=to.person_id,
            post_id=to.post_id,
            level=to.level,
            duty=duty,
            due=limit.date,
            calendar=limit.calendar,
        )
    ]


def _before_handling(issue: Issue) -> str:
    return "triage it first" if issue.status == "reported" else "reopen it first"


def accept(issue: Issue, *, by: Mandate, at: str) -> list[Event]:
    """Take a dispatched issue on (C08).

    The holder of the accountable post does; a successor in the post becomes the accountable person thereby (X13).
    """
    issue.expect("accepted", "dispatched", "accepted", otherwise="it must be dispatched to you first")
    by.require("issue.accept", issue.place)
    if by.post_id != issue.post_id:
        raise ForbiddenError("only the post it was dispatched to accepts an issue", {"post_id": issue.post_id})
    if issue.status == "accepted" and issue.person_id == by.actor:
        return []
    return [IssueAccepted(issue_id=issue.id, person_id=by.actor)]


def extend(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    reason: str,
    due: str = "",
    working_days: int = 0,
    calendar: Callable[[str, int], WorkingDay] = working_day_after,
) -> list[Event]:
    """Approve a later time limit; `working_days` count from today. Nobody approves their own extension (C12)."""
    issue.expect("extended", "dispatched", "accepted", otherwise="only a dispatched issue has a time limit")
    by.require("issue.extend", issue.place)
    reason = given(reason, "reason", "an extension needs its reason")
    if by.actor == issue.person_id:
        raise ForbiddenError("an extension is approved by somebody else than the accountable person", {"by": by.actor})
    limit = _limit(due, working_days, at[:10], calendar)
    if limit.date <= issue.due:
        raise IllegalStateError(
            f"{limit.date} is not later than the present time limit {issue.due}", {"due": "must be later"}
        )
    return [IssueExtended(issue_id=issue.id, due=limit.date, calendar=limit.calendar, reason=reason)]


def escalate(
    issue: Issue, *, by: Mandate, at: str, to_post: str, post: Row | None, organisations: Organisations, reason: str
) -> list[Event]:
    """Hand an issue up to a post of a body above the accountable one; its time limit goes on running (C11, X13)."""
    issue.expect("escalated", *OPEN, otherwise="reopen it first")
    by.require("issue.escalate", issue.place)
    reason = given(reason, "reason", "say what is beyond the powers of the present body")
    to = holder_of(to_post, post, organisations, at[:10])
    if (issue.post_id, issue.person_id) == (to.post_id, to.person_id):
        return []
    if to.organisation_id not in bodies_above(issue.organisation_id, organisations):
        raise IllegalStateError(
            f"{to.organisation_id} is not above {issue.organisation_id}; dispatch the issue instead",
            {"to_post": "not above"},
        )
    return [
        IssueEscalated(
            issue_id=issue.id,
            from_organisation_id=issue.organisation_id,
            from_level=issue.level,
            to_level=to.level,
            organisation_id=to.organisation_id,
            person_id=to.person_id,
            post_id=to.post_id,
            reason=reason,
        )
    ]

"""Handling what was taken in: triage, dispatch, accept, escalate; and what the passing of a time limit means."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from services.issues.issue.answering import HANDLES, able, above, answering, answers, given_to, its_post
from services.issues.issue.facts import (
    IssueAccepted,
    IssueDispatched,
    IssueEscalated,
    IssueOverdue,
    IssueReturned,
    IssueTriaged,
)
from services.issues.issue.state import ISSUE, OPEN, Issue
from shared.domain.calendar import WorkingDay, working_day_after
from shared.domain.city import City
from shared.domain.clock import Rule, rows_of
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError, refusal
from shared.domain.event import Event
from shared.domain.fields import DAY, WORKING_DAYS, code_of, id_of, text
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.domain.words import Said, _, said, term


@ISSUE.command(
    "issue.triage",
    when=("reported", "triaged"),
    again=("dispatched", "accepted"),
    owner=answering("issue.triage"),
    otherwise=_("the issue is {status}; reopen it first"),
)
def triage_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    severity: Annotated[str, code_of("severities"), "how grave it is"],
    reason: Annotated[str, text(1000), "why it is judged so"],
    tier: Annotated[
        str, code_of("tiers"), "widest tier that should solve it; empty: the one that the city names for the severity"
    ] = "",
) -> list[Event]:
    """Judge how grave an issue is and thereby which tier should solve it, until it is dispatched (C10, C14)."""
    tier = _tier(severity, tier, city)
    if (issue.severity, issue.tier, issue.reason) == (severity, tier, reason):
        return []
    if issue.status not in ("reported", "triaged"):
        raise IllegalStateError(_("the issue is being handled already; escalate it instead"))
    return [
        IssueTriaged(
            issue_id=issue.id,
            severity=severity,
            tier=tier,
            reason=reason,
            organisation_id=issue.organisation_id,
            level=issue.level or city.level_of(issue.organisation_id),
        )
    ]


def _tier(severity: str, tier: str, city: City) -> str:
    """The tier that the city names for a severity; where it names none, the one that triage says (C14)."""
    decided = str(city.code("severities", severity, "severity").data.get("tier", ""))
    if decided and tier not in ("", decided):
        raise BadInputError(
            _("what is {severity} belongs to the tier {tier}; the severity decides it"),
            {"tier": said(_("the severity decides it"))},
            severity=term("severities", severity),
            tier=term("tiers", decided),
        )
    if not (decided or tier):
        raise BadInputError(
            _("say which tier should solve it; the city names none for what is {severity}"),
            {"tier": said(_("is needed"))},
            severity=term("severities", severity),
        )
    return decided or city.code("tiers", tier, "tier").code


def _check_able(post: Row, place: str, city: City, field: str) -> None:
    """Refuse a post that cannot take an issue at a place on and resolve it, and say why."""
    able = city.roles_with(*HANDLES)
    if post["role"] not in able:
        lacking = next(power for power in HANDLES if post["role"] not in city.roles_with(power))
        raise IllegalStateError(
            _("the post {post} cannot take it: its role {role} does not give {power}"),
            {field: said(_("cannot handle issues"))},
            post=post["title"] or post["post_id"],
            role=term("roles", post["role"]),
            power=term("power", lacking),
        )
    if not any(one["post_id"] == post["post_id"] for one in city.posts_for(place, able)):
        raise IllegalStateError(
            _("the post {post} cannot take it: it is for {area}, and the issue is at {place}"),
            {field: said(_("is for another place"))},
            post=post["title"] or post["post_id"],
            area=post["place"],
            place=place,
        )


def time_limit(due: str, working_days: int, day: str, city: City) -> WorkingDay:
    """The last day of a time limit, as it was named or counted from a day; not further ahead than the city allows."""
    if bool(due) == bool(working_days):
        raise BadInputError(
            _("give a time limit: either its last day or a number of working days"),
            {"due": said(_("either the last day or a number of working days"))},
        )
    limit = working_day_after(day, working_days, city.days()) if working_days else WorkingDay(due, "")
    latest = (date.fromisoformat(day) + timedelta(days=city.parameter("longest_limit_days"))).isoformat()
    if limit.date > latest:
        raise IllegalStateError(
            _("a time limit ends on {latest} at the latest, not on {due}"),
            {"due": said(_("too far ahead"))},
            latest=latest,
            due=limit.date,
        )
    return limit


def _level(post: Row, city: City) -> str:
    """The level of a post's organisation; raises `NotFoundError` for one that the registry has not established."""
    if city.organisation(post["organisation_id"]) is None:
        raise NotFoundError(_("there is no organisation {organisation}"), organisation=post["organisation_id"])
    return city.level_of(post["organisation_id"])


@ISSUE.command(
    "issue.dispatch",
    when=("triaged", "dispatched", "accepted"),
    owner=answering("issue.dispatch"),
    offers={"post_id": "posts_for_issue"},
    otherwise=_("the issue is {status}; triage it first, or reopen it first if it was resolved"),
)
def dispatch_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    post_id: Annotated[str, id_of("post"), "post that answers for it from now on"],
    duty: Annotated[str, text(1000), "what is to be done"],
    due: Annotated[str, DAY, "last day of the time limit"] = "",
    working_days: Annotated[int, WORKING_DAYS, "time limit in working days from today, instead of a date"] = 0,
    person_id: Annotated[
        str, id_of("person"), "who is expected to hold the post; refused when somebody else does"
    ] = "",
    organisation_id: Annotated[str, id_of("organisation"), "organisation expected to have the post"] = "",
) -> list[Event]:
    """Make the holder of a post accountable for an issue, with a duty and a time limit (C12)."""
    limit = time_limit(due, working_days, city.day, city)
    post = city.holder(post_id)
    level = _level(post, city)
    _check_able(post, issue.place, city, "post_id")
    if person_id and person_id != post["person_id"]:
        raise IllegalStateError(
            _("{person} does not hold the post {post} on {day}"),
            {"person_id": said(_("not the holder"))},
            person=person_id,
            post=post_id,
            day=city.day,
        )
    if organisation_id and organisation_id != post["organisation_id"]:
        raise IllegalStateError(
            _("the post {post} is not one of {organisation}"),
            {"organisation_id": said(_("not the post's"))},
            post=post_id,
            organisation=organisation_id,
        )
    if limit.date < city.day:
        raise IllegalStateError(
            _("the time limit {due} is over on {day}"),
            {"due": said(_("must not be in the past"))},
            due=limit.date,
            day=city.day,
        )
    if (issue.post_id, issue.person_id, issue.duty, issue.due) == (post_id, post["person_id"], duty, limit.date):
        return []
    return [
        IssueDispatched(
            issue_id=issue.id,
            organisation_id=post["organisation_id"],
            person_id=post["person_id"],
            post_id=post_id,
            level=level,
            duty=duty,
            due=limit.date,
            calendar=limit.calendar,
            by_post_id=by.post_id,
            working_days=working_days,
        )
    ]


def _accepted(issue: Issue, by: Mandate, city: City) -> Said | None:
    mine = issue.status == "accepted" and issue.person_id == by.actor
    return said(_("you accepted it already")) if mine else None


@ISSUE.command(
    "issue.accept",
    when=("dispatched", "accepted"),
    owner=answering("issue.accept"),
    only=its_post,
    unless=_accepted,
    otherwise=_("the issue is {status}; it must be dispatched to you first"),
)
def accept_issue(issue: Issue, *, by: Mandate, at: str) -> list[Event]:
    """Take on an issue that was dispatched to your post (C08).

    A successor in the post becomes the accountable person thereby (X13).
    """
    if issue.status == "accepted" and issue.person_id == by.actor:
        return []
    return [IssueAccepted(issue_id=issue.id, person_id=by.actor)]


def _nobody_above(issue: Issue, by: Mandate, city: City) -> Said | None:
    return None if able(issue.place, city, issue.organisation_id) else said(_("no body above can take it"))


@ISSUE.command(
    "issue.escalate",
    unless=_nobody_above,
    when=OPEN,
    owner=answering("issue.escalate"),
    offers={"to_post": "posts_for_issue"},
    otherwise=_("the issue is {status}; reopen it first"),
)
def escalate_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    to_post: Annotated[str, id_of("post"), "post of a body above the accountable one"],
    reason: Annotated[str, text(1000), "what is beyond the powers of the present body"],
) -> list[Event]:
    """Hand an issue up to a post of a higher body; the time limit goes on running (C11, X13)."""
    post = city.holder(to_post, "to_post")
    if (issue.post_id, issue.person_id) == (to_post, post["person_id"]):
        return []
    if post["organisation_id"] not in city.bodies_above(issue.organisation_id):
        raise IllegalStateError(
            _("{organisation} is not above {present}; dispatch the issue instead"),
            {"to_post": said(_("not above"))},
            organisation=post["organisation_id"],
            present=issue.organisation_id,
        )
    _check_able(post, issue.place, city, "to_post")
    return [
        IssueEscalated(
            issue_id=issue.id,
            to_level=_level(post, city),
            organisation_id=post["organisation_id"],
            person_id=post["person_id"],
            post_id=to_post,
            reason=reason,
            by_post_id=by.post_id,
        )
    ]


@ISSUE.command(
    "issue.accept",
    when=("dispatched", "accepted"),
    owner=answering("issue.accept"),
    only=its_post,
    unless=lambda issue, by, city: refusal(lambda: _sender(issue, city)),
    otherwise=_("the issue is {status}; only what was dispatched is returned"),
)
def return_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(1000), "why your post is not the right one"],
) -> list[Event]:
    """Return an issue to the post that sent it, to be dispatched anew; the time limit goes on running (C12, X13)."""
    given = given_to(_sender(issue, city), city)
    return [IssueReturned(issue_id=issue.id, reason=reason, confidential=issue.confidential, **given)]


def _sender(issue: Issue, city: City) -> Row:
    """The post that sent an issue, or the next above; raises `IllegalStateError` when that is the accountable one itself."""
    sender = city.post(issue.sender)
    to = sender if sender is not None and answers(issue.sender, sender["person_id"], city) else above(issue, city)
    if to is None or to["post_id"] == issue.post_id:
        raise IllegalStateError(
            _("there is nobody to return it to; dispatch it to another post"), {"reason": said(_("sent by yourself"))}
        )
    return to


def mark_overdue(issue: Issue, *, by: Mandate, at: str, due: str) -> list[Event]:
    """Record that a time limit has passed, once, unless the issue is resolved or has got another one."""
    if issue.status not in OPEN or issue.due != due or issue.missed == due:
        return []
    return [IssueOverdue(issue_id=issue.id, due=due)]


def _overdue_since(row: Row) -> str:
    """The day after the time limit; later when the limit was set, or runs again, after it had passed."""
    after = (date.fromisoformat(row["due"]) + timedelta(days=1)).isoformat()
    return max(after, str(row["limited"])[:10])


#: A time limit that has passed makes an open issue overdue, once for each time that a limit is set (C12).
OVERDUE = Rule(
    "issue_overdue",
    ISSUE,
    rows=rows_of("cases", lambda day: {"open": 1, "overdue": 0, "due__gt": "", "due__lt": day}),
    decide=mark_overdue,
    period=lambda row: f"{row['due']} {row['limited']}",
    arguments=lambda row: {"due": row["due"]},
    since=_overdue_since,
)

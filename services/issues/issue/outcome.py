"""From resolving to closing: nothing is final before the person concerned was asked (C09, X08)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from services.issues.issue import link
from services.issues.issue.answering import RESULTS, answering, its_post, on_holding_changed, pass_on
from services.issues.issue.facts import (
    READ_CONFIDENTIAL,
    ContactErased,
    FollowUpRecorded,
    IssueClosed,
    IssueReopened,
    IssueResolved,
    IssueWithdrawn,
    TextWithheld,
)
from services.issues.issue.state import ISSUE, OPEN, Issue
from shared.domain.calendar import WorkingDay, working_day_after
from shared.domain.city import City, every
from shared.domain.errors import BadInputError, IllegalStateError, refusal
from shared.domain.event import Event
from shared.domain.fields import choice, id_of, text
from shared.domain.mandate import Mandate
from shared.domain.moments import before, plus_hours, shown
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.words import Said, _, said

#: Texts of a case that everybody may read until they are withheld: fields of its facts.
TEXTS = ("description", "origin", "reason", "duty", "outcome", "note", "because")
#: What is recorded when works pass acceptance; the person concerned is asked afterwards.
WORKS_ACCEPTED = "工程验收合格 (the works passed acceptance)"


@ISSUE.command(
    "issue.resolve",
    when=("dispatched", "accepted"),
    again=("resolved",),
    owner=answering("issue.resolve"),
    only=its_post,
    otherwise=_("the issue is {status}; dispatch it to somebody first, or reopen it first if it was closed"),
)
def resolve_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    outcome: Annotated[str, text(2000), "what was done, for everyone to read"],
    because: Annotated[str, id_of("project"), "project whose works settled it"] = "",
) -> list[Event]:
    """State what was done about this one issue, by the post that answers for it (C28, X08)."""
    if issue.status == "resolved":
        if (issue.outcome, issue.because) == (outcome, because):
            return []
        raise IllegalStateError(
            _("the issue is resolved already; follow it up, or reopen it to resolve it differently")
        )
    return [_resolved(issue, outcome, because, city, at, by.actor)]


def _resolved(issue: Issue, outcome: str, because: str, city: City, at: str, person_id: str = "") -> IssueResolved:
    return IssueResolved(
        issue_id=issue.id,
        outcome=outcome,
        because=because,
        level=issue.level,
        contained=contained(issue.level, issue.tier, city) if issue.tier else None,
        in_time=at[:10] <= issue.due if issue.due else None,
        person_id=person_id,
    )


def contained(level: str, tier: str, city: City) -> bool | None:
    """Whether a level is a tier or narrower (C14); None when the city's lists do not say.

    `widths` are compared first; levels that they do not name are placed by the order of the levels.
    """
    widths = list(city.entries("widths"))
    narrow_first = list(reversed(city.entries("levels")))
    for order in (widths, narrow_first):
        if level in order and tier in order:
            return order.index(level) <= order.index(tier)
    if level in narrow_first and tier in widths:  # narrower than a level that both orders name is narrow enough
        wider = next((code for code in narrow_first[narrow_first.index(level) :] if code in widths), None)
        if wider is not None and widths.index(wider) <= widths.index(tier):
            return True
    return None


def finish(issue: Issue, *, by: Mandate, at: str, city: City, project_id: str) -> list[Event]:
    """Works that passed acceptance resolve an issue they were opened for; it is still followed up (C37).

    An issue that is resolved, closed or not ours stays as it is: one works contract names several.
    """
    return [_resolved(issue, WORKS_ACCEPTED, project_id, city, at)] if issue.status in OPEN else []


def on_project_accepted(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """Works that passed acceptance resolve every issue they were opened for; each is followed up by itself (C37)."""
    for issue_id in dict.fromkeys(fact["issue_ids"]):
        yield Decision(ISSUE, issue_id, finish, {"project_id": fact["project_id"]})


def _reporter(issue: Issue, by: Mandate) -> bool:
    return link.shows(issue, by) or (bool(by.actor) and by.actor == issue.reporter)


def _judges(issue: Issue, by: Mandate) -> bool:
    """Whether somebody says of their own issue whether they are satisfied."""
    return link.shows(issue, by) or (_reporter(issue, by) and by.may("issue.judge", issue.place))


def _ended(issue: Issue, by: Mandate, city: City) -> Said | None:
    return refusal(lambda: link.check_holds(issue, by, city.day))


def _not_the_resolver(issue: Issue, by: Mandate) -> Said | None:
    mine = bool(by.actor) and by.actor == issue.resolved_by
    return (
        said(_("who resolved an issue does not follow it up; somebody else asks the person concerned"))
        if mine
        else None
    )


@ISSUE.command(
    "issue.follow_up",
    when=("resolved",),
    owner=_judges,
    only=_not_the_resolver,
    unless=_ended,
    offers={"result": "answers_for_issue"},
    otherwise=_("the issue is {status}; it is followed up once it is resolved"),
)
def record_follow_up(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    result: Annotated[str, choice(*RESULTS), "what they say"],
    note: Annotated[str, text(1000), "in their words, or how they were tried to be reached"] = "",
) -> list[Event]:
    """Record what the person concerned says; not satisfied reopens the issue at once (C09).

    Somebody else than who resolved it asks, or the reporter says it themselves (X08). That nobody was reached
    needs a reason, and counts once for each occasion.
    """
    link.check_holds(issue, by, at[:10])
    followed = FollowUpRecorded(issue_id=issue.id, result=result, note=note, asked_at=at)
    match result:
        case "satisfied":
            return [] if issue.followed == "satisfied" else [followed]
        case "unreachable":
            if not by.may("issue.follow_up", issue.place):
                raise IllegalStateError(
                    _("you cannot say of yourself that you were not reached"),
                    {"result": said(_("satisfied or not satisfied"))},
                )
            if not note:
                raise BadInputError(
                    _("say how the person was tried to be reached"),
                    {"note": said(_("how were they tried to be reached"))},
                )
            if issue.followed == "satisfied":
                raise IllegalStateError(
                    _("the person concerned was reached and is satisfied; the issue can be closed"),
                    {"result": said(_("were reached already"))},
                )
            if issue.tried_at == at:
                return []
            _apart(issue, at, city)
            return [followed]
        case _:
            if not note:
                raise BadInputError(
                    _("say what the person is not satisfied with"),
                    {"note": said(_("what are they not satisfied with"))},
                )
            return [followed, *_again(ISSUE.evolve(issue, followed), note, by, at, city)]


def _apart(issue: Issue, at: str, city: City) -> None:
    """Raise `IllegalStateError` for a try that is one with the last: only occasions apart from each other count (X08)."""
    hours = city.parameter("follow_up_spacing_hours")
    if issue.tried_at and before(at, again := plus_hours(issue.tried_at, hours)):
        raise IllegalStateError(
            _("nobody was reached at {tried} either; another try counts {hours} hours later, from {again} on"),
            {"result": said(_("too soon after the last try"))},
            tried=shown(issue.tried_at),
            hours=hours,
            again=shown(again),
        )


def _to_be_asked(issue: Issue, by: Mandate, city: City) -> Said | None:
    return refusal(lambda: _asked(issue, city))


def _asked(issue: Issue, city: City) -> None:
    """Raise `IllegalStateError` unless the person concerned is satisfied, or was not reached in as many tries as the city asks for."""
    tries = city.parameter("follow_up_tries")
    if issue.followed != "satisfied" and issue.tries < tries:
        raise IllegalStateError(
            _("ask the person concerned first: they must be satisfied, or not be reached in {tries} tries"),
            {"follow_up": said(_("nobody has asked yet"))},
            tries=tries,
        )


@ISSUE.command(
    "issue.close",
    when=("resolved",),
    again=("closed",),
    otherwise=_("the issue is {status}; it must be resolved and followed up first"),
    unless=_to_be_asked,
)
def close_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    because: Annotated[str, text(1000), "why it is final"],
) -> list[Event]:
    """Make one issue final: the person concerned is satisfied, or was not reached in as many tries as the city asks for (X08)."""
    if issue.status == "closed":
        return []
    _asked(issue, city)
    return [IssueClosed(issue_id=issue.id, because=because, closed_on=at[:10])]


def _limit_of_a_round(at: str, city: City) -> WorkingDay:
    return working_day_after(at[:10], city.parameter("reopened_working_days"), city.days())


def _again(issue: Issue, reason: str, by: Mandate, at: str, city: City) -> list[Event]:
    """The next round of an issue, with a time limit of its own where it had one (C12), and somebody who can answer for it (X13)."""
    limit = _limit_of_a_round(at, city) if issue.due else WorkingDay("", "")
    days = city.parameter("reopened_working_days") if issue.due else 0
    fact = IssueReopened(issue_id=issue.id, reason=reason, due=limit.date, calendar=limit.calendar, working_days=days)
    return [fact, *pass_on(ISSUE.evolve(issue, fact), by=by, at=at, city=city)]


def _too_late(issue: Issue, by: Mandate, city: City) -> Said | None:
    return refusal(lambda: link.check_holds(issue, by, city.day), lambda: _in_its_days(issue, by, city.day, city))


def _in_its_days(issue: Issue, by: Mandate, day: str, city: City) -> None:
    """Raise `IllegalStateError` for a reporter who opens a case again later than the city lets them."""
    if issue.status == "closed" and not by.may("issue.reopen", issue.place):
        days = city.parameter("reopen_days")
        if not issue.closed_on or date.fromisoformat(day) > date.fromisoformat(issue.closed_on) + timedelta(days):
            raise IllegalStateError(
                _("you may open it again within {days} days after it was closed; report it anew"), days=days
            )


@ISSUE.command(
    "issue.reopen",
    when=("resolved", "closed"),
    owner=_judges,
    unless=_too_late,
    otherwise=_("the issue is {status}; only what was resolved or closed is opened again"),
)
def reopen_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(1000), "why it is opened again"],
) -> list[Event]:
    """Open a resolved or closed issue again with a new time limit; whoever was accountable still is, if they hold the post (C12, X13).

    The reporter may do so as long after it was closed as the city says.
    """
    link.check_holds(issue, by, at[:10])
    _in_its_days(issue, by, at[:10], city)
    return _again(issue, reason, by, at, city)


def _only_the_reporter(issue: Issue, by: Mandate) -> Said | None:
    return None if _reporter(issue, by) else said(_("only who reported an issue withdraws it"))


@ISSUE.command(
    "issue.judge",
    when=OPEN,
    again=("withdrawn",),
    owner=link.shows,
    only=_only_the_reporter,
    unless=_ended,
    otherwise=_("the issue is {status}; only what is not resolved yet is withdrawn"),
)
def withdraw_issue(
    issue: Issue, *, by: Mandate, at: str, reason: Annotated[str, text(1000), "why nothing needs to be done any more"]
) -> list[Event]:
    """Withdraw an issue that you reported, until it is resolved; it is final."""
    link.check_holds(issue, by, at[:10])
    return [] if issue.status == "withdrawn" else [IssueWithdrawn(issue_id=issue.id, reason=reason)]


def _no_contact(issue: Issue, by: Mandate, city: City) -> Said | None:
    return _ended(issue, by, city) if issue.contact else said(_("no contact is known any more"))


@ISSUE.command("issue.read_contact", owner=_reporter, unless=_no_contact, erases=lambda issue: f"issue:{issue.id}")
def erase_contact(issue: Issue, *, by: Mandate, at: str) -> list[Event]:
    """Make the contact given with an issue unreadable for ever; its reporter asks for it, or staff who may read it (X09)."""
    link.check_holds(issue, by, at[:10])
    return [ContactErased(issue_id=issue.id)] if issue.contact else []


def forget_contact(issue: Issue, *, by: Mandate, at: str) -> list[Event]:
    """Whoever reported the issue was erased, and the contact that they gave with it is too (X09)."""
    return [ContactErased(issue_id=issue.id)] if issue.contact else []


def on_person_erased(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """What the person answered for gets another holder, and contacts that they gave with issues, which have keys of their own, go (X09)."""
    yield from on_holding_changed(fact, record, city)
    for row in every(city.rows, "cases", {"reporter": fact["person_id"]}):
        yield Decision(ISSUE, row["issue_id"], forget_contact, {}, erases=f"issue:{row['issue_id']}")


@ISSUE.command(READ_CONFIDENTIAL)
def withhold_text(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    withheld: Annotated[str, choice(*TEXTS, words="field"), "the text"],
    reason: Annotated[str, text(400), "why, without repeating it; everyone may read this"],
) -> list[Event]:
    """Move a text of a case out of public sight, because it names somebody; staff still read it (X09).

    That it was moved, by whom and why, stays public, and the ledger proves it.
    """
    if withheld in issue.withheld:
        return []
    return [TextWithheld(issue_id=issue.id, withheld=withheld, why=reason)]

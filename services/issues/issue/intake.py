"""Intake: somebody reports an issue or a patrol finds one, and a post answers for it from then on (C15, X13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from services.issues.issue import link
from services.issues.issue.answering import given_to, takers
from services.issues.issue.facts import IssueHeld, IssueReported, IssueStruckOut
from services.issues.issue.handling import dispatch_issue
from services.issues.issue.state import ISSUE, Issue
from shared.domain.catalogue import ANONYMOUS, RESIDENT, TRIAGE
from shared.domain.city import City
from shared.domain.command import MADE
from shared.domain.duties import by_duty
from shared.domain.errors import DomainError, ForbiddenError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, code_of, id_of, line, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.masking import masked
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.view import Row
from shared.domain.words import _, said, term


@ISSUE.command("issue.report", new=MADE)
def report_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    place: Annotated[str, PLACE, "where it is"],
    category: Annotated[
        str, code_of("issue_categories"), "what it is about; the part before the first dot is its class"
    ],
    description: Annotated[
        str, text(2000), "what is wrong, for everyone to read; phone and identity numbers in it are masked"
    ],
    channel: Annotated[str, code_of("channels"), "how it came in"] = "portal",
    origin: Annotated[str, id_of("visit"), "visit it came from; findings of a patrol become issues by themselves"] = "",
    reporter: Annotated[str, id_of("person"), "person who reported it; residents are always their own reporter"] = "",
    contact: Annotated[str, line(200), "how to reach who reported it; sealed, only staff with a mandate read it"] = "",
) -> list[Event]:
    """Report an issue; the post closest to the place answers for it from now on (C15, X13).

    A resident reports through the portal and as themselves. What nobody signs for is held for staff once the post has taken in as much of
    it on the day as the city says.
    """
    city.known_place(place)
    city.code("issue_categories", category, "category")
    city.code("channels", channel, "channel")
    if by.role in (RESIDENT, ANONYMOUS):
        if channel != "portal":
            raise ForbiddenError(
                _("the channel {channel} is recorded by staff; report through the portal"),
                {"channel": said(_("residents report through the portal"))},
                channel=term("channels", channel),
            )
        if origin:
            raise ForbiddenError(_("only staff say that an issue came from a visit"), {"origin": said(_("staff only"))})
        reporter = by.actor
    post = _intake(place, category, by, city)
    own = link.given(by, at[:10], city)
    told = _reported(issue, post, city, place, category, description, channel, origin, reporter, contact, own)
    limit = city.parameter("anonymous_a_day") if told and by.role == ANONYMOUS else 0
    if not told or by.role != ANONYMOUS or _taken_in(post, at, city) < limit:
        return told
    return [
        IssueHeld(
            issue_id=issue.id,
            place=place,
            category=category,
            description=masked(description),
            channel=channel,
            contact=contact,
            limit=limit,
            confidential=_confidential(category, city),
            **own,
        )
    ]


def _taken_in(post: Row, at: str, city: City) -> int:
    """How many issues a post has taken in on the day from nobody in particular."""
    return city.rows.count("cases", {"post_id": post["post_id"], "reporter": "", "reported__gte": at[:10]})


@ISSUE.command(TRIAGE, when=("held",), again=("reported",), otherwise=_("the issue is {status}; it is not held"))
def release_issue(issue: Issue, *, by: Mandate, at: str, city: City) -> list[Event]:
    """Release an issue that was held; the post closest to the place answers for it from now on."""
    if issue.status != "held":
        return []
    given = (issue.place, issue.category, issue.description, issue.channel, "")
    own = {"link": issue.link, "link_until": issue.link_until}
    return _reported(Issue(issue.id), _intake(issue.place, issue.category, by, city), city, *given, own=own)


@ISSUE.command(TRIAGE, when=("held",), again=("struck_out",), otherwise=_("the issue is {status}; it is not held"))
def strike_out_issue(
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(400), "why it is no issue, without repeating it; everyone may read this"],
) -> list[Event]:
    """Strike out an issue that was held: nobody answers for it, and only staff read what it says; it is final."""
    return [] if issue.status == "struck_out" else [IssueStruckOut(issue_id=issue.id, reason=reason)]


def _intake(place: str, category: str, by: Mandate, city: City) -> Row:
    """The post that takes in what is reported at a place: whose duty the category is (A12), the closest, by the rank of roles (X13)."""
    if posts := by_duty(takers(place, city), category, city):
        return posts[0]
    if by.post_id or by.role in ("operator", "service"):
        raise IllegalStateError(
            _("nobody takes in issues; appoint somebody to a post whose role takes them in and may triage them, first"),
            {"place": said(_("no post covers it"))},
        )
    raise IllegalStateError(
        _("nobody takes in reports here yet; please call 12345, the hotline of the government"),
        {"place": said(_("nobody takes in reports here yet"))},
    )


def _reported(
    issue: Issue,
    post: Row,
    city: City,
    place: str,
    category: str,
    description: str,
    channel: str,
    origin: str,
    reporter: str = "",
    contact: str = "",
    own: Any = None,
) -> list[Event]:
    written = masked(description)  # a finding of a patrol of before may not be
    if issue.status != "unknown":
        known = (issue.place, issue.category, issue.description, issue.channel, issue.origin)
        if known == (place, category, written, channel, origin):
            return []
        raise IllegalStateError(_("the issue {issue} was reported already; report another one"), issue=issue.id)
    return [
        IssueReported(
            issue_id=issue.id,
            place=place,
            category=category,
            description=written,
            channel=channel,
            origin=origin,
            reporter=reporter,
            contact=contact,
            **given_to(post, city),
            confidential=_confidential(category, city),
            **(own or {}),
        )
    ]


def _confidential(category: str, city: City) -> bool:
    """Whether cases of a category, or of the class it belongs to, are for staff with the power only."""
    categories = city.entries("issue_categories")
    return any(
        bool(categories[code].data.get("confidential"))
        for code in (category, category.partition(".")[0])
        if code in categories
    )


def take_finding(
    issue: Issue, *, by: Mandate, at: str, city: City, finding: Mapping[str, str], logged_from: str
) -> list[Event]:
    """A finding of a patrol becomes an issue of the post that logged it, or where that cannot triage of who takes in issues."""
    post = city.post(logged_from)
    triages = {one["post_id"] for one in city.posts_with(TRIAGE, finding["place"])}
    taking = (
        post
        if post is not None and logged_from in triages
        else _intake(finding["place"], finding["category"], by, city)
    )
    return _reported(issue, taking, city, channel="patrol", **finding)


def take_resolution(issue: Issue, *, by: Mandate, at: str, city: City, resolution: Mapping[str, str]) -> list[Event]:
    """What a meeting carried becomes an issue of who takes in issues at its place."""
    taking = _intake(resolution["place"], resolution["category"], by, city)
    return _reported(issue, taking, city, channel="meeting", **resolution)


def take_charge(issue: Issue, *, by: Mandate, at: str, city: City, charge: Mapping[str, str]) -> list[Event]:
    """What a meeting decided on an issue dispatches it; nothing where it is not triaged, or the post can no longer answer for it."""
    if issue.status not in ("triaged", "dispatched", "accepted"):
        return []
    try:
        return dispatch_issue(
            issue, by=by, at=at, city=city, post_id=charge["post_id"], duty=charge["duty"], due=charge["due"]
        )
    except DomainError:  # what was decided stands in the minutes; who answers for the issue dispatches it
        return []


def on_resolution_effective(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """Each resolution of a meeting that names a category becomes one issue, and one that charges a post dispatches its issue (A36, C35)."""
    if fact.get("issue_id"):
        charge = {"post_id": fact["charged_post_id"], "duty": fact["text"], "due": fact["due"]}
        yield Decision(ISSUE, fact["issue_id"], take_charge, {"charge": charge})
    if fact["category"]:
        number = str(fact["number"])
        resolution = {"place": fact["place"], "category": fact["category"], "description": fact["text"]}
        resolution["origin"] = f"{fact['meeting_id']}/{number}"
        yield Decision(
            ISSUE, derived_id("issue", fact["meeting_id"], number), take_resolution, {"resolution": resolution}
        )


def on_patrol_logged(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """Each finding of a patrol becomes one issue (C31, C33)."""
    for found in fact["findings"]:
        finding = {
            "place": found.get("place") or fact["place"],
            "category": found["category"],
            "description": found["description"],
            "origin": f"{fact['patrol_id']}/{found['finding_id']}",
        }
        id = derived_id("issue", fact["patrol_id"], found["finding_id"])
        yield Decision(ISSUE, id, take_finding, {"finding": finding, "logged_from": record.mandate})

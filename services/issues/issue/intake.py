"""Intake: somebody reports an issue or a patrol finds one, and a post answers for it from then on (C15, X13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from services.issues.issue.facts import IssueReported
from services.issues.issue.state import ISSUE, Issue
from shared.domain.city import City
from shared.domain.command import MADE
from shared.domain.errors import ForbiddenError, IllegalStateError
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
    origin: Annotated[str, line(130), "visit or patrol it came from"] = "",
    reporter: Annotated[str, id_of("person"), "person who reported it; residents are always their own reporter"] = "",
    contact: Annotated[str, line(200), "how to reach who reported it; sealed, only staff with a mandate read it"] = "",
) -> list[Event]:
    """Report an issue; the post closest to the place answers for it from now on (C15, X13).

    A resident reports through the portal and as themselves.
    """
    city.known_place(place)
    city.code("issue_categories", category, "category")
    city.code("channels", channel, "channel")
    if by.role in ("resident", "anonymous"):
        if channel != "portal":
            raise ForbiddenError(
                _("the channel {channel} is recorded by staff; report through the portal"),
                {"channel": said(_("residents report through the portal"))},
                channel=term("channels", channel),
            )
        reporter = by.actor
    post = _intake(place, city)
    return _reported(issue, post, city, place, category, description, channel, origin, reporter, contact)


def _intake(place: str, city: City) -> Row:
    """The post that takes in what is reported at a place: the closest, then by the rank that the city gives roles (X13)."""
    ranks = {code: role.data.get("intake", 0) for code, role in city.entries("roles").items()}
    taking = sorted((rank, role) for role, rank in ranks.items() if rank)
    posts = city.posts_over(place, (role for _, role in taking))
    if not posts:
        raise IllegalStateError(
            _("nobody answers for {place}; appoint somebody whose role takes in issues, there or above, first"),
            {"place": said(_("no post covers it"))},
            place=place,
        )
    return posts[0]


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
            organisation_id=post["organisation_id"],
            person_id=post["person_id"],
            post_id=post["post_id"],
            level=city.level_of(post["organisation_id"]),
            confidential=_confidential(category, city),
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
    issue: Issue,
    *,
    by: Mandate,
    at: str,
    city: City,
    finding: Mapping[str, str],
    accountable: Mapping[str, str],
) -> list[Event]:
    """A finding of a patrol becomes an issue; refused when nobody acted from a post."""
    if not all(accountable.values()):
        raise IllegalStateError(
            _("nobody answers for {place}; the patrol was logged from no post"),
            {"place": said(_("no post covers it"))},
            place=finding["place"],
        )
    return _reported(issue, dict(accountable), city, channel="patrol", **finding)


def on_patrol_logged(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """Each finding of a patrol becomes one issue, and whoever logged the patrol answers for it (C31, C33, X13)."""
    accountable = {"organisation_id": record.on_behalf_of, "person_id": record.actor, "post_id": record.mandate}
    for found in fact["findings"]:
        finding = {
            "place": found.get("place") or fact["place"],
            "category": found["category"],
            "description": found["description"],
            "origin": f"{fact['patrol_id']}/{found['finding_id']}",
        }
        id = derived_id("issue", fact["patrol_id"], found["finding_id"])
        yield Decision(ISSUE, id, take_finding, {"finding": finding, "accountable": accountable})

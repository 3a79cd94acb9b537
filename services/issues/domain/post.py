"""Who answers for an issue: posts, their holders, and the bodies above one another.

Rows of posts and organisations come from the local views; everything here is a pure function over them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from shared.domain.city import held_on
from shared.domain.errors import IllegalStateError, NotFoundError

Row = Mapping[str, Any]
#: The row of an organisation by its id, or None.
Organisations = Callable[[str], Row | None]

#: Roles that take in issues, the most preferred of equally close ones first (X13).
INTAKE_ROLES = (
    "grid_worker",
    "building_head",
    "compound_secretary",
    "community_worker",
    "community_director",
    "community_secretary",
    "street_worker",
    "street_secretary",
)
#: Levels from narrow to wide, for comparing a level with a tier (C14); a city's own ones are placed by its profile.
WIDTHS = ("household", "unit", "building", "compound", "grid", "area", "community", "street", "district", "city")


class Accountable(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for an issue; `level` is the organisation's, "" when it is not known."""

    organisation_id: str
    person_id: str
    post_id: str
    level: str = ""


def lineage(place: str) -> list[str]:
    """A place and everything above it: `a.b.c` gives `a.b.c`, `a.b`, `a`."""
    parts = place.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def intake_roles(powers: Mapping[str, Collection[str]]) -> list[str]:
    """Roles that answer for new issues: `INTAKE_ROLES`, then those that the profile lets accept issues (X13)."""
    able = {"issue.accept", "issue.*", "*"}
    return [*INTAKE_ROLES, *sorted(role for role in powers if role not in INTAKE_ROLES and able & set(powers[role]))]


def accountable_for(
    place: str, posts: Iterable[Row], organisations: Organisations, day: str, roles: Sequence[str] = INTAKE_ROLES
) -> Accountable | None:
    """The holder of the post that is closest to a place, by the order of `roles` among equally close ones (X13).

    Posts of other roles do not count. None: nobody covers the place on that day.
    """
    above = lineage(place)

    def rank(post: Row) -> tuple[int, int, str]:
        return above.index(post["place"]), roles.index(post["role"]), post["post_id"]

    covering = [
        post
        for post in posts
        if post["place"] in above and post["role"] in roles and post["person_id"] and held_on(post, day)
    ]
    return _holder(min(covering, key=rank), organisations) if covering else None


def holder_of(post_id: str, post: Row | None, organisations: Organisations, day: str) -> Accountable:
    """Who holds a post on a day (ISO date).

    Raises `NotFoundError` when there is no such post and `IllegalStateError` when it is vacant.
    """
    if post is None:
        raise NotFoundError(f"there is no post {post_id}", {"post_id": "unknown"})
    if not post["person_id"] or not held_on(post, day):
        raise IllegalStateError(
            f"nobody holds the post {post_id} on {day}; appoint somebody first", {"post_id": "vacant"}
        )
    return _holder(post, organisations)


def _holder(post: Row, organisations: Organisations) -> Accountable:
    organisation = organisations(post["organisation_id"])
    if organisation is None:
        raise NotFoundError(f"there is no organisation {post['organisation_id']}", {"organisation_id": "unknown"})
    return Accountable(
        organisation_id=post["organisation_id"],
        person_id=post["person_id"],
        post_id=post["post_id"],
        level=organisation["level"],
    )


def level_of(organisation_id: str, organisations: Organisations) -> str:
    """The level of an organisation, "" when it is not known."""
    row = organisations(organisation_id)
    return str(row["level"]) if row else ""


def bodies_above(organisation_id: str, organisations: Organisations) -> list[str]:
    """The organisations above one, nearest first; a tree that bites its tail ends where it began."""
    found: list[str] = []
    row = organisations(organisation_id)
    while row and (parent := row["parent_id"]) and parent not in found and parent != organisation_id:
        found.append(parent)
        row = organisations(parent)
    return found


def contained(level: str, tier: str, levels: Iterable[str] = ()) -> bool | None:
    """Whether a level is a tier or narrower (C14); None when either is unknown.

    `levels` are the codes of the city's profile from the highest to the lowest; they place what `WIDTHS` does not name.
    """
    narrow_first = list(reversed(list(levels)))
    for order in (WIDTHS, narrow_first):
        if level in order and tier in order:
            return order.index(level) <= order.index(tier)
    if level in narrow_first and tier in WIDTHS:  # narrower than a level that both orders name is narrow enough
        wider = next((code for code in narrow_first[narrow_first.index(level) :] if code in WIDTHS), None)
        if wider is not None and WIDTHS.index(wider) <= WIDTHS.index(tier):
            return True
    return None

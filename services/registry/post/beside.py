"""Part-time posts: somebody holds one beside the main post that they have in a unit of the area (B13, E03, E04)."""

from __future__ import annotations

from services.registry.organisation.state import Organisation
from services.registry.post.state import Post
from shared.domain.city import City, every
from shared.domain.city_rows import NEVER
from shared.domain.errors import IllegalStateError
from shared.domain.territory import within
from shared.domain.view import Row
from shared.domain.words import _, said


def _units(role: str, city: City) -> list[str]:
    """The types of bodies of which a holder of this role has a main post; none: it is no part-time role."""
    entry = city.entries("roles").get(role)
    return list(entry.data.get("beside", ())) if entry else []


def main_post(post: Post, organisation: Organisation, person_id: str, since: str, city: City) -> Row | None:
    """The term of a person on a day (ISO date) beside which they can hold a post: that which lasts longest."""
    if not (types := _units(post.role, city)):
        return None
    found: list[Row] = []
    where = {"person_id": person_id, "since__lte": since, "held_until__gt": since}
    for held in every(city.rows, "appointments", where):
        unit = city.organisation(held["organisation_id"])
        near = unit is not None and unit["type"] in types and within(unit["place"], organisation.place)
        if near and held["organisation_id"] != organisation.id:
            found.append(held)
    return max(found, key=lambda held: held["held_until"], default=None)


def check_main(main: Row | None, post: Post, person_id: str, since: str, until: str, city: City) -> None:
    """Raise `IllegalStateError` when a part-time post is not held beside a main one all the time."""
    types = _units(post.role, city)
    if types and main is None:
        raise IllegalStateError(
            _("{post} is a part-time post; {person} holds no main post of a body of {types} in its area on {day}"),
            {"person_id": said(_("has no main post in the area"))},
            post=post.title,
            person=person_id,
            types=", ".join(types),
            day=since,
        )
    if main is not None and (until or NEVER) > main["held_until"]:
        raise IllegalStateError(
            _("the post {post} goes with {other}, which {person} holds until {day}"),
            {"until": said(_("must not be after {day}"), day=main["held_until"])},
            post=post.title,
            other=main["post_id"],
            person=person_id,
            day=main["held_until"],
        )

"""Bodies of which one watches over the other have no member in common over one place (D06, D34, X14)."""

from __future__ import annotations

from services.registry.organisation.state import Organisation
from services.registry.post.state import Post
from shared.domain.city import City, every
from shared.domain.city_rows import NEVER
from shared.domain.errors import ForbiddenError
from shared.domain.territory import within
from shared.domain.words import _, said, term


def kept_apart(organisation_type: str, city: City) -> set[str]:
    """The types of bodies that the city keeps apart from one, whichever of the two says so."""
    types = city.entries("organisation_types")
    own = set(types[organisation_type].data.get("apart", ())) if organisation_type in types else set()
    return own | {code for code, entry in types.items() if organisation_type in entry.data.get("apart", ())}


def check_apart(post: Post, organisation: Organisation, person_id: str, since: str, until: str, city: City) -> None:
    """Raise `ForbiddenError` that names the other post, when the person holds one of such a body in some of the same days."""
    if not (apart := kept_apart(organisation.type, city)):
        return
    terms = every(city.rows, "appointments", {"person_id": person_id, "held_until__gt": since})
    for held in terms:
        if held["since"] >= (until or NEVER) or held["since"] >= held["held_until"] or held["post_id"] == post.id:
            continue
        other = city.organisation(held["organisation_id"])
        near = within(held["place"], post.place) or within(post.place, held["place"])
        if other is None or other["type"] not in apart or not near:
            continue
        named = city.post(held["post_id"])
        raise ForbiddenError(
            _(
                "{person} holds the post {post} of {organisation}; nobody belongs to both {one} and {other} over one place, "
                "since one watches over the other"
            ),
            {"person_id": said(_("holds a post of a body that is kept apart"))},
            person=person_id,
            post=(named or {}).get("title") or held["post_id"],
            organisation=other["name"],
            one=term("organisation_types", other["type"]),
            other=term("organisation_types", organisation.type),
        )

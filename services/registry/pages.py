"""What a page shows beyond single rows: posts with names and organisations, places with all that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from services.registry.figures import ancestors, every, household_sum
from shared.domain.city import held_on
from shared.domain.errors import CorruptionError, NotFoundError
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.personal import Personal
from shared.views import ViewStore

#: How many ids one filter takes at a time.
_BATCH = 500


def _named(views: ViewStore, view: str, field: str, ids: Iterable[str]) -> dict[str, Row]:
    """Rows by id, read in few questions however many there are."""
    wanted = sorted({id for id in ids if id})
    rows: dict[str, Row] = {}
    for start in range(0, len(wanted), _BATCH):
        rows.update((row[field], row) for row in every(views, view, {field: wanted[start : start + _BATCH]}))
    return rows


def shown_name(person: Row, personal: Personal, mandate: Mandate) -> str:
    """A person's name in full for those who may read it there, masked for others, empty once erased (X09).

    Raises `CorruptionError` when the sealed name was altered.
    """
    try:
        name = personal.open(person["name"])
    except ValueError as error:
        raise CorruptionError(f"the name of {person['person_id']} cannot be read: {error}") from error
    if not name:
        return ""
    return name if mandate.may("registry.read_names", person["place"] or mandate.place) else personal.mask(name)


def names(views: ViewStore, ids: Collection[str], personal: Personal, mandate: Mandate) -> dict[str, str]:
    """The names of persons as the caller may see them; unknown persons are left out."""
    return {id: shown_name(row, personal, mandate) for id, row in _named(views, "persons", "person_id", ids).items()}


def _holder(post: Row, day: str) -> str:
    """Who holds a post on a day; "" when nobody does."""
    return post["person_id"] if post["person_id"] and held_on(post, day) else ""


def with_holders(views: ViewStore, posts: list[Row], personal: Personal, mandate: Mandate, day: str) -> list[Row]:
    """Post rows with the organisation's name, the holder's name, and whether the post is vacant.

    `succession_due`: the post goes with another one whose holder has changed or left (A11).
    """
    organisations = _named(views, "organisations", "organisation_id", (post["organisation_id"] for post in posts))
    others = _named(views, "posts", "post_id", (post["ex_officio_post_id"] for post in posts))
    holders = names(views, [post["person_id"] for post in posts], personal, mandate)
    shown = []
    for post in posts:
        other = others.get(post["ex_officio_post_id"])
        holder = _holder(post, day)
        shown.append(
            post
            | {
                "organisation": organisations[post["organisation_id"]]["name"],
                "organisation_en": organisations[post["organisation_id"]]["name_en"],
                "holder": holders.get(post["person_id"], ""),
                "vacant": not holder,
                "succession_due": other is not None and _holder(other, day) != holder,
            }
        )
    return shown


def posts_of(views: ViewStore, person_id: str, day: str) -> list[Row]:
    """The posts a person holds on a day, with what a chooser of acting posts shows."""
    terms = list(every(views, "appointments", {"person_id": person_id, "since__lte": day, "held_until__gt": day}))
    posts = _named(views, "posts", "post_id", (term["post_id"] for term in terms))
    organisations = _named(views, "organisations", "organisation_id", (term["organisation_id"] for term in terms))
    return [
        {
            "post_id": term["post_id"],
            "role": term["role"],
            "title": posts[term["post_id"]]["title"],
            "title_en": posts[term["post_id"]]["title_en"],
            "organisation_id": term["organisation_id"],
            "organisation": organisations[term["organisation_id"]]["name"],
            "organisation_en": organisations[term["organisation_id"]]["name_en"],
            "place": term["place"],
            "since": term["since"],
            "until": term["until"],
        }
        for term in terms
    ]


def place_page(views: ViewStore, place: str) -> dict[str, Any]:
    """A place, the places above it from the top down, its measures with their history, and its households (C02).

    Raises `NotFoundError` for an unknown place.
    """
    row = views.get("places", place)
    if row is None:
        raise NotFoundError(f"no place {place} is registered")
    above = ancestors(place)
    return row | {
        "above": list(every(views, "places", {"place": above}, "place")) if above else [],
        "below": views.count("places", {"parent": place}),
        "measures": list(every(views, "measures", {"place": place})),
        "households": household_sum(views, place),
    }

"""Organisations: a tree whose depth and level names come from the profile (A03, A06, C06, C50)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.registry.domain.place import within
from services.registry.domain.profile import check_code, in_force
from services.registry.events import CODEC, OrganisationDissolved, OrganisationEstablished
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class Organisation(msgspec.Struct, frozen=True):
    """An organisation; `established` is None while it is unknown, `until` "" while it exists."""

    id: str
    established: OrganisationEstablished | None = None
    until: str = ""


def initial(id: str) -> Organisation:
    return Organisation(id)


def evolve(organisation: Organisation, event: Event) -> Organisation:
    """Apply a recorded fact."""
    match event:
        case OrganisationEstablished():
            return Organisation(organisation.id, event)
        case OrganisationDissolved():
            return msgspec.structs.replace(organisation, until=event.until)
        case _:
            return organisation


def establish(
    organisation: Organisation,
    *,
    by: Mandate,
    at: str,
    type: str,
    name: str,
    name_en: str,
    level: str,
    place: str,
    parent_id: str,
    since: str,
    profile: Mapping[str, Any] | None,
    place_row: Mapping[str, Any] | None,
    parent: Mapping[str, Any] | None,
) -> list[Event]:
    """Set up an organisation under one of a higher level, at or below its place; levels between may be left out (C50).

    `profile`, `place_row` and `parent` are rows. Types: code list `organisation_types`, when there is one.
    """
    by.require("registry.organisation", place)
    known = organisation.established
    established = OrganisationEstablished(
        organisation_id=organisation.id,
        type=type,
        name=name,
        name_en=name_en,
        level=level,
        place=place,
        parent_id=parent_id,
        since=since or (known.since if known else at[:10]),
    )
    if known == established:
        return []
    if known is not None:
        raise IllegalStateError(
            f"{organisation.id} is established already as {known.name}; an id names one organisation"
        )
    if place_row is None:
        raise NotFoundError(f"no place {place} is registered; register it first")
    profile = in_force(profile)
    levels = [one["code"] for one in profile["levels"]]
    if level not in levels:
        raise IllegalStateError(
            f"{level!r} is not a level of this city; from the top down they are {', '.join(levels)}"
        )
    check_code(profile, "organisation_types", type)
    if parent_id:
        _check_parent(established, parent_id, parent, levels)
    return [established]


def _check_parent(
    child: OrganisationEstablished, parent_id: str, parent: Mapping[str, Any] | None, levels: list[str]
) -> None:
    if parent is None:
        raise NotFoundError(f"no organisation {parent_id} is established to be the parent; establish it first")
    if parent["until"]:
        raise IllegalStateError(
            f"the parent {parent['name']} was dissolved on {parent['until']}; choose one that exists"
        )
    if levels.index(parent["level"]) >= levels.index(child.level):
        raise IllegalStateError(
            f"the parent {parent['name']} is of the level {parent['level']}, which is not above {child.level}"
        )
    if not within(child.place, parent["place"]):
        raise IllegalStateError(f"{child.place} is outside {parent['place']}, the place of the parent {parent['name']}")
    if child.since < parent["since"]:
        raise IllegalStateError(f"the parent {parent['name']} exists since {parent['since']}, not yet on {child.since}")


def dissolve(
    organisation: Organisation,
    *,
    by: Mandate,
    at: str,
    until: str,
    reason: str,
    children: Sequence[str],
    posts_held: Sequence[str],
) -> list[Event]:
    """End an organisation. `children` are those still below it, `posts_held` its posts that somebody holds."""
    known = organisation.established
    by.require("registry.organisation", known.place if known else by.place)
    if known is None:
        raise NotFoundError(f"no organisation {organisation.id} is established")
    until = until or organisation.until or at[:10]
    if organisation.until:
        if organisation.until == until:
            return []
        raise IllegalStateError(f"{known.name} was dissolved on {organisation.until} already")
    if until < known.since or until > at[:10]:
        raise IllegalStateError(f"{known.name} can be dissolved from {known.since} to {at[:10]}, not on {until}")
    if children:
        raise IllegalStateError(
            f"{known.name} still has {len(children)} below it, such as {children[0]}; dissolve those first"
        )
    if posts_held:
        raise IllegalStateError(f"the post {posts_held[0]} of {known.name} is still held; end the appointment first")
    return [OrganisationDissolved(organisation_id=organisation.id, place=known.place, until=until, reason=reason)]


def _place(organisation: Organisation) -> str:
    return organisation.established.place if organisation.established else ""


ORGANISATION = Decider("organisation", CODEC, Organisation, initial, evolve, _place)

"""Organisations are established and dissolved (A06, C06, C50)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from services.registry.entry.state import Entry, entries, in_force
from services.registry.organisation.state import (
    ORGANISATION,
    Organisation,
    OrganisationDissolved,
    OrganisationEstablished,
)
from services.registry.place.state import PLACE, Place
from shared.domain.catalogue import OrganisationType, data_of
from shared.domain.city import City, every, unlike
from shared.domain.command import CHOSEN
from shared.domain.errors import IllegalStateError, NotFoundError, refusal
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, id_of, line, text
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.structures import many
from shared.domain.territory import within
from shared.domain.view import Row
from shared.domain.words import Said, _, said, term

#: What a state has that is said of it later.
_LATER = {"until": "", "reason": "", "moved": "", "successors": []}


@ORGANISATION.command("registry.organisation", new=CHOSEN, alone=True)
def establish_organisation(
    organisation: Organisation,
    *,
    by: Mandate,
    at: str,
    city: City,
    where: Annotated[Place, holds(PLACE, "place")],
    parent: Annotated[Organisation | None, holds(ORGANISATION, "parent_id")],
    codes: Annotated[Mapping[str, Entry], entries(levels="level", organisation_types="type")],
    type: Annotated[str, code_of("organisation_types"), "type"],
    name: Annotated[str, line(100), "name in Chinese"],
    level: Annotated[str, code_of("levels"), "level of the tree"],
    place: Annotated[str, PATH, "place that it is for"],
    name_en: Annotated[str, line(200), "name in English"] = "",
    parent_id: Annotated[
        str, id_of("organisation"), "organisation of a higher level above it; empty for a topmost one"
    ] = "",
    since: Annotated[str, DAY, "first day; empty: today"] = "",
) -> list[Event]:
    """Establish an organisation under one of a higher level, at or below its place; levels between may be left out (C06, C50)."""
    since = since or organisation.since or at[:10]
    made = Organisation(organisation.id, "standing", type, name, name_en, level, place, parent_id, since)
    if organisation.status != "unknown":
        if msgspec.structs.replace(organisation, status="standing", **_LATER) == made:
            return []
        raise IllegalStateError(
            _("{organisation} is established already as {name}; an id names one organisation"),
            {"organisation_id": said(_("established already"))},
            organisation=organisation.id,
            name=organisation.name,
        )
    if where.status == "unknown":
        raise NotFoundError(
            _("there is no place {place}; register it first"), {"place": said(_("unknown"))}, place=place
        )
    city.known_place(place)
    in_force(city, codes, "levels", level, "level")
    rules: OrganisationType = data_of(
        "organisation_types", in_force(city, codes, "organisation_types", type, "type").data
    )
    if rules.instead:
        _check_missing(city, made, rules.stands_in)
    check_above(city, made, parent, rules.under, "parent_id")
    check_name(city, made)
    return [
        OrganisationEstablished(
            organisation_id=organisation.id,
            type=type,
            name=name,
            name_en=name_en,
            level=level,
            place=place,
            parent_id=parent_id,
            since=since,
        )
    ]


def _check_missing(city: City, made: Organisation, types: list[str]) -> None:
    """Refuse what stands in for a body at a place that has such a body (B15)."""
    there = every(city.rows, "city_organisations", {"place": made.place, "type": types}) if types else ()
    if real := next((row for row in there if not row["until"] or row["until"] > made.since), None):
        raise IllegalStateError(
            _("{place} has {organisation}; a body of the type {type} is established only where there is none"),
            {"type": said(_("there is the body that it would stand in for"))},
            place=made.place,
            organisation=real["name"],
            type=term("organisation_types", made.type),
        )


def check_above(city: City, child: Organisation, parent: Organisation | None, under: list[str], field: str) -> None:
    """Refuse a body that cannot be directly under another one from its first day there (`child.since`), or under none."""
    if parent is not None:
        _check_parent(city, child, parent, field)
    if under and (parent is None or parent.type not in under):
        raise IllegalStateError(
            _("a body of the type {type} is directly under one of: {types}"),
            {field: said(_("must be of another type"))},
            type=term("organisation_types", child.type),
            types=", ".join(under),
        )


def check_name(city: City, made: Organisation) -> None:
    """Refuse a name that looks like that of another one under the same parent, or at the same place where there is none."""
    beside = every(city.rows, "city_organisations", {"parent_id": made.parent_id})
    others = (row for row in beside if not row["until"] and row["organisation_id"] != made.id)
    unlike(made.name, (row for row in others if made.parent_id or row["place"] == made.place))


def _check_parent(city: City, child: Organisation, parent: Organisation, field: str) -> None:
    if parent.status == "unknown":
        raise NotFoundError(
            _("there is no organisation {parent} to be the parent; establish it first"),
            {field: said(_("unknown"))},
            parent=child.parent_id,
        )
    if parent.until:
        raise IllegalStateError(
            _("the parent {parent} was dissolved on {day}; choose one that exists"),
            {field: said(_("dissolved"))},
            parent=parent.name,
            day=parent.until,
        )
    above = city.code("levels", parent.level, field).data["rank"]
    if above >= city.code("levels", child.level, "level").data["rank"]:
        raise IllegalStateError(
            _("the parent {parent} is of the level {level}, which is not above {below}"),
            {field: said(_("must be of a higher level"))},
            parent=parent.name,
            level=parent.level,
            below=child.level,
        )
    if not within(child.place, parent.place):
        raise IllegalStateError(
            _("{place} is outside {area}, the place of the parent {parent}"),
            {"place": said(_("must be within the parent's place"))},
            place=child.place,
            area=parent.place,
            parent=parent.name,
        )
    if child.since < parent.since:
        raise IllegalStateError(
            _("the parent {parent} exists since {day}, not yet on {since}"),
            {"since": said(_("must not be before {day}"), day=parent.since)},
            parent=parent.name,
            day=parent.since,
            since=child.since,
        )


def _check_empty(organisation: Organisation, city: City, until: str) -> None:
    """Raise `IllegalStateError` while something is below it or a post of it is held on a day (ISO date) or later."""
    if children := [row["name"] for row in _below(city, organisation) if _under(row, organisation.id, until)]:
        raise IllegalStateError(
            _("{organisation} still has {count} below it, such as {child}; move or dissolve those first"),
            {"until": said(_("too early"))},
            organisation=organisation.name,
            count=len(children),
            child=children[0],
        )
    posts = every(city.rows, "city_posts", {"organisation_id": organisation.id})
    if held := [row for row in posts if row["person_id"] and (not row["until"] or row["until"] > until)]:
        raise IllegalStateError(
            _("the post {post} of {organisation} is still held; end the appointment first"),
            {"until": said(_("too early"))},
            post=held[0]["title"],
            organisation=organisation.name,
        )


def _not_empty(organisation: Organisation, by: Mandate, city: City) -> Said | None:
    """Why it cannot be dissolved, whatever is said: not even today, the last day that may be named."""
    return refusal(lambda: _check_empty(organisation, city, city.day))


@ORGANISATION.command("registry.organisation", when=("standing",), again=("dissolved",), unless=_not_empty, alone=True)
def dissolve_organisation(
    organisation: Organisation,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(400), "why"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
    successors: Annotated[
        list[str],
        many(id_of("organisation"), 0, 100, distinct=True),
        "what it was merged into, or split into; none: nothing comes after it",
    ] = [],  # noqa: B006  # a declared default, never changed
) -> list[Event]:
    """End an organisation that has nothing below it and no posts held, and name what comes after it (A06, D43)."""
    until = until or organisation.until or at[:10]
    if organisation.until:
        if (organisation.until, organisation.successors) == (until, successors):
            return []
        raise IllegalStateError(
            _("{organisation} was dissolved on {day} already"), organisation=organisation.name, day=organisation.until
        )
    if not organisation.since <= until <= at[:10]:
        raise IllegalStateError(
            _("{organisation} can be dissolved from {since} to {today}, not on {day}"),
            {"until": said(_("must be from {since} to {today}"), since=organisation.since, today=at[:10])},
            organisation=organisation.name,
            since=organisation.since,
            today=at[:10],
            day=until,
        )
    _check_empty(organisation, city, until)
    for one in successors:
        _check_successor(city, organisation, one, until)
    return [
        OrganisationDissolved(
            organisation_id=organisation.id,
            place=organisation.place,
            until=until,
            reason=reason,
            successors=successors,
        )
    ]


def _below(city: City, organisation: Organisation) -> Iterable[Row]:
    """What may be or have been directly below an organisation: what is of its area."""
    return every(city.rows, "city_organisations", {"place__under": organisation.place})


def _under(row: Row, parent_id: str, until: str) -> bool:
    """Whether an organisation is directly below another one on a day (ISO date) or later."""
    parents = [*row.get("former", ()), row]
    return any(one["parent_id"] == parent_id and (not one["until"] or one["until"] > until) for one in parents)


def _check_successor(city: City, organisation: Organisation, successor: str, until: str) -> None:
    """Raise `IllegalStateError` for a successor that does not exist on the day (ISO date) on which the organisation ends."""
    row = city.organisation(successor)
    if row is None or successor == organisation.id or row["since"] > until or (row["until"] and row["until"] <= until):
        raise IllegalStateError(
            _("{successor} is no other organisation that exists on {day}; establish what comes after first"),
            {"successors": said(_("must exist on {day}"), day=until)},
            successor=(row or {}).get("name", successor),
            day=until,
        )

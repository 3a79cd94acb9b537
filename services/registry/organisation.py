"""Organisations: a tree whose levels are the city's (A03, A06, C06, C50)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from services.registry.entry import Entry, entries, in_force
from services.registry.place import PLACE, Place
from shared.domain.answers import ACTIONS, TEXT, many, page_of, row_of, shape
from shared.domain.catalogue import OrganisationType, data_of
from shared.domain.city import City, every, unlike
from shared.domain.city_rows import NEVER
from shared.domain.command import CHOSEN
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, id_of, line, text
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.privacy import told
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.signature import holds
from shared.domain.territory import within
from shared.domain.view import Row, View
from shared.domain.words import _, said, term

#: Organisations in one tree at most.
LARGEST_TREE = 5000


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class OrganisationEstablished(Event, frozen=True, kw_only=True):
    """An organisation took its place in the tree (A03, A06, C06, C50)."""

    organisation_id: str
    type: str
    name: Annotated[str, told()]
    name_en: Annotated[str, told()]
    level: str
    place: str
    parent_id: str
    since: str


class OrganisationDissolved(Event, frozen=True, kw_only=True):
    """An organisation ended; it stays in the history of the tree (A06)."""

    organisation_id: str
    place: str
    until: str
    reason: Annotated[str, told()]


class Organisation(msgspec.Struct, frozen=True):
    """An organisation; `until` is the first day without it, "" while it exists."""

    id: str
    status: str = "unknown"  # unknown, standing, dissolved
    type: str = ""
    name: str = ""
    name_en: str = ""
    level: str = ""
    place: str = ""
    parent_id: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""


def evolve(organisation: Organisation, event: OrganisationEstablished | OrganisationDissolved) -> Organisation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case OrganisationEstablished():
            return Organisation(
                organisation.id,
                "standing",
                event.type,
                event.name,
                event.name_en,
                event.level,
                event.place,
                event.parent_id,
                event.since,
            )
        case OrganisationDissolved():
            return msgspec.structs.replace(organisation, status="dissolved", until=event.until, reason=event.reason)


ORGANISATION = Decider(
    "organisation",
    (OrganisationEstablished, OrganisationDissolved),
    Organisation,
    Organisation,
    evolve,
    lambda organisation: organisation.place,
)


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
        if msgspec.structs.replace(organisation, status="standing", until="", reason="") == made:
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
    if parent is not None:
        _check_parent(city, made, parent)
    if rules.under and (parent is None or parent.type not in rules.under):
        raise IllegalStateError(
            _("a body of the type {type} is directly under one of: {types}"),
            {"parent_id": said(_("must be of another type"))},
            type=term("organisation_types", type),
            types=", ".join(rules.under),
        )
    beside = every(city.rows, "city_organisations", {"parent_id": parent_id})
    others = (row for row in beside if not row["until"] and row["organisation_id"] != organisation.id)
    unlike(name, (row for row in others if parent_id or row["place"] == place))
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


def _check_parent(city: City, child: Organisation, parent: Organisation) -> None:
    if parent.status == "unknown":
        raise NotFoundError(
            _("there is no organisation {parent} to be the parent; establish it first"),
            {"parent_id": said(_("unknown"))},
            parent=child.parent_id,
        )
    if parent.until:
        raise IllegalStateError(
            _("the parent {parent} was dissolved on {day}; choose one that exists"),
            {"parent_id": said(_("dissolved"))},
            parent=parent.name,
            day=parent.until,
        )
    above = city.code("levels", parent.level, "parent_id").data["rank"]
    if above >= city.code("levels", child.level, "level").data["rank"]:
        raise IllegalStateError(
            _("the parent {parent} is of the level {level}, which is not above {below}"),
            {"parent_id": said(_("must be of a higher level"))},
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


@ORGANISATION.command("registry.organisation", when=("standing",), again=("dissolved",), alone=True)
def dissolve_organisation(
    organisation: Organisation,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(400), "why"],
    until: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End an organisation that has nothing below it and no posts held (A06)."""
    until = until or organisation.until or at[:10]
    if organisation.until:
        if organisation.until == until:
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
    below = every(city.rows, "city_organisations", {"parent_id": organisation.id})
    if children := [row["name"] for row in below if not row["until"] or row["until"] > until]:
        raise IllegalStateError(
            _("{organisation} still has {count} below it, such as {child}; dissolve those first"),
            organisation=organisation.name,
            count=len(children),
            child=children[0],
        )
    posts = every(city.rows, "city_posts", {"organisation_id": organisation.id})
    if held := [row for row in posts if row["person_id"] and (not row["until"] or row["until"] > until)]:
        raise IllegalStateError(
            _("the post {post} of {organisation} is still held; end the appointment first"),
            post=held[0]["title"],
            organisation=organisation.name,
        )
    return [
        OrganisationDissolved(organisation_id=organisation.id, place=organisation.place, until=until, reason=reason)
    ]


def _ended(row: Row, organisation: Organisation, event: Event, record: Record) -> Row:
    """The first day without it, so that days compare."""
    return {"ended": organisation.until or NEVER}


ORGANISATIONS = View.of(
    ORGANISATION,
    "organisations",
    ("organisation_id", "place", "parent_id", "level", "type", "since", "ended"),
    _ended,
)

_ROW = row_of(ORGANISATION, ended=TEXT, actions=ACTIONS)
_TREE = shape(**_ROW["properties"], children=many({"type": "object"}))  # trees in turn


@ORGANISATION.query(answer=page_of(_ROW))
def find_organisations(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "for a place and everything below it"] = "",
    place: Annotated[str, PATH, "for exactly this place"] = "",
    parent_id: Annotated[str, id_of("organisation"), "directly below this organisation"] = "",
    level: Annotated[str, code_of("levels"), "level"] = "",
    type: Annotated[str, code_of("organisation_types"), "type"] = "",
    on: Annotated[str, DAY, "day on which they exist; empty: today"] = "",
    order: Annotated[
        str, order_of("key", "place", "level", "type", "since"), "sorted by; - before it: descending"
    ] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Organisations that exist on a day (A06)."""
    day = on or read.today
    where = {"place__under": place__under, "place": place, "parent_id": parent_id, "level": level, "type": type}
    exist = {"since__lte": day, "ended__gt": day}
    return read.page("organisations", where | exist, limit, cursor, order, ORGANISATION)


@ORGANISATION.query(answer=shape(roots=many(_TREE)))
def organisation_tree(
    read: Reader,
    *,
    place: Annotated[str, PATH, "a place and everything below it; empty: the whole city"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """The organisations at and below a place on a day, each with its children; those without a parent among them are the roots (C06)."""
    day = on or read.today
    where = {"since__lte": day, "ended__gt": day} | ({"place__under": place} if place else {})
    if (count := read.rows.count("organisations", where)) > LARGEST_TREE:
        raise BadInputError(
            _("{count} organisations are too many for one tree"),
            {"place": said(_("at most {most}; name a place below"), most=LARGEST_TREE)},
            count=count,
        )
    found: dict[str, Row] = {}
    for row in every(read.rows, "organisations", where):
        found[row["organisation_id"]] = row | {"actions": read.actions(ORGANISATION, row), "children": []}
    roots: list[Row] = []
    for row in found.values():
        (found[row["parent_id"]]["children"] if row["parent_id"] in found else roots).append(row)
    return {"roots": roots}

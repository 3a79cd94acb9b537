"""What pages show of organisations: those of any day, and their tree as it was then (A06, C06, D43)."""

from __future__ import annotations

from typing import Annotated, Any

from services.registry.organisation.state import ORGANISATION, Organisation, OrganisationMoved
from shared.domain.answers import ACTIONS, TEXT, many, page_of, row_of, shape
from shared.domain.city import every
from shared.domain.city_rows import NEVER
from shared.domain.errors import BadInputError
from shared.domain.event import Event
from shared.domain.fields import DAY, code_of, id_of
from shared.domain.fields import PLACE as PATH
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import Row, View
from shared.domain.words import _, said

#: Organisations in one tree at most.
LARGEST_TREE = 5000


def _history(row: Row, organisation: Organisation, event: Event, record: Record) -> Row:
    """The first day without it, so that days compare; and what it was directly under, each with its days."""
    parents = row.get("parents") or [{"parent_id": organisation.parent_id, "since": organisation.since, "until": ""}]
    if isinstance(event, OrganisationMoved):
        now = {"parent_id": event.parent_id, "since": event.since, "until": ""}
        parents = [*parents[:-1], parents[-1] | {"until": event.since}, now]
    elif organisation.until:
        parents = [*parents[:-1], parents[-1] | {"until": organisation.until}]
    return {"ended": organisation.until or NEVER, "parents": parents}


def parent_on(row: Row, day: str) -> str:
    """The organisation that one is directly under on a day (ISO date), "" for none."""
    return next((str(one["parent_id"]) for one in reversed(row["parents"]) if one["since"] <= day), "")


ORGANISATIONS = View.of(
    ORGANISATION,
    "organisations",
    ("organisation_id", "place", "parent_id", "level", "type", "since", "ended"),
    _history,
    folding=2,
)

_ROW = row_of(ORGANISATION, ended=TEXT, parents=many(shape(parent_id=TEXT, since=TEXT, until=TEXT)), actions=ACTIONS)
_TREE = shape(**_ROW["properties"], children=many({"type": "object"}))  # trees in turn


@ORGANISATION.query(answer=page_of(_ROW))
def find_organisations(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "for a place and everything below it"] = "",
    place: Annotated[str, PATH, "for exactly this place"] = "",
    parent_id: Annotated[str, id_of("organisation"), "directly below this organisation now"] = "",
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
        parent = found.get(parent_on(row, day))
        (roots if parent is None else parent["children"]).append(row)
    return {"roots": roots}

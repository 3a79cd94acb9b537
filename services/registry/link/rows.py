"""Links as rows and figures: what belongs together, since when, what was done, and which ends have none (A23, E14, E19)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from services.registry.later import entered_later
from services.registry.link.state import (
    LINK,
    DeliveryLogged,
    Link,
    LinkEnded,
)
from services.registry.subjects import SUBJECT, all_of, held_on, missing, named_ends
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, many, row_of, shape
from shared.domain.catalogue import LinkKind, data_of
from shared.domain.city import every
from shared.domain.event import Event
from shared.domain.fields import DAY, PLACE, choice, code_of
from shared.domain.listing import Listing
from shared.domain.reader import Reader
from shared.domain.view import Row, View

#: Deliveries shown with a link, the latest.
SHOWN = 50


def _periods(row: Row, link: Link, event: Event, record: Any) -> Row:
    """The periods in which it held, and what was done last."""
    held = row.get("history", [])
    if link.status == "linked" and (not held or held[-1]["until"]):
        held = [*held, {"since": link.since, "until": ""}]
    elif isinstance(event, LinkEnded) and held and not held[-1]["until"]:
        held = [*held[:-1], held[-1] | {"until": event.until}]
    done = row.get("done", [])
    if isinstance(event, DeliveryLogged):
        done = [*done[1 - SHOWN :], {"done_on": event.done_on, "what": event.what, "recorded": record.time}]
    return {"history": held, "done": done}


LINKS = View.of(
    LINK, "links", ("place", "far_place", ("kind", "status"), "near", "far", "since", "deliveries"), _periods
)
_ROW = row_of(
    LINK,
    history=many(shape(since=TEXT, until=TEXT)),
    done=many(shape(done_on=TEXT, what=TEXT, recorded=TEXT)),
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)
_NAMED = dict.fromkeys(
    ("organisation", "organisation_en", "near_name", "near_name_en", "far_name", "far_name_en"), TEXT
)
_LISTED = Listing(
    LINK, LINKS, shape(_NAMED, **_ROW["properties"]), lambda read, rows: named_ends(read, rows, "near", "far")
)


@_LISTED.list("-since", "place", "deliveries")
def find_links(
    place__under: Annotated[str, PLACE, "whose near end is at a place or below it"] = "",
    far_place__under: Annotated[str, PLACE, "whose far end is at a place or below it"] = "",
    kind: Annotated[str, code_of("links"), "of this kind"] = "",
    near: Annotated[str, SUBJECT, "of this near end"] = "",
    far: Annotated[str, SUBJECT, "of this far end"] = "",
    status: Annotated[str, choice("proposed", "linked", "declined", "ended"), "in this state"] = "",
) -> None:
    """What belongs together, since when and on what terms (A27, E19)."""


_LISTED.one("A link with the periods in which it held and what was done under it last.")


_END = shape(linked=COUNT, subjects=COUNT, without=COUNT, missing=many(TEXT))


@LINK.query(
    answer=shape(
        kind=TEXT,
        place=TEXT,
        day=TEXT,
        links=COUNT,
        near=_END,
        far=_END,
        target=COUNT,
        at_target=COUNT,
        entered_later=COUNT,
    ),
    as_of=True,
)
def link_figures(
    read: Reader,
    *,
    kind: Annotated[str, code_of("links"), "kind of link"],
    place: Annotated[str, PLACE, "ends at a place and below it; empty: the whole city"] = "",
    on: Annotated[str, DAY, "day; empty: today"] = "",
) -> dict[str, Any]:
    """How many links of a kind hold on a day, and which ends have one, of how many there are then (A23, E14, E19).

    Each end counts distinct things at and below the place, never links; `at_target` are near ends with as many links as they should have.
    """
    day = on or read.today

    rules: LinkKind = data_of("links", read.city.code("links", kind, "kind").data)
    holding = [
        row for row in every(read.rows, "links", {"kind": kind}) if any(held_on(one, day) for one in row["history"])
    ]
    nears, fars = (
        all_of(read, rules.near, rules.near_of, place, day),
        all_of(read, rules.far, rules.far_of, place, day),
    )
    here = set(nears)
    of_near = Counter(row["near"] for row in holding if row["near"] in here)
    of_far = {row["far"] for row in holding} & set(fars)
    return {
        "kind": kind,
        "place": place,
        "day": day,
        "links": sum(row["near"] in here or row["far"] in of_far for row in holding),
        "near": {"linked": len(of_near)} | missing(nears, of_near),
        "far": {"linked": len(of_far)} | missing(fars, of_far),
        "target": rules.target,
        "at_target": sum(count >= rules.target for count in of_near.values()) if rules.target else 0,
    } | entered_later(read, place, day)

"""Rows and questions of places: the tree by the names of any day, measures, counts and attributes with their histories."""

from __future__ import annotations

from typing import Annotated, Any

from services.registry.place.ending import Looked
from services.registry.place.state import PLACE, HouseholdsCounted, Place, PlaceDescribed, PlaceMeasured
from shared.domain.answers import ACTIONS, PLACE_NAMES, TEXT, many, page_of, row_of, shape
from shared.domain.city_rows import NEVER
from shared.domain.event import Event
from shared.domain.fields import DAY, YES, code_of
from shared.domain.fields import PLACE as PATH
from shared.domain.moments import day_of, days_late, imported
from shared.domain.parameters import LONGEST_WINDOW
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader, offered
from shared.domain.record import Record
from shared.domain.view import OWN, Row, View, state_of


# Rows.
def _measure_key(event: Event, record: Record) -> str | None:
    return f"{event.place}/{event.measure}" if isinstance(event, PlaceMeasured) else None


def _with(history: list[Row], fact: Row, day: str) -> list[Row]:
    """The history in order of its days with one more fact.

    What was known for the same day stays, with the time at which it was corrected: a published figure never changes silently (X02).
    """
    known = [
        old | {"corrected": fact["recorded"]} if old[day] == fact[day] and not old["corrected"] else old
        for old in history
    ]
    return sorted([*known, fact | {"corrected": ""}], key=lambda one: (str(one[day]), not one["corrected"]))


def _recorded(record: Record) -> Row:
    """When a figure was recorded, and the day from which it was published; of what another register held that is when it says so.

    What is dated back further than any window allows was brought in before facts said by whom.
    """
    elsewhere = imported(record) or days_late(record) > LONGEST_WINDOW
    return {"recorded": record.time, "published": day_of(record.occurred if elsewhere else record.time)}


def published(row: Row, since: str, day: str) -> Row | None:
    """What a row of figures said to who read it on a day (ISO date), however it was corrected later (X02); None for nothing.

    `since` is the field that says from which day a figure holds.
    """
    then = [one for one in row["history"] if one[since] <= day and one["published"] <= day]
    return row | then[-1] if then else None


def _measure(row: Row, event: PlaceMeasured, record: Record, key: str) -> Row:
    """The measure as last known, and its history; a later record for the same day is a correction beside what it corrects (X02)."""
    known = {name: getattr(event, name) for name in ("since", "value", "qualifier", "source")}
    history = _with(row.get("history", []), known | _recorded(record), "since")
    return {"place": event.place, "measure": event.measure, "unit": event.unit, **history[-1], "history": history}


def _households_key(event: Event, record: Record) -> str | None:
    return event.place if isinstance(event, HouseholdsCounted) else None


def _households(row: Row, event: HouseholdsCounted, record: Record, key: str) -> Row:
    """The households by the latest count, and the counts before."""
    counted = {name: getattr(event, name) for name in ("as_of", "households", "qualifier")}
    history = _with(row.get("history", []), counted | _recorded(record), "as_of")
    return {"place": event.place, **history[-1], "history": history}


def _attribute_key(event: Event, record: Record) -> str | None:
    return f"{event.place}/{event.attribute}" if isinstance(event, PlaceDescribed) else None


def _attribute(row: Row, event: PlaceDescribed, record: Record, key: str) -> Row:
    """The attribute as last known, and its history with what was corrected."""
    fields = ("since", "until", "value", "codes", "unit", "qualifier", "source")
    known = {name: getattr(event, name) for name in fields} | _recorded(record)
    history = _with(row.get("history", []), known, "since")
    return {"place": event.place, "attribute": event.attribute, **history[-1], "history": history}


def _registered(row: Row, place: Place, event: Event, record: Record) -> Row:
    """The day since when it is known, and the first day without it."""
    return {"registered": row.get("registered") or record.occurred[:10], "ended": place.until or NEVER}


PLACES = View.of(PLACE, "places", ("place", "parent", "kind", "ended"), _registered, folding=3)
MEASURES = View("measures", OWN, _measure_key, _measure, ("place", "measure"), folding=3)
HOUSEHOLDS = View("households", OWN, _households_key, _households, ("place", "households"), folding=3)

ATTRIBUTES = View("attributes", OWN, _attribute_key, _attribute, ("place", "attribute", ("attribute", "place")))


def shown_place(row: Row, day: str = "") -> Row:
    """A row as of a day (ISO date; empty: now) by its name then, without the histories that measures and counts show better."""
    called = row["names"][max(since for since in row["names"] if since <= day)] if day and row["names"] else {}
    return {name: value for name, value in row.items() if name not in _SHOWN_ELSEWHERE} | called


_SHOWN_ELSEWHERE = ("known", "counts", "described")
PLACE_ROW = row_of(PLACE, *_SHOWN_ELSEWHERE, registered=TEXT, ended=TEXT, actions=ACTIONS)


@PLACE.query(answer=page_of(PLACE_ROW))
def find_places(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "a place and everything below it"] = "",
    parent: Annotated[str, PATH, "directly below this place"] = "",
    topmost: Annotated[bool, YES, "only places without a parent"] = False,
    kind: Annotated[str, code_of("place_kinds"), "kind"] = "",
    day: Annotated[str, DAY, "those of this day, by their names then; empty: of today"] = "",
    ended: Annotated[bool, YES, "also those that had ended by then, with what came after them"] = False,
    order: Annotated[str, order_of("key", "place", "kind"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Places of the territory tree on a day."""
    where: Row = {"place__under": place__under, "parent": [""] if topmost else parent, "kind": kind}
    where |= {} if ended else {"ended__gt": day or read.today}
    page = read.page("places", where, limit, cursor, order)
    city = Looked(read.city, [row["place"] for row in page["rows"]])
    return page | {
        "rows": [
            shown_place(row, day) | {"actions": offered(PLACE, state_of(PLACE, row), read.by, city)}
            for row in page["rows"]
        ]
    }


_VALUE = {
    **dict.fromkeys(
        ("since", "until", "value", "unit", "qualifier", "source", "recorded", "published", "corrected"), TEXT
    ),
    "codes": many(TEXT),
}
ATTRIBUTE_ROW = shape(key=TEXT, place=TEXT, attribute=TEXT, history=many(shape(**_VALUE)), **_VALUE)


def attribute_on(row: Row, day: str) -> Row | None:
    """What a row of attributes says of a day (ISO date), as it is known now; None when nothing was known to hold then."""
    then = [one for one in row["history"] if one["since"] <= day and not one["corrected"]]
    return row | then[-1] if then and (not then[-1]["until"] or day < then[-1]["until"]) else None


@PLACE.query(answer=page_of(shape(place_names=PLACE_NAMES, **ATTRIBUTE_ROW["properties"])))
def find_attributes(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "a place and everything below it"] = "",
    attribute: Annotated[str, code_of("attributes"), "in this respect"] = "",
    day: Annotated[str, DAY, "what held on this day; empty: what was known last, with its history"] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """What places are like, with sources and histories; on a day: only what held then (A42, C02, C51)."""
    page = read.page("attributes", {"place__under": place__under, "attribute": attribute}, limit, cursor, "place")
    rows = [attribute_on(row, day) if day else row for row in page["rows"]]
    return page | {"rows": read.city.named(row for row in rows if row)}

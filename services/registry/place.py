"""Places: a tree of territory paths with dated measures and household counts (C02, C29, C50, D04)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from services.registry.entry import Entry, entries, in_force
from services.registry.standing import STANDING, Standing, asked_standings, first_standings
from shared.domain.answers import ACTIONS, TEXT, page_of, row_of
from shared.domain.city import City, every, unlike
from shared.domain.command import GIVEN, Cursor, Limit, On, holds, on, order_of
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import CODE, DAY, YES, choice, code_of, line, number, pairs
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.moments import day_of, days_late, imported
from shared.domain.parameters import LONGEST_WINDOW
from shared.domain.privacy import told
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.territory import ancestors
from shared.domain.view import OWN, Row, View
from shared.domain.words import _, said

#: How exact a number is that was taken from a document (X04): 600余 is at_least, 近600 is below, 左右 is about.
Qualifier = Literal["exact", "at_least", "about", "below"]
QUALIFIER = choice("exact", "at_least", "about", "below", words="qualifier")
#: No schemes.
NONE: Mapping[str, str] = {}
#: Largest value of a measure.
LARGEST_VALUE = 10**13


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class PlaceRegistered(Event, frozen=True, kw_only=True):
    """A street, community, area, compound, yard or building became known (C02, C29, C50, D04)."""

    place: str  # territory path
    kind: str
    name: Annotated[str, told()]
    name_en: Annotated[str, told()]
    parent: str


class PlaceMeasured(Event, frozen=True, kw_only=True):
    """A measure of a place is known from a day on: an integer of a named unit, with its source (C02, X04)."""

    place: str
    measure: str
    value: int
    unit: str
    qualifier: Qualifier
    source: Annotated[str, told()]
    since: str


class HouseholdsCounted(Event, frozen=True, kw_only=True):
    """The households of a building, or of a place whose buildings are not counted one by one (C02, C29)."""

    place: str
    households: int
    as_of: str
    qualifier: Qualifier


class PlaceRenamed(Event, frozen=True, kw_only=True):
    """A place bears another name from a day on; what it was called before stays readable."""

    place: str
    name: Annotated[str, told()]
    name_en: Annotated[str, told()]
    since: str


class Named(msgspec.Struct, frozen=True):
    """What a place is called."""

    name: str
    name_en: str


class Place(msgspec.Struct, frozen=True):
    """A place; `known` holds the latest fact by measure and day, `counts` that by day.

    `names` holds every name by the day since when it holds, the first one by ""; none while it was never renamed.
    """

    id: str
    status: str = "unknown"  # unknown, registered
    kind: str = ""
    name: str = ""
    name_en: str = ""
    parent: str = ""
    known: dict[str, dict[str, PlaceMeasured]] = {}
    counts: dict[str, HouseholdsCounted] = {}
    names: dict[str, Named] = {}


def evolve(place: Place, event: PlaceRegistered | PlaceMeasured | HouseholdsCounted | PlaceRenamed) -> Place:
    """Apply a recorded fact. Never refuses: it has already happened."""
    replace = msgspec.structs.replace
    match event:
        case PlaceRegistered():
            return Place(place.id, "registered", event.kind, event.name, event.name_en, event.parent)
        case PlaceMeasured():
            days = place.known.get(event.measure, {}) | {event.since: event}
            return replace(place, known=place.known | {event.measure: days})
        case HouseholdsCounted():
            return replace(place, counts=place.counts | {event.as_of: event})
        case PlaceRenamed():
            names = place.names or {"": Named(place.name, place.name_en)}
            now = Named(event.name, event.name_en)
            return replace(place, name=event.name, name_en=event.name_en, names=names | {event.since: now})


FACTS = (PlaceRegistered, PlaceMeasured, HouseholdsCounted, PlaceRenamed)
PLACE = Decider("place", FACTS, Place, Place, evolve, lambda place: place.id, named="place")


@PLACE.command("registry.place", new=GIVEN, id_kind=PATH, alone=True)
def register_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    above: Annotated[Place | None, holds(PLACE, "parent")],
    codes: Annotated[Mapping[str, Entry], entries(place_kinds="kind")],
    held: Annotated[Mapping[str, Standing], holds(STANDING, asked_standings)],
    kind: Annotated[
        str, code_of("place_kinds"), "kind: street, community, compound, building or another of the city's"
    ],
    name: Annotated[str, line(100), "name in Chinese"],
    name_en: Annotated[str, line(200), "name in English"] = "",
    parent: Annotated[str, PATH, "path of the parent; empty for a topmost place"] = "",
    standings: Annotated[
        Mapping[str, str], pairs(CODE, CODE), "what it is by each scheme: required of those that are total for its kind"
    ] = NONE,
) -> list[Event | On]:
    """Register a place below its parent, with its code of each scheme that is total for its kind (C02, C29, C50, D04, X03)."""
    if place.status == "registered":
        first_name = place.names.get("", Named(place.name, place.name_en))
        if (place.kind, place.parent, first_name) == (kind, parent, Named(name, name_en)):
            return []
        raise IllegalStateError(
            _("{place} is registered already as {name}; a path names one place"),
            {"place": said(_("registered already"))},
            place=place.id,
            name=place.name,
        )
    if place.id.rpartition(".")[0] != parent:
        raise IllegalStateError(
            _("the path {place} must be that of its parent ({parent}) and one part more"),
            {"parent": said(_("must be the path without its last part"))},
            place=place.id,
            parent=parent or "-",
        )
    if above is not None and above.status == "unknown":
        raise NotFoundError(
            _("there is no place {place}; register it first"), {"parent": said(_("unknown"))}, place=parent
        )
    in_force(city, codes, "place_kinds", kind, "kind")
    unlike(name, (row for row in every(city.rows, "city_places", {"parent": parent}) if row["place"] != place.id))
    registered = PlaceRegistered(place=place.id, kind=kind, name=name, name_en=name_en, parent=parent)
    first = first_standings(city, held, place.id, kind, standings, at[:10])
    return [registered, *(on(STANDING, id, fact) for id, fact in first)]


@PLACE.command("registry.place", id_kind=PATH, alone=True)
def rename_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    name: Annotated[str, line(100), "name in Chinese"],
    name_en: Annotated[str, line(200), "name in English"] = "",
    since: Annotated[str, DAY, "day from which it holds, not ahead; empty: today"] = "",
) -> list[Event]:
    """Give a place another name from a day on; its path and what it was called before stay."""
    since = since or at[:10]
    if (place.name, place.name_en) == (name, name_en):
        return []
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; a place is renamed from today on at the latest"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    if since <= (last := max(place.names, default="")):
        raise IllegalStateError(
            _("{place} was renamed on {day}; its next name holds from a later day on"),
            {"since": said(_("must be later"))},
            place=place.id,
            day=last,
        )
    unlike(name, (row for row in every(city.rows, "city_places", {"parent": place.parent}) if row["place"] != place.id))
    return [PlaceRenamed(place=place.id, name=name, name_en=name_en, since=since)]


@PLACE.command("registry.place", id_kind=PATH)
def measure_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    codes: Annotated[Mapping[str, Entry], entries(measures="measure")],
    measure: Annotated[str, code_of("measures"), "what is measured, such as area, residents or built"],
    value: Annotated[int, number(0, LARGEST_VALUE), "value in the unit"],
    unit: Annotated[str, CODE, "unit, such as m2, persons or year; the same for one measure of a place"],
    qualifier: Annotated[Qualifier, QUALIFIER, "how exact it is"] = "exact",
    source: Annotated[str, line(400), "where it is known from"] = "",
    since: Annotated[str, DAY, "day from which it holds, not ahead; empty: today"] = "",
) -> list[Event]:
    """Record a measure of a place with its qualifier and source; for a day that has one this is a correction (C02, X02, X04)."""
    since = since or at[:10]
    measured = PlaceMeasured(
        place=place.id, measure=measure, value=value, unit=unit, qualifier=qualifier, source=source, since=since
    )
    known = place.known.get(measure, {})
    if known.get(since) == measured:
        return []
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; a measure is known from today on at the latest"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    if others := {earlier.unit for earlier in known.values()} - {unit}:
        raise IllegalStateError(
            _("{measure} of {place} is measured in {known}, not in {unit}; convert the value"),
            {"unit": said(_("must stay the same"))},
            measure=measure,
            place=place.id,
            known=others.pop(),
            unit=unit,
        )
    in_force(city, codes, "measures", measure, "measure")
    return [measured]


@PLACE.command("registry.place", id_kind=PATH, alone=True)
def count_households(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    households: Annotated[int, number(0, 10**7), "number of households; 0 takes a count back"],
    as_of: Annotated[str, DAY, "day of the count, not ahead; empty: today"] = "",
    qualifier: Annotated[Qualifier, QUALIFIER, "how exact it is"] = "exact",
) -> list[Event]:
    """Record how many households a building has, or a place that is not counted by building (C02)."""
    as_of = as_of or at[:10]
    counted = HouseholdsCounted(place=place.id, households=households, as_of=as_of, qualifier=qualifier)
    if place.counts.get(as_of) == counted:
        return []
    if as_of > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; households are counted up to today"),
            {"as_of": said(_("must not be in the future"))},
            day=as_of,
        )
    if households and (other := _counted_elsewhere(city, place.id)):
        raise IllegalStateError(
            _(
                "the households of {place} are counted at {other} already and would count twice; set that count to 0 first"
            ),
            {"place": said(_("counted elsewhere")), "households": said(_("counted elsewhere"))},
            place=place.id,
            other=other,
        )
    return [counted]


def _counted_elsewhere(city: City, place: str) -> str:
    """A place above or below that has a household count, so that one more would count households twice (X03)."""
    over = ancestors(place)
    above = city.rows.find("households", {"place": over, "households__gt": 0}, limit=1).rows if over else ()
    below = city.rows.find("households", {"place__under": place, "households__gt": 0}, limit=2).rows
    return next((str(row["place"]) for row in (*above, *below) if row["place"] != place), "")


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


def _registered(row: Row, place: Place, event: Event, record: Record) -> Row:
    """The day since when it is known."""
    return {"registered": row.get("registered") or record.occurred[:10]}


PLACES = View.of(PLACE, "places", ("place", "parent", "kind"), _registered, folding=2)
MEASURES = View("measures", OWN, _measure_key, _measure, ("place", "measure"), folding=3)
HOUSEHOLDS = View("households", OWN, _households_key, _households, ("place", "households"), folding=3)


def shown_place(row: Row, day: str = "") -> Row:
    """A row as of a day (ISO date; empty: now) by its name then, without the histories that measures and counts show better."""
    called = row["names"][max(since for since in row["names"] if since <= day)] if day and row["names"] else {}
    return {name: value for name, value in row.items() if name not in ("known", "counts")} | called


PLACE_ROW = row_of(PLACE, "known", "counts", registered=TEXT, actions=ACTIONS)


@PLACE.query(answer=page_of(PLACE_ROW))
def find_places(
    read: Reader,
    *,
    place__under: Annotated[str, PATH, "a place and everything below it"] = "",
    parent: Annotated[str, PATH, "directly below this place"] = "",
    topmost: Annotated[bool, YES, "only places without a parent"] = False,
    kind: Annotated[str, code_of("place_kinds"), "kind"] = "",
    day: Annotated[str, DAY, "by the names of this day; empty: of today"] = "",
    order: Annotated[str, order_of("key", "place", "kind"), "sorted by; - before it: descending"] = "key",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Places of the territory tree."""
    where = {"place__under": place__under, "parent": [""] if topmost else parent, "kind": kind}
    return read.page("places", where, limit, cursor, order, PLACE, lambda row: shown_place(row, day))

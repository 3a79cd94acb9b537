"""What is known of a place: facts, state, how facts change it (C02, C29, C50, D04, X04)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.fields import choice
from shared.domain.privacy import PUBLIC, told

#: How exact a number is that was taken from a document (X04): 600余 is at_least, 近600 is below, 左右 is about, 约600余 is two at once.
Qualifier = Literal["exact", "at_least", "about", "below", "about_at_least"]
QUALIFIER = choice("exact", "at_least", "about", "below", "about_at_least", words="qualifier")


#: What becomes of a place that ends: its code says where it belongs, so that a move gives it another one.
Change = Literal["moved", "merged", "split", "abolished"]
CHANGE = choice("moved", "merged", "split", "abolished", words="place_change")


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


class PlaceDescribed(Event, frozen=True, kw_only=True):
    """What a place is like in one respect, from a day on: an attribute of the city's list with its source (A42, C02, C51)."""

    place: str
    attribute: Annotated[str, PUBLIC]  # code of the catalogue entry
    version: int  # of the entry
    value: Annotated[str, told()]  # text, number in the entry's unit, or id of the organisation
    codes: Annotated[list[str], PUBLIC]  # chosen from the entry's choices
    unit: str
    qualifier: Qualifier
    source: Annotated[str, told()]
    since: str
    until: str  # first day without it, "" while open


class PlaceEnded(Event, frozen=True, kw_only=True):
    """There is no such place any more from a day on: its code is never used again, and the successors have other codes (C51, D43)."""

    place: str
    change: Change
    successors: Annotated[list[str], PUBLIC]  # territory paths
    heir: Annotated[str, PUBLIC]  # path of the one that gets what is open here
    since: str  # first day without it
    reason: Annotated[str, told()]


class Named(msgspec.Struct, frozen=True):
    """What a place is called."""

    name: str
    name_en: str


class Place(msgspec.Struct, frozen=True):
    """A place; `known` holds the latest fact by measure and day, `counts` that by day, `described` that by attribute and day.

    `names` holds every name by the day since when it holds, the first one by ""; none while it was never renamed.
    """

    id: str
    status: str = "unknown"  # unknown, registered, ended
    kind: str = ""
    name: str = ""
    name_en: str = ""
    parent: str = ""
    known: dict[str, dict[str, PlaceMeasured]] = {}
    counts: dict[str, HouseholdsCounted] = {}
    names: dict[str, Named] = {}
    described: dict[str, dict[str, PlaceDescribed]] = {}
    change: str = ""
    successors: list[str] = []
    heir: str = ""
    until: str = ""  # first day without it
    reason: str = ""  # why it ended


def evolve(place: Place, event: Event) -> Place:
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
        case PlaceDescribed():
            since = place.described.get(event.attribute, {}) | {event.since: event}
            return replace(place, described=place.described | {event.attribute: since})
        case PlaceEnded():
            end = {"change": event.change, "successors": event.successors, "heir": event.heir, "until": event.since}
            return replace(place, status="ended", reason=event.reason, **end)
    return place


FACTS = (PlaceRegistered, PlaceMeasured, HouseholdsCounted, PlaceRenamed, PlaceDescribed, PlaceEnded)
PLACE = Decider("place", FACTS, Place, Place, evolve, lambda place: place.id, named="place")

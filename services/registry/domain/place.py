"""Places: a tree of territory paths with dated measures and household counts (C02, C29, C50, D04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.registry.domain.profile import check_code
from services.registry.events import CODEC, HouseholdsCounted, PlaceMeasured, PlaceRegistered, Qualifier
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class Place(msgspec.Struct, frozen=True):
    """A place; `registered` is None while it is unknown. `measures` holds the latest fact by measure and day."""

    id: str
    registered: PlaceRegistered | None = None
    measures: dict[str, dict[str, PlaceMeasured]] = {}
    counts: dict[str, HouseholdsCounted] = {}


def initial(id: str) -> Place:
    return Place(id)


def evolve(place: Place, event: Event) -> Place:
    """Apply a recorded fact."""
    replace = msgspec.structs.replace
    match event:
        case PlaceRegistered():
            return replace(place, registered=event)
        case PlaceMeasured():
            days = place.measures.get(event.measure, {}) | {event.since: event}
            return replace(place, measures=place.measures | {event.measure: days})
        case HouseholdsCounted():
            return replace(place, counts=place.counts | {event.as_of: event})
        case _:
            return place


def within(place: str, above: str) -> bool:
    """Whether a path is `above` or somewhere below it; everything is within the city ("")."""
    return not above or place == above or place.startswith(above + ".")


def register_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    kind: str,
    name: str,
    name_en: str,
    parent: str,
    parent_place: Mapping[str, Any] | None,
    profile: Mapping[str, Any] | None,
) -> list[Event]:
    """Enter a place below its parent; `parent_place` is the parent's row.

    Kinds are those of the code list `place_kinds` when there is one.
    """
    by.require("registry.place", place.id)
    registered = PlaceRegistered(place=place.id, kind=kind, name=name, name_en=name_en, parent=parent)
    if place.registered == registered:
        return []
    if place.registered is not None:
        raise IllegalStateError(f"{place.id} is registered already as {place.registered.name}; a path names one place")
    if place.id.rpartition(".")[0] != parent:
        raise IllegalStateError(
            f"the path {place.id} must be that of its parent ({parent or 'none'}) and one segment more"
        )
    if parent and parent_place is None:
        raise NotFoundError(f"the parent {parent} of {place.id} is not registered; register it first")
    if profile is not None:
        check_code(profile, "place_kinds", kind)
    return [registered]


def measure(
    place: Place,
    *,
    by: Mandate,
    at: str,
    measure: str,
    value: int,
    unit: str,
    qualifier: Qualifier,
    source: str,
    since: str,
    profile: Mapping[str, Any] | None,
) -> list[Event]:
    """Record a measure as known from a day on; for a day that has one already this is a correction (C02, X02, X04)."""
    by.require("registry.place", place.id)
    _must_exist(place)
    since = since or at[:10]
    measured = PlaceMeasured(
        place=place.id, measure=measure, value=value, unit=unit, qualifier=qualifier, source=source, since=since
    )
    known = place.measures.get(measure, {})
    if known.get(since) == measured:
        return []
    if since > at[:10]:
        raise IllegalStateError(f"{since} has not come yet; a measure is known from {at[:10]} on at the latest")
    units = {earlier.unit for earlier in known.values()}
    if units - {unit}:
        raise IllegalStateError(
            f"{measure} of {place.id} is measured in {units.pop()}, not in {unit}; convert the value"
        )
    if profile is not None:
        check_code(profile, "measures", measure)
    return [measured]


def count_households(
    place: Place,
    *,
    by: Mandate,
    at: str,
    households: int,
    as_of: str,
    qualifier: Qualifier,
    counted_elsewhere: Sequence[str],
) -> list[Event]:
    """Record how many households a building has.

    `counted_elsewhere` are places above and below with a count: a household may be counted once only (X03).
    """
    by.require("registry.place", place.id)
    _must_exist(place)
    as_of = as_of or at[:10]
    counted = HouseholdsCounted(place=place.id, households=households, as_of=as_of, qualifier=qualifier)
    if place.counts.get(as_of) == counted:
        return []
    if as_of > at[:10]:
        raise IllegalStateError(f"{as_of} has not come yet; households are counted up to {at[:10]}")
    if households and counted_elsewhere:
        raise IllegalStateError(
            f"the households of {place.id} are counted at {counted_elsewhere[0]} already and would count twice; "
            "set that count to 0 first"
        )
    return [counted]


def _must_exist(place: Place) -> None:
    if place.registered is None:
        raise NotFoundError(f"no place {place.id} is registered")


PLACE = Decider("place", CODEC, Place, initial, evolve, lambda place: place.id)

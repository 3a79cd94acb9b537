"""Visits of grid workers to households: planned, then recorded (C07)."""

from __future__ import annotations

import msgspec

from services.issues.events import CODEC, VisitFact, VisitPlanned, VisitRecorded
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate


class Visit(msgspec.Struct, frozen=True):
    """A visit: unknown, planned or recorded."""

    id: str
    status: str = "unknown"
    place: str = ""
    person_id: str = ""
    day: str = ""


def evolve(visit: Visit, event: VisitFact) -> Visit:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case VisitPlanned():
            return Visit(visit.id, "planned", event.place, event.person_id, event.planned_on)
        case VisitRecorded():
            return Visit(visit.id, "recorded", event.place, event.person_id, event.visited_on)


def plan_visit(
    visit: Visit, *, by: Mandate, at: str, place: str, person_id: str, planned_on: str, known_place: bool = True
) -> list[Event]:
    """Plan a visit of a person to a place, or move it to another day, until it has taken place."""
    by.require("visit.record", visit.place or place)
    by.require("visit.record", place)
    _check_place(place, known_place)
    if visit.status == "recorded":
        raise IllegalStateError("the visit has taken place; plan another one")
    if (visit.status, visit.place, visit.person_id, visit.day) == ("planned", place, person_id, planned_on):
        return []
    if planned_on < at[:10]:
        raise IllegalStateError(
            f"{planned_on} is over; record the visit instead", {"planned_on": "must not be in the past"}
        )
    return [VisitPlanned(visit_id=visit.id, place=place, person_id=person_id, planned_on=planned_on)]


def record_visit(
    visit: Visit,
    *,
    by: Mandate,
    at: str,
    place: str,
    visited_on: str,
    person_id: str,
    opinions: int,
    household: str = "",
    known_place: bool = True,
) -> list[Event]:
    """Record a visit, planned or not; `household` is sealed, `opinions` how many were heard."""
    by.require("visit.record", visit.place or place)
    by.require("visit.record", place)
    _check_place(place, known_place)
    if visited_on > at[:10]:
        raise IllegalStateError(
            f"{visited_on} has not come yet; plan the visit instead", {"visited_on": "must not be in the future"}
        )
    if visit.status == "recorded":
        if (visit.place, visit.person_id, visit.day) == (place, person_id, visited_on):
            return []
        raise IllegalStateError(f"the visit {visit.id} was recorded already; record another one")
    return [
        VisitRecorded(
            visit_id=visit.id,
            place=place,
            household=household,
            visited_on=visited_on,
            person_id=person_id,
            opinions=opinions,
        )
    ]


def _check_place(place: str, known: bool) -> None:
    if not known:
        raise NotFoundError(f"there is no place {place}", {"place": "unknown"})


VISIT = Decider("visit", CODEC, Visit, Visit, evolve, lambda visit: visit.place)

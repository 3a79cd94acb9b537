"""Visits of grid workers to households: planned, then recorded (C07)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, page_of, row_of
from shared.domain.city import City
from shared.domain.command import CHOSEN
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event, sealed, taken
from shared.domain.fields import DAY, PLACE, choice, id_of, line, number
from shared.domain.mandate import Mandate
from shared.domain.privacy import staff
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.relocating import Relocating
from shared.domain.view import Row, View
from shared.domain.words import _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class VisitPlanned(Event, frozen=True, kw_only=True):
    """A grid worker is to visit a place on a day (C07)."""

    visit_id: str
    place: str
    person_id: Annotated[str, staff("visit.record")]
    planned_on: str  # ISO date


class VisitRecorded(Event, frozen=True, kw_only=True):
    """A grid worker visited a household and listened (C07); issues from it are counted by their own facts."""

    visit_id: str
    place: str
    household: Annotated[str, sealed(lambda fact: f"visit:{fact.visit_id}")]
    visited_on: str  # ISO date
    person_id: Annotated[str, staff("visit.record")]
    opinions: int  # heard, also those that became no issue


class VisitRelocated(Event, frozen=True, kw_only=True):
    """The place of a planned visit has ended; the visit is due at the place that came after it."""

    visit_id: str
    place: str


class HouseholdErased(Event, frozen=True, kw_only=True):
    """The key of the visited household's name was destroyed; nobody can read it any more (X09)."""

    visit_id: str


class Visit(msgspec.Struct, frozen=True):
    """A visit; `day` is when it is due or took place (ISO date)."""

    id: str
    status: str = "unknown"  # unknown, planned, recorded
    place: str = ""
    person_id: str = ""
    planned_on: str = ""
    day: str = ""
    household: str = ""  # sealed
    opinions: int = 0


def evolve(visit: Visit, event: VisitPlanned | VisitRecorded | VisitRelocated | HouseholdErased) -> Visit:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case VisitPlanned():
            day = event.planned_on
            return Visit(visit.id, "planned", event.place, event.person_id, day, day)
        case VisitRecorded():
            return Visit(
                **taken(event, Visit, id=visit.id, status="recorded", planned_on=visit.planned_on, day=event.visited_on)
            )
        case VisitRelocated():
            return replace(visit, place=event.place)
        case HouseholdErased():
            return replace(visit, household="")


VISIT = Decider(
    "visit",
    (VisitPlanned, VisitRecorded, VisitRelocated, HouseholdErased),
    Visit,
    Visit,
    evolve,
    lambda visit: visit.place,
)


@VISIT.command("visit.record", new=CHOSEN)
def plan_visit(
    visit: Visit,
    *,
    by: Mandate,
    at: str,
    city: City,
    place: Annotated[str, PLACE, "where to"],
    planned_on: Annotated[str, DAY, "day of the visit"],
    person_id: Annotated[str, id_of("person"), "who goes; empty: you"] = "",
) -> list[Event]:
    """Plan a visit of a person to a place, or move it to another day, until it has taken place."""
    city.known_place(place)
    if visit.status == "recorded":
        raise IllegalStateError(_("the visit has taken place; plan another one"))
    person_id = person_id or by.actor
    if (visit.status, visit.place, visit.person_id, visit.day) == ("planned", place, person_id, planned_on):
        return []
    if planned_on < at[:10]:
        raise IllegalStateError(
            _("{day} is over; record the visit instead"),
            {"planned_on": said(_("must not be in the past"))},
            day=planned_on,
        )
    return [VisitPlanned(visit_id=visit.id, place=place, person_id=person_id, planned_on=planned_on)]


@VISIT.command("visit.record", new=CHOSEN)
def record_visit(
    visit: Visit,
    *,
    by: Mandate,
    at: str,
    city: City,
    place: Annotated[str, PLACE, "where"],
    visited_on: Annotated[str, DAY, "day of the visit"],
    household: Annotated[str, line(200), "who was visited; sealed, only staff who record visits read it"] = "",
    person_id: Annotated[str, id_of("person"), "who went; empty: you"] = "",
    opinions: Annotated[int, number(0, 1000), "opinions heard, also those that became no issue"] = 0,
) -> list[Event]:
    """Record a visit that took place, planned or not."""
    city.known_place(place)
    if visited_on > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; plan the visit instead"),
            {"visited_on": said(_("must not be in the future"))},
            day=visited_on,
        )
    person_id = person_id or by.actor
    if visit.status == "recorded":
        return []
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


@VISIT.command("visit.record", when=("recorded",), erases=lambda visit: f"visit:{visit.id}")
def erase_household(visit: Visit, *, by: Mandate, at: str) -> list[Event]:
    """Make the name of a visited household unreadable for ever; that the visit took place stays (X09)."""
    return [HouseholdErased(visit_id=visit.id)] if visit.household else []


VISITS = View.of(VISIT, "visits", ("place", ("person_id", "status"), "day"))
FOLLOWS = Relocating(VISIT, "visits", VisitRelocated, ("planned",))


_ROW = row_of(
    VISIT,
    "household",
    household={"type": ["string", "null"]},  # null: erased
    issues=COUNT,
    actions=ACTIONS,
    place_names=PLACE_NAMES,
)


@VISIT.query(answer=page_of(_ROW), power="visit.record")
def find_visits(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    person_id: Annotated[str, id_of("person"), "who goes"] = "",
    status: Annotated[str, choice("planned", "recorded", words="visit status"), "planned or recorded"] = "",
    day__gte: Annotated[str, DAY, "on this day or later"] = "",
    day__lt: Annotated[str, DAY, "before this day"] = "",
    order: Annotated[str, order_of("day", "place"), "sorted by; - before it: descending"] = "-day",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Visits, planned and recorded, with the number of issues reported from each; for staff who record visits there (C07)."""
    where = {"place__under": place__under, "person_id": person_id, "status": status}
    where |= {"day__gte": day__gte, "day__lt": day__lt}
    page = read.page("visits", where, limit, cursor, order, VISIT)
    ids = [row["visit_id"] for row in page["rows"]]
    reported = read.rows.count_by("cases", "origin", {"origin": ids}) if ids else {}

    def shown(row: Row) -> Row:
        return row | {"household": read.open(row["household"]), "issues": reported.get(row["visit_id"], 0)}

    return page | {"rows": read.city.named(shown(row) for row in page["rows"])}

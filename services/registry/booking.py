"""Bookings of rooms and stages: a zone of a venue for one use at a time, once the venue has passed its acceptance (B32, C25)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.subjects import there
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, by_code, row_of, shape
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.command import MADE
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event, taken
from shared.domain.fields import CODE, DAY, HOUR, PLACE, code_of, line, text
from shared.domain.listing import Listing, Under
from shared.domain.lists import Item
from shared.domain.mandate import Mandate
from shared.domain.period import plus_days
from shared.domain.privacy import PUBLIC, staff, told
from shared.domain.reader import Reader
from shared.domain.venue import VenueKind
from shared.domain.view import Row, View
from shared.domain.words import _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class VenueBooked(Event, frozen=True, kw_only=True):
    """A zone of a venue is somebody's for a use, on a day from an hour to another (B32, C25)."""

    booking_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    place: str
    zone: Annotated[str, PUBLIC]
    use: Annotated[str, PUBLIC]
    day: str  # ISO date
    from_hour: Annotated[str, PUBLIC]  # 19:30
    to_hour: Annotated[str, PUBLIC]  # 21:00, the first minute after
    purpose: Annotated[str, told()]
    person_id: Annotated[str, staff()]


class BookingCancelled(Event, frozen=True, kw_only=True):
    """The zone is free again."""

    booking_id: str
    reason: Annotated[str, told()]


class Booking(msgspec.Struct, frozen=True):
    """Who has a zone of a venue, when and for what."""

    id: str
    status: str = "unknown"  # unknown, booked, cancelled
    kind: str = ""
    kind_version: int = 0
    place: str = ""
    zone: str = ""
    use: str = ""
    day: str = ""
    from_hour: str = ""
    to_hour: str = ""
    purpose: str = ""
    person_id: str = ""
    reason: str = ""


def evolve(booking: Booking, event: Event) -> Booking:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case VenueBooked():
            return Booking(**taken(event, Booking, id=booking.id, status="booked"))
        case BookingCancelled():
            return replace(booking, status="cancelled", reason=event.reason)
    return booking


BOOKING = Decider("booking", (VenueBooked, BookingCancelled), Booking, Booking, evolve, lambda booking: booking.place)


def _minutes(hour: str) -> int:
    return int(hour[:2]) * 60 + int(hour[3:])


def _listed(items: list[Item], code: str, field: str, kind: str) -> None:
    """Raise `BadInputError` for a zone or use that the kind of venue does not have."""
    if code not in (known := [one.code for one in items]):
        raise BadInputError(
            _("{kind} has no {code}; known: {known}"),
            {field: said(_("not one of them"))},
            kind=kind,
            code=code,
            known=", ".join(known),
        )


@BOOKING.command("venue.book", new=MADE, alone=True)
def book_venue(
    booking: Booking,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, code_of("venues"), "which kind of venue"],
    place: Annotated[str, PLACE, "the venue"],
    zone: Annotated[str, CODE, "part of it that is booked"],
    use: Annotated[str, CODE, "what for: one of the uses that the city lists"],
    day: Annotated[str, DAY, "day"],
    from_hour: Annotated[str, HOUR, "from this time on, like 19:30"],
    to_hour: Annotated[str, HOUR, "until this time, on the same day"],
    purpose: Annotated[str, line(200), "what takes place, for everyone to read"],
) -> list[Event]:
    """Book a zone of a venue; two bookings of one zone never overlap (B32, C25)."""
    entry = city.code("venues", kind, "kind")
    rules: VenueKind = data_of("venues", entry.data)
    there(city, "place", rules.of, place, "place")
    if not city.unlocked(place, rules.needs):
        raise IllegalStateError(
            _("{place} has not passed the checklist that unlocks {needs}; it is booked once it has"),
            {"place": said(_("its checklist is not passed"))},
            place=place,
            needs=rules.needs,
        )
    _listed(rules.zones, zone, "zone", kind)
    _listed(rules.uses, use, "use", kind)
    latest = plus_days(at[:10], rules.ahead)
    if not at[:10] <= day <= latest:
        raise BadInputError(
            _("a booking is for a day from {today} to {latest}"),
            {"day": said(_("must be from {since} to {today}"), since=at[:10], today=latest)},
            today=at[:10],
            latest=latest,
        )
    if not 0 < _minutes(to_hour) - _minutes(from_hour) <= rules.longest:
        raise BadInputError(
            _("a booking ends on the same day, after {from_hour} and within {longest} minutes"),
            {"to_hour": said(_("must be later, within {longest} minutes"), longest=rules.longest)},
            from_hour=from_hour,
            longest=rules.longest,
        )
    for other in every(city.rows, "bookings", {"place": place, "day": day, "status": "booked"}):
        if other["zone"] == zone and other["from_hour"] < to_hour and from_hour < other["to_hour"]:
            raise IllegalStateError(
                _("{zone} is taken on {day} from {from_hour} to {to_hour}: {purpose}"),
                {"from_hour": said(_("taken until {to_hour}"), to_hour=other["to_hour"])},
                zone=zone,
                day=day,
                from_hour=other["from_hour"],
                to_hour=other["to_hour"],
                purpose=other["purpose"],
            )
    booked = {"kind": kind, "kind_version": entry.version, "place": place, "zone": zone, "use": use, "day": day}
    hours = {"from_hour": from_hour, "to_hour": to_hour, "purpose": purpose, "person_id": by.actor}
    return [VenueBooked(booking_id=booking.id, **booked, **hours)]  # type: ignore[arg-type]  # as declared above


@BOOKING.command(
    "venue.book",
    when=("booked",),
    again=("cancelled",),
    owner=lambda booking, by: bool(by.actor) and booking.person_id == by.actor,
)
def cancel_booking(
    booking: Booking, *, by: Mandate, at: str, reason: Annotated[str, text(400), "why, for everyone to read"]
) -> list[Event]:
    """Give a booked zone back before its time; whoever booked it may, and who may book there."""
    if booking.status == "cancelled":
        return []
    if booking.day < at[:10]:
        raise IllegalStateError(
            _("{day} is over; what took place is not cancelled"), {"booking_id": said(_("over"))}, day=booking.day
        )
    return [BookingCancelled(booking_id=booking.id, reason=reason)]


BOOKINGS = View.of(BOOKING, "bookings", (("place", "day"), "day", "status", "kind", "zone", "use"))

_ROW = row_of(BOOKING, "person_id", place_names=PLACE_NAMES, actions=ACTIONS)


def _shown(row: Row) -> Row:
    """A row without who booked: what takes place is for everybody."""
    return {name: value for name, value in row.items() if name != "person_id"}


_LISTED = Listing(BOOKING, BOOKINGS, _ROW, lambda read, rows: map(_shown, rows))


@_LISTED.list("day", "place", "key")
def find_bookings(
    place__under: Under = "",
    day: Annotated[str, DAY, "on this day"] = "",
    zone: Annotated[str, CODE, "of this zone"] = "",
    status: Annotated[str, CODE, "in this state"] = "",
) -> None:
    """When venues are taken and what takes place there (B32, C25)."""


_LISTED.one("A booking of a venue.")


@BOOKING.query(
    answer=shape(
        place=TEXT, since=TEXT, until=TEXT, bookings=COUNT, minutes=COUNT, by_use=by_code(COUNT), by_zone=by_code(COUNT)
    ),
    as_of=True,
)
def venue_figures(
    read: Reader,
    *,
    place: Annotated[str, PLACE, "a venue, or a place and everything below it; empty: the whole city"] = "",
    since: Annotated[str, DAY, "first day; empty: from the first booking on"] = "",
    until: Annotated[str, DAY, "first day after; empty: no end"] = "",
) -> dict[str, Any]:
    """How venues are used: bookings that were not cancelled, their minutes, how many for which use and zone (B32, C25)."""

    where: Row = {"status": "booked"} | ({"place__under": place} if place else {})
    where |= ({"day__gte": since} if since else {}) | ({"day__lt": until} if until else {})
    uses, zones, minutes = Counter[str](), Counter[str](), 0
    for row in every(read.rows, "bookings", where):
        uses[row["use"]] += 1
        zones[row["zone"]] += 1
        minutes += _minutes(row["to_hour"]) - _minutes(row["from_hour"])
    counted = {"bookings": uses.total(), "minutes": minutes, "by_use": dict(uses), "by_zone": dict(zones)}
    return {"place": place, "since": since, "until": until} | counted

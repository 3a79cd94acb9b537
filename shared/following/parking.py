"""What an operator does with parked facts is itself a fact (of the service that parked them)."""

from __future__ import annotations

import msgspec

from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.words import _

#: The source of what is no fact of this city.
UNREADABLE = "unreadable"


class FactParked(Event, frozen=True, kw_only=True):
    """A fact could not be applied: it is kept out of the views, with those of its stream behind it, until an operator decides."""

    source: str
    stream: str
    position: int


class ParkedFactsRetried(Event, frozen=True, kw_only=True):
    """An operator had the parked facts of a foreign stream applied again."""

    source: str
    stream: str
    reason: str
    asked: str  # command id


class ParkedFactSkipped(Event, frozen=True, kw_only=True):
    """An operator left a parked fact out for good, or put a message away that is none (`position` 0)."""

    source: str
    stream: str
    position: int
    reason: str
    asked: str


PARKING_EVENTS: tuple[type[Event], ...] = (FactParked, ParkedFactsRetried, ParkedFactSkipped)


class Parking(msgspec.Struct, frozen=True):
    """What was done about one foreign stream; only the last request matters."""

    id: str
    asked: str = ""
    position: int = 0  # skipped last


def evolve(parking: Parking, event: FactParked | ParkedFactsRetried | ParkedFactSkipped) -> Parking:
    """Remember the last request."""
    if isinstance(event, FactParked):
        return parking
    return Parking(parking.id, event.asked, event.position if isinstance(event, ParkedFactSkipped) else 0)


def park(parking: Parking, *, by: Mandate, at: str, source: str, stream: str, position: int) -> list[Event]:
    """Record that a fact is left out of the views for now; a service does so itself, once for each position."""
    by.require("operations.park")
    return [FactParked(source=source, stream=stream, position=position)]


def retry(
    parking: Parking, *, by: Mandate, at: str, source: str, stream: str, position: int | None, reason: str, asked: str
) -> list[Event]:
    """Record that the facts of a stream are to be applied again; `position` is the first parked one (None: none is)."""
    by.require("operations.park")
    if parking.asked == asked:
        return []
    if position is None:
        raise NotFoundError(_("no fact of {stream} is parked here"), stream=stream)
    if source == UNREADABLE:
        raise IllegalStateError(_("a message that is no fact cannot be applied; skip it to put it away for good"))
    return [ParkedFactsRetried(source=source, stream=stream, reason=reason, asked=asked)]


def skip(
    parking: Parking, *, by: Mandate, at: str, source: str, stream: str, position: int | None, reason: str, asked: str
) -> list[Event]:
    """Record that a fact is left out, and why; `position` is the first parked one (None: none is)."""
    by.require("operations.park")
    if parking.asked == asked:
        return []
    if position is None:
        raise NotFoundError(_("no fact of {stream} is parked here"), stream=stream)
    return [ParkedFactSkipped(source=source, stream=stream, position=position, reason=reason, asked=asked)]


def thing(source: str, stream: str) -> str:
    """The id under which what was done about a foreign stream is recorded."""
    return f"{source}-{stream}"


PARKING = Decider("parking", PARKING_EVENTS, Parking, Parking, evolve, lambda parking: "")

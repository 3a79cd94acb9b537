"""Figures of a past day say how many entries they reflect that were recorded after it: no published figure changes silently (X02)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from shared.domain.event import Event
from shared.domain.moments import day_of, imported
from shared.domain.reader import Reader
from shared.domain.record import Record
from shared.domain.view import OWN, Row, View

_SINCE, _UNTIL = attrgetter("since"), attrgetter("until")


def _always(event: Any) -> str:
    return ""


#: Facts that figures of a day rest on, with the day (ISO) from which each changes them: "" for every day, None for none of them.
#: Measures and counts of households are not among them: figures of before show those as they were published.
DAYS: Mapping[str, Callable[[Any], str | None]] = {
    "PlaceRegistered": _always,
    "PlaceEnded": _SINCE,
    "OrganisationEstablished": _SINCE,
    "OrganisationDissolved": _UNTIL,
    "PostEstablished": _always,
    "PostAbolished": _always,
    "PersonAppointed": _SINCE,
    "AppointmentEnded": _UNTIL,
    "StandingDecided": _SINCE,
    "StandingEnded": _UNTIL,
    "PersonClassified": _SINCE,
    "ClassificationEnded": _UNTIL,
    "LinkProposed": lambda fact: None if fact.mutual else fact.since,  # the other end has to agree first
    "LinkConfirmed": _SINCE,
    "LinkEnded": _UNTIL,
}


def _day(event: Event) -> str | None:
    found = DAYS.get(type(event).__name__)
    return found(event) if found else None


def _key(event: Event, record: Record) -> str | None:
    day = _day(event)
    return str(record.position) if day is not None and day < _published(record) else None


def _published(record: Record) -> str:
    """The day of a record; what another register held counts from when it says so."""
    return day_of(record.occurred if imported(record) else record.time)


def _later(row: Row, event: Event, record: Record, key: str) -> Row:
    return {"place": record.place, "day": _day(event), "published": _published(record)}


LATER = View("entered_later", OWN, _key, _later, (("published", "day"), "place"))


def entered_later(read: Reader, place: str, day: str) -> Row:
    """How many entries figures of a day reflect that were recorded after it, at a place and everything below it."""
    where = {"published__gt": day, "day__lte": day} | ({"place__under": place} if place else {})
    return {"entered_later": read.rows.count(LATER.name, where)}

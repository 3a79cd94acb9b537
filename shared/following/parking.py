"""What an operator does with parked facts is itself a fact (of the service that parked them)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.domain.words import _
from shared.following.codes import Codes

#: The source of what is no fact of this city.
UNREADABLE = "unreadable"
#: What an operator reads of a parked fact.
_TOLD = ("key", "source", "stream", "position", "type", "state", "reason")
#: What its codes are made for.
DIGESTS = "parked facts"
#: What stands in a reason for a value of the fact.
_GAP = "…"
_canonical = msgspec.json.Encoder(order="sorted").encode


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


def shown(row: Row, codes: Codes) -> Row:
    """A parked fact as an operator reads it: where it belongs, its kind, and why it waits; of all else digests by name.

    Keeping the machines running needs nothing that a fact says of anybody. A digest is a code with the city's secret over source,
    position, name and value: no value can be guessed from it, and the same fact has the same digests in every service that parked
    it. Where the reason quotes the fact there is a gap.
    """
    record: dict[str, Any] = msgspec.json.decode(row["record"])
    fields = record.pop("data", {})
    apart = {name: value for name, value in record.items() if name not in row and value != ""}
    apart |= {f"data.{name}": value for name, value in fields.items()}
    of = (row["source"], row["position"])
    digests = {name: codes.make(_canonical([*of, name, value])) for name, value in sorted(apart.items())}
    if row["source"] == UNREADABLE:  # its reason says what a message lacks
        return {name: row[name] for name in _TOLD} | {"digests": digests}
    quotable = {value for value in (*record.values(), *_values(fields.values())) if isinstance(value, str) and value}
    return {name: row[name] for name in _TOLD} | {"reason": _gapped(row, quotable), "digests": digests}


def _gapped(row: Row, quotable: Iterable[str]) -> str:
    """The reason without what it quotes of the fact; stream and kind are told anyway."""
    kind, between, said = str(row["reason"]).partition(": ")
    for value in sorted(quotable, key=len, reverse=True):
        if value not in row["stream"] and value != row["type"]:
            bounds = r"\b" if value.isascii() and value.isalnum() else ""
            said = re.sub(bounds + re.escape(value) + bounds, _GAP, said)
    return kind + between + said


def _values(of: Iterable[Any]) -> Iterator[str]:
    """All texts and numbers in values of JSON."""
    for one in of:
        if isinstance(one, Mapping):  # its names may be persons
            yield from _values((*one, *one.values()))
        elif isinstance(one, list):
            yield from _values(one)
        elif isinstance(one, str | int | float) and not isinstance(one, bool):
            yield str(one)

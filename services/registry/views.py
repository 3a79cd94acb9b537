"""Read models of the registry. Every row a page shows carries what the page shows; names of persons stay sealed in it.

`ended` and `held_until` are the first day after, `9999-12-31` while open, so that days
compare; `until` is "" then.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.registry.events import (
    AppointmentEnded,
    HouseholdsCounted,
    OrganisationDissolved,
    OrganisationEstablished,
    PersonAppointed,
    PersonErased,
    PersonRegistered,
    PlaceMeasured,
    PlaceRegistered,
    PostAbolished,
    PostEstablished,
    ProfileAdopted,
)
from shared.domain.event import Event
from shared.domain.record import Record
from shared.domain.view import Row, View

NEVER = "9999-12-31"


def _fields(event: Event) -> Row:
    row: Row = msgspec.to_builtins(event)
    return row


def _profile_keys(event: Event, record: Record) -> Iterable[str]:
    return ("current", f"version-{event.version:09d}") if isinstance(event, ProfileAdopted) else ()


def _profile(row: Row, event: ProfileAdopted, record: Record) -> Row:
    """The profile in force (`current`) and every version that ever was."""
    return _fields(event) | {"adopted": record.occurred}


def _place_key(event: Event, record: Record) -> str | None:
    return event.place if isinstance(event, PlaceRegistered) else None


def _place(row: Row, event: PlaceRegistered, record: Record) -> Row:
    return _fields(event)


def _measure_key(event: Event, record: Record) -> str | None:
    return f"{event.place}/{event.measure}" if isinstance(event, PlaceMeasured) else None


def _with(history: list[Row], fact: Row, day: str) -> list[Row]:
    """The history in order of its days with one more fact, which takes the place of an earlier one for the same day."""
    return sorted([*(old for old in history if old[day] != fact[day]), fact], key=lambda one: str(one[day]))


def _measure(row: Row, event: PlaceMeasured, record: Record) -> Row:
    """The measure as last known, and its history; a later record for the same day is a correction (X02)."""
    known = {name: getattr(event, name) for name in ("since", "value", "qualifier", "source")} | {
        "recorded": record.time
    }
    history = _with(row.get("history", []), known, "since")
    return {"place": event.place, "measure": event.measure, "unit": event.unit, **history[-1], "history": history}


def _households_key(event: Event, record: Record) -> str | None:
    return event.place if isinstance(event, HouseholdsCounted) else None


def _households(row: Row, event: HouseholdsCounted, record: Record) -> Row:
    """The households by the latest count, and the counts before."""
    counted = {name: getattr(event, name) for name in ("as_of", "households", "qualifier")} | {"recorded": record.time}
    history = _with(row.get("history", []), counted, "as_of")
    return {"place": event.place, **history[-1], "history": history}


def _organisation_key(event: Event, record: Record) -> str | None:
    return event.organisation_id if isinstance(event, OrganisationEstablished | OrganisationDissolved) else None


def _organisation(row: Row, event: OrganisationEstablished | OrganisationDissolved, record: Record) -> Row:
    if isinstance(event, OrganisationDissolved):
        return row | {"until": event.until, "ended": event.until, "reason": event.reason}
    return _fields(event) | {"until": "", "ended": NEVER, "reason": ""}


_VACANT = {"person_id": "", "since": "", "until": "", "held_until": ""}


def _post_key(event: Event, record: Record) -> str | None:
    match event:
        case PostEstablished() | PostAbolished() | PersonAppointed() | AppointmentEnded():
            return event.post_id
    return None


def _post(row: Row, event: Event, record: Record) -> Row:
    """One row a post with its latest holder; a withdrawn appointment leaves it vacant."""
    match event:
        case PostEstablished():
            return _fields(event) | _VACANT | {"abolished": ""}
        case PostAbolished():
            return row | {"abolished": event.until}
        case PersonAppointed():
            term = {"since": event.since, "until": event.until, "held_until": event.until or NEVER}
            return row | {"person_id": event.person_id, **term}
        case AppointmentEnded(until=until, since=since) if until == since:
            return row | _VACANT
        case AppointmentEnded():
            return row | {"until": event.until, "held_until": event.until}
        case _:
            return row


def _appointment_key(event: Event, record: Record) -> str | None:
    if isinstance(event, PersonAppointed | AppointmentEnded):
        return f"{event.post_id}/{event.since}/{event.person_id}"
    return None


def _appointment(row: Row, event: PersonAppointed | AppointmentEnded, record: Record) -> Row:
    """Every term that anybody served."""
    if isinstance(event, AppointmentEnded):
        return row | {"until": event.until, "held_until": event.until, "reason": event.reason}
    return _fields(event) | {"held_until": event.until or NEVER, "reason": ""}


def _person_key(event: Event, record: Record) -> str | None:
    return event.person_id if isinstance(event, PersonRegistered | PersonErased) else None


def _person(row: Row, event: PersonRegistered | PersonErased, record: Record) -> Row:
    if isinstance(event, PersonErased):
        return row | {"name": "", "erased": 1}
    return _fields(event) | {"erased": 0}


VIEWS: tuple[View, ...] = (
    View("profiles", "registry", _profile_keys, _profile),
    View("places", "registry", _place_key, _place, ("place", "parent", "kind")),
    View("measures", "registry", _measure_key, _measure, ("place", "measure")),
    View("households", "registry", _households_key, _households, ("place", "households")),
    View(
        "organisations",
        "registry",
        _organisation_key,
        _organisation,
        ("organisation_id", "place", "parent_id", "level", "type", "since", "ended"),
    ),
    View(
        "posts",
        "registry",
        _post_key,
        _post,
        ("post_id", "organisation_id", "place", "role", "person_id", "abolished", "since", "held_until"),
    ),
    View(
        "appointments",
        "registry",
        _appointment_key,
        _appointment,
        ("post_id", "person_id", "organisation_id", "place", "role", "since", "held_until"),
    ),
    View("persons", "registry", _person_key, _person, ("person_id", "place", "erased")),
)

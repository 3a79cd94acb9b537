"""Households take note of a document in force, each once, and are forgotten with it (A25, C26)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from services.registry.census import household_sum
from services.registry.households import plain
from services.registry.regulation.state import (
    ACKNOWLEDGEMENT,
    REGULATION,
    Acknowledgement,
    HouseholdNoted,
    HouseholdNoteErased,
    HouseholdsForgotten,
    Regulation,
    RegulationAcknowledged,
    rules_of,
)
from shared.domain.city import City, every
from shared.domain.command import On, on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, id_of, line
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.signature import Opener, holds
from shared.domain.territory import within
from shared.domain.view import OWN, Row, View
from shared.domain.words import Said, _, said


def _acknowledgement(regulation: Regulation, ask: Mapping[str, Any]) -> str:
    return derived_id("acknowledgement", regulation.id, ask["place"])


def _not_asked(regulation: Regulation, by: Mandate, city: City) -> Said | None:
    """Why no household acknowledges it, whoever asks."""
    if not rules_of(regulation, city).acknowledged:
        return said(_("households need not acknowledge such a document"))
    return said(_("it is not in force yet")) if city.day < regulation.since else None


@REGULATION.command(
    "regulation.acknowledge",
    when=("adopted",),
    otherwise=_("only a version in force is acknowledged; it is {status}"),
    where=lambda regulation, ask, by: ask["place"],
    unless=_not_asked,
    alone=True,
)
def acknowledge_regulation(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    opened: Opener,
    held: Annotated[Acknowledgement, holds(ACKNOWLEDGEMENT, _acknowledgement)],
    place: Annotated[str, PLACE, "the building whose households are counted"],
    household: Annotated[str, line(40), "the household, like 302; sealed, counted once, nobody reads it"],
) -> list[Event | On]:
    """Say for a household that it has taken note of a version in force: once each (A25, C26)."""
    if why := _not_asked(regulation, by, city):
        raise IllegalStateError(why)
    counted = household_sum(city.rows, place, at[:10]) if city.rows.get("households", place) else {"value": 0}
    if not within(place, regulation.place) or not counted["value"]:
        raise BadInputError(
            _("at {place} no households are counted for whom this document is"),
            {"place": said(_("no building of the document's place with counted households"))},
            place=place,
        )
    named = plain(household)
    if any(plain(opened(one.household) or "") == named for one in held.notes):
        raise IllegalStateError(
            _("this household has acknowledged it already; each does so once"),
            {"household": said(_("has done so already"))},
        )
    if len(held.notes) >= counted["value"]:
        raise IllegalStateError(
            _("all {count} households that are counted here have acknowledged it"), count=counted["value"]
        )
    noted = HouseholdNoted(
        acknowledgement_id=held.id,
        regulation_id=regulation.id,
        place=place,
        household=household,
        note_id=derived_id("note", held.id, str(len(held.notes) + 1)),
        person_id="" if by.post_id else by.actor,
    )
    done = RegulationAcknowledged(regulation_id=regulation.id, place=place, households=regulation.acknowledged + 1)
    return [done, on(ACKNOWLEDGEMENT, held.id, noted)]


@ACKNOWLEDGEMENT.command(
    "regulation.draft",
    new=lambda ask, by: derived_id("acknowledgement", ask["regulation_id"], ask["place"]),
    compares=True,
    where=lambda acknowledgement, ask, by: ask["place"],
    erases=lambda acknowledgement: tuple(f"note:{one.note_id}" for one in acknowledgement.notes if not one.household),
)
def erase_household_note(
    acknowledgement: Acknowledgement,
    *,
    by: Mandate,
    at: str,
    opened: Opener,
    regulation_id: Annotated[str, id_of("regulation"), "the version that it took note of"],
    place: Annotated[str, PLACE, "the building where it lives"],
    household: Annotated[str, line(40), "the household, like 302, that asks to be forgotten"],
) -> list[Event]:
    """Make it unreadable for ever that one household has taken note of a version; it stays counted (X09)."""
    named = plain(household)
    same = next((one for one in acknowledgement.notes if plain(opened(one.household) or "") == named), None)
    if same is None:
        raise BadInputError(_("no such household has taken note here"), {"household": said(_("not among them"))})
    if not same.note_id:
        raise IllegalStateError(
            _("this household has no key of its own yet; all of a version are forgotten once it is replaced or ended")
        )
    return forget_note(acknowledgement, by=by, at=at, note_id=same.note_id)


def forget_note(acknowledgement: Acknowledgement, *, by: Mandate, at: str, note_id: str) -> list[Event]:
    """Whoever said that their household took note was erased, or all of a version are forgotten (X09)."""
    if not any(one.note_id == note_id and one.household for one in acknowledgement.notes):
        return []
    return [HouseholdNoteErased(acknowledgement_id=acknowledgement.id, note_id=note_id)]


@REGULATION.command(
    "regulation.draft",
    when=("replaced", "ended"),
    erases=lambda regulation: f"regulation:{regulation.id}",
)
def forget_households(regulation: Regulation, *, by: Mandate, at: str) -> list[Event]:
    """Make it unreadable for ever which households acknowledged a version of the past; how many they were stays (X09)."""
    return [] if regulation.forgotten else [HouseholdsForgotten(regulation_id=regulation.id)]


def _note_key(event: Event, record: Record) -> str | None:
    return event.note_id or None if isinstance(event, HouseholdNoted | HouseholdNoteErased) else None


def _note(row: Row, event: HouseholdNoted | HouseholdNoteErased, record: Record, key: str) -> Row | None:
    """One row for each household that has a key of its own, until that is destroyed."""
    if not isinstance(event, HouseholdNoted):
        return None
    told = msgspec.structs.asdict(event)
    return {name: told[name] for name in ("regulation_id", "acknowledgement_id", "note_id", "person_id")}


NOTES = View("household_notes", OWN, _note_key, _note, ("regulation_id", "person_id"))


def notes_forgotten(city: City, **of: str) -> Iterable[Decision]:
    """What erases each household of a version, or each that a person spoke for."""
    for row in list(every(city.rows, NOTES.name, of)):
        told = {"note_id": row["note_id"]}
        yield Decision(ACKNOWLEDGEMENT, row["acknowledgement_id"], forget_note, told, erases=f"note:{row['note_id']}")

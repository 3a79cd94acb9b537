"""A household that answered a survey is forgotten when it asks for it, with whoever spoke for it, or with the survey (X09)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

from services.registry.households import plain
from services.registry.survey.state import SHEET, AnswererErased, AnswerersForgotten, HouseholdAnswered, Sheet
from shared.domain.city import City, every
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, id_of, line
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.signature import Opener
from shared.domain.view import OWN, Row, View
from shared.domain.words import _, said


@SHEET.command(
    "survey.run",
    new=lambda ask, by: derived_id("sheet", ask["survey_id"], ask["place"]),
    compares=True,
    where=lambda sheet, ask, by: ask["place"],
    erases=lambda sheet: tuple(f"answerer:{one.answerer_id}" for one in sheet.answerers if not one.household),
)
def erase_answerer(
    sheet: Sheet,
    *,
    by: Mandate,
    at: str,
    opened: Opener,
    survey_id: Annotated[str, id_of("survey"), "the survey"],
    place: Annotated[str, PLACE, "the building where it lives"],
    household: Annotated[str, line(40), "the household, like 302, that asks to be forgotten"],
) -> list[Event]:
    """Make it unreadable for ever that one household answered a survey; what it answered stays counted (X09)."""
    named = plain(household)
    same = next((one for one in sheet.answerers if plain(opened(one.household) or "") == named), None)
    if same is None:
        raise BadInputError(_("no such household has answered here"), {"household": said(_("not among them"))})
    if not same.answerer_id:
        raise IllegalStateError(
            _("this household has no key of its own; all of a survey are forgotten once it is closed")
        )
    return forget_answerer(sheet, by=by, at=at, answerer_id=same.answerer_id)


def forget_answerer(sheet: Sheet, *, by: Mandate, at: str, answerer_id: str) -> list[Event]:
    """Whoever answered for their household was erased, or all of a survey are forgotten (X09)."""
    if not any(one.answerer_id == answerer_id and one.household for one in sheet.answerers):
        return []
    return [AnswererErased(sheet_id=sheet.id, answerer_id=answerer_id)]


def _key(event: Event, record: Record) -> str | None:
    return event.answerer_id or None if isinstance(event, HouseholdAnswered | AnswererErased) else None


def _row(row: Row, event: HouseholdAnswered | AnswererErased, record: Record, key: str) -> Row | None:
    """One row for each household that has a key of its own, until that is destroyed."""
    if not isinstance(event, HouseholdAnswered):
        return None
    told = msgspec.structs.asdict(event)
    kept = {name: told[name] for name in ("survey_id", "sheet_id", "answerer_id")}
    return kept | {"person_id": event.household_person_id}


ANSWERERS = View("survey_answerers", OWN, _key, _row, ("survey_id", "person_id"))


def answerers_forgotten(city: City, **of: str) -> Iterable[Decision]:
    """What erases each household of a survey, or each that a person spoke for."""
    for row in list(every(city.rows, ANSWERERS.name, of)):
        key, told = f"answerer:{row['answerer_id']}", {"answerer_id": row["answerer_id"]}
        yield Decision(SHEET, row["sheet_id"], forget_answerer, told, erases=key)


def on_answerers_forgotten(fact: AnswerersForgotten, record: Record, city: City) -> Iterable[Decision]:
    """All households of a survey go; those sealed with the key of the survey itself have gone already (X09)."""
    yield from answerers_forgotten(city, survey_id=fact.survey_id)

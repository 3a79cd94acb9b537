"""Facts and states of surveys: one thing a survey, and one a building for the households that have answered it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.catalogue import SurveyKind, data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Codec, Event, sealed, taken
from shared.domain.privacy import PUBLIC, staff, told


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class SurveyOpened(Event, frozen=True, kw_only=True):
    """Households are asked about a place or a body (B26, D39)."""

    survey_id: str
    kind: str  # code of the catalogue entry
    kind_version: int
    subject: str  # territory path, or organisation id
    place: str
    among: Annotated[str, PUBLIC]  # territory path below which households are asked
    period: str
    since: str  # ISO date


class SurveyClosed(Event, frozen=True, kw_only=True):
    """No household is asked any more; what follows from what they said."""

    survey_id: str
    conclusion: Annotated[str, told()]
    until: str  # ISO date


class AnswerersForgotten(Event, frozen=True, kw_only=True):
    """Which households answered can be read no more; what was counted stays (X09)."""

    survey_id: str


def _key_of_answer(fact: HouseholdAnswered) -> str:
    """A household has a key of its own; before it had one, all of a survey shared that of the survey."""
    return f"answerer:{fact.answerer_id}" if fact.answerer_id else f"survey:{fact.survey_id}"


class AnswererErased(Event, frozen=True, kw_only=True):
    """One household that answered can be read no more; what it answered stays counted (X09)."""

    sheet_id: str
    answerer_id: str


class HouseholdAnswered(Event, frozen=True, kw_only=True):
    """A household of a building was told what the survey is about, and answered (D09, D39)."""

    schema = 2

    sheet_id: str
    survey_id: str
    place: str
    household: Annotated[str, sealed(_key_of_answer)]
    answers: Annotated[dict[str, int], staff()]
    topics: Annotated[tuple[str, ...], PUBLIC]
    note: Annotated[str, staff()]
    person_id: Annotated[str, staff()]  # who asked
    answerer_id: str = ""  # whose key seals the household, "" for that of the survey
    household_person_id: Annotated[str, staff()] = ""  # who answered for their own household, "" where staff asked


class Survey(msgspec.Struct, frozen=True):
    """A survey."""

    id: str
    status: str = "unknown"  # unknown, open, closed
    kind: str = ""
    kind_version: int = 0
    subject: str = ""
    place: str = ""
    among: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    conclusion: str = ""
    forgotten: bool = False


def evolve(survey: Survey, event: Event) -> Survey:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case SurveyOpened():
            return Survey(**taken(event, Survey, id=survey.id, status="open"))
        case SurveyClosed():
            return replace(survey, status="closed", conclusion=event.conclusion, until=event.until)
        case AnswerersForgotten():
            return replace(survey, forgotten=True)
    return survey


SURVEY = Decider(
    "survey",
    (SurveyOpened, SurveyClosed, AnswerersForgotten),
    Survey,
    Survey,
    evolve,
    lambda survey: survey.place,
)


class Answerer(msgspec.Struct, frozen=True):
    """A household that has answered, sealed; "" once it is erased."""

    household: str
    answerer_id: str = ""


class Sheet(msgspec.Struct, frozen=True):
    """The households of a building that have answered a survey."""

    id: str
    survey_id: str = ""
    place: str = ""
    answerers: tuple[Answerer, ...] = ()


def _evolve_sheet(sheet: Sheet, event: HouseholdAnswered | AnswererErased) -> Sheet:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case HouseholdAnswered():
            answerers = (*sheet.answerers, Answerer(event.household, event.answerer_id))
            return Sheet(sheet.id, event.survey_id, event.place, answerers)
        case AnswererErased():
            gone = event.answerer_id
            kept = (replace(one, household="") if one.answerer_id == gone else one for one in sheet.answerers)
            return replace(sheet, answerers=tuple(kept))


SHEET = Decider(
    "sheet",
    Codec((HouseholdAnswered, AnswererErased), {("HouseholdAnswered", 1): lambda data: data}),
    Sheet,
    Sheet,
    _evolve_sheet,
    lambda sheet: sheet.place,
    exists=lambda sheet: bool(sheet.answerers),
    fold=2,
)


def survey_rules(survey: Survey, city: City) -> SurveyKind:
    """What the city says of a survey: the version of its kind under which it was opened."""
    versions = city.versions("surveys")[survey.kind]
    found = next((one for one in versions if one.version == survey.kind_version), versions[-1])
    rules: SurveyKind = data_of("surveys", found.data)
    return rules

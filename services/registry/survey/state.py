"""Facts and states of surveys: one thing a survey, and one a building for the households that have answered it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from shared.domain.catalogue import SurveyKind, data_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Event, sealed, taken
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


class HouseholdAnswered(Event, frozen=True, kw_only=True):
    """A household of a building was told what the survey is about, and answered (D09, D39)."""

    sheet_id: str
    survey_id: str
    place: str
    household: Annotated[str, sealed(lambda fact: f"survey:{fact.survey_id}")]
    answers: Annotated[dict[str, int], staff()]
    topics: Annotated[tuple[str, ...], PUBLIC]
    note: Annotated[str, staff()]
    person_id: Annotated[str, staff()]  # who asked


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


class Sheet(msgspec.Struct, frozen=True):
    """The households of a building that have answered a survey, sealed."""

    id: str
    survey_id: str = ""
    place: str = ""
    households: tuple[str, ...] = ()


SHEET = Decider(
    "sheet",
    (HouseholdAnswered,),
    Sheet,
    Sheet,
    lambda sheet, event: Sheet(sheet.id, event.survey_id, event.place, (*sheet.households, event.household)),
    lambda sheet: sheet.place,
    exists=lambda sheet: bool(sheet.households),
)


def survey_rules(survey: Survey, city: City) -> SurveyKind:
    """What the city says of a survey: the version of its kind under which it was opened."""
    versions = city.versions("surveys")[survey.kind]
    found = next((one for one in versions if one.version == survey.kind_version), versions[-1])
    rules: SurveyKind = data_of("surveys", found.data)
    return rules

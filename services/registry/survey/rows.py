"""Surveys as rows, and what households answered: how many, of how many, and never who (B26, D09, D38, D39)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from services.registry.census import household_sum
from services.registry.subjects import SUBJECT
from services.registry.survey.state import SURVEY, HouseholdAnswered, survey_rules
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, YES, by_code, many, row_of, shape
from shared.domain.catalogue import SurveyKind
from shared.domain.city import every
from shared.domain.event import Event
from shared.domain.fields import choice, code_of, id_of, line
from shared.domain.listing import Listing, Under
from shared.domain.reader import Reader
from shared.domain.view import OWN, Row, View, state_of


def _sheet_key(event: Event, record: Any) -> str | None:
    return event.sheet_id if isinstance(event, HouseholdAnswered) else None


def _sheet(row: Row, event: HouseholdAnswered, record: Any, key: str) -> Row:
    """How many households of a building answered, and how often each answer was given."""
    given: Counter[str] = Counter(row.get("given", {}))
    given.update(f"{code}={value}" for code, value in event.answers.items())
    counted = {"households": row.get("households", 0) + 1, "given": dict(given)}
    return {"survey_id": event.survey_id, "place": event.place} | counted


SURVEYS = View.of(SURVEY, "surveys", ("place", ("kind", "status"), ("subject", "kind"), "period", "since"))
SHEETS = View("sheets", OWN, _sheet_key, _sheet, ("survey_id", "place"))
_NAMED = dict.fromkeys(("organisation", "organisation_en"), TEXT)
_ROW = row_of(SURVEY, optional=_NAMED, place_names=PLACE_NAMES, actions=ACTIONS)


_LISTED = Listing(SURVEY, SURVEYS, _ROW)


@_LISTED.list("-since", "period", "place")
def find_surveys(
    place__under: Under = "",
    kind: Annotated[str, code_of("surveys"), "of this kind"] = "",
    subject: Annotated[str, SUBJECT, "about this place or body"] = "",
    period: Annotated[str, line(20), "of this period"] = "",
    status: Annotated[str, choice("open", "closed"), "in this state"] = "",
) -> None:
    """Surveys by period and by what they are about, with what followed from each (B26, D38)."""


_LISTED.one("A survey: about what, in which period, and what followed from it (B26, D23).")


_QUESTION = shape(code=TEXT, zh=TEXT, en=TEXT, sum=COUNT, given=by_code(COUNT))


@SURVEY.query(
    answer=shape(
        survey_id=TEXT,
        place=TEXT,
        answered=COUNT,
        households=COUNT,
        qualifier=TEXT,
        least=COUNT,
        shown=YES,
        questions=many(_QUESTION),
        buildings=many(
            shape(
                place=TEXT,
                answered=COUNT,
                households=COUNT,
                shown=YES,
                questions=many(_QUESTION),
                place_names=PLACE_NAMES,
            )
        ),
    ),
    as_of=True,
)
def survey_figures(
    read: Reader,
    *,
    survey_id: Annotated[str, id_of("survey"), "the survey"],
) -> dict[str, Any]:
    """How many households answered, of how many that are counted, and how often each answer was given, by building too (D09, D38, D39).

    `sum` adds the answers of a question up: members found, households that consent; there is never an average. A kind with a `least` shows
    nothing but numbers of households before the survey is closed, nor of fewer than these, nor a whole that would tell of them.
    """

    row = read.row("surveys", survey_id, "survey", "survey_id")
    survey = state_of(SURVEY, row)
    rules = survey_rules(survey, read.city)
    sheets = list(every(read.rows, "sheets", {"survey_id": survey_id}))
    early = bool(rules.least) and survey.status == "open"
    few = [one for one in sheets if early or one["households"] < rules.least]
    buildings = [
        {"place": one["place"], "answered": one["households"], "shown": one not in few}
        | {"households": household_sum(read.rows, one["place"], read.today)["value"]}
        | {"questions": [] if one in few else _questions(rules, [one])}
        for one in sheets
    ]
    answered = sum(one["households"] for one in sheets)
    hidden = sum(one["households"] for one in few)
    shown = not early and answered >= rules.least and (not few or hidden >= rules.least)
    counted = household_sum(read.rows, survey.among, read.today)
    return {
        "survey_id": survey_id,
        "place": survey.among,
        "answered": answered,
        "households": counted["value"],
        "qualifier": counted["qualifier"],
        "least": rules.least,
        "shown": shown,
        "questions": _questions(rules, sheets) if shown else [],
        "buildings": read.city.named(buildings),
    }


def _questions(rules: SurveyKind, sheets: list[Row]) -> list[Row]:
    """Each question with how often which answer was given."""
    given: Counter[str] = Counter()
    for sheet in sheets:
        given.update(sheet["given"])
    found = []
    for question in rules.questions:
        counts = {
            value.partition("=")[2]: count
            for value, count in sorted(given.items())
            if value.partition("=")[0] == question.code
        }
        total = sum(int(value) * count for value, count in counts.items())
        found.append({"code": question.code, "zh": question.zh, "en": question.en, "sum": total, "given": counts})
    return found

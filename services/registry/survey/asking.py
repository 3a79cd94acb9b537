"""A survey is opened, households answer it once each, and it is closed with what follows from it (B26, D09, D23, D38, D39)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from services.registry.census import household_sum
from services.registry.households import plain
from services.registry.subjects import SUBJECT, there
from services.registry.survey.state import (
    SHEET,
    SURVEY,
    AnswerersForgotten,
    HouseholdAnswered,
    Sheet,
    Survey,
    SurveyClosed,
    SurveyOpened,
    survey_rules,
)
from shared.domain.catalogue import SurveyKind, data_of
from shared.domain.city import City
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import CODE, PLACE, code_of, id_of, line, number, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.period import period_of
from shared.domain.signature import Opener, holds
from shared.domain.structures import many as several
from shared.domain.structures import pairs
from shared.domain.territory import within
from shared.domain.words import _, said


@SURVEY.command(
    "survey.run",
    new=lambda ask, by: derived_id("survey", ask["kind"], ask["subject"], ask["period"]),
    compares=True,
    place=lambda ask, by: by.place,
)
def open_survey(
    survey: Survey,
    *,
    by: Mandate,
    at: str,
    city: City,
    kind: Annotated[str, code_of("surveys"), "which kind of survey"],
    subject: Annotated[str, SUBJECT, "what households are asked about: territory path, or id of the organisation"],
    period: Annotated[str, CODE, "the period of today; of a survey at any time, its number"],
    among: Annotated[str, PLACE, "place whose households are asked; empty: that of what they are asked about"] = "",
) -> list[Event]:
    """Begin to ask households about a place or body; of a kind with a period, once in each (B26, D23, D38)."""
    entry = city.code("surveys", kind, "kind")
    rules: SurveyKind = data_of("surveys", entry.data)
    place = str(there(city, rules.subject, rules.of, subject)["place"])
    by.require("survey.run", place)
    among = among or place
    city.known_place(among, "among")
    by.require("survey.run", among)
    if survey.status != "unknown":
        if survey.among == among and survey.status == "open":
            return []
        raise IllegalStateError(
            _("about {subject} households were asked already in {period}"),
            {"period": said(_("used already"))},
            subject=subject,
            period=period,
        )
    if rules.cadence and period != period_of(rules.cadence, at[:10]).name:
        raise BadInputError(
            _("today lies in {period}; households are asked in the period that it is about"),
            {"period": said(_("not the period of today"))},
            period=period_of(rules.cadence, at[:10]).name,
        )
    if not city.unlocked(subject, rules.needs):
        raise IllegalStateError(
            _("{subject} has passed no checklist that unlocks {needs}; households are asked once it has"),
            {"subject": said(_("its checklist is not passed"))},
            subject=subject,
            needs=rules.needs,
        )
    return [
        SurveyOpened(
            survey_id=survey.id,
            kind=kind,
            kind_version=entry.version,
            subject=subject,
            place=place,
            among=among,
            period=period,
            since=at[:10],
        )
    ]


@SHEET.command(
    "survey.answer",
    new=lambda ask, by: derived_id("sheet", ask["survey_id"], ask["place"]),
    compares=True,
    alone=True,
    where=lambda sheet, ask, by: ask["place"],
)
def answer_survey(
    sheet: Sheet,
    *,
    by: Mandate,
    at: str,
    city: City,
    opened: Opener,
    survey: Annotated[Survey, holds(SURVEY, "survey_id")],
    survey_id: Annotated[str, id_of("survey"), "the survey"],
    place: Annotated[str, PLACE, "the building whose households are counted"],
    household: Annotated[str, line(40), "the household, like 302; sealed, counted once, nobody reads it"],
    answers: Annotated[Mapping[str, int], pairs(CODE, number(0, 1000), 50), "each question with its answer"],
    topics: Annotated[Sequence[str], several(CODE, 0, 50, distinct=True), "what the household was told"] = (),
    note: Annotated[str, text(1000), "what else was said; for staff only"] = "",
) -> list[Event]:
    """Record what a household answers, once each, after it was told what the survey is about (D09, D38, D39)."""
    if survey.status != "open":
        raise IllegalStateError(_("nobody is asked in this survey now"), {"survey_id": said(_("not open"))})
    _answered(survey_rules(survey, city), answers, topics)
    counted = household_sum(city.rows, place, at[:10]) if city.rows.get("households", place) else {"value": 0}
    if not within(place, survey.among) or not counted["value"]:
        raise BadInputError(
            _("at {place} no households are counted that this survey asks"),
            {"place": said(_("no building of the survey's place with counted households"))},
            place=place,
        )
    if any(plain(opened(one.household) or "") == plain(household) for one in sheet.answerers):
        raise IllegalStateError(
            _("this household has answered already; each does so once"),
            {"household": said(_("has answered already"))},
        )
    if len(sheet.answerers) >= counted["value"]:
        raise IllegalStateError(_("all {count} households that are counted here have answered"), count=counted["value"])
    return [
        HouseholdAnswered(
            sheet_id=sheet.id,
            survey_id=survey.id,
            place=place,
            household=household,
            answers=dict(answers),
            topics=tuple(topics),
            note=note,
            person_id=by.actor,
            answerer_id=derived_id("answerer", sheet.id, str(len(sheet.answerers) + 1)),
            household_person_id="" if by.post_id else by.actor,
        )
    ]


def _answered(rules: SurveyKind, answers: Mapping[str, int], topics: Sequence[str]) -> None:
    """Raise `BadInputError` unless each question has an answer in its range, and each topic was told."""
    asked = {one.code: one for one in rules.questions}
    if strange := set(answers) ^ set(asked):
        raise BadInputError(
            _("each question of the survey has one answer; wrong or missing: {questions}"),
            {"answers": said(_("wrong or missing: {questions}"), questions=", ".join(sorted(strange)))},
            questions=", ".join(sorted(strange)),
        )
    for code, value in answers.items():
        if not asked[code].least <= value <= asked[code].most:
            raise BadInputError(
                _("{question} is answered with {least} to {most}"),
                {
                    "answers": {
                        code: said(_("must be from {least} to {most}"), least=asked[code].least, most=asked[code].most)
                    }
                },
                question=asked[code].zh,
                least=asked[code].least,
                most=asked[code].most,
            )
    untold = [one.zh for one in rules.told if one.code not in topics]
    strange_topics = set(topics) - {one.code for one in rules.told}
    if untold or strange_topics:
        raise BadInputError(
            _("a household is told all of {topics} before it answers"),
            {
                "topics": said(
                    _("wrong or missing: {questions}"), questions="、".join(untold) or ", ".join(strange_topics)
                )
            },
            topics="、".join(one.zh for one in rules.told) or "-",
        )


@SURVEY.command("survey.run", when=("open",))
def close_survey(
    survey: Survey,
    *,
    by: Mandate,
    at: str,
    conclusion: Annotated[str, text(2000), "what follows from it, for everyone to read"],
) -> list[Event]:
    """Ask no more households, and say what follows from what they said (B26, D23)."""
    return [SurveyClosed(survey_id=survey.id, conclusion=conclusion, until=at[:10])]


@SURVEY.command("survey.run", when=("closed",), erases=lambda survey: f"survey:{survey.id}")
def forget_answerers(survey: Survey, *, by: Mandate, at: str) -> list[Event]:
    """Make it unreadable for ever which households answered a closed survey; what was counted stays (X09)."""
    return [] if survey.forgotten else [AnswerersForgotten(survey_id=survey.id)]

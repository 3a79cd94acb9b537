"""Surveys at the registry's desk: households answer once, are counted and never named; what is rated by period, told at the door, found."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_programmes import accept, join, programme, start
from tests.desk.registry.test_regulations import keys_of
from tests.desk.registry.test_rows import adopt, officer
from tests.desk.registry.test_rows_of_checklists import checklist, judge
from tests.desk.registry.test_rows_of_coverages import place
from tests.domain.registry.facts import BUILDING, COMPOUND
from tests.kit.desk import Desk

MORNING = "T09:00:00+08:00"
SECOND = f"{COMPOUND}.02"


def questions(*asked: str, least: int = 1, most: int = 5) -> list[dict[str, Any]]:
    return [
        {"code": f"q-{number}", "zh": zh, "en": f"question {number}", "least": least, "most": most}
        for number, zh in enumerate(asked, 1)
    ]


def survey(desk: Desk, code: str, zh: str, asked: list[dict[str, Any]], **more: Any) -> None:
    """A kind of survey of the city."""
    adopt(desk, "surveys", code, zh, questions=asked, **more)


def open_(desk: Desk, by: str, kind: str, subject: str = COMPOUND, period: str = "1", **more: Any) -> str:
    id: str = desk.ask("open_survey", by, kind=kind, subject=subject, period=period, **more)["id"]
    return id


def answer(desk: Desk, by: str, id: str, household: str, where: str = BUILDING, *given: int, **more: Any) -> None:
    answers = {f"q-{number}": value for number, value in enumerate(given, 1)}
    desk.ask("answer_survey", by, survey_id=id, place=where, household=household, answers=answers, **more)


@pytest.fixture
def asked(desk: Desk) -> tuple[Desk, str]:
    """Two buildings of three and two households, and who may ask them."""
    by = officer(desk, "survey.*", "programme.*", "checklist.*")
    for where, households in ((BUILDING, 3), (SECOND, 2)):
        desk.ask("count_households", "operator", place=where, households=households, as_of="2025-03-01")
    return desk, by


def given(shown: dict[str, Any]) -> list[dict[str, int]]:
    return [one["given"] for one in shown["questions"]]


def test_a_facility_is_measured_by_whether_people_are_content_and_gain_by_it(asked: tuple[Desk, str]) -> None:
    """群众满不满意、受不受益: a household answers once, in range; fewer than the least are not shown, nor before it is closed (B26)."""
    desk, by = asked
    adopt(desk, "place_kinds", "facility", "阵地")
    place(desk, f"{COMPOUND}.f1", "facility")
    wrong = [{"code": "q-1", "zh": "满意", "en": "q", "least": 5, "most": 1}]
    with pytest.raises(BadInputError, match="do not fit the list"):
        survey(desk, "satisfaction", "阵地满意度", wrong)
    survey(desk, "satisfaction", "阵地满意度", questions("满不满意", "受不受益"), of="facility", least=3)
    with pytest.raises(BadInputError, match="facility only"):
        open_(desk, by, "satisfaction")
    id = open_(desk, by, "satisfaction", f"{COMPOUND}.f1", among=COMPOUND)
    answer(desk, by, id, "101", BUILDING, 5, 4)
    for household, values, why in (
        ("101 室", (1, 1), "answered already"),
        ("102", (6, 1), "answered with 1 to 5"),
        ("102", (5,), "wrong or missing: q-2"),
    ):
        with pytest.raises((BadInputError, IllegalStateError), match=why):
            answer(desk, by, id, household, BUILDING, *values)
    with pytest.raises(ForbiddenError, match=r"survey\.answer"):
        answer(desk, "p-lin", id, "102", BUILDING, 5, 5)
    answer(desk, by, id, "102", BUILDING, 5, 5)
    answer(desk, by, id, "103", BUILDING, 2, 4)
    assert not desk.ask("survey_figures", survey_id=id)["shown"], "while it is open each answer could be told"
    desk.ask("close_survey", by, survey_id=id, conclusion="延长开放时间")
    with pytest.raises(IllegalStateError, match="nobody is asked"):
        answer(desk, by, id, "201", SECOND, 5, 5)
    shown = desk.ask("survey_figures", survey_id=id)
    assert (shown["answered"], shown["households"], shown["shown"]) == (3, 5, True)
    assert given(shown) == [{"2": 1, "5": 2}, {"4": 2, "5": 1}]
    assert "103" not in desk.stored, "households are sealed"
    assert desk.ask("get_survey", survey_id=id)["conclusion"] == "延长开放时间"
    desk.ask("forget_answerers", by, survey_id=id)
    assert given(desk.ask("survey_figures", survey_id=id)) == given(shown)


def test_few_answers_are_hidden_and_cannot_be_told_from_the_whole(asked: tuple[Desk, str]) -> None:
    """A building with fewer answers than the least shows none, and neither does a whole that would give it away (part of B26)."""
    desk, by = asked
    survey(desk, "satisfaction", "满意度", questions("满意"), least=2)
    id = open_(desk, by, "satisfaction")
    for household, where in (("101", BUILDING), ("102", BUILDING), ("201", SECOND)):
        answer(desk, by, id, household, where, 4)
    desk.ask("close_survey", by, survey_id=id, conclusion="改进")
    shown = desk.ask("survey_figures", survey_id=id)
    assert (shown["shown"], shown["questions"]) == (False, [])
    assert {one["place"]: one["shown"] for one in shown["buildings"]} == {BUILDING: True, SECOND: False}
    assert {one["place"]: one["answered"] for one in shown["buildings"]} == {BUILDING: 2, SECOND: 1}


def test_after_works_are_accepted_residents_judge_them(asked: tuple[Desk, str]) -> None:
    """问效于民: nobody is asked before the works have passed, and what follows is said at the end (D23)."""
    desk, by = asked
    checklist(desk, "works", "竣工验收", "place", "竣工", unlocks="finished")
    survey(desk, "effect", "问效于民", questions("效果"), needs="finished")
    with pytest.raises(IllegalStateError, match="unlocks finished"):
        open_(desk, by, "effect")
    judge(desk, by, desk.ask("open_checklist", by, template="works", subject=COMPOUND)["id"], "works-1")
    id = open_(desk, by, "effect")
    answer(desk, by, id, "101", BUILDING, 4)
    answer(desk, by, id, "201", SECOND, 5)
    with pytest.raises(BadInputError) as refused:
        desk.ask("close_survey", by, survey_id=id)
    assert set(refused.value.fields) == {"conclusion"}
    desk.ask("close_survey", by, survey_id=id, conclusion="补种绿化")
    assert given(desk.ask("survey_figures", survey_id=id)) == [{"4": 1, "5": 1}]
    with pytest.raises(IllegalStateError, match="asked already"):
        open_(desk, by, "effect")


def test_three_subjects_are_rated_in_each_period(asked: tuple[Desk, str]) -> None:
    """日常管理、设施改造、治安维稳: once a quarter, in that quarter, and each quarter has its own figures (D38)."""
    desk, by = asked
    survey(desk, "rating", "全程监督评议", questions("日常管理", "设施改造", "治安维稳"), cadence="quarter")
    with pytest.raises(BadInputError, match="today lies in 2025-q1"):
        open_(desk, by, "rating", period="2025-q2")
    found = {}
    for period, day, values in (("2025-q1", "2025-03-04", (3, 2, 5)), ("2025-q2", "2025-04-01", (4, 4, 5))):
        at = {"at": day + MORNING}
        found[period] = open_(desk, by, "rating", period=period, **at)
        answer(desk, by, found[period], "101", BUILDING, *values, **at)
        desk.ask("close_survey", by, survey_id=found[period], conclusion="公示", **at)
        with pytest.raises(IllegalStateError, match=f"already in {period}"):
            open_(desk, by, "rating", period=period, **at)
    rows = desk.ask("find_surveys", kind="rating", subject=COMPOUND, order="period")["rows"]
    assert [row["period"] for row in rows] == ["2025-q1", "2025-q2"]
    sums = [[one["sum"] for one in desk.ask("survey_figures", survey_id=id)["questions"]] for id in found.values()]
    assert sums == [[3, 2, 5], [4, 4, 5]]


def test_members_are_looked_for_from_door_to_door(asked: tuple[Desk, str]) -> None:
    """ "找": households visited of all that are counted, and members found in them; no door counts twice (D09)."""
    desk, by = asked
    survey(desk, "members", "挨家挨户找党员", questions("找到的党员", least=0, most=20))
    id = open_(desk, by, "members")
    answer(desk, by, id, "101", BUILDING, 2)
    answer(desk, by, id, "102", BUILDING, 0)
    answer(desk, by, id, "201", SECOND, 1)
    with pytest.raises(IllegalStateError, match="answered already"):
        answer(desk, by, id, "101", BUILDING, 1)
    with pytest.raises(BadInputError, match="no households are counted"):
        answer(desk, by, id, "1", f"{COMPOUND}.09", 1)
    shown = desk.ask("survey_figures", survey_id=id)
    assert (shown["answered"], shown["households"], shown["questions"][0]["sum"]) == (3, 5, 3)
    parts = {
        one["place"]: (one["answered"], one["households"], one["questions"][0]["sum"]) for one in shown["buildings"]
    }
    assert parts == {BUILDING: (2, 3, 2), SECOND: (1, 2, 1)}


def test_works_are_explained_at_each_door_and_consent_is_counted_by_building(asked: tuple[Desk, str]) -> None:
    """入户宣传: 情况、背景、政策 are all told before a household says yes or no; consent of so many by building (D39)."""
    desk, by = asked
    told = [{"code": f"t-{number}", "zh": zh, "en": zh} for number, zh in enumerate(("情况", "背景", "政策"), 1)]
    survey(desk, "consent", "改造入户宣传", questions("同意改造", least=0, most=1), told=told)
    id = open_(desk, by, "consent")
    topics = [one["code"] for one in told]
    with pytest.raises(BadInputError, match="told all of 情况、背景、政策"):
        answer(desk, by, id, "101", BUILDING, 1, topics=topics[:2])
    for household, where, consent in (("101", BUILDING, 1), ("102", BUILDING, 0), ("201", SECOND, 1)):
        answer(desk, by, id, household, where, consent, topics=topics, note="担心工期")
    shown = desk.ask("survey_figures", survey_id=id)
    parts = {
        one["place"]: (one["questions"][0]["sum"], one["answered"], one["households"]) for one in shown["buildings"]
    }
    assert parts == {BUILDING: (1, 2, 3), SECOND: (1, 1, 2)}
    for household in ("202", "203"):
        if household == "203":
            with pytest.raises(IllegalStateError, match="all 2 households"):
                answer(desk, by, id, household, SECOND, 1, topics=topics)
        else:
            answer(desk, by, id, household, SECOND, 1, topics=topics)


def test_the_step_in_which_residents_rate_takes_a_survey_that_they_answered(asked: tuple[Desk, str]) -> None:
    """共谋、共建、共治、共评、共享: each step has residents and evidence, and 共评 a closed rating by households (C27)."""
    desk, by = asked
    survey(desk, "rating", "居民共评", questions("满意"), least=2)
    steps = ("共谋", "共建", "共治", "共评", "共享")
    stages = [{"code": f"s-{n}", "zh": zh, "en": f"step {n}", "people": 2} for n, zh in enumerate(steps, 1)]
    stages[3] |= {"survey": "rating"}
    with pytest.raises(BadInputError, match="do not fit the list"):
        programme(desk, "together", "五共", stages=[stages[3] | {"survey": "none"}])
    programme(desk, "together", "五共", stages=stages)
    unit = join(desk, by, start(desk, by, "together"), COMPOUND)

    def advance(number: int, **more: Any) -> None:
        taken = {"stage": f"s-{number}", "people": 12, "evidence": "会议记录"} | more
        desk.ask("advance_unit", by, participation_id=unit, **taken)

    with pytest.raises(IllegalStateError, match="at least 2 residents"):
        advance(1, people=1)
    with pytest.raises(IllegalStateError, match="next step of this unit is 共谋"):
        advance(5)
    for number in (1, 2, 3):
        advance(number)
    for period, households in (("1", ["101"]), ("2", ["101", "201"])):
        with pytest.raises(IllegalStateError, match="at least 2 households"):
            advance(4)
        id = open_(desk, by, "rating", period=period)
        for household in households:
            answer(desk, by, id, household, BUILDING if household < "200" else SECOND, 5)
        desk.ask("close_survey", by, survey_id=id, conclusion="继续改进")
    advance(4)
    with pytest.raises(IllegalStateError, match="not taken yet: 共享"):
        accept(desk, by, unit)
    advance(5)
    accept(desk, by, unit)


def test_a_household_is_forgotten_when_it_asks_and_with_whoever_spoke_for_it(asked: tuple[Desk, str]) -> None:
    """Each household has a key of its own: it is erased alone, with the person, or with all; what was answered counts (part of X09)."""
    desk, by = asked
    adopt(desk, "roles", "resident", "居民", powers=["survey.answer"])
    survey(desk, "satisfaction", "满意度", questions("满意"))
    id = open_(desk, by, "satisfaction")
    desk.ask("register_person", "operator", person_id="p-wang", name="王秀英", place=COMPOUND)
    for household, who in (("101", by), ("102", "p-wang"), ("103", by)):
        answer(desk, who, id, household, BUILDING, 4)
    told = {"survey_id": id, "place": BUILDING}
    with pytest.raises(ForbiddenError, match=r"survey\.run"):
        desk.ask("erase_answerer", "p-wang", **told, household="102")
    with pytest.raises(BadInputError, match="no such household"):
        desk.ask("erase_answerer", by, **told, household="104")
    desk.ask("erase_answerer", by, **told, household=" 101 室")
    assert keys_of(desk, "HouseholdAnswered") == [None, "102", "103"]
    desk.ask("erase_person", "operator", person_id="p-wang", reason="本人要求")
    assert keys_of(desk, "HouseholdAnswered") == [None, None, "103"]
    with pytest.raises(IllegalStateError, match="all 3 households"):
        answer(desk, by, id, "104", BUILDING, 4)
    desk.ask("close_survey", by, survey_id=id, conclusion="照旧")
    desk.ask("forget_answerers", by, survey_id=id)
    assert keys_of(desk, "HouseholdAnswered") == [None, None, None]
    assert given(desk.ask("survey_figures", survey_id=id)) == [{"4": 3}]

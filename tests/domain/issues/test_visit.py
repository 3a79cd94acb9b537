"""Visits (C07) and diagnoses (A15, C03)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from services.issues import domain
from services.issues.events import CompoundDiagnosed, Problem, VisitPlanned, VisitRecorded
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from tests.domain import kit
from tests.domain.issues.city import COMMUNITY, COMPOUND, mandate

GRID = mandate("post-grid", "visit.record", "issue.triage")
PLANNED = VisitPlanned(visit_id="visit-1", place=COMPOUND, person_id="p-grid", planned_on="2025-03-10")
RECORDED = VisitRecorded(
    visit_id="visit-1", place=COMPOUND, household="sealed", visited_on="2025-03-04", person_id="p-grid", opinions=2
)


def given(*history: Event) -> kit.Spec:
    return kit.given(domain.VISIT, "visit-1", *history)


def plan(**changes: Any) -> dict[str, Any]:
    return {"by": GRID, "place": COMPOUND, "person_id": "p-grid", "planned_on": "2025-03-10"} | changes


def record(**changes: Any) -> dict[str, Any]:
    asked = {"by": GRID, "place": COMPOUND, "person_id": "p-grid", "visited_on": "2025-03-04"}
    return asked | {"household": "sealed", "opinions": 2} | changes


def test_a_visit_is_planned_and_moved_until_it_has_taken_place() -> None:
    given().when(domain.plan_visit, **plan()).then(PLANNED)
    given(PLANNED).when(domain.plan_visit, **plan()).then_nothing()
    moved = replace(PLANNED, planned_on="2025-03-12")
    given(PLANNED).when(domain.plan_visit, **plan(planned_on="2025-03-12")).then(moved)
    given(RECORDED).when(domain.plan_visit, **plan()).then_raises(IllegalStateError, "has taken place")
    given().when(domain.plan_visit, **plan(planned_on="2025-03-03")).then_raises(IllegalStateError, "is over")


def test_a_visit_is_recorded_planned_or_not() -> None:
    given().when(domain.record_visit, **record()).then(RECORDED)
    given(PLANNED).when(domain.record_visit, **record()).then(RECORDED)
    given(RECORDED).when(domain.record_visit, **record()).then_nothing()
    given(RECORDED).when(domain.record_visit, **record(visited_on="2025-03-03")).then_raises(
        IllegalStateError, "already"
    )
    given().when(domain.record_visit, **record(visited_on="2025-03-05")).then_raises(IllegalStateError, "not come yet")


def test_visits_need_a_mandate_and_a_known_place() -> None:
    for decide, ask in ((domain.plan_visit, plan), (domain.record_visit, record)):
        given().when(decide, **ask(place=COMMUNITY)).then_raises(ForbiddenError, "visit.record")
        given(PLANNED).when(decide, **ask(by=mandate("post-grid"))).then_raises(ForbiddenError, "visit.record")
        given().when(decide, **ask(known_place=False)).then_raises(NotFoundError, "no place")


DIAGNOSED = CompoundDiagnosed(
    diagnosis_id="diagnosis-1",
    place=COMPOUND,
    kind="baseline",
    diagnosed_on="2025-03-04",
    problems=(Problem("facility.streetlight", "路灯不明"), Problem("order.litter", "乱扔垃圾")),
)


def diagnose(**changes: Any) -> dict[str, Any]:
    problems = [{"category": problem.category, "note": problem.note} for problem in DIAGNOSED.problems]
    asked = {"by": GRID, "place": COMPOUND, "kind": "baseline", "diagnosed_on": "2025-03-04", "problems": problems}
    return asked | changes


def diagnosed(*history: Event) -> kit.Spec:
    return kit.given(domain.DIAGNOSIS, "diagnosis-1", *history)


def test_a_diagnosis_is_recorded_once() -> None:
    diagnosed().when(domain.diagnose, **diagnose()).then(DIAGNOSED)
    diagnosed(DIAGNOSED).when(domain.diagnose, **diagnose()).then_nothing()
    diagnosed(DIAGNOSED).when(domain.diagnose, **diagnose(kind="diagnosis")).then_raises(IllegalStateError, "already")


def test_a_diagnosis_names_known_categories_once_with_what_was_found() -> None:
    known = ["facility.streetlight"]
    diagnosed().when(domain.diagnose, **diagnose(categories=known)).then_raises(
        BadInputError, "order.litter: no category"
    )
    twice = [{"category": "order.litter", "note": "x"}] * 2
    diagnosed().when(domain.diagnose, **diagnose(problems=twice)).then_raises(
        BadInputError, "order.litter is named twice"
    )
    empty = [{"category": "order.litter", "note": " "}]
    diagnosed().when(domain.diagnose, **diagnose(problems=empty)).then_raises(BadInputError, "say what was found")


def test_a_diagnosis_is_of_a_known_place_today_or_earlier_by_somebody_with_a_mandate() -> None:
    diagnosed().when(domain.diagnose, **diagnose(known_place=False)).then_raises(NotFoundError, "no place")
    diagnosed().when(domain.diagnose, **diagnose(diagnosed_on="2025-03-05")).then_raises(
        IllegalStateError, "not come yet"
    )
    diagnosed().when(domain.diagnose, **diagnose(place=COMMUNITY)).then_raises(ForbiddenError, "issue.triage")

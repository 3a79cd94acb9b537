"""Visits of grid workers."""

from __future__ import annotations

from services.issues.visit import VISIT, VisitPlanned, VisitRecorded, plan_visit, record_visit
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.kit import given
from tests.kit.city import COMPOUND
from tests.kit.rows import city

PLANNED = VisitPlanned(visit_id="visit-1", place=COMPOUND, person_id="p-grid", planned_on="2025-03-05")
RECORDED = VisitRecorded(
    visit_id="visit-1", place=COMPOUND, household="", visited_on="2025-03-04", person_id="p-grid", opinions=3
)
PLAN = {"place": COMPOUND, "person_id": "p-grid", "planned_on": "2025-03-05", "city": city()}
RECORD = {"place": COMPOUND, "person_id": "p-grid", "visited_on": "2025-03-04", "opinions": 3, "city": city()}


def test_a_visit_is_planned_and_moved_until_it_took_place() -> None:
    given(VISIT, "visit-1").when(plan_visit, **PLAN).then(PLANNED)
    moved = VisitPlanned(visit_id="visit-1", place=COMPOUND, person_id="p-grid", planned_on="2025-03-06")
    given(VISIT, "visit-1", PLANNED).when(plan_visit, **PLAN | {"planned_on": "2025-03-06"}).then(moved)
    given(VISIT, "visit-1", PLANNED).when(plan_visit, **PLAN).then_nothing()
    given(VISIT, "visit-1", RECORDED).when(plan_visit, **PLAN).then_raises(IllegalStateError, "has taken place")


def test_a_visit_is_not_planned_for_the_past_nor_recorded_before_it_happened() -> None:
    spec = given(VISIT, "visit-1")
    spec.when(plan_visit, **PLAN | {"planned_on": "2025-03-03"}).then_raises(IllegalStateError, "record the visit")
    spec.when(record_visit, **RECORD | {"visited_on": "2025-03-05"}).then_raises(IllegalStateError, "plan the visit")


def test_a_visit_is_recorded_once() -> None:
    given(VISIT, "visit-1", PLANNED).when(record_visit, **RECORD).then(RECORDED)
    given(VISIT, "visit-1", RECORDED).when(record_visit, **RECORD).then_nothing()


def test_visits_are_recorded_at_known_places_by_who_may() -> None:
    beyond = Mandate(actor="p-x", role="grid_worker", place="350104.014", powers=frozenset({"visit.record"}))
    given(VISIT, "visit-1").when(record_visit, by=beyond, **RECORD).then_raises(ForbiddenError, "visit.record")
    unknown = RECORD | {"place": f"{COMPOUND}.99"}
    given(VISIT, "visit-1").when(record_visit, **unknown).then_raises(NotFoundError, "there is no place")

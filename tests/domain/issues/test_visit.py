"""Visits of grid workers (C07)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.issues.visit import VISIT, VisitPlanned, VisitRecorded, plan_visit, record_visit
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.kit import given
from tests.kit.city import COMPOUND
from tests.kit.desk import Desk
from tests.kit.rows import city

PLANNED = VisitPlanned(visit_id="visit-1", place=COMPOUND, person_id="p-grid", planned_on="2025-03-05")
RECORDED = VisitRecorded(
    visit_id="visit-1", place=COMPOUND, household="", visited_on="2025-03-04", person_id="p-grid", opinions=3
)
PLAN = {"place": COMPOUND, "person_id": "p-grid", "planned_on": "2025-03-05", "city": city()}
RECORD = {"place": COMPOUND, "person_id": "p-grid", "visited_on": "2025-03-04", "opinions": 3, "city": city()}


@pytest.fixture()
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


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


def test_a_household_is_sealed_and_read_by_those_who_record_visits(desk: Desk) -> None:
    done = desk.ask("record_visit", "post-grid", place=COMPOUND, visited_on="2025-03-04", household="陈阿姨，3号楼")
    assert done["actions"] == []
    assert "陈阿姨" not in desk.stored
    (row,) = desk.ask("find_visits", "post-secretary")["rows"]
    assert (row["household"], row["issues"], row["person_id"]) == ("陈阿姨，3号楼", 0, "p-grid")
    assert [part["zh"] for part in row["place_names"]][-1] == "联邦新城"
    with pytest.raises(ForbiddenError, match="visit.record"):
        desk.ask("find_visits", "p-resident")


def test_bad_input_names_each_field_and_changes_nothing(desk: Desk) -> None:
    with pytest.raises(BadInputError) as refused:
        desk.ask("record_visit", "post-grid", place="X", opinions=-1, household="a\nb", nobody="asked")
    assert set(refused.value.fields) == {"place", "visited_on", "opinions", "household", "nobody"}
    assert desk.ask("find_visits", "post-grid")["rows"] == []


def test_what_somebody_may_begin_and_read_is_offered(desk: Desk) -> None:
    offered = desk.ask("offers", "post-grid")
    assert {"command": "record_visit", "new": True} in offered["commands"]
    assert "find_visits" in offered["lists"]
    commands = [{"command": "report_issue", "new": True}, {"command": "withdraw_issue", "new": False}]
    of_residents = {"commands": commands, "lists": ["find_issues", "find_diagnoses"]}
    assert desk.ask("offers", "p-resident") == of_residents

"""Activities, sessions and attendance."""

from __future__ import annotations

from typing import Any

from services.volunteers.activity.attendance import Attendance, record_attendance, withdraw_attendance
from services.volunteers.activity.facts import (
    ActivityCancelled,
    ActivityHeld,
    ActivityPlanned,
    AttendanceRecorded,
    AttendanceWithdrawn,
)
from services.volunteers.activity.holding import cancel_activity, hold_activity, plan_activity
from services.volunteers.activity.rows import ACTIVITIES, ATTENDANCES
from services.volunteers.activity.state import ACTIVITY
from services.volunteers.patrol import OUTINGS
from services.volunteers.volunteer import VOLUNTEER, RoleTaken, VolunteerRegistered
from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from tests.domain.volunteers.people import HERE, THERE, person
from tests.kit import given
from tests.kit.city import COMMUNITY, entry
from tests.kit.rows import MemoryRows, city
from tests.kit.spec import Spec, folded

STARTS = "2025-03-04T09:00:00+08:00"
BEFORE, AFTER = "2025-03-04T08:59:59+08:00", "2025-03-04T03:00:00+00:00"
FIELDS = {"title": "清洁家园", "title_en": "Clean up", "kind": "service", "place": HERE, "starts": STARTS}
PLANNED = ActivityPlanned(activity_id="a-1", series="", issue_id="", project_id="", **FIELDS)
PLAN = FIELDS | {"city": city()}
#: The small city, and nothing recorded by the service itself.
ROWS = City(MemoryRows([*city_views(), ACTIVITIES, ATTENDANCES, OUTINGS]), "2025-03-04")
CHEN = person("p-1")
REGISTERED = [VolunteerRegistered(person_id=f"p-{number}", name="", home=HERE) for number in range(3)]
VOLUNTEERS = {
    "p-1": folded(
        VOLUNTEER,
        "p-1",
        REGISTERED[1],
        RoleTaken(person_id="p-1", role="informer", place=HERE, since="2025-01-01"),
    ),
    "p-2": folded(VOLUNTEER, "p-2", REGISTERED[2]),
    "p-9": folded(VOLUNTEER, "p-9"),
}
HELD = ActivityHeld(activity_id="a-1", sessions=2)
CANCELLED = ActivityCancelled(activity_id="a-1", reason="rain")


def attended(person: str, minutes: int = 60, role: str = "") -> AttendanceRecorded:
    return AttendanceRecorded(
        activity_id="a-1", person_id=person, minutes=minutes, kind="service", role=role, day="2025-03-04"
    )


def record(*history: Event, at: str = AFTER, attendances: list[Attendance] | None = None, **ask: Any) -> Spec:
    attendances = attendances or [Attendance("p-1", 60)]
    return given(ACTIVITY, "a-1", *history).when(
        record_attendance, at=at, attendances=attendances, volunteers=VOLUNTEERS, city=ROWS, **ask
    )


def test_an_activity_is_planned_once() -> None:
    spec = given(ACTIVITY, "a-1")
    spec.when(plan_activity, **PLAN).then(PLANNED)
    spec.when(plan_activity, by=CHEN, **PLAN).then_raises(ForbiddenError, "activity.plan")
    spec.when(plan_activity, **PLAN | {"kind": "war"}).then_raises(BadInputError, "war is not on the city's list")
    spec.when(plan_activity, **PLAN | {"place": f"{HERE}.99"}).then_raises(NotFoundError, "no place")
    given(ACTIVITY, "a-1", PLANNED).when(plan_activity, **PLAN).then_nothing()


def test_a_deed_names_the_issue_or_project_it_serves() -> None:
    deed = PLAN | {"kind": "deed"}
    given(ACTIVITY, "a-1").when(plan_activity, **deed).then_raises(IllegalStateError, "the issue or the project")
    expected = ActivityPlanned(activity_id="a-1", series="", issue_id="i-1", project_id="", **FIELDS | {"kind": "deed"})
    given(ACTIVITY, "a-1").when(plan_activity, issue_id="i-1", **deed).then(expected)


def test_b32_an_activity_of_a_station_takes_a_station_that_passed_its_checklist() -> None:
    """Refused where nothing was passed or the check failed later; a pass counts for everything below the place (part of B32)."""
    needing = entry("activity_kinds", "culture", needs="station")
    plan = FIELDS | {"kind": "culture"}
    spec, why = given(ACTIVITY, "a-1"), "the checklist for station was passed"
    passed = ("ChecklistPassed", {"template": "station-nine", "subject": HERE, "unlocks": "station"})
    failed = ("ChecklistFailed", passed[1])
    spec.when(plan_activity, city=city("2025-03-04", needing), **plan).then_raises(IllegalStateError, why)
    spec.when(plan_activity, city=city("2025-03-04", needing, passed, failed), **plan).then_raises(
        IllegalStateError, why
    )
    planned = ActivityPlanned(activity_id="a-1", series="", issue_id="", project_id="", **plan)
    spec.when(plan_activity, city=city("2025-03-04", needing, passed), **plan).then(planned)
    above = ("ChecklistPassed", passed[1] | {"subject": COMMUNITY})
    spec.when(plan_activity, city=city("2025-03-04", needing, above), **plan).then(planned)
    there = ("ChecklistPassed", passed[1] | {"subject": THERE})
    spec.when(plan_activity, city=city("2025-03-04", needing, there), **plan).then_raises(IllegalStateError, why)


def test_attendance_is_recorded_once_for_each_person() -> None:
    both = [Attendance("p-1", 60, "informer"), Attendance("p-2", 120)]
    record(PLANNED, HELD, attendances=both).then(attended("p-1", 60, "informer"), attended("p-2", 120))
    record(PLANNED, HELD, attended("p-1"), attendances=both).then(attended("p-2", 120))
    other = [Attendance("p-1", 61)]
    record(PLANNED, HELD, attended("p-1"), attendances=other).then_raises(IllegalStateError, "recorded with 60 minutes")
    record(PLANNED, HELD, attendances=[Attendance("p-1", 60)] * 2).then_raises(IllegalStateError, "named twice")


def test_attendance_is_for_registered_volunteers_in_roles_they_hold() -> None:
    record(PLANNED, HELD, attendances=[Attendance("p-9", 1)]).then_raises(IllegalStateError, "register first")
    publicist = [Attendance("p-1", 1, "publicist")]
    record(PLANNED, HELD, attendances=publicist).then_raises(IllegalStateError, "does not hold the role publicist")


def test_one_mistake_records_nobody() -> None:
    record(PLANNED, HELD, attendances=[Attendance("p-1", 60), Attendance("p-9", 60)]).then_raises(
        IllegalStateError, "p-9"
    )


def test_attendance_is_of_what_was_held_and_may_come_late() -> None:
    record(PLANNED).then_raises(IllegalStateError, "once it was held")
    record(PLANNED, HELD).then(attended("p-1"))
    record(PLANNED, CANCELLED).then_raises(IllegalStateError, "cancelled")
    record().then_raises(NotFoundError, "no activity")
    record(PLANNED, HELD, by=CHEN).then_raises(ForbiddenError, "activity.record")


def test_an_attendance_recorded_by_mistake_is_withdrawn() -> None:
    withdrawn = AttendanceWithdrawn(activity_id="a-1", person_id="p-1", reason="mixed up")
    ask = {"person_id": "p-1", "reason": "mixed up"}
    spec = given(ACTIVITY, "a-1", PLANNED, attended("p-1"))
    spec.when(withdraw_attendance, **ask).then(withdrawn)
    spec.when(withdraw_attendance, by=CHEN, **ask).then_raises(ForbiddenError, "activity.record")
    spec = given(ACTIVITY, "a-1", PLANNED).when(withdraw_attendance, **ask)
    spec.then_raises(IllegalStateError, "no attendance of p-1")
    record(PLANNED, HELD, attended("p-1"), withdrawn).then(attended("p-1"))


def test_an_activity_is_held_after_it_started() -> None:
    spec = given(ACTIVITY, "a-1", PLANNED)
    spec.when(hold_activity, at=BEFORE, sessions=2).then_raises(IllegalStateError, "starts at")
    spec.when(hold_activity, at=STARTS, sessions=2).then(HELD)
    spec.when(hold_activity, at=AFTER, by=CHEN).then_raises(ForbiddenError, "activity.record")
    spec = given(ACTIVITY, "a-1", PLANNED, HELD)
    spec.when(hold_activity, at=AFTER, sessions=2).then_nothing()
    spec.when(hold_activity, at=AFTER, sessions=3).then_raises(IllegalStateError, "2 sessions")
    given(ACTIVITY, "a-1", PLANNED, CANCELLED).when(hold_activity, at=AFTER).then_raises(IllegalStateError, "cancelled")
    given(ACTIVITY, "a-1").when(hold_activity, at=AFTER).then_raises(NotFoundError, "no activity")


def test_an_activity_is_cancelled_before_anybody_took_part() -> None:
    spec = given(ACTIVITY, "a-1", PLANNED)
    spec.when(cancel_activity, reason="rain").then(CANCELLED)
    spec.when(cancel_activity, by=CHEN, reason="x").then_raises(ForbiddenError, "activity.plan")
    given(ACTIVITY, "a-1", PLANNED, CANCELLED).when(cancel_activity, reason="rain").then_nothing()
    for late in (HELD, attended("p-1")):
        given(ACTIVITY, "a-1", PLANNED, late).when(cancel_activity, reason="x").then_raises(
            IllegalStateError, "took part"
        )
    given(ACTIVITY, "a-1").when(cancel_activity, reason="x").then_raises(NotFoundError, "no activity")

"""Activities, sessions and attendance (C38, C39, C44, X04)."""

from services.volunteers.domain import activity as a
from services.volunteers.domain.activity import ACTIVITY
from services.volunteers.events import (
    ActivityCancelled,
    ActivityHeld,
    ActivityPlanned,
    AttendanceRecorded,
    AttendanceWithdrawn,
)
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from shared.following.authority import RESIDENT
from tests.kit import given

PLACE, STARTS = "350104.013.002.007", "2025-03-04T09:00:00+08:00"
BEFORE, AFTER = "2025-03-04T08:59:59+08:00", "2025-03-04T03:00:00+00:00"
plain = {"title": "清洁家园", "title_en": "Clean up", "kind": "service", "place": PLACE, "starts": STARTS}
planned = ActivityPlanned(activity_id="a-1", series="", issue_id="", project_id="", **plain)
chen = Mandate(actor="p-1", role="resident", powers=RESIDENT)
VOLUNTEERS = {"p-1": {"informer"}, "p-2": set()}


def attended(person: str, minutes: int = 60, role: str = "") -> AttendanceRecorded:
    return AttendanceRecorded(
        activity_id="a-1", person_id=person, minutes=minutes, kind="service", role=role, day="2025-03-04"
    )


def record(*history, at=AFTER, **ask):
    attendances = ask.pop("attendances", [{"person_id": "p-1", "minutes": 60}])
    return given(ACTIVITY, "a-1", *history).when(
        a.record_attendance, at=at, attendances=attendances, volunteers=VOLUNTEERS, **ask
    )


held = ActivityHeld(activity_id="a-1", kind="service", sessions=2)
cancelled = ActivityCancelled(activity_id="a-1", reason="rain")


def test_an_activity_is_planned_once():
    given(ACTIVITY, "a-1").when(a.plan, **plain).then(planned)
    given(ACTIVITY, "a-1", planned).when(a.plan, **plain).then_nothing()
    given(ACTIVITY, "a-1", planned).when(a.plan, **plain | {"title": "x"}).then_raises(
        IllegalStateError, "planned already"
    )
    given(ACTIVITY, "a-1").when(a.plan, by=chen, **plain).then_raises(ForbiddenError, "activity.plan")
    given(ACTIVITY, "a-1").when(a.plan, **plain | {"kind": "war"}).then_raises(
        IllegalStateError, "no kind of this city"
    )


def test_a_deed_names_the_issue_or_project_it_serves():
    deed = plain | {"kind": "deed"}
    given(ACTIVITY, "a-1").when(a.plan, **deed).then_raises(IllegalStateError, "the issue or the project")
    expected = ActivityPlanned(activity_id="a-1", series="", issue_id="i-1", project_id="", **deed)
    given(ACTIVITY, "a-1").when(a.plan, issue_id="i-1", **deed).then(expected)


def test_attendance_is_recorded_once_for_each_person():
    both = [{"person_id": "p-1", "minutes": 60, "role": "informer"}, {"person_id": "p-2", "minutes": 1440}]
    record(planned, attendances=both).then(attended("p-1", 60, "informer"), attended("p-2", 1440))
    record(planned, attended("p-1"), attendances=both).then(attended("p-2", 1440))
    record(planned, attended("p-1"), attendances=[{"person_id": "p-1", "minutes": 61}]).then_raises(
        IllegalStateError, "recorded with 60 minutes"
    )
    twice = [{"person_id": "p-1", "minutes": 60}] * 2
    record(planned, attendances=twice).then_raises(IllegalStateError, "named twice")


def test_attendance_is_for_registered_volunteers_in_roles_they_hold():
    record(planned, attendances=[{"person_id": "p-9", "minutes": 1}]).then_raises(IllegalStateError, "register first")
    publicist = [{"person_id": "p-1", "minutes": 1, "role": "publicist"}]
    record(planned, attendances=publicist).then_raises(IllegalStateError, "does not hold the role publicist")
    for minutes in (0, -5, 1441):
        record(planned, attendances=[{"person_id": "p-1", "minutes": minutes}]).then_raises(
            IllegalStateError, "1 to 1440"
        )


def test_one_mistake_records_nobody():
    mixed = [{"person_id": "p-1", "minutes": 60}, {"person_id": "p-9", "minutes": 60}]
    record(planned, attendances=mixed).then_raises(IllegalStateError, "p-9")


def test_attendance_begins_with_the_activity_and_may_come_late():
    record(planned, at=BEFORE).then_raises(IllegalStateError, "after that")
    record(planned, held).then(attended("p-1"))
    record(planned, cancelled).then_raises(IllegalStateError, "cancelled")
    record().then_raises(NotFoundError, "no activity")
    record(planned, by=chen).then_raises(ForbiddenError, "activity.record")


def test_an_attendance_recorded_by_mistake_is_withdrawn():
    withdrawn = AttendanceWithdrawn(activity_id="a-1", person_id="p-1", minutes=60, kind="service", reason="mixed up")
    spec = given(ACTIVITY, "a-1", planned, attended("p-1"))
    spec.when(a.withdraw_attendance, person_id="p-1", reason="mixed up").then(withdrawn)
    spec = given(ACTIVITY, "a-1", planned).when(a.withdraw_attendance, person_id="p-1", reason="x")
    spec.then_raises(IllegalStateError, match="no attendance of p-1")
    spec = given(ACTIVITY, "a-1", planned, attended("p-1")).when(
        a.withdraw_attendance, by=chen, person_id="p-1", reason="x"
    )
    spec.then_raises(ForbiddenError, match="activity.record")
    record(planned, attended("p-1"), withdrawn).then(attended("p-1"))


def test_an_activity_is_held_after_it_started():
    given(ACTIVITY, "a-1", planned).when(a.hold, at=BEFORE, sessions=2).then_raises(IllegalStateError, "starts at")
    given(ACTIVITY, "a-1", planned).when(a.hold, at=STARTS, sessions=2).then(held)
    given(ACTIVITY, "a-1", planned, held).when(a.hold, at=AFTER, sessions=2).then_nothing()
    given(ACTIVITY, "a-1", planned, held).when(a.hold, at=AFTER, sessions=3).then_raises(
        IllegalStateError, "2 sessions"
    )
    given(ACTIVITY, "a-1", planned).when(a.hold, at=AFTER, sessions=0).then_raises(IllegalStateError, "one session")
    given(ACTIVITY, "a-1", planned, cancelled).when(a.hold, at=AFTER).then_raises(IllegalStateError, "cancelled")
    given(ACTIVITY, "a-1", planned).when(a.hold, by=chen, at=AFTER).then_raises(ForbiddenError, "activity.record")
    given(ACTIVITY, "a-1").when(a.hold, at=AFTER).then_raises(NotFoundError, "no activity")


def test_an_activity_is_cancelled_before_anybody_took_part():
    given(ACTIVITY, "a-1", planned).when(a.cancel, reason="rain").then(cancelled)
    given(ACTIVITY, "a-1", planned, cancelled).when(a.cancel, reason="rain").then_nothing()
    given(ACTIVITY, "a-1", planned, held).when(a.cancel, reason="x").then_raises(IllegalStateError, "took part")
    given(ACTIVITY, "a-1", planned, attended("p-1")).when(a.cancel, reason="x").then_raises(
        IllegalStateError, "took part"
    )
    given(ACTIVITY, "a-1").when(a.cancel, reason="x").then_raises(NotFoundError, "no activity")
    given(ACTIVITY, "a-1", planned).when(a.cancel, by=chen, reason="x").then_raises(ForbiddenError, "activity.plan")

"""Activities, sessions and attendance (C38, C39, C44, X04)."""

from __future__ import annotations

from typing import Any

import pytest

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
from shared.domain.city import City, city_views
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from tests.domain.volunteers.people import BEYOND, HERE, THERE, person
from tests.kit import given
from tests.kit.city import COMMUNITY, STREET, entry
from tests.kit.desk import Desk
from tests.kit.rows import MemoryRows, city
from tests.kit.spec import Spec, folded

STARTS = "2025-03-04T09:00:00+08:00"
BEFORE, AFTER = "2025-03-04T08:59:59+08:00", "2025-03-04T03:00:00+00:00"
EVENING, EARLIER, EARLY = "2025-03-04T20:00:00+08:00", "2025-03-04T08:00:00+08:00", "2025-03-04T07:00:00+08:00"
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
    """B32: where nothing was passed it is refused, and so where the check failed later; a pass counts for everything below the place."""
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


def hold(
    desk: Desk,
    id: str,
    people: dict[str, int],
    place: str = HERE,
    kind: str = "station",
    sessions: int = 1,
    starts: str = STARTS,
) -> None:
    for someone in people:
        desk.ask("register_volunteer", "post-director", person_id=someone, name="陈志明", home=HERE)
    desk.ask("plan_activity", "post-director", activity_id=id, title="t", kind=kind, place=place, starts=starts)
    attendances = [{"person_id": someone, "minutes": minutes} for someone, minutes in people.items()]
    desk.ask("hold_activity", "post-director", activity_id=id, sessions=sessions)
    desk.ask("record_attendance", "post-director", at=EVENING, activity_id=id, attendances=attendances)


def test_persons_and_person_times_are_counted_apart_in_every_territory(desk: Desk) -> None:
    hold(desk, "a-1", {"p-1": 60, "p-2": 30}, sessions=2)
    hold(desk, "a-2", {"p-1": 10}, place=THERE, starts=EARLIER)
    hold(desk, "a-3", {"p-1": 5, "p-3": 5}, place=BEYOND, kind="training", starts=EARLY)
    expected = {
        HERE: (2, 2, 2, 90),
        THERE: (1, 1, 1, 10),
        STREET: (3, 3, 2, 100),
        "350104": (4, 5, 3, 110),
        "": (4, 5, 3, 110),
    }
    for place, numbers in expected.items():
        f = desk.ask("volunteer_figures", "", place=place)
        counted = (f["sessions"]["total"], f["person_times"]["total"], f["persons"], f["minutes"]["total"])
        assert counted == numbers, place
    training = desk.ask("activity_figures", place="350104", kind="training")
    assert (training["sessions"], training["person_times"], training["persons"]) == (1, 2, 2)
    assert desk.ask("activity_figures", since="2025-03-05")["person_times"] == 0
    shown = desk.ask("get_volunteer", "p-1")
    assert (shown["times"], shown["minutes"], shown["patrols"]) == (3, 75, 0)
    desk.ask("withdraw_attendance", "post-director", activity_id="a-2", person_id="p-1", reason="mixed up")
    f = desk.ask("volunteer_figures", place=THERE)
    assert (f["person_times"]["total"], f["persons"], f["minutes"]["total"]) == (0, 0, 0)
    f = desk.ask("volunteer_figures", place=STREET)
    assert (f["persons"], f["minutes"]["total"]) == (2, 90)
    shown = desk.ask("get_volunteer", "p-1")
    assert (shown["times"], shown["minutes"]) == (2, 65)
    assert desk.ask("volunteer_figures", place="440300")["persons"] == 0


def test_who_took_part_is_shown_to_those_who_record_it(desk: Desk) -> None:
    hold(desk, "a-shown", {"p-4": 60}, place=COMMUNITY, kind="story_meeting")
    public = desk.ask("get_activity", "", activity_id="a-shown")
    assert not {"attendances", "attended"} & set(public)
    assert (public["person_times"], public["minutes"], public["actions"]) == (1, 60, [])
    assert "withdraw_attendance" in [other["command"] for other in public["others"]]
    answer = desk.ask("get_activity", "post-worker", activity_id="a-shown")
    assert answer["attendances"]["rows"][0]["name"] == "陈志明"
    assert answer["actions"] == ["record_attendance", "withdraw_attendance"]
    (row,) = desk.ask("find_activities", "", kind="story_meeting", status="held")["rows"]
    assert (row["activity_id"], row["organisation_id"], row["post_id"]) == ("a-shown", "o-street", "post-director")
    assert "attended" not in row


def test_nobody_serves_longer_than_it_lasted_than_a_day_has_or_at_two_places(desk: Desk) -> None:
    """Three times 1,440 minutes on one evening, and hours of what began two minutes ago, were counted."""
    evening = {"kind": "station", "place": HERE, "title": "值守"}

    def record(id: str, starts: str, minutes: int, at: str = "2025-03-09T09:00:00+08:00", sessions: int = 1) -> Any:
        desk.ask("plan_activity", "post-director", activity_id=id, starts=starts, **evening)
        desk.ask("hold_activity", "post-director", at=at, activity_id=id, sessions=sessions)
        attendances = [{"person_id": "p-5", "minutes": minutes}]
        return desk.ask("record_attendance", "post-director", at=at, activity_id=id, attendances=attendances)

    desk.ask("register_volunteer", "post-director", person_id="p-5", name="n", home=HERE)
    with pytest.raises(IllegalStateError, match="3 minutes from .* are not over yet"):
        record("b-1", "2025-03-05T19:00:00+08:00", 3, "2025-03-05T19:02:00+08:00")
    with pytest.raises(IllegalStateError, match="more than 720 minutes on 2025-03-05"):
        record("b-1", "2025-03-05T19:00:00+08:00", 1440)
    assert record("b-1", "2025-03-05T19:00:00+08:00", 120)["events"] == 1
    assert record("b-1", "2025-03-05T19:00:00+08:00", 120)["events"] == 0
    for starts in ("2025-03-05T18:30:00+08:00", "2025-03-05T20:59:00+08:00", "2025-03-05T11:00:00+00:00"):
        with pytest.raises(IllegalStateError, match="took part in 值守 at that time"):
            record(f"b-{starts[11:16].replace(':', '')}", starts, 45)
    assert record("b-2", "2025-03-05T21:00:00+08:00", 60)["events"] == 1, "one after the other"
    with pytest.raises(IllegalStateError, match="more than 720"):
        record("b-3", "2025-03-05T06:00:00+08:00", 541)
    assert record("b-4", "2025-03-06T06:00:00+08:00", 1400, sessions=2)["events"] == 1, "sums of sessions may be longer"
    desk.tell_all("registry", [entry("parameters", "longest_day_minutes", value=800)])
    with pytest.raises(IllegalStateError, match="more than 800"):
        record("b-5", "2025-03-07T01:00:00+08:00", 801)


def test_a_role_is_told_apart_in_the_figures(desk: Desk) -> None:
    desk.ask("register_volunteer", "post-worker", person_id="p-role", name="n", home=HERE)
    desk.ask("take_role", "post-worker", person_id="p-role", role="mediator", place=HERE)
    desk.ask("plan_activity", "post-worker", activity_id="a-role", title="t", kind="service", place=HERE, starts=STARTS)
    desk.ask("hold_activity", "post-worker", activity_id="a-role")
    attendances = [{"person_id": "p-role", "minutes": 20, "role": "mediator"}]
    desk.ask("record_attendance", "post-worker", at=EVENING, activity_id="a-role", attendances=attendances)
    figures = desk.ask("activity_figures", role="mediator")
    assert figures == {"person_times": 1, "persons": 1, "minutes": 20, "by_role": {"mediator": 1}}


def test_moments_carry_an_offset_and_minutes_are_up_to_a_day(desk: Desk) -> None:
    for starts in ("2025-03-04", "2025-03-04T09:00:00", "2025-W10-1T09:00:00+08:00", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(BadInputError) as caught:
            desk.ask("plan_activity", "post-worker", title="t", kind="station", place=HERE, starts=starts)
        assert "offset" in str(caught.value.fields["starts"])
    for minutes in (0, -5, 1441):
        attendances = [{"person_id": "p-1", "minutes": minutes}]
        with pytest.raises(BadInputError) as caught:
            desk.ask("record_attendance", "post-worker", activity_id="a-1", attendances=attendances)
        assert "1 to 1440" in str(caught.value.fields["attendances"])
    with pytest.raises(BadInputError) as caught:
        desk.ask("hold_activity", "post-worker", activity_id="a-1", sessions=0)
    assert set(caught.value.fields) == {"sessions"}

"""Figures of activities and attendance, and what may be recorded of whoever took part."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from tests.domain.volunteers.people import BEYOND, HERE, THERE
from tests.kit.city import COMMUNITY, STREET, entry
from tests.kit.desk import Desk

STARTS = "2025-03-04T09:00:00+08:00"
EVENING, EARLIER, EARLY = "2025-03-04T20:00:00+08:00", "2025-03-04T08:00:00+08:00", "2025-03-04T07:00:00+08:00"


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
    """(part of A04, C39, X04)"""
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
    assert figures.pop("as_of")["service"] == "volunteers"
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

"""Rows of the catalogue that the volunteers service keeps to, each in one test: what it does and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.domain.volunteers.people import HERE, small_city
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, OTHER_COMPOUND, STREET, entry
from tests.kit.desk import Desk

STARTS, EVENING = "2025-03-04T09:00:00+08:00", "2025-03-04T20:00:00+08:00"
NEXT_DAY = "2025-03-05T09:00:00+08:00"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("volunteers", tmp_path, small_city())
    yield desk
    desk.close()


def register(desk: Desk, *people: str) -> None:
    for person in people:
        desk.ask("register_volunteer", "post-director", person_id=person, name="陈志明", home=HERE)


def hold(desk: Desk, id: str, people: dict[str, int], kind: str = "service", sessions: int = 1, **more: Any) -> Any:
    planned = {"activity_id": id, "title": id, "kind": kind, "place": HERE, "starts": STARTS}
    desk.ask("plan_activity", "post-director", **planned | more)
    desk.ask("hold_activity", "post-director", activity_id=id, sessions=sessions)
    took = [{"person_id": person, "minutes": minutes} for person, minutes in people.items()]
    return took and desk.ask("record_attendance", "post-director", at=EVENING, activity_id=id, attendances=took)


def test_members_who_live_here_are_surveyed_and_report_in(desk: Desk) -> None:
    """Who was surveyed against who reported, with unit, home and dates; persons, however often they report (B12, C40)."""
    for person in ("p-1", "p-2"):
        asked = {"person_id": person, "unit": "bureau", "level": "district", "place": COMPOUND}
        desk.ask("survey_member", "post-worker", **asked)
    with pytest.raises(ForbiddenError, match=r"volunteer\.survey"):
        desk.ask("survey_member", "p-3", person_id="p-3", unit="bureau", level="city", place=COMPOUND)
    with pytest.raises(ForbiddenError, match="takes a post"):
        desk.ask("report_in", "p-1", person_id="p-2", unit="bureau", place=COMPOUND)
    desk.ask("report_in", "p-1", unit="bureau", place=COMPOUND)
    assert desk.ask("report_in", "p-1", unit="bureau", place=COMPOUND)["events"] == 0

    def figures(place: str) -> list[int]:
        found = desk.ask("volunteer_figures", place=place)
        return [found[name] for name in ("members_surveyed", "members_reported", "members_not_reported")]

    assert figures(COMPOUND) == [2, 1, 1]
    (row,) = desk.ask("find_report_ins", "post-worker", status="reported_in")["rows"]
    told = (row["person_id"], row["unit"], row["place"], row["surveyed"], row["since"])
    assert told == ("p-1", "bureau", COMPOUND, "2025-03-04", "2025-03-04")
    assert [row["person_id"] for row in desk.ask("find_report_ins", "post-worker", status="surveyed")["rows"]] == [
        "p-2"
    ]
    desk.ask("report_in", "p-1", at=NEXT_DAY, unit="bureau", place=OTHER_COMPOUND)
    assert (figures(COMPOUND)[1], figures(OTHER_COMPOUND)[1], figures(STREET)[1]) == (0, 1, 1)


def test_units_report_to_the_community_and_members_at_home_and_both_ends_confirm(desk: Desk) -> None:
    """(D11)"""
    member = desk.ask("report_in", "p-1", unit="bureau", place=COMPOUND)["id"]
    unit = desk.ask("report_in", "post-worker", kind="unit", unit="bureau", place=COMMUNITY)["id"]
    with pytest.raises(ForbiddenError, match="holds a post"):
        desk.ask("report_in", "p-2", kind="unit", unit="bureau", place=COMMUNITY)
    for id in (member, unit):
        with pytest.raises(ForbiddenError, match=r"volunteer\.confirm"):
            desk.ask("confirm_report_in", "p-3", report_id=id, end="place")
        desk.ask("confirm_report_in", "post-worker", report_id=id, end="place")
        with pytest.raises(ForbiddenError, match="another person"):
            desk.ask("confirm_report_in", "post-worker", report_id=id, end="unit", evidence="介绍信")
        with pytest.raises(IllegalStateError, match="on what evidence"):
            desk.ask("confirm_report_in", "post-director", report_id=id, end="unit")
        desk.ask("confirm_report_in", "post-director", report_id=id, end="unit", evidence="介绍信")
    rows = {row["report_id"]: row for row in desk.ask("find_report_ins", "post-worker")["rows"]}
    assert {id: (row["kind"], row["status"]) for id, row in rows.items()} == {
        member: ("member", "confirmed"),
        unit: ("unit", "confirmed"),
    }


ROLES = [
    ("informer", "patroller", "mediator", "publicist"),
    ("sentiment_collector", "dispute_mediator", "manners_adviser"),
]


@pytest.mark.parametrize("roles", ROLES)
def test_residents_take_roles_at_a_building_and_what_each_role_does_is_counted(
    desk: Desk, roles: tuple[str, ...]
) -> None:
    """Four roles in one city, three posts of members in another (C32, D19)."""
    desk.tell_all("registry", [entry("volunteer_roles", role) for role in roles])
    people = dict(zip(roles, ("p-1", "p-2", "p-3", "p-4"), strict=False))
    register(desk, *people.values())
    with pytest.raises(BadInputError, match="not on the city's list volunteer_roles"):
        desk.ask("take_role", "post-worker", person_id="p-1", role="sheriff", place=BUILDING)
    with pytest.raises(ForbiddenError, match=r"volunteer\.role"):
        desk.ask("take_role", "p-1", person_id="p-1", role=roles[0], place=BUILDING)
    for role, person in people.items():
        desk.ask("take_role", "post-worker", person_id=person, role=role, place=BUILDING)
    hold(desk, "a-1", {})
    took = [{"person_id": person, "minutes": 30, "role": role} for role, person in people.items()]
    other = [{"person_id": people[roles[0]], "minutes": 30, "role": roles[1]}]
    with pytest.raises(IllegalStateError, match=f"does not hold the role {roles[1]}"):
        desk.ask("record_attendance", "post-director", at=EVENING, activity_id="a-1", attendances=other)
    desk.ask("record_attendance", "post-director", at=EVENING, activity_id="a-1", attendances=took)
    assert desk.ask("volunteer_figures", place=BUILDING)["roles"]["by"] == dict.fromkeys(roles, 1)
    assert desk.ask("activity_figures", place=HERE)["by_role"] == dict.fromkeys(roles, 1)


def test_services_story_meetings_and_deeds_are_registered_and_a_deed_serves_something(desk: Desk) -> None:
    """(C38)"""
    register(desk, "p-1")
    hold(desk, "s-1", {"p-1": 60})
    hold(desk, "m-1", {}, "story_meeting", sessions=4)
    with pytest.raises(IllegalStateError, match="the issue or the project it serves"):
        hold(desk, "d-0", {}, "deed")
    desk.tell("issues", "IssueReported", issue_id="i-1")
    hold(desk, "d-1", {}, "deed", issue_id="i-1")
    with pytest.raises(BadInputError, match="not on the city's list activity_kinds"):
        hold(desk, "x-1", {}, "feast")
    kinds = {kind: desk.ask("activity_figures", kind=kind)["sessions"] for kind in ("service", "story_meeting", "deed")}
    assert kinds == {"service": 1, "story_meeting": 4, "deed": 1}
    (deed,) = desk.ask("find_activities", issue_id="i-1")["rows"]
    assert (deed["activity_id"], deed["issue_id"], deed["status"]) == ("d-1", "i-1", "held")


def test_activities_of_the_citys_kinds_are_registered(desk: Desk) -> None:
    """Culture and mutual help (A40)."""
    with pytest.raises(BadInputError, match="not on the city's list activity_kinds"):
        hold(desk, "song", {}, "culture")
    desk.tell_all("registry", [entry("activity_kinds", kind) for kind in ("culture", "mutual_help")])
    hold(desk, "song", {}, "culture", title="建党百年歌会", series="centenary")
    desk.ask(
        "plan_activity",
        "post-director",
        activity_id="help",
        title="互助",
        kind="mutual_help",
        place=HERE,
        starts=STARTS,
    )
    assert [row["title"] for row in desk.ask("find_activities", kind="culture", status="held")["rows"]] == [
        "建党百年歌会"
    ]
    desk.ask("cancel_activity", "post-director", activity_id="help", reason="下雨")
    assert desk.ask("find_activities", kind="mutual_help")["rows"][0]["status"] == "cancelled"
    with pytest.raises(ForbiddenError, match=r"activity\.plan"):
        desk.ask("plan_activity", "p-1", activity_id="mine", title="x", kind="culture", place=HERE, starts=STARTS)


def test_person_times_are_no_persons(desk: Desk) -> None:
    """Who came three times is one person; a repeat within one activity is refused (C44)."""
    register(desk, "p-1", "p-2")
    for id, hour in (("a-1", "06"), ("a-2", "07"), ("a-3", "08")):
        hold(desk, id, {"p-1": 60} | ({"p-2": 30} if id == "a-1" else {}), starts=f"2025-03-04T{hour}:00:00+08:00")
    figures = desk.ask("volunteer_figures", place=HERE)
    assert (figures["person_times"]["total"], figures["persons"]) == (4, 2)
    one = desk.ask("activity_figures", since="2025-03-04", until="2025-03-05")
    assert (one["person_times"], one["persons"], one["sessions"]) == (4, 2, 3)
    twice = [{"person_id": "p-2", "minutes": 10}] * 2
    with pytest.raises((IllegalStateError, BadInputError), match="named twice|mistakes"):
        desk.ask("record_attendance", "post-director", at=EVENING, activity_id="a-2", attendances=twice)
    assert desk.ask("volunteer_figures", place=HERE)["person_times"]["total"] == 4


def test_teams_are_registered_with_their_members(desk: Desk) -> None:
    """(E27)"""
    team = desk.ask("form_team", "post-worker", kind="safety", name="平安", place=COMPOUND)["id"]
    with pytest.raises(BadInputError, match="not on the city's list team_kinds"):
        desk.ask("form_team", "post-worker", kind="army", name="x", place=COMPOUND)
    with pytest.raises(ForbiddenError, match=r"team\.form"):
        desk.ask("form_team", "p-1", kind="safety", name="x", place=COMPOUND)
    with pytest.raises(IllegalStateError, match="register first"):
        desk.ask("join_team", "p-1", team_id=team)
    register(desk, "p-1", "p-2")
    for person in ("p-1", "p-2"):
        desk.ask("join_team", person, team_id=team)
    desk.ask("leave_team", "p-2", team_id=team)
    (row,) = desk.ask("find_teams", kind="safety")["rows"]
    assert (row["team_id"], row["name"], row["members"]) == (team, "平安", 1)
    assert desk.ask("volunteer_figures", place=STREET)["teams"] == {"total": 1, "by": {"safety": 1}}


def _prong(code: str, zh: str, *groups: str) -> dict[str, Any]:
    return {"code": code, "zh": zh, "en": code, "groups": list(groups)}


def test_three_carriers_are_reported_as_groups_of_activities_and_teams(desk: Desk) -> None:
    """红色双休日、半月谈、帮帮团: each with what was done, persons once in the whole; nothing of no programme (A38)."""
    carriers = [
        _prong("weekend", "红色双休日", "activity_kinds.service"),
        _prong("talk", "半月谈议事", "activity_kinds.story_meeting", "meetings.talk"),
        _prong("help", "党员帮帮团", "team_kinds.party", "activity_kinds.deed"),
    ]
    desk.tell_all("registry", [entry("programmes", "carriers", prongs=carriers)])
    register(desk, "p-1", "p-2")
    hold(desk, "a-1", {"p-1": 60, "p-2": 60}, sessions=2)
    hold(desk, "a-2", {"p-1": 30}, "story_meeting", starts="2025-03-04T06:00:00+08:00")
    hold(desk, "a-3", {}, "station")
    desk.ask("form_team", "post-director", team_id="t-help", kind="party", name="帮帮团", place=HERE)
    with pytest.raises(BadInputError, match="not on the city's list programmes"):
        desk.ask("programme_activities", kind="nothing")
    shown = desk.ask("programme_activities", kind="carriers", place=STREET)
    told = [tuple(one[name] for name in ("activities", "sessions", "persons", "teams")) for one in shown["prongs"]]
    assert told == [(1, 2, 2, 0), (1, 1, 1, 0), (0, 0, 0, 1)]
    assert (shown["activities"], shown["person_times"], shown["persons"], shown["minutes"]) == (2, 3, 2, 150)
    assert [one["zh"] for one in shown["prongs"]] == ["红色双休日", "半月谈议事", "党员帮帮团"]
    assert desk.ask("programme_activities", kind="carriers", since="2025-03-05")["activities"] == 0


def test_what_is_done_for_a_campaign_is_told_apart_from_another(desk: Desk) -> None:
    """“万民干部下基层”、“我为群众办实事”: what is of both counts for each, and a kind of neither for none (C45)."""
    for code, zh, groups in (
        ("cadres", "万民干部下基层", ("activity_kinds.service", "activity_kinds.training")),
        ("deeds", "我为群众办实事", ("activity_kinds.training",)),
    ):
        desk.tell_all("registry", [entry("programmes", code, prongs=[_prong("all", zh, *groups)])])
    register(desk, "p-1")
    hold(desk, "a-1", {"p-1": 60})
    hold(desk, "a-2", {"p-1": 30}, "training", starts="2025-03-04T06:00:00+08:00")
    hold(desk, "a-3", {}, "station")
    with pytest.raises(BadInputError, match="not on the city's list programmes"):
        desk.ask("programme_activities", kind="campaign")
    counted = {code: desk.ask("programme_activities", kind=code) for code in ("cadres", "deeds")}
    assert {code: (one["activities"], one["persons"]) for code, one in counted.items()} == {
        "cadres": (2, 1),
        "deeds": (1, 1),
    }
    assert desk.ask("programme_activities", kind="deeds", place=OTHER_COMPOUND)["activities"] == 0


def test_a_core_and_four_joins_have_a_register_of_able_neighbours(desk: Desk) -> None:
    """一心四联: five prongs; able neighbours by what they can do, each once, named to staff only, until they leave (C18)."""
    for code in ("doctor", "craftsman"):
        desk.tell_all("registry", [entry("volunteer_roles", code)])
    prongs = [
        _prong("core", "党组织", "organisation_types.party"),
        _prong("able", "联邻里贤能", "volunteer_roles.doctor", "volunteer_roles.craftsman"),
        _prong("ties", "联邻里情谊", "activity_kinds.story_meeting"),
        _prong("hands", "联邻里力量", "team_kinds.party"),
        _prong("culture", "联邻里文化", "activity_kinds.training"),
    ]
    desk.tell_all("registry", [entry("programmes", "core-and-joins", prongs=prongs)])
    register(desk, "p-1", "p-2")
    able = {"person_id": "p-1", "role": "doctor", "place": HERE}
    with pytest.raises(BadInputError, match="not on the city's list volunteer_roles"):
        desk.ask("take_role", "post-worker", **able | {"role": "wizard"})
    with pytest.raises(ForbiddenError, match=r"volunteer\."):
        desk.ask("take_role", "p-2", **able)
    for person, role in (("p-1", "doctor"), ("p-1", "craftsman"), ("p-2", "craftsman")):
        desk.ask("take_role", "post-worker", person_id=person, role=role, place=HERE)
    rows = desk.ask("find_roles", "post-director", role="craftsman", place__under=STREET)["rows"]
    assert {(row["person_id"], row["name"]) for row in rows} == {("p-1", "陈志明"), ("p-2", "陈志明")}
    assert "陈志明" not in {row["name"] for row in desk.ask("find_roles", "p-2", role="doctor")["rows"]}

    def serving() -> list[int]:
        shown = desk.ask("programme_activities", kind="core-and-joins", place=STREET)
        assert len(shown["prongs"]) == 1 + 4
        return [shown["serving"], *(one["serving"] for one in shown["prongs"][1]["mechanisms"])]

    assert serving() == [2, 1, 2], "who can do two things counts once"
    desk.ask("leave_role", "post-worker", person_id="p-2", role="craftsman", place=HERE)
    assert serving() == [1, 1, 1]

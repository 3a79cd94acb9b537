"""Teams of the patrol system, the rota and the patrol log (C31, C33, X13)."""

from __future__ import annotations

from typing import Any

import pytest

from services.volunteers.activity.rows import ACTIVITIES, ATTENDANCES
from services.volunteers.patrol import (
    OUTINGS,
    PATROL,
    Finding,
    Found,
    PatrolLogged,
    PatrolPlanned,
    log_patrol,
    plan_patrol,
)
from services.volunteers.team import (
    TEAM,
    Team,
    TeamDescribed,
    TeamFormed,
    TeamJoined,
    TeamLeft,
    describe_team,
    form_team,
    join_team,
    leave_team,
)
from services.volunteers.volunteer import VOLUNTEER, VolunteerRegistered
from shared.domain.city import City, city_views
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.volunteers.people import person
from tests.kit import ANYONE, given
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, STREET, entry
from tests.kit.desk import Desk
from tests.kit.rows import MemoryRows, city
from tests.kit.spec import Spec, folded

FORMED = TeamFormed(team_id="t-1", kind="safety", name="平安", name_en="Safety", place=COMPOUND)
JOINED = TeamJoined(team_id="t-1", person_id="p-1")
CHEN = person("p-1")
CAPTAIN = Mandate(
    actor="p-5",
    role="captain",
    post_id="c",
    organisation_id="o",
    place=COMPOUND,
    powers=frozenset({"patrol.log", "team.form"}),
)
FORM = {"kind": "safety", "name": "平安", "name_en": "Safety", "place": COMPOUND, "city": city()}
REGISTERED = folded(VOLUNTEER, "p-1", VolunteerRegistered(person_id="p-1", name="", home=COMPOUND))
JOIN = {"person_id": "p-1", "volunteer": REGISTERED}
TEAM_1 = Team("t-1", "formed", "safety", "平安", "Safety", COMPOUND, frozenset({"p-1", "p-2", "p-3"}))
#: The small city, and nothing recorded by the service itself.
TOWN = City(MemoryRows([*city_views(), ACTIVITIES, ATTENDANCES, OUTINGS]), "2025-03-04")
TOWN.rows.rows |= city().rows.rows  # type: ignore[attr-defined]
STARTED = "2025-03-04T08:00:00+08:00"
FOUND = Found("facility.road", "blocked", "f-1", BUILDING)
ROTA = {
    "team": TEAM_1,
    "team_id": "t-1",
    "place": COMPOUND,
    "starts": STARTED,
    "members": ["p-1", "p-2"],
    "city": TOWN,
}
PLANNED = PatrolPlanned(patrol_id="r-1", team_id="t-1", place=COMPOUND, starts=STARTED, members=["p-1", "p-2"])
LOGGED = PatrolLogged(
    patrol_id="r-1",
    team_id="t-1",
    place=COMPOUND,
    route="gate, block 2, gate",
    started=STARTED,
    minutes=40,
    members=["p-1", "p-2"],
    findings=[Finding(finding_id="f-1", category="facility.road", description="blocked", place=BUILDING)],
)


def log(spec: Spec, **other: Any) -> Spec:
    walk = {name: value for name, value in ROTA.items() if name != "starts"}
    walk |= {"route": "gate, block 2, gate", "started": STARTED, "minutes": 40, "findings": [FOUND], "by": CAPTAIN}
    return spec.when(log_patrol, **walk | other)


def test_a_team_is_formed_once() -> None:
    spec = given(TEAM, "t-1")
    spec.when(form_team, **FORM).then(FORMED)
    spec.when(form_team, **FORM | {"kind": "army"}).then_raises(BadInputError, "known: owners, party, safety")
    spec.when(form_team, **FORM | {"place": f"{COMPOUND}.99"}).then_raises(NotFoundError, "no place")
    spec.when(form_team, by=CHEN, **FORM).then_raises(ForbiddenError, "team.form")
    given(TEAM, "t-1", FORMED).when(form_team, **FORM).then_nothing()


def test_registered_volunteers_join() -> None:
    spec = given(TEAM, "t-1", FORMED)
    spec.when(join_team, by=CHEN, **JOIN).then(JOINED)
    spec.when(join_team, by=CHEN, **JOIN | {"person_id": ""}).then(JOINED)
    stranger = folded(VOLUNTEER, "p-1")
    spec.when(join_team, by=CHEN, **JOIN | {"volunteer": stranger}).then_raises(IllegalStateError, "register first")
    spec.when(join_team, by=person("p-2"), **JOIN).then_raises(ForbiddenError, "only for yourself")
    given(TEAM, "t-1", FORMED, JOINED).when(join_team, by=CHEN, **JOIN).then_nothing()
    given(TEAM, "t-1").when(join_team, by=CHEN, **JOIN).then_raises(NotFoundError, "no team")


def test_members_leave_or_are_taken_off() -> None:
    left = TeamLeft(team_id="t-1", person_id="p-1")
    spec = given(TEAM, "t-1", FORMED, JOINED)
    spec.when(leave_team, by=CHEN, person_id="").then(left)
    spec.when(leave_team, by=CAPTAIN, person_id="p-1").then(left)
    spec.when(leave_team, by=person("p-9"), person_id="p-1").then_raises(ForbiddenError, "team.form")
    both = given(TEAM, "t-1", FORMED, JOINED, TeamJoined(team_id="t-1", person_id="p-2"))
    both.when(leave_team, by=person("p-2"), person_id="p-1").then_raises(ForbiddenError, "team.form")
    spec = given(TEAM, "t-1", FORMED)
    spec.when(leave_team, by=CAPTAIN, person_id="p-1").then_raises(IllegalStateError, "not in this team")
    spec.when(leave_team, by=CHEN, person_id="p-1").then_raises(ForbiddenError, "team.form")
    given(TEAM, "t-1").when(leave_team, by=CHEN, person_id="p-1").then_raises(NotFoundError, "no team")


def test_a_patrol_is_logged_with_its_findings_once() -> None:
    log(given(PATROL, "r-1")).then(LOGGED)
    log(given(PATROL, "r-1", LOGGED)).then_nothing()


def test_findings_get_an_id_and_a_place() -> None:
    found = [Found("facility.road", "blocked"), Found("order.litter", "bags")]
    (fact,) = log(given(PATROL, "r-1"), findings=found).ask(PATROL.initial("r-1"))
    assert [(one.finding_id, one.place) for one in fact.findings] == [("r-1-1", COMPOUND), ("r-1-2", COMPOUND)]
    log(given(PATROL, "r-1"), findings=[Found("war", "x")]).then_raises(BadInputError, "issue_categories")


def test_a_patrol_follows_the_rota_even_when_others_went() -> None:
    given(PATROL, "r-1").when(plan_patrol, by=CAPTAIN, **ROTA).then(PLANNED)
    given(PATROL, "r-1", PLANNED).when(plan_patrol, by=CAPTAIN, **ROTA).then_nothing()
    given(PATROL, "r-1", LOGGED).when(plan_patrol, by=CAPTAIN, **ROTA).then_raises(IllegalStateError, "logged already")
    given(PATROL, "r-1").when(plan_patrol, by=CHEN, **ROTA).then_raises(ForbiddenError, "patrol.log")
    log(given(PATROL, "r-1", PLANNED), members=["p-2", "p-3"], findings=[]).then(
        PatrolLogged(
            patrol_id="r-1",
            team_id="t-1",
            place=COMPOUND,
            route=LOGGED.route,
            started=STARTED,
            minutes=40,
            members=["p-2", "p-3"],
            findings=[],
        )
    )
    other = Team("t-2", "formed", "party", "党员", "", COMPOUND, frozenset({"p-1", "p-2"}))
    spec = log(given(PATROL, "r-1", PLANNED), team=other, team_id="t-2")
    spec.then_raises(IllegalStateError, "planned for the team t-1")


def test_members_of_the_team_walk() -> None:
    log(given(PATROL, "r-1"), members=["p-1", "p-9"]).then_raises(IllegalStateError, "not in the team 平安: p-9")
    log(given(PATROL, "r-1"), team=Team("t-9")).then_raises(NotFoundError, "no team t-9")


def test_a_patrol_stays_in_its_place_and_its_time() -> None:
    log(given(PATROL, "r-1"), by=ANYONE, place=COMMUNITY).then_raises(IllegalStateError, f"patrols {COMPOUND}, not")
    outside = Found("facility.road", "x", "f-1", COMPOUND + "1")
    log(given(PATROL, "r-1"), findings=[outside]).then_raises(IllegalStateError, "outside the patrol's place")
    log(given(PATROL, "r-1"), findings=[FOUND, FOUND]).then_raises(IllegalStateError, "f-1 is named twice")
    late = "2025-03-04T09:00:01+08:00"
    log(given(PATROL, "r-1"), started=late).then_raises(IllegalStateError, "log it after that")


def test_findings_have_somebody_who_answers_for_them() -> None:
    nobody = Mandate(actor="policy", role="service", powers=frozenset({"*"}))
    log(given(PATROL, "r-1"), by=nobody).then_raises(ForbiddenError, "from a post")
    log(given(PATROL, "r-1"), by=CHEN).then_raises(ForbiddenError, "patrol.log")


@pytest.fixture(scope="module")
def team(desk: Desk) -> str:
    """A team of two volunteers."""
    id: str = desk.ask("form_team", "post-worker", kind="safety", name="平安", place=COMPOUND)["id"]
    for someone in ("p-1", "p-2"):
        desk.ask("register_volunteer", "post-worker", person_id=someone, name="陈志明", home=COMPOUND)
        desk.ask("join_team", someone, team_id=id)
    return id


def test_teams_and_members_are_listed(desk: Desk, team: str) -> None:
    (row,) = desk.ask("find_teams", "", kind="safety")["rows"]
    assert (row["team_id"], row["members"], row["patrols"], row["actions"]) == (team, 2, 0, [])
    assert [row["name"] for row in desk.ask("find_members", "", team_id=team)["rows"]] == ["陈*", "陈*"]
    assert [row["name"] for row in desk.ask("find_members", "post-worker", team_id=team)["rows"]] == ["陈志明"] * 2
    assert desk.ask("find_teams", "p-1")["rows"][0]["actions"] == ["leave_team"]
    assert desk.ask("find_teams", "p-3")["rows"][0]["actions"] == [], "who is not registered cannot join"
    desk.ask("register_volunteer", "p-3", name="陈", home=COMPOUND)
    desk.ask("join_team", "p-3", team_id=team)
    assert desk.ask("get_volunteer", "p-3")["teams"] == [team]
    desk.ask("leave_team", "p-3", team_id=team)
    assert desk.ask("get_volunteer", "p-3")["teams"] == []
    assert desk.ask("volunteer_figures", place=STREET)["teams"] == {"total": 1, "by": {"safety": 1}}


def test_who_joins_is_registered_in_the_log_whatever_the_views_show(desk: Desk, team: str) -> None:
    with pytest.raises(IllegalStateError, match="register first"):
        desk.ask("join_team", "p-8", team_id=team)


def test_patrols_carry_who_answers_for_the_findings(desk: Desk, team: str) -> None:
    ask = {"team_id": team, "place": COMPOUND, "members": ["p-1", "p-2"]}
    desk.ask("plan_patrol", "post-worker", patrol_id="r-1", starts=STARTED, **ask)
    assert [row["status"] for row in desk.ask("find_patrols", "post-worker")["rows"]] == ["planned"]
    assert desk.ask("volunteer_figures", place=STREET)["patrols"] == 0
    found = [{"category": "facility.road", "description": "blocked"}, {"category": "order.litter", "description": "x"}]
    walk = {"route": "gate", "started": STARTED, "minutes": 30, "findings": found}
    desk.ask("log_patrol", "post-worker", patrol_id="r-1", **walk, **ask)
    record = list(desk.log.read(0))[-1]
    assert (record.type, record.mandate, record.on_behalf_of, record.place) == (
        "PatrolLogged",
        "post-worker",
        "o-community",
        COMPOUND,
    )
    (row,) = desk.ask("find_patrols", "post-worker")["rows"]
    assert [(one["finding_id"], one["place"]) for one in row["findings"]] == [("r-1-1", COMPOUND), ("r-1-2", COMPOUND)]
    assert (row["status"], row["post_id"], row["post_en"]) == ("logged", "post-worker", "post-worker")
    figures = desk.ask("volunteer_figures", place=STREET)
    assert (figures["patrols"], figures["patrol_person_times"], figures["findings"]) == (1, 2, 2)
    shown = desk.ask("get_volunteer", "post-worker", person_id="p-1")
    assert (shown["patrols"], shown["patrol_minutes"]) == (1, 30)
    (listed,) = desk.ask("find_teams", "")["rows"]
    assert (listed["patrols"], listed["last_patrol"]) == (1, STARTED)
    with pytest.raises(ForbiddenError, match="patrol.log"):
        desk.ask("find_patrols", "p-1")


def test_minutes_on_patrol_are_bounded_as_hours_are(desk: Desk, team: str) -> None:
    """Per person and day, over, never at two places: patrols among each other and with activities, past midnight too."""
    at = "2025-03-20T12:00:00+08:00"

    def walk(id: str, started: str, minutes: int, *members: str, now: str = at) -> Any:
        ask = {"team_id": team, "place": COMPOUND, "route": "gate", "members": members or ["p-1", "p-2"]}
        return desk.ask("log_patrol", "post-worker", at=now, patrol_id=id, started=started, minutes=minutes, **ask)

    def serve(id: str, starts: str, minutes: int) -> Any:
        ask = {"kind": "station", "place": COMPOUND, "title": "值守"}
        desk.ask("plan_activity", "post-worker", at=at, activity_id=id, starts=starts, **ask)
        desk.ask("hold_activity", "post-worker", at=at, activity_id=id)
        people = [{"person_id": "p-2", "minutes": minutes}]
        return desk.ask("record_attendance", "post-worker", at=at, activity_id=id, attendances=people)

    assert walk("w-1", "2025-03-15T20:00:00+08:00", 240)["events"] == 1
    assert walk("w-1", "2025-03-15T20:00:00+08:00", 240)["events"] == 0, "logged again it is no second patrol"
    for started in ("2025-03-15T23:59:00+08:00", "2025-03-15T19:01:00+08:00", "2025-03-15T12:30:00+00:00"):
        with pytest.raises(IllegalStateError, match="p-1 took part in patrol at that time"):
            walk("w-2", started, 60)
    assert walk("w-3", "2025-03-16T00:00:00+08:00", 60)["events"] == 1, "one after the other, over midnight"
    with pytest.raises(IllegalStateError, match="more than 720 minutes on 2025-03-16") as caught:
        walk("w-4", "2025-03-16T08:00:00+08:00", 661)
    assert set(caught.value.fields) == {"members"}
    with pytest.raises(IllegalStateError, match="not over yet"):
        walk("w-5", "2025-03-20T11:30:00+08:00", 31)
    with pytest.raises(IllegalStateError, match="p-2 took part in patrol at that time"):
        serve("s-1", "2025-03-15T21:00:00+08:00", 30)
    assert serve("s-2", "2025-03-17T09:00:00+08:00", 700)["events"] == 1
    with pytest.raises(IllegalStateError, match="p-2 would have served more than 720 minutes"):
        walk("w-6", "2025-03-17T21:00:00+08:00", 21)
    with pytest.raises(IllegalStateError, match="p-2 took part in 值守"):
        walk("w-7", "2025-03-17T09:00:00+08:00", 10)
    desk.tell_all("registry", [entry("parameters", "longest_day_minutes", value=800)])
    assert walk("w-6", "2025-03-17T21:00:00+08:00", 21)["events"] == 1


def test_a_patrol_has_two_members_each_named_once(desk: Desk, team: str) -> None:
    walk = {"team_id": team, "place": COMPOUND, "route": "x", "started": STARTED, "minutes": 1441}
    for members in (["p-1"], ["p-1", "p-1"]):
        with pytest.raises(BadInputError) as caught:
            desk.ask("log_patrol", "post-worker", members=members, **walk)
        assert set(caught.value.fields) == {"members", "minutes"}


def test_a_repeated_command_gives_the_first_receipt(desk: Desk) -> None:
    before = desk.log.head().position
    ask = {"kind": "party", "name": "党员", "place": COMPOUND}
    first = desk.ask("form_team", "post-worker", command_id="c-same", **ask)
    assert desk.ask("form_team", "post-worker", command_id="c-same", **ask) == first
    assert desk.log.head().position == before + 1


def test_a_team_says_what_it_does() -> None:
    """C31: whoever forms teams there says it; said again it changes nothing."""
    said = TeamDescribed(team_id="t-1", about="夜间巡查")
    given(TEAM, "t-1", FORMED).when(describe_team, by=CAPTAIN, about="夜间巡查").then(said)
    given(TEAM, "t-1", FORMED, said).when(describe_team, by=CAPTAIN, about="夜间巡查").then_nothing()
    nobody = Mandate(actor="p-1", role="resident", powers=frozenset({"volunteer.join"}))
    given(TEAM, "t-1", FORMED).when(describe_team, by=nobody, about="x").then_raises(ForbiddenError, "team.form")
    given(TEAM, "t-1").when(describe_team, by=CAPTAIN, about="x").then_raises(NotFoundError, "there is no")

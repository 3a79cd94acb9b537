"""Teams of the patrol system, the rota and the patrol log."""

from __future__ import annotations

from typing import Any

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
from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.volunteers.people import person
from tests.kit import ANYONE, given
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND
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
TOWN.rows.rows |= city().rows.rows  # type: ignore[attr-defined]  # rows in memory
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
    spec.when(leave_team, by=person("p-9"), person_id="p-1").then_raises(ForbiddenError, "team.form|takes a post")
    both = given(TEAM, "t-1", FORMED, JOINED, TeamJoined(team_id="t-1", person_id="p-2"))
    both.when(leave_team, by=person("p-2"), person_id="p-1").then_raises(ForbiddenError, "only for yourself")
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


def test_a_team_says_what_it_does() -> None:
    """Whoever forms teams there says it; said again it changes nothing (part of C31)."""
    said = TeamDescribed(team_id="t-1", about="夜间巡查")
    given(TEAM, "t-1", FORMED).when(describe_team, by=CAPTAIN, about="夜间巡查").then(said)
    given(TEAM, "t-1", FORMED, said).when(describe_team, by=CAPTAIN, about="夜间巡查").then_nothing()
    nobody = Mandate(actor="p-1", role="resident", powers=frozenset({"volunteer.join"}))
    given(TEAM, "t-1", FORMED).when(describe_team, by=nobody, about="x").then_raises(ForbiddenError, "team.form")
    given(TEAM, "t-1").when(describe_team, by=CAPTAIN, about="x").then_raises(NotFoundError, "there is no")

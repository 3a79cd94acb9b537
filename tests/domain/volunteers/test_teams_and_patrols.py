"""Teams of the patrol system, the rota and the patrol log (C31, C33, X13)."""

from services.volunteers.domain import patrol as p
from services.volunteers.domain import team as t
from services.volunteers.domain.patrol import PATROL
from services.volunteers.domain.team import TEAM, Team
from services.volunteers.events import Finding, PatrolLogged, PatrolPlanned, TeamFormed, TeamJoined, TeamLeft
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from shared.following.authority import RESIDENT
from tests.kit import given

PLACE = "350104.013.002.007"
formed = TeamFormed(team_id="t-1", kind="safety", name="平安", name_en="Safety", place=PLACE)
joined = TeamJoined(team_id="t-1", person_id="p-1")
chen = Mandate(actor="p-1", role="resident", powers=RESIDENT)
captain = Mandate(
    actor="p-5",
    role="captain",
    post_id="c",
    organisation_id="o",
    place=PLACE,
    powers=frozenset({"patrol.log", "team.form"}),
)
team = Team("t-1", "safety", "平安", PLACE, frozenset({"p-1", "p-2", "p-3"}))
found = {"finding_id": "f-1", "category": "fire_lane", "description": "blocked", "place": PLACE + ".2"}
walk = {
    "team": team,
    "place": PLACE,
    "route": "gate, block 2, gate",
    "started": "2025-03-04T08:00:00+08:00",
    "minutes": 40,
    "members": ["p-1", "p-2"],
}
logged = PatrolLogged(
    patrol_id="r-1",
    team_id="t-1",
    place=PLACE,
    route=walk["route"],
    started=walk["started"],
    minutes=40,
    members=["p-1", "p-2"],
    findings=[Finding(**found)],
)
rota = {"team": team, "place": PLACE, "starts": walk["started"], "members": ["p-1", "p-2"]}
planned = PatrolPlanned(patrol_id="r-1", team_id="t-1", place=PLACE, starts=walk["started"], members=["p-1", "p-2"])


def form(spec, **other):
    return spec.when(t.form, **({"kind": "safety", "name": "平安", "name_en": "Safety", "place": PLACE} | other))


def log(spec, **other):
    return spec.when(p.log, **({"by": captain, "findings": [found]} | walk | other))


def test_a_team_is_formed_once():
    form(given(TEAM, "t-1")).then(formed)
    form(given(TEAM, "t-1", formed)).then_nothing()
    form(given(TEAM, "t-1", formed), name="other").then_raises(IllegalStateError, "exists already")
    form(given(TEAM, "t-1"), kind="army").then_raises(IllegalStateError, "known are owners, party, safety")
    form(given(TEAM, "t-1"), by=chen).then_raises(ForbiddenError, "team.form")


def test_registered_volunteers_join():
    given(TEAM, "t-1", formed).when(t.join, by=chen, person_id="p-1", registered=True).then(joined)
    given(TEAM, "t-1", formed, joined).when(t.join, by=chen, person_id="p-1", registered=True).then_nothing()
    spec = given(TEAM, "t-1", formed).when(t.join, by=chen, person_id="p-1", registered=False)
    spec.then_raises(IllegalStateError, match="register first")
    spec = given(TEAM, "t-1", formed).when(t.join, by=chen, person_id="p-2", registered=True)
    spec.then_raises(ForbiddenError, match="only for yourself")
    given(TEAM, "t-1").when(t.join, by=chen, person_id="p-1", registered=True).then_raises(NotFoundError, "no team")


def test_members_leave_or_are_taken_off():
    left = TeamLeft(team_id="t-1", person_id="p-1")
    given(TEAM, "t-1", formed, joined).when(t.leave, by=chen, person_id="p-1").then(left)
    given(TEAM, "t-1", formed, joined).when(t.leave, by=captain, person_id="p-1").then(left)
    given(TEAM, "t-1", formed).when(t.leave, by=chen, person_id="p-1").then_raises(
        IllegalStateError, "not in this team"
    )
    stranger = Mandate(actor="p-9", role="resident", powers=RESIDENT)
    given(TEAM, "t-1", formed, joined).when(t.leave, by=stranger, person_id="p-1").then_raises(
        ForbiddenError, "team.form"
    )
    given(TEAM, "t-1").when(t.leave, by=chen, person_id="p-1").then_raises(NotFoundError, "no team")


def test_a_patrol_is_logged_with_its_findings():
    log(given(PATROL, "r-1")).then(logged)


def test_logging_again_changes_nothing_and_another_log_is_refused():
    log(given(PATROL, "r-1", logged)).then_nothing()
    log(given(PATROL, "r-1", logged), members=["p-2", "p-3"]).then_raises(IllegalStateError, "logged already")


def test_a_patrol_follows_the_rota_even_when_others_went():
    given(PATROL, "r-1").when(p.plan, by=captain, **rota).then(planned)
    given(PATROL, "r-1", planned).when(p.plan, by=captain, **rota).then_nothing()
    given(PATROL, "r-1", logged).when(p.plan, by=captain, **rota).then_raises(IllegalStateError, "logged already")
    given(PATROL, "r-1").when(p.plan, by=chen, **rota).then_raises(ForbiddenError, "patrol.log")
    log(given(PATROL, "r-1", planned)).then(logged)
    other = Team("t-2", "party", "党员", PLACE, frozenset({"p-1", "p-2"}))
    log(given(PATROL, "r-1", planned), team=other).then_raises(IllegalStateError, "planned for the team t-1")


def test_two_members_of_the_team_walk():
    log(given(PATROL, "r-1"), members=["p-1"]).then_raises(IllegalStateError, "at least 2")
    log(given(PATROL, "r-1"), members=["p-1", "p-1"]).then_raises(IllegalStateError, "named twice")
    log(given(PATROL, "r-1"), members=["p-1", "p-9"]).then_raises(IllegalStateError, "not in the team 平安: p-9")
    log(given(PATROL, "r-1"), team=Team("t-9")).then_raises(NotFoundError, "no team t-9")


def test_a_patrol_stays_in_its_place_and_its_time():
    log(
        given(PATROL, "r-1"),
        by=Mandate(actor="x", role="x", post_id="x", powers=frozenset({"*"})),
        place="350104.013.002",
    ).then_raises(IllegalStateError, "patrols 350104.013.002.007, not")
    outside = found | {"place": PLACE + "1"}
    log(given(PATROL, "r-1"), findings=[outside]).then_raises(IllegalStateError, "outside the patrol's place")
    log(given(PATROL, "r-1"), findings=[found, found]).then_raises(IllegalStateError, "f-1 is named twice")
    log(given(PATROL, "r-1"), started="2025-03-04T09:00:01+08:00").then_raises(IllegalStateError, "log it after that")
    for minutes in (0, 1441):
        log(given(PATROL, "r-1"), minutes=minutes).then_raises(IllegalStateError, "1 to 1440")


def test_findings_have_somebody_who_answers_for_them():
    nobody = Mandate(actor="policy", role="service", powers=frozenset({"*"}))
    log(given(PATROL, "r-1"), by=nobody).then_raises(ForbiddenError, "from a post")
    log(given(PATROL, "r-1"), by=chen).then_raises(ForbiddenError, "patrol.log")

"""Teams and patrols as they are listed, and patrols as other services hear of them."""

from __future__ import annotations

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.kit.city import COMPOUND, STREET
from tests.kit.desk import Desk

STARTED = "2025-03-04T08:00:00+08:00"


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
    assert [row["name"] for row in desk.ask("find_members", "p-1", team_id=team)["rows"]] == ["陈志明", "陈*"]
    for reader in ("", "p-3"):
        with pytest.raises(ForbiddenError, match="staff of the place"):
            desk.ask("find_members", reader, team_id=team)
    assert [row["name"] for row in desk.ask("find_members", "post-worker", team_id=team)["rows"]] == ["陈志明"] * 2
    assert desk.ask("find_teams", "p-1")["rows"][0]["actions"] == ["leave_team"]
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

"""Rows of the catalogue that take two services, each in one test: the facts of one are told to the other as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.funding.test_service import PROPOSAL, _city
from tests.desk.registry.founding import founded
from tests.desk.registry.test_rows import adopt, officer
from tests.domain.volunteers.people import HERE, small_city
from tests.kit.city import COMPOUND, post
from tests.kit.desk import Desk

WALKED = "2025-03-04T08:00:00+08:00"
#: The same members walk all of them, one after the other.
EARLIER = ("2025-03-04T07:00:00+08:00", "2025-03-04T06:00:00+08:00")


@pytest.fixture
def issues(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "issues").mkdir()
    desk = Desk(
        "issues", tmp_path / "issues", [*small_city(), *post("post-captain", "o-compound", "grid_worker", "p-9")]
    )
    yield desk
    desk.close()


def pass_on(teller: Desk, hearer: Desk, *types: str) -> None:
    """Tell these facts of one service to another, with who recorded them."""
    for record in teller.log.read(0):
        if record.type in types:
            who = (record.actor, record.mandate, record.on_behalf_of)
            hearer.tell(teller.definition.name, record.type, told_by=who, **msgspec.json.decode(record.data))


def test_three_teams_go_on_patrol_and_what_they_find_becomes_issues(issues: Desk, tmp_path: Path) -> None:
    """By a rota, with route, time and findings; each finding has somebody who answers for it (C31)."""
    (tmp_path / "volunteers").mkdir()
    desk = Desk("volunteers", tmp_path / "volunteers", small_city())
    walkers = ("p-1", "p-2", "p-3")
    for person in walkers:
        desk.ask("register_volunteer", "post-worker", person_id=person, name="陈志明", home=HERE)
    for at, kind in zip((WALKED, *EARLIER), ("party", "safety", "owners"), strict=True):
        team = desk.ask("form_team", "post-worker", team_id=f"t-{kind}", kind=kind, name=kind, place=COMPOUND)["id"]
        for person in walkers[:2]:
            desk.ask("join_team", person, team_id=team)
        walk: dict[str, Any] = {
            "patrol_id": f"walk-{kind}",
            "team_id": team,
            "place": COMPOUND,
            "members": ["p-1", "p-2"],
        }
        desk.ask("plan_patrol", "post-worker", starts=at, **walk)
        found = [{"category": "facility.road", "description": f"{kind}：消防通道堵塞"}]
        done = {"started": at, "route": "大门、2 号楼、大门", "minutes": 30, "findings": found}
        with pytest.raises(IllegalStateError, match="not in the team"):
            desk.ask("log_patrol", "post-worker", **walk | done | {"members": ["p-1", "p-3"]})
        with pytest.raises(ForbiddenError, match=r"patrol\.log"):
            desk.ask("log_patrol", "p-1", **walk, **done)
        desk.ask("log_patrol", "post-worker", **walk, **done)
    figures = desk.ask("volunteer_figures", place=COMPOUND)
    assert (figures["patrols"], figures["findings"], figures["teams"]["total"]) == (3, 3, 3)
    (row, *_) = [one for one in desk.ask("find_patrols", "post-worker")["rows"] if one["started"] == WALKED]
    assert (row["route"], row["started"], row["minutes"]) == ("大门、2 号楼、大门", WALKED, 30)
    pass_on(desk, issues, "PatrolLogged")
    rows = issues.ask("find_issues", channel="patrol")["rows"]
    assert sorted(row["origin"] for row in rows) == [
        f"walk-{kind}/walk-{kind}-1" for kind in ("owners", "party", "safety")
    ]
    assert all(row["post_id"] for row in rows)
    desk.close()


def test_one_works_contract_closes_the_issues_that_it_solved(issues: Desk, tmp_path: Path) -> None:
    """Of a renovation programme: each issue is checked, one that is not solved stays open (C37)."""
    said = {"place": COMPOUND, "category": "facility.road"}
    ids = [
        issues.ask("report_issue", "p-resident", description=text, **said)["id"]
        for text in ("屋顶漏水", "大门", "化粪池")
    ]
    (tmp_path / "funding").mkdir()
    desk = Desk("funding", tmp_path / "funding", _city())
    pass_on(issues, desk, "IssueReported")
    works = {"programme": "renovation-2025", "issue_ids": ids}
    project = desk.ask("propose_project", "post-keeper", **PROPOSAL | works)["project_id"]
    told = {"project_id": project}
    desk.ask("approve_project", "post-keeper", **told)
    desk.ask("finish_works", "post-keeper", **told)
    solved = dict.fromkeys(ids, True) | {ids[2]: False}
    criteria = {"lamp": True}
    with pytest.raises(IllegalStateError, match="judge all issues"):
        desk.ask("accept_project", "post-examiner", criteria=criteria, issues={ids[0]: True}, **told)
    desk.ask("accept_project", "post-examiner", criteria=criteria, issues=solved, **told)
    assert [row["project_id"] for row in desk.ask("find_projects", programme="renovation-2025")["rows"]] == [project]
    pass_on(desk, issues, "ProjectProposed", "ProjectAccepted")
    shown = [issues.ask("get_issue", issue_id=id) for id in ids]
    assert [(one["status"], one["because"]) for one in shown] == [("resolved", project)] * 2 + [("reported", "")]
    with pytest.raises(IllegalStateError, match="ask the person concerned"):
        issues.ask("close_issue", "post-street", issue_id=ids[0], because="x")
    desk.close()


def test_a_discussion_each_half_month_is_due_and_held_and_its_resolutions_become_issues(
    issues: Desk, tmp_path: Path
) -> None:
    """半月谈: due, held or not held, with its agenda; what it carried is one issue once the minutes are kept, and nothing before (A36)."""
    (tmp_path / "registry").mkdir()
    desk = founded(tmp_path / "registry")
    officer(desk, "meeting.*", "obligation.*")
    adopt(desk, "meetings", "half-month", "半月谈", callers=["party"], quorum_part=1)
    rule = {"cadence": "half_month", "bearer": "party", "meeting": "half-month", "power": "obligation.meet"}
    adopt(desk, "obligations", "half-month", "半月谈议事", **rule)
    desk.tick("2025-03-05")
    agenda = [{"title": "路灯"}, {"title": "停车", "origin": "residents"}]
    called = {"kind": "half-month", "organisation_id": "branch", "day": "2025-03-10", "agenda": agenda}
    id = desk.ask("call_meeting", "post-secretary", **called)["id"]
    assert [one["title"] for one in desk.ask("get_meeting", meeting_id=id)["agenda"]] == ["路灯", "停车"]

    def then(command: str, **ask: Any) -> None:
        desk.ask(command, "post-secretary", at="2025-03-10T20:00:00+08:00", meeting_id=id, **ask)

    then("hold_meeting", attended={"branch": 9}, entitled=12, present=9)
    with pytest.raises(BadInputError, match="not on the city's list"):
        then("resolve_item", item=1, text="修路灯", votes_for=8, category="weather")
    then("resolve_item", item=1, text="修好3号楼路灯", votes_for=8, votes_against=1, category="lamp")
    then("resolve_item", item=2, text="划线停车", votes_for=4, votes_against=5, category="lamp")
    pass_on(desk, issues, "ResolutionEffective")
    assert issues.ask("find_issues", channel="meeting")["rows"] == [], "not in force without minutes"
    then("keep_minutes", text="到会9人")
    pass_on(desk, issues, "ResolutionEffective")
    (row,) = issues.ask("find_issues", channel="meeting")["rows"]
    assert (row["description"], row["origin"], row["place"]) == ("修好3号楼路灯", f"{id}/1", COMPOUND)
    assert row["post_id"], "somebody answers for it"
    periods = {"rule": "half-month", "organisation_id": "branch"}
    (owed,) = desk.ask("find_obligations", **periods)["rows"]
    assert (owed["period"], owed["until"], owed["status"]) == ("2025-03-h1", "2025-03-16", "owed")
    then_ = {"obligation_id": owed["obligation_id"], "at": "2025-03-10T20:00:00+08:00"}
    desk.ask("meet_obligation", "post-secretary", **then_, meeting_id=id)
    for day in ("2025-03-16", "2025-04-01"):
        desk.tick(day)
    rows = desk.ask("find_obligations", **periods)["rows"]
    assert {row["period"]: row["status"] for row in rows} == {
        "2025-03-h1": "met",
        "2025-03-h2": "missed",
        "2025-04-h1": "owed",
    }
    desk.close()

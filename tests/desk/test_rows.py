"""Rows of the catalogue that take two services, each in one test: the facts of one are told to the other as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.desk.funding.test_service import PROPOSAL, _city
from tests.desk.registry.founding import founded
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.domain.volunteers.people import HERE, small_city
from tests.kit.city import COMMUNITY, COMPOUND, OTHER_COMPOUND, STREET, post
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


MEETS = "2025-03-10T20:00:00+08:00"


@pytest.fixture
def convenors(tmp_path: Path) -> Iterator[Desk]:
    """A registry whose community meets on the spot, and whose committee meets with owners and firm."""
    (tmp_path / "registry").mkdir()
    desk = founded(tmp_path / "registry")
    officer(desk, "meeting.*", "obligation.*")
    for code, zh in (("owners", "业委会"), ("firm", "物业企业")):
        adopt(desk, "organisation_types", code, zh)
        establish(desk, f"o-{code}", code)
    establish(desk, "o-committee", "council", level="community", place=COMMUNITY, parent_id="street-committee")
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-03-01")
    yield desk
    desk.close()


def opened(issues: Desk, triaged: bool = True) -> str:
    """An issue of the compound."""
    told = {"place": COMPOUND, "category": "facility.road", "description": "路面破损"}
    id = str(issues.ask("report_issue", "post-grid", channel="visit", **told)["id"])
    if triaged:
        issues.ask("triage_issue", "post-grid", issue_id=id, severity="small", tier="compound", reason="一处")
    return id


def gathered(
    desk: Desk, kind: str, body: str, agenda: list[dict[str, str]], attended: dict[str, int], **more: Any
) -> str:
    """A meeting that was called and held."""
    called = {"kind": kind, "organisation_id": body, "day": "2025-03-10", "agenda": agenda}
    id = str(desk.ask("call_meeting", "post-secretary", **called | more)["id"])
    voices = {} if kind == "three" else {"entitled": 5, "present": 5}
    desk.ask("hold_meeting", "post-secretary", at=MEETS, meeting_id=id, attended=attended, **voices)
    return id


def test_an_on_site_meeting_decides_on_issues_and_its_decisions_dispatch_them(issues: Desk, convenors: Desk) -> None:
    """现场办公会, each month, on the spot: an issue is dispatched with duty and limit once the minutes are kept, no other (C35)."""
    desk = convenors
    adopt(desk, "meetings", "on-site", "现场办公会", callers=["party"], issues=True)
    rule = {"cadence": "month", "bearer": "party", "meeting": "on-site", "power": "obligation.meet"}
    adopt(desk, "obligations", "on-site", "定期现场办公", **rule)
    desk.tick("2025-03-05")
    first, second, raw = opened(issues), opened(issues), opened(issues, triaged=False)
    agenda = [{"title": f"第{n}件", "issue_id": id} for n, id in enumerate((first, second, raw), 1)]
    for wrong in ({"where": ""}, {"agenda": [{"title": "无关"}]}):
        with pytest.raises(IllegalStateError, match="on the spot"):
            gathered(desk, "on-site", "committee", **{"agenda": agenda, "attended": {}, "where": "3号楼前"} | wrong)
    id = gathered(desk, "on-site", "committee", agenda, {"committee": 5}, where="3号楼前")

    def resolve(item: int, **more: Any) -> None:
        asked = {"meeting_id": id, "item": item, "text": f"修第{item}件", "votes_for": 5}
        desk.ask("resolve_item", "post-secretary", at=MEETS, **asked | more)

    with pytest.raises(BadInputError, match="not before the meeting"):
        resolve(1, charged_post_id="post-grid", due="2025-03-09")
    with pytest.raises(NotFoundError):
        resolve(1, charged_post_id="post-nowhere", due="2025-03-20")
    for item in (1, 3):
        resolve(item, charged_post_id="post-grid", due="2025-03-20")
    resolve(2, charged_post_id="post-grid", due="2025-03-20", votes_for=2, votes_against=3)
    pass_on(desk, issues, "ResolutionEffective")
    assert issues.ask("get_issue", issue_id=first)["status"] == "triaged", "not in force without minutes"
    desk.ask("keep_minutes", "post-secretary", at=MEETS, meeting_id=id, text="纪要")
    pass_on(desk, issues, "ResolutionEffective")
    done = issues.ask("get_issue", issue_id=first)
    assert (done["status"], done["post_id"], done["duty"], done["due"]) == (
        *("dispatched", "post-grid"),
        *("修第1件", "2025-03-20"),
    )
    assert issues.ask("get_issue", issue_id=second)["status"] == "triaged", "not carried"
    assert issues.ask("get_issue", issue_id=raw)["status"] == "reported", "first it is triaged"
    (owed,) = desk.ask("find_obligations", rule="on-site", organisation_id="committee")["rows"]
    met = {"obligation_id": owed["obligation_id"], "meeting_id": id}
    desk.ask("meet_obligation", "post-secretary", at=MEETS, **met)
    assert desk.ask("get_obligation", obligation_id=owed["obligation_id"])["status"] == "met"


def test_three_parties_consult_and_dispose_together(issues: Desk, convenors: Desk) -> None:
    """会商处置: committee, owners and firm are all there or it is not held; minutes, the agreed action, and its deadline (B14)."""
    desk = convenors
    three = {"callers": ["council"], "invited": ["owners", "firm"], "needed": ["council", "owners", "firm"]}
    adopt(desk, "meetings", "three", "三方会商", voices="bodies", quorum_part=1, quorum_whole=1, issues=True, **three)
    issue = opened(issues)
    agenda = [{"title": "路面破损", "issue_id": issue}]
    with pytest.raises(IllegalStateError, match="firm must be invited"):
        gathered(desk, "three", "o-committee", agenda, {}, invited=["o-owners"], where="物业办公室")
    all_three: dict[str, Any] = {"invited": ["o-owners", "o-firm"], "where": "物业办公室"}
    with pytest.raises(IllegalStateError, match="not held without a body of the type firm"):
        gathered(desk, "three", "o-committee", agenda, {"o-committee": 1, "o-owners": 1}, **all_three)
    came = {"o-committee": 1, "o-owners": 2, "o-firm": 1}
    id = gathered(desk, "three", "o-committee", agenda, came, **all_three)
    agreed = {"item": 1, "text": "物业出资，一周内修复", "votes_for": 3, "positions": {"o-firm": "同意出资"}}
    charge = {"charged_post_id": "post-grid", "due": "2025-03-17"}
    desk.ask("resolve_item", "post-secretary", at=MEETS, meeting_id=id, **agreed, **charge)
    desk.ask("keep_minutes", "post-secretary", at=MEETS, meeting_id=id, text="三方会商纪要")
    pass_on(desk, issues, "ResolutionEffective")
    shown = desk.ask("get_meeting", "", meeting_id=id)
    assert (shown["attended"], shown["text"], shown["agenda"][0]["issue_id"]) == (came, "三方会商纪要", issue)
    done = issues.ask("get_issue", issue_id=issue)
    assert (done["duty"], done["due"], done["status"]) == ("物业出资，一周内修复", "2025-03-17", "dispatched")


def counts(desk: Desk, query: str, figure: str, place: str, **period: str) -> Any:
    """A figure of a place and a period, with what it says it is of."""
    found = desk.ask(query, place=place, **period)
    assert (found["place"], found["since"], found["until"]) == (place, period.get("since", ""), period.get("until", ""))
    assert found["as_of"]["position"] == desk.log.head().position
    figure = found[figure]
    return figure["total"] if isinstance(figure, dict) else figure


def test_each_count_is_of_a_territory_and_of_a_period(tmp_path: Path) -> None:
    """Six communities; places, issues, projects and volunteers are counted where and when the question says (A04)."""
    for name in ("registry", "issues", "funding", "volunteers"):
        (tmp_path / name).mkdir()
    registry = founded(tmp_path / "registry")
    before = registry.ask("count_figures", place=STREET)["places_by_kind"]["community"]
    for number in range(6 - before):
        where = {"place": f"{STREET}.{number + 101}", "kind": "community", "parent": STREET, "name": f"社区{number}"}
        registry.ask("register_place", "operator", **where)
    assert registry.ask("count_figures", place=STREET)["places_by_kind"]["community"] == 6
    assert registry.ask("count_figures", place=COMMUNITY)["places_by_kind"]["community"] == 1

    issues = Desk("issues", tmp_path / "issues", [*small_city()])
    for day, place in (("2025-03-04", COMPOUND), ("2025-03-10", COMPOUND), ("2025-03-10", OTHER_COMPOUND)):
        said = {"place": place, "category": "facility.streetlight", "description": f"{day} 路灯不明"}
        issues.ask("report_issue", "p-resident", at=f"{day}T09:00:00+08:00", **said)
    funding = Desk("funding", tmp_path / "funding", [*_city()])
    funding.tell_all("issues", [("IssueReported", {"issue_id": id}) for id in ("i1", "i2")])
    for day, place in (("2025-03-05", COMPOUND), ("2025-03-11", OTHER_COMPOUND), ("2025-03-12", OTHER_COMPOUND)):
        asked = PROPOSAL | {"place": place, "title": f"路灯{day}"}
        funding.ask("propose_project", "post-keeper", at=f"{day}T09:00:00+08:00", **asked)
    people = Desk("volunteers", tmp_path / "volunteers", small_city())
    for day, person, home in (("2025-03-04", "p-1", COMPOUND), ("2025-03-10", "p-2", COMPOUND)):
        at = f"{day}T09:00:00+08:00"
        people.ask("register_volunteer", "post-worker", at=at, person_id=person, name="陈", home=home)
        people.ask("take_role", "post-worker", at=at, person_id=person, role="informer", place=home)
        people.ask("form_team", "post-worker", at=at, team_id=f"t-{person}", kind="party", name=person, place=home)

    week, later = {"since": "2025-03-03", "until": "2025-03-10"}, {"since": "2025-03-10"}
    for desk, query, figure, of in (
        (issues, "issue_figures", "collected", {COMPOUND: (1, 1), OTHER_COMPOUND: (0, 1), COMMUNITY: (1, 2)}),
        (funding, "funding_figures", "projects", {COMPOUND: (1, 0), OTHER_COMPOUND: (0, 2), COMMUNITY: (1, 2)}),
        (people, "volunteer_figures", "volunteers", {COMPOUND: (1, 1), OTHER_COMPOUND: (0, 0), STREET: (1, 1)}),
        (people, "volunteer_figures", "roles", {COMPOUND: (1, 1), OTHER_COMPOUND: (0, 0), "": (1, 1)}),
        (people, "volunteer_figures", "teams", {COMPOUND: (1, 1), OTHER_COMPOUND: (0, 0), "": (1, 1)}),
    ):
        for place, (first, second) in of.items():
            assert counts(desk, query, figure, place, **week) == first, (query, figure, place)
            assert counts(desk, query, figure, place, **later) == second, (query, figure, place)
            assert counts(desk, query, figure, place) == first + second, "periods are a partition"
            assert counts(desk, query, figure, place, until="2025-03-04") == 0, "nothing had begun"
        with pytest.raises(BadInputError, match="has no day") as refused:
            desk.ask(query, since="2025-03-10", until="2025-03-10")
        assert set(refused.value.fields) == {"until"}
        with pytest.raises(BadInputError):
            desk.ask(query, since="2025-02-30")
    whole = issues.ask("issue_figures", place=COMMUNITY)
    alike = issues.ask("issue_figures", place=COMMUNITY, since="2025-01-01")
    assert whole == alike | {"since": ""}, "rows of a period count for what they count for in the whole"
    money = funding.ask("funding_figures", place=COMMUNITY)
    assert money == funding.ask("funding_figures", place=COMMUNITY, until="2026-01-01") | {"until": ""}
    figures = people.ask("volunteer_figures", place="")
    assert figures == people.ask("volunteer_figures", place="", since="2025-01-01") | {"since": ""}
    for desk in (registry, issues, funding, people):
        desk.close()

"""Rows of the catalogue that the issues service keeps to, each in one test: what it does and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, STREET, entry
from tests.kit.desk import Desk

LAMP = {"category": "facility.streetlight", "description": "路灯不明"}
NEXT_DAY = "2025-03-05T09:00:00+08:00"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


def report(desk: Desk, by: str = "p-resident", **more: Any) -> str:
    return str(desk.ask("report_issue", by, **{"place": COMPOUND} | LAMP | more)["id"])


def judge(desk: Desk, id: str, severity: str = "small") -> None:
    desk.ask("triage_issue", "post-grid", issue_id=id, severity=severity, reason="一盏灯")


def send(desk: Desk, id: str, post: str = "post-grid", by: str = "post-grid", **more: Any) -> Any:
    asked = {"issue_id": id, "post_id": post, "duty": "修好路灯", "due": "2025-03-07"}
    return desk.ask("dispatch_issue", by, **{key: value for key, value in (asked | more).items() if value})


def page(desk: Desk, id: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.ask("get_issue", issue_id=id)
    return found


def test_a_need_is_judged_with_a_reason_before_anybody_is_charged_with_it(desk: Desk) -> None:
    """(C10)"""
    id = report(desk)
    with pytest.raises(IllegalStateError, match="triage it first"):
        send(desk, id)
    judged = {"issue_id": id, "severity": "small", "reason": "一盏灯"}
    for missing in ("severity", "reason"):
        with pytest.raises(BadInputError) as refused:
            desk.ask("triage_issue", "post-grid", **{key: judged[key] for key in judged if key != missing})
        assert set(refused.value.fields) == {missing}
    with pytest.raises(ForbiddenError, match=r"issue\.triage"):
        desk.ask("triage_issue", "p-resident", **judged)
    desk.ask("triage_issue", "post-grid", **judged)
    step = page(desk, id)["timeline"][-1]
    assert (step["what"], step["severity"], step["text"]) == ("IssueTriaged", "small", "一盏灯")
    assert send(desk, id)["events"] == 1


def test_a_department_is_sent_a_case_takes_it_on_and_answers(desk: Desk) -> None:
    """(C08)"""
    id = report(desk)
    judge(desk, id)
    send(desk, id, "post-housing")
    assert page(desk, id)["organisation"] == "名 o-housing"
    for command, ask in (("accept_issue", {}), ("resolve_issue", {"outcome": "x"})):
        with pytest.raises(ForbiddenError, match="only the post"):
            desk.ask(command, "post-secretary", issue_id=id, **ask)
    desk.ask("accept_issue", "post-housing", issue_id=id)
    with pytest.raises(BadInputError, match="mistakes"):
        desk.ask("resolve_issue", "post-housing", issue_id=id)
    desk.ask("resolve_issue", "post-housing", issue_id=id, outcome="换了灯头")
    shown = page(desk, id)
    assert (shown["status"], shown["outcome"]) == ("resolved", "换了灯头")
    steps = ["IssueReported", "IssueTriaged", "IssueDispatched", "IssueAccepted", "IssueResolved"]
    assert [step["what"] for step in shown["timeline"]] == steps


def test_a_person_a_duty_and_a_time_limit_or_nothing(desk: Desk) -> None:
    """Limits are in working days; a later one takes a reason and somebody else's approval (C12)."""
    id = report(desk)
    judge(desk, id)
    before = desk.log.head()
    for missing, fields in (("post_id", {"post_id"}), ("duty", {"duty"}), ("due", {"due", "working_days"})):
        with pytest.raises(BadInputError) as refused:
            send(desk, id, **{"post" if missing == "post_id" else missing: ""})
        assert set(refused.value.fields) <= fields and refused.value.fields
    with pytest.raises(IllegalStateError, match="nobody holds the post"):
        send(desk, id, "post-vacant")
    assert desk.log.head() == before
    send(desk, id, due="", working_days=4)  # from a Tuesday over a weekend
    shown = page(desk, id)
    assert (shown["post"], shown["duty"], shown["due"]) == ("标题 post-grid", "修好路灯", "2025-03-10")
    assert desk.ask("get_issue", "post-grid", issue_id=id)["person_id"] == "p-grid"
    longer = {"issue_id": id, "working_days": 6, "reason": "等配件"}
    with pytest.raises(ForbiddenError, match="approved by somebody else"):
        desk.ask("extend_issue", "post-grid", **longer)
    with pytest.raises(BadInputError) as refused:
        desk.ask("extend_issue", "post-street", **longer | {"reason": ""})
    assert set(refused.value.fields) == {"reason"}
    desk.ask("extend_issue", "post-street", **longer)
    assert page(desk, id)["due"] == "2025-03-12"


def test_nothing_is_final_before_the_person_concerned_was_asked(desk: Desk) -> None:
    """Satisfied, or not reached as often as the city says; not satisfied opens it again (C09, X08)."""
    id = report(desk)
    judge(desk, id)
    send(desk, id)
    desk.ask("resolve_issue", "post-grid", issue_id=id, outcome="换了灯头")
    final = {"issue_id": id, "because": "灯亮了"}
    with pytest.raises(IllegalStateError, match="ask the person concerned"):
        desk.ask("close_issue", "post-street", **final)
    with pytest.raises(ForbiddenError, match="does not follow it up"):
        desk.ask("record_follow_up", "post-grid", issue_id=id, result="satisfied")
    desk.ask("record_follow_up", "p-resident", issue_id=id, result="not_satisfied", note="还是不亮")
    shown = page(desk, id)
    assert (shown["status"], shown["post"], shown["reopened"]) == ("dispatched", "标题 post-grid", 1)
    desk.ask("resolve_issue", "post-grid", issue_id=id, outcome="换了整灯")
    with pytest.raises(IllegalStateError, match="ask the person concerned"):  # of this round, not of the last
        desk.ask("close_issue", "post-street", **final)
    tried = {"issue_id": id, "result": "unreachable"}
    with pytest.raises(BadInputError, match="tried to be reached"):
        desk.ask("record_follow_up", "post-street", **tried)
    desk.ask("record_follow_up", "post-street", note="电话两次无人接", **tried)
    with pytest.raises(IllegalStateError, match="in 2 tries"):
        desk.ask("close_issue", "post-street", **final)
    desk.ask("record_follow_up", "post-street", at=NEXT_DAY, note="上门无人", **tried)
    desk.ask("close_issue", "post-street", at=NEXT_DAY, **final)
    assert (page(desk, id)["status"], page(desk, id)["closed_because"]) == ("closed", "灯亮了")


def test_every_item_is_settled_by_itself_with_a_reason_of_its_own(desk: Desk) -> None:
    """(C28)"""
    first, second = report(desk), report(desk)
    for id in (first, second):
        judge(desk, id)
        send(desk, id)
        desk.ask("resolve_issue", "post-grid", issue_id=id, outcome=f"换了 {id}")
        desk.ask("record_follow_up", "p-resident", issue_id=id, result="satisfied")
    for command, field in (("resolve_issue", "outcome"), ("close_issue", "because")):
        for wrong in ({"issue_id": [first, second], field: "一并办结"}, {"issue_id": first, field: " "}):
            with pytest.raises(BadInputError):
                desk.ask(command, "post-street", **wrong)
    desk.ask("close_issue", "post-street", issue_id=first, because="第一盏亮了")
    assert (page(desk, first)["status"], page(desk, second)["status"]) == ("closed", "resolved")
    assert page(desk, first)["closed_because"] == "第一盏亮了"


def test_intake_and_escalation_follow_the_tree(desk: Desk) -> None:
    """The closest body answers; above its powers a case goes up the line, never aside, and its clock runs on (C06, C11)."""
    levels = {place: page(desk, report(desk, place=place))["level"] for place in (BUILDING, COMPOUND, COMMUNITY)}
    assert levels == {BUILDING: "compound", COMPOUND: "compound", COMMUNITY: "community"}
    assert page(desk, report(desk, by="post-street", place=STREET, channel="phone"))["level"] == "street"
    id = report(desk)
    judge(desk, id)
    send(desk, id)
    up = {"issue_id": id, "reason": "要动主管"}
    with pytest.raises(IllegalStateError, match="o-housing is not above o-compound"):
        desk.ask("escalate_issue", "post-grid", to_post="post-housing", **up)
    with pytest.raises(BadInputError) as refused:
        desk.ask("escalate_issue", "post-grid", to_post="post-secretary", **up | {"reason": ""})
    assert set(refused.value.fields) == {"reason"}
    for post, level in (("post-secretary", "community"), ("post-street", "street")):
        desk.ask("escalate_issue", "post-street", to_post=post, **up)
        shown = page(desk, id)
        assert (shown["level"], shown["post"], shown["due"]) == (level, f"标题 {post}", "2025-03-07")
    with pytest.raises(IllegalStateError, match="not above o-street"):
        desk.ask("escalate_issue", "post-street", to_post="post-secretary", **up)
    ways = [(step["from_level"], step["to_level"], step["text"]) for step in page(desk, id)["timeline"][-2:]]
    assert ways == [("compound", "community", "要动主管"), ("community", "street", "要动主管")]


def test_opinions_are_parted_by_who_leads_and_shares_have_both_numbers(desk: Desk) -> None:
    """Five opinions, four with the community and below, one with the street as works (B20, C14, C15, C16, C17)."""
    ids = [report(desk) for _ in range(5)]
    with pytest.raises(NotFoundError, match="no place"):
        report(desk, place=f"{COMPOUND}.99")
    for id, severity in zip(ids, ("small", "small", "hard", "big", "big"), strict=True):
        with pytest.raises(BadInputError, match="tier"):  # the street is no tier
            wrong = {"issue_id": id, "severity": severity, "tier": "street", "reason": "x"}
            desk.ask("triage_issue", "post-grid", **wrong)
        judge(desk, id, severity)
        send(desk, id)
    desk.ask("escalate_issue", "post-grid", issue_id=ids[2], to_post="post-secretary", reason="要协调")
    desk.ask("escalate_issue", "post-grid", issue_id=ids[4], to_post="post-street", reason="管网")
    works = {"project_id": "pipes", "title": "管网改造", "title_en": "Pipes", "budget_fen": 120_000_00}
    desk.tell("funding", "ProjectProposed", issue_ids=[ids[4]], place=COMPOUND, **works)
    for id, by in zip(ids[:3], ("post-grid", "post-grid", "post-secretary"), strict=True):
        desk.ask("resolve_issue", by, issue_id=id, outcome="已办")
    desk.tell("funding", "ProjectAccepted", project_id="pipes", issue_ids=[ids[4]], place=COMPOUND)
    figures = desk.ask("issue_figures", place=STREET)
    assert figures["collected"] == sum(figures["by_level"].values()) == 5
    assert figures["by_level"] == {"compound": 3, "community": 1, "street": 1}
    proper = figures["solved_at_proper_tier"]
    assert (proper["numerator"], proper["denominator"]) == (2, 4), (
        "a hard matter left its area, a big one the community"
    )
    led = page(desk, ids[4])
    assert (led["works"]["project_id"], led["works"]["budget_fen"], led["because"]) == ("pipes", 120_000_00, "pipes")
    assert page(desk, ids[0])["works"] in (None, {})


NAMED = [
    ("diagnosis", {"rule": "无人管无钱管", "harmony": "居民不和谐", "mixture": "常住流动商户并存难管"}),
    ("baseline", {"lamp": "路灯不明", "road": "马路不平", "stairs": "楼梯昏暗", "corridor": "走廊脏污"}
     | {"waste": "乱扔垃圾", "rats": "老鼠"}),
    ("diagnosis", {"weak": "基层组织薄弱", "idle": "党员不活跃", "silent": "民主参与少"}),
    ("baseline", {"disorder": "管理混乱", "crowd": "人员杂乱", "dirt": "环境脏乱"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "named"), NAMED)
def test_a_city_names_what_is_wrong_and_a_compound_is_diagnosed_by_it(
    desk: Desk, kind: str, named: dict[str, str]
) -> None:
    """Three symptoms of one city, six old problems of another, "三道" and "三乱" of a third (A15, C03, D02, D03)."""
    found = [{"category": f"root.{code}", "note": zh} for code, zh in named.items()]
    ask = {"place": COMPOUND, "kind": kind, "diagnosed_on": "2025-03-04", "problems": found}
    with pytest.raises(BadInputError, match="not on the city's list issue_categories"):
        desk.ask("record_diagnosis", "post-grid", **ask)
    desk.tell_all("registry", [entry("issue_categories", f"root.{code}") for code in named])
    with pytest.raises(ForbiddenError, match="issue.triage"):
        desk.ask("record_diagnosis", "p-resident", **ask)
    desk.ask("record_diagnosis", "post-grid", **ask)
    (row,) = desk.ask("find_diagnoses", kind=kind, place__under=COMPOUND)["rows"]
    assert [(one["category"], one["note"]) for one in row["problems"]] == [(f"root.{c}", zh) for c, zh in named.items()]
    assert {one["problem_class"] for one in row["problems"]} == {"root"}
    id = report(desk, category=f"root.{next(iter(named))}")
    assert [row["issue_id"] for row in desk.ask("find_issues", problem_class="root")["rows"]] == [id]


def test_a_building_takes_in_and_sees_its_own(desk: Desk) -> None:
    """(part of A14)"""
    id = report(desk, place=BUILDING)
    report(desk)
    assert [row["issue_id"] for row in desk.ask("find_issues", place__under=BUILDING)["rows"]] == [id]
    assert [desk.ask("issue_figures", place=place)["collected"] for place in (BUILDING, COMPOUND)] == [1, 2]
    with pytest.raises(NotFoundError, match="no place"):
        report(desk, place=f"{BUILDING}.9")


def test_visits_are_planned_and_logged_and_opinions_come_from_them(desk: Desk) -> None:
    """Each opinion says through which channel it came (C07)."""
    planned = {"place": BUILDING, "planned_on": "2025-03-04"}
    visit = desk.ask("plan_visit", "post-grid", **planned)["id"]
    with pytest.raises(ForbiddenError, match=r"visit\.record"):
        desk.ask("plan_visit", "p-resident", **planned)
    heard = {"visit_id": visit, "place": BUILDING, "household": "3-201", "opinions": 2}
    with pytest.raises(IllegalStateError, match="plan the visit"):
        desk.ask("record_visit", "post-grid", visited_on="2025-03-06", **heard)
    desk.ask("record_visit", "post-grid", visited_on="2025-03-04", **heard)
    id = report(desk, "post-grid", channel="visit", origin=visit)
    assert (page(desk, id)["channel"], page(desk, id)["origin"]) == ("visit", visit)
    (row,) = desk.ask("find_visits", "post-grid")["rows"]
    assert (row["status"], row["opinions"], row["issues"]) == ("recorded", 2, 1)
    with pytest.raises(ForbiddenError, match="recorded by staff"):
        report(desk, channel="visit")
    with pytest.raises(BadInputError, match="fax is not on the city's list"):
        report(desk, "post-grid", channel="fax")


def test_what_a_patrol_finds_says_so(desk: Desk) -> None:
    """(C33)"""
    found = {"finding_id": "f1", "category": "facility.road", "description": "消防通道堵塞", "place": ""}
    told = {"patrol_id": "walk", "team_id": "t", "place": COMPOUND, "findings": [found, found | {"finding_id": "f2"}]}
    desk.tell("volunteers", "PatrolLogged", told_by=("p-grid", "post-grid", "o-compound"), **told)
    rows = desk.ask("find_issues", channel="patrol", order="reported")["rows"]
    assert sorted(row["origin"] for row in rows) == ["walk/f1", "walk/f2"]
    report(desk)
    assert desk.ask("issue_figures")["by_channel"] == {"patrol": 2, "portal": 1}
    with pytest.raises(ForbiddenError, match="recorded by staff"):
        report(desk, channel="patrol")


def test_issues_are_counted_since_a_branch_was_filled_anew_and_a_committee_was_founded(desk: Desk) -> None:
    """Both milestones have their day; since both there are three cases of which two are disputes; none is refused (C52)."""
    desk.tell_all("registry", [entry("issue_categories", "dispute.noise", confidential=True)])
    founded = {"organisation_id": "o-owners", "type": "party", "name": "业主委员会", "name_en": "", "level": "compound"}
    founded |= {"place": COMPOUND, "parent_id": "", "since": "2025-03-02"}
    term = {"post_id": "post-grid", "person_id": "p-grid", "organisation_id": "o-compound", "role": "grid_worker"}
    term |= {"place": COMPOUND, "since": "2025-03-04", "until": ""}
    desk.tell_all("registry", [("OrganisationEstablished", founded), ("PersonAppointed", term)])
    report(desk, at="2025-03-03T09:00:00+08:00")
    for category in ("dispute.noise", "dispute.noise", "facility.road"):
        report(desk, category=category)
    with pytest.raises(BadInputError, match="name the milestone"):
        desk.ask("issues_since", place=COMPOUND)
    with pytest.raises(NotFoundError, match="no organisation o-none"):
        desk.ask("issues_since", place=COMPOUND, organisation_id="o-none")
    both = desk.ask("issues_since", place=COMPOUND, organisation_id="o-owners", post_id="post-grid")
    assert (both["since"], both["before"], both["collected"]) == ("2025-03-04", 1, 3)
    assert both["by_class"] == {"confidential": 2, "facility": 1}
    assert [one["day"] for one in both["milestones"]] == ["2025-03-02", "2025-03-04"]
    founding = desk.ask("issues_since", place=COMPOUND, organisation_id="o-owners")
    assert (founding["before"], founding["collected"]) == (0, 4)

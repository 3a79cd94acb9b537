"""The issue service through its entrypoints: what is shown, counted, sealed and taken over from other services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.issues.city import COMMUNITY, COMPOUND, STREET
from tests.domain.issues.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def report(desk: Desk, by: str = "p-wang", **changes: Any) -> str:
    ask = {
        "place": COMPOUND,
        "category": "facility.streetlight",
        "description": "路灯不明",
        "contact": "王 13812345678",
    }
    return str(desk.ask("report_issue", by, **(ask | changes))["id"])


def dispatch(desk: Desk, id: str, post: str = "post-grid", **limit: Any) -> None:
    desk.ask("triage_issue", "post-grid", issue_id=id, severity="small", tier="compound", reason="one lamp")
    desk.ask(
        "dispatch_issue", "post-grid", issue_id=id, post_id=post, duty="repair", **(limit or {"due": "2025-03-07"})
    )


def settle(desk: Desk, id: str, result: str = "satisfied") -> None:
    desk.ask("resolve_issue", "post-street", issue_id=id, outcome="lamp replaced")
    desk.ask("record_follow_up", "post-street", issue_id=id, result=result, note="they say")


def test_the_public_page_shows_who_answers_but_no_person_and_no_contact(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id, working_days=3)
    page = desk.ask("get_issue", issue_id=id)
    assert not {"contact", "person_id", "reporter"} & set(page)
    assert (page["organisation"], page["post"], page["due"], page["status"]) == (
        "o-compound",
        "标题 post-grid",
        "2025-03-07",
        "dispatched",
    )
    assert page["calendar"] == "chinesecalendar-1.11.0"
    assert [place["zh"] for place in page["place_names"]] == ["三叉街", "某社区", "联邦新城"]
    assert [step["what"] for step in page["timeline"]] == ["IssueReported", "IssueTriaged", "IssueDispatched"]
    assert page["timeline"][2]["organisation"] == page["timeline"][2]["to_organisation"] == "o-compound"
    assert page["timeline"][0]["at"] == "2025-03-04T09:00:00+08:00"
    assert "p-" not in str(page["timeline"])


def test_staff_see_the_person_and_with_a_mandate_the_contact(desk: Desk) -> None:
    id = report(desk)
    page = desk.ask("get_issue", "post-grid", issue_id=id)
    assert (page["person_id"], page["reporter"], page["contact"]) == ("p-grid", "p-wang", "王 13812345678")
    assert "13812345678" not in str([record.data for record in desk.log.read(0)])
    desk.tell("registry", "ProfileAdopted", profile_id="city", powers={"grid_worker": ["issue.triage"]}, levels=[])
    assert "contact" not in desk.ask("get_issue", "post-grid", issue_id=id)


def test_an_erased_contact_cannot_be_read_again(desk: Desk) -> None:
    id = report(desk)
    with pytest.raises(ForbiddenError, match="only who reported"):
        desk.ask("erase_contact", "p-other", issue_id=id)
    desk.ask("erase_contact", "p-wang", issue_id=id)
    assert desk.ask("get_issue", "post-grid", issue_id=id)["contact"] == ""
    sealed = next(record for record in desk.log.read(0) if record.type == "IssueReported")
    assert desk.personal.open(json.loads(bytes(sealed.data))["contact"]) is None


def test_a_repeated_command_gives_the_first_receipt(desk: Desk) -> None:
    first = desk.ask(
        "report_issue", "p-wang", command_id="c-1", place=COMPOUND, category="order.litter", description="乱扔垃圾"
    )
    again = desk.ask(
        "report_issue", "p-wang", command_id="c-1", place=COMPOUND, category="order.litter", description="乱扔垃圾"
    )
    assert first == again
    assert desk.ask("issue_figures")["collected"] == 1


def test_intake_is_refused_where_nobody_answers(desk: Desk) -> None:
    desk.tell("registry", "PlaceRegistered", place="350104.099", kind="", name="x", name_en="x", parent="")
    with pytest.raises(IllegalStateError, match="nobody answers for 350104"):
        report(desk, place="350104.099")
    with pytest.raises(NotFoundError, match="no place 350104"):
        report(desk, place="350104.013.777")
    with pytest.raises(BadInputError, match="not a category of this city"):
        report(desk, category="facility.lift")


def test_the_successor_in_a_post_finds_the_issue_in_the_inbox(desk: Desk) -> None:
    late, soon = report(desk), report(desk)
    dispatch(desk, late, due="2025-03-20")
    dispatch(desk, soon, due="2025-03-06")
    settled = report(desk)
    dispatch(desk, settled)
    settle(desk, settled)
    assert [row["issue_id"] for row in desk.ask("inbox", "post-grid")["rows"]] == [soon, late]
    assert desk.ask("inbox", "post-street")["rows"] == []
    assert desk.ask("inbox", "p-wang")["rows"] == desk.ask("inbox")["rows"] == []
    post = {"post_id": "post-grid", "organisation_id": "o-compound", "role": "grid_worker", "place": COMPOUND}
    desk.tell(
        "registry", "AppointmentEnded", person_id="p-grid", since="2025-01-01", until="2025-03-03", reason="", **post
    )
    desk.tell("registry", "PersonAppointed", person_id="p-street", since="2025-03-03", until="", **post)
    assert [row["issue_id"] for row in desk.ask("inbox", "post-street")["rows"]] == [soon, late]
    assert desk.ask("inbox", "p-grid")["rows"] == []


def test_escalation_goes_up_the_tree_of_the_registry(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id)
    with pytest.raises(IllegalStateError, match="o-housing is not above"):
        desk.ask("escalate_issue", "post-grid", issue_id=id, to_post="post-housing", reason="pipes")
    desk.ask("escalate_issue", "post-grid", issue_id=id, to_post="post-secretary", reason="pipes")
    page = desk.ask("get_issue", issue_id=id)
    assert (page["level"], page["due"], page["organisation"]) == ("community", "2025-03-07", "o-community")
    assert page["timeline"][-1] | {"from_level": "compound", "to_level": "community"} == page["timeline"][-1]


def test_the_city_s_own_number_of_tries_counts_before_closing(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id)
    settle(desk, id, "unreachable")
    with pytest.raises(IllegalStateError, match="in 2 tries"):
        desk.ask("close_issue", "post-street", issue_id=id, because="x")
    at = "2025-03-05T09:00:00+08:00"
    desk.ask("record_follow_up", "post-street", at=at, issue_id=id, result="unreachable", note="again")
    desk.ask("close_issue", "post-street", issue_id=id, because="nobody there")
    assert desk.ask("get_issue", issue_id=id)["status"] == "closed"


def test_lists_are_filtered_paged_and_masked(desk: Desk) -> None:
    ids = [report(desk, description=f"第{number}盏") for number in range(3)]
    report(desk, place=COMMUNITY, category="facility.road", by="post-street", channel="phone")
    first = desk.ask("find_issues", place__under=COMPOUND, order="reported", limit=2)
    second = desk.ask("find_issues", place__under=COMPOUND, order="reported", limit=2, cursor=first["next"])
    assert sorted(row["issue_id"] for row in first["rows"] + second["rows"]) == sorted(ids)
    assert second["next"] is None
    assert all(
        "person_id" not in row and "contact" not in row and row["organisation"] == "o-compound" for row in first["rows"]
    )
    assert len(desk.ask("find_issues", channel="phone")["rows"]) == 1
    assert len(desk.ask("find_issues", problem_class="facility", level="community", status=["reported"])["rows"]) == 1
    assert len(desk.ask("find_issues", "post-grid", person_id="p-grid", open=1)["rows"]) == 3
    assert len(desk.ask("find_issues", "p-wang", mine=True)["rows"]) == 3
    assert desk.ask("find_issues", mine=True)["rows"] == []
    assert desk.ask("find_issues", due__lt="2025-03-01", open=1, status=["dispatched"])["rows"] == []
    with pytest.raises(ForbiddenError, match="staff only"):
        desk.ask("find_issues", person_id="p-grid")


def test_figures_are_partitions_with_numerators_and_denominators(desk: Desk) -> None:
    ids = [report(desk) for _ in range(4)]
    for id in ids[:3]:
        dispatch(desk, id)
    desk.ask("escalate_issue", "post-grid", issue_id=ids[1], to_post="post-street", reason="pipes")
    settle(desk, ids[0])
    settle(desk, ids[1])
    settle(desk, ids[2], "not_satisfied")
    report(desk, place=COMMUNITY, by="post-street", channel="phone")
    figures = desk.ask("issue_figures", place=STREET)
    assert figures["collected"] == sum(figures["by_level"].values()) == sum(figures["by_channel"].values()) == 5
    assert figures["by_level"] == {"compound": 3, "street": 1, "community": 1}
    assert figures["by_channel"] == {"portal": 4, "phone": 1}
    assert figures["reopened"] == 1
    assert (figures["satisfied"]["numerator"], figures["satisfied"]["denominator"]) == (2, 3)
    proper = figures["solved_at_proper_tier"]
    assert (proper["numerator"], proper["denominator"]) == (1, 2)
    assert figures["position"] == desk.log.head().position
    assert desk.ask("issue_figures", place=COMPOUND)["collected"] == 4
    assert desk.ask("issue_figures", place="350104.01")["collected"] == 0


def patrol(desk: Desk, told_by: tuple[str, str, str]) -> None:
    desk.tell(
        "volunteers",
        "PatrolLogged",
        told_by=told_by,
        patrol_id="patrol-1",
        team_id="t",
        place=COMPOUND,
        findings=FINDINGS,
    )


FINDINGS = [
    {"finding_id": "f1", "category": "facility.fire_lane", "description": "消防通道堵塞", "place": ""},
    {"finding_id": "f2", "category": "facility.road", "description": "车位线不清", "place": COMMUNITY},
]


def test_findings_of_a_patrol_become_issues_of_the_post_that_logged_it(desk: Desk) -> None:
    patrol(desk, ("p-grid", "post-grid", "o-compound"))
    assert desk.parked == 0
    rows = desk.ask("find_issues", "post-grid", channel="patrol", order="place")["rows"]
    assert [(row["place"], row["origin"], row["post_id"], row["person_id"]) for row in rows] == [
        (COMMUNITY, "patrol-1/f2", "post-grid", "p-grid"),
        (COMPOUND, "patrol-1/f1", "post-grid", "p-grid"),
    ]
    assert desk.ask("issue_figures")["by_level"] == {"compound": 2}
    desk.ask("triage_issue", "post-grid", issue_id=rows[1]["issue_id"], severity="big", tier="street", reason="fire")
    assert desk.ask("issue_figures")["by_level"] == {"compound": 2}
    assert [row["issue_id"] for row in desk.ask("find_issues", level="compound")["rows"]] == [rows[1]["issue_id"]]


def test_a_patrol_nobody_answers_for_waits_for_an_operator(desk: Desk) -> None:
    patrol(desk, ("p-volunteer", "", ""))
    assert desk.parked == 1
    assert desk.ask("issue_figures")["collected"] == 0


def test_accepted_works_resolve_each_issue_they_name(desk: Desk) -> None:
    first, second, closed = report(desk), report(desk), report(desk)
    dispatch(desk, first)
    dispatch(desk, closed)
    settle(desk, closed)
    works = {"project_id": "project-1", "issue_ids": [first, second, closed, first]}
    desk.tell("funding", "ProjectProposed", title="照明改造", title_en="Lighting", budget_fen=100_00, **works)
    assert desk.ask("get_issue", issue_id=first)["works"]["budget_fen"] == 100_00
    desk.tell("funding", "ProjectAccepted", **works)
    assert desk.parked == 0
    for id in (first, second):
        page = desk.ask("get_issue", issue_id=id)
        assert (page["status"], page["because"], page["works"]["accepted"]) == ("resolved", "project-1", 1)
        with pytest.raises(IllegalStateError, match="ask the person concerned"):
            desk.ask("close_issue", "post-street", issue_id=id, because="works done")
    assert desk.ask("get_issue", issue_id=closed)["because"] == ""


def test_visits_count_the_issues_reported_from_them_and_hide_the_household(desk: Desk) -> None:
    visit = desk.ask("plan_visit", "post-grid", place=COMPOUND, planned_on="2025-03-04")["id"]
    desk.ask(
        "record_visit",
        "post-grid",
        visit_id=visit,
        place=COMPOUND,
        household="3-201 陈",
        visited_on="2025-03-04",
        opinions=2,
    )
    report(desk, "post-grid", channel="visit", origin=visit)
    assert "3-201" not in str([record.data for record in desk.log.read(0)])
    row = desk.ask("find_visits", "post-grid", place__under=COMPOUND)["rows"][0]
    assert (row["status"], row["household"], row["opinions"], row["issues"], row["person_id"]) == (
        "recorded",
        "3-201 陈",
        2,
        1,
        "p-grid",
    )
    with pytest.raises(ForbiddenError, match=r"visit\.record"):
        desk.ask("find_visits", "p-wang")
    with pytest.raises(ForbiddenError, match=r"visit\.record"):
        desk.ask("find_visits", "post-grid", place__under=STREET)
    assert len(desk.ask("find_visits", "post-grid")["rows"]) == 1


def test_diagnoses_are_listed_with_their_problems(desk: Desk) -> None:
    problems = [
        {"category": "facility.streetlight", "note": "路灯不明"},
        {"category": "order.litter", "note": "乱扔垃圾"},
    ]
    desk.ask(
        "record_diagnosis", "post-grid", place=COMPOUND, kind="baseline", diagnosed_on="2025-03-04", problems=problems
    )
    rows = desk.ask("find_diagnoses", kind="baseline", place__under=STREET)["rows"]
    assert [problem["problem_class"] for problem in rows[0]["problems"]] == ["facility", "order"]


@pytest.mark.parametrize(
    ("method", "ask", "field"),
    [
        ("report_issue", {"place": COMPOUND, "category": "x", "description": ""}, "description"),
        ("report_issue", {"place": "a..b", "category": "x", "description": "x"}, "place"),
        ("report_issue", {"place": COMPOUND, "category": "路灯", "description": "x"}, "category"),
        ("report_issue", {"place": COMPOUND, "category": "x", "description": "x" * 2001}, "description"),
        ("report_issue", {"place": COMPOUND, "category": "x", "description": "x", "channel": "fax"}, "channel"),
        ("report_issue", {"place": COMPOUND, "category": "x", "description": "x", "extra": 1}, "extra"),
        ("dispatch_issue", {"issue_id": "issue-1", "post_id": "post-grid", "duty": "x"}, "due"),
        ("dispatch_issue", {"issue_id": "issue-1", "post_id": "post-grid", "duty": "x", "due": "7.3.2025"}, "due"),
        ("dispatch_issue", {"issue_id": "issue-1", "post_id": "post-grid", "duty": "x", "due": "20250307"}, "due"),
        (
            "dispatch_issue",
            {"issue_id": "issue-1", "post_id": "post-grid", "duty": "x", "working_days": 0},
            "working_days",
        ),
        ("dispatch_issue", {"issue_id": "Ä", "post_id": "post-grid", "duty": "x", "due": "2025-03-07"}, "issue_id"),
        ("record_follow_up", {"issue_id": "issue-1", "result": "happy"}, "result"),
        ("find_issues", {"order": "contact"}, "order"),
        ("find_issues", {"limit": 501}, "limit"),
        ("find_issues", {"contact": "x"}, "contact"),
    ],
)
def test_bad_input_names_the_field(desk: Desk, method: str, ask: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInputError) as refused:
        desk.ask(method, "post-grid", **ask)
    assert field in refused.value.fields
    assert desk.log.head().position == 0


def test_views_built_again_are_the_same(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id)
    settle(desk, id, "not_satisfied")
    before = [desk.ask("get_issue", "post-grid", issue_id=id), desk.ask("issue_figures")]
    desk.node.rebuild(lambda source, after, limit: list(desk.others[source].read(after, limit=limit)))
    assert [desk.ask("get_issue", "post-grid", issue_id=id), desk.ask("issue_figures")] == before

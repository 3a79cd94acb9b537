"""The issue service through its entrypoints: what is shown, counted, sealed and taken over from other services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from services.console.catalogue import service_class
from services.issues.issue.state import ISSUE
from shared.domain import numbers
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.following.rebuilding import rebuild
from shared.service.call import Call
from tests.domain.issues.facts import REPORTED
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, FOUNDED, STREET, entry
from tests.kit.city import post as post_of
from tests.kit.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for all tests that ask about their own issues only."""
    desk = Desk("issues", tmp_path_factory.mktemp("desk"))
    yield desk
    desk.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Desk]:
    """A desk where nothing has happened yet."""
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


def report(desk: Desk, by: str = "p-resident", **changes: Any) -> str:
    ask = {
        "place": COMPOUND,
        "category": "facility.streetlight",
        "description": "路灯不明",
        "contact": "王 13812345678",
    }
    return str(desk.ask("report_issue", by, **(ask | changes))["id"])


def dispatch(desk: Desk, id: str, post: str = "post-grid", **limit: Any) -> None:
    desk.ask("triage_issue", "post-grid", issue_id=id, severity="small", reason="one lamp")
    limit = limit or {"due": "2025-03-07"}
    desk.ask("dispatch_issue", "post-grid", issue_id=id, post_id=post, duty="repair", **limit)


def settle(desk: Desk, id: str, result: str = "satisfied") -> None:
    post = desk.ask("get_issue", issue_id=id)["post_id"]
    desk.ask("resolve_issue", post, issue_id=id, outcome="lamp replaced")
    desk.ask("record_follow_up", "post-secretary", issue_id=id, result=result, note="they say")


def test_the_public_page_shows_who_answers_but_no_person_and_no_contact(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id, working_days=3)
    page = desk.ask("get_issue", issue_id=id)
    assert not {"contact", "person_id", "reporter"} & set(page)
    shown = (page["organisation"], page["post"], page["due"], page["status"])
    assert shown == ("名 o-compound", "标题 post-grid", "2025-03-07", "dispatched")
    assert page["calendar"] == "chinesecalendar-1.11.0"
    assert [place["zh"] for place in page["place_names"]] == ["仓山区", "三叉街", "某社区", "联邦新城"]
    assert [step["what"] for step in page["timeline"]] == ["IssueReported", "IssueTriaged", "IssueDispatched"]
    assert page["timeline"][2]["organisation"] == page["timeline"][2]["to_organisation"] == "名 o-compound"
    assert page["timeline"][0]["at"] == "2025-03-04T09:00:00+08:00"
    assert "p-" not in str(page["timeline"])


def test_staff_see_the_person_and_with_a_mandate_the_contact(desk: Desk) -> None:
    id = report(desk)
    page = desk.ask("get_issue", "post-grid", issue_id=id)
    assert (page["person_id"], page["reporter"], page["contact"]) == ("p-grid", "p-resident", "王 13812345678")
    assert "王 138" not in desk.stored
    assert "contact" not in desk.ask("get_issue", "post-housing", issue_id=id)


def test_an_erased_contact_cannot_be_read_again(desk: Desk) -> None:
    id = report(desk)
    with pytest.raises(ForbiddenError, match="issue.read_contact"):
        desk.ask("erase_contact", "p-other", issue_id=id)
    desk.ask("erase_contact", "p-resident", issue_id=id)
    assert desk.ask("get_issue", "post-grid", issue_id=id)["contact"] == ""
    sealed = next(record for record in desk.log.read_stream(f"issue-{id}"))
    assert desk.personal.open(json.loads(bytes(sealed.data))["contact"]) is None


def test_a_repeated_command_gives_the_first_receipt(fresh: Desk) -> None:
    ask = {"place": COMPOUND, "category": "order.litter", "description": "乱扔垃圾"}
    first = fresh.ask("report_issue", "p-resident", command_id="c-1", **ask)
    assert fresh.ask("report_issue", "p-resident", command_id="c-1", **ask) == first
    assert fresh.ask("issue_figures")["collected"] == 1


def test_a_report_is_of_a_known_place_and_category(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="no place 350104"):
        report(desk, place="350104.013.777")
    with pytest.raises(BadInputError, match="not on the city's list"):
        report(desk, category="facility.lift")


def test_the_reader_is_told_what_they_may_do_next_and_who_may_do_the_rest(desk: Desk) -> None:
    id = report(desk)
    page = desk.ask("get_issue", "p-resident", issue_id=id)
    assert page["actions"] == ["withdraw_issue", "erase_contact"]
    others = {other["command"]: [post["post_id"] for post in other["posts"]] for other in page["others"]}
    assert others["triage_issue"] == ["post-grid", "post-secretary", "post-street"]
    assert "dispatch_issue" not in others
    dispatch(desk, id)
    grid = desk.ask("get_issue", "post-grid", issue_id=id)["actions"]
    assert "accept_issue" in grid and "extend_issue" not in grid
    street = desk.ask("find_issues", "post-street", place__under=COMPOUND, limit=500)["rows"]
    mine = next(row for row in street if row["issue_id"] == id)
    assert "extend_issue" in mine["actions"] and "accept_issue" not in mine["actions"]
    desk.ask("resolve_issue", "post-grid", issue_id=id, outcome="lamp replaced")
    assert "record_follow_up" in desk.ask("get_issue", "p-resident", issue_id=id)["actions"]
    assert desk.ask("get_issue", "p-other", issue_id=id)["actions"] == []


def test_the_successor_in_a_post_finds_the_issue_in_the_inbox(fresh: Desk) -> None:
    late, soon = report(fresh), report(fresh)
    dispatch(fresh, late, due="2025-03-20")
    dispatch(fresh, soon, due="2025-03-06")
    settled = report(fresh)
    dispatch(fresh, settled)
    settle(fresh, settled)
    found = fresh.ask("inbox", "post-grid")["rows"]
    assert [row["issue_id"] for row in found] == [soon, late]
    assert "accept_issue" in found[0]["actions"]
    assert fresh.ask("inbox", "post-street")["rows"] == []
    assert fresh.ask("inbox", "p-resident")["rows"] == fresh.ask("inbox")["rows"] == []
    held = {"post_id": "post-grid", "organisation_id": "o-compound", "role": "grid_worker", "place": COMPOUND}
    fresh.tell("registry", "PersonAppointed", person_id="p-street", since="2025-03-04", until="", **held)
    assert [row["issue_id"] for row in fresh.ask("inbox", "post-street")["rows"]] == [soon, late]
    assert fresh.ask("inbox", "p-grid")["rows"] == []


def test_escalation_goes_up_the_tree_of_the_registry(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id)
    with pytest.raises(IllegalStateError, match="o-housing is not above") as refused:
        desk.ask("escalate_issue", "post-grid", issue_id=id, to_post="post-housing", reason="pipes")
    assert set(refused.value.fields) == {"to_post"}
    desk.ask("escalate_issue", "post-grid", issue_id=id, to_post="post-secretary", reason="pipes")
    page = desk.ask("get_issue", issue_id=id)
    assert (page["level"], page["due"], page["organisation"]) == ("community", "2025-03-07", "名 o-community")
    moved = page["timeline"][-1]
    assert (moved["from_level"], moved["to_level"]) == ("compound", "community")


def test_the_city_s_own_number_of_tries_counts_before_closing(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id)
    settle(desk, id, "unreachable")
    with pytest.raises(IllegalStateError, match="in 2 tries"):
        desk.ask("close_issue", "post-street", issue_id=id, because="x")
    at = "2025-03-05T09:00:00+08:00"
    desk.ask("record_follow_up", "post-street", at=at, issue_id=id, result="unreachable", note="again")
    desk.ask("close_issue", "post-street", issue_id=id, because="nobody there")
    page = desk.ask("get_issue", issue_id=id)
    assert (page["status"], page["closed_because"]) == ("closed", "nobody there")


def test_lists_are_filtered_paged_and_masked(fresh: Desk) -> None:
    ids = [report(fresh, description=f"第{number}盏") for number in range(3)]
    report(fresh, place=COMMUNITY, category="facility.road", by="post-street", channel="phone")
    first = fresh.ask("find_issues", place__under=COMPOUND, order="reported", limit=2)
    second = fresh.ask("find_issues", place__under=COMPOUND, order="reported", limit=2, cursor=first["next"])
    assert sorted(row["issue_id"] for row in first["rows"] + second["rows"]) == sorted(ids)
    assert second["next"] is None
    for row in first["rows"]:
        assert "person_id" not in row and "contact" not in row and row["organisation"] == "名 o-compound"
    assert len(fresh.ask("find_issues", channel="phone")["rows"]) == 1
    assert len(fresh.ask("find_issues", problem_class="facility", level="community", status=["reported"])["rows"]) == 1
    assert len(fresh.ask("find_issues", "post-grid", person_id="p-grid", open=1)["rows"]) == 3
    assert fresh.ask("find_issues", open=0)["rows"] == []
    assert len(fresh.ask("find_issues", "p-resident", mine=True)["rows"]) == 3
    assert fresh.ask("find_issues", mine=True)["rows"] == []
    assert fresh.ask("find_issues", due__lt="2025-03-01", open=1, status=["dispatched"])["rows"] == []
    without = report(fresh)
    assert without not in [row["issue_id"] for row in fresh.ask("find_issues", due__lt="2030-01-01")["rows"]], (
        "what has no time limit is before no day"
    )
    with pytest.raises(ForbiddenError, match="staff only"):
        fresh.ask("find_issues", person_id="p-grid")


def test_figures_are_partitions_with_numerators_and_denominators(fresh: Desk) -> None:
    """(part of A04, B20, C14, X03)"""
    ids = [report(fresh) for _ in range(4)]
    for id in ids[:3]:
        dispatch(fresh, id)
    fresh.ask("escalate_issue", "post-grid", issue_id=ids[1], to_post="post-street", reason="pipes")
    settle(fresh, ids[0])
    settle(fresh, ids[1])
    settle(fresh, ids[2], "not_satisfied")
    report(fresh, place=COMMUNITY, by="post-street", channel="phone")
    figures = fresh.ask("issue_figures", place=STREET)
    assert figures["collected"] == sum(figures["by_level"].values()) == sum(figures["by_channel"].values()) == 5
    assert figures["by_level"] == {"compound": 3, "street": 1, "community": 1}
    assert figures["by_channel"] == {"portal": 4, "phone": 1}
    assert figures["by_status"] == {"open": 3, "resolved": 2}
    assert figures["reopened"] == 1
    assert figures["follow_ups"] == {"satisfied": 2, "not_satisfied": 1}
    assert (figures["satisfied"]["numerator"], figures["satisfied"]["denominator"]) == (2, 3)
    proper = figures["solved_at_proper_tier"]
    assert (proper["numerator"], proper["denominator"]) == (1, 2)
    assert figures["position"] == figures["as_of"]["position"] == fresh.log.head().position
    assert fresh.ask("issue_figures", place=COMPOUND)["collected"] == 4
    assert fresh.ask("issue_figures", place="350104.01")["collected"] == 0


FINDINGS = [
    {"finding_id": "f1", "category": "facility.fire_lane", "description": "消防通道堵塞", "place": ""},
    {"finding_id": "f2", "category": "facility.road", "description": "车位线不清", "place": COMMUNITY},
]
PATROL = {"patrol_id": "patrol-1", "team_id": "t", "place": COMPOUND, "findings": FINDINGS}


def test_findings_of_a_patrol_become_issues_of_who_logged_it_or_takes_in_issues_there(fresh: Desk) -> None:
    fresh.tell("volunteers", "PatrolLogged", told_by=("p-grid", "post-grid", "o-compound"), **PATROL)
    rows = fresh.ask("find_issues", "post-secretary", channel="patrol", order="place")["rows"]
    assert [(row["place"], row["origin"], row["post_id"], row["person_id"]) for row in rows] == [
        (COMMUNITY, "patrol-1/f2", "post-secretary", "p-secretary"),
        (COMPOUND, "patrol-1/f1", "post-grid", "p-grid"),
    ]
    assert fresh.ask("issue_figures")["by_level"] == {"community": 1, "compound": 1}
    fresh.ask("triage_issue", "post-grid", issue_id=rows[1]["issue_id"], severity="big", reason="fire")
    assert fresh.ask("issue_figures")["by_level"] == {"community": 1, "compound": 1}


def test_figures_name_the_level_of_an_organisation_that_was_heard_of_later(fresh: Desk) -> None:
    """As those of patrols were from before who logged them had to be known."""
    unstated = replace(REPORTED, organisation_id="o-new", level="")
    context = fresh.context(command_id="told")
    mandate = fresh.node.mandate(context)
    fresh.node.decide(ISSUE, "issue-1", lambda issue, *, by, at: [unstated], context, mandate, "told")
    fresh.catch_up()
    assert fresh.ask("issue_figures")["by_level"] == {"unknown": 1}
    body = {"organisation_id": "o-new", "type": "party", "name": "新", "name_en": "new", "place": COMPOUND}
    fresh.tell("registry", "OrganisationEstablished", level="compound", parent_id="o-community", since="", **body)
    assert fresh.ask("issue_figures")["by_level"] == {"compound": 1}
    fresh.ask("triage_issue", "post-grid", issue_id="issue-1", severity="big", reason="fire")
    assert fresh.ask("issue_figures")["by_level"] == {"compound": 1}
    assert [row["issue_id"] for row in fresh.ask("find_issues", level="compound")["rows"]] == ["issue-1"]


def test_a_patrol_nobody_answers_for_waits_for_an_operator(fresh: Desk) -> None:
    for person, post in (("p-grid", "post-grid"), ("p-secretary", "post-secretary"), ("p-street", "post-street")):
        ended = {"person_id": person, "post_id": post, "since": FOUNDED, "until": "2025-03-01", "reason": ""}
        fresh.tell("registry", "AppointmentEnded", **ended)
    with pytest.raises(AssertionError, match="a view could not apply a fact"):
        fresh.tell("volunteers", "PatrolLogged", told_by=("p-volunteer", "", ""), **PATROL)
    assert fresh.parked == 1
    assert [record.type for record in fresh.log.read()] == ["FactParked"]
    answers = {}
    for by in ("operator", "post-grid", ""):
        service = service_class("issues")()
        service.here = Call(fresh, fresh.signer.sign(fresh.context(by), "issues.parked", {"limit": 9, "cursor": None}))
        answers[by] = service.parked(limit=9, cursor=None)
    (row,) = answers["operator"]["ok"]["rows"]
    assert (row["type"], row["position"], row["state"]) == (
        "PatrolLogged",
        fresh.others["volunteers"].head().position,
        "parked",
    )
    assert "p-volunteer" not in str(row) and FINDINGS[0]["description"] not in str(row), (
        "what it says is not for operators"
    )
    assert {"actor", "data.findings"} <= row["digests"].keys()
    assert answers["post-grid"]["error"]["kind"] == "forbidden"
    assert answers[""]["error"]["kind"] in ("unauthenticated", "forbidden")


def test_accepted_works_resolve_each_issue_they_name(desk: Desk) -> None:
    first, second, closed = report(desk), report(desk), report(desk)
    dispatch(desk, first)
    dispatch(desk, closed)
    settle(desk, closed)
    works = {"project_id": "project-1", "issue_ids": [first, second, closed, first]}
    desk.tell("funding", "ProjectProposed", title="照明改造", title_en="Lighting", budget_fen=100_00, **works)
    assert desk.ask("get_issue", issue_id=first)["works"]["budget_fen"] == 100_00
    desk.tell("funding", "ProjectAccepted", **works)
    for id in (first, second):
        page = desk.ask("get_issue", issue_id=id)
        assert (page["status"], page["because"], page["works"]["accepted"]) == ("resolved", "project-1", 1)
        with pytest.raises(IllegalStateError, match="ask the person concerned"):
            desk.ask("close_issue", "post-street", issue_id=id, because="works done")
    assert desk.ask("get_issue", issue_id=closed)["because"] == ""


def test_visits_count_the_issues_reported_from_them_and_hide_the_household(desk: Desk) -> None:
    visit = desk.ask("plan_visit", "post-grid", place=BUILDING, planned_on="2025-03-04")["id"]
    heard = {"household": "3-201 陈", "visited_on": "2025-03-04", "opinions": 2}
    desk.ask("record_visit", "post-grid", visit_id=visit, place=BUILDING, **heard)
    report(desk, "post-grid", channel="visit", origin=visit)
    assert "3-201" not in desk.stored
    (row,) = desk.ask("find_visits", "post-grid", place__under=BUILDING)["rows"]
    shown = (row["status"], row["household"], row["opinions"], row["issues"], row["person_id"])
    assert shown == ("recorded", "3-201 陈", 2, 1, "p-grid")
    with pytest.raises(ForbiddenError, match=r"visit\.record"):
        desk.ask("find_visits", "p-resident")
    with pytest.raises(ForbiddenError, match=r"visit\.record"):
        desk.ask("find_visits", "post-grid", place__under=STREET)
    assert len(desk.ask("find_visits", "post-grid")["rows"]) == 1


DIAGNOSIS = {
    "place": COMPOUND,
    "kind": "baseline",
    "diagnosed_on": "2025-03-04",
    "problems": [
        {"category": "facility.streetlight", "note": "路灯不明，电话13812345678"},
        {"category": "order.litter", "note": "乱扔垃圾"},
    ],
}


def test_diagnoses_are_listed_with_their_problems(desk: Desk) -> None:
    first = desk.ask("record_diagnosis", "post-grid", command_id="d-1", **DIAGNOSIS)
    assert desk.ask("record_diagnosis", "post-grid", command_id="d-1", **DIAGNOSIS) == first
    (row,) = desk.ask("find_diagnoses", kind="baseline", place__under=STREET)["rows"]
    assert [problem["problem_class"] for problem in row["problems"]] == ["facility", "order"]
    assert row["problems"][0]["note"] == "路灯不明，电话138****5678"


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"place": f"{COMPOUND}.99"}, NotFoundError, "no place"),
        ({"diagnosed_on": "2025-03-05"}, IllegalStateError, "has not come yet"),
        ({"problems": [{"category": "facility.lift", "note": "x"}]}, BadInputError, "not on the city's list"),
        ({"problems": [{"category": "order.litter", "note": "x"}] * 2}, BadInputError, "named twice"),
        ({"problems": []}, BadInputError, "mistakes"),
        ({"problems": [{"category": "order.litter", "note": " "}]}, BadInputError, "mistakes"),
    ],
)
def test_a_diagnosis_names_known_problems_of_a_known_place_once(
    desk: Desk, changes: dict[str, Any], error: Any, match: str
) -> None:
    with pytest.raises(error, match=match):
        desk.ask("record_diagnosis", "post-grid", **(DIAGNOSIS | changes))


def test_a_diagnosis_needs_a_mandate(desk: Desk) -> None:
    with pytest.raises(ForbiddenError, match="issue.triage"):
        desk.ask("record_diagnosis", "p-resident", **DIAGNOSIS)


LAMP = {"place": COMPOUND, "category": "facility.streetlight", "description": "x"}
DUTY = {"issue_id": "issue-1", "post_id": "post-grid", "duty": "x", "due": "2025-03-07"}


@pytest.mark.parametrize(
    ("method", "ask", "field"),
    [
        ("report_issue", LAMP | {"description": " \n"}, "description"),
        ("report_issue", LAMP | {"place": "a..b"}, "place"),
        ("report_issue", LAMP | {"category": "路灯"}, "category"),
        ("report_issue", LAMP | {"description": "x" * 2001}, "description"),
        ("report_issue", LAMP | {"channel": "fax"}, "channel"),
        ("report_issue", LAMP | {"extra": 1}, "extra"),
        ("triage_issue", {"issue_id": "issue-1", "severity": "small", "tier": "compound", "reason": " "}, "reason"),
        ("dispatch_issue", DUTY | {"duty": " "}, "duty"),
        ("dispatch_issue", DUTY | {"due": "7.3.2025"}, "due"),
        ("dispatch_issue", DUTY | {"due": "20250307"}, "due"),
        ("dispatch_issue", DUTY | {"working_days": 0}, "working_days"),
        ("dispatch_issue", DUTY | {"issue_id": "Ä"}, "issue_id"),
        ("extend_issue", {"issue_id": "issue-1", "reason": "", "due": "2025-03-07"}, "reason"),
        ("escalate_issue", {"issue_id": "issue-1", "to_post": "post-street", "reason": " "}, "reason"),
        ("resolve_issue", {"issue_id": "issue-1", "outcome": " "}, "outcome"),
        ("record_follow_up", {"issue_id": "issue-1", "result": "happy"}, "result"),
        ("close_issue", {"issue_id": "issue-1", "because": ""}, "because"),
        ("reopen_issue", {"issue_id": "issue-1", "reason": " "}, "reason"),
        ("return_issue", {"issue_id": "issue-1", "reason": " "}, "reason"),
        ("withdraw_issue", {"issue_id": "issue-1", "reason": " "}, "reason"),
        ("posts_for_issue", {"issue_id": "issue-1", "command": "accept_issue"}, "command"),
        ("find_issues", {"order": "contact"}, "order"),
        ("find_issues", {"limit": 501}, "limit"),
        ("find_issues", {"status": ["lost"]}, "status"),
        ("find_issues", {"contact": "x"}, "contact"),
    ],
)
def test_bad_input_names_the_field(desk: Desk, method: str, ask: dict[str, Any], field: str) -> None:
    before = desk.log.head().position
    with pytest.raises(BadInputError) as refused:
        desk.ask(method, "post-grid", **ask)
    assert field in refused.value.fields
    assert desk.log.head().position == before


def strict(shape: Any) -> Any:
    """A schema that also refuses what it does not name."""
    if isinstance(shape, list):
        return [strict(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    closed = {"additionalProperties": False} if "properties" in shape and shape.get("type") == "object" else {}
    return closed | {name: strict(part) for name, part in shape.items()}


def test_answers_have_the_shape_that_is_declared(desk: Desk) -> None:
    id = report(desk)
    dispatch(desk, id)
    settle(desk, id, "not_satisfied")
    desk.ask("plan_visit", "post-grid", place=COMPOUND, planned_on="2025-03-04")
    desk.ask("record_diagnosis", "post-grid", **DIAGNOSIS)
    works = {"project_id": "project-2", "issue_ids": [id]}
    desk.tell("funding", "ProjectProposed", title="照明改造", title_en="Lighting", budget_fen=100_00, **works)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("get_issue", {"issue_id": id}),
        ("find_issues", {}),
        ("inbox", {}),
        ("issue_figures", {}),
        ("find_diagnoses", {}),
        ("posts_for_issue", {"issue_id": id}),
    ]
    for by in ("post-grid", "p-resident", ""):
        for name, ask in asked:
            jsonschema.validate(desk.ask(name, by, **ask), strict(desk.definition.queries[name].answer))
    visits = desk.ask("find_visits", "post-grid")
    assert visits["rows"]
    jsonschema.validate(visits, strict(desk.definition.queries["find_visits"].answer))


def test_views_built_again_are_the_same(fresh: Desk) -> None:
    id = report(fresh)
    dispatch(fresh, id)
    settle(fresh, id, "not_satisfied")
    fresh.tick("2025-03-08")
    before = [fresh.ask("get_issue", "post-grid", issue_id=id), fresh.ask("issue_figures")]
    rebuild(fresh.node, lambda source, after, limit: list(fresh.others[source].read(after, limit=limit)))
    assert [fresh.ask("get_issue", "post-grid", issue_id=id), fresh.ask("issue_figures")] == before


# -- the clock --


def overdue(desk: Desk, id: str) -> list[str]:
    """The days on which an issue became overdue, as its page says."""
    steps = desk.ask("get_issue", issue_id=id)["timeline"]
    return [step["at"][:10] for step in steps if step["what"] == "IssueOverdue"]


def test_an_open_issue_becomes_overdue_the_day_after_its_time_limit_once(fresh: Desk) -> None:
    id = report(fresh)
    dispatch(fresh, id)
    assert fresh.tick("2025-03-07") == 0
    assert fresh.tick("2025-03-08") == 1
    assert fresh.tick("2025-03-08") == fresh.tick("2025-03-09") == 0
    page = fresh.ask("get_issue", issue_id=id)
    assert (page["overdue"], page["missed"], overdue(fresh, id)) == (1, "2025-03-07", ["2025-03-08"])
    assert [row["issue_id"] for row in fresh.ask("find_issues", overdue=1)["rows"]] == [id]
    assert fresh.ask("issue_figures", place=COMPOUND)["overdue"] == 1


def test_days_that_were_slept_through_give_one_fact_dated_when_it_happened(fresh: Desk) -> None:
    ids = [report(fresh) for _ in range(3)]
    for id, due in zip(ids, ("2025-03-07", "2025-03-10", "2025-03-17"), strict=True):
        dispatch(fresh, id, due=due)
    assert fresh.tick("2025-03-17") == 2
    assert [overdue(fresh, id) for id in ids] == [["2025-03-08"], ["2025-03-11"], []]


def test_what_is_resolved_extended_or_has_no_time_limit_is_not_overdue(fresh: Desk) -> None:
    resolved, extended, waiting = report(fresh), report(fresh), report(fresh)
    for id in (resolved, extended):
        dispatch(fresh, id)
    fresh.ask("resolve_issue", "post-grid", issue_id=resolved, outcome="lamp replaced")
    fresh.ask("extend_issue", "post-street", issue_id=extended, due="2025-03-14", reason="spare part")
    fresh.ask("triage_issue", "post-grid", issue_id=waiting, severity="small", reason="one lamp")
    fresh.tick("2025-03-10")
    assert overdue(fresh, resolved) == overdue(fresh, extended) == overdue(fresh, waiting) == []
    assert fresh.ask("issue_figures")["overdue"] == 0
    assert waiting in [row["issue_id"] for row in fresh.ask("find_issues", overdue=0, open=1)["rows"]]


def test_a_later_time_limit_takes_the_mark_away_and_may_be_missed_again(fresh: Desk) -> None:
    id = report(fresh)
    dispatch(fresh, id)
    fresh.tick("2025-03-08")
    at = "2025-03-09T09:00:00+08:00"
    fresh.ask("extend_issue", "post-street", at, issue_id=id, due="2025-03-12", reason="spare part")
    assert fresh.ask("issue_figures")["overdue"] == 0
    assert fresh.tick("2025-03-12") == 0
    assert fresh.tick("2025-03-13") == 1
    again = {"issue_id": id, "post_id": "post-secretary", "duty": "repair", "due": "2025-03-14"}
    fresh.ask("dispatch_issue", "post-street", "2025-03-14T09:00:00+08:00", **again)
    assert fresh.ask("get_issue", issue_id=id)["overdue"] == 0
    assert fresh.tick("2025-03-15") == 1
    assert overdue(fresh, id) == ["2025-03-08", "2025-03-13", "2025-03-15"]


def test_a_reopened_issue_is_overdue_after_the_time_limit_of_its_new_round(fresh: Desk) -> None:
    """Ten working days from the day on which it was reopened, unless the city says otherwise (part of C12)."""
    id = report(fresh)
    dispatch(fresh, id)
    fresh.tick("2025-03-08")
    fresh.ask("resolve_issue", "post-grid", "2025-03-09T09:00:00+08:00", issue_id=id, outcome="lamp replaced")
    assert fresh.ask("issue_figures")["overdue"] == 0
    assert fresh.tick("2025-03-10") == 0
    fresh.ask("reopen_issue", "post-street", "2025-03-11T09:00:00+08:00", issue_id=id, reason="still dark")
    assert fresh.ask("get_issue", issue_id=id)["overdue"] == 0
    assert fresh.ask("get_issue", issue_id=id)["due"] == "2025-03-25"
    assert fresh.tick("2025-03-25") == 0
    assert fresh.tick("2025-03-26") == 1
    assert fresh.tick("2025-03-27") == 0
    assert overdue(fresh, id) == ["2025-03-08", "2025-03-26"]
    assert fresh.ask("issue_figures")["overdue"] == 1


def test_an_issue_is_found_by_its_number_however_it_is_typed(desk: Desk) -> None:
    id = report(desk)
    wide = "".join(chr(ord(one) + 0xFEE0) for one in id.replace("-", ""))
    typed = [
        id,
        id.upper(),
        id.replace("-", ""),
        id.replace("-", " "),
        id.replace("-", "－"),
        id.replace("-", "—"),
        wide,
    ]
    for number in [*typed, id[:8], f" {id[:8]} ", wide[:8], id[:13], id[:12].replace("-", "")]:
        rows = desk.ask("find_issues", number=number)["rows"]
        assert [row["issue_id"] for row in rows] == [id], number
    row = desk.ask("get_issue", issue_id=id)
    short, serial = row["number"], str(row["serial"])
    assert numbers.read(short).number == short and short.startswith("2503-")
    month, padded, check = short.split("-")
    wide = "".join(chr(ord(one) + 0xFEE0) for one in short)
    for number in (
        short,
        short.replace("-", ""),
        wide,
        f"{month} {padded} {check}",
        f"{padded}-{check}",
        padded,
        serial,
    ):
        rows = desk.ask("find_issues", number=number)["rows"]
        assert [row["issue_id"] for row in rows] == [id], number
    wrong = f"{month}-{padded}-{(int(check) + 1) % 10}"
    assert desk.ask("find_issues", number=wrong)["rows"] == [], "a mistyped digit finds nobody else's case"
    for number in (id[:7], id[1:], "zzzzzzzz", "-", "no-such-issue", f"{id}0"):
        assert desk.ask("find_issues", number=number)["rows"] == [], number


def test_days_off_of_the_city_are_no_working_days_for_its_limits(fresh: Desk) -> None:
    fresh.tell_all("registry", [entry("days_off", "flood", first="2025-03-05", last="2025-03-06")])
    id = report(fresh)
    fresh.ask("triage_issue", "post-grid", issue_id=id, severity="small", tier="compound", reason="lamp")
    limited = {"post_id": "post-grid", "duty": "repair", "working_days": 2}
    fresh.ask("dispatch_issue", "post-street", issue_id=id, **limited)
    page = fresh.ask("get_issue", issue_id=id)
    assert (page["due"], page["calendar"].partition("/")[2]) == ("2025-03-10", "own-days-off")


def test_who_reported_and_who_answers_is_for_staff_of_the_place(fresh: Desk) -> None:
    for fact, data in (
        entry("roles", "reader", powers=["issue.*"]),
        *post_of("post-here", "o-compound", "reader", "p-here", place=STREET),
        *post_of("post-there", "o-compound", "reader", "p-there", place="350104.014"),
    ):
        fresh.tell("registry", fact, **data)
    told = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯不亮"}
    id = fresh.ask("report_issue", "p-resident", **told)["id"]
    fresh.ask("triage_issue", "post-grid", issue_id=id, severity="small", tier="compound", reason="看过")
    fresh.ask("dispatch_issue", "post-here", issue_id=id, post_id="post-grid", duty="修好", working_days=3)
    here = fresh.ask("get_issue", "post-here", issue_id=id)
    assert (here["reporter"], here["person_id"]) == ("p-resident", "p-grid")
    for reader in ("post-there", "p-resident", ""):
        assert not {"reporter", "person_id", "contact"} & set(fresh.ask("get_issue", reader, issue_id=id))
        (row,) = fresh.ask("find_issues", reader, number=id)["rows"]
        assert not {"reporter", "person_id"} & set(row)
        with pytest.raises(ForbiddenError, match="staff"):
            fresh.ask("find_issues", reader, person_id="p-grid", place__under=COMPOUND)
    assert fresh.ask("find_issues", "post-there", person_id="p-grid")["rows"] == [], "of their own place"
    assert len(fresh.ask("find_issues", "post-here", person_id="p-grid")["rows"]) == 1

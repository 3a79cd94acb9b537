"""Quarrels are for staff only from their category on, and any text can be moved out of public sight, in the open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import ForbiddenError, NotFoundError
from tests.kit.city import COMPOUND, OTHER_COMPOUND, entry, facts
from tests.kit.desk import Desk

QUARREL = "二楼王阿姨跟我家吵架，住302"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    city = [
        *facts(),
        entry("issue_categories", "quarrel", confidential=True),
        entry("issue_categories", "quarrel.noise"),
    ]
    desk = Desk("issues", tmp_path, city)
    yield desk
    desk.close()


def report(desk: Desk, category: str = "quarrel", place: str = COMPOUND, text: str = QUARREL) -> str:
    ask = {"place": place, "category": category, "description": text}
    return str(desk.ask("report_issue", "p-resident", **ask)["id"])


def seen(desk: Desk, by: str, **ask: Any) -> list[str]:
    return [row["issue_id"] for row in desk.ask("find_issues", by, **ask)["rows"]]


@pytest.mark.parametrize("category", ["quarrel", "quarrel.noise"])
def test_a_case_of_a_confidential_category_is_for_its_reporter_and_for_staff_with_the_power(
    desk: Desk, category: str
) -> None:
    """(part of A41, C30, C34, X09)"""
    id, open_ = report(desk, category), report(desk, "facility.road", text="坑")
    for by in ("", "p-other", "post-housing"):
        assert seen(desk, by) == [open_]
        with pytest.raises(NotFoundError):
            desk.ask("get_issue", by, issue_id=id)
    assert desk.ask("get_issue", "p-resident", issue_id=id)["description"] == QUARREL
    assert set(seen(desk, "p-resident", mine=True)) == {id, open_}
    assert desk.ask("get_issue", "post-grid", issue_id=id)["description"] == QUARREL
    assert set(seen(desk, "post-grid", place__under=COMPOUND)) == {id, open_}
    assert desk.ask("issue_figures", place=COMPOUND)["collected"] == 2, "it counts"


def test_no_refusal_and_no_list_of_posts_says_where_a_confidential_case_is(desk: Desk) -> None:
    """Whoever has its id and no power gets the answer that there is no such case; a case that is none is refused with its place."""
    id, open_ = report(desk), report(desk, "facility.road", text="坑")
    given = {
        "severity": "small", "tier": "compound", "reason": "why", "post_id": "post-grid", "duty": "go", "working_days": 3,
        "to_post": "post-street", "outcome": "done", "result": "satisfied", "because": "done", "withheld": "description",
        "why": "names", "due": "2025-03-10",
    }  # fmt: skip
    tried = 0
    for name, command in desk.definition.commands.items():
        if command.decider.category != "issue" or command.new is not None or name == "withdraw_issue":
            continue
        ask = {field.name: given[field.name] for field in command.fields if field.required and field.name in given}
        with pytest.raises(ForbiddenError, match=COMPOUND):
            desk.ask(name, "", **ask | {"issue_id": open_})
        for by in ("", "p-other"):
            with pytest.raises(NotFoundError) as refused:
                desk.ask(name, by, **ask | {"issue_id": id})
            assert COMPOUND not in f"{refused.value} {refused.value.fields}"
            tried += 1
    assert tried > 20
    for by in ("", "post-housing"):
        with pytest.raises(NotFoundError):
            desk.ask("posts_for_issue", by, issue_id=id)
    assert desk.ask("posts_for_issue", "post-grid", issue_id=id)["rows"]


def test_figures_count_confidential_cases_and_do_not_say_of_what(desk: Desk) -> None:
    """In a building of ten households a figure of 1 would tell whose quarrel it is."""
    report(desk)
    report(desk, "facility.road", text="坑")
    figures = desk.ask("issue_figures", place=COMPOUND)
    assert figures["by_class"] == {"confidential": 1, "facility": 1}
    assert sum(figures["by_class"].values()) == figures["collected"]


def test_the_power_at_one_place_shows_no_confidential_case_of_another(desk: Desk) -> None:
    id = report(desk, place=OTHER_COMPOUND)
    assert seen(desk, "post-grid") == []
    with pytest.raises(NotFoundError):
        desk.ask("get_issue", "post-grid", issue_id=id)


def test_every_fact_of_a_confidential_case_says_so_and_others_are_stored_as_before(desk: Desk) -> None:
    id = report(desk)
    desk.ask("triage_issue", "post-grid", issue_id=id, severity="small", tier="compound", reason="吵了三次")
    stored = [json.loads(bytes(record.data)) for record in desk.log.read(0)]
    assert [fact["confidential"] for fact in stored] == [True, True]
    report(desk, "facility.road")
    assert "confidential" not in json.loads(bytes(next(iter(desk.log.read(2))).data))


def test_staff_move_a_text_out_of_public_sight_and_everybody_reads_why(desk: Desk) -> None:
    """(part of X09)"""
    id = report(desk, "facility.road")
    with pytest.raises(ForbiddenError):
        desk.ask("withhold_text", "p-resident", issue_id=id, withheld="description", reason="点名")
    desk.ask("withhold_text", "post-grid", issue_id=id, withheld="description", reason="点到邻居的名字")
    for by in ("", "p-other", "post-housing"):
        page = json.dumps(desk.ask("get_issue", by, issue_id=id), ensure_ascii=False)
        listed = json.dumps(desk.ask("find_issues", by), ensure_ascii=False)
        assert QUARREL not in page + listed
        assert "点到邻居的名字" in page and '"withheld": 1' in page
    assert desk.ask("get_issue", "post-grid", issue_id=id)["description"] == QUARREL


#: Each step of a case with its public text, and who takes it.
STEPS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("triage_issue", "post-grid", "reason", {"severity": "small", "tier": "compound"}),
    ("dispatch_issue", "post-grid", "duty", {"post_id": "post-grid", "due": "2025-03-07"}),
    ("ask_extension", "post-grid", "reason", {"due": "2025-03-10"}),
    ("decline_extension", "post-street", "reason", {}),
    ("extend_issue", "post-street", "reason", {"due": "2025-03-10"}),
    ("escalate_issue", "post-grid", "reason", {"to_post": "post-street"}),
    ("resolve_issue", "post-street", "outcome", {}),
    ("record_follow_up", "post-grid", "note", {"result": "satisfied"}),
    ("close_issue", "post-street", "because", {}),
    ("reopen_issue", "post-street", "reason", {}),
    ("withhold_text", "post-street", "reason", {"withheld": "note"}),
]


def test_every_public_text_of_a_case_is_masked(desk: Desk) -> None:
    id = report(desk, "facility.road", text="打+8613812345678")
    for number, (command, by, field, ask) in enumerate(STEPS, 2):
        desk.ask(command, by, issue_id=id, **ask, **{field: "打+8613812345678"})
        assert desk.stored.count("打138****5678") == number, command
    assert "13812345678" not in desk.stored

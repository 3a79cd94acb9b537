"""What nobody signs for, beyond what a post takes in of it on a day: kept for staff, shown to nobody else, no duty (S18)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import ForbiddenError
from tests.kit.city import COMPOUND, OTHER_COMPOUND, entry, facts
from tests.kit.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path, [*facts(), entry("parameters", "anonymous_a_day", value=3)])
    yield desk
    desk.close()


def report(desk: Desk, by: str = "", place: str = COMPOUND, number: int = 0) -> str:
    ask = {"place": place, "category": "facility.road", "description": f"坑 {number}"}
    return str(desk.ask("report_issue", by, **ask)["id"])


def seen(desk: Desk, by: str, **ask: Any) -> list[str]:
    return [row["issue_id"] for row in desk.ask("find_issues", by, order="reported", **ask)["rows"]]


def test_many_at_once_make_no_duties_and_none_is_lost(desk: Desk) -> None:
    told = [report(desk, number=number) for number in range(8)]
    taken, held = set(told[:3]), set(told[3:])
    assert {row["issue_id"] for row in desk.ask("inbox", "post-grid")["rows"]} == taken
    assert set(seen(desk, "")) == set(seen(desk, "post-grid")) == taken
    assert set(seen(desk, "post-grid", status=["held"], place__under=COMPOUND)) == held
    assert seen(desk, "", status=["held"]) == seen(desk, "p-resident", status=["held"]) == []
    assert desk.ask("issue_figures", place=COMPOUND)["collected"] == 3
    assert report(desk, "p-resident") in seen(desk, ""), "who signs for it is never held"
    assert report(desk, place=OTHER_COMPOUND) in seen(desk, ""), "another post takes in as many"
    assert {row["issue_id"] for row in desk.ask("find_held_issues", "post-grid")["rows"]} == held
    for by in ("", "p-resident", "post-housing"):
        with pytest.raises(ForbiddenError, match="issue.triage"):
            desk.ask("find_held_issues", by)
    desk.tick("2025-06-08")
    assert set(seen(desk, "post-grid", status=["held"], place__under=COMPOUND)) == held, "nobody is in their debt"


def test_what_is_held_is_read_by_staff_and_released_or_struck_out(desk: Desk) -> None:
    *_taken, first, second = [report(desk, number=number) for number in range(5)]
    shown = desk.ask("get_issue", "", issue_id=first)
    assert (shown["status"], shown["description"], shown.get("person_id", "")) == ("held", "", "")
    assert [step["text"] for step in shown["timeline"]] == [""]
    case = desk.ask("get_issue", "post-grid", issue_id=first)
    assert case["description"] == "坑 3" and set(case["actions"]) >= {"release_issue", "strike_out_issue"}
    desk.ask("release_issue", "post-grid", issue_id=first)
    case = desk.ask("get_issue", "", issue_id=first)
    assert (case["status"], case["description"], case["post_id"]) == ("reported", "坑 3", "post-grid")
    desk.ask("strike_out_issue", "post-grid", issue_id=second, reason="广告")
    case = desk.ask("get_issue", "", issue_id=second)
    assert (case["status"], case["description"], case["struck_because"]) == ("struck_out", "", "广告")
    assert "坑 4" not in str(case)
    assert desk.ask("issue_figures", place=COMPOUND)["collected"] == 4

"""Whistles of three levels: units are called about an issue, report in within hours, act, finish, and both sides judge it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.kit.city import COMPOUND, STREET, entry, facts, post
from tests.kit.desk import Desk

CALLERS = {
    "street": ("street", "o-street"),
    "community": ("community", "o-community"),
    "compound": ("compound", "o-compound"),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    def city() -> Iterator[tuple[str, dict[str, Any]]]:
        yield from facts()
        yield entry("roles", "caller", powers=["whistle.*"])
        yield entry("organisation_types", "bureau")
        for code, (level, body) in CALLERS.items():
            summoned = ["bureau"] if code == "street" else []
            yield entry("whistles", code, caller=level, summoned=summoned, hours=2)
            yield from post(f"post-{code}", body, "caller", f"p-{code}")
        for name in ("water", "power"):
            body = {"organisation_id": f"o-{name}", "type": "bureau", "name": f"{name}局", "name_en": name}
            place = {"level": "street", "place": STREET, "parent_id": "", "since": "2025-01-01"}
            yield "OrganisationEstablished", body | place
            yield from post(f"post-{name}", f"o-{name}", "caller", f"p-{name}", place=STREET)

    made = Desk("issues", tmp_path, city())
    yield made
    made.close()


def reported(desk: Desk) -> str:
    told = {"place": COMPOUND, "category": "facility.streetlight", "description": "路灯不明"}
    return str(desk.ask("report_issue", "p-resident", **told)["id"])


def at(hour: int, day: int = 4) -> str:
    return f"2025-03-{day:02}T{hour:02}:30:00+08:00"


def test_departments_report_to_the_street_in_time_late_or_not_and_both_sides_judge_it(desk: Desk) -> None:
    """Caller, issue, units called, time limit; each comes, acts and finishes, the lead last; the record of units is for staff (E09)."""
    blow = {"kind": "street", "issue_id": reported(desk), "summoned": ["o-water", "o-power"], "task": "一起修路灯"}
    for wrong, by, error, match in (
        ({}, "post-community", ForbiddenError, "level street"),
        ({}, "p-resident", ForbiddenError, r"whistle\.blow"),
        ({"summoned": ["o-street"]}, "post-street", BadInputError, "no other body"),
        ({"summoned": ["o-nobody"]}, "post-street", BadInputError, "no other body"),
        ({"summoned": ["o-housing"]}, "post-street", BadInputError, "not called by this whistle"),
        ({"summoned": []}, "post-street", BadInputError, ""),
        ({"kind": "none-such"}, "post-street", BadInputError, "list whistles"),
    ):
        with pytest.raises(error, match=match):
            desk.ask("blow_whistle", by, **blow | wrong)
    id = str(desk.ask("blow_whistle", "post-street", at(9), **blow)["id"])
    told: dict[str, Any] = {"whistle_id": id}
    with pytest.raises(ForbiddenError, match="only who was called"):
        desk.ask("answer_whistle", "post-community", at(10), **told)
    with pytest.raises(IllegalStateError, match="reports in before"):
        desk.ask("finish_part", "post-water", at(10), result="修好", rating=5, **told)
    desk.ask("answer_whistle", "post-water", at(10), **told)
    assert desk.ask("answer_whistle", "post-water", at(10), **told)["events"] == 0
    close = {"outcome": "路灯亮了", "ratings": {"o-water": 4}}
    with pytest.raises(IllegalStateError, match="not over for: o-power"):
        desk.ask("close_whistle", "post-street", at(10), **told, **close)
    desk.tick("2025-03-05")
    desk.ask("answer_whistle", "post-power", at(9, 5), **told)
    with pytest.raises(IllegalStateError, match="finishes last; still at work: o-power"):
        desk.ask("finish_part", "post-water", at(10, 5), result="修好", rating=5, **told)
    with pytest.raises(IllegalStateError, match="still at work"):
        desk.ask("close_whistle", "post-street", at(10, 5), **told, **close)
    desk.ask("finish_part", "post-power", at(11, 5), result="通电", rating=2, **told)
    desk.ask("finish_part", "post-water", at(12, 5), result="修好", rating=5, **told)
    with pytest.raises(ForbiddenError, match="only who called"):
        desk.ask("close_whistle", "post-community", at(13, 5), **told, **close)
    with pytest.raises(BadInputError, match="judge each unit that reported in, and no other: o-power, o-water"):
        desk.ask("close_whistle", "post-street", at(13, 5), **told, **close)
    desk.ask("close_whistle", "post-street", at(13, 5), **told, outcome="亮了", ratings={"o-water": 4, "o-power": 1})
    (row,) = desk.ask("find_whistles", "post-street")["rows"]
    assert (row["status"], row["lead"], row["outcome"]) == ("closed", "o-water", "亮了")
    shown = {id: (one["status"], one["timely"], one["given"], one["got"]) for id, one in row["units"].items()}
    assert shown == {"o-water": ("finished", True, 5, 4), "o-power": ("finished", False, 2, 1)}
    with pytest.raises(ForbiddenError):
        desk.ask("find_whistles", "p-resident")
    figures = desk.ask("whistle_figures", "post-street")
    assert (figures["whistles"], figures["by_kind"]) == (1, {"street": 1})
    water, power = figures["units"][1], figures["units"][0]
    assert (water["called"], water["arrived"], water["came_late"], water["stars"]) == (1, 1, 0, 4)
    assert (power["called"], power["arrived"], power["came_late"], power["stars"]) == (1, 0, 1, 1)


def test_who_never_comes_is_absent_and_not_judged(desk: Desk) -> None:
    """The community calls a compound's body and a department; who has come finishes, the other is absent (E10)."""
    blow = {
        "kind": "community",
        "issue_id": reported(desk),
        "summoned": ["o-compound", "o-water"],
        "task": "清理楼道",
    }
    id = desk.ask("blow_whistle", "post-community", at(9), **blow)["id"]
    desk.ask("answer_whistle", "post-compound", at(10), whistle_id=id)
    desk.ask("finish_part", "post-compound", at(11), whistle_id=id, result="清了", rating=5)
    assert (desk.tick("2025-03-05"), desk.tick("2025-03-05")) == (1, 0)
    with pytest.raises(BadInputError, match="judge each unit that reported in, and no other: o-compound"):
        desk.ask("close_whistle", "post-community", at(9, 5), whistle_id=id, outcome="好", ratings={"o-water": 1})
    desk.ask("close_whistle", "post-community", at(9, 5), whistle_id=id, outcome="好", ratings={"o-compound": 5})
    with pytest.raises(IllegalStateError):
        desk.ask("answer_whistle", "post-water", at(10, 5), whistle_id=id)
    (water,) = (
        one for one in desk.ask("whistle_figures", "post-street")["units"] if one["organisation_id"] == "o-water"
    )
    assert (water["called"], water["absent"], water["rated"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("kind", "others"), [("street", ["o-water"]), ("community", ["o-water"]), ("compound", ["o-housing"])]
)
def test_each_level_blows_its_own_whistle(desk: Desk, kind: str, others: list[str]) -> None:
    """One summons with three levels: street, community, compound; no level blows another's (E08)."""
    blow = {"kind": kind, "issue_id": reported(desk), "summoned": others, "task": "一起办"}
    for other in CALLERS.keys() - {kind}:
        with pytest.raises(ForbiddenError, match="is blown by a body of the level"):
            desk.ask("blow_whistle", f"post-{other}", **blow)
    desk.ask("blow_whistle", f"post-{kind}", **blow)
    assert desk.ask("whistle_figures", "post-street")["by_kind"] == {kind: 1}


def test_a_compound_calls_several_parties(desk: Desk) -> None:
    """Units of the street and of the community come to the compound and are judged by it (part of E11)."""
    called = ["o-community", "o-water", "o-power"]
    blow = {"kind": "compound", "issue_id": reported(desk), "summoned": called, "task": "收集意见"}
    id = desk.ask("blow_whistle", "post-compound", at(9), **blow)["id"]
    for name in ("community", "power", "water"):
        desk.ask("answer_whistle", f"post-{name}", at(10), whistle_id=id)
    for name in ("power", "water", "community"):
        desk.ask("finish_part", f"post-{name}", at(11), whistle_id=id, result="听了三户", rating=4)
    ratings = dict.fromkeys(called, 5)
    desk.ask("close_whistle", "post-compound", at(12), whistle_id=id, outcome="都办了", ratings=ratings)
    (row,) = desk.ask("find_whistles", "post-compound", kind="compound", status="closed")["rows"]
    assert {one["status"] for one in row["units"].values()} == {"finished"} and row["waiting"] == 0

"""Rows of the catalogue about who answers at which level, each in one test: three levels of responsibility, four levels of the Party."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_coverages import SECOND, cover, figures, hold, lacking, need, place, role
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND
from tests.kit.desk import Desk

MORNING = "T09:00:00+08:00"
#: Six households in the first building, two in the second.
HOMES = [f"{BUILDING}.{number}" for number in range(101, 107)] + [f"{SECOND}.{number}" for number in (101, 102)]


def answering(desk: Desk) -> None:
    """A grid branch over the community, a group and a centre household in each building, and what each level is there to do."""
    for type, zh in (("grid_branch", "网格党支部"), ("building_group", "楼栋党小组")):
        adopt(desk, "organisation_types", type, zh)
    roles = {"branch_secretary": "网格支部书记", "group_leader": "党小组组长", "centre_household": "党员中心户"}
    functions = {"resources": "包资源", "service": "包服务", "care": "包居民"}
    bearers = ({"of": "grid_branch"}, {"of": "building_group", "role": "group_leader"}, {"role": "centre_household"})
    for (code, zh), (function, named), bearer in zip(roles.items(), functions.items(), bearers, strict=True):
        role(desk, code, zh)
        adopt(desk, "functions", function, named)
        adopt(desk, "duties", f"contract-{function}", f"{zh}{named}", function=function, **bearer)
    adopt(desk, "place_kinds", "household", "住户")
    for path in HOMES:
        place(desk, path, "household")
    establish(desk, "o-grid", "grid_branch", level="area", place=COMMUNITY)
    hold(desk, "post-branch", "o-grid", "branch_secretary", "p-branch", since="2025-03-01")
    for number, where in ((1, BUILDING), (2, SECOND)):
        establish(desk, f"g-{number}", "building_group", level="building", place=where, parent_id="o-grid")
        hold(desk, f"post-leader-{number}", f"g-{number}", "group_leader", f"p-leader-{number}", since="2025-03-01")
        hold(desk, f"post-home-{number}", f"g-{number}", "centre_household", f"p-home-{number}", since="2025-03-01")


def test_three_levels_answer_for_each_household_and_who_is_left_out_is_named(desk: Desk) -> None:
    """Branch for resources, group for service, centre household for households up to a cap; who has nobody is listed (A23)."""
    by = officer(desk, "link.*")
    answering(desk)
    group, home = {"near": "organisation", "far": "place", "far_of": "building", "far_cap": 1}, "centre_household"
    adopt(desk, "links", "resources", "包资源", **group, near_of="grid_branch")
    adopt(desk, "links", "service", "包服务", **group, near_of="building_group", cap=1)
    adopt(desk, "links", "care", "包居民", near="post", near_of=home, far="place", far_of="household", cap=5, far_cap=1)
    levels = {
        "resources": ("支部包资源", "above"),
        "service": ("小组包服务", "above"),
        "care": ("中心户包居民", "here"),
    }
    asked = [need(code, zh, "link", code, reach=reach) for code, (zh, reach) in levels.items()]
    cover(desk, "contract", "三级包干", *asked, of="household")

    def answer(kind: str, near: str, far: str, who: str = by) -> str:
        link: str = desk.ask("propose_link", who, kind=kind, near=near, far=far, terms="三级包干")["id"]
        return link

    duties = desk.ask("find_duties", place=HOMES[0])
    whose = {row["function"]: [post["post_id"] for post in row["posts"]] for row in duties["rows"]}
    assert whose == {"resources": ["post-branch"], "service": ["post-leader-1"], "care": ["post-home-1"]}
    assert {row["function"]: row["duties"] for row in duties["functions"]} == dict.fromkeys(whose, 1), "three levels"
    assert duties["nobody"] == 0
    assert lacking(figures(desk, "contract")) == {path: list(levels) for path in HOMES}, "nobody yet"

    with pytest.raises(BadInputError, match="grid_branch only"):
        answer("resources", "g-1", BUILDING)
    with pytest.raises(BadInputError, match="building only"):
        answer("service", "g-1", HOMES[0])
    with pytest.raises(BadInputError, match="centre_household only"):
        answer("care", "post-leader-1", HOMES[0])
    with pytest.raises(ForbiddenError):
        answer("care", "post-home-1", HOMES[0], "post-home-1")
    for building in (BUILDING, SECOND):
        answer("resources", "o-grid", building)
    answer("service", "g-1", BUILDING)
    with pytest.raises(IllegalStateError, match="g-1 has 1 links"):
        answer("service", "g-1", SECOND)
    with pytest.raises(IllegalStateError, match="1 links of this kind already"):
        answer("service", "g-2", BUILDING)
    care = [answer("care", "post-home-1", path) for path in HOMES[:5]]
    with pytest.raises(IllegalStateError, match="post-home-1 has 5 links"):
        answer("care", "post-home-1", HOMES[5])
    with pytest.raises(IllegalStateError, match="1 links of this kind already"):
        answer("care", "post-home-2", HOMES[0])
    answer("care", "post-home-2", HOMES[6])

    found = figures(desk, "contract")
    assert (found["covered"], found["subjects"]) == (5, 8)
    assert [(one["code"], one["having"], one["things"]) for one in found["needs"]] == [
        ("resources", 8, 1),
        ("service", 6, 1),
        ("care", 6, 2),
    ]
    assert lacking(found) == {HOMES[5]: ["care"], HOMES[6]: ["service"], HOMES[7]: ["service", "care"]}
    cared = desk.ask("link_figures", kind="care", place=COMMUNITY)
    assert (cared["near"]["linked"], cared["far"]["linked"], cared["far"]["missing"]) == (2, 6, [HOMES[5], HOMES[7]])
    (first, *_others) = desk.ask("coverage_map", coverage="contract", place=BUILDING)["rows"]
    assert first["has"] == {"resources": ["o-grid"], "service": ["g-1"], "care": ["post-home-1"]}

    desk.ask("log_delivery", by, link_id=care[0], what="上门代办医保")
    assert [one["what"] for one in desk.ask("get_link", link_id=care[0])["done"]] == ["上门代办医保"]
    later = f"2025-03-10{MORNING}"
    left: dict[str, Any] = {"post_id": "post-home-1", "person_id": "p-home-1", "until": "2025-03-10"}
    desk.ask("end_appointment", "operator", at=later, **left)
    counts = [figures(desk, "contract", on=day)["covered"] for day in ("2025-03-03", "2025-03-09", "2025-03-10")]
    assert counts == [0, 5, 0], "whom a centre household cared for has nobody once there is none"
    duties = desk.ask("find_duties", place=HOMES[0])
    assert (duties["nobody"], [row["function"] for row in duties["rows"] if not row["posts"]]) == (1, ["care"])


#: 四级: type, name, level, and the types of what is directly above; the grid's general branch stands at the second.
FOUR: dict[str, tuple[str, str, list[str]]] = {
    "community_committee": ("社区党委", "community", []),
    "general_branch": ("二级总支", "area", ["community_committee"]),
    "grid_general_branch": ("网格党总支", "area", ["community_committee"]),
    "yard_branch": ("院落支部", "compound", ["general_branch", "grid_general_branch"]),
    "building_group": ("楼栋小组", "building", ["yard_branch"]),
}


def test_four_levels_of_the_party_each_under_the_one_above_and_reorganised_with_their_history(desk: Desk) -> None:
    """委员会、总支、支部、小组: none is left out; split, merged and moved, each with its day; the tree of any day (D43)."""
    for type, (zh, _level, under) in FOUR.items():
        adopt(desk, "organisation_types", type, zh, under=under)
    with pytest.raises(BadInputError, match="do not fit") as refused:
        adopt(desk, "organisation_types", "lost", "无", under=["no-such", "lost"])
    assert set(refused.value.fields["data"]) == {"under"}
    with pytest.raises(IllegalStateError, match="must stay on the list"):
        desk.ask("retire_entry", "operator", kind="organisation_types", code="general_branch", reason="x")

    def found(id: str, type: str, parent: str, where: str, day: str = "2025-03-01") -> None:
        level = FOUR[type][1]
        at = max(day, "2025-03-04") + MORNING
        establish(desk, id, type, level=level, place=where, parent_id=parent, since=day, at=at, name=id)

    def end(day: str, id: str, *successors: str, until: str = "") -> None:
        asked = {"organisation_id": id, "until": until or day, "reason": "组织调整", "successors": list(successors)}
        desk.ask("dissolve_organisation", "operator", at=day + MORNING, **asked)

    def move(day: str, id: str, parent: str, since: str = "", by: str = "operator") -> None:
        asked = {"organisation_id": id, "new_parent_id": parent, "since": since or day, "reason": "组织调整"}
        desk.ask("move_organisation", by, at=day + MORNING, **asked)

    def shown(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {row["organisation_id"]: shown(row["children"]) for row in rows if row["type"] in FOUR}

    def tree(on: str) -> dict[str, Any]:
        return shown(desk.ask("organisation_tree", place=COMMUNITY, on=on)["roots"])

    def levels(on: str, where: str = COMMUNITY) -> dict[str, int]:
        counted: dict[str, int] = desk.ask("count_figures", place=where, on=on)["organisations_by_type"]
        return {type: counted[type] for type in FOUR if counted.get(type)}

    found("o-c", "community_committee", "", COMMUNITY)
    found("o-g", "general_branch", "o-c", COMMUNITY)
    found("grid", "grid_general_branch", "o-c", COMMUNITY)
    found("b-1", "yard_branch", "o-g", COMPOUND)
    for number, where in ((1, BUILDING), (2, SECOND)):
        found(f"t-{number}", "building_group", "b-1", where)
    for type, parent in (
        ("building_group", "o-c"),
        ("building_group", "o-g"),
        ("yard_branch", "o-c"),
        ("yard_branch", ""),
        ("general_branch", "committee"),
    ):
        with pytest.raises(IllegalStateError, match="is directly under one of"):
            found("wrong", type, parent, COMPOUND)
    for type, parent in (("grid_general_branch", "o-g"), ("yard_branch", "b-1"), ("general_branch", "t-1")):
        with pytest.raises(IllegalStateError, match="is not above"):
            found("wrong", type, parent, COMMUNITY)
    with pytest.raises(IllegalStateError, match="outside"):
        found("wrong", "building_group", "b-1", COMMUNITY)
    first = {"o-c": {"o-g": {"b-1": {"t-1": {}, "t-2": {}}}, "grid": {}}}
    assert tree("2025-03-04") == first
    assert levels("2025-03-04") == dict(zip(FOUR, (1, 1, 1, 1, 2), strict=True))
    assert levels("2025-03-04", COMPOUND) == {"yard_branch": 1, "building_group": 2}

    # split: one half is founded anew, its group moves there; the other half keeps its id, its posts and its group
    role(desk, "yard_secretary", "院落支部书记")
    hold(desk, "post-yard", "b-1", "yard_secretary", "p-yard", since="2025-03-01")
    found("b-2", "yard_branch", "o-g", COMPOUND, "2025-03-10")
    with pytest.raises(IllegalStateError, match="is directly under one of: yard_branch"):
        move("2025-03-10", "t-2", "o-g")
    with pytest.raises(BadInputError, match="under itself"):
        move("2025-03-10", "b-1", "t-1")
    with pytest.raises(ForbiddenError):
        move("2025-03-10", "t-2", "b-2", by="post-yard")
    move("2025-03-10", "t-2", "b-2")
    split = {"o-c": {"o-g": {"b-1": {"t-1": {}}, "b-2": {"t-2": {}}}, "grid": {}}}
    assert (tree("2025-03-09"), tree("2025-03-10")) == (first, split)

    # merged: what is below moves first; the body that ends names the one that goes on
    with pytest.raises(IllegalStateError, match="1 below it, such as t-2; move or dissolve those first"):
        end("2025-03-20", "b-2", "b-1")
    with pytest.raises(IllegalStateError, match="is where it is since 2025-03-10; it can move after that day"):
        move("2025-03-20", "t-2", "b-1", since="2025-03-10")
    move("2025-03-20", "t-2", "b-1")
    with pytest.raises(IllegalStateError, match="1 below it, such as t-2"):
        end("2025-03-20", "b-2", "b-1", until="2025-03-19")
    with pytest.raises(IllegalStateError, match="no other organisation that exists"):
        end("2025-03-20", "b-2", "no-such")
    end("2025-03-20", "b-2", "b-1")
    assert (tree("2025-03-19"), tree("2025-03-20")) == (split, first)

    # moved: under the grid's general branch, with its groups, its id and its post
    move("2025-03-25", "b-1", "grid")
    moved = {"o-c": {"o-g": {}, "grid": {"b-1": {"t-1": {}, "t-2": {}}}}}
    assert (tree("2025-03-24"), tree("2025-03-25")) == (first, moved)
    with pytest.raises(IllegalStateError, match="1 below it"):
        end("2025-03-25", "o-g", "grid", until="2025-03-24")
    (post,) = desk.ask("find_posts", organisation_id="b-1")["rows"]
    assert (post["post_id"], post["person_id"], post["vacant"]) == ("post-yard", "p-yard", False)

    branches = [levels(day)["yard_branch"] for day in ("2025-03-09", "2025-03-10", "2025-03-20", "2025-03-25")]
    assert branches == [1, 2, 1, 1]
    (was,) = desk.ask("find_organisations", on="2025-03-19", type="yard_branch", parent_id="o-g")["rows"]
    assert (was["organisation_id"], was["until"], was["reason"], was["successors"]) == (
        *("b-2", "2025-03-20", "组织调整"),
        ["b-1"],
    )
    (now,) = desk.ask("find_organisations", on="2025-03-25", type="yard_branch")["rows"]
    assert now["parents"] == [
        {"parent_id": "o-g", "since": "2025-03-01", "until": "2025-03-25"},
        {"parent_id": "grid", "since": "2025-03-25", "until": ""},
    ]

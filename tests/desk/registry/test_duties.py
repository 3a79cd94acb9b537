"""Lists of duties at the registry's desk: whose each is, which body or post has which, and the document that lists it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, IllegalStateError, NotFoundError
from tests.desk.registry.test_rows import adopt, establish
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE
from tests.kit.desk import Desk

FUNCTIONS = {"political": "政治功能", "service": "服务功能", "governance": "治理功能"}


def duty(desk: Desk, code: str, zh: str, function: str = "governance", **data: Any) -> None:
    adopt(desk, "duties", code, zh, function=function, **data)


def codes(desk: Desk, **asked: Any) -> list[str]:
    return [row["code"] for row in desk.ask("find_duties", **asked)["rows"]]


@pytest.fixture
def city(desk: Desk) -> Desk:
    """A city that tells three functions of its bodies apart."""
    for code, zh in FUNCTIONS.items():
        adopt(desk, "functions", code, zh)
    return desk


def test_functions_are_fixed_for_each_of_three_levels(city: Desk) -> None:
    """Grid branch, building group and member's household each have their own; one of a level that is no level is refused (part of A12)."""
    levels = {
        "community": "网格党支部：统筹网格事务",
        "compound": "楼栋党小组：联系楼栋",
        "building": "党员中心户：收集民情",
    }
    places = {"community": COMMUNITY, "compound": COMPOUND, "building": BUILDING}
    for level, zh in levels.items():
        duty(city, f"of-{level}", zh, of="party", level=level)
    for level in levels:
        where = {"parent_id": "" if level == "community" else "branch" if level == "building" else "committee"}
        establish(city, f"party-{level}", level=level, place=places[level], **where)
        assert codes(city, organisation_id=f"party-{level}") == [f"of-{level}"]
    with pytest.raises(BadInputError) as refused:
        duty(city, "x", "x", of="party", level="home")
    assert set(refused.value.fields["data"]) == {"level"}
    with pytest.raises(BadInputError) as refused:
        duty(city, "x", "x")
    assert set(refused.value.fields["data"]) == {"of"}, "a duty is somebody's"
    with pytest.raises(NotFoundError):
        codes(city, organisation_id="no-such")


def test_a_post_has_its_list_of_duties(city: Desk) -> None:
    """小巷总理: the community's director has the duties that are named for them, another post has not, a strange one is refused (A28)."""
    adopt(city, "roles", "director", "社区主任", level="", powers=PROFILE["powers"]["secretary"], intake=0)
    named = {"services": "办好公共服务", "disputes": "调解邻里纠纷", "assets": "管好集体资产"}
    for code, zh in named.items():
        duty(city, code, zh, "service", role="director", of="council")
    duty(city, "party-work", "抓党建", "political", of="party")
    establish(city, "residents-committee", "council", level="community", place=COMMUNITY, parent_id="")
    made: dict[str, Any] = {"organisation_id": "residents-committee", "role": "director", "title": "社区主任"}
    city.ask("establish_post", "operator", post_id="post-director", **made)
    city.ask("appoint_person", "operator", post_id="post-director", person_id="p-lin", since="2025-01-01")
    asked = city.ask("find_duties", post_id="post-director")
    assert {row["code"]: row["zh"] for row in asked["rows"]} == named
    assert {post["post_id"] for row in asked["rows"] for post in row["posts"]} == {"post-director"}
    assert all("p-lin" not in str(row) for row in asked["rows"]), "who holds it is asked elsewhere"
    assert codes(city, post_id="post-secretary") == ["party-work"], "duties of the body are those of its posts"
    with pytest.raises(NotFoundError):
        codes(city, post_id="no-such")
    with pytest.raises(BadInputError, match="one of them"):
        codes(city, post_id="post-director", place=COMMUNITY)
    with pytest.raises(BadInputError) as refused:
        duty(city, "x", "x", role="mayor")
    assert set(refused.value.fields["data"]) == {"role"}
    with pytest.raises(IllegalStateError, match="must stay"):
        city.ask("retire_entry", "operator", kind="functions", code="service", reason="x")


def test_duties_are_grouped_by_the_three_functions_of_a_party_organisation(city: Desk) -> None:
    """政治功能、服务功能、治理功能: 3 functions, each with its duties, also one that has none; no duty is without a function (A45)."""
    duty(city, "study", "组织学习", "political", of="party")
    duty(city, "visits", "走访困难群众", "service", of="party")
    duty(city, "errands", "代办事项", "service", of="party")
    asked = city.ask("find_duties", organisation_id="branch")
    counted = {row["function"]: row["duties"] for row in asked["functions"]}
    assert counted == {"political": 1, "service": 2, "governance": 0}
    listed = [row["function"] for row in asked["rows"]]
    assert listed == sorted(listed), "by function"
    assert codes(city, organisation_id="branch", function="service") == ["errands", "visits"]
    for wrong in ("", "ceremonial"):
        with pytest.raises(BadInputError) as refused:
            duty(city, "x", "x", wrong, of="party")
        assert set(refused.value.fields["data"]) == {"function"}


def test_the_duty_lists_of_three_bodies_stand_in_one_document(city: Desk) -> None:
    """《议事会、院委会、监事会职责清单》: three lists, one document in force that says so; before it there is none (D26)."""
    powers = [*PROFILE["powers"]["secretary"], "regulation.*"]
    adopt(city, "roles", "secretary", "书记", level="", powers=powers, intake=0)
    adopt(city, "organisation_types", "assembly", "议事会")
    adopt(city, "regulations", "duty-lists", "职责清单", of="council", guide="party")
    for of, zh in (("assembly", "商议"), ("council", "执行"), ("board", "监督")):
        duty(city, f"of-{of}", zh, of=of, regulation="duty-lists")
        establish(city, of, of)
        city.ask("establish_post", "operator", post_id=f"post-{of}", organisation_id=of, role="secretary", title=of)
    for of, person in (("assembly", "p-chen"), ("council", "p-lin"), ("board", "p-chen")):
        city.ask("appoint_person", "operator", post_id=f"post-{of}", person_id=person, since="2025-01-01")
    before = city.ask("find_duties", place=COMPOUND)
    assert {row["regulation_id"] for row in before["rows"]} == {""}
    drafted: dict[str, Any] = {"organisation_id": "council", "number": 1, "title": "职责清单", "text": "第一条"}
    id = city.ask("draft_regulation", "post-council", kind="duty-lists", guide_organisation_id="branch", **drafted)[
        "id"
    ]
    assert {row["regulation_id"] for row in city.ask("find_duties", place=COMPOUND)["rows"]} == {""}, "a draft"
    city.ask("adopt_regulation", "post-council", regulation_id=id, resolution="成立会议")
    asked = city.ask("find_duties", place=COMPOUND)
    assert {row["regulation_id"] for row in asked["rows"]} == {id}
    lists = {row["of"]: [post["organisation_id"] for post in row["posts"]] for row in asked["rows"]}
    assert lists == {"assembly": ["assembly"], "council": ["council"], "board": ["board"]}
    assert asked["nobody"] == 0
    city.ask("end_appointment", "operator", post_id="post-board", person_id="p-chen", until="2025-03-01")
    assert city.ask("find_duties", place=COMPOUND)["nobody"] == 1, "the duty that no held post has"
    with pytest.raises(BadInputError) as refused:
        duty(city, "x", "x", of="council", regulation="no-such")
    assert set(refused.value.fields["data"]) == {"regulation"}
    with pytest.raises(IllegalStateError, match="must stay"):
        city.ask("retire_entry", "operator", kind="regulations", code="duty-lists", reason="x")

"""Rows of the catalogue that coverages keep to, each in one test: of how many subjects how many have what, and which lack what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry.organisation.state import OrganisationEstablished
from services.registry.place.state import PlaceRegistered
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from shared.domain.identity import new_id
from shared.log import Commit, NewEvent
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND
from tests.kit.desk import Desk

SECOND = f"{COMPOUND}.02"
MORNING = "T09:00:00+08:00"


def need(code: str, zh: str, what: str, *of: str, **more: Any) -> dict[str, Any]:
    """What a coverage asks for."""
    return {"code": code, "zh": zh, "en": code, "what": what, "of": list(of)} | more


def cover(desk: Desk, code: str, zh: str, *needs: dict[str, Any], of: str = "compound", **more: Any) -> Any:
    """Adopt a coverage."""
    said = {
        "means": f"{zh}：有所列各项的数，占当日登记总数",
        "means_en": f"{code}: those that have all, of all there are that day",
    }
    return adopt(desk, "coverages", code, zh, **{"subject": "place", "of": of, "asks": list(needs)} | said | more)


def place(desk: Desk, path: str, kind: str, day: str = "2025-03-04") -> None:
    named = {"place": path, "kind": kind, "name": path.replace(".", "-"), "parent": path.rpartition(".")[0]}
    desk.ask("register_place", "operator", at=day + MORNING, **named)


def hold(desk: Desk, post: str, body: str, role: str, person: str, **term: str) -> None:
    """A post of a body that a person holds."""
    where = {"place": term.pop("place")} if "place" in term else {}
    desk.ask("establish_post", "operator", post_id=post, organisation_id=body, role=role, title=post, **where)
    if person not in {row["person_id"] for row in desk.ask("find_persons", "operator", limit=200)["rows"]}:
        desk.ask("register_person", "operator", person_id=person, name=person, place=COMMUNITY)
    desk.ask("appoint_person", "operator", post_id=post, person_id=person, **term)


def figures(desk: Desk, code: str, where: str = COMMUNITY, on: str = "") -> dict[str, Any]:
    """The figures of a coverage, whose parts add up."""
    found: dict[str, Any] = desk.ask("coverage_figures", coverage=code, place=where, on=on)
    assert found["covered"] + found["without"] == found["subjects"]
    assert found["means"] and found["means_en"] and found["as_of"]["position"]
    assert not any("percent" in name or "rate" in name for name in found)
    return found


def counted(desk: Desk, code: str, where: str = COMMUNITY, on: str = "") -> tuple[int, int]:
    found = figures(desk, code, where, on)
    return found["covered"], found["subjects"]


def lacking(found: dict[str, Any]) -> dict[str, list[str]]:
    """Who is missing, and what each lacks."""
    return {row["subject"]: row["lacks"] for row in found["missing"]}


def role(desk: Desk, code: str, zh: str, *powers: str, level: str = "") -> None:
    adopt(desk, "roles", code, zh, level=level, powers=list(powers), intake=0)


def test_each_compound_has_a_group_guided_by_the_grid_worker_under_the_grid_branch(desk: Desk) -> None:
    """A compound without a group, or with one under another branch or without its guide, is named with what it lacks (A08)."""
    by = officer(desk, "link.make")
    adopt(desk, "organisation_types", "grid_branch", "网格党支部")
    adopt(desk, "organisation_types", "building_group", "楼栋党小组")
    ends = {"near": "post", "near_of": "grid_worker", "far": "organisation", "far_of": "building_group"}
    adopt(desk, "links", "guides", "党建指导员", **ends, far_cap=1)
    asked = {"reach": "below", "parent": "grid_branch"}
    group = need("group", "楼栋党小组", "body", "building_group", **asked)
    guided = need("guided", "网格员指导", "body", "building_group", **asked, linked="guides")
    with pytest.raises(BadInputError, match="do not fit") as refused:
        cover(desk, "groups", "规范组建", group | {"of": ["no-such"]})
    assert refused.value.fields["data"]["asks"]["group"]
    cover(desk, "groups", "规范组建", group, guided)
    for other in ("one", "two"):
        place(desk, f"{COMMUNITY}.{other}", "compound")
    grid = {"level": "area", "place": COMMUNITY}
    establish(desk, "o-grid", "grid_branch", **grid)
    establish(desk, "g-1", "building_group", level="building", place=BUILDING, parent_id="o-grid")
    establish(desk, "g-2", "building_group", level="building", place=f"{COMMUNITY}.one", parent_id="committee")
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-03-01")
    assert lacking(figures(desk, "groups")) == {
        COMPOUND: ["guided"],
        f"{COMMUNITY}.one": ["group", "guided"],
        f"{COMMUNITY}.two": ["group", "guided"],
    }
    with pytest.raises(BadInputError, match="grid_worker only"):
        desk.ask("propose_link", by, kind="guides", near="post-secretary", far="g-1", terms="指导")
    link = desk.ask("propose_link", by, kind="guides", near="post-grid", far="g-1", terms="指导")
    assert link["events"] == 1
    assert counted(desk, "groups") == (1, 3)
    desk.ask("end_appointment", "operator", post_id="post-grid", person_id="p-lin", until="2025-03-04")
    assert lacking(figures(desk, "groups"))[COMPOUND] == ["guided"], "a post that nobody holds guides nobody"
    assert counted(desk, "groups", on="2025-03-03") == (0, 0), "links and compounds are those of the day"


def test_each_compound_has_its_building_guide(desk: Desk) -> None:
    """One post a compound, one person at a time; a compound without a guide is named (A30)."""
    role(desk, "build_guide", "小区建设指导员")
    cover(desk, "guides", "小区建设指导员", need("guide", "指导员在岗", "post", "build_guide"))
    place(desk, f"{COMMUNITY}.one", "compound")
    assert counted(desk, "guides") == (0, 2)
    hold(desk, "post-guide", "branch", "build_guide", "p-lin", since="2025-03-04")
    found = figures(desk, "guides")
    assert (found["covered"], found["subjects"]) == (1, 2)
    assert found["missing"] == [
        {"subject": f"{COMMUNITY}.one", "name": f"{COMMUNITY}.one".replace(".", "-"), "lacks": ["guide"]}
        | {"name_en": f"{COMMUNITY}.one".replace(".", "-")}
    ]
    with pytest.raises(IllegalStateError, match="is held by p-lin"):
        desk.ask("appoint_person", "operator", post_id="post-guide", person_id="p-chen")
    assert counted(desk, "guides", on="2025-03-03") == (0, 0), "no compound was registered that day"


_WRONG: list[dict[str, Any]] = [{"asks": []}, {"means": ""}, {"of": "castle"}, {"standing": "x"}]


def test_four_coverages_are_four_entries_of_the_city(desk: Desk) -> None:
    """Which four is data: each with its words, its numerator, its denominator and who is missing; one that is in use stays (B29)."""
    officer(desk)
    adopt(desk, "organisation_types", "union", "群团组织")
    role(desk, "head", "楼栋长")
    four = {
        "organised": ("组织覆盖", "compound", need("branch", "党组织", "body", "party")),
        "mass": ("群团覆盖", "compound", need("union", "群团组织", "body", "union", reach="above")),
        "heads": ("楼栋长覆盖", "building", need("head", "楼栋长", "post", "head")),
        "groups": ("党小组覆盖", "building", need("group", "党小组", "body", "party")),
    }
    for code, (zh, of, asked) in four.items():
        cover(desk, code, zh, asked, of=of)
    assert {row["code"]: row["zh"] for row in desk.ask("find_entries", kind="coverages")["rows"]} == {
        code: zh for code, (zh, _of, _asked) in four.items()
    }
    for kind, code in (("organisation_types", "union"), ("roles", "head")):
        with pytest.raises(IllegalStateError, match="must stay") as refused:
            desk.ask("retire_entry", "operator", kind=kind, code=code, reason="不用了")
        assert "another entry" in refused.value.fields["code"]
    place(desk, f"{COMPOUND}.03", "building")
    hold(desk, "post-head", "group-1", "head", "p-lin")
    assert {code: counted(desk, code) for code in four} == {
        "organised": (1, 1),
        "mass": (0, 1),
        "heads": (1, 3),
        "groups": (2, 3),
    }
    establish(desk, "o-union", "union", level="community", place=COMMUNITY, parent_id="street-committee")
    assert counted(desk, "mass") == (1, 1)
    with pytest.raises(BadInputError, match="not on the city's list coverages"):
        desk.ask("coverage_figures", coverage="fifth")
    for wrong in _WRONG:
        with pytest.raises(BadInputError, match="do not fit"):
            cover(desk, "fifth", "第五", need("branch", "党组织", "body", "party"), **wrong)
    for faulty in (
        need("branch", "党组织", "body", "party", linked="no-such"),
        need("post", "岗位", "post", "head", parent="party"),
        need("both", "交叉任职", "both", "party"),
        need("mode", "模式", "standing", "no-such"),
        need("able", "权限", "body", "party", power="no.such"),
        need("branch", "党组织", "body", "party", standing=["x"]),
    ):
        with pytest.raises(BadInputError, match="do not fit"):
            cover(desk, "fifth", "第五", faulty)
    desk.ask("retire_entry", "operator", kind="coverages", code="heads", reason="不再考核")
    assert len(desk.ask("find_entries", kind="coverages")["rows"]) == 3


def test_the_building_is_the_smallest_unit_with_its_head_and_its_group(desk: Desk) -> None:
    """A point on the map is a building that has a head and a group; each that lacks one is named, each head is one post (C29, D42)."""
    role(desk, "head", "楼栋长", level="building")
    asked = need("head", "楼栋长在岗", "post", "head"), need("group", "党小组", "body", "party")
    cover(desk, "points", "插在点上", *asked, of="building")
    place(desk, f"{COMPOUND}.03", "building")
    assert lacking(figures(desk, "points")) == {
        BUILDING: ["head"],
        SECOND: ["head"],
        f"{COMPOUND}.03": ["head", "group"],
    }
    with pytest.raises(IllegalStateError, match="level building"):
        hold(desk, "post-high", "branch", "head", "p-lin")
    with pytest.raises(IllegalStateError, match="outside"):
        hold(desk, "post-far", "group-1", "head", "p-lin", place=SECOND)
    hold(desk, "post-head-1", "group-1", "head", "p-lin", since="2025-03-02")
    found = figures(desk, "points")
    assert (found["covered"], found["subjects"], found["persons"]) == (1, 3, 1)
    assert {one["code"]: one["having"] for one in found["needs"]} == {"head": 1, "group": 2}
    desk.ask("end_appointment", "operator", post_id="post-head-1", person_id="p-lin", until="2025-03-04")
    assert counted(desk, "points") == (0, 3)
    assert counted(desk, "points", COMPOUND, on="2025-03-03") == (0, 0)


def _append(desk: Desk, stream: str, event: PlaceRegistered | OrganisationEstablished, day: str) -> None:
    """A fact as it was recorded on a day."""
    desk._at = day + MORNING
    data = msgspec.Raw(msgspec.json.encode(event))
    fact = NewEvent(type=type(event).__name__, schema=1, data=data, id=new_id(), occurred=day + MORNING)
    desk.log.append(
        Commit(
            stream=stream,
            expected_version=0,
            events=(fact,),
            command="told",
            command_id=new_id(),
            actor="",
            on_behalf_of="",
            mandate="",
            place=event.place,
        )
    )


def test_all_1004_compounds_have_their_branch_on_the_day_and_fewer_before(desk: Desk) -> None:
    """A branch in each compound, of how many there were at any past moment; 1004 of 1004 in the end (E01)."""
    asked = (
        need("branch", "小区党支部", "body", "compound_branch"),
        need("group", "楼栋党小组", "body", "party", reach="below"),
    )
    adopt(desk, "organisation_types", "compound_branch", "小区党支部")
    cover(desk, "branches", "党支部建在小区", asked[0])
    cover(desk, "upright", "纵向贯通", *asked)
    town = "420606"
    days = [f"2024-{1 + number * 12 // 1004:02d}-01" for number in range(1004)]
    for number, day in enumerate(days):
        path = f"{town}.c{number}"
        compound = PlaceRegistered(place=path, kind="compound", name=f"第{number}院", name_en="", parent=town)
        _append(desk, f"place-{path}", compound, day)
        body = {"level": "compound", "place": path, "parent_id": "", "since": day if number < 502 else "2024-12-20"}
        named = {"organisation_id": f"o-{number}", "type": "compound_branch", "name": f"第{number}支部", "name_en": ""}
        branch = OrganisationEstablished(**named, **body)
        _append(desk, f"organisation-o-{number}", branch, max(day, body["since"]))
    desk.catch_up()
    assert counted(desk, "branches", town, "2023-12-31") == (0, 0)
    for day in ("2024-03-01", "2024-06-30", "2024-12-19"):
        there = sum(one <= day for one in days)
        assert counted(desk, "branches", town, day) == (min(there, 502), there)
    assert len(figures(desk, "branches", town, "2024-12-19")["missing"]) == 50, "the first are named, all are counted"
    assert figures(desk, "branches", town, "2024-12-19")["without"] == 502
    assert counted(desk, "branches", town, "2024-12-20") == counted(desk, "branches", town) == (1004, 1004)
    assert counted(desk, "upright", town) == (0, 1004) and counted(desk, "upright", COMMUNITY) == (0, 1)
    establish(desk, "o-here", "compound_branch")
    assert counted(desk, "upright", COMMUNITY) == (1, 1), "with groups in its buildings"
    desk.ask("dissolve_organisation", "operator", organisation_id="o-7", reason="合并", until="2025-03-04")
    assert counted(desk, "branches", town) == (1003, 1004)
    assert lacking(figures(desk, "branches", town)) == {f"{town}.c7": ["branch"]}
    assert counted(desk, "branches", town, "2025-03-03") == (1004, 1004), "what was stays"


def test_the_staffing_map_says_who_serves_which_grid_and_building(desk: Desk) -> None:
    """Each building with the posts that are held for it, here and above; persons are counted once however many posts they hold (E02)."""
    role(desk, "head", "楼栋长")
    asked = need("grid", "网格员", "post", "grid_worker", reach="above"), need("head", "楼栋长", "post", "head")
    cover(desk, "staff", "力量下沉", *asked, of="building")
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-03-01")
    hold(desk, "post-head-1", "group-1", "head", "p-lin")
    rows = desk.ask("coverage_map", coverage="staff", place=COMMUNITY)["rows"]
    assert [(row["subject"], row["has"], row["persons"], row["covered"]) for row in rows] == [
        (BUILDING, {"grid": ["post-grid"], "head": ["post-head-1"]}, 1, True),
        (SECOND, {"grid": ["post-grid"], "head": []}, 1, False),
    ]
    assert figures(desk, "staff")["persons"] == 1
    first = desk.ask("coverage_map", coverage="staff", place=COMMUNITY, limit=1)
    assert [row["subject"] for row in first["rows"]] == [BUILDING] and first["next"] == BUILDING
    rest = desk.ask("coverage_map", coverage="staff", place=COMMUNITY, limit=1, after=first["next"])
    assert [row["subject"] for row in rest["rows"]] == [SECOND] and rest["next"] is None
    with pytest.raises(BadInputError):
        desk.ask("coverage_map", coverage="nobody")


FIELDS = {"property": "物业企业", "tower": "楼宇", "mall": "商圈", "internet": "互联网企业"}


def test_units_of_four_new_fields_are_covered_by_an_organisation(desk: Desk) -> None:
    """Each field counts its units and those that a Party organisation covers; only one that is no unit itself covers (E07)."""
    by = officer(desk, "link.make")
    for code, zh in FIELDS.items():
        adopt(desk, "organisation_types", code, zh)
        ends = {"near": "organisation", "near_of": "party", "far": "organisation", "far_of": code}
        adopt(desk, "links", f"covers-{code}", f"覆盖{zh}", **ends)
        asked = need("covered", "有党组织覆盖", "link", f"covers-{code}")
        cover(desk, f"field-{code}", f"{zh}覆盖", asked, subject="organisation", of=code)
        for number in (1, 2):
            establish(desk, f"{code}-{number}", code)
    for code in ("property", "tower", "internet"):
        desk.ask("propose_link", by, kind=f"covers-{code}", near="branch", far=f"{code}-1", terms="联合支部")
    with pytest.raises(BadInputError, match="party only"):
        desk.ask("propose_link", by, kind="covers-mall", near="tower-1", far="mall-1", terms="联合支部")
    assert {code: counted(desk, f"field-{code}") for code in FIELDS} == {
        "property": (1, 2),
        "tower": (1, 2),
        "mall": (0, 2),
        "internet": (1, 2),
    }
    assert lacking(figures(desk, "field-tower")) == {"tower-2": ["covered"]}
    assert figures(desk, "field-tower")["missing"][0]["name"] == "tower-2"


STRUCTURES = {
    "platform": ("“党建+物业”协商议事平台", ["branch_body", "owners", "firm_branch"]),
    "four": ("四位一体", ["branch_body", "owners", "red_firm", "board"]),
}


def _id(structure: str, type: str) -> str:
    return f"{structure}-{type}".replace("_", "-")


def test_a_compound_has_the_bodies_that_its_structure_asks_for(desk: Desk) -> None:
    """Three bodies in one structure, four in another whose board watches over the rest; which one a compound has is decided (B46, B47)."""
    by = officer(desk, "standing.decide")
    for type in {type for _zh, types in STRUCTURES.values() for type in types} - {"board"}:
        adopt(desk, "organisation_types", type, type)
    adopt(desk, "organisation_types", "board", "监事会", apart=["owners"])
    role(desk, "overseer", "监事", "payment.review.board")
    role(desk, "member", "委员")
    codes = [{"code": code, "zh": zh, "en": code} for code, (zh, _types) in STRUCTURES.items()]
    adopt(
        desk, "schemes", "structure", "治理架构", subject="place", of="compound", codes=codes, power="standing.decide"
    )
    for code, (zh, types) in STRUCTURES.items():
        able = {"board": {"power": "payment.review.board"}}
        needs = [need(type, type, "body", type, **able.get(type, {})) for type in types]
        cover(desk, f"structure-{code}", zh, *needs, scheme="structure", standing=code)
    second = f"{COMMUNITY}.one"
    place(desk, second, "compound")
    with pytest.raises(BadInputError, match="no code of structure"):
        desk.ask("decide_standing", by, scheme="structure", subject=COMPOUND, code="five", grounds="决议")
    for subject, code in ((COMPOUND, "platform"), (second, "four")):
        desk.ask("decide_standing", by, scheme="structure", subject=subject, code=code, grounds="决议")
        for type in STRUCTURES[code][1]:
            assert counted(desk, f"structure-{code}") == (0, 1)
            establish(desk, _id(code, type), type, place=subject)
    assert counted(desk, "structure-platform") == (1, 1)
    assert lacking(figures(desk, "structure-four")) == {second: ["board"]}, "a board that cannot oversee is none"
    hold(desk, "post-member", "four-owners", "member", "p-lin")
    with pytest.raises(ForbiddenError, match="watches over the other"):
        hold(desk, "post-overseer", "four-board", "overseer", "p-lin")
    desk.ask("appoint_person", "operator", post_id="post-overseer", person_id="p-chen")
    assert counted(desk, "structure-four") == (1, 1)
    (row,) = desk.ask("coverage_map", coverage="structure-four")["rows"]
    assert row["has"] == {type: [_id("four", type)] for type in STRUCTURES["four"][1]}


def test_members_of_two_bodies_are_counted_in_both_directions(desk: Desk) -> None:
    """Who of the branch came to the owners' committee, and who of that to the branch; persons once, compounds by name (B43)."""
    adopt(desk, "organisation_types", "owners", "业委会")
    role(desk, "member", "委员")
    into, back = (
        need("into", "党组织成员进业委会", "entered", "party", "owners"),
        need("back", "反向进入", "entered", "owners", "party"),
    )
    cover(desk, "cross", "交叉任职", need("both", "交叉任职", "both", "party", "owners"))
    cover(desk, "mutual", "双向进入", into, back)
    with pytest.raises(BadInputError, match="do not fit"):
        cover(desk, "wrong", "错", need("into", "进入", "entered", "party", "party"))
    place(desk, f"{COMMUNITY}.one", "compound")
    establish(desk, "o-owners", "owners")
    hold(desk, "b-1", "branch", "member", "p-lin", since="2025-03-01")
    hold(desk, "c-1", "o-owners", "member", "p-lin", since="2025-03-02")
    hold(desk, "c-3", "o-owners", "member", "p-lin", since="2025-03-02")
    found = figures(desk, "cross")
    assert (found["covered"], found["subjects"], found["persons"]) == (1, 2, 1)
    assert lacking(figures(desk, "mutual")) == {COMPOUND: ["back"], f"{COMMUNITY}.one": ["into", "back"]}
    hold(desk, "c-2", "o-owners", "member", "p-chen", since="2025-03-01")
    hold(desk, "b-2", "branch", "member", "p-chen", since="2025-03-03")
    found = figures(desk, "mutual")
    assert [(one["code"], one["having"], one["persons"]) for one in found["needs"]] == [("into", 1, 1), ("back", 1, 1)]
    assert (found["covered"], found["persons"]) == (1, 2)
    rows = desk.ask("coverage_map", coverage="mutual", place=COMPOUND)["rows"]
    assert rows[0]["has"] == {"into": ["p-lin"], "back": ["p-chen"]}
    desk.ask("end_appointment", "operator", post_id="b-2", person_id="p-chen", until="2025-03-04")
    assert figures(desk, "mutual")["covered"] == 0


def test_what_stands_in_for_the_owners_committee_counts_until_there_is_one(desk: Desk) -> None:
    """The city says who acts for whom; it ends by itself on the day of the real body, and what was before stays (part of A22, B15)."""
    adopt(desk, "organisation_types", "owners", "业委会")
    for wrong in ("no-such", "manager"):
        with pytest.raises(BadInputError, match="do not fit"):
            adopt(desk, "organisation_types", "manager", "物管会", stands_in=[wrong])
    adopt(desk, "organisation_types", "manager", "物管会", stands_in=["owners"])
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="organisation_types", code="owners", reason="x")
    owners = need("owners", "业委会", "body", "owners")
    cover(desk, "real", "业委会覆盖", owners)
    cover(desk, "acting", "业委会（含代行）覆盖", owners, stand_ins=True)
    establish(desk, "o-manager", "manager", since="2025-03-04")
    assert (counted(desk, "real"), counted(desk, "acting")) == ((0, 1), (1, 1))
    later = "2025-03-06"
    owners_body = {
        "organisation_id": "o-owners",
        "type": "owners",
        "level": "compound",
        "name": "业委会",
        "since": later,
    }
    there = {"place": COMPOUND, "parent_id": "committee"}
    desk.ask("establish_organisation", "operator", at=later + MORNING, **owners_body, **there)

    def acting(day: str) -> list[str]:
        (row,) = desk.ask("coverage_map", coverage="acting", on=day)["rows"]
        found: list[str] = row["has"]["owners"]
        return found

    assert (acting("2025-03-05"), acting(later)) == (["o-manager"], ["o-owners"])
    assert counted(desk, "real", on=later) == (1, 1)


def test_an_owners_committee_or_a_self_rule_group_under_a_party_organisation(desk: Desk) -> None:
    """Either of the two will do, but only under a Party organisation of the community or street (E06)."""
    for code, zh in (("owners", "业主委员会"), ("self-rule", "居民自治小组"), ("firm", "物业企业")):
        adopt(desk, "organisation_types", code, zh)
    either = need("either", "业委会或居民自治小组", "body", "owners", "self-rule", parent="party")
    cover(desk, "self-ruled", "业主委员会（居民自治小组）", either)
    paths = [f"{COMMUNITY}.{name}" for name in ("one", "two", "three")]
    for path in paths:
        place(desk, path, "compound")
    establish(desk, "o-council", "council", level="community", place=COMMUNITY, parent_id="street-committee")
    establish(desk, "o-1", "owners", place=paths[0])
    establish(desk, "o-2", "self-rule", place=paths[1], parent_id="street-committee")
    establish(desk, "o-3", "owners", place=paths[2], parent_id="o-council")
    establish(desk, "o-4", "firm", place=COMPOUND)
    found = figures(desk, "self-ruled")
    assert (found["covered"], found["subjects"]) == (2, 4)
    assert lacking(found) == {paths[2]: ["either"], COMPOUND: ["either"]}
    rows = desk.ask("coverage_map", coverage="self-ruled")["rows"]
    assert {row["subject"]: row["has"]["either"] for row in rows if row["covered"]} == {
        paths[0]: ["o-1"],
        paths[1]: ["o-2"],
    }
    with pytest.raises(BadInputError, match="do not fit"):
        cover(desk, "wrong", "错", either | {"parent": "no-such"})


def test_four_layers_reach_from_the_branch_to_the_households_that_members_keep_in_touch_with(desk: Desk) -> None:
    """Branch, group, centre household, linked households: a compound shows which of the four it lacks (B31)."""
    by = officer(desk, "link.make")
    adopt(desk, "organisation_types", "group", "党小组")
    adopt(desk, "place_kinds", "household", "户")
    role(desk, "centre", "党员中心户")
    adopt(
        desk,
        "links",
        "household",
        "党员联户",
        near="post",
        near_of="centre",
        far="place",
        far_of="household",
        far_cap=1,
    )
    layers = (
        need("branch", "小区党支部", "body", "party"),
        need("group", "楼栋（单元）党小组", "body", "group", reach="below", parent="party"),
        need("centre", "党员中心户", "post", "centre", reach="below"),
        need("linked", "党员联户", "link", "household", reach="below"),
    )
    cover(desk, "layers", "四层架构", *layers)
    home = f"{BUILDING}.101"
    place(desk, home, "household")

    def lacks() -> list[str]:
        return lacking(figures(desk, "layers")).get(COMPOUND, [])

    assert lacks() == ["group", "centre", "linked"]
    establish(desk, "g-9", "group", level="building", place=BUILDING, parent_id="branch")
    assert lacks() == ["centre", "linked"]
    hold(desk, "post-centre", "g-9", "centre", "p-lin")
    assert lacks() == ["linked"]
    link = {"kind": "household", "near": "post-centre", "terms": "每周走访"}
    with pytest.raises(BadInputError, match="household only"):
        desk.ask("propose_link", by, far=BUILDING, **link)
    made = desk.ask("propose_link", by, far=home, **link)
    assert lacks() == [] and counted(desk, "layers") == (1, 1)
    desk.ask("end_link", by, link_id=made["id"], reason="搬走")
    assert lacks() == ["linked"]


def test_posts_standings_and_passed_checklists_are_asked_for_too(desk: Desk) -> None:
    """A post that is held, what a compound is, what it has passed: each counts on the days on which it holds."""
    by = officer(desk, "checklist.*", "standing.decide")
    items = [{"code": "room", "zh": "有场所", "en": "room"}]
    adopt(
        desk, "checklists", "station", "验收", subject="place", items=items, power="checklist.judge", unlocks="accepted"
    )
    codes = [{"code": "company", "zh": "物业公司", "en": "company"}, {"code": "none", "zh": "无", "en": "none"}]
    adopt(desk, "schemes", "provision", "提供方", subject="place", of="compound", codes=codes, power="standing.decide")
    cover(desk, "accepted", "验收覆盖", need("accepted", "通过验收", "unlocked", "accepted"))
    cover(desk, "provided", "服务覆盖", need("provided", "有提供方", "standing", "provision", standing=["company"]))
    cover(desk, "seats", "在岗", need("held", "有人在岗", "post", "secretary"), subject="post", of="secretary")
    with pytest.raises(BadInputError, match="do not fit"):
        cover(desk, "wrong", "错", need("body", "组织", "body", "party"), subject="post", of="secretary")
    id = desk.ask("open_checklist", by, template="station", subject=COMPOUND)["id"]
    judged = {"checklist_id": id, "item": "room", "evidence": "现场"}
    assert counted(desk, "accepted") == (0, 1)
    desk.ask("judge_item", by, at="2025-03-05" + MORNING, passed=True, **judged)
    desk.ask("judge_item", by, at="2025-03-07" + MORNING, passed=False, **judged)
    days = ["2025-03-04", "2025-03-05", "2025-03-06", "2025-03-07"]
    assert [counted(desk, "accepted", on=day)[0] for day in days] == [0, 1, 1, 0]
    told = {"scheme": "provision", "subject": COMPOUND, "grounds": "合同"}
    for day, code in (("2025-03-04", "none"), ("2025-03-06", "company")):
        desk.ask("decide_standing", by, at=day + MORNING, code=code, **told)
    assert [counted(desk, "provided", on=day)[0] for day in days] == [0, 0, 1, 1]
    assert [counted(desk, "seats", on=day) for day in ("2024-12-31", "2025-01-01")] == [(0, 1), (1, 1)]

"""Rows of the catalogue about who holds posts beside their own work, and about who leads, runs and oversees a yard."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_coverages import counted, cover, figures, hold, lacking, need, place, role
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, STREET
from tests.kit.desk import Desk

NEXT = "2025-03-05T09:00:00+08:00"


def part_time(desk: Desk, code: str, *units: str) -> None:
    """A role whose holders have a main post of a body of such a type in the area."""
    adopt(desk, "roles", code, "兼职委员", level="", powers=[], intake=0, beside=list(units))


def post(desk: Desk, id: str, body: str, role: str) -> None:
    desk.ask("establish_post", "operator", post_id=id, organisation_id=body, role=role, title=id)


def appoint(desk: Desk, post: str, person: str, **term: str) -> Any:
    return desk.ask("appoint_person", "operator", post_id=post, person_id=person, **term)


def held(desk: Desk, post: str) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in desk.ask("find_posts", limit=200)["rows"] if row["post_id"] == post)
    return row


def test_cadres_are_part_time_members_of_the_residents_committee_and_62_of_them_are_counted(desk: Desk) -> None:
    """A part-time post takes who has a main post of a Party body there; 62 posts, each beside its own, and none without (B13)."""
    adopt(desk, "organisation_types", "residents", "居民委员会")
    role(desk, "cadre", "党员干部")
    with pytest.raises(BadInputError, match="do not fit") as refused:
        part_time(desk, "part_time", "no-such")
    assert refused.value.fields["data"]["beside"]
    part_time(desk, "part_time", "party")
    cover(desk, "part_time", "兼职委员", need("member", "兼职委员", "post", "part_time"), of="community")
    establish(desk, "o-residents", "residents", level="community", place=COMMUNITY, parent_id="street-committee")
    for number in range(62):
        cadre, main, seat = f"p-cadre-{number}", f"main-{number}", f"seat-{number}"
        desk.ask("register_person", "operator", person_id=cadre, name=f"干部{number}", place=COMMUNITY)
        post(desk, main, "branch", "cadre")
        post(desk, seat, "o-residents", "part_time")
        appoint(desk, main, cadre, since="2025-01-01")
        appoint(desk, seat, cadre, since="2025-02-01")
    (members,) = figures(desk, "part_time")["needs"]
    assert (members["having"], members["things"], members["persons"]) == (1, 62, 62)
    assert counted(desk, "part_time", on="2025-01-31") == (0, 0)
    assert held(desk, "seat-7")["beside_post_id"] == "main-7"
    post(desk, "seat-x", "o-residents", "part_time")
    with pytest.raises(IllegalStateError, match="p-lin holds no main post of a body of party") as without:
        appoint(desk, "seat-x", "p-lin")
    assert without.value.fields["person_id"]


def test_enlarged_committees_take_members_of_units_in_their_area(desk: Desk) -> None:
    """Street and community each have theirs; a unit of another street has no seat, and who leaves the unit leaves the committee (E03)."""
    for code, zh in (("enlarged_street", "街道“大工委”"), ("enlarged_community", "社区“大党委”"), ("unit", "驻区单位")):
        adopt(desk, "organisation_types", code, zh)
    role(desk, "clerk", "单位负责人")
    part_time(desk, "part_time", "unit")
    either = need("enlarged", "大工委、大党委", "body", "enlarged_street", "enlarged_community", role="part_time")
    cover(desk, "streets", "大工委", either, of="street")
    cover(desk, "communities", "大党委", either, of="community")
    place(desk, f"{STREET}.009", "community")
    there = {"level": "community", "parent_id": "street-committee"}
    establish(desk, "o-street", "enlarged_street", level="street", place=STREET, parent_id="")
    establish(desk, "o-community", "enlarged_community", place=COMMUNITY, **there)
    establish(desk, "u-here", "unit", place=COMMUNITY, **there)
    establish(desk, "u-there", "unit", place=f"{STREET}.009", **there)
    assert counted(desk, "communities", STREET) == (0, 2), "a committee without members is none"
    hold(desk, "main-here", "u-here", "clerk", "p-lin", since="2025-01-01", until="2025-04-01")
    hold(desk, "main-there", "u-there", "clerk", "p-chen", since="2025-01-01")
    post(desk, "seat", "o-community", "part_time")
    post(desk, "seat-street", "o-street", "part_time")
    with pytest.raises(IllegalStateError, match="no main post of a body of unit in its area"):
        appoint(desk, "seat", "p-chen")
    appoint(desk, "seat-street", "p-chen")
    appoint(desk, "seat", "p-lin")
    assert held(desk, "seat")["until"] == "2025-04-01", "as long as the main post"
    today = "2025-03-04"
    assert counted(desk, "streets", STREET, today) == (1, 1)
    assert counted(desk, "communities", STREET, today) == (1, 2)
    assert lacking(figures(desk, "communities", STREET, today)) == {f"{STREET}.009": ["enlarged"]}
    desk.ask("end_appointment", "operator", post_id="main-here", person_id="p-lin", until="2025-03-04")
    assert held(desk, "seat")["vacant"] and counted(desk, "communities", STREET) == (0, 2)
    (ended,) = desk.ask("find_appointments", post_id="seat")["rows"]
    assert (ended["until"], ended["beside_post_id"]) == ("2025-03-04", "main-here")


def test_a_part_time_post_is_held_beside_a_main_post_and_never_longer(desk: Desk) -> None:
    """No second post without a first one, none in the own body, none that outlasts it; it falls vacant with it (E04)."""
    adopt(desk, "organisation_types", "unit", "单位")
    role(desk, "clerk", "工作人员")
    part_time(desk, "part_time", "unit", "party")
    establish(desk, "u-1", "unit", place=COMPOUND)
    post(desk, "seat", "committee", "part_time")
    post(desk, "main-own", "committee", "clerk")
    appoint(desk, "main-own", "p-lin", since="2025-01-01")
    with pytest.raises(IllegalStateError, match="seat is a part-time post"):
        appoint(desk, "seat", "p-lin")
    hold(desk, "main", "u-1", "clerk", "p-lin", since="2025-02-01")
    with pytest.raises(IllegalStateError, match="part-time"):
        appoint(desk, "seat", "p-lin", since="2025-01-31")
    assert appoint(desk, "seat", "p-lin", since="2025-02-01")["events"] == 1
    assert appoint(desk, "seat", "p-lin", since="2025-02-01")["events"] == 0
    desk.ask("end_appointment", "operator", post_id="seat", person_id="p-lin", until="2025-03-01")
    desk.ask("end_appointment", "operator", post_id="main", person_id="p-lin", until="2025-06-01")
    with pytest.raises(IllegalStateError, match="goes with main, which p-lin holds until 2025-06-01") as late:
        appoint(desk, "seat", "p-lin", until="2025-07-01")
    assert late.value.fields["until"]
    appoint(desk, "seat", "p-lin")
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="organisation_types", code="unit", reason="x")
    desk.ask("end_appointment", "operator", at=NEXT, post_id="main", person_id="p-lin", until="2025-03-05")
    assert (held(desk, "seat")["until"], held(desk, "main-own")["until"]) == ("2025-03-05", "")


def test_what_stands_in_for_the_owners_committee_is_established_only_where_there_is_none(desk: Desk) -> None:
    """A 物管会 is a type of its own: refused beside the real body, it no longer counts from the day of that body on (B15)."""
    adopt(desk, "organisation_types", "owners", "业委会")
    with pytest.raises(BadInputError, match="do not fit"):
        adopt(desk, "organisation_types", "manager", "物管会", stands_in=["no-such"], instead=True)
    adopt(desk, "organisation_types", "manager", "物管会", stands_in=["owners"], instead=True)
    owners = need("owners", "业委会", "body", "owners")
    cover(desk, "real", "业委会覆盖", owners)
    cover(desk, "acting", "业委会（含物管会）覆盖", owners, stand_ins=True)
    second = f"{COMMUNITY}.one"
    place(desk, second, "compound")
    establish(desk, "o-owners", "owners", place=second)
    with pytest.raises(IllegalStateError, match="has o-owners; a body of the type manager") as refused:
        establish(desk, "m-2", "manager", place=second)
    assert refused.value.fields["type"]
    establish(desk, "m-1", "manager", since="2025-03-04")
    assert (counted(desk, "real"), counted(desk, "acting")) == ((1, 2), (2, 2))
    asked = {"type": "owners", "level": "compound", "name": "业委会", "place": COMPOUND, "parent_id": "committee"}
    desk.ask("establish_organisation", "operator", at=NEXT, organisation_id="o-1", since="2025-03-05", **asked)
    rows = desk.ask("coverage_map", coverage="acting", on="2025-03-05", place=COMPOUND)["rows"]
    assert [row["has"] for row in rows] == [{"owners": ["o-1"]}]
    desk.ask("dissolve_organisation", "operator", organisation_id="o-owners", reason="届满", until="2025-03-04")
    assert establish(desk, "m-2", "manager", place=second, since="2025-03-04")["events"] == 1


ORDER = ("led", "self-ruled", "vanguard", "all")


def test_the_working_order_of_a_yard_has_four_parts(desk: Desk) -> None:
    """Branch leads, committee rules itself, members go ahead, everybody takes part: a yard shows which of the four it lacks (D20)."""
    adopt(desk, "organisation_types", "yard", "院委会")
    adopt(desk, "links", "everyone", "居民参与", near="organisation", near_of="yard", far="place", far_of="building")
    for code, zh in (("vanguard", "党员先锋岗"), ("leader", "支部书记")):
        role(desk, code, zh, *(["regulation.adopt"] if code == "leader" else []))
    order = (
        need("led", "党支部领导", "body", "party", power="regulation.adopt"),
        need("self-ruled", "院委会自治", "body", "yard", parent="party"),
        need("vanguard", "党员当先锋", "post", "vanguard", reach="below"),
        need("all", "居民全参与", "link", "everyone", reach="below"),
    )
    cover(desk, "order", "四位一体工作格局", *order)
    with pytest.raises(BadInputError, match="do not fit"):
        cover(desk, "order", "四位一体工作格局", *order, order[0])
    by = officer(desk, "link.make")

    def lacks() -> list[str]:
        return lacking(figures(desk, "order")).get(COMPOUND, [])

    assert lacks() == list(ORDER)
    hold(desk, "post-leader", "branch", "leader", "p-chen")
    assert lacks() == list(ORDER[1:])
    establish(desk, "o-stray", "yard", place=COMPOUND, parent_id="")
    assert lacks() == list(ORDER[1:]), "a committee that no Party organisation leads is not this order"
    establish(desk, "o-yard", "yard", level="building", place=COMPOUND, parent_id="branch")
    assert lacks() == list(ORDER[2:])
    hold(desk, "post-van", "group-1", "vanguard", "p-lin")
    assert lacks() == ["all"]
    with pytest.raises(BadInputError, match="building only"):
        desk.ask("propose_link", by, kind="everyone", near="o-yard", far=COMPOUND, terms="议事")
    desk.ask("propose_link", by, kind="everyone", near="o-yard", far=BUILDING, terms="每户一名代表议事")
    assert counted(desk, "order") == (1, 1)


def test_the_committee_runs_the_yard_the_branch_leads_it_and_the_board_oversees_it(desk: Desk) -> None:
    """Each does its own part and is refused the others', and nobody sits in both the committee and the board (D14)."""
    adopt(desk, "organisation_types", "yard", "院委会")
    adopt(desk, "organisation_types", "board", "监事会", apart=["yard"])
    role(desk, "runs", "院委会主任", "regulation.draft")
    role(desk, "leads", "支部书记", "regulation.adopt")
    role(desk, "oversees", "监事长", "checklist.*")
    adopt(desk, "regulations", "rules", "院规", of="yard", adopted_by="party")
    items = [{"code": "open", "zh": "院务公开", "en": "open affairs"}]
    adopt(desk, "checklists", "yard", "院务监督", subject="organisation", items=items, power="checklist.judge.yard")
    for body, role_, person in (
        ("yard", "runs", "p-run"),
        ("branch", "leads", "p-lead"),
        ("board", "oversees", "p-see"),
    ):
        if body != "branch":
            establish(desk, body, body)
        hold(desk, f"post-{role_}", body, role_, person)
    runs, leads, oversees = "post-runs", "post-leads", "post-oversees"
    asked = {"kind": "rules", "organisation_id": "yard", "title": "院规", "text": "院落每周大扫除。"}
    for other in (leads, oversees):
        with pytest.raises(ForbiddenError, match="regulation.draft"):
            desk.ask("draft_regulation", other, **asked)
    id = desk.ask("draft_regulation", runs, **asked)["id"]
    for other in (runs, oversees):
        with pytest.raises(ForbiddenError, match="regulation.adopt"):
            desk.ask("adopt_regulation", other, regulation_id=id, resolution="院民会议")
    desk.ask("adopt_regulation", leads, regulation_id=id, resolution="支部会议")
    list_id = desk.ask("open_checklist", oversees, template="yard", subject="yard")["id"]
    judged = {"checklist_id": list_id, "item": "open", "passed": True, "evidence": "公开栏照片"}
    for other in (runs, leads):
        with pytest.raises(ForbiddenError, match="checklist.judge"):
            desk.ask("judge_item", other, **judged)
    assert desk.ask("judge_item", oversees, **judged)["events"]
    post(desk, "post-member", "yard", "runs")
    with pytest.raises(ForbiddenError, match="watches over the other"):
        appoint(desk, "post-member", "p-see")

"""Rows of the catalogue that the registry keeps to, each in one test: what it does and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.obligation.rows import forecast
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE, STREET, words
from tests.kit.desk import Desk


def adopt(desk: Desk, kind: str, code: str, zh: str, /, **data: Any) -> Any:
    return desk.ask("adopt_entry", "operator", kind=kind, code=code, zh=zh, en=code, since="2025-01-01", data=data)


def establish(desk: Desk, id: str, type: str = "party", level: str = "compound", **more: Any) -> Any:
    asked = {"organisation_id": id, "type": type, "level": level, "name": id, "since": "2025-01-01"}
    return desk.ask(
        "establish_organisation", "operator", **{"place": COMPOUND, "parent_id": "committee"} | asked | more
    )


def officer(desk: Desk, *powers: str) -> str:
    """The post of the community's secretary, who may also do this."""
    adopt(desk, "roles", "secretary", "书记", level="", powers=[*PROFILE["powers"]["secretary"], *powers], intake=0)
    return "post-secretary"


LISTS = [
    ("3437", "3437管理机制", "organisation", "branch", ["三", "四"]),
    ("five-haves", "“五有”小区", "place", COMPOUND, [f"有{one}" for one in "一二三四五"]),
    (
        "station-five",
        "党群服务站五个方面",
        "place",
        COMMUNITY,
        ["建设标准", "服务能力", "办公设施", "制度标识", "运行维护"],
    ),
]


@pytest.mark.parametrize(("code", "name", "kind", "subject", "items"), LISTS)
def test_a_checklist_is_named_and_filled_by_the_city_and_has_versions(
    desk: Desk, code: str, name: str, kind: str, subject: str, items: list[str]
) -> None:
    """What it holds is data: a mechanism that is only named, "five haves", five aspects of a station (A13, B24, B28) (part of A01, B49)."""
    by = officer(desk, "checklist.*")
    with pytest.raises(BadInputError, match="not on the city's list checklists"):
        desk.ask("open_checklist", by, template=code, subject=subject)
    told: dict[str, Any] = {"subject": kind, "power": "checklist.judge.norms", "unlocks": ""}
    with pytest.raises(BadInputError, match="do not fit the list"):
        adopt(desk, "checklists", code, name, items=[], **told)
    listed = [{"code": f"item-{n}", "zh": zh, "en": f"item {n}"} for n, zh in enumerate(items, 1)]
    adopt(desk, "checklists", code, name, items=listed, **told)
    id = desk.ask("open_checklist", by, template=code, subject=subject)["id"]
    shown = desk.ask("get_checklist", checklist_id=id)
    assert [(item["code"], item["zh"]) for item in shown["items"]] == [(one["code"], one["zh"]) for one in listed]
    for other in (f"{subject}.99", "no-such"):
        with pytest.raises((NotFoundError, BadInputError)):
            desk.ask("open_checklist", by, template=code, subject=other)
    desk.ask(
        "adopt_entry", "operator", kind="checklists", code=code, zh=name, en=code, data=told | {"items": listed[:1]}
    )
    assert desk.ask("get_checklist", checklist_id=id)["template_version"] == 1, "what is being judged stays"
    assert desk.ask("open_checklist", by, template=code, subject=subject)["events"] == 1
    shown = desk.ask("get_checklist", checklist_id=id)
    assert (shown["template_version"], shown["of"]) == (2, 1)


@pytest.mark.parametrize(
    "levels", [("city", "street", "community"), ("street", "community", "grid", "building", "home")]
)
def test_a_city_has_as_many_levels_as_it_says_and_its_tree_follows_them(empty: Desk, levels: tuple[str, ...]) -> None:
    """Three levels in one city, five in another, by data alone (A03, B01)."""
    empty.ask(
        "adopt_profile",
        "operator",
        profile_id="own",
        **PROFILE | {"levels": [{"code": code, **words(code)} for code in levels], "roles": PROFILE["roles"][1:]},
    )
    empty.ask("register_place", "operator", place="1", kind="district", name="一", parent="")
    parent = ""
    for level in levels:
        establish(empty, level, level=level, place="1", parent_id=parent)
        parent = level
    root = empty.ask("organisation_tree")["roots"]
    depth = 0
    while root:
        (one,) = root
        root, depth = one["children"], depth + 1
    assert depth == len(levels)
    with pytest.raises(IllegalStateError, match="is not above"):
        establish(empty, "second", level=levels[0], place="1", parent_id=levels[-1])
    with pytest.raises(BadInputError, match="not on the city's list levels"):
        establish(empty, "third", level="hamlet", place="1", parent_id=levels[0])


KINDS = {
    "self-help": ("自助物业协会", 9),
    "self-rule": ("自管会", 7),
    "service-team": ("自助式物业服务队", 6),
    "deliberation": ("议事会", 1),
    "yard-group": ("院落自治小组", 1),
}


def test_kinds_of_organisations_are_an_open_list_and_are_counted_by_kind(desk: Desk) -> None:
    """Twenty-two self-organisations of three kinds, a deliberative council, the bodies of a unit's yard (A05, D07, E25)."""
    with pytest.raises(BadInputError, match="not on the city's list organisation_types"):
        establish(desk, "o-0", "self-help")
    for code, (zh, count) in KINDS.items():
        adopt(desk, "organisation_types", code, zh)
        for number in range(count):
            establish(desk, f"o-{code}-{number}", code)
    counted = desk.ask("count_figures", place=COMPOUND)["organisations_by_type"]
    assert {code: counted[code] for code in KINDS} == {code: count for code, (_, count) in KINDS.items()}
    assert sum(counted[code] for code in list(KINDS)[:3]) == 22
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="organisation_types", code="self-help", reason="x")


def test_party_organisations_are_counted_as_of_a_day(desk: Desk) -> None:
    """Those that stood on that day, not those of another type (A06, B30)."""
    adopt(desk, "organisation_types", "owners", "业委会")
    establish(desk, "o-owners", "owners")
    establish(desk, "o-second")
    end = {"organisation_id": "o-second", "reason": "合并"}
    with pytest.raises(IllegalStateError, match="not come yet|to 2025-03-04"):
        desk.ask("dissolve_organisation", "operator", until="2025-03-05", **end)
    desk.ask("dissolve_organisation", "operator", until="2025-02-01", **end)

    def party(on: str) -> int:
        counted: dict[str, int] = desk.ask("count_figures", place=COMPOUND, on=on)["organisations_by_type"]
        return counted.get("party", 0)

    assert [party(day) for day in ("2019-12-31", "2024-12-31", "2025-01-31", "2025-02-01")] == [0, 3, 4, 3]


def test_a_yard_committee_reports_three_times_a_year(desk: Desk) -> None:
    """Each with evidence and apart; behind is told in time, what was missed at the end of the year (D15)."""
    by = officer(desk, "obligation.*")
    rule = {"cadence": "year", "bearer": "council", "amount": 3, "spacing": 60, "power": "obligation.meet"}
    adopt(desk, "obligations", "branch-report", "向党支部报告工作", **rule)
    establish(desk, "o-yard", "council")
    establish(desk, "o-idle", "council")
    desk.tick("2025-03-05")
    owed = {row["organisation_id"]: row for row in desk.ask("find_obligations", rule="branch-report")["rows"]}
    assert set(owed) == {"o-yard", "o-idle"}
    id = owed["o-yard"]["obligation_id"]

    def reported(day: str, evidence: str) -> Any:
        ask = {"obligation_id": id, "done_on": day, "evidence": evidence}
        return desk.ask("meet_obligation", by, at=f"{day}T18:00:00+08:00", **ask)

    reported("2025-03-05", "纪要1")
    with pytest.raises(IllegalStateError, match="60 days apart"):
        reported("2025-04-05", "纪要2")
    assert reported("2025-06-05", "纪要1")["events"] == 0, "the same minutes are the same report"
    reported("2025-06-05", "纪要2")
    reported("2025-09-05", "纪要3")
    assert desk.ask("get_obligation", obligation_id=id)["status"] == "met"
    idle = {"obligation_id": owed["o-idle"]["obligation_id"]}
    row = desk.ask("get_obligation", **idle)
    told = [forecast(row, f"2025-{day}") for day in ("04-01", "08-01", "10-01")]
    assert [(one["behind"], one["attainable"]) for one in told] == [(False, True), (True, True), (True, False)]
    assert desk.tick("2025-12-31") == 0
    desk.tick("2026-01-01")
    missed = desk.ask("get_obligation", **idle)
    assert (missed["status"], missed["done"], missed["period"], missed["attainable"]) == ("missed", 0, "2025", False)
    figures = desk.ask("obligation_figures", place=COMPOUND)["by_status"]
    assert (figures["met"], figures["missed"], figures["owed"]) == (1, 1, 2), "and the new year's two"


def test_a_joint_meeting_is_held_each_quarter_or_seen_to_be_missed(desk: Desk) -> None:
    """(E05)"""
    by = officer(desk, "obligation.*")
    rule = {"cadence": "quarter", "bearer": "board", "amount": 1, "spacing": 0, "power": "obligation.meet"}
    adopt(desk, "obligations", "joint-meeting", "联席会议", **rule)
    adopt(desk, "organisation_types", "board", "大工委")
    establish(desk, "o-joint", "board", level="community", place=COMMUNITY, parent_id="street-committee")
    desk.tick("2025-03-05")
    (first,) = desk.ask("find_obligations", rule="joint-meeting")["rows"]
    early = {"obligation_id": first["obligation_id"], "evidence": "会议纪要"}
    with pytest.raises(IllegalStateError, match="outside the period"):
        desk.ask("meet_obligation", by, at="2025-03-05T18:00:00+08:00", done_on="2024-12-31", **early)
    with pytest.raises(ForbiddenError, match="obligation"):
        desk.ask("meet_obligation", "p-lin", at="2025-03-05T18:00:00+08:00", done_on="2025-03-05", **early)
    desk.ask("meet_obligation", by, at="2025-03-05T18:00:00+08:00", done_on="2025-03-05", **early)
    desk.tick("2025-04-01")
    desk.tick("2025-07-01")
    rows = {row["period"]: row["status"] for row in desk.ask("find_obligations", rule="joint-meeting")["rows"]}
    assert rows == {"2025-q1": "met", "2025-q2": "missed", "2025-q3": "owed"}


def test_residents_and_floating_people_are_counted_from_a_day_on(desk: Desk) -> None:
    """(C55)"""
    adopt(desk, "measures", "floating", "流动人口")
    told = {"place": COMPOUND, "unit": "persons"}
    for measure, value, since in (
        ("residents", 600, "2024-01-01"),
        ("floating", 90, "2024-01-01"),
        ("floating", 210, ""),
    ):
        desk.ask("measure_place", "operator", measure=measure, value=value, since=since, **told)
    rows = {row["measure"]: row for row in desk.ask("get_place", place=COMPOUND)["measures"]}
    assert (rows["residents"]["value"], rows["floating"]["value"]) == (600, 210)
    assert [(one["since"], one["value"]) for one in rows["floating"]["history"]] == [
        ("2024-01-01", 90),
        ("2025-03-04", 210),
    ]
    with pytest.raises(BadInputError, match="not on the city's list measures"):
        desk.ask("measure_place", "operator", measure="shops", value=3, **told)
    with pytest.raises(IllegalStateError, match="measured in persons"):
        desk.ask("measure_place", "operator", measure="floating", value=3, place=COMPOUND, unit="households")


def test_a_level_has_the_powers_that_the_city_gives_it(desk: Desk) -> None:
    """A power reaches down from the post's place and never beside or above it; what a role may do is data (C13)."""
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin")
    yard = {"place": f"{COMMUNITY}.009", "kind": "yard", "name": "院落", "parent": COMMUNITY}
    with pytest.raises(ForbiddenError, match="registry.place"):
        desk.ask("register_place", "post-grid", **yard)
    adopt(desk, "roles", "grid_worker", "网格员", level="community", powers=["registry.place"], intake=1)
    desk.ask("register_place", "post-grid", **yard)
    with pytest.raises(ForbiddenError, match=f"registry.place at {STREET}"):
        desk.ask("register_place", "post-grid", place=f"{STREET}.003", kind="community", name="邻社区", parent=STREET)
    post = {"post_id": "post-0", "role": "grid_worker", "title": "网格员"}
    with pytest.raises(IllegalStateError, match="of the level community"):
        desk.ask("establish_post", "operator", organisation_id="branch", **post)


def test_a_facility_is_a_place_of_its_compound(desk: Desk) -> None:
    """(C24)"""
    centre = {"place": f"{COMPOUND}.centre", "kind": "facility", "name": "党群服务中心", "parent": COMPOUND}
    with pytest.raises(BadInputError, match="not on the city's list place_kinds"):
        desk.ask("register_place", "operator", **centre)
    adopt(desk, "place_kinds", "facility", "设施")
    desk.ask("register_place", "operator", **centre)
    assert [row["name"] for row in desk.ask("find_places", kind="facility")["rows"]] == ["党群服务中心"]
    with pytest.raises(IllegalStateError, match="one part more"):
        desk.ask("register_place", "operator", **centre | {"place": "350104.centre"})
    assert desk.ask("get_place", place=BUILDING)["kind"] == "building"


def test_the_branch_of_a_grid_leads_building_groups_and_its_secretary_is_the_grid_worker(desk: Desk) -> None:
    """(A09)"""
    adopt(desk, "organisation_types", "grid_branch", "网格党支部")
    establish(desk, "grid-1", "grid_branch", level="compound", place=COMPOUND)
    for number in (1, 2):
        establish(desk, f"cell-{number}", level="building", place=BUILDING, parent_id="grid-1")
    with pytest.raises(IllegalStateError, match="not above"):
        establish(desk, "cell-3", level="compound", parent_id="cell-1", place=BUILDING)
    (root,) = [
        one for one in desk.ask("organisation_tree", place=COMPOUND)["roots"] if one["organisation_id"] == "grid-1"
    ]
    assert [child["organisation_id"] for child in root["children"]] == ["cell-1", "cell-2"]
    post = {
        "post_id": "post-grid-secretary",
        "organisation_id": "grid-1",
        "role": "secretary",
        "title": "网格党支部书记",
    }
    desk.ask("establish_post", "operator", **post, ex_officio_post_id="post-grid")
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-02-01")
    with pytest.raises(IllegalStateError, match="goes with post-grid"):
        desk.ask("appoint_person", "operator", post_id="post-grid-secretary", person_id="p-chen")
    desk.ask("appoint_person", "operator", post_id="post-grid-secretary", person_id="p-lin", since="2025-02-01")
    (held,) = desk.ask("find_posts", "operator", organisation_id="grid-1")["rows"]
    assert (held["person_id"], held["vacant"]) == ("p-lin", False)

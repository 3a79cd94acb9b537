"""Rows of the catalogue that standings keep to, each in one test: what a compound or a body is by the city's schemes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND
from tests.kit.desk import Desk


def test_each_compound_has_one_mode_and_beside_it_one_provider(desk: Desk) -> None:
    """From a day on, by a decision with its grounds; both parted over all compounds, nothing left out or twice (E16, E21)."""
    by = officer(desk, "standing.decide")
    schemes = {
        "mode": ("三方联动自管", "单位院落自管", "区域协同自管", "党员带居民自管"),
        "provision": ("物业公司", "单位", "居民自治", "社区兜底"),
    }
    told: dict[str, Any] = {"subject": "place", "of": "compound", "total": True, "power": "standing.decide"}
    for code, names in schemes.items():
        codes = [{"code": f"{code}-{n}", "zh": zh, "en": f"{code} {n}"} for n, zh in enumerate(names, 1)]
        adopt(desk, "schemes", code, code, codes=codes, **told)

    def register(number: int, **standings: str) -> Any:
        place = {"place": f"{COMMUNITY}.1{number}", "kind": "compound", "name": f"第{number}院", "parent": COMMUNITY}
        return desk.ask("register_place", "operator", **place, standings=standings)

    both = {"mode": "mode-1", "provision": "provision-1"}
    for wrong in ({}, {"mode": "mode-1"}, both | {"mode": "mode-9"}):
        with pytest.raises((IllegalStateError, BadInputError), match="exactly one code|no code of mode"):
            register(1, **wrong)
    register(1, **both)
    register(2, mode="mode-2", provision="provision-2")
    change = {"scheme": "mode", "subject": f"{COMMUNITY}.12", "code": "mode-4"}
    with pytest.raises(BadInputError) as refused:
        desk.ask("decide_standing", by, **change)
    assert set(refused.value.fields) == {"grounds"}
    with pytest.raises(ForbiddenError, match=r"standing\.decide"):
        desk.ask("decide_standing", "p-lin", grounds="决议", **change)
    desk.ask("decide_standing", by, at="2025-03-05T09:00:00+08:00", grounds="社区党委决议", **change)

    def of(scheme: str, day: str) -> dict[str, int]:
        figures = desk.ask("standing_figures", scheme=scheme, on=day)
        assert sum(figures["codes"].values()) == figures["standing"] == 2
        return {code: count for code, count in figures["codes"].items() if count}

    assert of("mode", "2025-03-04") == {"mode-1": 1, "mode-2": 1}
    assert of("mode", "2025-03-05") == {"mode-1": 1, "mode-4": 1}
    assert of("provision", "2025-03-05") == {"provision-1": 1, "provision-2": 1}
    (row,) = desk.ask("find_standings", scheme="mode", code="mode-4")["rows"]
    with pytest.raises(IllegalStateError, match="instead"):
        desk.ask("end_standing", by, standing_id=row["standing_id"], reason="x")


def test_a_compound_comes_to_be_managed_by_the_citys_criteria(desk: Desk) -> None:
    """From 三无 to 三有 on a day, with evidence for each criterion; what the three are the city says (A01)."""
    by = officer(desk, "standing.decide", "checklist.*")
    items = [
        {"code": f"have-{n}", "zh": zh, "en": f"have {n}"} for n, zh in enumerate(("有组织", "有管理", "有服务"), 1)
    ]
    listed = {"subject": "place", "items": items, "power": "checklist.judge.haves", "unlocks": "three-haves"}
    adopt(desk, "checklists", "three-haves", "三有", **listed)
    codes = [{"code": "without", "zh": "三无小区", "en": "without"}]
    codes.append({"code": "with", "zh": "三有小区", "en": "with", "needs": "three-haves"})
    told = {"subject": "place", "of": "compound", "total": False, "power": "standing.decide"}
    adopt(desk, "schemes", "managed", "三无三有", codes=codes, **told)
    ask = {"scheme": "managed", "subject": COMPOUND, "grounds": "街道评定"}
    desk.ask("decide_standing", by, code="without", **ask)
    id = desk.ask("open_checklist", by, template="three-haves", subject=COMPOUND)["id"]
    for item in items[:2]:
        desk.ask("judge_item", by, checklist_id=id, item=item["code"], passed=True, evidence="实地查看")
    with pytest.raises(IllegalStateError, match="presupposes a passed checklist"):
        desk.ask("decide_standing", by, at="2025-03-05T09:00:00+08:00", code="with", **ask)
    with pytest.raises(BadInputError) as refused:
        desk.ask("judge_item", by, checklist_id=id, item="have-3", passed=True)
    assert set(refused.value.fields) == {"evidence"}
    desk.ask("judge_item", by, checklist_id=id, item="have-3", passed=True, evidence="服务协议")
    done = desk.ask("decide_standing", by, at="2025-03-05T10:00:00+08:00", code="with", **ask)
    history = desk.ask("get_standing", standing_id=done["id"])["history"]
    assert [(one["code"], one["since"], one["grounds"]) for one in history] == [
        ("without", "2025-03-04", "街道评定"),
        ("with", "2025-03-05", "街道评定"),
    ]


def scheme(desk: Desk, code: str, names: dict[str, str], of: str, subject: str = "place") -> None:
    """A scheme of the city that need not hold for everything of its kind."""
    codes = [{"code": one, "zh": zh, "en": one} for one, zh in names.items()]
    adopt(desk, "schemes", code, code, codes=codes, subject=subject, of=of, total=False, power="standing.decide")


def test_demonstration_points_have_a_level_a_day_and_a_decision(desk: Desk) -> None:
    """One of the city, three of communities, twelve of compounds; a compound that is one of the street (B25, C54)."""
    by = officer(desk, "standing.decide")
    adopt(desk, "place_kinds", "facility", "阵地")
    scheme(
        desk, "demonstration", {"city": "市级示范点", "community": "社区示范点", "compound": "小区示范点"}, "facility"
    )
    scheme(desk, "near-point", {"street": "街道“近邻”示范点"}, "compound")
    levels = ["city", *["community"] * 3, *["compound"] * 12]
    for number, level in enumerate(levels, 1):
        place = f"{COMPOUND}.f{number}"
        facility = {"place": place, "kind": "facility", "name": f"第{number}阵地", "parent": COMPOUND}
        desk.ask("register_place", "operator", **facility)
        told = {"scheme": "demonstration", "subject": place, "code": level, "grounds": "市委组织部命名"}
        desk.ask("decide_standing", by, **told)
    figures = desk.ask("standing_figures", scheme="demonstration", place=COMPOUND)
    assert figures["codes"] == {"city": 1, "community": 3, "compound": 12} and figures["standing"] == 16
    point = {"scheme": "near-point", "subject": COMPOUND, "code": "street"}
    with pytest.raises(BadInputError) as refused:
        desk.ask("decide_standing", by, **point)
    assert set(refused.value.fields) == {"grounds"}
    with pytest.raises(BadInputError, match="compound only"):
        desk.ask("decide_standing", by, **point | {"subject": BUILDING}, grounds="街道决定")
    desk.ask("decide_standing", by, **point, grounds="街道决定")
    (row,) = desk.ask("find_standings", scheme="near-point")["rows"]
    assert (row["subject"], row["since"], row["grounds"]) == (COMPOUND, "2025-03-04", "街道决定")


def test_a_property_firm_is_party_led_on_evidence(desk: Desk) -> None:
    """Only a firm, only with what shows it, and until somebody takes it back (B48)."""
    by = officer(desk, "standing.decide")
    adopt(desk, "organisation_types", "property_firm", "物业企业")
    establish(desk, "o-firm", "property_firm", place=COMMUNITY)
    scheme(desk, "red-property", {"red": "红色物业"}, "property_firm", "organisation")
    red = {"scheme": "red-property", "subject": "o-firm", "code": "red"}
    with pytest.raises(BadInputError) as refused:
        desk.ask("decide_standing", by, **red)
    assert set(refused.value.fields) == {"grounds"}
    with pytest.raises(BadInputError, match="property_firm only"):
        desk.ask("decide_standing", by, **red | {"subject": "branch"}, grounds="批复")
    done = desk.ask("decide_standing", by, **red, grounds="党支部成立批复")
    assert desk.ask("get_standing", standing_id=done["id"])["grounds"] == "党支部成立批复"
    desk.ask("end_standing", by, at="2025-03-05T09:00:00+08:00", standing_id=done["id"], reason="考评不合格")
    held = [desk.ask("standing_figures", scheme="red-property", on=f"2025-03-0{day}")["standing"] for day in (3, 4, 5)]
    assert held == [0, 1, 0]


def test_who_has_no_provider_is_named_on_any_day(desk: Desk) -> None:
    """Basic service for every compound: how many have a provider, of how many, and which have none (E22)."""
    by = officer(desk, "standing.decide")
    scheme(desk, "provision", {"company": "物业公司", "community": "社区兜底"}, "compound")
    other = {"place": f"{COMMUNITY}.12", "kind": "compound", "name": "第二院", "parent": COMMUNITY}
    desk.ask("register_place", "operator", **other)
    ask = {"scheme": "provision", "grounds": "服务合同"}
    with pytest.raises(BadInputError, match="no code of provision"):
        desk.ask("decide_standing", by, subject=COMPOUND, code="nobody", **ask)
    desk.ask("decide_standing", by, subject=COMPOUND, code="company", **ask)
    figures = desk.ask("standing_figures", scheme="provision", place=COMMUNITY)
    assert (figures["standing"], figures["subjects"], figures["missing"]) == (1, 2, [f"{COMMUNITY}.12"])
    day = {"at": "2025-03-06T09:00:00+08:00"}
    desk.ask("decide_standing", by, subject=f"{COMMUNITY}.12", code="community", **day, **ask)
    counted = [desk.ask("standing_figures", scheme="provision", on=f"2025-03-0{day}") for day in (3, 4, 6)]
    assert [(one["standing"], one["without"]) for one in counted] == [(0, 0), (1, 1), (2, 0)], (
        "of those that stood that day"
    )

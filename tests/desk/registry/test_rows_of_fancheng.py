"""Rows of the catalogue about who runs a compound and who supports it: what links, schemes and checklists do together."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND
from tests.kit.desk import Desk

MODES: dict[str, Any] = {
    "joint": {"needs": "market", "bodies": ["party", "residents", "owners", "firm"]},
    "unit": {"linked": ["yard"], "bodies": ["yard-council", "yard-group"]},
    "cluster": {"linked": ["cluster"]},
    "members": {"unlinked": ["yard", "cluster"]},
}
FIRST, SECOND, THIRD = (f"{COMMUNITY}.1{number}" for number in (1, 2, 3))


@pytest.fixture
def modes(desk: Desk) -> str:
    """A city with the four modes, their conditions and three compounds that members lead; the post that decides."""
    by = officer(desk, "standing.decide", "checklist.*", "link.*")
    for type in ("residents", "owners", "firm", "unit-body", "yard-council", "yard-group"):
        adopt(desk, "organisation_types", type, type)
    for code, items in (("market", 2), ("hub", 2), ("unmanaged", 1)):
        listed = [{"code": f"item-{n}", "zh": f"第{n}项", "en": f"item {n}"} for n in range(1, items + 1)]
        told = {"subject": "place", "items": listed, "power": "checklist.judge.norms", "unlocks": code}
        adopt(desk, "checklists", code, code, **told)
    places = {"near": "place", "near_of": "compound", "far": "place", "far_of": "compound"}
    adopt(desk, "links", "cluster", "1+N", **places, far_cap=1, star=True, needs="hub", far_needs="unmanaged")
    yard = {"near": "place", "near_of": "compound", "far": "organisation", "far_of": "unit-body", "cap": 1}
    adopt(desk, "links", "yard", "单位院落", **yard)
    codes = [{"code": code, "zh": code, "en": code, **more} for code, more in MODES.items()]
    adopt(desk, "schemes", "mode", "模式", subject="place", of="compound", codes=codes, total=True)
    for place in (FIRST, SECOND, THIRD):
        new: dict[str, Any] = {"place": place, "kind": "compound", "name": place, "parent": COMMUNITY}
        desk.ask("register_place", "operator", **new, standings={"mode": "members"})
    return by


def passed(desk: Desk, by: str, template: str, subject: str) -> None:
    """A checklist that somebody judged, each item with evidence."""
    id = desk.ask("open_checklist", by, template=template, subject=subject)["id"]
    for item in desk.ask("get_checklist", checklist_id=id)["items"]:
        desk.ask("judge_item", by, checklist_id=id, item=item["code"], passed=True, evidence="实地查看")


def decide(desk: Desk, by: str, subject: str, code: str) -> Any:
    return desk.ask("decide_standing", by, scheme="mode", subject=subject, code=code, grounds="社区党委决议")


def counted(desk: Desk) -> dict[str, int]:
    codes = desk.ask("standing_figures", scheme="mode", place=COMMUNITY)["codes"]
    return {code: count for code, count in codes.items() if count}


def test_a_compound_that_can_stand_on_the_market_is_run_by_three_parties(desk: Desk, modes: str) -> None:
    """Mode 1: the conditions are judged before the decision, and committee, owners and firm are there to consult (E17)."""
    with pytest.raises(IllegalStateError, match="has conditions that nothing meets"):
        told = {"place": f"{COMMUNITY}.14", "kind": "compound", "name": "x", "parent": COMMUNITY}
        desk.ask("register_place", "operator", **told, standings={"mode": "joint"})
    with pytest.raises(IllegalStateError, match="unlocks market"):
        decide(desk, modes, FIRST, "joint")
    passed(desk, modes, "market", FIRST)
    for type, place in (("residents", COMMUNITY), ("owners", FIRST), ("firm", FIRST)):
        with pytest.raises(IllegalStateError, match=f"of the type {type}"):
            decide(desk, modes, FIRST, "joint")
        establish(desk, f"o-{type}", type, place=place)
    decide(desk, modes, FIRST, "joint")
    assert counted(desk) == {"joint": 1, "members": 2}


def test_a_unit_yard_is_tied_to_its_unit(desk: Desk, modes: str) -> None:
    """Mode 2: linked to the unit that owns it, with the residents' council and the self-rule group of the yard (E18)."""
    establish(desk, "o-factory", "unit-body", place=COMMUNITY)
    establish(desk, "o-other", "unit-body", place=COMMUNITY)
    with pytest.raises(IllegalStateError, match="of the type yard-council"):
        decide(desk, modes, FIRST, "unit")
    for type in ("yard-council", "yard-group"):
        establish(desk, f"o-{type}", type, place=FIRST)
    with pytest.raises(IllegalStateError, match="a link of the kind yard"):
        decide(desk, modes, FIRST, "unit")
    link = {"kind": "yard", "near": FIRST, "terms": "产权单位"}
    with pytest.raises(BadInputError, match="unit-body only"):
        desk.ask("propose_link", modes, **link, far="committee")
    desk.ask("propose_link", modes, **link, far="o-factory")
    with pytest.raises(IllegalStateError, match="the most that it may have"):
        desk.ask("propose_link", modes, **link, far="o-other")
    decide(desk, modes, FIRST, "unit")
    assert counted(desk) == {"unit": 1, "members": 2}
    assert desk.ask("find_links", kind="yard", near=FIRST)["rows"][0]["far"] == "o-factory"


def test_a_hub_and_those_that_join_it_have_their_conditions_judged_first(desk: Desk, modes: str) -> None:
    """One hub, N members: a sound branch and mature service for the one, judged before; costs are split to the fen (E19)."""
    join = {"kind": "cluster", "near": FIRST, "terms": "合聘保安、保洁"}
    with pytest.raises(IllegalStateError, match="unlocks hub"):
        desk.ask("propose_link", modes, **join, far=SECOND)
    passed(desk, modes, "hub", FIRST)
    with pytest.raises(IllegalStateError, match="unlocks unmanaged"):
        desk.ask("propose_link", modes, **join, far=SECOND)
    with pytest.raises(IllegalStateError, match="a link of the kind cluster"):
        decide(desk, modes, SECOND, "cluster")
    for member in (SECOND, THIRD):
        passed(desk, modes, "unmanaged", member)
        desk.ask("propose_link", modes, **join, far=member)
    passed(desk, modes, "hub", SECOND)
    passed(desk, modes, "unmanaged", COMPOUND)
    with pytest.raises(IllegalStateError, match="either the hub or a member"):
        desk.ask("propose_link", modes, kind="cluster", near=SECOND, far=COMPOUND, terms="x")
    for place in (FIRST, SECOND, THIRD):
        decide(desk, modes, place, "cluster")
    assert counted(desk) == {"cluster": 3}
    figures = desk.ask("link_figures", kind="cluster", place=COMMUNITY)
    assert (figures["near"]["linked"], figures["far"]["linked"]) == (1, 2)

    for code, zh in (("guards", "合聘保安"), ("cleaning", "合聘保洁")):
        adopt(desk, "shared_services", code, zh)
    share: dict[str, Any] = {
        "kind": "cluster",
        "hub": FIRST,
        "service": "guards",
        "basis": "households",
    }
    share |= {"since": "2025-03-04", "until": "2025-04-01", "amount_fen": 100_000, "grounds": "三方会议"}
    with pytest.raises(IllegalStateError, match=f"nobody has counted the households of {FIRST}, {SECOND}, {THIRD}"):
        desk.ask("share_cost", modes, **share)
    for place, households in ((FIRST, 100), (SECOND, 50), (THIRD, 51)):
        desk.ask("count_households", "operator", place=place, households=households)
    for wrong, error, match in (
        ({"hub": SECOND}, IllegalStateError, "nobody to share with"),
        ({"since": "2025-03-03"}, IllegalStateError, "nobody to share with"),
        ({"kind": "yard"}, BadInputError, "have no hub"),
        ({"until": "2025-03-04"}, BadInputError, "has no day"),
        ({"amount_fen": 0}, BadInputError, ""),
        ({"service": "no-such"}, BadInputError, "shared_services"),
    ):
        with pytest.raises(error, match=match):
            desk.ask("share_cost", modes, **share | wrong)
    with pytest.raises(ForbiddenError, match=r"link\.share"):
        desk.ask("share_cost", "p-lin", **share)
    id = desk.ask("share_cost", modes, **share)["id"]
    assert desk.ask("share_cost", modes, **share)["events"] == 0
    parts = {one["place"]: one["fen"] for one in desk.ask("get_sharing", sharing_id=id)["parts"]}
    assert parts == {FIRST: 49_751, SECOND: 24_876, THIRD: 25_373} and sum(parts.values()) == 100_000
    with pytest.raises(IllegalStateError, match="guards from 2025-03-04 to before 2025-04-01 is split already"):
        desk.ask("share_cost", modes, **share | {"since": "2025-03-05"})
    desk.ask("share_cost", modes, **share | {"service": "cleaning", "basis": "equal", "amount_fen": 100})
    borne = desk.ask("sharing_figures", place=COMMUNITY)
    assert borne["borne_fen"] == 100_100 and borne["by_service"] == {"guards": 100_000, "cleaning": 100}
    assert borne["bearers"][0] == {"place": FIRST, "fen": 49_751 + 34}
    assert desk.ask("sharing_figures", place=THIRD)["borne_fen"] == 25_373 + 33
    desk.ask("withdraw_sharing", modes, sharing_id=id, reason="少算一户")
    assert desk.ask("sharing_figures", place=COMMUNITY)["borne_fen"] == 100
    checked = desk.ask("find_checklists", modes, template="hub", subject=FIRST)["rows"][0]["checklist_id"]
    desk.ask("judge_item", modes, checklist_id=checked, item="item-1", passed=False, evidence="支部涣散")
    with pytest.raises(IllegalStateError, match="does not meet the conditions any more"):
        desk.ask("share_cost", modes, **share)


def test_members_lead_where_there_is_no_unit_and_no_neighbour(desk: Desk, modes: str) -> None:
    """Mode 4 is for who has neither; who has one ends that first (E20)."""
    establish(desk, "o-factory", "unit-body", place=COMMUNITY)
    for type in ("yard-council", "yard-group"):
        establish(desk, f"o-{type}", type, place=FIRST)
    link = desk.ask("propose_link", modes, kind="yard", near=FIRST, far="o-factory", terms="产权单位")
    decide(desk, modes, FIRST, "unit")
    with pytest.raises(IllegalStateError, match="no link of the kind yard"):
        decide(desk, modes, FIRST, "members")
    desk.ask("end_link", modes, link_id=link["id"], reason="单位改制")
    decide(desk, modes, FIRST, "members")
    assert counted(desk) == {"members": 3}


def test_conditions_of_the_market_and_of_a_hub_are_judged_before_the_decision(desk: Desk, modes: str) -> None:
    """Two sets: a condition that fails, or fails later, keeps a compound from what it presupposes (E33)."""
    for type, place in (("residents", COMMUNITY), ("owners", FIRST), ("firm", FIRST)):
        establish(desk, f"o-{type}", type, place=place)
    passed(desk, modes, "unmanaged", SECOND)
    asks: dict[str, Any] = {
        "market": ("decide_standing", {"scheme": "mode", "subject": FIRST, "code": "joint", "grounds": "决议"}),
        "hub": ("propose_link", {"kind": "cluster", "near": FIRST, "far": SECOND, "terms": "合聘"}),
    }
    for template, (command, ask) in asks.items():
        id = desk.ask("open_checklist", modes, template=template, subject=FIRST)["id"]
        judged = {"checklist_id": id, "evidence": "实地查看"}
        for passed_first in (True, False):
            desk.ask("judge_item", modes, **judged, item="item-1", passed=True)
            desk.ask("judge_item", modes, **judged, item="item-2", passed=passed_first)
        with pytest.raises(IllegalStateError, match=f"unlocks {template}"):
            desk.ask(command, modes, **ask)
        desk.ask("judge_item", modes, **judged, item="item-2", passed=True)
        assert desk.ask(command, modes, **ask)["events"] == 1
    figures = desk.ask("checklist_figures", place=FIRST)["checklists"]
    assert {code: (one["passed"], one["opened"]) for code, one in figures.items()} == {"market": (1, 1), "hub": (1, 1)}


def test_what_a_compound_is_decides_which_process_applies_to_it(desk: Desk) -> None:
    """With a firm: coordinated running; without: residents' self-run property under the branch. Never both, never the other's (B16)."""
    by = officer(desk, "standing.decide", "checklist.*")
    codes = [{"code": code, "zh": zh, "en": code} for code, zh in (("with", "有物业"), ("without", "无物业"))]
    adopt(desk, "schemes", "property", "物业", subject="place", of="compound", codes=codes)
    process = {"coordinated": ("with", "协同运行"), "self-run": ("without", "自助物业")}
    told: dict[str, Any] = {"subject": "place", "power": "checklist.judge.norms", "scheme": "property"}
    items = [{"code": f"step-{n}", "zh": f"第{n}步", "en": f"step {n}"} for n in (1, 2)]
    with pytest.raises(BadInputError) as refused:
        adopt(desk, "checklists", "x", "x", **told | {"scheme": "regime"}, items=items, standing="with")
    assert list(refused.value.fields["data"]) == ["scheme"]
    for code, (regime, zh) in process.items():
        data = told | {"items": items, "standing": regime}
        entry: dict[str, Any] = {
            "kind": "checklists",
            "code": code,
            "zh": zh,
            "en": code,
            "since": "2025-01-01",
            "data": data,
        }
        desk.ask("adopt_entry", "operator", **entry)

    def begin(template: str, at: str) -> Any:
        return desk.ask("open_checklist", by, at=at, template=template, subject=COMPOUND)

    def become(code: str, at: str) -> None:
        told = {"scheme": "property", "subject": COMPOUND, "code": code, "grounds": "物业合同"}
        desk.ask("decide_standing", by, at=at, **told)

    first, second = "2025-03-05T09:00:00+08:00", "2025-03-06T09:00:00+08:00"
    with pytest.raises(IllegalStateError, match="is for who is with by property"):
        begin("coordinated", first)
    become("with", first)
    id = begin("coordinated", first)["id"]
    desk.ask("judge_item", by, at=first, checklist_id=id, item="step-1", passed=True, evidence="三方协议")
    with pytest.raises(IllegalStateError, match="is for who is without by property"):
        begin("self-run", first)
    become("without", second)
    with pytest.raises(IllegalStateError, match=f"{COMPOUND} is without"):
        desk.ask("judge_item", by, at=second, checklist_id=id, item="step-2", passed=True, evidence="三方协议")
    assert begin("self-run", second)["events"] == 1


def test_three_kinds_of_units_support_a_compound_each_with_what_it_promises(desk: Desk) -> None:
    """Contracted units, resident units and joint enforcement: each kind its own link with its commitments and what was done (A27)."""
    by = officer(desk, "link.*")
    kinds = {"contracted": "市区级包建单位", "resident": "驻地企事业单位", "enforcement": "综合执法队伍"}
    for kind, zh in kinds.items():
        adopt(desk, "organisation_types", kind, zh)
        data = {"near": "organisation", "near_of": kind, "far": "place", "far_of": "compound"}
        adopt(desk, "links", f"support-{kind}", zh, **data)
        establish(desk, f"o-{kind}", kind, place=COMMUNITY)
    for kind in kinds:
        link = {"kind": f"support-{kind}", "near": f"o-{kind}", "far": COMPOUND}
        with pytest.raises(BadInputError) as refused:
            desk.ask("propose_link", by, **link)
        assert set(refused.value.fields) == {"terms"}, "a unit says what it will do"
        with pytest.raises(BadInputError, match="compound only"):
            desk.ask("propose_link", by, **link | {"far": BUILDING}, terms="x")
        with pytest.raises(BadInputError, match=f"{kind} only"):
            desk.ask("propose_link", by, **link | {"near": "branch"}, terms="x")
        id = desk.ask("propose_link", by, **link, terms=f"{kinds[kind]}每月一次")["id"]
        desk.ask("log_delivery", by, link_id=id, what="修缮", done_on="2025-03-04")
        row = desk.ask("get_link", link_id=id)
        assert (row["terms"], row["deliveries"]) == (f"{kinds[kind]}每月一次", 1)
        figures = desk.ask("link_figures", kind=f"support-{kind}", place=COMPOUND)
        assert (figures["links"], figures["far"]["linked"], figures["far"]["subjects"]) == (1, 1, 1)


def test_a_cadre_is_paired_with_a_household_or_a_compound_and_visits_it(desk: Desk) -> None:
    """A link from a post, with each visit dated within it; who has none is named (C53)."""
    by = officer(desk, "link.*")
    adopt(desk, "place_kinds", "household", "户")
    homes = [f"{BUILDING}.10{number}" for number in (1, 2)]
    for home in homes:
        told = {"place": home, "kind": "household", "name": home, "parent": BUILDING}
        desk.ask("register_place", "operator", **told)
    for kind in ("household", "compound"):
        adopt(desk, "links", f"pair-{kind}", "结对帮扶", near="post", far="place", far_of=kind)
    pair = {"near": "post-grid", "terms": "每月走访"}
    with pytest.raises(BadInputError, match="household only"):
        desk.ask("propose_link", by, **pair, kind="pair-household", far=COMPOUND)
    with pytest.raises(ForbiddenError, match=r"link\.make"):
        desk.ask("propose_link", "p-lin", **pair, kind="pair-household", far=homes[0])
    home = desk.ask("propose_link", by, **pair, kind="pair-household", far=homes[0])["id"]
    desk.ask("propose_link", by, **pair, kind="pair-compound", far=COMPOUND)
    for day in ("2025-03-03", "2025-03-05"):
        with pytest.raises(IllegalStateError, match=f"not on {day}"):
            desk.ask("log_delivery", by, link_id=home, what="走访", done_on=day)
    desk.ask("log_delivery", by, link_id=home, what="走访", done_on="2025-03-04")
    row = desk.ask("get_link", link_id=home)
    assert (row["deliveries"], row["last_delivery"], row["done"][0]["what"]) == (1, "2025-03-04", "走访")
    figures = desk.ask("link_figures", kind="pair-household", place=BUILDING)
    assert (figures["far"]["linked"], figures["far"]["missing"]) == (1, [homes[1]])
    assert desk.ask("link_figures", kind="pair-compound")["far"]["linked"] == 1


def test_units_that_went_down_are_registered_with_their_community_and_counted_by_kind(desk: Desk) -> None:
    """64 units, 70 social organisations, and enterprises told as 120余: counted as 120 and said to be at least so many (B11)."""
    by = officer(desk, "link.*", "registry.place")
    told = {
        "unit": ("机关单位", 64, "exact"),
        "enterprise": ("企业", 120, "at_least"),
        "social": ("社会组织", 70, "exact"),
    }
    for kind, (zh, count, qualifier) in told.items():
        adopt(desk, "organisation_types", kind, zh)
        adopt(desk, "measures", kind, zh)
        data = {"near": "organisation", "near_of": kind, "far": "place", "far_of": "community", "cap": 1}
        adopt(desk, "links", f"down-{kind}", f"{zh}下沉", **data)
        measured: dict[str, Any] = {"place": "350104", "measure": kind, "value": count, "unit": "units", "source": "S1"}
        with pytest.raises(BadInputError) as refused:
            desk.ask("measure_place", "operator", **measured, qualifier="余")
        assert set(refused.value.fields) == {"qualifier"}
        desk.ask("measure_place", "operator", **measured, qualifier=qualifier)
        for number in range(count):
            establish(desk, f"{kind}-{number}", kind, place=COMMUNITY)
        with pytest.raises(IllegalStateError):
            establish(desk, f"{kind}-0", kind, place=COMPOUND)
        link = {"kind": f"down-{kind}", "near": f"{kind}-0", "terms": "下沉"}
        with pytest.raises(BadInputError, match="community only"):
            desk.ask("propose_link", by, **link, far=COMPOUND)
        desk.ask("propose_link", by, **link, far=COMMUNITY)
        near = desk.ask("link_figures", kind=f"down-{kind}", place=COMMUNITY)["near"]
        assert (near["linked"], near["subjects"], near["without"]) == (1, count, count - 1)
        assert desk.ask("count_figures", place=COMMUNITY)["organisations_by_type"][kind] == count
        (measure,) = (one for one in desk.ask("get_place", place="350104")["measures"] if one["measure"] == kind)
        assert (measure["value"], measure["qualifier"]) == (count, qualifier)

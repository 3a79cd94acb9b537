"""Rows of the catalogue about organisations that serve compounds, each in one test: a property firm that does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_cadences import owe, periods
from tests.desk.registry.test_rows_of_checklists import judge
from tests.desk.registry.test_rows_of_coverages import cover, figures, hold, lacking, need, role
from tests.domain.registry.facts import COMPOUND
from tests.kit.desk import Desk

MORNING = "T09:00:00+08:00"
ROLL = [{"unit": str(number), "area": 9000, "owner": f"o-{number}"} for number in range(101, 107)]
#: What is shown of a firm in which state, and what each state presupposes.
STEPS = {
    "neglect": ("serving", "物业不作为查实", "连续三个月无人保洁", "报修无人到场"),
    "notice": ("found", "限期整改通知", "书面通知物业企业并签收", "载明三十日期限"),
    "uncured": ("noticed", "逾期未改", "期满复查仍不合格", "业主大会决定解聘"),
}
STATES = [
    {"code": "serving", "zh": "物业在管", "en": "serving", "linked": ["provider"]},
    {"code": "found", "zh": "查实不作为", "en": "found", "needs": "neglect", "linked": ["provider"]},
    {"code": "noticed", "zh": "限期整改", "en": "noticed", "needs": "notice", "linked": ["provider"]},
    {"code": "left", "zh": "已解聘", "en": "left", "needs": "uncured", "unlinked": ["provider"]},
]


def test_a_property_firm_that_long_does_nothing_is_found_noticed_and_replaced_by_the_owners(desk: Desk) -> None:
    """Contract, findings on evidence, notice, the owners' vote, end, the next firm: in this order; the provider of any day (D46)."""
    by = officer(desk, "link.*", "checklist.*", "standing.decide", "owners.*", "obligation.*")
    adopt(desk, "organisation_types", "property_firm", "物业服务企业")
    role(desk, "manager", "项目经理", "checklist.judge")
    ends = {"near": "organisation", "near_of": "property_firm", "far": "place", "far_of": "compound"}
    adopt(desk, "links", "provider", "物业服务合同", **ends, far_cap=1)
    cover(desk, "provided", "有物业管", need("firm", "物业企业", "link", "provider"))
    adopt(desk, "schemes", "service", "物业服务状况", subject="organisation", of="property_firm", codes=STATES)
    for unlocks, (standing, zh, *said) in STEPS.items():
        items = [{"code": f"{unlocks}-{n}", "zh": one, "en": f"{unlocks} {n}"} for n, one in enumerate(said, 1)]
        judged = {"subject": "organisation", "power": "checklist.judge", "scheme": "service", "standing": standing}
        adopt(desk, "checklists", unlocks, zh, items=items, unlocks=unlocks, **judged)
    owe(desk, "cleaning", "按月保洁", cadence="month", bearer="property_firm", amount=4)
    for firm in ("f-old", "f-new"):
        establish(desk, firm, "property_firm")
    hold(desk, "post-old", "f-old", "manager", "p-manager", since="2025-03-01")

    def contract(firm: str, day: str = "2025-03-04", **more: str) -> str:
        asked = {"kind": "provider", "near": firm, "far": COMPOUND, "terms": "合同2025-01号，保洁每月4次"} | more
        link: str = desk.ask("propose_link", by, at=day + MORNING, **asked)["id"]
        return link

    def state(code: str, day: str, firm: str = "f-old") -> None:
        asked = {"scheme": "service", "subject": firm, "code": code, "grounds": "见该步清单"}
        desk.ask("decide_standing", by, at=day + MORNING, **asked)

    def show(unlocks: str, day: str) -> None:
        """Judge what a step presupposes, each item on evidence and not by the firm."""
        at = day + MORNING
        id = desk.ask("open_checklist", by, at=at, template=unlocks, subject="f-old")["id"]
        with pytest.raises(BadInputError) as unshown:
            judge(desk, by, id, f"{unlocks}-1", evidence="", at=at)
        assert set(unshown.value.fields) == {"evidence"}
        with pytest.raises(ForbiddenError, match="own body"):
            judge(desk, "post-old", id, f"{unlocks}-1", at=at)
        for number in (1, 2):
            judge(desk, by, id, f"{unlocks}-{number}", evidence=f"案卷{unlocks}", at=at)

    with pytest.raises(IllegalStateError, match="a link of the kind provider"):
        state("serving", "2025-03-04")
    old = contract("f-old")
    state("serving", "2025-03-04")
    with pytest.raises(IllegalStateError, match="1 links of this kind already"):
        contract("f-new")
    with pytest.raises(BadInputError, match="property_firm only"):
        contract("branch")

    for day in ("2025-03-05", "2025-04-01", "2025-05-01", "2025-06-01"):
        desk.tick(day)
    missed = desk.ask("find_obligations", rule="cleaning", organisation_id="f-old", status="missed")["rows"]
    assert sorted(row["period"] for row in missed) == ["2025-03", "2025-04", "2025-05"], "how long it did nothing"
    assert periods(desk, "cleaning")["2025-06"]["by_status"]["owed"] == 2
    with pytest.raises(IllegalStateError, match="unlocks neglect"):
        state("found", "2025-06-02")
    with pytest.raises(IllegalStateError, match="for who is found by service; f-old is serving"):
        show("notice", "2025-06-02")
    show("neglect", "2025-06-02")
    state("found", "2025-06-02")
    with pytest.raises(IllegalStateError, match="unlocks notice"):
        state("noticed", "2025-06-03")
    show("notice", "2025-06-03")
    with pytest.raises(IllegalStateError, match="for who is noticed by service; f-old is found"):
        show("uncured", "2025-06-03")
    state("noticed", "2025-06-03")
    with pytest.raises(IllegalStateError, match="unlocks uncured"):
        state("left", "2025-07-04")

    asked = {"place": COMPOUND, "matter": "manager", "question": "解聘物业企业", "roll": ROLL}
    vote = desk.ask("open_owners_vote", by, at="2025-07-04" + MORNING, **asked)["id"]
    ballots = {f"o-{number}": "for" if number < 104 else "against" for number in range(101, 106)}
    counted: dict[str, Any] = {"roll": ROLL, "ballots": ballots, "minutes": "唱票", "at": "2025-07-04" + MORNING}
    desk.ask("count_owners_ballots", by, owners_vote_id=vote, **counted)
    decided = desk.ask("get_owners_vote", owners_vote_id=vote)
    assert (decided["status"], decided["article"]) == ("carried", "民法典 278(4)"), "3 of 5 of those taking part"
    show("uncured", "2025-07-04")
    with pytest.raises(IllegalStateError, match="no link of the kind provider"):
        state("left", "2025-07-04")
    for wrong, error in (
        ({"reason": ""}, BadInputError),
        ({"reason": "解聘", "until": "2025-08-01"}, IllegalStateError),
    ):
        with pytest.raises(error):
            desk.ask("end_link", by, at="2025-07-05" + MORNING, link_id=old, **wrong)
    desk.ask("end_link", by, at="2025-07-05" + MORNING, link_id=old, reason=f"业主大会决定解聘（{vote}）")
    state("left", "2025-07-05")
    with pytest.raises(IllegalStateError, match="not before the last one ended|begins on a day"):
        contract("f-old", "2025-07-10", since="2025-07-01")
    new = contract("f-new", "2025-07-10", terms="合同2025-02号")
    state("serving", "2025-07-10", "f-new")
    with pytest.raises(IllegalStateError, match="unlocks neglect"):
        state("found", "2025-07-10", "f-new")

    def provider(day: str) -> list[str]:
        (row,) = desk.ask("coverage_map", coverage="provided", place=COMPOUND, on=day)["rows"]
        (firm,) = row["has"].values()
        return list(firm)

    days = ("2025-03-04", "2025-07-04", "2025-07-05", "2025-07-09", "2025-07-10")
    assert [provider(day) for day in days] == [["f-old"], ["f-old"], [], [], ["f-new"]]
    assert lacking(figures(desk, "provided", COMPOUND, "2025-07-06")) == {COMPOUND: ["firm"]}
    links = {row["link_id"]: row for row in desk.ask("find_links", kind="provider", far=COMPOUND)["rows"]}
    assert (links[old]["status"], links[old]["reason"]) == ("ended", f"业主大会决定解聘（{vote}）")
    assert (links[new]["status"], links[new]["terms"]) == ("linked", "合同2025-02号")
    rows = {row["subject"]: row["standing_id"] for row in desk.ask("find_standings", scheme="service")["rows"]}
    history = {firm: desk.ask("get_standing", standing_id=id)["history"] for firm, id in rows.items()}
    assert {firm: [(one["code"], one["since"]) for one in told] for firm, told in history.items()} == {
        "f-old": [
            ("serving", "2025-03-04"),
            ("found", "2025-06-02"),
            ("noticed", "2025-06-03"),
            ("left", "2025-07-05"),
        ],
        "f-new": [("serving", "2025-07-10")],
    }

"""Rows of the catalogue that checklists keep to, each in one test: what is judged, on what evidence, and who lacks it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_coverages import counted, cover, figures, lacking, need, place
from tests.domain.registry.facts import COMMUNITY, COMPOUND
from tests.kit.desk import Desk


def checklist(desk: Desk, code: str, zh: str, subject: str, *items: str, unlocks: str = "") -> None:
    """A checklist of the city, judged with the power `checklist.judge`."""
    listed = [{"code": f"{code}-{n}", "zh": one, "en": f"{code} {n}"} for n, one in enumerate(items, 1)]
    adopt(desk, "checklists", code, zh, subject=subject, items=listed, power="checklist.judge", unlocks=unlocks)


def judge(desk: Desk, by: str, id: str, item: str, evidence: str = "现场查看", passed: bool = True, **more: Any) -> Any:
    return desk.ask("judge_item", by, checklist_id=id, item=item, passed=passed, evidence=evidence, **more)


def test_a_signing_ceremony_is_one_of_four_acts_each_with_its_document(desk: Desk) -> None:
    """A unit that went down has signed once the document of the ceremony is named, by another body; so much of four (B07)."""
    by = officer(desk, "checklist.*")
    adopt(desk, "organisation_types", "unit", "市直单位")
    for id in ("o-water", "o-power"):
        establish(desk, id, "unit", place=COMMUNITY)
    checklist(desk, "acts", "下沉四项规定动作", "organisation", "签约仪式", "联席座谈会", "三张清单", "志愿服务活动")
    desk.ask(
        "establish_post", "operator", post_id="post-water", organisation_id="o-water", role="secretary", title="书记"
    )
    desk.ask("appoint_person", "operator", post_id="post-water", person_id="p-lin", since="2025-01-01")
    water = desk.ask("open_checklist", by, template="acts", subject="o-water")["id"]
    desk.ask("open_checklist", by, template="acts", subject="o-power")
    with pytest.raises(BadInputError) as refused:
        judge(desk, by, water, "acts-1", evidence="")
    assert set(refused.value.fields) == {"evidence"}
    with pytest.raises(ForbiddenError, match="own body"):
        judge(desk, "post-water", water, "acts-1")
    judge(desk, by, water, "acts-1", evidence="共建协议书，社区档案2025-017号")
    shown = desk.ask("get_checklist", checklist_id=water)
    assert (shown["holding"], shown["of"], shown["status"]) == (1, 4, "open")
    assert shown["judged"]["acts-1"]["evidence"] == "共建协议书，社区档案2025-017号"
    counts = desk.ask("checklist_figures", place=COMMUNITY)["checklists"]["acts"]
    assert counts == {"opened": 2, "passed": 0, "items": 8, "holding": 1}


def test_each_compound_branch_is_checked_against_the_standard_strictly_where_the_city_says_so(desk: Desk) -> None:
    """Branches that do not meet it are named; where it is strict nothing that needs it is decided for them (B49)."""
    by = officer(desk, "checklist.*", "standing.decide")
    adopt(desk, "organisation_types", "compound_branch", "小区党支部")
    for id in ("b-first", "b-second"):
        establish(desk, id, "compound_branch")
    norms = ("组织设置规范", "组织生活规范", "阵地建设规范")
    checklist(desk, "branch-standard", "小区党支部规范化建设", "organisation", *norms, unlocks="standard")
    wanted = need("standard", "达到规范化标准", "unlocked", "standard")
    cover(desk, "standard-branches", "规范化党支部", wanted, subject="organisation", of="compound_branch")
    told: dict[str, Any] = {"subject": "organisation", "of": "compound_branch", "power": "standing.decide"}
    codes = [{"code": "red-flag", "zh": "红旗党支部", "en": "Red flag branch"}]
    adopt(desk, "schemes", "strict", "五星评定", codes=[codes[0] | {"needs": "standard"}], **told)
    adopt(desk, "schemes", "free", "五星评定（试行）", codes=codes, **told)
    ids = {
        id: desk.ask("open_checklist", by, template="branch-standard", subject=id)["id"]
        for id in ("b-first", "b-second")
    }
    for number in (1, 2, 3):
        judge(desk, by, ids["b-first"], f"branch-standard-{number}")
    judge(desk, by, ids["b-second"], "branch-standard-1")
    judge(desk, by, ids["b-second"], "branch-standard-2", "会议记录缺两次", passed=False)
    assert lacking(figures(desk, "standard-branches")) == {"b-second": ["standard"]}
    assert counted(desk, "standard-branches") == (1, 2)
    decide = {"code": "red-flag", "grounds": "街道党工委决定"}
    with pytest.raises(IllegalStateError, match="presupposes a passed checklist"):
        desk.ask("decide_standing", by, scheme="strict", subject="b-second", **decide)
    desk.ask("decide_standing", by, scheme="free", subject="b-second", **decide)
    desk.ask("decide_standing", by, scheme="strict", subject="b-first", **decide)
    judge(desk, by, ids["b-first"], "branch-standard-3", "活动室挪作他用", passed=False)
    assert counted(desk, "standard-branches") == (0, 2), "who falls back is no longer counted"


def test_zones_are_divided_by_three_principles_with_a_note_on_each(desk: Desk) -> None:
    """Easy to manage, handy for activities, of effect: the city words them, and each zone says how it keeps to each (D17)."""
    by = officer(desk, "checklist.*")
    adopt(desk, "place_kinds", "zone", "片区")
    place(desk, f"{COMPOUND}.z1", "zone")
    checklist(desk, "zones", "片区划分原则", "place", "利于管理", "便于活动", "发挥作用")
    id = desk.ask("open_checklist", by, template="zones", subject=f"{COMPOUND}.z1")["id"]
    with pytest.raises(BadInputError, match="no item of this checklist"):
        judge(desk, by, id, "zones-4")
    with pytest.raises(BadInputError) as refused:
        judge(desk, by, id, "zones-1", evidence="")
    assert set(refused.value.fields) == {"evidence"}
    notes = ("三栋楼一个出入口", "院内有活动室", "每片有三名党员")
    for number, note in enumerate(notes, 1):
        judge(desk, by, id, f"zones-{number}", note)
    shown = desk.ask("get_checklist", checklist_id=id)
    assert [shown["judged"][item["code"]]["evidence"] for item in shown["items"]] == list(notes)
    assert shown["status"] == "passed"


def test_five_tasks_follow_when_a_village_becomes_a_community(desk: Desk) -> None:
    """“后半篇文章”: five tasks on evidence; code, seals and accounts are a body's own (B21)."""
    by = officer(desk, "checklist.*")
    tasks = ("当选证发放", "赋码登记", "更换标识", "刻章", "设立独立账户")
    checklist(desk, "after-village", "村改社区后半篇文章", "organisation", *tasks)
    establish(desk, "village", place=COMMUNITY)
    id = desk.ask("open_checklist", by, template="after-village", subject="village")["id"]

    def ask(command: str, **more: Any) -> Any:
        return desk.ask(command, "operator", **more)

    one = {"organisation_id": "committee", "certificate": "统一社会信用代码证书"}
    with pytest.raises(BadInputError) as refused:
        ask("register_credit_code", **one, credit_code="9135010")
    assert set(refused.value.fields) == {"credit_code"}
    with pytest.raises(BadInputError, match="mistyped"):
        ask("register_credit_code", **one, credit_code="91350100M000100Y44")
    with pytest.raises(NotFoundError):
        ask("register_seal", registration_id="committee", name="公章", keeper_post_id="post-secretary")
    ask("register_credit_code", **one, credit_code="91350100M000100Y43")
    assert ask("register_credit_code", **one, credit_code="91350100M000100Y43")["events"] == 0
    village = {"organisation_id": "village", "certificate": "证书"}
    with pytest.raises(IllegalStateError, match="code of another body"):
        ask("register_credit_code", **village, credit_code="91350100M000100Y43")
    seal = {"registration_id": "committee", "name": "社区党委公章"}
    with pytest.raises(IllegalStateError, match="nobody holds"):
        ask("register_seal", **seal, keeper_post_id="post-grid")
    ask("register_seal", **seal, keeper_post_id="post-secretary")
    with pytest.raises(IllegalStateError, match="in use already"):
        ask("register_seal", **seal, keeper_post_id="post-secretary")
    account = {"bank": "农商银行", "account_number": "6222000011112222"}
    ask("register_account", registration_id="committee", **account)
    ask("register_credit_code", **village, credit_code="91350211M000100Y46")
    with pytest.raises(BadInputError, match="of the body itself"):
        ask("register_seal", registration_id="village", name="村章", keeper_post_id="post-secretary")
    with pytest.raises(IllegalStateError, match="belongs to committee already"):
        ask("register_account", registration_id="village", **account)
    ask("end_registration", registration_id="committee", what="account", number=1, reason="销户")
    ask("register_account", registration_id="village", **account)
    with pytest.raises(IllegalStateError, match="no such seal or account"):
        ask("end_registration", registration_id="committee", what="account", number=1, reason="销户")
    shown = desk.ask("get_registration", registration_id="village")
    assert (shown["credit_code"], shown["accounts"][0]["account"]) == ("91350211M000100Y46", "…2222")
    for number, evidence in enumerate(("证书存根", "91350211M000100Y46", "新牌照片", "印模", "开户许可证"), 1):
        judge(desk, by, id, f"after-village-{number}", evidence)
    figures = desk.ask("checklist_figures", place=COMMUNITY)["checklists"]["after-village"]
    assert figures == {"opened": 1, "passed": 1, "items": 5, "holding": 5}

"""Programmes that the city names: prongs and measures as data, who leads one, the batches of its units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_checklists import checklist, judge
from tests.desk.registry.test_rows_of_coverages import place
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, STREET
from tests.domain.volunteers.people import HERE, small_city
from tests.kit.city import entry
from tests.kit.desk import Desk

MORNING = "T09:00:00+08:00"

NAMED = [
    ("four-double", "“四双”机制", (1, 1, 1, 1)),
    ("three-joins", "“三联”机制", (1, 1, 1)),
    ("123", "“123”近邻党建工作体系", (1, 2, 3)),
]


def start(desk: Desk, by: str, kind: str, lead: str = "post-secretary", title: str = "", **more: Any) -> str:
    asked = {"kind": kind, "lead_post_id": lead, "title": title or kind, "aim": "强基创优"} | more
    id: str = desk.ask("start_programme", by, **asked)["id"]
    return id


def programme(desk: Desk, code: str, zh: str, *prongs: str, **more: Any) -> None:
    """A programme of the city, with its prongs."""
    named = [{"code": f"{code}-{n}", "zh": one, "en": f"{code} {n}"} for n, one in enumerate(prongs or (zh,), 1)]
    adopt(desk, "programmes", code, zh, **{"prongs": named} | more)


def batch(code: str, zh: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "zh": zh, "en": code} | more


def join(desk: Desk, by: str, id: str, subject: str, batch: str = "", **more: Any) -> str:
    asked = {"programme_id": id, "subject": subject, "batch": batch} | more
    unit: str = desk.ask("join_programme", by, **asked)["id"]
    return unit


def accept(desk: Desk, by: str, unit: str, **more: Any) -> None:
    desk.ask("accept_unit", by, participation_id=unit, evidence="验收单", **more)


@pytest.mark.parametrize(("code", "name", "sizes"), NAMED)
def test_a_named_programme_holds_its_prongs_and_measures(
    desk: Desk, code: str, name: str, sizes: tuple[int, ...]
) -> None:
    """What a programme that is only named consists of the city says, wrong parts are refused, and what is not named (B05, B42, C05)."""
    prongs = [{"code": f"p-{n}", "zh": f"第{n}项", "en": f"prong {n}"} for n in range(1, len(sizes) + 1)]
    measures: list[dict[str, Any]] = [
        {"code": f"m-{n}-{m}", "zh": f"措施{n}-{m}", "en": f"measure {n}-{m}", "prong": f"p-{n}"}
        for n, size in enumerate(sizes, 1)
        for m in range(size)
    ]
    for wrong, part in (
        ({"prongs": []}, "prongs"),
        ({"prongs": [*prongs, prongs[0]]}, "prongs"),
        ({"measures": [measures[0], measures[0]]}, "measures"),
        ({"measures": [measures[0] | {"prong": "p-9"}]}, "measures"),
        ({"prongs": [prongs[0] | {"groups": ["links.nowhere"]}], "measures": []}, "prongs"),
        ({"prongs": [prongs[0] | {"groups": ["nothing"]}], "measures": []}, "prongs"),
        ({"lead": "nobody"}, "lead"),
        ({"unit_of": "castle"}, "unit_of"),
        ({"batches": [{"code": "b", "zh": "一批", "en": "b", "checklist": "none"}]}, "batches"),
        ({"batches": [{"code": "b", "zh": "一批", "en": "b"}] * 2}, "batches"),
    ):
        with pytest.raises(BadInputError, match="do not fit the list") as refused:
            adopt(desk, "programmes", code, name, **{"prongs": prongs, "measures": measures} | wrong)
        assert list(refused.value.fields["data"]) == [part]
    assert desk.ask("find_entries", kind="programmes")["rows"] == []
    adopt(desk, "programmes", code, name, prongs=prongs, measures=measures)
    shown = desk.ask("get_entry", kind="programmes", code=code)
    assert (shown["zh"], shown["data"]["prongs"]) == (name, prongs)
    assert [one["code"] for one in shown["data"]["measures"]] == [one["code"] for one in measures]
    by = officer(desk, "programme.*")
    with pytest.raises(BadInputError, match="not on the city's list"):
        start(desk, by, f"{code}-x")
    id = start(desk, by, code)
    shown = desk.ask("programme_prongs", kind=code)
    assert [len(prong["measures"]) for prong in shown["prongs"]] == list(sizes)
    assert (shown["zh"], shown["running"]) == (name, 1)
    desk.ask("end_programme", by, programme_id=id, result="转入常态")
    assert desk.ask("programme_prongs", kind=code)["running"] == 0


def test_secretaries_of_three_levels_each_lead_a_named_project_that_their_successor_inherits(desk: Desk) -> None:
    """Only a secretary leads one, one at a time, and only who holds the post today reports on it (B02)."""
    by = officer(desk, "programme.*")
    programme(desk, "secretary-project", "书记领办党建项目", lead="secretary")
    for level, body, where in (("street", "street-committee", STREET), ("compound", "branch", COMPOUND)):
        desk.ask(
            "establish_post",
            "operator",
            post_id=f"post-{level}",
            organisation_id=body,
            role="secretary",
            title=f"{level}书记",
            place=where,
        )
        desk.ask("register_person", "operator", person_id=f"p-{level}", name=level, place=COMMUNITY)
        desk.ask("appoint_person", "operator", post_id=f"post-{level}", person_id=f"p-{level}", since="2025-01-01")
    with pytest.raises(IllegalStateError, match="nobody holds"):
        start(desk, by, "secretary-project", "post-grid")
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-01-01")
    with pytest.raises(BadInputError, match="led by a post of the role"):
        start(desk, by, "secretary-project", "post-grid")
    with pytest.raises(ForbiddenError, match=r"programme\.lead"):
        start(desk, by, "secretary-project", "post-street", "党群服务阵地强基创优")
    ids = {
        lead: start(desk, "post-street", "secretary-project", lead, title)
        for lead, title in (
            ("post-street", "党群服务阵地强基创优"),
            ("post-secretary", "老旧小区治理"),
            ("post-compound", "小区服务站"),
        )
    }
    with pytest.raises(IllegalStateError, match="leads 老旧小区治理 already"):
        start(desk, by, "secretary-project", title="另一个")
    with pytest.raises(BadInputError, match="lies outside"):
        join(desk, by, ids["post-compound"], COMMUNITY)
    id = ids["post-secretary"]
    with pytest.raises(ForbiddenError, match="who holds the post"):
        desk.ask("report_programme", "post-street", programme_id=id, report="进展顺利")
    desk.ask("report_programme", by, programme_id=id, report="完成摸底")
    assert desk.ask("get_programme", programme_id=id)["lead_person_id"] == "p-chen"
    later = f"2025-03-10{MORNING}"
    desk.ask("end_appointment", "operator", at=later, post_id=by, person_id="p-chen", until="2025-03-10")
    desk.ask("appoint_person", "operator", at=later, post_id=by, person_id="p-lin", since="2025-03-10")
    desk.ask("report_programme", by, at=later, programme_id=id, report="接手，已开工")
    told = desk.ask("get_programme", programme_id=id)["told"]
    assert [(one["report"], one["person_id"]) for one in told] == [("完成摸底", "p-chen"), ("接手，已开工", "p-lin")]
    rows = desk.ask("find_programmes", kind="secretary-project", status="running")["rows"]
    assert {row["title"] for row in rows} == {"党群服务阵地强基创优", "老旧小区治理", "小区服务站"}


def test_pilots_come_first_and_all_follow_once_each_has_all_its_items(desk: Desk) -> None:
    """The second batch begins when the first is complete: every item of every pilot holds (B06)."""
    by = officer(desk, "programme.*", "checklist.*")
    checklist(desk, "pilot", "试点任务", "place", "阵地建设", "制度上墙")
    batches = [batch("first", "第一批试点", checklist="pilot"), batch("rest", "全面推进")]
    programme(desk, "pilots", "试点先行、全面推进", batches=batches, unit_of="compound", in_order=True)
    for number in (2, 3):
        place(desk, f"{COMMUNITY}.1{number}", "compound")
    id = start(desk, by, "pilots")
    with pytest.raises(BadInputError, match="compound only"):
        join(desk, by, id, BUILDING, "first")
    with pytest.raises(BadInputError, match="no batch of this programme; known: first, rest"):
        join(desk, by, id, COMPOUND)
    with pytest.raises(IllegalStateError, match="first comes the batch 第一批试点: 0 of its 0"):
        join(desk, by, id, f"{COMMUNITY}.13", "rest")
    units = [join(desk, by, id, one, "first") for one in (COMPOUND, f"{COMMUNITY}.12")]
    with pytest.raises(IllegalStateError, match="takes part already"):
        join(desk, by, id, COMPOUND, "first", note="再报")
    lists = [
        desk.ask("open_checklist", by, template="pilot", subject=one)["id"] for one in (COMPOUND, f"{COMMUNITY}.12")
    ]
    for list_id, items in zip(lists, (2, 1), strict=True):
        for item in range(1, items + 1):
            judge(desk, by, list_id, f"pilot-{item}")
    accept(desk, by, units[0])
    with pytest.raises(IllegalStateError, match="1 of 2 items hold"):
        accept(desk, by, units[1])
    (first, _rest) = desk.ask("programme_figures", programme_id=id)["batches"]
    assert (first["units"], first["accepted"], first["holding"], first["items"]) == (2, 1, 3, 4)
    assert not first["complete"]
    with pytest.raises(IllegalStateError, match="1 of its 2 units"):
        join(desk, by, id, f"{COMMUNITY}.13", "rest")
    judge(desk, by, lists[1], "pilot-2")
    accept(desk, by, units[1])
    (first, _rest) = desk.ask("programme_figures", programme_id=id)["batches"]
    assert (first["holding"], first["items"], first["complete"]) == (4, 4, True)
    rest = join(desk, by, id, f"{COMMUNITY}.13", "rest")
    later = f"2025-03-06{MORNING}"
    desk.ask("fall_back", by, at=later, participation_id=units[0], reason="制度已撕毁")
    figures = [desk.ask("programme_figures", programme_id=id, on=f"2025-03-0{day}")["accepted"] for day in (3, 4, 6)]
    assert figures == [0, 2, 1], "who falls back counts no longer"
    desk.ask("leave_programme", by, at=later, participation_id=rest, reason="并入他院")
    with pytest.raises(IllegalStateError, match="not possible"):
        accept(desk, by, rest, at=later)


def test_a_year_has_three_batches_whose_units_are_told_apart(desk: Desk) -> None:
    """示范一批、规范一批、提升一批: bodies join one batch each; nobody accepts their own; an ended year takes no more (B23)."""
    by = officer(desk, "programme.*")
    batches = [batch("show", "示范一批"), batch("norm", "规范一批"), batch("lift", "提升一批", target=2)]
    programme(desk, "year", "强基创优年", batches=batches, unit="organisation", unit_of="party")
    id = start(desk, by, "year")
    units = {}
    for body, named in (("branch", "show"), ("group-1", "norm"), ("group-2", "lift"), ("committee", "lift")):
        units[body] = join(desk, by, id, body, named)
    with pytest.raises(IllegalStateError, match="takes part already"):
        join(desk, by, id, "branch", "lift")
    with pytest.raises(ForbiddenError, match="own body"):
        accept(desk, by, units["committee"])
    accept(desk, by, units["branch"])
    figures = desk.ask("programme_figures", programme_id=id)
    assert [(one["units"], one["accepted"], one["complete"]) for one in figures["batches"]] == [
        (1, 1, True),
        (1, 0, False),
        (2, 0, False),
    ]
    rows = desk.ask("find_participations", programme_id=id, batch="lift")["rows"]
    assert {row["subject"] for row in rows} == {"group-2", "committee"}
    establish(desk, "late")
    with pytest.raises(ForbiddenError, match=r"programme\.join"):
        join(desk, by, id, "street-committee", "lift")
    desk.ask("end_programme", by, programme_id=id, result="三批完成")
    with pytest.raises(IllegalStateError, match="has ended"):
        join(desk, by, id, "late", "lift")


def test_points_of_three_levels_have_a_target_each(desk: Desk) -> None:
    """One of the city, three of communities, twelve of compounds: sixteen, each accepted, and too few show (part of B25)."""
    by = officer(desk, "programme.*")
    levels = {"city": ("市级示范点", 1), "community": ("社区示范点", 3), "compound": ("小区示范点", 12)}
    adopt(desk, "place_kinds", "facility", "阵地")
    batches = [batch(code, zh, target=target) for code, (zh, target) in levels.items()]
    programme(desk, "points", "党群服务阵地示范点", batches=batches, unit_of="facility")
    id = start(desk, by, "points")
    named = [code for code, (_zh, target) in levels.items() for _one in range(target)]
    for number, code in enumerate(named):
        place(desk, f"{COMPOUND}.f{number}", "facility")
        unit = join(desk, by, id, f"{COMPOUND}.f{number}", code)
        if number:
            accept(desk, by, unit)
    figures = desk.ask("programme_figures", programme_id=id)
    assert (figures["target"], figures["units"], figures["accepted"]) == (16, 16, 15)
    assert [(one["target"], one["accepted"], one["complete"]) for one in figures["batches"]] == [
        (1, 0, False),
        (3, 3, True),
        (12, 12, True),
    ]


PRONGS = [
    ("three-in-one", "三位一体", ("党组织功能", "统一自管委员会", "共治力量")),
    ("five-in-one", "五位一体", ("网格体系", "工作机制", "居民自治", "服务质量", "干部下沉")),
    ("three-drives", "三动", ("党组织驱动", "自治组织带动", "服务项目拉动")),
    ("three-aims", "补短板、堵漏洞、创特色", ("补短板", "堵漏洞", "创特色")),
    ("three-ways", "三个下沉", ("多元力量下沉融入", "多种资源保障融入", "多方党员渗透融入")),
]


@pytest.mark.parametrize(("code", "name", "prongs"), PRONGS)
def test_a_prong_groups_mechanisms_and_is_shown_with_how_many_there_are(
    desk: Desk, code: str, name: str, prongs: tuple[str, ...]
) -> None:
    """What stands under each prong the city says; nothing is counted that is not there (A02, C01, D01, E32) (part of A44)."""
    by = officer(desk, "link.*", "standing.*")
    ends = {"near": "organisation", "far": "place", "power": "link.make"}
    adopt(desk, "links", "support", "包联单位", **ends)
    adopt(desk, "links", "resource", "资源保障", **ends)
    named = [{"code": f"p-{n}", "zh": zh, "en": f"prong {n}"} for n, zh in enumerate(prongs, 1)]
    grouped = [
        named[0] | {"groups": ["links.support", "organisation_types.party"]},
        named[1] | {"groups": ["links.resource", "activity_kinds.service"]},
        *named[2:],
    ]
    with pytest.raises(BadInputError, match="do not fit the list"):
        adopt(desk, "programmes", code, name, prongs=[named[0] | {"groups": ["links.none"]}])
    adopt(desk, "programmes", code, name, prongs=grouped)
    with pytest.raises(IllegalStateError, match="must stay on the list"):
        desk.ask("retire_entry", "operator", kind="links", code="support", reason="x")
    for far in (COMPOUND, BUILDING):
        desk.ask("propose_link", by, kind="support", near="branch", far=far, terms="包联协议")
    shown = desk.ask("programme_prongs", kind=code, place=COMPOUND)
    assert [prong["zh"] for prong in shown["prongs"]] == list(prongs)
    first, second, *rest = ({one["code"]: one.get("count") for one in prong["mechanisms"]} for prong in shown["prongs"])
    assert first == {"support": 2, "party": 3}
    assert second == {"resource": 0, "service": None}
    assert rest == [{}] * len(rest)
    assert [prong["count"] for prong in shown["prongs"]] == [5, 0, *[0] * len(rest)]


def test_a_campaign_has_its_units_and_days_beside_another(desk: Desk) -> None:
    """Two campaigns run side by side, and what takes part in one is not in the other (B51)."""
    by = officer(desk, "programme.*")
    for code, name in (("standards", "基层组织建设规范提升行动"), ("towns", "党建引领新型城镇化试点")):
        programme(desk, code, name, unit_of="compound")
    ids = [start(desk, by, code) for code in ("standards", "towns")]
    join(desk, by, ids[0], COMPOUND)
    with pytest.raises(IllegalStateError, match="not come yet"):
        start(desk, by, "towns", title="明天", since="2025-03-05")
    with pytest.raises(IllegalStateError, match="already"):
        start(desk, by, "towns", title="又一个")
    assert [desk.ask("programme_figures", programme_id=id)["units"] for id in ids] == [1, 0]
    with pytest.raises(IllegalStateError, match="towns must stay on the list"):
        desk.ask("retire_entry", "operator", kind="programmes", code="towns", reason="x")


def test_five_steps_are_taken_in_order_each_by_residents_on_evidence(desk: Desk) -> None:
    """共谋、共建、共治、共评、共享: none is skipped, each has residents who took part, and only then is it accepted (part of C27)."""
    by = officer(desk, "programme.*")
    steps = ("共谋", "共建", "共治", "共评", "共享")
    stages = [{"code": f"s-{n}", "zh": zh, "en": f"step {n}", "people": 5} for n, zh in enumerate(steps, 1)]
    programme(desk, "together", "五共", stages=stages)
    unit = join(desk, by, start(desk, by, "together"), COMPOUND)

    def advance(number: int, people: int = 12, evidence: str = "会议记录") -> None:
        told = {"stage": f"s-{number}", "people": people, "evidence": evidence}
        desk.ask("advance_unit", by, participation_id=unit, **told)

    with pytest.raises(IllegalStateError, match="next step of this unit is 共谋"):
        advance(2)
    with pytest.raises(IllegalStateError, match="at least 5 residents"):
        advance(1, 4)
    with pytest.raises(BadInputError) as refused:
        advance(1, evidence="")
    assert set(refused.value.fields) == {"evidence"}
    for number in (1, 2, 3, 4):
        advance(number, 10 + number)
    with pytest.raises(IllegalStateError, match="not taken yet: 共享"):
        accept(desk, by, unit)
    advance(5)
    accept(desk, by, unit)
    figures = desk.ask("programme_figures", programme_id=desk.ask("find_programmes")["rows"][0]["programme_id"])
    assert [(one["units"], one["people"]) for one in figures["stages"]] == [(1, n) for n in (11, 12, 13, 14, 12)]


def test_three_ways_of_joining_in_are_each_a_group_of_links_and_activities(desk: Desk, tmp_path: Path) -> None:
    """下沉融入: the links of a group and its activities, by the same codes, each counted where it is kept (A44)."""
    by = officer(desk, "link.*")
    adopt(desk, "links", "support", "包联单位", near="organisation", far="place", power="link.make")
    ways = ("多元力量下沉融入", "多种资源保障融入", "多方党员渗透融入")
    groups = (["links.support"], ["links.support", "activity_kinds.service"], ["activity_kinds.service"])
    prongs = [
        {"code": f"w-{n}", "zh": zh, "en": f"way {n}", "groups": group}
        for n, (zh, group) in enumerate(zip(ways, groups, strict=True), 1)
    ]
    adopt(desk, "programmes", "ways", "三个融入", prongs=prongs)
    desk.ask("propose_link", by, kind="support", near="branch", far=COMPOUND, terms="包联协议")
    volunteers = Desk(
        "volunteers", tmp_path / "volunteers", [*small_city(), entry("programmes", "ways", prongs=prongs)]
    )
    planned = {"activity_id": "a-1", "title": "服务日", "kind": "service", "place": HERE}
    volunteers.ask("plan_activity", "post-director", **planned, starts="2025-03-04T06:00:00+08:00")
    volunteers.ask("hold_activity", "post-director", activity_id="a-1")
    for one, query in ((desk, "programme_prongs"), (volunteers, "programme_activities")):
        with pytest.raises(BadInputError, match="not on the city's list programmes"):
            one.ask(query, kind="none")
    links = desk.ask("programme_prongs", kind="ways")["prongs"]
    done = volunteers.ask("programme_activities", kind="ways")["prongs"]
    volunteers.close()
    assert [one["zh"] for one in links] == [one["zh"] for one in done] == list(ways)
    assert [(one["count"], two["activities"]) for one, two in zip(links, done, strict=True)] == [(1, 0), (1, 1), (0, 1)]


def test_nothing_is_accepted_or_recorded_of_a_unit_once_its_programme_has_ended(desk: Desk) -> None:
    by = officer(desk, "programme.*")
    steps = [{"code": "x", "zh": "开工", "en": "begun"}]
    for code, stages, offered in (("renewal", [], "accept_unit"), ("greening", steps, "advance_unit")):
        programme(desk, code, code, unit_of="compound", stages=stages)
        id = start(desk, by, code, lead=by)
        unit = join(desk, by, id, COMPOUND)
        (row,) = desk.ask("find_participations", by, programme_id=id)["rows"]
        assert offered in row["actions"]
        desk.ask("end_programme", by, programme_id=id, result="完成")
        (row,) = desk.ask("find_participations", by, programme_id=id)["rows"]
        assert row["actions"] == ["leave_programme"], "what would be refused is not offered"
    head = desk.log.head()
    with pytest.raises(IllegalStateError, match="has ended"):
        accept(desk, by, unit)
    with pytest.raises(IllegalStateError, match="has ended"):
        desk.ask("advance_unit", by, participation_id=unit, stage="x", evidence="x")
    assert desk.log.head() == head

"""The incubation of organisations in one test: who applies, is helped to grow, and graduates."""

from __future__ import annotations

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_programmes import accept, batch, join, programme, start
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_checklists import checklist, judge
from tests.desk.registry.test_rows_of_coverages import hold, role
from tests.kit.desk import Desk

MORNING = "T09:00:00+08:00"


def test_organisations_of_three_kinds_apply_are_incubated_and_graduate(desk: Desk) -> None:
    """公益性、服务性、互助性: each applies, is incubated, graduates by a checklist that others judge; counted by kind and day (E30)."""
    by = officer(desk, "programme.*", "checklist.*")
    kinds = {"welfare": "公益性社会组织", "service": "服务性社会组织", "mutual": "互助性社会组织"}
    role(desk, "leader", "社会组织负责人", "programme.join", "programme.accept")
    for kind, zh in kinds.items():
        adopt(desk, "organisation_types", kind, zh)
        establish(desk, f"o-{kind}", kind)
        hold(desk, f"post-{kind}", f"o-{kind}", "leader", f"p-{kind}", since="2025-03-01")
    checklist(desk, "grown", "出壳标准", "organisation", "有固定团队", "有服务项目", "账目公开")
    stages = [
        {"code": "applied", "zh": "申请评审", "en": "applied"},
        {"code": "incubated", "zh": "孵化培育", "en": "in"},
    ]
    batches = [batch(kind, zh, of=kind, checklist="grown") for kind, zh in kinds.items()]
    programme(desk, "incubation", "社会组织孵化培育", unit="organisation", stages=stages, batches=batches)
    id = start(desk, by, "incubation")

    def advance(unit: str, stage: str, who: str = by, evidence: str = "评审表", day: str = "2025-03-04") -> None:
        told = {"participation_id": unit, "stage": stage, "evidence": evidence}
        desk.ask("advance_unit", who, at=day + MORNING, **told)

    def counts(on: str = "") -> list[tuple[str, int, int]]:
        found = desk.ask("programme_figures", programme_id=id, on=on)
        return [(one["code"], one["units"], one["accepted"]) for one in found["batches"]]

    with pytest.raises(BadInputError, match="mutual; this is for welfare only"):
        join(desk, "post-mutual", id, "o-mutual", "welfare")
    with pytest.raises(BadInputError, match="no batch of this programme; known: welfare, service, mutual"):
        join(desk, "post-mutual", id, "o-mutual", "commercial")
    with pytest.raises(ForbiddenError, match=r"programme\.join"):
        join(desk, "p-welfare", id, "o-welfare", "welfare")
    units = {kind: join(desk, f"post-{kind}", id, f"o-{kind}", kind, note="申请入壳") for kind in kinds}
    with pytest.raises(IllegalStateError, match="takes part already"):
        join(desk, by, id, "o-mutual", "mutual", note="再次申请")
    assert counts() == [(kind, 1, 0) for kind in kinds]

    unit, own = units["mutual"], "post-mutual"
    with pytest.raises(IllegalStateError, match="next step of this unit is 申请评审"):
        advance(unit, "incubated")
    with pytest.raises(IllegalStateError, match="not taken yet: 申请评审、孵化培育"):
        accept(desk, by, unit)
    with pytest.raises(BadInputError) as refused:
        advance(unit, "applied", evidence="")
    assert set(refused.value.fields) == {"evidence"}
    for one in units.values():
        advance(one, "applied")
    advance(unit, "incubated", day="2025-03-05", evidence="孵化记录")
    with pytest.raises(IllegalStateError, match="0 of 0 items hold"):
        accept(desk, by, unit)
    list_id = desk.ask("open_checklist", by, template="grown", subject="o-mutual")["id"]
    for number in (1, 2):
        judge(desk, by, list_id, f"grown-{number}")
    with pytest.raises(IllegalStateError, match="2 of 3 items hold"):
        accept(desk, by, unit)
    judge(desk, by, list_id, "grown-3")
    with pytest.raises(ForbiddenError, match="own body"):
        accept(desk, own, unit)
    accept(desk, by, unit, at="2025-03-06" + MORNING)

    leave = {"participation_id": units["service"], "reason": "撤回申请"}
    desk.ask("leave_programme", "post-service", at="2025-03-07" + MORNING, **leave)
    desk.ask("fall_back", by, at="2025-03-09" + MORNING, participation_id=unit, reason="团队已散")
    assert counts("2025-03-05") == [("welfare", 1, 0), ("service", 1, 0), ("mutual", 1, 0)]
    assert counts("2025-03-06") == [("welfare", 1, 0), ("service", 1, 0), ("mutual", 1, 1)]
    assert counts("2025-03-07") == [("welfare", 1, 0), ("service", 0, 0), ("mutual", 1, 1)]
    assert counts("2025-03-09") == [("welfare", 1, 0), ("service", 0, 0), ("mutual", 1, 0)], "it is incubated anew"
    steps = desk.ask("programme_figures", programme_id=id, on="2025-03-06")["stages"]
    assert [(one["code"], one["units"]) for one in steps] == [("applied", 3), ("incubated", 1)]
    desk.ask("end_programme", by, at="2025-03-10" + MORNING, programme_id=id, result="两家继续培育")
    with pytest.raises(IllegalStateError, match="has ended"):
        advance(units["welfare"], "incubated", day="2025-03-10")

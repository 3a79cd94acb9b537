"""书记有话说: secretaries speak to each other on topics, each month, and become a pool of teachers."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_coverages import hold, role
from tests.desk.registry.test_rows_of_meetings import held, kind
from tests.desk.registry.test_rows_of_staff import classes, classify
from tests.domain.registry.facts import COMMUNITY
from tests.kit.desk import Desk

CRITERIA = {"enough": "数量充足", "steady": "人员稳定", "mixed": "结构合理", "able": "业务精通"}


def test_secretaries_speak_on_topics_each_month_and_the_teachers_are_a_pool_by_four_criteria(desk: Desk) -> None:
    """Owed each month, done by a meeting on a topic from a secretary's chair; the pool passes when all four criteria hold (B41)."""
    by = officer(desk, "meeting.*", "obligation.*", "checklist.*", "person.classify")
    for code, zh in (("governance", "小区治理"), ("service", "群众工作")):
        adopt(desk, "topics", code, zh)
    kind(desk, "speaks", "社区书记有话说", callers=["party"], topics=True, chair="secretary")
    owed = {"cadence": "month", "bearer": "party", "amount": 1, "power": "obligation.meet", "meeting": "speaks"}
    adopt(desk, "obligations", "speaks", "书记有话说常态化", **owed)
    desk.tick("2025-03-05")

    def due(period: str) -> dict[str, Any]:
        found = desk.ask("find_obligations", rule="speaks", organisation_id="committee")["rows"]
        (row,) = (row for row in found if row["period"] == period)
        return dict(row)

    speaker = {"chair_post_id": "post-secretary", "entitled": 9, "present": 8}
    with pytest.raises(BadInputError, match="not on the city's list topics"):
        held(desk, "speaks", {"committee": 8}, on="2025-03-12", **speaker)
    spoken = {"topic": "governance", "agenda": [{"title": "老旧小区怎样议事"}]}
    with pytest.raises(IllegalStateError):
        held(desk, "speaks", {"committee": 8}, on="2025-03-12", **spoken, **speaker | {"chair_post_id": "post-grid"})
    met = {"obligation_id": due("2025-03")["obligation_id"]}
    with pytest.raises(IllegalStateError, match="by a meeting of the kind"):
        desk.ask("meet_obligation", by, at="2025-03-20T09:00:00+08:00", done_on="2025-03-12", evidence="照片", **met)
    id = held(desk, "speaks", {"committee": 8}, on="2025-03-12", **spoken, **speaker)
    desk.ask("meet_obligation", by, at="2025-03-20T09:00:00+08:00", meeting_id=id, **met)
    assert due("2025-03")["status"] == "met"
    shown = desk.ask("get_meeting", meeting_id=id)
    assert (shown["topic"], shown["chair_post_id"], shown["agenda"][0]["title"]) == (
        "governance",
        "post-secretary",
        "老旧小区怎样议事",
    )
    desk.tick("2025-04-01")
    desk.tick("2025-05-01")
    assert due("2025-04")["status"] == "missed", "a month without it is seen"
    # the pool of teachers
    classes(desk, "subject", "讲授专题", {"governance": "小区治理", "service": "群众工作"})
    adopt(desk, "organisation_types", "teachers", "社区教育师资队伍", members="subject")
    role(desk, "teacher", "讲师")
    establish(desk, "o-teachers", "teachers", level="community", place=COMMUNITY, parent_id="street-committee")
    with pytest.raises(IllegalStateError, match="classified by subject"):
        hold(desk, "post-t1", "o-teachers", "teacher", "p-lin")
    classify(desk, by, "subject", "p-lin", "service")
    desk.ask("appoint_person", "operator", post_id="post-t1", person_id="p-lin")
    pool = desk.ask("staff_figures", type="teachers", scheme="subject")
    assert (pool["persons"], pool["codes"]) == (1, {"service": 1})
    items = [{"code": code, "zh": zh, "en": code} for code, zh in CRITERIA.items()]
    rules = {"subject": "organisation", "items": items, "power": "checklist.judge", "unlocks": "teachers"}
    adopt(desk, "checklists", "teachers", "师资队伍四项标准", **rules)
    list_id = desk.ask("open_checklist", by, template="teachers", subject="o-teachers")["id"]
    for code in CRITERIA:
        assert desk.ask("get_checklist", checklist_id=list_id)["status"] == "open"
        judged = {"checklist_id": list_id, "item": code, "passed": True, "evidence": "名册"}
        desk.ask("judge_item", by, **judged)
    assert desk.ask("get_checklist", checklist_id=list_id)["status"] == "passed"
    judged |= {"passed": False, "item": "enough", "evidence": "只有一人"}
    desk.ask("judge_item", by, **judged)
    assert desk.ask("get_checklist", checklist_id=list_id)["status"] == "open", "one of four is not enough"
    with pytest.raises(BadInputError, match="no item"):
        desk.ask("judge_item", by, **judged | {"item": "fifth"})
    with pytest.raises(ForbiddenError):
        desk.ask("judge_item", "p-lin", **judged)

"""A place ends: what is open there follows to the heir, what is over stays, and nothing new begins there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import ForbiddenError, IllegalStateError
from tests.desk.volunteers.test_wall import ask, claimed
from tests.domain.volunteers.people import small_city
from tests.kit.city import COMPOUND, OTHER_COMPOUND
from tests.kit.desk import Desk


def test_open_wishes_go_to_the_heir_and_rejected_ones_stay(tmp_path: Path) -> None:
    desk = Desk("volunteers", tmp_path, small_city())
    claimed(desk, "w-claimed", 5, place=COMPOUND)
    for id in ("w-asked", "w-rejected"):
        ask(desk, id, COMPOUND)
    desk.ask("reject_wish", "post-worker", wish_id="w-rejected", reason="不宜公开")
    end = {"place": COMPOUND, "change": "moved", "successors": [OTHER_COMPOUND], "heir": OTHER_COMPOUND}
    for _twice in range(2):
        desk.tell("registry", "PlaceEnded", since="2025-03-04", reason="区划调整", **end)
    rows = {id: desk.node.views.get("wishes", id) or {} for id in ("w-claimed", "w-asked", "w-rejected")}
    assert {id: row["place"] for id, row in rows.items()} == {
        "w-claimed": OTHER_COMPOUND,
        "w-asked": OTHER_COMPOUND,
        "w-rejected": COMPOUND,
    }
    assert rows["w-claimed"]["claimant"] == "p-lin" and rows["w-claimed"]["status"] == "claimed"
    assert sum(record.type == "WishRelocated" for record in desk.log.read(0)) == 2, "told twice, moved once"
    sums = {
        place: (desk.node.views.get("wish_sums", place) or {}).get("wishes") for place in (COMPOUND, OTHER_COMPOUND)
    }
    assert sums == {COMPOUND: {"rejected": 1}, OTHER_COMPOUND: {"claimed": 1, "asked": 1}}
    with pytest.raises(IllegalStateError, match=f"it is .*{OTHER_COMPOUND}.* now"):
        ask(desk, "w-late", COMPOUND)
    desk.close()


MORNING = "2025-03-05T09:00:00+08:00"


def test_teams_patrols_activities_volunteers_and_report_ins_follow(tmp_path: Path) -> None:
    """What is formed, planned or held on goes on at the heir, who lives and serves there too; what took place stays where it did."""
    desk = Desk("volunteers", tmp_path, small_city())

    def asked(method: str, by: str = "post-worker", /, **ask: Any) -> str:
        return str(desk.ask(method, by, **ask)["id"])

    for person, home in (("p-1", COMPOUND), ("p-2", OTHER_COMPOUND)):
        asked("register_volunteer", person_id=person, name="陈", home=home)
    asked("take_role", person_id="p-1", role="informer", place=COMPOUND)
    asked("take_role", person_id="p-2", role="mediator", place=COMPOUND)
    asked("form_team", team_id="t-1", kind="safety", name="平安队", place=COMPOUND)
    for person in ("p-1", "p-2"):
        asked("join_team", team_id="t-1", person_id=person)
    walk = {"team_id": "t-1", "place": COMPOUND, "members": ["p-1", "p-2"]}
    walked = {"route": "1号楼", "started": "2025-03-04T07:00:00+08:00", "minutes": 30}
    asked("log_patrol", patrol_id="walked", **walk | walked)
    asked("plan_patrol", patrol_id="planned", starts=MORNING, **walk)
    for id in ("held", "planned"):
        starts = "2025-03-04T07:00:00+08:00" if id == "held" else MORNING
        asked("plan_activity", activity_id=id, title=id, kind="service", place=COMPOUND, starts=starts)
    asked("hold_activity", activity_id="held")
    member = asked("report_in", "p-1", unit="bureau", place=COMPOUND)
    unit = asked("report_in", kind="unit", unit="bureau", place=COMPOUND)
    end = {"place": COMPOUND, "change": "moved", "successors": [OTHER_COMPOUND], "heir": OTHER_COMPOUND}
    head = desk.log.head().position
    for _twice in range(2):
        desk.tell("registry", "PlaceEnded", since="2025-03-04", reason="区划调整", **end)
    assert Counter(record.type for record in desk.log.read(head)) == {
        **dict.fromkeys(("TeamRelocated", "PatrolRelocated", "ActivityRelocated", "VolunteerRelocated"), 1),
        **dict.fromkeys(("RoleLeft", "RoleTaken"), 2),
        **dict.fromkeys(("ReportInRelocated", "ReportInEnded"), 1),
    }, "told twice, done once"

    def at(view: str, key: str) -> str:
        return str((desk.node.views.get(view, key) or {})["place"])

    followed = {"teams": "t-1", "patrols": "planned", "activities": "planned", "volunteers": "p-1"}
    assert {at(view, key) for view, key in followed.items()} == {OTHER_COMPOUND}
    assert {at("patrols", "walked"), at("activities", "held")} == {COMPOUND}
    roles = desk.ask("find_roles", "post-worker", order="person_id")["rows"]
    assert [(row["person_id"], row["role"], row["place"]) for row in roles] == [
        ("p-1", "informer", OTHER_COMPOUND),
        ("p-2", "mediator", OTHER_COMPOUND),
    ]
    reports = {row["report_id"]: row for row in desk.ask("find_report_ins", "post-worker")["rows"]}
    assert (reports[member]["place"], reports[member]["status"]) == (OTHER_COMPOUND, "reported_in")
    assert (reports[unit]["place"], reports[unit]["status"], reports[unit]["reason"]) == (
        *(COMPOUND, "ended"),
        "区划调整",
    )
    figures = {place: desk.ask("volunteer_figures", place=place) for place in (COMPOUND, OTHER_COMPOUND)}
    assert [figures[COMPOUND][name] for name in ("volunteers", "patrols", "units_reported")] == [0, 1, 0]
    assert [figures[OTHER_COMPOUND][name] for name in ("volunteers", "patrols", "members_reported")] == [2, 0, 1]

    started = {"started": MORNING, "route": "新区", "minutes": 30, "place": OTHER_COMPOUND}
    desk.ask("log_patrol", "post-worker", "2025-03-05T10:00:00+08:00", patrol_id="planned", **walk | started)
    with pytest.raises(IllegalStateError, match=f"it is .*{OTHER_COMPOUND}.* now"):
        asked("form_team", team_id="t-late", kind="safety", name="迟", place=COMPOUND)
    desk.close()


def test_a_report_in_ends_on_a_day_and_begins_anew(tmp_path: Path) -> None:
    """Members end their own, staff those of others; what has ended is counted no longer."""
    desk = Desk("volunteers", tmp_path, small_city())
    id = str(desk.ask("report_in", "p-1", unit="bureau", place=COMPOUND)["id"])
    desk.ask("confirm_report_in", "post-worker", report_id=id, end="place")
    end = {"report_id": id, "reason": "调离"}
    with pytest.raises(ForbiddenError):
        desk.ask("end_report_in", "p-2", **end)
    for day in ("2025-03-03", "2025-03-05"):
        with pytest.raises(IllegalStateError, match="from 2025-03-04, when it began, up to 2025-03-04"):
            desk.ask("end_report_in", "p-1", until=day, **end)
    desk.ask("survey_member", "post-worker", person_id="p-2", unit="bureau", level="city", place=COMPOUND)
    with pytest.raises(IllegalStateError, match="nobody has reported in"):
        desk.ask("end_report_in", "post-worker", report_id="member-p-2", reason="调离")
    later = "2025-03-06T09:00:00+08:00"
    assert desk.ask("end_report_in", "p-1", later, **end)["events"] == 1
    assert desk.ask("end_report_in", "p-1", later, **end)["events"] == 0
    with pytest.raises(IllegalStateError, match="ended on 2025-03-06 already"):
        desk.ask("end_report_in", "post-worker", later, until="2025-03-05", **end)
    figures = desk.ask("volunteer_figures", place=COMPOUND)
    assert [figures[name] for name in ("members_reported", "members_confirmed", "members_not_reported")] == [0, 0, 1]
    desk.ask("report_in", "p-1", later, unit="bureau", place=OTHER_COMPOUND)
    (row,) = desk.ask("find_report_ins", "p-1", person_id="p-1")["rows"]
    assert (row["status"], row["place"], row["until"], row["reason"]) == ("reported_in", OTHER_COMPOUND, "", "")
    desk.close()

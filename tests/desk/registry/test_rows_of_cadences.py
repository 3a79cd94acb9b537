"""What bodies owe by weekdays, half-months and festivals, at the registry's desk: who came, and who did not."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.obligation.rows import forecast
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.domain.registry.facts import COMPOUND
from tests.kit.desk import Desk

EVENING = "T18:00:00+08:00"


def owe(desk: Desk, code: str, zh: str, **data: Any) -> None:
    adopt(desk, "obligations", code, zh, **{"power": "obligation.meet"} | data)


def owed(desk: Desk, rule: str, body: str, status: str = "owed") -> str:
    rows = desk.ask("find_obligations", rule=rule, organisation_id=body, status=status)["rows"]
    return str(rows[-1]["obligation_id"])


def periods(desk: Desk, rule: str) -> dict[str, dict[str, Any]]:
    return {row["period"]: row for row in desk.ask("obligation_periods", rule=rule, since="2025-01-01")["rows"]}


@pytest.fixture
def units(desk: Desk) -> Desk:
    """Two offices and what their members owe each Friday."""
    adopt(desk, "organisation_types", "office", "机关单位")
    owe(desk, "friday", "机关党员周五进小区", cadence="weekday", weekday=5, bearer="office", persons=1, workdays=True)
    for id in ("o-tax", "o-water"):
        establish(desk, id, "office")
    return desk


def test_office_members_come_on_fridays_and_who_does_not_is_seen(units: Desk) -> None:
    """Attendance Friday by Friday; nobody owes on other days, a visit without members does not count, nor one of a Thursday (A31)."""
    by = officer(units, "obligation.*")
    units.tick("2025-03-06")
    assert units.ask("find_obligations", rule="friday")["rows"] == []
    units.tick("2025-03-07")
    visit = {"obligation_id": owed(units, "friday", "o-tax"), "at": f"2025-03-07{EVENING}", "done_on": "2025-03-07"}
    with pytest.raises(IllegalStateError, match="1 persons at least, not with 0"):
        units.ask("meet_obligation", by, **visit, evidence="签到表1")
    with pytest.raises(IllegalStateError, match="outside the period"):
        units.ask("meet_obligation", by, **visit | {"done_on": "2025-03-06"}, evidence="签到表1", persons=4)
    units.ask("meet_obligation", by, **visit, evidence="签到表1", persons=4)
    units.tick("2025-03-08")
    units.tick("2025-03-14")
    fridays = periods(units, "friday")
    assert [(name, row["by_status"], row["persons"]) for name, row in fridays.items()] == [
        ("2025-w10-5", {"met": 1, "missed": 1}, 4),
        ("2025-w11-5", {"owed": 2}, 0),
    ]
    assert [(one["organisation_id"], one["status"]) for one in fridays["2025-w10-5"]["without"]] == [
        ("o-water", "missed")
    ]
    next_one = {"obligation_id": owed(units, "friday", "o-tax"), "at": f"2025-03-14{EVENING}", "done_on": "2025-03-14"}
    with pytest.raises(IllegalStateError, match="another period already"):
        units.ask("meet_obligation", by, **next_one, evidence="签到表1", persons=4)
    with pytest.raises(ForbiddenError):
        units.ask("meet_obligation", "p-chen", **next_one, evidence="签到表2", persons=4)
    figures = units.ask("obligation_figures", place=COMPOUND)
    assert (figures["acts"], figures["persons"], figures["by_status"]["missed"]) == (1, 4, 1)


def test_a_friday_in_the_holidays_moves_and_one_may_be_waived(units: Desk) -> None:
    """The National Day Friday lasts until the first working day after it; who is let off is neither met nor missed (part of A31, X05)."""
    units.tick("2025-10-03")
    rows = units.ask("find_obligations", rule="friday")["rows"]
    assert {row["until"] for row in rows} == {"2025-10-10"}
    by = officer(units, "obligation.*")
    waived = owed(units, "friday", "o-water")
    units.ask("waive_obligation", by, at=f"2025-10-03{EVENING}", obligation_id=waived, reason="抗洪")
    late = {"obligation_id": waived, "at": f"2025-10-09{EVENING}", "done_on": "2025-10-09", "persons": 1}
    with pytest.raises(IllegalStateError, match="waived"):
        units.ask("meet_obligation", by, evidence="签到表", **late)
    done = {**late, "obligation_id": owed(units, "friday", "o-tax")}
    units.ask("meet_obligation", by, evidence="签到表", **done)
    units.tick("2025-10-10")
    found = periods(units, "friday")["2025-w40-5"]
    assert (found["by_status"], found["without"]) == ({"met": 1, "waived": 1}, [])


def test_63_district_units_go_down_each_week(desk: Desk) -> None:
    """Each unit and week with who came; a week without is missed and stays so (E26)."""
    adopt(desk, "organisation_types", "unit", "区直单位")
    owe(desk, "weekly", "区直单位在职党员每周下沉", cadence="week", bearer="unit", persons=1)
    for number in range(63):
        establish(desk, f"u-{number}", "unit")
    by = officer(desk, "obligation.*")
    desk.tick("2025-03-04")
    for number in range(2):
        visit = {"obligation_id": owed(desk, "weekly", f"u-{number}"), "done_on": "2025-03-04", "persons": 5 + number}
        desk.ask("meet_obligation", by, at=f"2025-03-04{EVENING}", evidence=f"入户宣传{number}", **visit)
    with pytest.raises(IllegalStateError, match="not with 0"):
        none = {"obligation_id": owed(desk, "weekly", "u-9"), "done_on": "2025-03-04", "evidence": "x"}
        desk.ask("meet_obligation", by, at=f"2025-03-04{EVENING}", **none)
    desk.tick("2025-03-10")
    week = periods(desk, "weekly")["2025-w10"]
    assert (week["by_status"], week["acts"], week["persons"]) == ({"met": 2, "missed": 61}, 2, 11)
    assert len(week["without"]) == 50, "the first of them by name"
    assert periods(desk, "weekly")["2025-w11"]["by_status"] == {"owed": 63}


FESTIVALS = {"spring": (1, 1), "dragon-boat": (5, 5), "mid-autumn": (8, 15), "double-ninth": (9, 9)}


def test_activities_are_owed_at_festivals_of_the_lunar_year(desk: Desk) -> None:
    """访贫问苦送温暖 before Spring Festival, 和谐院落宣传 at Mid-Autumn, 绿色家园创建 at Qingming, by their calendars (part of D41)."""
    for code, (month, day) in FESTIVALS.items():
        adopt(desk, "festivals", code, code, calendar="lunar", month=month, day=day)
    adopt(desk, "festivals", "qingming", "清明", calendar="term", day=7)
    for wrong in ({"day": 30, "month": 2, "calendar": "solar"}, {"day": 1}, {"day": 25, "calendar": "term"}):
        with pytest.raises(BadInputError, match="do not fit"):
            adopt(desk, "festivals", "wrong", "错", **wrong)
    for data in ({"cadence": "festival"}, {"cadence": "festival", "festivals": ["x"]}, {"cadence": "weekday"}):
        with pytest.raises(BadInputError, match="do not fit"):
            owe(desk, "wrong", "错", bearer="party", **data)
    with pytest.raises(BadInputError, match="do not fit"):
        owe(desk, "wrong", "错", bearer="party", cadence="week", weekday=5)
    for code, festival, ahead in (("warmth", "spring", 7), ("harmony", "mid-autumn", 3), ("green", "qingming", 0)):
        owe(desk, code, code, cadence="festival", festivals=[festival], ahead=ahead, bearer="council")
    establish(desk, "o-yard", "council")
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="festivals", code="spring", reason="x")
    for day in ("2025-04-04", "2025-10-03", "2025-10-06", "2026-02-10", "2026-02-17"):
        desk.tick(day)
    rows = desk.ask("find_obligations", organisation_id="o-yard", order="until")["rows"]
    assert [(row["rule"], row["period"], row["since"], row["until"]) for row in rows] == [
        ("green", "2025-qingming", "2025-04-04", "2025-04-05"),
        ("harmony", "2025-mid-autumn", "2025-10-03", "2025-10-07"),
        ("warmth", "2026-spring", "2026-02-10", "2026-02-18"),
    ]


def test_weekend_lawyer_thursday_and_an_hour_a_week_are_owed_by_their_bodies(desk: Desk) -> None:
    """红色双休日, 周四有约, 每周一小时: a weekend, a Thursday, sixty minutes (part of A33, A35, E31)."""
    adopt(desk, "organisation_types", "law-firm", "律师事务所")
    adopt(desk, "organisation_types", "trade", "行业党支部")
    owe(desk, "weekend", "红色双休日", cadence="weekday", weekday=6, days=2, bearer="council")
    owe(desk, "thursday", "周四有约", cadence="weekday", weekday=4, bearer="law-firm", persons=1)
    owe(desk, "hour", "每周一小时", cadence="week", unit="minutes", amount=60, bearer="trade")
    for id, type in (("o-group", "council"), ("o-law", "law-firm"), ("o-trade", "trade")):
        establish(desk, id, type)
    by = officer(desk, "obligation.*")
    for day in range(3, 10):
        desk.tick(f"2025-03-{day:02d}")
    found = {row["rule"]: row for row in desk.ask("find_obligations")["rows"]}
    assert {rule: (row["since"], row["until"]) for rule, row in found.items()} == {
        "weekend": ("2025-03-08", "2025-03-10"),
        "thursday": ("2025-03-06", "2025-03-07"),
        "hour": ("2025-03-03", "2025-03-10"),
    }
    assert found["thursday"]["status"] == "missed"
    served = {"obligation_id": found["hour"]["obligation_id"], "done_on": "2025-03-09", "at": f"2025-03-09{EVENING}"}
    desk.ask("meet_obligation", by, **served, evidence="a", count=45)
    row = desk.ask("get_obligation", obligation_id=served["obligation_id"])
    assert [forecast(row, f"2025-03-{day}")["attainable"] for day in ("09", "10")] == [True, False]
    desk.ask("meet_obligation", by, **served, evidence="b", count=15)
    (hour,) = periods(desk, "hour").values()
    assert (hour["by_status"], hour["acts"], hour["minutes"]) == ({"met": 1}, 2, 60)

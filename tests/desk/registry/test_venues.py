"""Rows of the catalogue about rooms and stages: one room has many uses, one use at a time."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.desk.registry.test_rows import adopt, officer
from tests.domain.registry.facts import COMMUNITY, COMPOUND
from tests.kit.desk import Desk

STATION, STAGE = f"{COMMUNITY}.801", f"{COMPOUND}.81"
DAY = "2025-03-08"


def venue(desk: Desk, place: str, kind: str, zones: str, uses: str, **more: Any) -> None:
    """A place of a kind of its own, whose zones and uses the city lists."""
    adopt(desk, "place_kinds", kind, kind)
    parent = place.rpartition(".")[0]
    desk.ask("register_place", "operator", place=place, kind=kind, name=f"场地{kind}", parent=parent)
    listed = {
        part: [{"code": one, "zh": one, "en": one} for one in codes.split()]
        for part, codes in (("zones", zones), ("uses", uses))
    }
    adopt(desk, "venues", kind, kind, of=kind, **listed, **more)


def book(desk: Desk, by: str, place: str, zone: str, use: str, from_hour: str, to_hour: str, **more: Any) -> Any:
    asked = {"kind": (place == STAGE and "stage") or "station", "place": place, "zone": zone, "use": use, "day": DAY}
    return desk.ask("book_venue", by, purpose="议事", from_hour=from_hour, to_hour=to_hour, **asked | more)


def test_a_station_with_nine_items_passed_has_three_zones_each_with_many_uses(desk: Desk) -> None:
    """Not booked before all nine are accepted; then activity, deliberation, culture and sport, one room, many uses (B32)."""
    by = officer(desk, "venue.book", "checklist.*")
    items = [{"code": f"has-{n}", "zh": f"有{n}", "en": f"has {n}"} for n in range(1, 10)]
    rules = {"subject": "place", "items": items, "power": "checklist.judge", "unlocks": "station"}
    adopt(desk, "checklists", "station-nine", "九有", **rules)
    venue(desk, STATION, "station", "activity deliberation culture-sport", "class meeting film", needs="station")
    id = desk.ask("open_checklist", by, template="station-nine", subject=STATION)["id"]
    for item in items[:8]:
        desk.ask("judge_item", by, checklist_id=id, item=item["code"], passed=True, evidence="照片")
    with pytest.raises(IllegalStateError, match="unlocks station"):
        book(desk, by, STATION, "activity", "class", "09:00", "10:00")
    desk.ask("judge_item", by, checklist_id=id, item="has-9", passed=True, evidence="照片")
    for zone, use, starts, ends in (
        ("activity", "class", "09:00", "10:00"),
        ("activity", "film", "10:00", "12:00"),
        ("deliberation", "meeting", "09:00", "10:00"),
        ("culture-sport", "class", "09:30", "11:00"),
    ):
        book(desk, by, STATION, zone, use, starts, ends)
    for starts, ends in (("09:30", "10:30"), ("08:00", "12:00"), ("09:10", "09:20"), ("11:59", "12:01")):
        with pytest.raises(IllegalStateError, match="activity is taken on 2025-03-08 from"):
            book(desk, by, STATION, "activity", "meeting", starts, ends)
    with pytest.raises(BadInputError, match="station has no roof"):
        book(desk, by, STATION, "roof", "class", "13:00", "14:00")
    with pytest.raises(BadInputError, match="station has no dance"):
        book(desk, by, STATION, "activity", "dance", "13:00", "14:00")
    figures = desk.ask("venue_figures", place=COMMUNITY)
    assert (figures["bookings"], figures["minutes"]) == (4, 330)
    assert figures["by_zone"] == {"activity": 2, "deliberation": 1, "culture-sport": 1}
    assert figures["by_use"] == {"class": 2, "film": 1, "meeting": 1}
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="venues", code="station", reason="不用")


def test_the_stage_under_the_banyan_is_booked_for_meeting_consultation_and_leisure(desk: Desk) -> None:
    """梦想舞台: by who may, for a day in sight, an hour that ends, and free again when it is given back (C25)."""
    by = officer(desk, "venue.book")
    venue(desk, STAGE, "stage", "stage", "meeting consultation leisure", longest=120, ahead=30)
    with pytest.raises(ForbiddenError, match=r"venue\.book"):
        book(desk, "p-lin", STAGE, "stage", "leisure", "19:00", "20:00")
    for wrong, field in (
        ({"day": "2025-03-03"}, "day"),
        ({"day": "2025-04-04"}, "day"),
        ({"to_hour": "19:00"}, "to_hour"),
        ({"to_hour": "21:01"}, "to_hour"),
        ({"from_hour": "25:00"}, "from_hour"),
        ({"place": COMPOUND}, "place"),
    ):
        with pytest.raises(BadInputError) as refused:
            book(
                desk,
                by,
                **{"place": STAGE, "zone": "stage", "use": "leisure", "from_hour": "19:00", "to_hour": "20:00"} | wrong,
                kind="stage",
            )
        assert set(refused.value.fields) == {field}
    first = book(desk, by, STAGE, "stage", "consultation", "19:00", "21:00")["id"]
    with pytest.raises(IllegalStateError, match="from 19:00 to 21:00: 议事"):
        book(desk, by, STAGE, "stage", "leisure", "20:00", "21:00")
    (row,) = desk.ask("find_bookings", place__under=COMPOUND, day=DAY)["rows"]
    assert (row["purpose"], row["from_hour"], row["place_names"][-1]["zh"]) == ("议事", "19:00", "场地stage")
    assert "person_id" not in row
    desk.ask("cancel_booking", by, booking_id=first, reason="下雨")
    assert desk.ask("cancel_booking", by, booking_id=first, reason="下雨")["events"] == 0
    second = book(desk, by, STAGE, "stage", "leisure", "20:00", "21:00")["id"]
    with pytest.raises(IllegalStateError, match="is over"):
        desk.ask("cancel_booking", by, at="2025-03-09T09:00:00+08:00", booking_id=second, reason="晚了")
    rows = desk.ask("find_bookings", place__under=STAGE)["rows"]
    assert sorted(row["status"] for row in rows) == ["booked", "cancelled"]

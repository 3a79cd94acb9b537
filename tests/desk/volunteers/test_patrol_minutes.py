"""Minutes on patrol are bounded for each person and day, as hours are (C31, C39)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import IllegalStateError
from tests.kit.city import COMPOUND, entry
from tests.kit.desk import Desk


@pytest.fixture(scope="module")
def team(desk: Desk) -> str:
    """A team of two volunteers."""
    id: str = desk.ask("form_team", "post-worker", kind="safety", name="平安", place=COMPOUND)["id"]
    for someone in ("p-1", "p-2"):
        desk.ask("register_volunteer", "post-worker", person_id=someone, name="陈志明", home=COMPOUND)
        desk.ask("join_team", someone, team_id=id)
    return id


def test_minutes_on_patrol_are_bounded_as_hours_are(desk: Desk, team: str) -> None:
    """Per person and day, over, never at two places: patrols among each other and with activities, past midnight too."""
    at = "2025-03-20T12:00:00+08:00"

    def walk(id: str, started: str, minutes: int, *members: str, now: str = at) -> Any:
        ask = {"team_id": team, "place": COMPOUND, "route": "gate", "members": members or ["p-1", "p-2"]}
        return desk.ask("log_patrol", "post-worker", at=now, patrol_id=id, started=started, minutes=minutes, **ask)

    def serve(id: str, starts: str, minutes: int) -> Any:
        ask = {"kind": "station", "place": COMPOUND, "title": "值守"}
        desk.ask("plan_activity", "post-worker", at=at, activity_id=id, starts=starts, **ask)
        desk.ask("hold_activity", "post-worker", at=at, activity_id=id)
        people = [{"person_id": "p-2", "minutes": minutes}]
        return desk.ask("record_attendance", "post-worker", at=at, activity_id=id, attendances=people)

    assert walk("w-1", "2025-03-15T20:00:00+08:00", 240)["events"] == 1
    assert walk("w-1", "2025-03-15T20:00:00+08:00", 240)["events"] == 0, "logged again it is no second patrol"
    for started in ("2025-03-15T23:59:00+08:00", "2025-03-15T19:01:00+08:00", "2025-03-15T12:30:00+00:00"):
        with pytest.raises(IllegalStateError, match="p-1 took part in patrol at that time"):
            walk("w-2", started, 60)
    assert walk("w-3", "2025-03-16T00:00:00+08:00", 60)["events"] == 1, "one after the other, over midnight"
    with pytest.raises(IllegalStateError, match="more than 720 minutes on 2025-03-16") as caught:
        walk("w-4", "2025-03-16T08:00:00+08:00", 661)
    assert set(caught.value.fields) == {"members"}
    with pytest.raises(IllegalStateError, match="not over yet"):
        walk("w-5", "2025-03-20T11:30:00+08:00", 31)
    with pytest.raises(IllegalStateError, match="p-2 took part in patrol at that time"):
        serve("s-1", "2025-03-15T21:00:00+08:00", 30)
    assert serve("s-2", "2025-03-17T09:00:00+08:00", 700)["events"] == 1
    with pytest.raises(IllegalStateError, match="p-2 would have served more than 720 minutes"):
        walk("w-6", "2025-03-17T21:00:00+08:00", 21)
    with pytest.raises(IllegalStateError, match="p-2 took part in 值守"):
        walk("w-7", "2025-03-17T09:00:00+08:00", 10)
    desk.tell_all("registry", [entry("parameters", "longest_day_minutes", value=800)])
    assert walk("w-6", "2025-03-17T21:00:00+08:00", 21)["events"] == 1

"""The wall of wishes: who sees what, and what the passing of days does to claims."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from shared.domain.calendar import LOCAL
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.volunteers.people import HERE, THERE
from tests.kit.city import BUILDING
from tests.kit.desk import Desk


def at(day: str) -> str:
    return f"{day}T09:00:00+08:00"


def ask(desk: Desk, id: str, place: str = HERE, by: str = "p-1") -> str:
    """A wish of a resident, or one that staff enter for somebody without an account."""
    said = {"wish": "请帮我修轮椅", "wisher": "陈秀英", "contact": "13800000000"}
    desk.ask("ask_wish", by, wish_id=id, place=place, **said)
    return id


def claimed(desk: Desk, id: str, days: int, day: str = "2025-03-04", place: str = HERE) -> None:
    """A published wish that `p-lin` has claimed for some days."""
    desk.ask("register_volunteer", "p-lin", name="林美玲", home=HERE)
    ask(desk, id, place)
    desk.ask("publish_wish", "post-worker", wish_id=id, title="修一台轮椅", at=at(day))
    desk.ask("claim_wish", "p-lin", wish_id=id, days=days, at=at(day))


def released(desk: Desk, id: str) -> list[Any]:
    return [record for record in desk.log.read_stream(f"wish-{id}") if record.type == "WishReleased"]


def test_a_wish_from_asking_to_confirmation_and_what_each_sees(desk: Desk) -> None:
    """(part of C41, X09)"""
    id = ask(desk, "w-1", THERE)
    assert not any(word in desk.stored for word in ("陈秀英", "轮椅", "13800000000"))
    with pytest.raises(NotFoundError, match="no wish"):
        desk.ask("get_wish", "p-2", wish_id=id)
    with pytest.raises(IllegalStateError, match="names the wisher"):
        desk.ask("publish_wish", "post-worker", wish_id=id, title="陈秀英的轮椅")
    desk.ask("publish_wish", "post-checker", wish_id=id, title="修一台轮椅")
    public = desk.ask("get_wish", "", wish_id=id)
    assert public["claimable"] and not {"wish", "wisher", "contact", "wisher_id", "claimant"} & set(public)
    assert (public["actions"], public["place_names"][-1]["zh"]) == ([], "邻家园")
    assert {"claim_wish", "withdraw_wish"} <= {other["command"] for other in public["others"]}
    assert "wisher" not in desk.ask("get_wish", "post-checker", wish_id=id)
    with pytest.raises(ForbiddenError, match="register first"):
        desk.ask("claim_wish", "p-2", wish_id=id)
    for someone in ("p-2", "p-3"):
        desk.ask("register_volunteer", someone, name="n", home=HERE)
    assert desk.ask("get_wish", "p-2", wish_id=id)["actions"] == ["claim_wish"]
    desk.ask("claim_wish", "p-2", wish_id=id, at=datetime.now(LOCAL).isoformat(timespec="seconds"))
    assert not {"wish", "wisher", "contact"} & set(desk.ask("get_wish", "p-2", wish_id=id)), "staff pass it on first"
    assert "introduce_wisher" in desk.ask("get_wish", "post-worker", wish_id=id)["actions"]
    desk.ask("introduce_wisher", "post-worker", wish_id=id)
    assert desk.ask("get_wish", "p-2", wish_id=id)["contact"] == "13800000000"
    with pytest.raises(IllegalStateError, match="claimed already"):
        desk.ask("claim_wish", "p-3", wish_id=id)
    assert "contact" not in desk.ask("get_wish", "p-3", wish_id=id)
    assert desk.ask("get_wish", "p-2", wish_id=id)["actions"] == ["release_wish", "fulfil_wish"]
    desk.ask("fulfil_wish", "p-2", wish_id=id)
    assert desk.ask("get_wish", "p-2", wish_id=id)["contact"] == "13800000000"
    assert desk.ask("get_wish", "p-1", wish_id=id)["actions"] == ["dispute_wish", "confirm_wish"]
    desk.ask("confirm_wish", "p-1", wish_id=id)
    assert desk.ask("volunteer_figures", place=THERE)["wishes"] == {"total": 1, "by": {"confirmed": 1}}
    assert "contact" not in desk.ask("get_wish", "p-2", wish_id=id)


def test_the_wall_shows_what_can_be_claimed_today(desk: Desk) -> None:
    desk.ask("register_volunteer", "p-lin", name="林美玲", home=HERE)
    for id in ("w-a", "w-b", "w-c"):
        ask(desk, id, BUILDING)
    for id in ("w-a", "w-b"):
        desk.ask("publish_wish", "post-worker", wish_id=id, title="x", at=at("2025-03-05"))
    desk.ask("claim_wish", "p-lin", wish_id="w-b", days=1, at=at("2025-03-06"))

    def found(by: str, **more: Any) -> list[str]:
        return [row["wish_id"] for row in desk.ask("find_wishes", by, place__under=BUILDING, **more)["rows"]]

    assert found("", claimable=True) == ["w-a", "w-b"]
    assert desk.ask("volunteer_figures", place=BUILDING)["claims_expired"] == 1
    assert found("", status="asked") == []
    assert found("post-worker", status="asked") == ["w-c"]
    assert found("p-1", mine="asked") == ["w-a", "w-b", "w-c"]
    assert found("p-lin", mine="claimed") == ["w-b"]
    assert found("", mine="asked") == []
    with pytest.raises(BadInputError) as caught:
        desk.ask("claim_wish", "p-lin", wish_id="w-a", days=1.5)
    assert set(caught.value.fields) == {"days"}


def test_the_day_releases_expired_claims_once(desk: Desk) -> None:
    """(part of C41)"""
    claimed(desk, "w-day", 3)
    desk.tick("2025-03-06")
    assert released(desk, "w-day") == []
    desk.tick("2025-03-07")
    (record,) = released(desk, "w-day")
    assert (record.actor, record.occurred[:10], record.place) == ("clock:claims_expire", "2025-03-07", HERE)
    shown = desk.ask("get_wish", "p-1", wish_id="w-day")
    assert (shown["status"], shown["claimant"], shown["reason"], shown["claimable"]) == (
        "published",
        "",
        "expired",
        True,
    )
    assert desk.tick("2025-03-07") == desk.tick("2025-03-08") == 0
    with pytest.raises(ForbiddenError, match="wish.fulfil"):
        desk.ask("fulfil_wish", "p-lin", wish_id="w-day", at=at("2025-03-08"))


def test_a_city_that_was_off_for_ten_days_catches_up(desk: Desk) -> None:
    claimed(desk, "w-off-1", 3, "2025-04-01")
    claimed(desk, "w-off-2", 5, "2025-04-01")
    claimed(desk, "w-off-3", 30, "2025-04-01")
    assert desk.tick("2025-04-14") == 2
    assert [len(released(desk, id)) for id in ("w-off-1", "w-off-2", "w-off-3")] == [1, 1, 0]
    assert desk.tick("2025-04-14") == 0


def test_who_claims_before_the_clock_has_come_releases_first(desk: Desk) -> None:
    claimed(desk, "w-first", 3, "2025-05-01")
    desk.ask("register_volunteer", "p-wu", name="n", home=HERE)
    assert desk.ask("claim_wish", "p-wu", wish_id="w-first", days=2, at=at("2025-05-04"))["events"] == 2
    desk.tick("2025-05-05")
    assert len(released(desk, "w-first")) == 1


def test_of_two_claims_that_end_on_one_day_the_clock_releases_the_one_that_stands(desk: Desk) -> None:
    desk.tick("2025-06-01")
    claimed(desk, "w-two", 3, "2025-06-01")
    desk.ask("release_wish", "p-lin", wish_id="w-two", reason="away", at=at("2025-06-02"))
    desk.ask("claim_wish", "p-lin", wish_id="w-two", days=2, at=at("2025-06-02"))
    assert (desk.tick("2025-06-04"), desk.tick("2025-06-04"), len(released(desk, "w-two"))) == (1, 0, 2)


def test_nobody_claims_a_wish_before_it_was_released(desk: Desk) -> None:
    """A claim that is entered late would overlap with the one that the clock has released."""
    claimed(desk, "w-late", 3, "2025-06-01")
    desk.tick("2025-06-04")
    with pytest.raises(IllegalStateError, match="dated 2025-06-02 09:00:00, .* of the wish is of 2025-06-04 00:00:00"):
        desk.ask("claim_wish", "p-lin", wish_id="w-late", days=2, at=at("2025-06-02"))


def test_a_wisher_without_account_is_erased_by_key(desk: Desk) -> None:
    ask(desk, "w-gone", by="post-worker")
    desk.ask("publish_wish", "post-worker", wish_id="w-gone", title="x")
    assert desk.ask("get_wish", "post-worker", wish_id="w-gone")["wisher"] == "陈秀英"
    row = desk.node.views.get("wishes", "w-gone")
    assert row is not None
    desk.ask("erase_wisher", "post-worker", wish_id="w-gone", reason="asked for it")
    assert desk.personal.open(row["wisher"]) is None
    assert desk.ask("get_wish", "post-worker", wish_id="w-gone")["wisher"] == ""


def test_residents_ask_only_for_themselves(desk: Desk) -> None:
    with pytest.raises(ForbiddenError, match="takes a post"):
        desk.ask("ask_wish", "p-1", place=HERE, wish="x", wisher="y", wisher_id="p-2")


def test_who_checks_wishes_finds_those_of_their_place_and_the_wall_everywhere(desk: Desk) -> None:
    mine, elsewhere = ask(desk, "w-mine"), ask(desk, "w-elsewhere", THERE)
    desk.ask("publish_wish", "post-checker", wish_id=elsewhere, title="公开的心愿")

    def found(by: str, **where: Any) -> set[str]:
        rows = desk.ask("find_wishes", by, limit=500, **where)["rows"]
        return {row["wish_id"] for row in rows} & {mine, elsewhere}

    assert mine in found("post-worker") and mine not in found("p-2")
    assert found("post-worker", wall=True) == found("p-2") == {elsewhere}
    assert found("post-worker", status="published") == {elsewhere}

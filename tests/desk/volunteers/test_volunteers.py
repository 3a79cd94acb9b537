"""Volunteers as they are listed, counted and shown, with their names kept."""

from __future__ import annotations

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, NotFoundError
from tests.domain.volunteers.people import BEYOND
from tests.kit.city import BUILDING, COMPOUND, OTHER_COMPOUND, STREET
from tests.kit.desk import Desk


def test_names_are_sealed_in_the_log_masked_for_the_public_and_open_to_staff(desk: Desk) -> None:
    desk.ask("register_volunteer", "p-chen", name="陈志明", home=COMPOUND)
    assert "陈" not in desk.stored
    for reader in ("", "p-lin"):
        with pytest.raises(NotFoundError, match="no volunteer p-chen"):
            desk.ask("get_volunteer", reader, person_id="p-chen")
        with pytest.raises(ForbiddenError, match="staff of the place"):
            desk.ask("find_volunteers", reader, person_id="p-chen")
    assert desk.ask("get_volunteer", "post-checker", person_id="p-chen")["name"] == "陈*"
    assert desk.ask("find_volunteers", "post-worker", person_id="p-chen")["rows"][0]["name"] == "陈志明"
    shown = desk.ask("get_volunteer", "p-chen")
    assert (shown["name"], shown["place"], shown["actions"]) == ("陈志明", COMPOUND, [])
    assert [part["zh"] for part in shown["place_names"]][-1] == "联邦新城"
    assert desk.ask("get_volunteer", "post-worker", person_id="p-chen")["actions"] == [
        "take_role",
    ]
    desk.personal.erase("p-chen")
    assert desk.ask("get_volunteer", "post-worker", person_id="p-chen")["name"] == ""
    with pytest.raises(NotFoundError, match="no volunteer"):
        desk.ask("get_volunteer", "p-9")


def test_volunteers_are_listed_page_by_page(desk: Desk) -> None:
    for number in range(7):
        desk.ask("register_volunteer", "post-worker", person_id=f"p-b{number}", name="n", home=BUILDING)
    desk.ask("register_volunteer", "post-director", person_id="p-far", name="n", home=BEYOND)
    seen, cursor = [], ""
    while cursor is not None:
        page = desk.ask("find_volunteers", "post-checker", place__under=BUILDING, limit=3, cursor=cursor)
        seen += [row["person_id"] for row in page["rows"]]
        cursor = page["next"]
    assert seen == [f"p-b{number}" for number in range(7)]


def test_roles_count_at_the_place_they_serve(desk: Desk) -> None:
    desk.ask("register_volunteer", "post-worker", person_id="p-role", name="林美玲", home=OTHER_COMPOUND)
    desk.ask("take_role", "post-worker", person_id="p-role", role="mediator", place=COMPOUND)
    (row,) = desk.ask("find_roles", "post-checker", role="mediator")["rows"]
    assert (row["name"], row["place"], row["since"]) == ("林*", COMPOUND, "2025-03-04")
    assert desk.ask("volunteer_figures", place=COMPOUND)["roles"] == {"total": 1, "by": {"mediator": 1}}
    assert desk.ask("volunteer_figures", place=OTHER_COMPOUND)["roles"]["total"] == 0
    assert desk.ask("volunteer_figures", place=OTHER_COMPOUND)["volunteers"] == 1
    assert desk.ask("volunteer_figures", place=STREET)["roles"]["by"] == {"mediator": 1}
    desk.ask("leave_role", "p-role", person_id="p-role", role="mediator", place=COMPOUND)
    assert desk.ask("find_roles", "post-checker")["rows"] == []
    with pytest.raises(ForbiddenError, match="staff of the place"):
        desk.ask("find_roles", "")
    assert desk.ask("volunteer_figures", place=COMPOUND)["roles"] == {"total": 0, "by": {}}


def test_bad_input_names_the_field_and_the_reason(desk: Desk) -> None:
    with pytest.raises(BadInputError) as caught:
        desk.ask("register_volunteer", "post-worker", person_id="P 1", name=" ", home="350104..013", extra=1)
    assert set(caught.value.fields) == {"person_id", "name", "home", "extra"}
    with pytest.raises(BadInputError, match="mistakes"):
        desk.ask("find_volunteers", limit=501)
    with pytest.raises(BadInputError) as caught:
        desk.ask("find_volunteers", order="name")
    assert set(caught.value.fields) == {"order"}


def test_a_place_may_have_ten_parts(desk: Desk) -> None:
    deep = ".".join([COMPOUND, *"abcdef"])
    desk.tell("registry", "PlaceRegistered", place=deep, kind="building", name="深", name_en="Deep", parent=COMPOUND)
    desk.ask("register_volunteer", "post-worker", person_id="p-deep", name="n", home=deep)
    assert desk.ask("volunteer_figures", place=deep)["volunteers"] == 1


def test_residents_act_only_for_themselves(desk: Desk) -> None:
    with pytest.raises(ForbiddenError, match="takes a post"):
        desk.ask("register_volunteer", "p-1", person_id="p-2", name="x", home=COMPOUND)
    with pytest.raises(ForbiddenError, match="volunteer.register"):
        desk.ask("register_volunteer", "", name="x", home=COMPOUND)


def test_a_post_does_for_others_only_what_its_role_gives_the_power_for(desk: Desk) -> None:
    """Residents may register, join, report in and wish for themselves; with a post of another kind that is for themselves still."""
    team = desk.ask("form_team", "post-worker", kind="safety", name="平安", place=COMPOUND)["id"]
    head = desk.log.head().position
    for other, match in (
        (("register_volunteer", {"name": "某某", "home": COMPOUND}), "volunteer.register"),
        (("join_team", {"team_id": team}), "volunteer.join"),
        (("report_in", {"unit": "bureau", "place": COMPOUND}), "volunteer.join"),
    ):
        with pytest.raises(ForbiddenError, match=f"give the power {match}"):
            desk.ask(other[0], "post-checker", person_id="p-7", **other[1])
    wish = {"place": COMPOUND, "wish": "轮椅", "wisher": "某某"}
    for wisher in ({"wisher_id": "p-7"}, {}):
        with pytest.raises(ForbiddenError, match=r"give the power wish\.ask"):
            desk.ask("ask_wish", "post-checker", **wish, **wisher)
    assert desk.log.head().position == head
    desk.ask("register_volunteer", "post-checker", person_id="p-checker", name="自己", home=COMPOUND)
    desk.ask("join_team", "post-checker", team_id=team)
    desk.ask("ask_wish", "post-checker", wisher_id="p-checker", **wish)
    desk.ask("register_volunteer", "post-worker", person_id="p-7", name="某某", home=COMPOUND)

"""Rules over several things hold when two decisions are made at the same time: one of them is made again and refused."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE
from tests.kit.desk import Desk

Ask = tuple[str, dict[str, Any]]
POST: Ask = (
    "establish_post",
    {"post_id": "post-1", "organisation_id": "group-1", "role": "secretary", "title": "组长"},
)
GONE: Ask = ("dissolve_organisation", {"organisation_id": "group-1", "reason": "合并"})
CHILD: Ask = (
    "establish_organisation",
    {
        "organisation_id": "cell",
        "type": "party",
        "name": "小组",
        "level": "compound",
        "place": COMPOUND,
        "parent_id": "area",
    },
)
GRID: Ask = ("appoint_person", {"post_id": "post-grid", "person_id": "p-lin"})


@pytest.fixture
def city(desk: Desk) -> Desk:
    """The founded city with an organisation that has nothing below it, and a post that goes with that of the grid worker."""
    area = {"organisation_id": "area", "type": "council", "name": "片区", "level": "area", "place": COMMUNITY}
    desk.ask("establish_organisation", "operator", **area)
    named = {"post_id": "post-branch", "organisation_id": "branch", "role": "secretary", "title": "支部书记"}
    desk.ask("establish_post", "operator", **named, ex_officio_post_id="post-grid")
    return desk


def racing(desk: Desk, first: Ask, second: Ask) -> None:
    """Give the second command after the first has decided and before it is written."""
    append = desk.log.append

    def slow(commit: Any) -> Any:
        desk.log.append = append  # type: ignore[method-assign]
        desk.ask(second[0], "operator", **second[1])
        return append(commit)

    desk.log.append = slow  # type: ignore[method-assign]
    desk.ask(first[0], "operator", **first[1])


@pytest.mark.parametrize(
    ("first", "second", "match"),
    [
        (POST, GONE, "was dissolved on 2025-03-04 and gets no new posts"),
        (CHILD, ("dissolve_organisation", {"organisation_id": "area", "reason": "合并"}), "parent 片区 was dissolved"),
        (("dissolve_organisation", {"organisation_id": "area", "reason": "合并"}), CHILD, "still has 1 below it"),
        (GRID, ("erase_person", {"person_id": "p-lin", "reason": "申请"}), "was erased and can hold no post"),
        (("erase_person", {"person_id": "p-lin", "reason": "申请"}), GRID, "holds the post 网格员"),
        (
            ("count_households", {"place": BUILDING, "households": 5}),
            ("count_households", {"place": COMPOUND, "households": 5}),
            f"are counted at {COMPOUND} already",
        ),
        (
            ("retire_entry", {"kind": "place_kinds", "code": "yard", "reason": "不用"}),
            ("register_place", {"place": "9", "kind": "yard", "name": "院落"}),
            "yard must stay",
        ),
        (
            (
                "adopt_profile",
                {"profile_id": "fuzhou", **PROFILE, "version": 2, "effective": "", "levels": PROFILE["levels"]},
            ),
            ("adopt_profile", {"profile_id": "fuzhou", **PROFILE, "version": 3, "effective": ""}),
            "version 3 is adopted already",
        ),
    ],
)
def test_what_was_decided_on_older_facts_is_decided_again(city: Desk, first: Ask, second: Ask, match: str) -> None:
    with pytest.raises(IllegalStateError, match=match):
        racing(city, first, second)
    assert city.parked == 0


def test_nobody_takes_office_in_an_organisation_that_ends_meanwhile(city: Desk) -> None:
    city.ask(POST[0], "operator", **POST[1])
    with pytest.raises(IllegalStateError, match="nobody can be appointed to its posts"):
        racing(city, ("appoint_person", {"post_id": "post-1", "person_id": "p-lin"}), GONE)


def test_nobody_takes_a_post_that_goes_with_another_one_which_is_given_up_meanwhile(city: Desk) -> None:
    city.ask(GRID[0], "operator", **GRID[1])
    with pytest.raises(IllegalStateError, match="goes with post-grid"):
        racing(
            city,
            ("appoint_person", {"post_id": "post-branch", "person_id": "p-lin", "since": "2025-03-04"}),
            ("end_appointment", {"post_id": "post-grid", "person_id": "p-lin"}),
        )


def test_a_code_that_is_retired_meanwhile_is_not_used(city: Desk) -> None:
    retire = ("retire_entry", {"kind": "place_kinds", "code": "yard", "reason": "不用"})
    with pytest.raises(BadInputError, match="yard"):
        racing(city, ("register_place", {"place": "9", "kind": "yard", "name": "院落"}), retire)


def test_both_are_done_where_no_rule_forbids_it(city: Desk) -> None:
    racing(city, POST, ("measure_place", {"place": COMPOUND, "measure": "area", "value": 1, "unit": "m2"}))
    assert city.ask("find_posts", organisation_id="group-1")["rows"][0]["vacant"]

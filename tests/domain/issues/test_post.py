"""Who answers for a place, and which level contains an issue (C11, C14, X13)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.issues.domain.post import INTAKE_ROLES, accountable_for, bodies_above, contained, intake_roles, lineage
from shared.following.authority import held_on
from tests.domain.issues.city import COMMUNITY, COMPOUND, GRID, ORGANISATIONS, POSTS, STREET

DAY = "2025-03-04"


ALL = tuple(POSTS.values())


def find(place: str, posts: Any = ALL, day: str = DAY, roles: Any = INTAKE_ROLES) -> str | None:
    found = accountable_for(place, posts, ORGANISATIONS.get, day, roles)
    return found.post_id if found else None


def test_the_closest_post_answers_with_its_organisation_and_level() -> None:
    assert accountable_for(COMPOUND, POSTS.values(), ORGANISATIONS.get, DAY) == GRID
    assert find(f"{COMPOUND}.b3") == "post-grid"
    assert find(COMMUNITY) == "post-secretary"
    assert find(f"{COMMUNITY}.008") == "post-secretary"
    assert find(f"{STREET}.009") == "post-street"


def test_nobody_answers_for_a_place_outside() -> None:
    assert find("350104.014") is None
    assert find("350104.0130") is None  # a name that begins alike is another place


def test_only_posts_held_on_the_day_count() -> None:
    assert find(COMMUNITY, [POSTS["post-vacant"]]) is None
    assert find(COMMUNITY, [POSTS["post-vacant"]], day="2025-01-31") == "post-vacant"
    assert find(COMMUNITY, [POSTS["post-vacant"] | {"until": "", "person_id": ""}]) is None


def test_of_equally_close_posts_the_first_role_answers() -> None:
    head = POSTS["post-grid"] | {"post_id": "post-a", "role": "building_head"}
    assert find(COMPOUND, [head, POSTS["post-grid"]]) == "post-grid"
    twin = POSTS["post-grid"] | {"post_id": "post-b"}
    assert find(COMPOUND, [POSTS["post-grid"], twin]) == "post-b"


def test_a_city_s_own_roles_answer_when_they_may_accept_issues() -> None:
    own = POSTS["post-grid"] | {"role": "wang_ge_zhang"}
    powers = {"wang_ge_zhang": ["issue.accept"], "cashier": ["payment.pay"], "all": ["*"], "grid_worker": ["issue.*"]}
    roles = intake_roles(powers)
    assert roles == [*INTAKE_ROLES, "all", "wang_ge_zhang"]
    assert find(COMPOUND, [own]) is None
    assert find(COMPOUND, [own], roles=roles) == "post-grid"


PLACES = st.lists(st.sampled_from("12"), min_size=1, max_size=4).map(".".join)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "post_id": st.uuids().map(str),
            "place": PLACES,
            "role": st.sampled_from([*INTAKE_ROLES, "cashier"]),
            "person_id": st.sampled_from(["p-1", "p-2", ""]),
            "organisation_id": st.just("o-street"),
            "since": st.sampled_from(["2025-01-01", "2025-06-01"]),
            "until": st.sampled_from(["", "2025-02-01"]),
        }
    ),
    max_size=8,
)


@given(PLACES, ROWS)
def test_somebody_answers_exactly_when_a_held_post_covers_the_place(place: str, posts: list[dict[str, Any]]) -> None:
    able = [
        post
        for post in posts
        if (place + ".").startswith(post["place"] + ".")
        and post["role"] != "cashier"
        and post["person_id"]
        and held_on(post, DAY)
    ]
    found = find(place, posts)
    assert (found is None) == (not able)
    if found:
        chosen = next(post for post in able if post["post_id"] == found)
        assert len(chosen["place"]) == max(len(post["place"]) for post in able)
        assert find(place, list(reversed(posts))) == found


def test_a_place_and_what_is_above_it() -> None:
    assert lineage(COMPOUND) == [COMPOUND, COMMUNITY, STREET, "350104"]


def test_the_bodies_above_one_end_at_the_top_also_in_a_broken_tree() -> None:
    assert bodies_above("o-compound", ORGANISATIONS.get) == ["o-community", "o-street"]
    assert bodies_above("o-street", ORGANISATIONS.get) == []
    assert bodies_above("o-none", ORGANISATIONS.get) == []
    ring = {"a": {"parent_id": "b"}, "b": {"parent_id": "c"}, "c": {"parent_id": "b"}}
    assert bodies_above("a", ring.get) == ["b", "c"]


@pytest.mark.parametrize(
    ("level", "tier", "levels", "expected"),
    [
        ("compound", "compound", (), True),
        ("building", "compound", (), True),
        ("community", "compound", (), False),
        ("street", "community", (), False),
        ("community", "street", (), True),
        ("yard", "compound", ("street", "community", "compound", "yard"), True),
        ("yard", "community", ("street", "community", "yard", "building"), True),
        ("yard", "compound", ("street", "community", "yard", "building"), None),
        ("", "compound", (), None),
        ("prefecture", "street", (), None),
    ],
)
def test_which_level_contains_an_issue(level: str, tier: str, levels: tuple[str, ...], expected: bool | None) -> None:
    assert contained(level, tier, levels) is expected

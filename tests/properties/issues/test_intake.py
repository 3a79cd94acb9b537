"""Somebody answers for an issue exactly when some post is held that takes in issues, mostly one that covers the place."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.issues.issue.intake import report_issue
from services.issues.issue.state import ISSUE
from shared.domain.city import City, held_on
from shared.domain.city_rows import city_views
from shared.domain.errors import IllegalStateError
from shared.domain.territory import within
from tests.kit import ANYONE, AT
from tests.kit.city import entry
from tests.kit.rows import MemoryRows, record_of

DAY = AT[:10]
PLACES = st.lists(st.sampled_from("12"), min_size=1, max_size=4).map(".".join)
#: Roles with their rank; the last takes in no issues, and the first may not triage them.
RANKS = {"head": 1, "grid_worker": 2, "secretary": 3, "cashier": 0}
ABLE = ("grid_worker", "secretary")
POSTS = st.lists(
    st.fixed_dictionaries(
        {
            "post_id": st.uuids().map(str),
            "place": PLACES,
            "role": st.sampled_from(sorted(RANKS)),
            "person_id": st.sampled_from(["p-1", "p-2", ""]),
            "organisation_id": st.just("o-street"),
            "since": st.sampled_from(["2025-01-01", "2025-06-01"]),
            "until": st.sampled_from(["", "2025-02-01"]),
        }
    ),
    max_size=8,
)


def answers(place: str, posts: list[dict[str, Any]]) -> str | None:
    """The post that answers for what is reported at a place, in a city of these posts."""
    rows = MemoryRows(city_views())
    facts = [
        entry("roles", role, intake=rank, powers=["issue.*"] if role != "head" else ["issue.accept"])
        for role, rank in RANKS.items()
    ]
    facts += [entry("issue_categories", "order"), entry("channels", "phone")]
    facts += [("PlaceRegistered", {"place": place, "kind": "", "name": "", "name_en": "", "parent": ""})]
    for post in posts:
        facts += [("PostEstablished", post), *([("PersonAppointed", post)] if post["person_id"] else [])]
    for position, (type, data) in enumerate(facts, 1):
        rows.apply(data, record_of(type, msgspec.json.encode(data), position))
    asked = {"place": place, "category": "order", "description": "x", "channel": "phone", "city": City(rows, DAY)}
    try:
        (reported,) = report_issue(ISSUE.initial("issue-1"), by=ANYONE, at=AT, **asked)
    except IllegalStateError:
        return None
    return str(reported.post_id)  # type: ignore[attr-defined]  # a report is one fact of one kind


def _depths(posts: list[dict[str, Any]]) -> list[int]:
    return [post["place"].count(".") for post in posts]


@given(PLACES, POSTS)
def test_the_closest_post_of_the_first_role_answers(place: str, posts: list[dict[str, Any]]) -> None:
    held = [post for post in posts if post["role"] in ABLE and post["person_id"] and held_on(post, DAY)]
    able = [post for post in held if within(place, post["place"])]
    found = answers(place, posts)
    assert (found is None) == (not held), "every place has a last resort"
    if not able and found:
        assert found in {post["post_id"] for post in held if post["place"].count(".") == min(_depths(held))}
    if able:
        chosen = next(post for post in able if post["post_id"] == found)
        closest = max(len(post["place"]) for post in able)
        ranks = [RANKS[post["role"]] for post in able if len(post["place"]) == closest]
        assert (len(chosen["place"]), RANKS[chosen["role"]]) == (closest, min(ranks))
        assert answers(place, list(reversed(posts))) == found

"""Nobody belongs to two bodies over one place of which one watches over the other."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND
from tests.kit.desk import Desk

BODIES = {"yard": ("council", COMPOUND), "watch": ("board", COMPOUND), "watch-all": ("board", COMMUNITY)}
BODIES |= {"watch-2": ("board", COMPOUND + ".02")}
APART = {"kind": "organisation_types", "code": "board", "zh": "监事会", "en": "board", "data": {"apart": ["council"]}}


@pytest.fixture
def city(desk: Desk) -> Desk:
    """A yard committee, and boards over its compound, over the community, and over one building; and members without posts."""
    for id, (type, place) in BODIES.items():
        level = {COMPOUND: "compound", COMMUNITY: "community"}.get(place, "building")
        parent = "street-committee" if level == "community" else "committee"
        named = {"organisation_id": id, "type": type, "name": f"机构{id}", "level": level, "place": place}
        desk.ask("establish_organisation", "operator", **named, parent_id=parent, since="2020-01-01")
        named = {"post_id": f"post-{id}", "organisation_id": id, "role": "secretary", "title": f"岗位{id}"}
        desk.ask("establish_post", "operator", **named)
    return desk


def appoint(desk: Desk, body: str, **more: Any) -> int:
    given = {"person_id": "p-lin", "since": "2025-01-01"} | more
    events: int = desk.ask("appoint_person", "operator", post_id=f"post-{body}", **given)["events"]
    return events


@pytest.mark.parametrize(("first", "second"), [("yard", "watch"), ("watch", "yard"), ("yard", "watch-all")])
def test_who_belongs_to_one_is_refused_in_the_other_and_the_post_is_named(city: Desk, first: str, second: str) -> None:
    city.ask("adopt_entry", "operator", **APART)
    assert appoint(city, first) == 1
    with pytest.raises(ForbiddenError, match=f"p-lin holds the post 岗位{first} of 机构{first}") as refused:
        appoint(city, second)
    assert set(refused.value.fields) == {"person_id"}
    assert appoint(city, second, person_id="p-chen") == 1, "somebody else may"
    assert appoint(city, first) == 0, "what is so already is no mistake"


def test_terms_one_after_the_other_and_other_places_and_other_bodies_are_apart_enough(city: Desk) -> None:
    city.ask("adopt_entry", "operator", **APART)
    appoint(city, "yard", until="2025-06-01")
    with pytest.raises(ForbiddenError, match="岗位yard"):
        appoint(city, "watch", since="2025-05-31")
    assert appoint(city, "watch", since="2025-06-01") == 1
    assert appoint(city, "watch-all", since="2025-02-01", person_id="p-chen") == 1


def test_places_beside_each_other_do_not_touch(city: Desk) -> None:
    city.ask("adopt_entry", "operator", **APART)
    named = {"post_id": "post-1", "organisation_id": "yard", "role": "secretary", "title": "一号楼", "place": BUILDING}
    city.ask("establish_post", "operator", **named)
    city.ask("appoint_person", "operator", post_id="post-1", person_id="p-lin", since="2025-01-01")
    assert appoint(city, "watch-2") == 1, "a board over another building"
    with pytest.raises(ForbiddenError, match="一号楼"):
        appoint(city, "watch")


def test_a_term_that_was_withdrawn_is_none(city: Desk) -> None:
    city.ask("adopt_entry", "operator", **APART)
    appoint(city, "yard")
    city.ask("end_appointment", "operator", post_id="post-yard", person_id="p-lin", until="2025-01-01")
    assert appoint(city, "watch") == 1


def test_what_was_so_before_the_city_said_it_stays_and_ends_when_somebody_ends_it(city: Desk) -> None:
    assert appoint(city, "yard") == appoint(city, "watch") == 1, "a city that keeps nothing apart refuses nobody"
    city.ask("adopt_entry", "operator", **APART)
    assert len(city.ask("find_posts", "operator", person_id="p-lin")["rows"]) == 2
    city.ask("end_appointment", "operator", post_id="post-watch", person_id="p-lin", until="2025-03-04")
    with pytest.raises(ForbiddenError):
        appoint(city, "watch", since="2025-03-04")


def test_two_appointments_at_the_same_time_are_not_both_made(city: Desk) -> None:
    city.ask("adopt_entry", "operator", **APART)
    append = city.log.append

    def slow(commit: Any) -> Any:
        city.log.append = append  # type: ignore[method-assign]  # once
        appoint(city, "yard")
        return append(commit)

    city.log.append = slow  # type: ignore[method-assign]  # somebody else is faster
    with pytest.raises(ForbiddenError, match="岗位yard"):
        appoint(city, "watch")


def test_what_is_kept_apart_is_of_the_list_and_stays_on_it(city: Desk) -> None:
    for apart, match in ((["club"], "club"), (["board"], "itself"), ("council", "list")):
        with pytest.raises(BadInputError) as refused:
            city.ask("adopt_entry", "operator", **APART | {"data": {"apart": apart}})
        assert match in str(refused.value.fields)
    city.ask("adopt_entry", "operator", **APART | {"data": {"apart": ["party"]}})
    with pytest.raises(IllegalStateError, match="party must stay"):
        city.ask("retire_entry", "operator", kind="organisation_types", code="party", reason="x")

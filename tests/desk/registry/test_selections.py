"""Selections at the registry's desk: who is elected is seated with their source, and nobody gets such a post otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.selection.state import SELECTION
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.domain.registry.facts import COMPOUND, words
from tests.kit.desk import Desk

LEADERS = {
    "of": "party",
    "role": "group_leader",
    "only": True,
    "sources": [{"code": "heads", "zh": "自管会主任", "en": "head of the committee", "role": "head", "of": "council"}],
    "criteria": [{"code": "party", "zh": "中共党员", "en": "Party member"}],
    "turnout_part": 1,
    "turnout_whole": 2,
    "term_years": 3,
}
MEMBERS = {
    "of": "council",
    "role": "head",
    "sources": [
        {"code": code, "zh": code, "en": code} for code in ("members", "representatives", "building_heads", "working")
    ],
    "term_years": 5,
}


@pytest.fixture
def city(desk: Desk) -> Desk:
    """A yard committee and a supervisory board that are kept apart, a group of Party members, and who may be elected."""

    def ask(method: str, **arguments: Any) -> None:
        desk.ask(method, "operator", **arguments)

    ask(
        "adopt_entry",
        kind="roles",
        code="secretary",
        **words("secretary"),
        data={"powers": ["selection.*", "registry.*"]},
    )
    for role in ("head", "group_leader"):
        ask("adopt_entry", kind="roles", code=role, **words(role), data={"powers": []})
    ask("adopt_entry", kind="organisation_types", code="board", **words("board"), data={"apart": ["council"]})
    for id, type in (("yard", "council"), ("watch", "board")):
        named = {"type": type, "name": f"机构{id}", "level": "compound", "place": COMPOUND, "parent_id": "committee"}
        ask("establish_organisation", organisation_id=id, since="2020-01-01", **named)
        ask("establish_post", post_id=f"post-{id}", organisation_id=id, role="head", title=f"岗位{id}")
        ask("establish_post", post_id=f"post-{id}-2", organisation_id=id, role="head", title=f"岗位{id}二")
    ask("establish_post", post_id="post-leader", organisation_id="group-1", role="group_leader", title="党小组组长")
    for person in ("p-a", "p-b"):
        ask("register_person", person_id=person, name=f"居民{person}", place=COMPOUND)
    for code, data in (("leader", LEADERS), ("members", MEMBERS), ("watchers", MEMBERS | {"of": "board"})):
        ask("adopt_entry", kind="selections", code=code, **words(code), data=data)
    return desk


def run(city: Desk, kind: str, body: str, person: str, source: str, cast: int = 60, met: str = "") -> str:
    """A selection with one candidate, of whom perhaps a criterion is met, up to its result; the id."""

    def ask(method: str, **more: Any) -> Any:
        return city.ask(method, "post-secretary", **more)

    id: str = ask("open_selection", kind=kind, organisation_id=body)["id"]
    ask("nominate_candidate", selection_id=id, person_id=person, way="self", source=source, grounds="名册")
    if met:
        ask("attest_criterion", selection_id=id, person_id=person, criterion=met, met=True, evidence="党员名册")
    ask("begin_recommending", selection_id=id)
    ask("begin_voting", selection_id=id, ballot=[person], electors=100)
    ask("record_ballot", selection_id=id, votes={person: 50}, cast=cast, minutes="唱票记录")
    ask("close_selection", selection_id=id)
    return id


def seat(city: Desk, id: str, person: str, post: str, **more: Any) -> Any:
    return city.ask("seat_candidate", "post-secretary", selection_id=id, person_id=person, post_id=post, **more)


def test_the_group_leader_heads_the_committee_and_is_seated_with_the_source(city: Desk) -> None:
    """A post that is filled by a selection is given to nobody else; who does not head the 自管会 is not even named (A10)."""
    direct = {"post_id": "post-leader", "person_id": "p-a"}
    with pytest.raises(IllegalStateError, match="by the selection leader only"):
        city.ask("appoint_person", "operator", **direct)
    id = city.ask("open_selection", "post-secretary", kind="leader", organisation_id="group-1")["id"]
    name = {"selection_id": id, "person_id": "p-a", "way": "self", "source": "heads"}
    with pytest.raises(IllegalStateError, match="holds no post of"):
        city.ask("nominate_candidate", "post-secretary", **name)
    with pytest.raises(BadInputError, match="known: heads"):
        city.ask("nominate_candidate", "post-secretary", **name | {"source": "friends", "grounds": "熟人"})
    city.ask("cancel_selection", "post-secretary", selection_id=id, reason="先选自管会")
    with pytest.raises(BadInputError, match="known: members, representatives, building_heads, working"):
        run(city, "members", "yard", "p-a", "friends")
    under_way = city.ask("find_selections", kind="members", status="opened")["rows"][0]["selection_id"]
    city.ask("cancel_selection", "post-secretary", selection_id=under_way, reason="来源不符")
    members = run(city, "members", "yard", "p-a", "members")
    seat(city, members, "p-a", "post-yard")
    with pytest.raises(IllegalStateError) as refused:
        run(city, "leader", "group-1", "p-a", "heads")
    assert "lacks party" in str(refused.value.fields), "who heads it and is no Party member does not stand"
    under_way = city.ask("find_selections", kind="leader", status="recommending")["rows"][0]["selection_id"]
    city.ask("cancel_selection", "post-secretary", selection_id=under_way, reason="补党员证明")
    leader = run(city, "leader", "group-1", "p-a", "heads", met="party")
    seat(city, leader, "p-a", "post-leader")
    facts = list(city.log.read(0))
    seated = [
        SELECTION.codec.decode(one.type, one.schema, bytes(one.data)) for one in facts if one.type == "CandidateSeated"
    ]
    assert [(one.person_id, one.source) for one in seated] == [("p-a", "members"), ("p-a", "heads")]
    terms = city.ask("find_appointments", "operator", person_id="p-a")["rows"]
    assert {(one["post_id"], one["since"], one["until"]) for one in terms} == {
        ("post-yard", "2025-03-04", "2030-03-04"),
        ("post-leader", "2025-03-04", "2028-03-04"),
    }
    with pytest.raises(ForbiddenError, match="was not elected"):
        seat(city, leader, "p-b", "post-leader")
    with pytest.raises(BadInputError, match="no post that this selection fills"):
        seat(city, run(city, "members", "yard", "p-b", "working"), "p-b", "post-leader")


def test_who_is_elected_into_both_bodies_is_seated_in_one(city: Desk) -> None:
    """院委会 and 监事会 are elected by selections of their own; nobody has a seat in both, whoever elected them (D06)."""
    yard, watch = run(city, "members", "yard", "p-a", "members"), run(city, "watchers", "watch", "p-a", "members")
    seat(city, yard, "p-a", "post-yard")
    with pytest.raises(ForbiddenError, match="岗位yard of 机构yard"):
        seat(city, watch, "p-a", "post-watch")
    assert city.ask("get_selection", selection_id=watch)["seated"] == {}, "nothing was recorded"
    other = run(city, "watchers", "watch", "p-b", "working")
    seat(city, other, "p-b", "post-watch")
    assert city.ask("get_selection", selection_id=other)["seated"] == {"p-b": "post-watch"}
    with pytest.raises(BadInputError, match="no body of the type"):
        city.ask("open_selection", "post-secretary", kind="watchers", organisation_id="yard")


def test_terms_are_numbered_by_elections_that_elected_somebody(city: Desk) -> None:
    """The first term, an election that failed for want of voters, the second term; one selection at a time (part of C52)."""
    first = run(city, "members", "yard", "p-a", "members")
    failed = run(city, "members", "yard", "p-b", "members", cast=50)
    assert city.ask("get_selection", selection_id=failed)["quorate"] is False
    second = run(city, "members", "yard", "p-b", "members")
    rows = [city.ask("get_selection", selection_id=id) for id in (first, failed, second)]
    assert [(one["term"], one["elected"]) for one in rows] == [(1, ["p-a"]), (2, []), (2, ["p-b"])]
    city.ask("open_selection", "post-secretary", kind="members", organisation_id="yard")
    with pytest.raises(IllegalStateError, match="is under way"):
        city.ask("open_selection", "post-secretary", kind="members", organisation_id="yard")
    with pytest.raises(IllegalStateError, match="must stay"):
        city.ask("retire_entry", "operator", kind="selections", code="members", reason="x")
    with pytest.raises(IllegalStateError, match="must stay"):
        city.ask("retire_entry", "operator", kind="roles", code="group_leader", reason="x")


def test_what_is_known_of_candidates_is_for_staff_of_the_place(city: Desk) -> None:
    """Everybody reads the result and what was skipped is for staff, who see it (part of A17)."""
    id = run(city, "members", "yard", "p-a", "members")
    public = city.ask("get_selection", selection_id=id)
    assert (public["elected"], "candidates" in public) == (["p-a"], False)
    assert "candidates" not in city.ask("find_selections", kind="members")["rows"][0]
    staff = city.ask("get_selection", "post-secretary", selection_id=id)
    assert staff["candidates"]["p-a"]["source"] == "members"


def test_rules_of_a_selection_are_of_the_citys_lists(city: Desk) -> None:
    """Types, roles and shares that cannot be are refused when the entry is adopted (part of A10)."""
    for change, part in (
        ({"of": "club"}, "of"),
        ({"role": "king"}, "role"),
        ({"sources": [LEADERS["sources"][0] | {"role": "king"}]}, "sources"),  # type: ignore[index]  # a list of entries
        ({"steps": [{"code": "a", "zh": "a", "en": "a"}] * 2}, "steps"),
        ({"turnout_part": 2}, "turnout_part"),
        ({"acceptances": [{"code": "a", "zh": "a", "en": "a", "of": "club"}]}, "acceptances"),
    ):
        with pytest.raises(BadInputError) as refused:
            city.ask("adopt_entry", "operator", kind="selections", code="x", **words("x"), data=LEADERS | change)
        assert list(refused.value.fields["data"]) == [part]

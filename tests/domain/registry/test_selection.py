"""Selections as data: scouting, nomination, criteria, acceptances, the ballot and its result."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.census import household_sum
from services.registry.definition import DEFINITION
from services.registry.person import PersonRegistered
from services.registry.selection.candidates import (
    accept_candidate,
    attest_criterion,
    nominate_candidate,
    scout_candidate,
)
from services.registry.selection.state import (
    SELECTION,
    BallotHeld,
    CandidateAccepted,
    CandidateNominated,
    CandidateRejected,
    CandidateScouted,
    CriterionAttested,
    RecommendingBegan,
    SelectionCancelled,
    SelectionClosed,
    SelectionOpened,
    VotingBegan,
)
from services.registry.selection.voting import (
    begin_recommending,
    begin_voting,
    cancel_selection,
    close_selection,
    record_ballot,
)
from shared.domain.city import City
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.kit import given
from tests.kit.city import COMMUNITY, COMPOUND, entry
from tests.kit.rows import MemoryRows, city
from tests.kit.spec import Spec, folded


def _items(*codes: str, **more: Any) -> list[dict[str, Any]]:
    return [{"code": code, "zh": f"{code}（中）", "en": code} | more for code in codes]


#: 上门找、当面访、从优选、活动聚; 党员、公心、担当、能力; 讲政治、善带头、讲奉献、善服务; 党员认同、群众认可、组织认定; four sources.
STEPS = ("doors", "talks", "best", "gatherings")
CRITERIA = ("member", "fairness", "courage", "ability")
TRAITS = ("politics", "leads", "gives", "serves")
SOURCES = _items("members", "representatives", "working") + _items("heads", role="grid_worker", of="council")
ACCEPTED_BY = {"by_members": "party", "by_residents": "council", "by_organisation": "street_party"}
RULES: dict[str, Any] = {
    "of": "council",
    "sources": SOURCES,
    "steps": _items(*STEPS),
    "criteria": _items(*CRITERIA),
    "traits": _items(*TRAITS),
    "acceptances": [item for code, type in ACCEPTED_BY.items() for item in _items(code, of=type)],
    "role": "",
    "only": True,
}
OPENED = SelectionOpened(
    selection_id="s-1",
    kind="committee",
    kind_version=1,
    organisation_id="o-compound",
    place=COMPOUND,
    seats=1,
    term=1,
)
RECOMMENDING = RecommendingBegan(selection_id="s-1")
PERSON = folded(  # every candidate of these specs is registered
    DEFINITION.deciders[[one.category for one in DEFINITION.deciders].index("person")],
    "p",
    PersonRegistered(person_id="p", name="林", place=COMPOUND),
)
UNKNOWN = folded(DEFINITION.deciders[[one.category for one in DEFINITION.deciders].index("person")], "p")


def known(**more: Any) -> City:
    """The small city with a kind of selection, and a body of each type that accepts."""
    bodies = [
        (
            "OrganisationEstablished",
            {"organisation_id": f"o-{type}", "type": type, "name": type, "name_en": "", "level": "compound"},
        )
        for type in ("party", "council", "street_party")
    ]
    where = {"place": COMPOUND, "parent_id": "o-community", "since": "2025-01-01"}
    told = [(fact, data | where) for fact, data in bodies]
    return city("2025-03-04", entry("selections", "committee", **RULES | more), *told)


def nominated(person: str = "p-a", way: str = "self") -> CandidateNominated:
    return CandidateNominated(
        selection_id="s-1",
        person_id=person,
        way=way,
        source="members",
        grounds="党员名册",
        supporters=0 if way == "self" else 12,
        traits=("serves",),
    )


def scouted(person: str, step: str, **more: Any) -> CandidateScouted:
    told = {"visitor": "p-any", "visited_on": "2025-03-04", "result": "愿意参选"} | more
    return CandidateScouted(selection_id="s-1", person_id=person, step=step, **told)


def ready(person: str = "p-a") -> list[Event]:
    """All that brings a candidate on the ballot."""
    by = {"selection_id": "s-1", "person_id": person}
    return [
        *(scouted(person, step) for step in STEPS),
        nominated(person),
        *(CriterionAttested(**by, criterion=one, holds=True, evidence="走访", attested_by="p-x") for one in CRITERIA),
        *(
            CandidateAccepted(
                **by, acceptance=one, organisation_id=f"o-{type}", accepted_by=f"p-{type}", resolution="会议决议"
            )
            for one, type in ACCEPTED_BY.items()
        ),
    ]


def spec(*history: Event) -> Spec:
    return given(SELECTION, "s-1", OPENED, *history)


def member(type: str, actor: str = "") -> Mandate:
    """Somebody of a body of a type, who may accept for it."""
    return Mandate(
        actor=actor or f"p-{type}",
        role="r",
        organisation_id=f"o-{type}",
        place=COMPOUND,
        powers=frozenset({"selection.*"}),
    )


def test_four_steps_in_their_order_each_dated_with_visitor_and_result() -> None:
    """上门找、当面访、从优选、活动聚: a step out of turn is refused; one that is left out stays visible with its reason (A17)."""
    ask: dict[str, Any] = {"city": known(), "person": PERSON, "person_id": "p-a", "result": "愿意参选"}
    spec().when(scout_candidate, step="doors", **ask).then(scouted("p-a", "doors"))
    spec().when(scout_candidate, step="best", **ask).then_raises(IllegalStateError, "before best come doors, talks")
    done = scouted("p-a", "doors")
    skipping = scouted("p-a", "best", skipped=("talks",), skipped_because="本人出差，电话谈过")
    spec(done).when(scout_candidate, step="best", skipped_because="本人出差，电话谈过", **ask).then(skipping)
    state = spec(done, skipping).state.candidates["p-a"]
    assert state.skipped == {"talks": "本人出差，电话谈过"}
    assert (state.steps["doors"].visitor, state.steps["doors"].visited_on) == ("p-any", "2025-03-04")
    late = spec(done, skipping).when(scout_candidate, step="talks", **ask)
    late.then_raises(IllegalStateError, "was left out")
    back = spec(done).when(scout_candidate, step="talks", visited_on="2025-03-03", **ask)
    back.then_raises(IllegalStateError, "2025-03-03 is not such a day")
    spec().when(scout_candidate, step="doors", visited_on="2025-03-05", **ask).then_raises(IllegalStateError, "up to")
    spec(done).when(scout_candidate, step="doors", **ask | {"result": "别的"}).then_raises(IllegalStateError, "already")
    spec().when(scout_candidate, step="dinner", **ask).then_raises(BadInputError, "known: doors")
    spec().when(scout_candidate, step="doors", **ask | {"person": UNKNOWN}).then_raises(NotFoundError, "register")
    voting = VotingBegan(selection_id="s-1", ballot=("p-a",), electors=9)
    over = spec(*ready(), RECOMMENDING, voting).when(scout_candidate, step="doors", **ask)
    over.then_raises(IllegalStateError, "not possible")


def test_three_stages_in_their_order_and_no_other() -> None:
    """Who offers themselves, whom residents recommend, the ballot with votes and turnout; any other order is refused (A18)."""
    ask: dict[str, Any] = {
        "city": known(),
        "person": PERSON,
        "person_id": "p-a",
        "source": "members",
        "grounds": "党员名册",
    }
    spec().when(nominate_candidate, way="self", traits=("serves",), **ask).then(nominated())
    residents = {"way": "residents", "supporters": 12, "traits": ("serves",)}
    spec().when(nominate_candidate, **residents, **ask).then_raises(IllegalStateError, "first offer themselves")
    spec(RECOMMENDING).when(nominate_candidate, **residents, **ask).then(nominated(way="residents"))
    spec(RECOMMENDING).when(nominate_candidate, way="self", **ask).then_raises(IllegalStateError, "offer themselves")
    spec(RECOMMENDING).when(nominate_candidate, way="residents", **ask).then_raises(BadInputError, "by how many")
    spec().when(begin_recommending).then(RECOMMENDING)
    spec(*ready()).when(begin_voting, city=known(), ballot=["p-a"], electors=9).then_raises(
        IllegalStateError, "comes after"
    )
    count = {"votes": {"p-a": 5}, "cast": 6, "minutes": "唱票记录"}
    spec(RECOMMENDING).when(record_ballot, **count).then_raises(IllegalStateError, "not possible")
    voting = VotingBegan(selection_id="s-1", ballot=("p-a",), electors=9)
    spec(*ready(), RECOMMENDING).when(begin_voting, city=known(), ballot=["p-a"], electors=9).then(voting)
    before = (*ready(), RECOMMENDING, voting)
    spec(*before).when(nominate_candidate, way="self", **ask).then_raises(IllegalStateError, "not possible")
    spec(*before).when(close_selection, city=known()).then_raises(IllegalStateError, "not possible")
    held = BallotHeld(
        selection_id="s-1",
        held_on="2025-03-04",
        cast=6,
        votes={"p-a": 5},
        minutes="唱票记录",
        person_id="p-any",
    )
    spec(*before).when(record_ballot, **count).then(held)
    won = SelectionClosed(selection_id="s-1", elected=("p-a",), tied=(), quorate=True)
    spec(*before, held).when(close_selection, city=known()).then(won)
    spec(*before, held, won).when(record_ballot, **count).then_raises(IllegalStateError, "not possible")
    spec(*before, held, won).when(cancel_selection, reason="x").then_raises(IllegalStateError, "not possible")
    off = SelectionCancelled(selection_id="s-1", reason="无人参选")
    spec().when(cancel_selection, reason="无人参选").then(off)
    spec(off).when(begin_recommending).then_raises(IllegalStateError, "not possible")


@pytest.mark.parametrize(
    ("votes", "cast", "seats", "expected"),
    [
        ({"p-a": 3, "p-b": 2}, 5, 1, ((), (), False)),  # 5 of 10 is not more than half
        ({"p-a": 3, "p-b": 3}, 6, 1, ((), (), True)),  # 3 of 6 is not more than half
        ({"p-a": 4, "p-b": 2}, 6, 1, (("p-a",), (), True)),
        ({"p-a": 5, "p-b": 5}, 6, 1, ((), ("p-a", "p-b"), True)),  # as many for both, one seat: needs one more ballot
        ({"p-a": 5, "p-b": 5}, 6, 2, (("p-a", "p-b"), (), True)),
        ({"p-a": 6, "p-b": 4, "p-c": 4}, 7, 2, (("p-a",), ("p-b", "p-c"), True)),
        ({"p-a": 0, "p-b": 0}, 0, 1, ((), (), False)),
    ],
)
def test_turnout_and_majority_are_judged_by_whole_numbers(
    votes: dict[str, int], cast: int, seats: int, expected: tuple[tuple[str, ...], tuple[str, ...], bool]
) -> None:
    """Half is not more than half, and who ties for the last seat is not elected (part of A18)."""
    opened = SelectionOpened(
        selection_id="s-1", kind="committee", kind_version=1, organisation_id="o", place=COMPOUND, seats=seats, term=1
    )
    voting = VotingBegan(selection_id="s-1", ballot=tuple(votes), electors=10)
    asked = given(SELECTION, "s-1", opened, RECOMMENDING, voting)
    count = asked.when(record_ballot, votes=votes, cast=cast, minutes="唱票")
    if max(votes.values()) * len(votes) > cast * seats and sum(votes.values()) > cast * seats:
        count.then_raises(BadInputError, "cannot be right")
        return
    (held,) = count.ask(asked.state)
    closing = given(SELECTION, "s-1", opened, RECOMMENDING, voting, held).when(close_selection, city=known())
    (closed,) = closing.ask(closing.state)
    assert (closed.elected, closed.tied, closed.quorate) == expected


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"votes": {"p-a": 7, "p-b": 0}}, "more than the ballots"),
        ({"votes": {"p-a": 4}}, "must name each"),
        ({"votes": {"p-a": 4, "p-x": 1}}, "must name each"),
        ({"cast": 11}, "at most 10"),
        ({"held_on": "2025-03-05"}, "not be in the future"),
    ],
)
def test_a_count_that_cannot_be_right_is_refused(change: dict[str, Any], why: str) -> None:
    """More votes than ballots, strangers on the ballot, more ballots than electors; and who stands does not count (part of A18)."""
    voting = VotingBegan(selection_id="s-1", ballot=("p-a", "p-b"), electors=10)
    asked = spec(RECOMMENDING, voting)
    ask: dict[str, Any] = {"votes": {"p-a": 4, "p-b": 2}, "cast": 6, "minutes": "唱票"} | change
    with pytest.raises(BadInputError, match="cannot be right") as refused:
        asked.when(record_ballot, **ask).ask(asked.state)
    assert why in str(refused.value.fields)
    asked.when(record_ballot, by=member("council", "p-a"), **ask).then_raises(ForbiddenError, "for themselves")


def test_three_acceptances_by_different_bodies_and_persons() -> None:
    """党员认同、群众认可、组织认定: without one of them, or with one refused, nobody stands; no body or person says two (A16)."""
    ask: dict[str, Any] = {"city": known(), "person_id": "p-a", "accepted": True, "resolution": "会议决议"}
    first = CandidateAccepted(
        selection_id="s-1",
        person_id="p-a",
        acceptance="by_members",
        organisation_id="o-party",
        accepted_by="p-party",
        resolution="会议决议",
    )
    spec(nominated()).when(accept_candidate, by=member("party"), acceptance="by_members", **ask).then(first)
    wrong = spec(nominated()).when(accept_candidate, by=member("council"), acceptance="by_members", **ask)
    wrong.then_raises(ForbiddenError, "by a body of the type")
    same = spec(nominated(), first)
    same.when(accept_candidate, by=member("council", "p-party"), acceptance="by_residents", **ask).then_raises(
        ForbiddenError, "another person for another body"
    )
    themselves = member("party", "p-a")
    spec(nominated()).when(accept_candidate, by=themselves, acceptance="by_members", **ask).then_raises(
        ForbiddenError, "nobody judges themselves"
    )
    spec().when(accept_candidate, by=member("party"), acceptance="by_members", **ask).then_raises(
        NotFoundError, "not named"
    )
    rejected = CandidateRejected(
        selection_id="s-1",
        person_id="p-a",
        acceptance="by_organisation",
        organisation_id="o-street_party",
        rejected_by="p-street_party",
        resolution="会议决议",
    )
    no = spec(*ready()).when(
        accept_candidate, by=member("street_party"), acceptance="by_organisation", **ask | {"accepted": False}
    )
    no.then(rejected)
    vote: dict[str, Any] = {"city": known(), "ballot": ["p-a"], "electors": 9}
    for history in ([*ready()[:-1]], [*ready(), rejected]):
        asked = spec(*history, RECOMMENDING).when(begin_voting, **vote)
        with pytest.raises(IllegalStateError) as refused:
            asked.ask(asked.state)
        assert "by_organisation" in str(refused.value.fields)
    stands = spec(*ready(), rejected, *ready()[-1:], RECOMMENDING).when(begin_voting, **vote)
    assert len(stands.ask(stands.state)) == 1, "a body may change its mind"
    assert len({one.organisation_id for one in stands.state.candidates["p-a"].acceptances.values()}) == 3


def test_four_criteria_are_attested_and_nobody_attests_their_own() -> None:
    """党员、公心、担当、能力: each on evidence; without one of them nobody stands (A19)."""
    ask: dict[str, Any] = {
        "city": known(),
        "person_id": "p-a",
        "criterion": "fairness",
        "met": True,
        "evidence": "走访",
    }
    told = CriterionAttested(
        selection_id="s-1", person_id="p-a", criterion="fairness", holds=True, evidence="走访", attested_by="p-any"
    )
    spec(nominated()).when(attest_criterion, **ask).then(told)
    spec(nominated()).when(attest_criterion, **ask | {"criterion": "wealth"}).then_raises(
        BadInputError, "known: member"
    )
    spec(nominated()).when(attest_criterion, by=member("party", "p-a"), **ask).then_raises(ForbiddenError, "themselves")
    machine = Mandate(actor="x", role="service", powers=frozenset({"*"}))
    spec(nominated()).when(attest_criterion, by=machine, **ask).then_raises(ForbiddenError, "no machine")
    spec().when(attest_criterion, **ask).then_raises(NotFoundError, "not named")
    lost = CriterionAttested(
        selection_id="s-1", person_id="p-a", criterion="courage", holds=False, evidence="推诿", attested_by="p-x"
    )
    vote = spec(*ready(), lost, RECOMMENDING).when(begin_voting, city=known(), ballot=["p-a"], electors=9)
    with pytest.raises(IllegalStateError) as refused:
        vote.ask(vote.state)
    assert "lacks courage" in str(refused.value.fields)


def test_members_of_a_branch_meet_three_conditions() -> None:
    """Political quality, prestige, warm-heartedness are attested before anybody stands for the branch (D13)."""
    conditions = ("quality", "prestige", "warmth")
    here = known(of="party", criteria=_items(*conditions), steps=[], acceptances=[], traits=[], sources=[])
    by = {"selection_id": "s-1", "person_id": "p-a"}
    told: list[Event] = [
        CriterionAttested(**by, criterion=one, holds=True, evidence="党员大会", attested_by="p-x") for one in conditions
    ]
    ask: dict[str, Any] = {"city": here, "ballot": ["p-a"], "electors": 9}
    full = spec(nominated(), *told, RECOMMENDING).when(begin_voting, **ask)
    assert len(full.ask(full.state)) == 1
    for missing in range(3):
        part = [one for number, one in enumerate(told) if number != missing]
        asked = spec(nominated(), *part, RECOMMENDING).when(begin_voting, **ask)
        with pytest.raises(IllegalStateError) as refused:
            asked.ask(asked.state)
        assert f"lacks {conditions[missing]}" in str(refused.value.fields)
    other = spec(nominated()).when(
        attest_criterion, city=here, person_id="p-a", criterion="wealth", met=True, evidence="x"
    )
    other.then_raises(BadInputError, "known: quality, prestige, warmth")


def test_traits_are_words_and_nothing_is_counted_by_them() -> None:
    """讲政治、善带头、讲奉献、善服务 are tags of the list; the result is the same with all of them and with none (A20)."""
    ask: dict[str, Any] = {
        "city": known(),
        "person": PERSON,
        "person_id": "p-a",
        "source": "members",
        "grounds": "名册",
    }
    asked = spec().when(nominate_candidate, way="self", traits=TRAITS, **ask)
    (made,) = asked.ask(asked.state)
    assert made.traits == TRAITS
    spec().when(nominate_candidate, way="self", traits=("rich",), **ask).then_raises(BadInputError, "known: politics")
    without = spec().when(nominate_candidate, way="self", **ask)
    (plain,) = without.ask(without.state)
    voting = VotingBegan(selection_id="s-1", ballot=("p-a", "p-b"), electors=9)
    held = BallotHeld(
        selection_id="s-1", held_on="2025-03-04", cast=7, votes={"p-a": 3, "p-b": 4}, minutes="", person_id="p-x"
    )
    results = []
    for named in (made, plain):
        close = spec(named, nominated("p-b"), RECOMMENDING, voting, held).when(close_selection, city=known())
        results.append(close.ask(close.state))
        numbers = [one for one in vars_of(close.state.candidates["p-a"]) if isinstance(one, int)]
        assert numbers == [], "no number is kept of a person"
    assert results[0] == results[1]
    assert results[0][0].elected == ("p-b",)


def vars_of(candidate: Any) -> list[Any]:
    """The fields of a candidate."""
    return [getattr(candidate, name) for name in candidate.__struct_fields__]


def test_a_source_must_qualify_who_is_named() -> None:
    """Four sources: a post is known and checked, membership is shown by documents; anything else is refused (part of A10)."""
    ask: dict[str, Any] = {"city": known(), "person": PERSON, "way": "self"}
    spec().when(nominate_candidate, person_id="p-grid", source="heads", **ask).then_raises(
        IllegalStateError, "holds no post of"
    )  # their post is one of the compound's party body, not of a council
    council = known(sources=_items("heads", role="grid_worker", of="party"))
    able = spec().when(nominate_candidate, person_id="p-grid", source="heads", **ask | {"city": council})
    assert [type(one) for one in able.ask(able.state)] == [CandidateNominated]
    other = spec().when(nominate_candidate, person_id="p-other", source="heads", **ask | {"city": council})
    other.then_raises(IllegalStateError, "holds no post of")
    spec().when(nominate_candidate, person_id="p-a", source="members", **ask).then_raises(BadInputError, "what shows")
    spec().when(nominate_candidate, person_id="p-a", source="friends", **ask).then_raises(
        BadInputError, "known: members"
    )
    spec().when(nominate_candidate, person_id="p-a", **ask).then_raises(BadInputError, "known: members")


def test_one_vote_a_household_is_counted_from_the_register() -> None:
    """Who votes by household does not type how many there are; where none are counted there is no vote (part of A18)."""
    here = known(voters="households")
    rows = MemoryRows(
        [
            view
            for view in DEFINITION.all_views
            if view.name in ("households", "places") or view.name.startswith("city_")
        ]
    )
    rows.rows |= {name: dict(kept) for name, kept in here.rows.rows.items()}  # type: ignore[attr-defined]  # rows in memory
    there = City(rows, "2025-03-04")
    ask: dict[str, Any] = {"city": there, "ballot": ["p-a"]}
    spec(*ready(), RECOMMENDING).when(begin_voting, **ask).then_raises(IllegalStateError, "no households are counted")
    counted = {
        "as_of": "2025-01-01",
        "households": 100,
        "qualifier": "exact",
        "published": "2025-01-01",
        "corrected": "",
    }
    rows.rows["households"][COMPOUND] = {"key": COMPOUND, "place": COMPOUND, "households": 100, "history": [counted]}
    assert household_sum(rows, COMPOUND, "2025-03-04")["value"] == 100
    asked = spec(*ready(), RECOMMENDING).when(begin_voting, **ask)
    assert asked.ask(asked.state) == [VotingBegan(selection_id="s-1", ballot=("p-a",), electors=100)]
    spec(*ready(), RECOMMENDING).when(begin_voting, electors=99, **ask).then_raises(BadInputError, "counts 100")


def test_it_takes_a_power_for_each_part() -> None:
    """Who runs a selection, who looks for candidates and who attests may be different persons (part of A18)."""
    weak = Mandate(actor="p", role="r", place=COMMUNITY, powers=frozenset({"selection.scout"}))
    spec().when(begin_recommending, by=weak).then_raises(ForbiddenError, "selection.run")
    ask: dict[str, Any] = {
        "city": known(),
        "person_id": "p-a",
        "criterion": "fairness",
        "met": True,
        "evidence": "走访",
    }
    spec(nominated()).when(attest_criterion, by=weak, **ask).then_raises(ForbiddenError, "selection.attest")

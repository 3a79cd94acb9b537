"""Owners' votes as data: article 278 of the Civil Code by whole numbers, over a roll that is frozen."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from services.registry.owners_rules import MATTERS, UNSOLD, Tally, Unit, Weight, carried, digest, quorate, tally
from services.registry.owners_vote import (
    OWNERS_VOTE,
    OwnersBallotsCounted,
    OwnersVoteCancelled,
    OwnersVoteDecided,
    OwnersVoteOpened,
    cancel_owners_vote,
    count_owners_ballots,
    open_owners_vote,
)
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.fields import FieldError
from shared.domain.mandate import Mandate
from tests.kit import given
from tests.kit.city import COMPOUND
from tests.kit.rows import city

#: 九类事项：前五类与第九类过半数，（六）至（八）四分之三。
GRAVE = {"raising_of_fund", "rebuilding", "change_of_use"}
ROLL = [Unit(unit=f"1-{number}", area=9000, owner=f"o-{number}") for number in range(1, 5)]
ROLL += [Unit(unit="2-1", area=6000, owner="o-1"), Unit(unit="2-2", area=5000), Unit(unit="2-3", area=7000)]
OPENED = OwnersVoteOpened(
    owners_vote_id="v-1",
    place=COMPOUND,
    matter="use_of_fund",
    article="民法典 278(5)",
    question="动用维修资金修电梯",
    roll=digest(ROLL),
    units=7,
    area=54000,
    heads=5,
)
ASK: dict[str, Any] = {"place": COMPOUND, "matter": "use_of_fund", "question": "动用维修资金修电梯", "roll": ROLL}


def by_hand(roll: list[Unit], ballots: dict[str, str], matter: str) -> tuple[bool, bool]:
    """Whether enough took part and whether it is carried: told anew, unit by unit, with fractions."""
    owners: list[str] = []
    for unit in roll:
        if unit.owner not in owners:
            owners.append(unit.owner)
    area_all = heads_all = area_part = heads_part = area_for = heads_for = 0
    for owner in owners:
        own = 0
        for unit in roll:
            if unit.owner == owner:
                own += unit.area
        area_all += own
        heads_all += 1
        answer = ballots.get(owner, "silent")
        if answer == "silent":
            continue
        area_part += own
        heads_part += 1
        if answer == "for":
            area_for += own
            heads_for += 1
    enough = Fraction(area_part, area_all) >= Fraction(2, 3) and Fraction(heads_part, heads_all) >= Fraction(2, 3)
    if not enough:
        return False, False
    area, heads = Fraction(area_for, area_part), Fraction(heads_for, heads_part)
    if matter in GRAVE:
        return True, area >= Fraction(3, 4) and heads >= Fraction(3, 4)
    return True, area > Fraction(1, 2) and heads > Fraction(1, 2)


def random_vote(chance: random.Random) -> tuple[list[Unit], dict[str, str]]:
    """A roll with buyers of several units and some that are not sold, and what was said: often right at a limit."""
    signs = [f"o-{number}" for number in range(chance.randint(1, 12))] + [UNSOLD]
    sizes = chance.choice([(100,), (100, 200, 300), (8931, 10457, 12002)])
    roll = [
        Unit(unit=str(number), area=chance.choice(sizes), owner=chance.choice(signs))
        for number in range(chance.randint(1, 24))
    ]
    silent, against = chance.choice([(0, 0), (1, 1), (2, 1), (3, 2)])
    words = ["for"] * 4 + ["against"] * against + ["abstain"] * against + [""] * silent
    said = {owner: chance.choice(words) for owner in {one.owner for one in roll}}
    return roll, {owner: word for owner, word in said.items() if word}


def test_a_thousand_random_rolls_are_decided_as_by_hand() -> None:
    """Each with each of the nine matters: the rules and an independent tally never differ, and all outcomes come up."""
    chance = random.Random(278)
    seen = set()
    for _number in range(1000):
        roll, ballots = random_vote(chance)
        found = tally(roll, ballots)
        for matter in MATTERS:
            expected = by_hand(roll, ballots, matter)
            assert (quorate(found), carried(found, matter)) == expected, (roll, ballots, matter)
            seen.add((matter in GRAVE, *expected))
    assert len(seen) == 6, "not enough, lost and carried, for both majorities"


@pytest.mark.parametrize(
    ("part", "pro", "half", "grave"),
    [
        ((200, 8), (101, 5), True, False),  # of 300 and 12: two thirds took part, just over half
        ((200, 8), (100, 5), False, False),  # half of the area is not more than half
        ((200, 8), (101, 4), False, False),  # half of the heads is not more than half
        ((200, 8), (150, 6), True, True),  # three quarters are enough
        ((200, 8), (149, 6), True, False),
        ((199, 8), (199, 8), False, False),  # too little area took part
        ((200, 7), (200, 7), False, False),  # too few heads took part
    ],
)
def test_the_limits_of_the_law(part: tuple[int, int], pro: tuple[int, int], half: bool, grave: bool) -> None:
    """2/3 and 3/4 are reached when they are met, half only when it is passed, each by area and by heads."""
    found = Tally(Weight(300, 12), Weight(*part), Weight(*pro), Weight())
    for matter in MATTERS:
        assert carried(found, matter) is (grave if matter in GRAVE else half), matter
    assert [item for item, _majority in MATTERS.values()] == list(range(1, 10))


def test_the_roll_is_frozen_when_the_vote_is_opened() -> None:
    """One buyer of two units is one head with both areas, two unsold units are one head; later rolls do not count."""
    opening = given(OWNERS_VOTE, "v-1").when(open_owners_vote, city=city("2025-03-04"), **ASK)
    assert opening.ask(opening.state) == [OPENED]
    asked = given(OWNERS_VOTE, "v-1", OPENED)
    said = {"o-1": "for", "o-2": "for", "o-3": "against", UNSOLD: "for"}
    counted = OwnersBallotsCounted(
        owners_vote_id="v-1",
        counted_on="2025-03-04",
        area_part=45000,
        heads_part=4,
        area_for=36000,
        heads_for=3,
        area_against=9000,
        heads_against=1,
        minutes="票箱存社区",
    )
    decided = OwnersVoteDecided(owners_vote_id="v-1", quorate=True, carried=True)
    ask: dict[str, Any] = {"roll": list(reversed(ROLL)), "ballots": said, "minutes": "票箱存社区"}
    asked.when(count_owners_ballots, **ask).then(counted, decided)
    sold = [*ROLL[:-1], Unit(unit="2-3", area=7000, owner="o-9")]
    for other in (sold, ROLL[:-1], [*ROLL, Unit(unit="3-1", area=1)]):
        asked.when(count_owners_ballots, **ask | {"roll": other}).then_raises(IllegalStateError, "not the roll")
    asked.when(count_owners_ballots, **ask | {"ballots": {"o-9": "for"}}).then_raises(
        BadInputError, "nobody on the roll"
    )
    asked.when(count_owners_ballots, **ask | {"counted_on": "2025-03-05"}).then_raises(BadInputError, "cannot be right")
    again = given(OWNERS_VOTE, "v-1", OPENED, counted, decided)
    again.when(count_owners_ballots, **ask).then_raises(IllegalStateError, "not possible")
    assert again.state.status == "carried"
    few = asked.when(count_owners_ballots, **ask | {"ballots": {"o-1": "for", "o-2": "for"}})
    assert few.ask(few.state)[1] == OwnersVoteDecided(owners_vote_id="v-1", quorate=False, carried=False)


def test_nobodys_vote_stands_in_a_fact() -> None:
    """Neither the signs of owners nor what each said is recorded: sums, and the digest of the roll."""
    asked = given(OWNERS_VOTE, "v-1", OPENED)
    ask: dict[str, Any] = {"roll": ROLL, "ballots": {"o-1": "for", "o-2": "against"}, "minutes": "存档"}
    facts = [OPENED, *asked.when(count_owners_ballots, **ask).ask(asked.state)]
    stored = b"".join(OWNERS_VOTE.codec.encode(event) for event in facts)
    assert b"area_part" in stored
    for sign in (b"o-1", b"o-2", b"1-1", UNSOLD.encode()):
        assert sign not in stored


def test_what_cannot_be_voted_on() -> None:
    """A unit that stands twice, places that are not there, matters that the law does not know, and who lacks the power."""
    small = city("2025-03-04")
    start = given(OWNERS_VOTE, "v-1")
    twice = [*ROLL, ROLL[0]]
    start.when(open_owners_vote, city=small, **ASK | {"roll": twice}).then_raises(
        BadInputError, "stands on the roll once"
    )
    start.when(open_owners_vote, city=small, **ASK | {"place": "350104.099"}).then_raises(NotFoundError, "no place")
    fields = {one.name: one for one in OWNERS_VOTE.commands["open_owners_vote"].asked}
    for name, value in (("matter", "parking"), ("roll", [{"unit": "1", "area": 0}]), ("roll", [])):
        with pytest.raises(FieldError):
            fields[name].load({name: value})
    assert fields["roll"].load({"roll": [{"unit": "1", "area": 5}]}) == [Unit(unit="1", area=5, owner=UNSOLD)]
    weak = Mandate(actor="p", role="r", place=COMPOUND, powers=frozenset({"owners.vote"}))
    opened = given(OWNERS_VOTE, "v-1", OPENED)
    count: dict[str, Any] = {"roll": ROLL, "ballots": {}, "minutes": "x"}
    opened.when(count_owners_ballots, by=weak, **count).then_raises(ForbiddenError, "owners.count")
    off = OwnersVoteCancelled(owners_vote_id="v-1", reason="公告有误")
    opened.when(cancel_owners_vote, by=weak, reason="公告有误").then(off)
    given(OWNERS_VOTE, "v-1", OPENED, off).when(count_owners_ballots, **count).then_raises(
        IllegalStateError, "not possible"
    )

"""Persons: registered once, erased for good."""

from __future__ import annotations

import msgspec

from services.registry.person import PERSON, PersonErased, erase_person, register_person
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import CHEN, CHEN_APPOINTED, COMMUNITY, COMPOUND, NOBODY, POST, city, holder
from tests.kit import given

ASK = {"name": CHEN.name, "place": COMMUNITY, "city": city()}
ERASE = {"reason": "本人申请", "city": city()}
ERASED = PersonErased(person_id="p-chen", place=COMMUNITY, reason="本人申请")


def test_a_person_is_registered_once() -> None:
    given(PERSON, "p-chen").when(register_person, **ASK).then(CHEN)
    given(PERSON, "p-chen", CHEN).when(register_person, **ASK).then_nothing()
    given(PERSON, "p-chen", CHEN, ERASED).when(register_person, **ASK).then_raises(IllegalStateError, "new id")


def test_without_a_place_it_is_that_of_ones_own_post_and_places_must_be_known() -> None:
    clerk = holder("registry.person", place=COMMUNITY)
    given(PERSON, "p-chen").when(register_person, by=clerk, **ASK | {"place": ""}).then(CHEN)
    given(PERSON, "p-chen").when(register_person, **ASK | {"place": ""}).then(msgspec.structs.replace(CHEN, place=""))
    given(PERSON, "p-chen").when(register_person, **ASK | {"place": "350104.9"}).then_raises(
        NotFoundError, "no place 350104.9"
    )


def test_a_person_is_erased_once() -> None:
    given(PERSON, "p-chen", CHEN).when(erase_person, **ERASE).then(ERASED)
    given(PERSON, "p-chen", CHEN, ERASED).when(erase_person, **ERASE).then_nothing()
    given(PERSON, "p-chen").when(erase_person, **ERASE).then_raises(NotFoundError, "p-chen")


def test_a_holder_of_a_post_must_be_known() -> None:
    """Also one whose term begins or ends later; not one whose term is over."""
    post = ("PostEstablished", msgspec.to_builtins(POST))
    spec = given(PERSON, "p-chen", CHEN)
    for since, until, held in (
        ("2025-01-01", "", True),
        ("2025-04-01", "", True),
        ("2025-01-01", "2025-03-05", True),
        ("2025-01-01", "2025-03-04", False),
    ):
        term = msgspec.to_builtins(msgspec.structs.replace(CHEN_APPOINTED, since=since, until=until))
        asked = spec.when(erase_person, **ERASE | {"city": city(post, ("PersonAppointed", term))})
        asked.then_raises(IllegalStateError, "holds the post 支部书记") if held else asked.then(ERASED)


def test_it_takes_the_power_at_the_place() -> None:
    spec = given(PERSON, "p-chen")
    spec.when(register_person, by=NOBODY, **ASK).then_raises(ForbiddenError, "registry.person")
    spec.when(register_person, by=holder("registry.person", place=COMPOUND), **ASK).then_raises(
        ForbiddenError, COMMUNITY
    )
    for history in ((CHEN,), (CHEN, ERASED)):
        given(PERSON, "p-chen", *history).when(erase_person, by=NOBODY, **ERASE).then_raises(
            ForbiddenError, "registry.erase"
        )

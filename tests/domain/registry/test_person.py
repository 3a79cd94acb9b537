"""Persons: registered once, erased for good (X09)."""

from __future__ import annotations

from services.registry import domain
from services.registry.events import PersonErased
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import CHEN, COMMUNITY, COMPOUND, NOBODY, holder
from tests.kit import given

ASK = {"name": CHEN.name, "place": COMMUNITY}
ERASED = PersonErased(person_id="p-chen", place=COMMUNITY, reason="本人申请")


def test_a_person_is_registered_once() -> None:
    given(domain.PERSON, "p-chen").when(domain.register_person, **ASK).then(CHEN)
    given(domain.PERSON, "p-chen", CHEN).when(domain.register_person, **ASK).then_raises(
        IllegalStateError, "registered once"
    )
    given(domain.PERSON, "p-chen", CHEN, ERASED).when(domain.register_person, **ASK).then_raises(
        IllegalStateError, "new id"
    )


def test_a_person_is_erased_once() -> None:
    given(domain.PERSON, "p-chen", CHEN).when(domain.erase, reason="本人申请", posts_held=()).then(ERASED)
    given(domain.PERSON, "p-chen", CHEN, ERASED).when(domain.erase, reason="本人申请", posts_held=()).then_nothing()
    given(domain.PERSON, "p-chen").when(domain.erase, reason="", posts_held=()).then_raises(NotFoundError, "p-chen")


def test_a_holder_of_a_post_must_be_known() -> None:
    given(domain.PERSON, "p-chen", CHEN).when(domain.erase, reason="本人申请", posts_held=["post-1"]).then_raises(
        IllegalStateError, "holds the post post-1"
    )


def test_it_takes_the_power_at_the_place() -> None:
    spec = given(domain.PERSON, "p-chen")
    spec.when(domain.register_person, by=NOBODY, **ASK).then_raises(ForbiddenError, "registry.person")
    spec.when(domain.register_person, by=holder("registry.person", place=COMPOUND), **ASK).then_raises(
        ForbiddenError, COMMUNITY
    )
    for history in ((), (CHEN,), (CHEN, ERASED)):
        given(domain.PERSON, "p-chen", *history).when(domain.erase, by=NOBODY, reason="", posts_held=()).then_raises(
            ForbiddenError, "registry.erase"
        )

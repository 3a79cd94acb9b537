"""Organisations: a tree of the profile's levels, each within its parent's place (A03, A06, C06, C50)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry import domain
from services.registry.events import OrganisationDissolved
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import (
    BRANCH,
    COMMITTEE_ROW,
    COMMUNITY,
    COMPOUND,
    LEVELS,
    NOBODY,
    PROFILE_ROW,
    STREET,
    holder,
)
from tests.kit import given

ASK: dict[str, Any] = {
    "type": "party",
    "name": "小区党支部",
    "name_en": "Compound branch",
    "level": "compound",
    "place": COMPOUND,
    "parent_id": "committee",
    "since": "2020-01-01",
    "profile": PROFILE_ROW,
    "place_row": {"place": COMPOUND},
    "parent": COMMITTEE_ROW,
}
END: dict[str, Any] = {"until": "2025-01-01", "reason": "合并", "children": (), "posts_held": ()}
DISSOLVED = OrganisationDissolved(organisation_id="branch", place=COMPOUND, until="2025-01-01", reason="合并")


def test_an_organisation_is_established_under_a_higher_one() -> None:
    given(domain.ORGANISATION, "branch").when(domain.establish, **ASK).then(BRANCH)


def test_establishing_the_same_again_changes_nothing_and_another_is_refused() -> None:
    given(domain.ORGANISATION, "branch", BRANCH).when(domain.establish, **ASK).then_nothing()
    given(domain.ORGANISATION, "branch", BRANCH).when(domain.establish, **ASK | {"since": ""}).then_nothing()
    given(domain.ORGANISATION, "branch", BRANCH).when(domain.establish, **ASK | {"name": "党小组"}).then_raises(
        IllegalStateError, "小区党支部"
    )


def test_the_topmost_has_no_parent() -> None:
    given(domain.ORGANISATION, "branch").when(domain.establish, **ASK | {"parent_id": "", "parent": None}).then(
        msgspec.structs.replace(BRANCH, parent_id="")
    )


@pytest.mark.parametrize("level", LEVELS)
def test_the_parent_is_of_any_higher_level(level: str) -> None:
    """Levels in between, such as 片区, may be left out (C50)."""
    spec = given(domain.ORGANISATION, "branch").when(
        domain.establish, **ASK | {"parent": COMMITTEE_ROW | {"level": level}}
    )
    if LEVELS.index(level) < LEVELS.index("compound"):
        spec.then(BRANCH)
    else:
        spec.then_raises(IllegalStateError, f"level {level}, which is not above compound")


@pytest.mark.parametrize(
    ("place", "inside"), [(STREET, True), (COMMUNITY, True), (COMPOUND, True), (COMPOUND + ".01", False)]
)
def test_it_lies_within_its_parents_place(place: str, inside: bool) -> None:
    spec = given(domain.ORGANISATION, "branch").when(
        domain.establish, **ASK | {"parent": COMMITTEE_ROW | {"place": place}}
    )
    spec.then(BRANCH) if inside else spec.then_raises(IllegalStateError, "outside")


def test_a_place_whose_path_only_begins_alike_is_outside() -> None:
    given(domain.ORGANISATION, "branch").when(
        domain.establish, **ASK | {"parent": COMMITTEE_ROW | {"place": "350104.013.00"}}
    ).then_raises(IllegalStateError, "outside")


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"profile": None}, IllegalStateError, "no profile yet"),
        ({"place_row": None}, NotFoundError, f"no place {COMPOUND}"),
        ({"level": "village"}, IllegalStateError, "street, community, area, compound, building"),
        ({"type": "club"}, IllegalStateError, "organisation_types"),
        ({"parent": None}, NotFoundError, "no organisation committee"),
        ({"parent": COMMITTEE_ROW | {"until": "2024-01-01"}}, IllegalStateError, "dissolved on 2024-01-01"),
        ({"since": "2018-12-31"}, IllegalStateError, "exists since 2019-01-01"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], error: Any, match: str) -> None:
    given(domain.ORGANISATION, "branch").when(domain.establish, **ASK | change).then_raises(error, match)


def test_it_takes_the_power_at_the_place() -> None:
    given(domain.ORGANISATION, "branch").when(domain.establish, by=NOBODY, **ASK).then_raises(
        ForbiddenError, "registry.org"
    )
    given(domain.ORGANISATION, "branch").when(
        domain.establish, by=holder("registry.organisation", place="350104.013.003"), **ASK
    ).then_raises(ForbiddenError, COMPOUND)
    given(domain.ORGANISATION, "branch", BRANCH).when(domain.dissolve, by=NOBODY, **END).then_raises(
        ForbiddenError, "registry.organisation"
    )
    given(domain.ORGANISATION, "branch").when(domain.dissolve, by=NOBODY, **END).then_raises(
        ForbiddenError, "registry.organisation"
    )


def test_an_organisation_is_dissolved_once() -> None:
    given(domain.ORGANISATION, "branch", BRANCH).when(domain.dissolve, **END).then(DISSOLVED)
    given(domain.ORGANISATION, "branch", BRANCH, DISSOLVED).when(domain.dissolve, **END).then_nothing()
    given(domain.ORGANISATION, "branch", BRANCH, DISSOLVED).when(domain.dissolve, **END | {"until": ""}).then_nothing()
    given(domain.ORGANISATION, "branch", BRANCH, DISSOLVED).when(
        domain.dissolve, **END | {"until": "2025-02-01"}
    ).then_raises(IllegalStateError, "on 2025-01-01 already")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"until": "2019-12-31"}, "from 2020-01-01"),
        ({"until": "2025-03-05"}, "to 2025-03-04"),
        ({"children": ["党小组"]}, "1 below it, such as 党小组"),
        ({"posts_held": ["支部书记"]}, "end the appointment first"),
    ],
)
def test_what_is_still_needed_is_not_dissolved(change: dict[str, Any], match: str) -> None:
    given(domain.ORGANISATION, "branch", BRANCH).when(domain.dissolve, **END | change).then_raises(
        IllegalStateError, match
    )


def test_an_unknown_organisation_cannot_be_dissolved() -> None:
    given(domain.ORGANISATION, "branch").when(domain.dissolve, **END).then_raises(NotFoundError, "branch")

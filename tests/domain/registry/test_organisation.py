"""Organisations: a tree of the profile's levels, each within its parent's place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry.organisation.moving import move_organisation
from services.registry.organisation.standing import dissolve_organisation, establish_organisation
from services.registry.organisation.state import ORGANISATION, OrganisationDissolved, OrganisationMoved
from services.registry.place.state import PLACE
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import (
    BRANCH,
    CODES,
    COMMITTEE,
    COMMUNITY,
    COMPOUND,
    LEVELS,
    NOBODY,
    POST,
    REGISTERED,
    STREET,
    city,
    holder,
)
from tests.kit import given
from tests.kit.spec import folded


def committee(**change: str) -> Any:
    """The parent, perhaps another one than it is."""
    return folded(ORGANISATION, "committee", msgspec.structs.replace(COMMITTEE, **change))


ASK: dict[str, Any] = {
    "type": "party",
    "name": "小区党支部",
    "name_en": "Compound branch",
    "level": "compound",
    "place": COMPOUND,
    "parent_id": "committee",
    "since": "2020-01-01",
    "where": folded(PLACE, COMPOUND, REGISTERED),
    "parent": committee(),
    "codes": CODES,
    "city": city(),
}
END: dict[str, Any] = {"until": "2025-01-01", "reason": "合并", "city": city()}
ENDED = OrganisationDissolved(organisation_id="committee", place=COMMUNITY, until="2024-01-01", reason="合并")
DISSOLVED = OrganisationDissolved(organisation_id="branch", place=COMPOUND, until="2025-01-01", reason="合并")


def test_an_organisation_is_established_under_a_higher_one() -> None:
    given(ORGANISATION, "branch").when(establish_organisation, **ASK).then(BRANCH)


def test_establishing_the_same_again_changes_nothing_and_another_is_refused() -> None:
    given(ORGANISATION, "branch", BRANCH).when(establish_organisation, **ASK).then_nothing()
    given(ORGANISATION, "branch", BRANCH).when(establish_organisation, **ASK | {"since": ""}).then_nothing()
    given(ORGANISATION, "branch", BRANCH).when(establish_organisation, **ASK | {"name": "党小组"}).then_raises(
        IllegalStateError, "小区党支部"
    )


def test_the_topmost_has_no_parent() -> None:
    given(ORGANISATION, "branch").when(establish_organisation, **ASK | {"parent_id": "", "parent": None}).then(
        msgspec.structs.replace(BRANCH, parent_id="")
    )


@pytest.mark.parametrize("level", LEVELS)
def test_the_parent_is_of_any_higher_level(level: str) -> None:
    """Levels in between, such as 片区, may be left out (C50)."""
    spec = given(ORGANISATION, "branch").when(establish_organisation, **ASK | {"parent": committee(level=level)})
    if LEVELS.index(level) < LEVELS.index("compound"):
        spec.then(BRANCH)
    else:
        spec.then_raises(IllegalStateError, f"level {level}, which is not above compound")


@pytest.mark.parametrize(
    ("place", "inside"), [(STREET, True), (COMMUNITY, True), (COMPOUND, True), (COMPOUND + ".01", False)]
)
def test_it_lies_within_its_parents_place(place: str, inside: bool) -> None:
    spec = given(ORGANISATION, "branch").when(establish_organisation, **ASK | {"parent": committee(place=place)})
    spec.then(BRANCH) if inside else spec.then_raises(IllegalStateError, "outside")


def test_a_place_whose_path_only_begins_alike_is_outside() -> None:
    given(ORGANISATION, "branch").when(
        establish_organisation, **ASK | {"parent": committee(place="350104.013.00")}
    ).then_raises(IllegalStateError, "outside")


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"where": folded(PLACE, COMPOUND)}, NotFoundError, f"no place {COMPOUND}"),
        ({"level": "village"}, BadInputError, "village is not on the city's list levels"),
        ({"type": "club"}, BadInputError, "list organisation_types"),
        ({"parent": folded(ORGANISATION, "committee")}, NotFoundError, "no organisation committee"),
        ({"parent": folded(ORGANISATION, "committee", COMMITTEE, ENDED)}, IllegalStateError, "dissolved on 2024-01-01"),
        ({"since": "2018-12-31"}, IllegalStateError, "exists since 2019-01-01"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], error: Any, match: str) -> None:
    given(ORGANISATION, "branch").when(establish_organisation, **ASK | change).then_raises(error, match)


def test_it_takes_the_power_at_the_place() -> None:
    given(ORGANISATION, "branch").when(establish_organisation, by=NOBODY, **ASK).then_raises(
        ForbiddenError, "registry.org"
    )
    given(ORGANISATION, "branch").when(
        establish_organisation, by=holder("registry.organisation", place="350104.013.003"), **ASK
    ).then_raises(ForbiddenError, COMPOUND)
    given(ORGANISATION, "branch", BRANCH).when(dissolve_organisation, by=NOBODY, **END).then_raises(
        ForbiddenError, "registry.organisation"
    )


def test_an_organisation_is_dissolved_once() -> None:
    given(ORGANISATION, "branch", BRANCH).when(dissolve_organisation, **END).then(DISSOLVED)
    given(ORGANISATION, "branch", BRANCH, DISSOLVED).when(dissolve_organisation, **END).then_nothing()
    given(ORGANISATION, "branch", BRANCH, DISSOLVED).when(dissolve_organisation, **END | {"until": ""}).then_nothing()
    given(ORGANISATION, "branch", BRANCH, DISSOLVED).when(
        dissolve_organisation, **END | {"until": "2025-02-01"}
    ).then_raises(IllegalStateError, "on 2025-01-01 already")


@pytest.mark.parametrize(
    ("change", "match"), [({"until": "2019-12-31"}, "from 2020-01-01"), ({"until": "2025-03-05"}, "to 2025-03-04")]
)
def test_the_day_lies_in_its_life(change: dict[str, Any], match: str) -> None:
    given(ORGANISATION, "branch", BRANCH).when(dissolve_organisation, **END | change).then_raises(
        IllegalStateError, match
    )


def test_what_is_still_needed_is_not_dissolved() -> None:
    child = msgspec.structs.replace(BRANCH, organisation_id="group", parent_id="branch", name="党小组")
    below = city(("OrganisationEstablished", msgspec.to_builtins(child)))
    spec = given(ORGANISATION, "branch", BRANCH)
    spec.when(dissolve_organisation, **END | {"city": below}).then_raises(
        IllegalStateError, "1 below it, such as 党小组"
    )
    post = ("PostEstablished", msgspec.to_builtins(POST))
    for until, free in (("", False), ("2025-02-01", False), ("2025-01-01", True)):
        term = {"post_id": "post-1", "person_id": "p-chen", "since": "2024-01-01", "until": until}
        asked = spec.when(dissolve_organisation, **END | {"city": city(post, ("PersonAppointed", term))})
        asked.then(DISSOLVED) if free else asked.then_raises(
            IllegalStateError, "post 支部书记 of 小区党支部 is still held"
        )


def test_an_unknown_organisation_cannot_be_dissolved() -> None:
    given(ORGANISATION, "branch").when(dissolve_organisation, **END).then_raises(NotFoundError, "branch")


#: Another body that the branch can be under.
AREA = msgspec.structs.replace(COMMITTEE, organisation_id="area", name="片区党总支", level="area", since="2020-02-01")
MOVED = OrganisationMoved(
    organisation_id="branch", place=COMPOUND, parent_id="area", former="committee", since="2025-01-01", reason="调整"
)


def _city(*more: Any) -> Any:
    """A city in which the tree is known."""
    facts = [(type(one).__name__, msgspec.to_builtins(one)) for one in (COMMITTEE, AREA, BRANCH, *more)]
    return city(*facts)


MOVE: dict[str, Any] = {
    "new_parent_id": "area",
    "parent": folded(ORGANISATION, "area", AREA),
    "reason": "调整",
    "since": "2025-01-01",
    "city": _city(),
}


def test_an_organisation_moves_with_what_it_is() -> None:
    given(ORGANISATION, "branch", BRANCH).when(move_organisation, **MOVE).then(MOVED)
    given(ORGANISATION, "branch", BRANCH, MOVED).when(move_organisation, **MOVE).then_nothing()
    given(ORGANISATION, "branch", BRANCH, MOVED).when(move_organisation, **MOVE | {"since": ""}).then_nothing()
    given(ORGANISATION, "branch", BRANCH).when(move_organisation, **MOVE | {"new_parent_id": "", "parent": None}).then(
        msgspec.structs.replace(MOVED, parent_id="")
    )
    moved = folded(ORGANISATION, "branch", BRANCH, MOVED)
    assert moved == msgspec.structs.replace(
        folded(ORGANISATION, "branch", BRANCH), parent_id="area", moved="2025-01-01"
    )


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"since": "2020-01-01"}, IllegalStateError, "since 2020-01-01; it can move after that day"),
        ({"since": "2025-03-05"}, IllegalStateError, "up to 2025-03-04"),
        ({"since": "2020-01-15"}, IllegalStateError, "exists since 2020-02-01"),
        ({"parent": folded(ORGANISATION, "area")}, NotFoundError, "no organisation area"),
        ({"parent": folded(ORGANISATION, "area", AREA, ENDED)}, IllegalStateError, "dissolved on 2024-01-01"),
        ({"parent": committee(level="building")}, IllegalStateError, "not above compound"),
        ({"parent": committee(place=COMPOUND + ".01")}, IllegalStateError, "outside"),
        ({"new_parent_id": "branch", "parent": folded(ORGANISATION, "branch", BRANCH)}, BadInputError, "under itself"),
        ({"new_parent_id": "committee", "parent": committee()}, IllegalStateError, "since 2020-01-01 already"),
    ],
)
def test_where_it_cannot_move(change: dict[str, Any], error: Any, match: str) -> None:
    given(ORGANISATION, "branch", BRANCH).when(move_organisation, **MOVE | change).then_raises(error, match)


def test_it_moves_not_under_what_is_below_it_nor_beside_its_like() -> None:
    below = msgspec.structs.replace(AREA, organisation_id="area", parent_id="branch")
    given(ORGANISATION, "branch", BRANCH).when(
        move_organisation, **MOVE | {"city": city(("OrganisationEstablished", msgspec.to_builtins(below)))}
    ).then_raises(BadInputError, "what is below it")
    twin = msgspec.structs.replace(BRANCH, organisation_id="twin", parent_id="area")
    given(ORGANISATION, "branch", BRANCH).when(move_organisation, **MOVE | {"city": _city(twin)}).then_raises(
        IllegalStateError, "小区党支部 here already"
    )
    given(ORGANISATION, "branch", BRANCH).when(move_organisation, by=NOBODY, **MOVE).then_raises(
        ForbiddenError, "registry.organisation"
    )
    given(ORGANISATION, "branch", BRANCH, DISSOLVED).when(move_organisation, **MOVE).then_raises(
        IllegalStateError, "stays where it was"
    )


def test_what_moved_away_later_is_below_it_until_then() -> None:
    """A body is not dissolved from a day on which another one still was below it."""
    known = _city(MOVED)
    ask = {"city": known, "reason": "撤销"}
    given(ORGANISATION, "committee", COMMITTEE).when(dissolve_organisation, **ask, until="2024-12-31").then_raises(
        IllegalStateError, "小区党支部; move or dissolve those first"
    )
    given(ORGANISATION, "committee", COMMITTEE).when(dissolve_organisation, **ask, until="2025-01-01").then(
        msgspec.structs.replace(ENDED, until="2025-01-01", reason="撤销")
    )


def test_what_it_is_merged_into_exists_on_that_day() -> None:
    ask = END | {"city": _city(), "successors": ["area"]}
    merged = msgspec.structs.replace(DISSOLVED, successors=["area"])
    given(ORGANISATION, "branch", BRANCH).when(dissolve_organisation, **ask).then(merged)
    given(ORGANISATION, "branch", BRANCH, merged).when(dissolve_organisation, **ask).then_nothing()
    given(ORGANISATION, "branch", BRANCH, merged).when(dissolve_organisation, **ask | {"successors": []}).then_raises(
        IllegalStateError, "dissolved on 2025-01-01 already"
    )
    for wrong in (["branch"], ["no-such"]):
        given(ORGANISATION, "branch", BRANCH).when(dissolve_organisation, **ask | {"successors": wrong}).then_raises(
            IllegalStateError, "no other organisation that exists on 2025-01-01"
        )
    given(ORGANISATION, "branch", BRANCH).when(dissolve_organisation, **ask | {"until": "2020-01-31"}).then_raises(
        IllegalStateError, "片区党总支 is no other organisation that exists on 2020-01-31"
    )

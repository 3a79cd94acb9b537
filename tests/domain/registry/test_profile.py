"""The city's profile: versions grow, codes in use stay (A03, A12, A13, C13)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry import domain
from shared.domain.errors import ForbiddenError, IllegalStateError
from tests.domain.registry.facts import ADOPTED, LEVELS, NOBODY, PROFILE, PROFILE_ROW
from tests.kit import Spec, given

ASK: dict[str, Any] = {**PROFILE, "current": None, "used_levels": (), "used_roles": ()}
SECOND = msgspec.structs.replace(ADOPTED, version=2)


def fresh() -> Spec:
    return given(domain.PROFILE, "fuzhou")


def adopted() -> Spec:
    return given(domain.PROFILE, "fuzhou", ADOPTED)


def test_a_profile_is_adopted() -> None:
    fresh().when(domain.adopt, **ASK).then(ADOPTED)


def test_adopting_the_same_version_again_changes_nothing() -> None:
    adopted().when(domain.adopt, **ASK | {"current": PROFILE_ROW}).then_nothing()


def test_a_later_version_is_adopted() -> None:
    adopted().when(domain.adopt, **ASK | {"version": 2, "current": PROFILE_ROW}).then(SECOND)


def test_an_empty_day_means_today() -> None:
    fresh().when(domain.adopt, **ASK | {"effective": ""}).then(msgspec.structs.replace(ADOPTED, effective="2025-03-04"))


def test_the_depth_of_the_tree_is_data() -> None:
    """Five levels in one city, three in another (A03, C06)."""
    three = [{"code": code, "zh": code, "en": code} for code in ("city", "street", "community")]
    roles = [{"code": "secretary", "zh": "书记", "en": "Secretary", "level": "city"}]
    spec = fresh().when(domain.adopt, **ASK | {"levels": three, "roles": roles, "powers": {}})
    assert [level.code for level in spec.ask(spec.state)[0].levels] == ["city", "street", "community"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"city": "太原"}, "versions must grow"),
        ({"version": 0}, "versions must grow"),
        ({"version": 2, "effective": "2017-12-31"}, "effective since 2018-01-01"),
        ({"version": 2, "effective": "2025-03-05"}, "not ahead"),
        ({"version": 2, "used_levels": ["village"]}, "level village is in use"),
        ({"version": 2, "used_roles": ["cashier"]}, "role cashier is in use"),
        ({"version": 2, "levels": PROFILE["levels"] * 2}, "level area is listed twice"),
        ({"version": 2, "roles": [], "powers": {"secretary": []}}, "role secretary, which the profile does not list"),
        ({"version": 2, "levels": PROFILE["levels"][:1]}, "level community, which the profile does not list"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], match: str) -> None:
    adopted().when(domain.adopt, **ASK | {"current": PROFILE_ROW} | change).then_raises(IllegalStateError, match)


def test_one_profile_rules_a_city() -> None:
    given(domain.PROFILE, "taiyuan").when(domain.adopt, **ASK | {"current": PROFILE_ROW}).then_raises(
        IllegalStateError, "runs under the profile fuzhou"
    )


def test_codes_in_use_may_stay() -> None:
    adopted().when(
        domain.adopt, **ASK | {"version": 2, "current": PROFILE_ROW, "used_levels": LEVELS, "used_roles": ["secretary"]}
    ).then(SECOND)


def test_it_takes_the_power() -> None:
    fresh().when(domain.adopt, by=NOBODY, **ASK).then_raises(ForbiddenError, "registry.profile")

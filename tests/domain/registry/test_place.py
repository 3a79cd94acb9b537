"""Places: one tree of paths, dated measures, households counted once (C02, C29, C50, D04, X03, X04)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry import domain
from services.registry.events import HouseholdsCounted, PlaceMeasured, PlaceRegistered
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, NOBODY, PROFILE_ROW, REGISTERED, STREET, holder
from tests.kit import Spec, given

REGISTER: dict[str, Any] = {
    "kind": "compound",
    "name": "联邦新城",
    "name_en": "Lianbang",
    "parent": COMMUNITY,
    "parent_place": {"place": COMMUNITY},
    "profile": PROFILE_ROW,
}
AREA = PlaceMeasured(
    place=COMPOUND, measure="area", value=16900, unit="m2", qualifier="about", source="S2", since="2018-01-01"
)
MEASURE: dict[str, Any] = {
    "measure": "area",
    "value": 16900,
    "unit": "m2",
    "qualifier": "about",
    "source": "S2",
    "since": "2018-01-01",
    "profile": PROFILE_ROW,
}
COUNTED = HouseholdsCounted(place=COMPOUND, households=232, as_of="2018-01-01", qualifier="exact")
COUNT: dict[str, Any] = {"households": 232, "as_of": "2018-01-01", "qualifier": "exact", "counted_elsewhere": ()}


def known(*facts: Any) -> Spec:
    return given(domain.PLACE, COMPOUND, REGISTERED, *facts)


def test_a_place_is_registered_below_its_parent() -> None:
    given(domain.PLACE, COMPOUND).when(domain.register_place, **REGISTER).then(REGISTERED)


def test_a_topmost_place_has_no_parent() -> None:
    given(domain.PLACE, "350104").when(
        domain.register_place, **REGISTER | {"parent": "", "parent_place": None, "kind": "street"}
    ).then(PlaceRegistered(place="350104", kind="street", name="联邦新城", name_en="Lianbang", parent=""))


def test_a_level_in_between_may_be_left_out_only_in_the_tree_of_organisations() -> None:
    given(domain.PLACE, COMPOUND).when(
        domain.register_place, **REGISTER | {"parent": STREET, "parent_place": {"place": STREET}}
    ).then_raises(IllegalStateError, "one segment more")


@pytest.mark.parametrize("parent", ["", STREET, COMPOUND, BUILDING, "350104.013.003", "350104.013.00"])
def test_a_path_extends_its_parents_by_one_segment(parent: str) -> None:
    given(domain.PLACE, COMPOUND).when(domain.register_place, **REGISTER | {"parent": parent}).then_raises(
        IllegalStateError, "one segment more"
    )


def test_the_parent_must_exist() -> None:
    given(domain.PLACE, COMPOUND).when(domain.register_place, **REGISTER | {"parent_place": None}).then_raises(
        NotFoundError, f"parent {COMMUNITY}"
    )


def test_kinds_are_the_citys_list() -> None:
    """院落 beside 小区 is data (D04)."""
    given(domain.PLACE, COMPOUND).when(domain.register_place, **REGISTER | {"kind": "yard"}).then(
        msgspec.structs.replace(REGISTERED, kind="yard")
    )
    given(domain.PLACE, COMPOUND).when(domain.register_place, **REGISTER | {"kind": "castle"}).then_raises(
        IllegalStateError, "place_kinds"
    )
    given(domain.PLACE, COMPOUND).when(domain.register_place, **REGISTER | {"kind": "castle", "profile": None}).then(
        msgspec.structs.replace(REGISTERED, kind="castle")
    )


def test_registering_the_same_again_changes_nothing_and_another_is_refused() -> None:
    known().when(domain.register_place, **REGISTER).then_nothing()
    known().when(domain.register_place, **REGISTER | {"name": "三角池"}).then_raises(IllegalStateError, "联邦新城")


@pytest.mark.parametrize(
    "decide", [(domain.register_place, REGISTER), (domain.measure, MEASURE), (domain.count_households, COUNT)]
)
def test_it_takes_the_power_at_the_place(decide: Any) -> None:
    known().when(decide[0], by=NOBODY, **decide[1]).then_raises(ForbiddenError, "registry.place")
    elsewhere = holder("registry.place", place="350104.013.003")
    known().when(decide[0], by=elsewhere, **decide[1]).then_raises(ForbiddenError, COMPOUND)
    given(domain.PLACE, COMPOUND).when(
        domain.register_place, by=holder("registry.place", place=STREET), **REGISTER
    ).then(REGISTERED)


def test_a_measure_keeps_its_qualifier_and_source() -> None:
    known().when(domain.measure, **MEASURE).then(AREA)
    known(AREA).when(domain.measure, **MEASURE).then_nothing()


def test_a_measure_is_known_anew_from_a_later_day() -> None:
    known(AREA).when(domain.measure, **MEASURE | {"value": 17000, "since": ""}).then(
        msgspec.structs.replace(AREA, value=17000, since="2025-03-04")
    )


def test_a_late_entry_corrects_only_its_own_day() -> None:
    """Also after a newer value, and repeating it still changes nothing (X02)."""
    newer = msgspec.structs.replace(AREA, value=17000, since="2020-01-01")
    corrected = msgspec.structs.replace(AREA, value=16901, qualifier="exact")
    known(AREA, newer).when(domain.measure, **MEASURE | {"value": 16901, "qualifier": "exact"}).then(corrected)
    known(AREA, newer).when(domain.measure, **MEASURE).then_nothing()


@pytest.mark.parametrize(
    ("change", "match"),
    [({"since": "2025-03-05"}, "not come yet"), ({"unit": "mu", "since": ""}, "measured in m2, not in mu")],
)
def test_a_measure_that_does_not_fit_is_refused(change: dict[str, Any], match: str) -> None:
    known(AREA).when(domain.measure, **MEASURE | change).then_raises(IllegalStateError, match)


def test_an_unknown_place_cannot_be_measured_or_counted() -> None:
    given(domain.PLACE, COMPOUND).when(domain.measure, **MEASURE).then_raises(NotFoundError, COMPOUND)
    given(domain.PLACE, COMPOUND).when(domain.count_households, **COUNT).then_raises(NotFoundError, COMPOUND)


def test_households_are_counted() -> None:
    known().when(domain.count_households, **COUNT).then(COUNTED)
    known(COUNTED).when(domain.count_households, **COUNT).then_nothing()
    known(COUNTED).when(domain.count_households, **COUNT | {"households": 233, "as_of": ""}).then(
        msgspec.structs.replace(COUNTED, households=233, as_of="2025-03-04")
    )


def test_a_household_counts_once() -> None:
    known().when(domain.count_households, **COUNT | {"counted_elsewhere": [BUILDING]}).then_raises(
        IllegalStateError, f"counted at {BUILDING}"
    )
    known(COUNTED).when(
        domain.count_households, **COUNT | {"households": 0, "as_of": "", "counted_elsewhere": [BUILDING]}
    ).then(msgspec.structs.replace(COUNTED, households=0, as_of="2025-03-04"))


def test_households_are_not_counted_ahead() -> None:
    known().when(domain.count_households, **COUNT | {"as_of": "2025-03-05"}).then_raises(
        IllegalStateError, "not come yet"
    )

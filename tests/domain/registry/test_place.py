"""Places: paths that extend their parent's, measures with their history, households counted once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry.entry.state import ENTRY, EntryRetired
from services.registry.place.measuring import count_households, measure_place
from services.registry.place.naming import register_place, rename_place
from services.registry.place.rows import HOUSEHOLDS
from services.registry.place.state import PLACE, HouseholdsCounted, PlaceMeasured, PlaceRegistered, PlaceRenamed
from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import (
    BUILDING,
    CODES,
    COMMUNITY,
    COMPOUND,
    NOBODY,
    REGISTERED,
    STREET,
    city,
    holder,
)
from tests.kit import Spec, given
from tests.kit.rows import MemoryRows
from tests.kit.spec import folded

ABOVE = folded(
    PLACE, COMMUNITY, PlaceRegistered(place=COMMUNITY, kind="community", name="社区", name_en="", parent=STREET)
)
UNKNOWN = folded(PLACE, COMMUNITY)
REGISTER: dict[str, Any] = {
    "kind": "compound",
    "name": "联邦新城",
    "name_en": "Lianbang",
    "parent": COMMUNITY,
    "above": ABOVE,
    "codes": CODES,
    "held": {},
    "city": city(),
}
MEASURE: dict[str, Any] = {
    "measure": "area",
    "value": 16900,
    "unit": "m2",
    "qualifier": "about",
    "source": "S2",
    "since": "2018-01-01",
    "codes": CODES,
    "city": city(),
}
AREA = PlaceMeasured(
    place=COMPOUND, measure="area", value=16900, unit="m2", qualifier="about", source="S2", since="2018-01-01"
)
COUNTED = HouseholdsCounted(place=COMPOUND, households=232, as_of="2018-01-01", qualifier="exact")


def counted_at(*places: str) -> City:
    """A city in which these places have a household count."""
    rows = MemoryRows((*city_views(), HOUSEHOLDS))
    rows.rows["households"] = {place: {"place": place, "households": 5} for place in places}
    return City(rows, "2025-03-04")


COUNT: dict[str, Any] = {"households": 232, "as_of": "2018-01-01", "city": counted_at()}


def known(*more: Any) -> Spec:
    return given(PLACE, COMPOUND, REGISTERED, *more)


def test_a_place_is_registered_below_its_parent() -> None:
    given(PLACE, COMPOUND).when(register_place, **REGISTER).then(REGISTERED)


def test_the_topmost_place_has_no_parent() -> None:
    topmost = REGISTER | {"parent": "", "above": None, "kind": "street"}
    given(PLACE, "350104").when(register_place, **topmost).then(
        PlaceRegistered(place="350104", kind="street", name="联邦新城", name_en="Lianbang", parent="")
    )


@pytest.mark.parametrize("parent", ["", STREET, COMPOUND, BUILDING, "350104.013.003", "350104.013.00"])
def test_a_path_extends_its_parents_by_one_part(parent: str) -> None:
    """A level in between may be left out in the tree of organisations only."""
    given(PLACE, COMPOUND).when(register_place, **REGISTER | {"parent": parent}).then_raises(
        IllegalStateError, "one part more"
    )


def test_the_parent_must_exist() -> None:
    given(PLACE, COMPOUND).when(register_place, **REGISTER | {"above": UNKNOWN}).then_raises(
        NotFoundError, f"no place {COMMUNITY}"
    )


def test_kinds_are_the_citys_list() -> None:
    """院落 beside 小区 is data (D04)."""
    yard = msgspec.structs.replace(REGISTERED, kind="yard")
    given(PLACE, COMPOUND).when(register_place, **REGISTER | {"kind": "yard"}).then(yard)
    given(PLACE, COMPOUND).when(register_place, **REGISTER | {"kind": "castle"}).then_raises(
        BadInputError, "castle is not on the city's list place_kinds"
    )
    retired = EntryRetired(kind="place_kinds", code="yard", until="2025-03-04", reason="")
    codes = {"place_kinds.yard": folded(ENTRY, "place_kinds.yard", retired)}
    given(PLACE, COMPOUND).when(register_place, **REGISTER | {"kind": "yard", "codes": codes}).then_raises(
        BadInputError, "yard was taken off"
    )


def test_registering_the_same_again_changes_nothing_and_another_is_refused() -> None:
    known().when(register_place, **REGISTER).then_nothing()
    known().when(register_place, **REGISTER | {"name": "三角池"}).then_raises(IllegalStateError, "联邦新城")


@pytest.mark.parametrize(
    ("decide", "ask"), [(register_place, REGISTER), (measure_place, MEASURE), (count_households, COUNT)]
)
def test_it_takes_the_power_at_the_place(decide: Any, ask: dict[str, Any]) -> None:
    known().when(decide, by=NOBODY, **ask).then_raises(ForbiddenError, "registry.place")
    known().when(decide, by=holder("registry.place", place="350104.013.003"), **ask).then_raises(
        ForbiddenError, COMPOUND
    )
    there = holder("registry.place", place=STREET)
    given(PLACE, COMPOUND).when(register_place, by=there, **REGISTER).then(REGISTERED)


def test_a_measure_keeps_its_qualifier_and_source() -> None:
    known().when(measure_place, **MEASURE).then(AREA)
    known(AREA).when(measure_place, **MEASURE).then_nothing()
    known(AREA).when(measure_place, **MEASURE | {"measure": "height"}).then_raises(BadInputError, "list measures")


def test_a_measure_is_known_anew_from_a_later_day() -> None:
    later = msgspec.structs.replace(AREA, value=17000, since="2025-03-04")
    known(AREA).when(measure_place, **MEASURE | {"value": 17000, "since": ""}).then(later)


def test_a_late_entry_corrects_only_its_own_day() -> None:
    """Also after a newer value, and repeating it still changes nothing (part of X02)."""
    newer = msgspec.structs.replace(AREA, value=17000, since="2020-01-01")
    corrected = msgspec.structs.replace(AREA, value=16901, qualifier="exact")
    known(AREA, newer).when(measure_place, **MEASURE | {"value": 16901, "qualifier": "exact"}).then(corrected)
    known(AREA, newer).when(measure_place, **MEASURE).then_nothing()


@pytest.mark.parametrize(
    ("change", "match"),
    [({"since": "2025-03-05"}, "not come yet"), ({"unit": "mu", "since": ""}, "measured in m2, not in mu")],
)
def test_a_measure_that_does_not_fit_is_refused(change: dict[str, Any], match: str) -> None:
    known(AREA).when(measure_place, **MEASURE | change).then_raises(IllegalStateError, match)


def test_an_unknown_place_cannot_be_measured_or_counted() -> None:
    given(PLACE, COMPOUND).when(measure_place, **MEASURE).then_raises(NotFoundError, COMPOUND)
    given(PLACE, COMPOUND).when(count_households, **COUNT).then_raises(NotFoundError, COMPOUND)


def test_households_are_counted() -> None:
    known().when(count_households, **COUNT).then(COUNTED)
    known(COUNTED).when(count_households, **COUNT).then_nothing()
    later = msgspec.structs.replace(COUNTED, households=233, as_of="2025-03-04")
    known(COUNTED).when(count_households, **COUNT | {"households": 233, "as_of": ""}).then(later)


@pytest.mark.parametrize("other", [BUILDING, COMMUNITY, "350104"])
def test_a_household_counts_once(other: str) -> None:
    """(part of X03)"""
    elsewhere = COUNT | {"city": counted_at(other, COMPOUND)}
    known().when(count_households, **elsewhere).then_raises(IllegalStateError, f"counted at {other} already")
    taken_back = msgspec.structs.replace(COUNTED, households=0, as_of="2025-03-04")
    known(COUNTED).when(count_households, **elsewhere | {"households": 0, "as_of": ""}).then(taken_back)
    known().when(count_households, **COUNT | {"city": counted_at(COMPOUND, "350104.013.003")}).then(COUNTED)


def test_households_are_not_counted_ahead() -> None:
    known().when(count_households, **COUNT | {"as_of": "2025-03-05"}).then_raises(IllegalStateError, "not come yet")


RENAMED = PlaceRenamed(place=COMPOUND, name="和美苑", name_en="Hemei", since="2019-05-01")
RENAME: dict[str, Any] = {"name": "和美苑", "name_en": "Hemei", "since": "2019-05-01", "city": city()}


def test_a_place_is_renamed_once_from_a_day_on() -> None:
    known().when(rename_place, **RENAME).then(RENAMED)
    known(RENAMED).when(rename_place, **RENAME).then_nothing()
    given(PLACE, COMPOUND).when(rename_place, **RENAME).then_raises(NotFoundError, COMPOUND)


@pytest.mark.parametrize(
    ("since", "match"), [("2099-01-01", "has not come yet"), ("2019-05-01", "later day"), ("2018-01-01", "later day")]
)
def test_a_name_holds_from_after_the_last_one_and_not_ahead(since: str, match: str) -> None:
    ask = RENAME | {"name": "新苑", "since": since}
    known(RENAMED).when(rename_place, **ask).then_raises(IllegalStateError, match)

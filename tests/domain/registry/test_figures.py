"""The registry's figures: counted from views, with qualifiers, as of a day (A03, A06, C02, C06, X04)."""

from __future__ import annotations

from collections import Counter

import pytest

from services.registry.figures import ancestors, combined, counted_elsewhere
from shared.domain.errors import IllegalStateError
from tests.domain.registry.city import PUBLIC, City
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, STREET
from tests.domain.registry.test_service import city, empty

__all__ = ["city", "empty"]


def test_a_compound_of_232_households_in_a_street_of_four_levels(city: City) -> None:
    """联邦新城: ≈ 16900 m², 232 households, 600余 people (C02); street, community, compound, building (C06)."""
    city.ask("count_households", place=BUILDING, households=132, as_of="2018-01-01")
    city.ask("count_households", place=COMPOUND + ".02", households=90, as_of="2018-01-01")
    city.ask("count_households", place=COMPOUND + ".02", households=100, as_of="2020-01-01")
    city.ask("count_households", place=COMPOUND + ".02", households=91, as_of="2019-01-01")
    for measure, value, unit, qualifier in (
        ("area", 16900, "m2", "about"),
        ("residents", 600, "persons", "at_least"),
        ("housing-reform", 2000, "year", "exact"),
    ):
        city.ask(
            "measure_place", place=COMPOUND, measure=measure, value=value, unit=unit, qualifier=qualifier, source="S2"
        )
    figures = city.ask("count_figures", PUBLIC, place=COMPOUND)
    assert (figures["levels_of"], figures["levels"]) == (STREET, 4)
    assert figures["level_codes"] == ["street", "community", "compound", "building"]
    assert figures["households"] == {
        "value": 232,
        "qualifier": "exact",
        "places": 2,
        "counted_from": "2018-01-01",
        "counted_to": "2020-01-01",
    }
    assert [(one["measure"], one["value"], one["unit"], one["qualifier"]) for one in figures["measures"]] == [
        ("area", 16900, "m2", "about"),
        ("housing-reform", 2000, "year", "exact"),
        ("residents", 600, "persons", "at_least"),
    ]
    assert figures["organisations"] == 3
    assert figures["organisations_by_level"] == {"building": 2, "compound": 1}
    assert figures["places_by_kind"] == {"building": 2, "compound": 1}
    whole = city.ask("count_figures", place="")
    assert (whole["organisations_by_type"], whole["posts"], whole["appointments"]) == ({"party": 5}, 2, 1)
    assert whole["households"]["value"] == 232
    page = city.ask("get_place", PUBLIC, place=COMPOUND)
    assert [row["place"] for row in page["above"]] == ["350104", STREET, COMMUNITY]
    assert (page["below"], page["households"]["value"]) == (2, 232)
    assert {row["measure"]: row["qualifier"] for row in page["measures"]}["residents"] == "at_least"


def test_the_street_itself_and_what_is_above_it(city: City) -> None:
    assert city.ask("count_figures", place=STREET)["levels_of"] == STREET
    assert city.ask("count_figures", place="350104")["levels_of"] == "350104"
    assert city.ask("count_figures", place="350104")["levels"] == 4
    assert city.ask("count_figures", place="9")["organisations"] == 0


def test_figures_of_a_past_day(city: City) -> None:
    """Counts are of what existed then (A06)."""
    city.ask("dissolve_organisation", organisation_id="group-2", reason="合并", until="2025-02-01")
    assert city.ask("count_figures", place=COMPOUND)["organisations"] == 2
    assert city.ask("count_figures", place=COMPOUND, on="2025-01-31")["organisations"] == 3
    assert city.ask("count_figures", place=COMPOUND, on="2025-02-01")["organisations"] == 2
    assert city.ask("count_figures", place=COMPOUND, on="2019-12-31")["organisations"] == 0
    assert city.ask("count_figures", place="", on="2024-12-31")["appointments"] == 0


def test_a_household_is_counted_in_one_place(city: City) -> None:
    """(X03)"""
    city.ask("count_households", place=COMPOUND, households=232, qualifier="about")
    with pytest.raises(IllegalStateError, match=f"counted at {COMPOUND} already"):
        city.ask("count_households", place=BUILDING, households=132)
    city.ask("count_households", place=COMPOUND, households=0, as_of="2025-03-04")
    city.ask("count_households", place=BUILDING, households=132)
    with pytest.raises(IllegalStateError, match=f"counted at {BUILDING} already"):
        city.ask("count_households", place=COMMUNITY, households=500)
    city.ask("count_households", place=BUILDING, households=133)
    assert counted_elsewhere(city.node.views, BUILDING) == []
    assert city.ask("count_figures", place=STREET)["households"]["value"] == 133


def test_a_late_measure_corrects_the_past_only(city: City) -> None:
    """(X02)"""
    ask = {"place": COMPOUND, "measure": "area", "unit": "m2"}
    city.ask("measure_place", value=17000, since="2020-01-01", **ask)
    city.ask("measure_place", value=16900, since="2018-01-01", qualifier="about", **ask)
    city.ask("measure_place", value=16950, since="2018-01-01", **ask)
    (row,) = city.ask("get_place", place=COMPOUND)["measures"]
    assert (row["value"], row["since"]) == (17000, "2020-01-01")
    assert [(one["since"], one["value"], one["qualifier"]) for one in row["history"]] == [
        ("2018-01-01", 16950, "exact"),
        ("2020-01-01", 17000, "exact"),
    ]


def test_a_measure_adds_up_from_the_topmost_places_that_have_it(city: City) -> None:
    ask = {"measure": "area", "unit": "m2", "since": "2018-01-01"}
    city.ask("measure_place", place=BUILDING, value=700, **ask)
    city.ask("measure_place", place=COMPOUND + ".02", value=800, qualifier="at_least", **ask)
    assert city.ask("count_figures", place=STREET)["measures"] == [
        {"measure": "area", "unit": "m2", "value": 1500, "places": 2, "qualifier": "at_least"}
    ]
    city.ask("measure_place", place=COMPOUND, value=16900, qualifier="about", **ask)
    assert city.ask("count_figures", place=STREET)["measures"] == [
        {"measure": "area", "unit": "m2", "value": 16900, "places": 1, "qualifier": "about"}
    ]


def test_the_tree_has_every_organisation_once(city: City) -> None:
    (root,) = city.ask("organisation_tree", PUBLIC)["roots"]
    names = []
    while root:
        names.append(root["organisation_id"])
        root = root["children"][0] if root["children"] else None
    assert names == ["street-committee", "committee", "branch", "group-1"]
    below = city.ask("organisation_tree", place=COMPOUND)["roots"]
    assert [(row["organisation_id"], len(row["children"])) for row in below] == [("branch", 2)]
    assert city.ask("organisation_tree", on="2019-12-31") == {"roots": []}


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ({}, "exact"),
        ({"exact": 3}, "exact"),
        ({"exact": 3, "at_least": 1}, "at_least"),
        ({"exact": 1, "below": 2}, "below"),
        ({"at_least": 1, "below": 1}, "about"),
        ({"about": 1, "at_least": 4}, "about"),
    ],
)
def test_the_qualifier_of_a_sum(parts: dict[str, int], whole: str) -> None:
    """(X04)"""
    assert combined(Counter(parts)) == whole


def test_the_places_above_a_place() -> None:
    assert ancestors("a.b.c") == ["a", "a.b"]
    assert ancestors("a") == []

"""The registry's figures: counted from views, with qualifiers, as of a day."""

from __future__ import annotations

import pytest

from shared.domain.errors import IllegalStateError
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, STREET
from tests.kit import AT
from tests.kit.desk import Desk


def test_a_compound_of_232_households_in_a_street_of_four_levels(desk: Desk) -> None:
    """联邦新城: ≈ 16900 m², 232 households, 600余 people; street, community, compound, building (part of C02, C06, C29)."""
    desk.ask("count_households", "operator", place=BUILDING, households=132, as_of="2018-01-01")
    desk.ask("count_households", "operator", place=COMPOUND + ".02", households=90, as_of="2018-01-01")
    desk.ask("count_households", "operator", place=COMPOUND + ".02", households=100, as_of="2020-01-01")
    desk.ask("count_households", "operator", place=COMPOUND + ".02", households=91, as_of="2019-01-01")
    for measure, value, unit, qualifier in (
        ("area", 16900, "m2", "about"),
        ("residents", 600, "persons", "at_least"),
        ("housing-reform", 2000, "year", "exact"),
    ):
        desk.ask(
            "measure_place",
            "operator",
            place=COMPOUND,
            measure=measure,
            value=value,
            unit=unit,
            qualifier=qualifier,
            source="S2",
        )
    figures = desk.ask("count_figures", "", place=COMPOUND)
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
    whole = desk.ask("count_figures", "operator", place="")
    assert (whole["organisations_by_type"], whole["posts"], whole["appointments"]) == ({"party": 5}, 2, 1)
    assert whole["households"]["value"] == 232
    page = desk.ask("get_place", "", place=COMPOUND)
    assert [row["place"] for row in page["above"]] == ["350104", STREET, COMMUNITY]
    assert (page["below"], page["households"]["value"]) == (2, 232)
    assert {row["measure"]: row["qualifier"] for row in page["measures"]}["residents"] == "at_least"


def test_the_street_itself_and_what_is_above_it(read_only: Desk) -> None:
    assert read_only.ask("count_figures", "operator", place=STREET)["levels_of"] == STREET
    assert read_only.ask("count_figures", "operator", place="350104")["levels_of"] == "350104"
    assert read_only.ask("count_figures", "operator", place="350104")["levels"] == 4
    assert read_only.ask("count_figures", "operator", place="9")["organisations"] == 0


def test_figures_of_a_past_day(desk: Desk) -> None:
    """Counts are of what existed then (part of A04, A06)."""
    desk.ask("dissolve_organisation", "operator", organisation_id="group-2", reason="合并", until="2025-02-01")
    assert desk.ask("count_figures", "operator", place=COMPOUND)["organisations"] == 2
    assert desk.ask("count_figures", "operator", place=COMPOUND, on="2025-01-31")["organisations"] == 3
    assert desk.ask("count_figures", "operator", place=COMPOUND, on="2025-02-01")["organisations"] == 2
    assert desk.ask("count_figures", "operator", place=COMPOUND, on="2019-12-31")["organisations"] == 0
    assert desk.ask("count_figures", "operator", place="", on="2024-12-31")["appointments"] == 0


def test_a_household_is_counted_in_one_place(desk: Desk) -> None:
    """(part of X03)"""
    desk.ask("count_households", "operator", place=COMPOUND, households=232, qualifier="about")
    with pytest.raises(IllegalStateError, match=f"counted at {COMPOUND} already"):
        desk.ask("count_households", "operator", place=BUILDING, households=132)
    desk.ask("count_households", "operator", place=COMPOUND, households=0, as_of="2025-03-04")
    desk.ask("count_households", "operator", place=BUILDING, households=132)
    with pytest.raises(IllegalStateError, match=f"counted at {BUILDING} already"):
        desk.ask("count_households", "operator", place=COMMUNITY, households=500)
    desk.ask("count_households", "operator", place=BUILDING, households=133)
    assert desk.ask("count_figures", "operator", place=STREET)["households"]["value"] == 133


def test_a_late_measure_corrects_the_past_beside_what_was_known(desk: Desk) -> None:
    """What was published stays, with when it was known and when it was corrected (part of X02)."""
    ask = {"place": COMPOUND, "measure": "area", "unit": "m2", "source": "图纸"}
    desk.ask("measure_place", "operator", value=17000, since="2020-01-01", **ask)
    desk.ask("measure_place", "operator", value=16900, since="2018-01-01", qualifier="about", **ask)
    corrected = "2025-03-06T09:00:00+08:00"
    desk.ask("measure_place", "operator", at=corrected, value=16950, since="2018-01-01", **ask)
    (row,) = desk.ask("get_place", "operator", place=COMPOUND)["measures"]
    assert (row["value"], row["since"]) == (17000, "2020-01-01")
    told = ("since", "value", "qualifier", "recorded", "corrected")
    assert [tuple(one[name] for name in told) for one in row["history"]] == [
        ("2018-01-01", 16900, "about", AT, corrected),
        ("2018-01-01", 16950, "exact", corrected, ""),
        ("2020-01-01", 17000, "exact", AT, ""),
    ]


def test_a_count_that_is_corrected_keeps_what_was_counted_before(desk: Desk) -> None:
    """(part of X02)"""
    for households in (132, 133, 132):
        desk.ask("count_households", "operator", place=BUILDING, households=households, as_of="2025-01-01")
    row = desk.node.views.get("households", BUILDING)
    assert row is not None and row["households"] == 132
    assert [(one["households"], bool(one["corrected"])) for one in row["history"]] == [
        (132, True),
        (133, True),
        (132, False),
    ]


def test_a_measure_adds_up_from_the_topmost_places_that_have_it(desk: Desk) -> None:
    ask = {"measure": "area", "unit": "m2", "since": "2018-01-01", "source": "图纸"}
    desk.ask("measure_place", "operator", place=BUILDING, value=700, **ask)
    desk.ask("measure_place", "operator", place=COMPOUND + ".02", value=800, qualifier="at_least", **ask)
    assert desk.ask("count_figures", "operator", place=STREET)["measures"] == [
        {"measure": "area", "unit": "m2", "value": 1500, "places": 2, "qualifier": "at_least"}
    ]
    desk.ask("measure_place", "operator", place=COMPOUND, value=16900, qualifier="about", **ask)
    assert desk.ask("count_figures", "operator", place=STREET)["measures"] == [
        {"measure": "area", "unit": "m2", "value": 16900, "places": 1, "qualifier": "about"}
    ]


def test_the_tree_has_every_organisation_once(read_only: Desk) -> None:
    (root,) = read_only.ask("organisation_tree", "")["roots"]
    names = []
    while root:
        names.append(root["organisation_id"])
        root = root["children"][0] if root["children"] else None
    assert names == ["street-committee", "committee", "branch", "group-1"]
    below = read_only.ask("organisation_tree", "operator", place=COMPOUND)["roots"]
    assert [(row["organisation_id"], len(row["children"])) for row in below] == [("branch", 2)]
    assert read_only.ask("organisation_tree", "operator", on="2019-12-31") == {"roots": []}

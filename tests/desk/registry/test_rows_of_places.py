"""Rows of the catalogue about what places are like: attributes, numbers with their qualifiers, kinds of inhabitants, outcome states."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from tests.desk.registry.test_rows import adopt, establish, officer
from tests.desk.registry.test_rows_of_standings import scheme
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND
from tests.kit.desk import Desk


def attribute(desk: Desk, code: str, zh: str, kind: str, choices: str = "", **more: Any) -> None:
    """An attribute of compounds; its choices as words."""
    listed = [{"code": one, "zh": one, "en": one} for one in choices.split()]
    adopt(desk, "attributes", code, zh, kind=kind, of="compound", choices=listed, **more)


def describe(desk: Desk, name: str, value: str, source: str = "社区台账", **more: Any) -> Any:
    return desk.ask(
        "describe_place", "operator", **{"place": COMPOUND, "attribute": name, "value": value, "source": source} | more
    )


def test_what_a_compound_is_has_qualifiers_sources_and_days(desk: Desk) -> None:
    """联邦新城: ≈ 16900 m², 232 households, 约600余 people, housing reform 2000, nobody in charge after it (C02)."""
    attribute(desk, "reformed", "房改年份", "number", unit="year")
    attribute(desk, "in-charge", "管理状况", "choice", "unit vacuum branch")
    desk.ask("count_households", "operator", place=BUILDING, households=132, as_of="2018-01-01")
    desk.ask("count_households", "operator", place=COMPOUND + ".02", households=100, as_of="2018-01-01")
    told = {"place": COMPOUND, "since": "2018-01-01"}
    people = {"measure": "residents", "value": 600, "unit": "persons", "qualifier": "about_at_least"}
    desk.ask(
        "measure_place", "operator", measure="area", value=16900, unit="m2", qualifier="about", source="S2", **told
    )
    with pytest.raises(BadInputError) as refused:
        desk.ask("measure_place", "operator", **people, **told)
    assert set(refused.value.fields) == {"source"}, "who says about 600?"
    desk.ask("measure_place", "operator", source="S2", **people, **told)
    describe(desk, "reformed", "2000", "S2", since="2000-01-01")
    describe(desk, "in-charge", "unit", "S2", since="1980-01-01")
    describe(desk, "in-charge", "vacuum", "S2", since="2000-01-01")
    for wrong in ({"qualifier": "about"}, {"value": "nobody"}, {"value": "unit branch"}, {"place": BUILDING}):
        with pytest.raises(BadInputError):
            describe(desk, **{"name": "in-charge", "value": "branch"} | wrong)
    with pytest.raises(BadInputError, match="whole number of year"):
        describe(desk, "reformed", "约2000")
    assert describe(desk, "reformed", "2000", "S2", since="2000-01-01")["events"] == 0
    page = desk.ask("get_place", place=COMPOUND)
    assert {one["measure"]: (one["value"], one["qualifier"], one["source"]) for one in page["measures"]} == {
        "area": (16900, "about", "S2"),
        "residents": (600, "about_at_least", "S2"),
    }
    assert (page["households"]["value"], page["households"]["qualifier"]) == (232, "exact")
    known = {one["attribute"]: one for one in page["attributes"]}
    assert (known["reformed"]["value"], known["reformed"]["unit"], known["reformed"]["source"]) == (
        "2000",
        "year",
        "S2",
    )
    for day, expected in (("1979-12-31", []), ("1999-12-31", [["unit"]]), ("2020-01-01", [["vacuum"]])):
        rows = desk.ask("find_attributes", place__under=COMPOUND, attribute="in-charge", day=day)["rows"]
        assert [row["codes"] for row in rows] == expected
    describe(desk, "in-charge", "branch", "S2", since="2000-01-01")
    (row,) = desk.ask("find_attributes", attribute="in-charge")["rows"]
    assert [(one["codes"], bool(one["corrected"])) for one in row["history"]] == [
        (["unit"], False),
        (["vacuum"], True),
        (["branch"], False),
    ]


def test_the_remedy_follows_from_who_lives_there_when_it_was_built_and_its_state(desk: Desk) -> None:
    """All three are known, each from a day on; a structure is chosen on them with its reason, and not before (A42)."""
    by = officer(desk, "standing.decide")
    attribute(desk, "inhabitants", "居民构成", "choice", "retired tenants workers", most=3)
    attribute(desk, "built", "建设年代", "number", unit="year")
    attribute(desk, "facilities", "基础设施", "choice", "poor fair good")
    three = ["inhabitants", "built", "facilities"]
    codes = [{"code": one, "zh": one, "en": one, "described": three} for one in ("joint", "led-by-members")]
    rules = {"subject": "place", "of": "compound", "total": False, "power": "standing.decide"}
    with pytest.raises(BadInputError, match="do not fit"):
        adopt(desk, "schemes", "structure", "治理架构", codes=[codes[0] | {"described": ["weather"]}], **rules)
    adopt(desk, "schemes", "structure", "治理架构", codes=codes, **rules)
    chosen = {"scheme": "structure", "subject": COMPOUND, "code": "led-by-members"}
    describe(desk, "inhabitants", "retired、tenants", since="2024-01-01")
    describe(desk, "built", "1985", qualifier="about")
    with pytest.raises(IllegalStateError, match="nobody has recorded facilities"):
        desk.ask("decide_standing", by, **chosen, grounds="老年人多，设施差")
    describe(desk, "facilities", "poor")
    with pytest.raises(BadInputError) as refused:
        desk.ask("decide_standing", by, **chosen)
    assert set(refused.value.fields) == {"grounds"}
    done = desk.ask("decide_standing", by, **chosen, grounds="老年人多，设施差")
    assert desk.ask("get_standing", standing_id=done["id"])["grounds"] == "老年人多，设施差"
    rows = desk.ask("find_attributes", place__under=COMPOUND)["rows"]
    assert {row["attribute"]: row["codes"] or row["value"] for row in rows} == {
        "inhabitants": ["retired", "tenants"],
        "built": "1985",
        "facilities": ["poor"],
    }
    with pytest.raises(IllegalStateError, match="must stay"):
        desk.ask("retire_entry", "operator", kind="attributes", code="built", reason="不用")


def test_a_compound_of_a_former_work_unit_leads_to_the_units_mode(desk: Desk) -> None:
    """东南造船厂宿舍: its unit until the housing reform of 2000; only such a compound is run by its unit (C51)."""
    by = officer(desk, "standing.decide")
    adopt(desk, "organisation_types", "work-unit", "单位")
    attribute(desk, "original-unit", "原单位", "organisation")
    codes = [{"code": "unit", "zh": "单位院落自管", "en": "unit", "described": ["original-unit"]}]
    rules = {"subject": "place", "of": "compound", "total": False, "power": "standing.decide"}
    adopt(desk, "schemes", "mode", "治理模式", codes=codes, **rules)
    mode = {"scheme": "mode", "subject": COMPOUND, "code": "unit", "grounds": "原单位宿舍"}
    with pytest.raises(IllegalStateError, match="nobody has recorded original-unit"):
        desk.ask("decide_standing", by, **mode)
    span = {"since": "1970-01-01", "until": "2000-01-01"}
    with pytest.raises(BadInputError, match="register the unit first"):
        describe(desk, "original-unit", "o-shipyard", **span)
    establish(desk, "o-shipyard", "work-unit", place=COMMUNITY)
    with pytest.raises(BadInputError, match="cannot end"):
        describe(desk, "original-unit", "o-shipyard", since="2000-01-01", until="1999-01-01")
    describe(desk, "original-unit", "o-shipyard", **span)
    for day, expected in (("1999-12-31", ["o-shipyard"]), ("2000-01-01", []), ("", ["o-shipyard"])):
        rows = desk.ask("find_attributes", attribute="original-unit", day=day)["rows"]
        assert [row["value"] for row in rows] == expected
    assert desk.ask("decide_standing", by, **mode)["events"] == 1


def test_an_approximate_number_keeps_its_qualifier_and_persons_are_no_person_times(desk: Desk) -> None:
    """A sum is no more exact than its parts; a number of persons is never given in person-times (X04)."""
    adopt(desk, "measures", "residents", "居民", unit="persons")
    adopt(desk, "measures", "visits", "到访", unit="person_times")
    told = {"place": BUILDING, "source": "S1"}
    for measure, unit in (("residents", "person_times"), ("visits", "persons")):
        with pytest.raises(BadInputError, match="never one number"):
            desk.ask("measure_place", "operator", measure=measure, value=3, unit=unit, **told)
    for place, value, qualifier in ((BUILDING, 120, "at_least"), (COMPOUND + ".02", 480, "about_at_least")):
        people = {"measure": "residents", "value": value, "unit": "persons", "qualifier": qualifier}
        desk.ask("measure_place", "operator", **told | {"place": place}, **people)
    desk.ask("measure_place", "operator", measure="visits", value=600, unit="person_times", qualifier="below", **told)
    sums = desk.ask("count_figures", place=COMPOUND)["measures"]
    assert [(one["measure"], one["value"], one["unit"], one["qualifier"]) for one in sums] == [
        ("residents", 600, "persons", "about_at_least"),
        ("visits", 600, "person_times", "below"),
    ]


def test_inhabitants_floating_people_and_shops_are_counted_by_kind(desk: Desk) -> None:
    """Three kinds live together: numbers by kind on any day, without anybody's name (A26)."""
    kinds = {"residents": ("常住人口", "persons"), "floating": ("流动人口", "persons"), "shops": ("商户", "shops")}
    for code, (zh, unit) in kinds.items():
        adopt(desk, "measures", code, zh, unit=unit, population=True)
    for measure, value, since in (
        ("residents", 600, "2024-01-01"),
        ("floating", 90, "2024-01-01"),
        ("floating", 210, ""),
    ):
        told = {"place": COMPOUND, "unit": kinds[measure][1], "since": since}
        desk.ask("measure_place", "operator", measure=measure, value=value, **told)
    figures = desk.ask("population_figures", place=COMMUNITY)
    assert [(one["measure"], one["zh"], one["value"]) for one in figures["kinds"]] == [
        ("floating", "流动人口", 210),
        ("residents", "常住人口", 600),
    ]
    assert figures["unknown"] == ["shops"], "not counted is not none"
    with pytest.raises(BadInputError, match="counted in shops"):
        desk.ask("measure_place", "operator", place=COMPOUND, measure="shops", value=12, unit="persons")
    with pytest.raises(BadInputError, match="not on the city's list measures"):
        desk.ask("measure_place", "operator", place=COMPOUND, measure="ghosts", value=1, unit="persons")
    desk.ask("measure_place", "operator", place=COMPOUND, measure="shops", value=12, unit="shops")
    desk.ask("measure_place", "operator", place=COMPOUND, measure="area", value=16900, unit="m2")
    figures = desk.ask("population_figures", place=COMMUNITY)
    assert {one["measure"]: one["value"] for one in figures["kinds"]} == {
        "residents": 600,
        "floating": 210,
        "shops": 12,
    }
    assert figures["unknown"] == []
    assert desk.ask("population_figures", place=COMMUNITY, on="2025-03-03")["kinds"] == []


def test_a_compound_is_judged_before_and_after_in_three_respects(desk: Desk) -> None:
    """力量分散→凝聚, 秩序无序→有序, 职能缺位→归位: each on a day, with what shows it, and counted on any day (A43)."""
    by = officer(desk, "standing.decide")
    states = {
        "forces": {"scattered": "力量分散", "gathered": "力量凝聚"},
        "order": {"disorder": "无序", "orderly": "有序"},
        "functions": {"absent": "职能缺位", "restored": "职能归位"},
    }
    for code, names in states.items():
        scheme(desk, code, names, "compound")
        before, after = names
        ask = {"scheme": code, "subject": COMPOUND}
        with pytest.raises(BadInputError) as refused:
            desk.ask("decide_standing", by, code=before, **ask)
        assert set(refused.value.fields) == {"grounds"}, "no assessment without evidence"
        done = desk.ask("decide_standing", by, code=before, grounds="入户走访记录", **ask)
        later = "2025-03-06T09:00:00+08:00"
        desk.ask("decide_standing", by, at=later, code=after, grounds="复查照片", **ask)
        history = desk.ask("get_standing", standing_id=done["id"])["history"]
        assert [(one["code"], one["since"], one["grounds"]) for one in history] == [
            (before, "2025-03-04", "入户走访记录"),
            (after, "2025-03-06", "复查照片"),
        ]
        for day, counts in (("2025-03-05", (1, 0)), ("2025-03-06", (0, 1))):
            assert tuple(desk.ask("standing_figures", scheme=code, on=day)["codes"].values()) == counts

"""Figures of a past day are those that were published then (X02)."""

from __future__ import annotations

from tests.domain.registry.facts import BUILDING, COMPOUND, PROFILE
from tests.kit.desk import Desk


def test_figures_of_a_past_day_are_those_that_were_published_then(desk: Desk) -> None:
    """A correction and a late entry change no figure of before; what another register held counts from when it says so (X02)."""
    area = {"place": COMPOUND, "measure": "area", "unit": "m2"}

    def told(day: str) -> tuple[list[int], int]:
        figures = desk.ask("count_figures", "", place=COMPOUND, on=day)
        return [one["value"] for one in figures["measures"]], figures["households"]["value"]

    first, second, third = (f"2025-03-{day}T09:00:00+08:00" for day in ("04", "10", "20"))
    desk.now = first
    desk.ask("measure_place", "operator", at=first, value=100, since="2025-03-01", **area)
    desk.ask("count_households", "operator", at=first, place=BUILDING, households=30, as_of="2025-03-01")
    desk.now = second  # both were wrong
    desk.ask("measure_place", "operator", at=second, value=120, since="2025-03-01", **area)
    desk.ask("count_households", "operator", at=second, place=BUILDING, households=33, as_of="2025-03-01")
    desk.now = third  # entered late, and of a day between
    desk.ask("measure_place", "operator", at=third, value=150, since="2025-03-08", **area)
    assert told("2025-03-03") == ([], 0), "nothing had been published"
    assert told("2025-03-04") == told("2025-03-09") == ([100], 30)
    assert told("2025-03-10") == told("2025-03-19") == ([120], 33)
    assert told("2025-03-20") == ([150], 33)


def test_what_another_register_had_published_counts_from_when_it_says_so(empty: Desk) -> None:
    area = {"place": "350999", "measure": "area", "unit": "m2", "value": 90, "since": "2023-01-01"}
    before = {"at": "2024-01-01T09:00:00+08:00", "imported": "operator:x"}
    empty.ask("adopt_profile", "operator", profile_id="fuzhou", **PROFILE, **before)
    empty.now = "2025-03-20T09:00:00+08:00"
    empty.ask("register_place", "operator", place="350999", kind="street", name="城门", **before)
    empty.ask("measure_place", "operator", **area, **before)
    for day, values in (("2023-12-31", []), ("2024-01-01", [90]), ("2025-03-20", [90])):
        figures = empty.ask("count_figures", "", place="350999", on=day)
        assert [one["value"] for one in figures["measures"]] == values

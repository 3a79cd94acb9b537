"""Figures of a past day are those that were published then."""

from __future__ import annotations

from functools import partial

from services.registry.definition import DEFINITION
from services.registry.later import DAYS
from tests.domain.history.record import example
from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE
from tests.kit.desk import Desk

REGISTRY = {name: event for decider in DEFINITION.deciders for name, event in decider.codec.events.items()}


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
    (row,) = desk.ask("get_place", "operator", place=COMPOUND)["measures"]
    known = [(one["value"], one["since"], one["recorded"], one["corrected"]) for one in row["history"]]
    assert known == [
        (100, "2025-03-01", first, second),
        (120, "2025-03-01", second, ""),
        (150, "2025-03-08", third, ""),
    ], "each correction is a fact with both dates, beside what it corrects"


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


def test_a_figure_of_a_past_day_says_how_many_entries_came_after_it(desk: Desk) -> None:
    """What was entered late is counted in the figure of its day, and the figure says so; a day without any says nothing (part of X02)."""
    desk.now = "2025-03-20T09:00:00+08:00"
    at = {"at": desk.now}
    figures = partial(desk.ask, "count_figures", "", on="2025-03-10")
    before = figures(place=COMPOUND)
    assert before["entered_later"] == 0
    named = {"type": "party", "name": "新支部", "level": "compound", "parent_id": "committee", "place": COMPOUND}
    desk.ask("establish_organisation", "operator", **at, organisation_id="o-late", since="2025-03-08", **named)
    desk.ask("appoint_person", "operator", **at, post_id="post-grid", person_id="p-lin", since="2025-03-09")
    after = figures(place=COMPOUND)
    assert (after["organisations"], after["entered_later"]) == (before["organisations"] + 1, 1), "it is not silent"
    assert figures(place="")["entered_later"] == figures(place=COMMUNITY)["entered_later"] == 2
    assert figures(place=BUILDING)["entered_later"] == 0
    told = {
        day: desk.ask("count_figures", "", place=COMPOUND, on=day)["entered_later"]
        for day in ("2025-03-07", "2025-03-08", "2025-03-19", "2025-03-20")
    }
    assert told == {"2025-03-07": 0, "2025-03-08": 1, "2025-03-19": 1, "2025-03-20": 0}
    assert desk.ask("staff_figures", "", on="2025-03-10")["entered_later"] == 2
    desk.now = "2025-03-25T09:00:00+08:00"
    ended = {"post_id": "post-grid", "person_id": "p-lin", "until": "2025-03-22"}
    desk.ask("end_appointment", "operator", at=desk.now, **ended)
    for day, entered in (("2025-03-21", 0), ("2025-03-22", 1), ("2025-03-24", 1), ("2025-03-25", 0)):
        assert desk.ask("staff_figures", "", on=day)["entered_later"] == entered, day


def test_facts_that_come_later_are_those_of_the_registry() -> None:
    assert {name for name in DAYS if name not in REGISTRY} == set()
    for name in sorted(DAYS):
        assert DAYS[name](example(REGISTRY[name])) in ("", "text", None)

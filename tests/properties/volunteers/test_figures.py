"""Figures of any territory equal what counting all facts by hand gives, in every reachable history."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import DomainError
from tests.domain.volunteers.people import small_city
from tests.kit.desk import Desk

PLACES = ["350104.013.002.007", "350104.013.002.008", "350104.013.003.001", "350104.014.001.001.5", "350104.0130.001"]
AREAS = ["", "350104", "350104.013", "350104.013.002", "350104.0130", "350104.014.001.001", *PLACES]
PEOPLE = [f"p-{number}" for number in range(3)]
KINDS = ["station", "training"]
STARTS = [f"2025-03-0{day}T01:00:00+08:00" for day in range(1, 6)]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("attend"), st.integers(0, 4), st.sampled_from(PEOPLE), st.integers(1, 1440)),
        st.tuples(st.just("withdraw"), st.integers(0, 4), st.sampled_from(PEOPLE), st.just(0)),
        st.tuples(st.just("hold"), st.integers(0, 4), st.just(""), st.integers(1, 3)),
    ),
    min_size=10,
    max_size=40,
)


def desk_with_activities(folder: Path) -> Desk:
    """Registered people, and one planned activity a place."""
    desk = Desk("volunteers", folder, small_city())
    for place in PLACES:
        desk.tell("registry", "PlaceRegistered", place=place, kind="compound", name="x", name_en="x", parent="350104")
    for person in PEOPLE:
        desk.tell("registry", "PersonRegistered", person_id=person, name="", place=PLACES[0])
        desk.ask("register_volunteer", "post-director", person_id=person, name="n", home=PLACES[0])
    for number, place in enumerate(PLACES):
        ask = {
            "activity_id": f"a-{number}",
            "title": "t",
            "kind": KINDS[number % 2],
            "place": place,
            "starts": STARTS[number],
        }
        desk.ask("plan_activity", "post-director", **ask)
    return desk


@settings(max_examples=25, deadline=None)
@given(steps)
def test_figures_equal_a_count_by_hand(steps: list[tuple[str, int, str, int]]) -> None:
    """(part of C39, X04)"""
    with tempfile.TemporaryDirectory() as folder:
        desk = desk_with_activities(Path(folder))
        attended: dict[tuple[int, str], int] = {}
        sessions: dict[int, int] = {}

        def ask(method: str, **more: Any) -> None:
            desk.ask(method, "post-director", **more)

        for what, number, person, value in steps:
            id = f"a-{number}"
            with contextlib.suppress(DomainError):
                if what == "attend":
                    ask("record_attendance", activity_id=id, attendances=[{"person_id": person, "minutes": value}])
                    attended[number, person] = value
                elif what == "withdraw":
                    ask("withdraw_attendance", activity_id=id, person_id=person, reason="x")
                    del attended[number, person]
                else:
                    ask("hold_activity", activity_id=id, sessions=value)
                    sessions[number] = value
        for area in AREAS:
            inside = [n for n in range(5) if not area or f"{PLACES[n]}.".startswith(f"{area}.")]
            times = {key: minutes for key, minutes in attended.items() if key[0] in inside}
            figures = desk.ask("volunteer_figures", place=area)
            assert figures["persons"] == len({person for _, person in times})
            assert figures["person_times"]["by"] == Counter(KINDS[number % 2] for number, _ in times)
            assert figures["minutes"]["total"] == sum(times.values())
            assert figures["sessions"]["total"] == sum(count for n, count in sessions.items() if n in inside)
            assert figures["activities"]["total"] == len(set(sessions) & set(inside))
            for kind in KINDS:
                chosen = {key: minutes for key, minutes in times.items() if KINDS[key[0] % 2] == kind}
                counted = desk.ask("activity_figures", place=area, kind=kind)
                assert counted["persons"] == len({person for _, person in chosen})
                assert (counted["person_times"], counted["minutes"]) == (len(chosen), sum(chosen.values()))
        desk.close()

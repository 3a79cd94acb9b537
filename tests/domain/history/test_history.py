"""Every stored shape ever shipped decodes and folds into today's events (R12)."""

from __future__ import annotations

import pytest

from services.console.catalogue import OWNERS, definition
from tests.domain.history.folds import changed, deciders, recorded
from tests.domain.history.record import missing, stored


@pytest.mark.parametrize("name", OWNERS)
def test_every_shape_ever_stored_decodes(name: str) -> None:
    codec = definition(name).codec
    lines = stored(name)
    assert lines
    for line in lines:
        event = codec.decode(line["type"], line["schema"], line["data"].encode())
        assert type(event).__name__ == line["type"]
        if line["schema"] == event.schema:
            assert codec.encode(event).decode() == line["data"], "what is written today must be what was written then"


@pytest.mark.parametrize("name", OWNERS)
def test_every_shape_of_today_is_recorded(name: str) -> None:
    """Adding or changing an event without recording its shape fails here: run `python -m tests.domain.history.record`."""
    assert [event.__name__ for event in missing(name)] == []


def test_folded_states_change_only_with_their_number() -> None:
    assert changed(recorded()) == []


def test_every_fact_of_an_aggregate_is_in_its_recorded_history() -> None:
    for key, decider in deciders():
        assert {line["type"] for line in recorded()[key]["history"]} == set(decider.codec.events), key


def test_a_fold_that_changes_silently_is_noticed() -> None:
    key, decider = next((key, decider) for key, decider in deciders() if recorded()[key]["states"])
    silent, raised = recorded(), recorded()
    silent[key]["states"][0] |= {"id": "another"}
    assert [f"raise its `fold` to {decider.fold + 1}" in line for line in changed(silent)] == [True]
    raised[key]["fold"] += 1
    assert ["is not recorded" in line for line in changed(raised)] == [True]

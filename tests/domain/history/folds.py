"""Recorded histories folded to states: a state that changes under the same `fold` number would make stored snapshots wrong.

`folds.json` holds for each aggregate its `fold` number, a history (of a real city where there was one, then of every other stored shape),
and of the state after each fact the fields that changed. `python -m tests.domain.history.record` adds aggregates and facts that are
new, and records states anew where the number was raised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from services.console.catalogue import OWNERS, definition
from shared.domain.decider import Decider

FILE = Path(__file__).parent / "folds.json"
#: Every history is of one thing.
ID = "thing-1"
Recorded = dict[str, dict[str, Any]]


def deciders() -> Iterator[tuple[str, Decider[Any]]]:
    """All aggregates, by service and category."""
    for name in OWNERS:
        for decider in definition(name).deciders:
            yield f"{name}/{decider.category}", decider


def recorded() -> Recorded:
    """What the file holds."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def states(decider: Decider[Any], history: list[Mapping[str, Any]]) -> list[Any]:
    """The state after each fact of a history."""
    state, found = decider.initial(ID), []
    for line in history:
        state = decider.evolve(state, decider.codec.decode(line["type"], line["schema"], line["data"].encode()))
        found.append(state)
    return found


def written(found: list[Any]) -> list[dict[str, Any]]:
    """States as they are recorded: of each the fields, as a snapshot holds them, that are not as in the one before."""
    lines, before = [], {}
    for state in found:
        fields = msgspec.json.decode(msgspec.json.encode(state, order="deterministic"))
        lines.append({name: value for name, value in fields.items() if name not in before or before[name] != value})
        before = fields
    return lines


def read(decider: Decider[Any], lines: list[dict[str, Any]]) -> Iterator[Any]:
    """Recorded states as today's code reads a snapshot: a field that was added since has its default."""
    fields: dict[str, Any] = {}
    for line in lines:
        fields |= line
        try:
            yield msgspec.json.decode(msgspec.json.encode(fields), type=decider.state)
        except msgspec.ValidationError:
            yield None  # a snapshot that cannot be read is no state at all


def extended(decider: Decider[Any], history: list[Mapping[str, Any]], stored: list[dict[str, Any]]) -> list[Any]:
    """A history with the stored shapes of an aggregate that it does not hold yet, in the order in which they were recorded."""
    mine = [line for line in stored if line["type"] in decider.codec.events]
    return [*history, *(line for line in mine if line not in history)]


def brought_up(stored: Mapping[str, list[dict[str, Any]]], real: Mapping[str, list[Mapping[str, Any]]]) -> Recorded:
    """The file as it is to be; states under an unchanged number stay as they were recorded. `real` are histories of a city."""
    before, after = recorded(), {}
    for key, decider in deciders():
        kept = before.get(key) or {"fold": decider.fold, "history": real.get(key, []), "states": []}
        history = extended(decider, kept["history"], stored[key.partition("/")[0]])
        lines = written(states(decider, history))
        if kept["fold"] == decider.fold:
            lines[: len(kept["states"])] = kept["states"]
        after[key] = {"fold": decider.fold, "history": history, "states": lines}
    return after


def changed(before: Recorded) -> list[str]:
    """Aggregates whose recorded history folds to other states under the same number, or whose number is not recorded."""
    wrong = []
    for key, decider in deciders():
        kept = before.get(key)
        if kept is None or kept["fold"] != decider.fold:
            wrong.append(
                f"{key} has fold {decider.fold}, which is not recorded: run python -m tests.domain.history.record"
            )
        elif (found := states(decider, kept["history"])) != (old := list(read(decider, kept["states"]))):
            first = next(number for number, one in enumerate(found) if one != old[number])
            wrong.append(
                f"{key} folds {kept['history'][first]['type']} to another state under the same number: raise its `fold` to "
                f"{decider.fold + 1}"
            )
    return wrong

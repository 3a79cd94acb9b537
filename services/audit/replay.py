"""Rebuilds all views of a service from the logs in a separate store, and compares them row by row with the live ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from shared.domain.view import Row
from shared.following.definition import Definition
from shared.following.follow import parked_positions, replay
from shared.following.overlay import Known
from shared.log import EventLog
from shared.views import ViewStore

_BATCH = 500
_encode = msgspec.json.Encoder(order="sorted").encode
#: Called with the service, the source and the current position.
Progress = Callable[[str, str, int], None]


@dataclass
class Comparison:
    """The result of comparing replayed views of a service with the live ones."""

    service: str
    events: int = 0
    rows: int = 0
    digests: dict[str, str] = field(default_factory=dict)  # view to SHA-256 over its rows in key order
    differences: list[str] = field(default_factory=list)


def fold_until(
    definition: Definition,
    logs: Mapping[str, EventLog],
    fresh: ViewStore,
    live: ViewStore | None,
    until: Mapping[str, int],
    progress: Progress,
) -> int:
    """Fold each source up to a position into `fresh`, without facts parked in `live`; returns the number of events read."""
    left_out = parked_positions(live) if live is not None else {}
    events = 0
    for source in (definition.name, *definition.sources):
        position = fresh.checkpoint(f"follow:{source}")
        known: Known = {}
        while position < until.get(source, 0):
            records = list(logs[source].read(position, limit=_BATCH, until=until[source]))
            if not records:
                break
            decode, out = definition.decoder_for(source), left_out.get(source, ())
            position = replay(source, definition.all_views, fresh, decode, records, out, known)
            events += len(records)
            progress(definition.name, source, position)
    return events


def compare(
    definition: Definition, logs: Mapping[str, EventLog], fresh: ViewStore, live: ViewStore, progress: Progress
) -> Comparison:
    """Replay up to the live checkpoints and compare; repeat for live views that move meanwhile."""
    result = Comparison(definition.name)
    for _ in range(10):
        until = {source: live.checkpoint(f"follow:{source}") for source in (definition.name, *definition.sources)}
        result.events += fold_until(definition, logs, fresh, live, until, progress)
        result.rows, result.digests, result.differences = 0, {}, []
        for view in definition.all_views:
            if view.source:
                _compare_view(view.name, fresh, live, result)
        moved = any(live.checkpoint(f"follow:{source}") != position for source, position in until.items())
        if not result.differences or not moved:
            break
    return result


def _compare_view(view: str, fresh: ViewStore, live: ViewStore, result: Comparison) -> None:
    digest = sha256()
    cursors: tuple[str | None, str | None] = (None, None)
    while True:
        mine, theirs = fresh.find(view, limit=500, cursor=cursors[0]), live.find(view, limit=500, cursor=cursors[1])
        for row in mine.rows:
            digest.update(_encode(row) + b"\n")
        result.rows += len(mine.rows)
        if list(mine.rows) != list(theirs.rows):
            result.differences.append(_first_difference(view, list(mine.rows), list(theirs.rows)))
            return
        if mine.next is None or theirs.next is None:
            break
        cursors = (mine.next, theirs.next)
    result.digests[view] = digest.hexdigest()


def digests(definition: Definition, store: ViewStore) -> Comparison:
    """Return the rows and digests of a replayed store without a live one to compare."""
    result = Comparison(definition.name)
    for view in definition.all_views:
        if view.source:
            _compare_view(view.name, store, store, result)
    return result


def _first_difference(view: str, mine: list[Row], theirs: list[Row]) -> str:
    ours, live = {row["key"]: row for row in mine}, {row["key"]: row for row in theirs}
    key = min(key for key in ours.keys() | live.keys() if ours.get(key) != live.get(key))
    if key not in ours:
        return f"{view}: live row {key!r} does not follow from the log"
    if key not in live:
        return f"{view}: row {key!r} is missing from the live view"
    fields = sorted(name for name in ours[key].keys() | live[key].keys() if ours[key].get(name) != live[key].get(name))
    return f"{view}: row {key!r} differs in {', '.join(fields)}"

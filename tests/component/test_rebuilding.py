"""Views are folded anew while the service goes on answering."""

from __future__ import annotations

from pathlib import Path

import eventlet

from shared.domain.view import View, by
from shared.following.definition import Definition
from shared.following.node import BATCH, ServiceRuntime
from shared.following.rebuilding import rebuild
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage
from shared.views.sqlite import SqliteViews
from tests.bench.subject import CASE, commits, fill
from tests.green import green

CASES = View("cases", "cases", by("case_id"), lambda row, event, record, key: {"person": event.person_id})
DEFINITION = Definition("cases", (CASE,), (CASES,))


@green
def test_others_take_turns_with_a_rebuild(tmp_path: Path) -> None:
    """SQLite never waits in a way that eventlet sees: without a pause of its own a rebuild would stop the whole service."""
    folder, batches, turns = Path(tmp_path), 5, 0
    log = EventLog("cases", SqliteStorage(folder / "log.sqlite"))
    fill(log, commits(batches * BATCH, 10))
    node = ServiceRuntime(DEFINITION, log, SqliteViews(folder / "views.sqlite", DEFINITION.all_views))
    node.views.save({}, {"follow:cases": (0, batches * BATCH)})
    node.followers["cases"].reload()

    def take_turns() -> None:
        nonlocal turns
        while True:
            eventlet.sleep(0)  # takes every turn it is given
            turns += 1

    eventlet.spawn(take_turns)
    eventlet.sleep(0)  # it begins
    before = turns
    assert rebuild(node, lambda source, after, limit: []) == batches * BATCH
    assert turns - before >= batches - 1

"""A replay in batches gives the rows that the live views have, also of those that come and go (P6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.view import View, by
from shared.following import follow
from shared.following.definition import Definition
from shared.following.node import ServiceRuntime
from shared.following.rebuilding import rebuild
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage
from shared.views.sqlite import SqliteViews
from tests.bench.subject import CASE, commits, fill

EVENTS = 2_345


def handed(row, event, record, key):
    """Every third fact of a case takes its row away."""
    times = row.get("handed", 0) + 1
    return None if times == 3 else {"handed": times, "last": record.position}


CASES = View("cases", "cases", by("case_id"), handed)
DISTRICTS = View(
    "districts",
    "cases",
    lambda event, record: event.case_id[-1],
    lambda row, event, record, key: {
        "handed": row.get("handed", 0) + 1,
        "cases": sorted({*row.get("cases", ()), event.case_id}),
    },
)
DEFINITION = Definition("cases", (CASE,), (CASES, DISTRICTS))


@pytest.mark.parametrize("known", [5_000, 20, 0])
def test_rows_kept_between_batches_are_those_of_the_store(tmp_path: Path, monkeypatch, known: int) -> None:
    monkeypatch.setattr(follow, "MOST_KNOWN", known)
    monkeypatch.setattr("shared.following.rebuilding.REBUILT_AT_ONCE", 100)
    log = EventLog("cases", SqliteStorage(tmp_path / "log.sqlite"))
    fill(log, commits(EVENTS, 110))
    node = ServiceRuntime(DEFINITION, log, SqliteViews(tmp_path / "views.sqlite", DEFINITION.all_views))
    while node.apply_own():
        pass
    live = {view: node.views.find(view, limit=500).rows for view in ("cases", "districts")}
    assert 0 < len(live["cases"]) < 110
    assert rebuild(node, lambda source, after, limit: []) == EVENTS
    assert {view: node.views.find(view, limit=500).rows for view in live} == live
    node.close()

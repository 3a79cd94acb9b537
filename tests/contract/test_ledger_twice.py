"""Two audit processes by mistake: the city ledger stays one, over every store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower
from shared.domain.errors import ConcurrencyError
from shared.domain.view import Row
from shared.following.follow import PARKED
from shared.ledger import merkle
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from tests.bench.subject import commits
from tests.contract.conftest import OpenViews


def filled(name: str, events: int) -> EventLog:
    log = EventLog(name, MemoryStorage())
    for commit in commits(events, 1):
        log.append(commit)
    return log


def test_two_processes_that_enter_facts_at_once_write_no_entry_twice(
    open_views: OpenViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they follow the same source or different ones: nobody's entry lies over another's, and the tree is that of the entries."""
    logs = {name: filled(name, 60) for name in ("issues", "funding")}
    meanwhile: list[Callable[[], None]] = []

    views = [open_views((*LEDGER_VIEWS, PARKED)) for _ in range(2)]
    here, there = (
        {name: LedgerFollower(name, LEDGER_VIEWS, store, lambda record: None) for name in logs} for store in views
    )
    read = views[0].get

    def get(view: str, key: str) -> Row | None:
        row = read(view, key)
        if view == "ledger" and meanwhile:  # the size is known here, and nothing is saved yet
            meanwhile.pop()()
        return row

    monkeypatch.setattr(views[0], "get", get)

    def enter(followers: dict[str, LedgerFollower], name: str, most: int) -> None:
        follower = followers[name]
        try:
            follower.apply(list(logs[name].read(follower.position, limit=most)))
        except ConcurrencyError:
            follower.reload()

    for turn in range(40):
        first, second = (("issues", "funding"), ("funding", "issues"), ("issues", "issues"))[turn % 3]
        meanwhile.append(lambda name=second: enter(there, name, 3))  # type: ignore[misc]  # mypy takes no default here
        enter(here, first, 5)
        meanwhile.clear()
    for name in logs:
        here[name].reload()
        enter(here, name, 60)
    ledger = Ledger(views[0], "test.example/city-ledger")
    entries = list(ledger.entries())
    assert ledger.size == len(entries) == 120
    for name in logs:
        assert [row["position"] for row in entries if row["source"] == name] == list(range(1, 61))
    leaves = [merkle.leaf_hash(row["line"].encode()) for row in entries]
    tiles: dict[merkle.TileId, bytes] = {}
    tiles.update(merkle.append(lambda wanted: {tile: tiles[tile] for tile in wanted if tile in tiles}, 0, leaves))
    assert ledger.root(120) == merkle.root(lambda wanted: {tile: tiles[tile] for tile in wanted if tile in tiles}, 120)

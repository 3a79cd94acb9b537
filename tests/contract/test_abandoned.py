"""A process that is killed, or frozen, within a transaction holds nobody up for longer than a moment (R1)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.domain.errors import ConcurrencyError
from shared.views.mongodb import MongoViews
from shared.views.mongodb_transactions import COLLECTION, STALE
from tests.contract import mongo
from tests.contract.test_views import VIEWS, issue

Mongo = Database[dict[str, Any]]
ROOT = Path(__file__).resolve().parents[2]
#: Moves a checkpoint and is killed before it commits.
KILLED = """
import sys, time
from pymongo import MongoClient
from shared.views.mongodb import MongoViews
from tests.contract.test_views import VIEWS, issue
store = MongoViews(MongoClient(sys.argv[1], tz_aware=True)[sys.argv[2]], VIEWS)
def work(session):
    store._save(session, {("issues", "a"): issue()}, {"f": (0, 1)})
    print("within", flush=True)
    time.sleep(600)  # until it is killed
store._transactions.run(work)
"""
#: Seconds beyond `STALE` that a slow machine may take.
SLOW = 10.0


def test_whoever_follows_a_killed_process_ends_its_transaction(
    database: Mongo, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", KILLED, mongo.server().uri, database.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"within\n"
        killed.kill()
    store = MongoViews(database, VIEWS, patience=STALE + SLOW)
    assert (store.checkpoint("f"), store.get("issues", "a")) == (0, None)
    started = time.monotonic()
    store.save({("issues", "b"): issue()}, {"f": (0, 1)})
    assert "abandoned transactions ended" in capsys.readouterr().out
    assert STALE <= time.monotonic() - started < STALE + SLOW, "not the 60 seconds of the server"
    assert (store.checkpoint("f"), store.get("issues", "a")) == (1, None)
    assert store.get("issues", "b") is not None


def test_a_checkpoint_without_rows_is_not_held_up_either(database: Mongo) -> None:
    store = MongoViews(database, VIEWS, patience=STALE + SLOW)
    store.save({}, {"f": (0, 1)})
    command = [sys.executable, "-c", KILLED.replace("(0, 1)", "(1, 2)"), mongo.server().uri, database.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"within\n"
        killed.kill()
    started = time.monotonic()
    with suppress(ConcurrencyError):  # the move that was held up got through in the end, and was found done
        store.save({}, {"f": (1, 3)})
    assert time.monotonic() - started < 2 * STALE + SLOW
    assert (store.checkpoint("f"), store.get("issues", "a")) == (3, None)


def test_a_process_that_was_only_slow_begins_anew_and_finds_that_others_went_on(database: Mongo) -> None:
    slow, quick = (MongoViews(database, VIEWS, patience=2 * (STALE + SLOW)) for _ in range(2))
    within, go_on = threading.Event(), threading.Event()
    attempts: list[int] = []
    failures: list[Exception] = []

    def work(session: ClientSession) -> None:
        slow._save(session, {("issues", "a"): issue()}, {"f": (0, 1)})
        attempts.append(1)
        within.set()
        assert go_on.wait(STALE + SLOW)

    def run() -> None:
        try:
            slow._transactions.run(work)
        except ConcurrencyError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert within.wait(SLOW)
    quick.save({("issues", "b"): issue()}, {"f": (0, 1)})
    go_on.set()
    thread.join(STALE + SLOW)
    assert len(attempts) == 1 and len(failures) == 1, "its second attempt saw that the checkpoint had been moved"
    assert (quick.get("issues", "a"), quick.checkpoint("f")) == (None, 1)


def test_two_that_are_alive_take_turns_and_end_nobody(database: Mongo, capsys: pytest.CaptureFixture[str]) -> None:
    stores = [MongoViews(database, VIEWS) for _ in range(2)]

    def follow(store: MongoViews) -> None:
        while (position := store.checkpoint("f")) < 40:
            try:
                store.save({("issues", f"i-{position}"): issue()}, {"f": (position, position + 1)})
            except ConcurrencyError:
                continue

    threads = [threading.Thread(target=follow, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (stores[0].checkpoint("f"), stores[0].count("issues")) == (40, 40)
    assert len(list(database[COLLECTION].find())) == 2, "each has noted its sessions"
    assert "abandoned transactions ended" not in capsys.readouterr().out

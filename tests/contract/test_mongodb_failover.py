"""A primary steps down while several write: nothing acknowledged is lost and nothing is there twice (R2).

Needs members that can take over from one another. What a service sees of it is also tested everywhere by a proxy
(`test_mongodb_faults.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from shared.domain.errors import UnavailableError
from shared.log import EventLog, Receipt
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate
from shared.log.record import verify_chain
from shared.views.mongodb import MongoViews
from tests.contract import mongo
from tests.contract.test_log import commit
from tests.contract.test_views import VIEWS, issue

WRITERS, STEP_DOWNS = 4, 3
Mongo = Database[dict[str, Any]]

pytestmark = pytest.mark.replica_set


@pytest.fixture
def replica_set(database: Mongo) -> Iterator[Mongo]:
    """A database on a replica set of which another member can become primary."""
    members = database.client.admin.command("hello").get("hosts", [])
    if len(members) < 3:
        pytest.skip(
            f"{mongo.server().description} has no member that could take over: set MONGODB_URI to a replica set of three, "
            "MONGOD to the binary of mongod, or MONGO_IMAGE to an image of it"
        )
    yield database


def step_down(client: MongoClient[dict[str, Any]]) -> None:
    """Make the primary a secondary for ten seconds; another one is elected."""
    before = client.primary
    with suppress(AutoReconnect):
        client.admin.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5)
    deadline = time.monotonic() + 60
    while True:
        with suppress(AutoReconnect, OperationFailure):
            client.admin.command("ping")
            if client.primary not in (None, before):
                return
        assert time.monotonic() < deadline, "no other member became primary"
        time.sleep(0.1)  # before looking again


class Writer(threading.Thread):
    """Appends to a stream of its own and repeats each command until it has its receipt, as callers do."""

    def __init__(self, name: str, until: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongo.server().uri, tz_aware=True)
        self.stream, self.receipts, self.failures = name, list[Receipt](), list[Exception]()
        self._until = until

    def run(self) -> None:
        try:
            log = EventLog("test", MongoStorage(self.client[DATABASE[0]]))
            while not self._until.is_set():
                number = len(self.receipts)
                with suppress(UnavailableError):  # and its child, a time-out: repeat with the same id
                    self.receipts.append(log.append(commit(self.stream, number, command_id=f"{self.stream}-{number}")))
        except Exception as error:  # whatever ended a writer is what the test looks at
            self.failures.append(error)
        finally:
            self.client.close()


DATABASE: list[str] = []


def test_nothing_is_lost_or_doubled_when_primaries_step_down_under_writers(replica_set: Mongo) -> None:
    migrate(replica_set)
    DATABASE[:] = [replica_set.name]
    enough = threading.Event()
    writers = [Writer(f"case-{number}", enough) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(STEP_DOWNS):
        before = [len(writer.receipts) for writer in writers]
        step_down(replica_set.client)
        deadline = time.monotonic() + 60
        while any(len(writer.receipts) < count + 5 for writer, count in zip(writers, before, strict=True)):
            assert time.monotonic() < deadline and not any(writer.failures for writer in writers)
            time.sleep(0.05)  # before looking again
    enough.set()
    for writer in writers:
        writer.join(60)
        assert writer.failures == []
    log = EventLog("test", MongoStorage(replica_set))
    stored = {one.command_id: one for one in verify_chain(log.read_commits())}
    records = list(log.read())
    assert [record.position for record in records] == list(range(1, len(records) + 1))
    for writer in writers:
        for number, receipt in enumerate(writer.receipts):
            found = stored[f"{writer.stream}-{number}"]
            assert (found.last_position, found.digest) == (receipt.position, receipt.digest)
        versions = [record.version for record in records if record.stream == writer.stream]
        assert versions == list(range(1, len(versions) + 1)) and len(versions) - len(writer.receipts) in (0, 1)


def test_views_move_with_their_checkpoint_when_primaries_step_down(replica_set: Mongo) -> None:
    store = MongoViews(replica_set, VIEWS)
    for position in range(1, 61):
        if position % 20 == 0:
            threading.Thread(target=step_down, args=(replica_set.client,), daemon=True).start()
        deadline = time.monotonic() + 60
        while store.checkpoint("f") < position:
            assert time.monotonic() < deadline
            with suppress(UnavailableError):
                store.save({("issues", f"{position:03d}"): issue(due=position)}, {"f": (position - 1, position)})
    assert (store.count("issues"), store.checkpoint("f")) == (60, 60)

"""MongoDB connections that break and servers that change their minds, at chosen moments: nothing is lost and nothing written twice.

The proxy stands for what a replica set does during a step-down; the same tests run against a real one (R1).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from shared.domain.errors import ConcurrencyError, TimedOutError, UnavailableError
from shared.log import EventLog
from shared.log.mongodb import MongoStorage, migrate
from shared.log.record import verify_chain
from shared.views.mongodb import MongoViews
from shared.views.mongodb_rows import FEW
from tests.contract import mongo
from tests.contract.test_log import commit
from tests.contract.test_views import VIEWS, issue
from tests.contract.wire import Command, Fault, Proxy, reply_error

Mongo = Database[dict[str, Any]]

STEP_DOWN = {
    "NotWritablePrimary": reply_error(10107, "NotWritablePrimary", "not primary", "RetryableWriteError"),
    "PrimarySteppedDown": reply_error(189, "PrimarySteppedDown", "stepped down", "RetryableWriteError"),
    "InterruptedAtShutdown": reply_error(11600, "InterruptedAtShutdown", "shutting down", "RetryableWriteError"),
    "NotWritablePrimary, unlabelled": reply_error(10107, "NotWritablePrimary", "not primary"),
    "MaxTimeMSExpired": reply_error(50, "MaxTimeMSExpired", "operation exceeded time limit"),
    "writeErrors: InterruptedDueToReplStateChange": {
        "ok": 1.0,
        "n": 0,
        "writeErrors": [{"index": 0, "code": 11602, "errmsg": "operation was interrupted"}],
    },
}
WRITE_CONCERN = (
    "amend",
    {
        "writeConcernError": {
            "code": 64,
            "codeName": "WriteConcernFailed",
            "errmsg": "waiting for replication timed out",
        }
    },
)


class Faults:
    """Meets the next commands of a name, on one collection, with a fault; None for `times` means always."""

    def __init__(self) -> None:
        self._plans: list[tuple[str, str, Fault, list[Command], int | None]] = []
        self._before: dict[str, Callable[[], object]] = {}

    def before(self, name: str, act: Callable[[], object]) -> None:
        """Do something just before the next command of a name is passed on."""
        self._before[name] = act

    def clear(self) -> None:
        """Meet no more commands with faults."""
        self._plans.clear()

    def plan(self, name: str, fault: Fault, times: int | None = 1, collection: str = "") -> list[Command]:
        met: list[Command] = []
        self._plans.append((name, collection, fault, met, times))
        return met

    def __call__(self, command: Command) -> Fault:
        for name in self._before.keys() & command.keys():
            self._before.pop(name)()
        for name, collection, fault, met, times in self._plans:
            if (
                name in command
                and (not collection or command[name] == collection)
                and (times is None or len(met) < times)
            ):
                met.append(command)
                return fault
        return None


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def far(database: Mongo, faults: Faults) -> Iterator[Mongo]:
    """The database behind the proxy."""
    migrate(database)
    proxy = Proxy(mongo.server().uri, faults)
    client: MongoClient[dict[str, Any]] = MongoClient(proxy.uri)
    yield client[database.name]
    client.close()
    proxy.close()


def check(database: Mongo, positions: int) -> None:
    """The chain verifies, nothing is missing and nothing is there twice."""
    log = EventLog("test", MongoStorage(database))
    assert [record.position for record in log.read()] == list(range(1, positions + 1))
    list(verify_chain(log.read_commits()))


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("fault", ["cut before", "cut after"])
def test_a_connection_lost_while_writing_gives_one_commit_and_its_receipt(
    database: Mongo, far: Mongo, faults: Faults, fault: str, times: int
) -> None:
    log = EventLog("test", MongoStorage(far))
    log.append(commit("case-1", 0, 2))
    met = faults.plan("insert", fault, times)
    receipt = log.append(commit("case-1", 2, 3, command_id="c-2"))
    assert (receipt.position, receipt.version, receipt.events) == (5, 5, 3)
    assert len(met) >= 1
    assert log.append(commit("case-1", 5)).position == 6
    assert log.receipt("c-2", "note", "case-1") == receipt
    check(database, 6)


@pytest.mark.parametrize("name", STEP_DOWN)
def test_a_primary_that_steps_down_while_writing_gives_one_commit_and_its_receipt(
    database: Mongo, far: Mongo, faults: Faults, name: str
) -> None:
    log = EventLog("test", MongoStorage(far))
    met = faults.plan("insert", STEP_DOWN[name])
    assert log.append(commit("case-1", 0, 3)).position == 3
    assert len(met) == 1
    check(database, 3)


def test_a_write_that_no_majority_confirmed_is_looked_for_until_one_has_it(
    database: Mongo, far: Mongo, faults: Faults
) -> None:
    log = EventLog("test", MongoStorage(far))
    log.append(commit("case-1"))
    met = faults.plan("insert", WRITE_CONCERN)
    receipt = log.append(commit("case-1", 1, 2))
    assert (receipt.position, len(met)) == (3, 1)
    check(database, 3)


def test_a_write_that_no_majority_ever_confirms_is_a_time_out_and_can_be_repeated(
    database: Mongo, far: Mongo, faults: Faults
) -> None:
    """The majority reads of this server do not show the commit: a primary that lost its majority, and later found it again."""
    log = EventLog("test", MongoStorage(far, patience=0.3))
    nothing = {"ok": 1.0, "cursor": {"id": 0, "ns": f"{far.name}.commits", "firstBatch": []}}
    writing = faults.plan("insert", WRITE_CONCERN, None, "commits")
    reading = faults.plan("find", nothing, None, "commits")
    started = time.monotonic()
    with pytest.raises(TimedOutError, match="whether it was written is not known"):
        log.append(commit("case-1", 0, 2, command_id="c-1"))
    assert time.monotonic() - started < 5
    assert writing and reading
    faults.clear()
    receipt = log.append(commit("case-1", 0, 2, command_id="c-1"))
    assert receipt.position == 2
    check(database, 2)


def test_a_server_that_always_breaks_off_is_a_time_out_within_three_patiences(
    database: Mongo, far: Mongo, faults: Faults
) -> None:
    log = EventLog("test", MongoStorage(far, patience=0.3))
    faults.plan("insert", "cut before", None)
    started = time.monotonic()
    with pytest.raises(UnavailableError):
        log.append(commit("case-1", command_id="c-1"))
    assert time.monotonic() - started < 5
    faults.clear()
    while time.monotonic() - started < 15:  # the driver looks for a server that it has given up every half second
        with suppress(UnavailableError):
            assert log.append(commit("case-1", command_id="c-1")).position == 1
            break
    check(database, 1)


def test_a_commit_that_comes_in_between_is_not_overwritten(database: Mongo, far: Mongo, faults: Faults) -> None:
    """Another process takes the position, then the stream's version, after this one looked and before it wrote."""
    log, other = EventLog("test", MongoStorage(far)), EventLog("test", MongoStorage(database))
    log.append(commit("case-1"))
    faults.before("insert", lambda: other.append(commit("case-2", 0, 2)))
    assert log.append(commit("case-3")).position == 4
    faults.before("insert", lambda: other.append(commit("case-3", 1)))
    with pytest.raises(ConcurrencyError, match="case-3 is at version 2, not 1"):
        log.append(commit("case-3", 1))
    faults.before("insert", lambda: other.append(commit("case-3", 2, command_id="c-1")))
    assert log.append(commit("case-3", 2, command_id="c-1")).position == 6
    check(database, 6)


def test_reads_outlive_a_lost_connection(database: Mongo, far: Mongo, faults: Faults) -> None:
    log = EventLog("test", MongoStorage(far))
    log.append(commit("case-1", 0, 3))
    met = faults.plan("find", "cut after", 2)
    assert log.head().position == 3
    assert [record.version for record in log.read_stream("case-1")] == [1, 2, 3]
    assert len(met) == 2


TRANSIENT = reply_error(112, "WriteConflict", "write conflict", "TransientTransactionError")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("find", TRANSIENT),
        ("insert", TRANSIENT),
        ("delete", "cut after"),
        ("update", TRANSIENT),
        ("update", "cut before"),
        ("update", "cut after"),
        ("commitTransaction", "cut before"),
        ("commitTransaction", "cut after"),
        ("commitTransaction", TRANSIENT),
        ("commitTransaction", reply_error(189, "PrimarySteppedDown", "stepped down", "RetryableWriteError")),
        ("commitTransaction", WRITE_CONCERN),
    ],
)
def test_a_save_that_breaks_is_repeated_as_a_whole(far: Mongo, faults: Faults, name: str, fault: Fault) -> None:
    store = MongoViews(far, VIEWS)
    store.save({("issues", "a"): issue(due=1)}, {"f": (0, 1)})
    met = faults.plan(name, fault)
    notes = {("notes", f"n{number}"): {"state": "x"} for number in range(FEW + 1)}
    store.save({("issues", "a"): None, ("issues", "b"): issue(due=2), **notes}, {"f": (1, 2)})
    assert len(met) == 1
    assert ([row["key"] for row in store.find("issues").rows], store.count("notes"), store.checkpoint("f")) == (
        ["b"],
        FEW + 1,
        2,
    )
    with pytest.raises(ConcurrencyError):
        store.save({}, {"f": (1, 2)})


def test_a_save_that_never_gets_through_leaves_nothing(database: Mongo, far: Mongo, faults: Faults) -> None:
    store = MongoViews(far, VIEWS, patience=0.5)
    faults.plan("commitTransaction", "cut before", None)
    started = time.monotonic()
    with pytest.raises(TimedOutError, match="whether it was written is not known"):
        store.save({("issues", "a"): issue()}, {"f": (0, 1)})
    assert time.monotonic() - started < 5
    seen = MongoViews(database, VIEWS)
    assert (seen.count("issues"), seen.checkpoint("f")) == (0, 0)
    seen.save({("issues", "b"): issue()}, {"f": (0, 1)})  # whoever comes next ends the transaction that was left open
    assert ([row["key"] for row in seen.find("issues").rows], seen.checkpoint("f")) == (["b"], 1)

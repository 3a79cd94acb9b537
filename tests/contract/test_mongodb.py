"""What only the MongoDB adapters must do: which commands they send, validators, formats, rights and hurried starts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo import MongoClient, monitoring
from pymongo.database import Database
from pymongo.errors import OperationFailure, WriteError

from shared.domain.errors import UnavailableError
from shared.following.execute import load
from shared.log import EventLog, Part
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_index import CHUNK
from shared.log.mongodb_opening import migrate
from shared.mongodb import MAJORITY, majority
from shared.views.mongodb import MongoViews
from tests.contract import mongo
from tests.contract.test_execute import COUNT, Count, ask
from tests.contract.test_log import commit
from tests.contract.test_views import VIEWS, issue
from tests.processes import wait_until
from tests.servers import STAND_IN, free_port

Mongo = Database[dict[str, Any]]
#: Reviewed: every command that a running service sends, by collection. The log is only ever inserted to and found in.
SENT = {
    "groups": {"find", "insert"},
    "index": {"find", "insert"},
    "snapshots": {"find", "update"},
    "formats": {"find", "insert"},
    "checkpoints": {"create", "find", "update", "delete"},
    "leases": {"create", "update", "insert"},
    "sessions": {"create", "update"},
    "generations": {"create", "find", "insert", "update"},
    "view.issues": {"create", "createIndexes", "find", "aggregate", "update", "delete", "drop"},
    "view.places": {"create", "createIndexes", "update", "drop"},
    "view.notes": {"create", "createIndexes", "find", "update"},
    "": {"hello", "listCollections", "commitTransaction", "abortTransaction"},
}
#: Commands of the driver itself: sign-in, sessions, the rest of a long answer.
OF_THE_DRIVER = {"endSessions", "getMore", "killCursors", "isMaster", "ismaster", "saslStart", "saslContinue"}


class Recorder(monitoring.CommandListener):
    """Every command a client sends."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent.append(dict(event.command) or {event.command_name: 1})  # what holds passwords is not shown

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing: only what is sent counts."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing: only what is sent counts."""

    def of(self, name: str, collection: str) -> list[dict[str, Any]]:
        return [command for command in self.sent if command.get(name) == collection]


@pytest.fixture
def recorded(database: Mongo) -> Iterator[tuple[Mongo, Recorder]]:
    """The database through a client that records its commands."""
    recorder = Recorder()
    client: MongoClient[dict[str, Any]] = MongoClient(mongo.server().uri, event_listeners=[recorder])
    yield client[database.name], recorder
    client.close()


def entered(database: Mongo, chunks: int) -> None:
    """Wait until so many chunks of a log are in its index."""
    index, where = majority(database)["index"], {"_id": f"to {chunks - 1:012d}"}
    wait_until(lambda: index.find_one(where) is not None, 60, lambda: "a chunk that is full is not entered")


def use_log(database: Mongo) -> None:
    """Everything the log does with a storage."""
    log = EventLog("test", MongoStorage(database))
    for number in range(5):
        log.append(commit(f"case-{number % 2}", number // 2 * 2, 2, command_id=f"c-{number}"))
    log.append(commit("case-0", 0, command_id="c-0"))
    wide = replace(commit("case-2"), also=(Part(stream="case-3", expected_version=0, events=commit("").events),))
    log.append(replace(wide, held={"case-0": 6}))
    log.append(commit("case-4", 0, CHUNK))
    entered(database, 1)
    list(log.read_stream("case-3"))
    log.head()
    list(log.read(3, 2, 8))
    list(log.read_stream("case-1", 1))
    log.receipt("c-3", "note", "case-1")
    log.storage.save_snapshot("case-1", 2, "shape", b"state")
    log.storage.snapshot("case-1")
    log.close()


def use_views(database: Mongo) -> None:
    """Everything a follower, a reader and an operator do with a store."""
    store = MongoViews(database, VIEWS)
    store.save({("issues", "a"): issue(), ("notes", "n"): {"state": "x"}, ("places", "p"): {"level": 1}}, {"f": (0, 1)})
    with pytest.raises(Exception, match="somebody else"):
        store.save({("issues", "b"): None}, {"f": (0, 1)})
    store.get("notes", "n")
    store.find("issues", {"status": "open"}, "-due")
    store.count("issues")
    store.count_by("issues", "status")
    store.checkpoint("f")
    store.lease("relay", "a", 60)
    store.lease("relay", "b", 60)
    for _ in range(2):
        store.fresh().save({("issues", "a"): issue(), ("issues", "b"): None}, {"f": (0, 1)})
    store.promote()
    store.close()


def test_the_adapters_send_only_reviewed_commands(recorded: tuple[Mongo, Recorder]) -> None:
    database, recorder = recorded
    migrate(database)
    recorder.sent.clear()
    use_log(database)
    use_views(database)
    sent: dict[str, set[str]] = {}
    for command in recorder.sent:
        name, value = next(iter(command.items()))
        if name not in OF_THE_DRIVER:
            collection = value.partition("~")[0] if isinstance(value, str) else ""
            sent.setdefault(collection, set()).add(name)
    assert {
        collection: names - SENT.get(collection, set())
        for collection, names in sent.items()
        if names - SENT.get(collection, set())
    } == {}
    assert (sent["groups"], sent["index"]) == (SENT["groups"], SENT["index"])


def test_every_write_waits_for_a_majority_and_its_journal_and_every_read_for_a_majority(
    recorded: tuple[Mongo, Recorder],
) -> None:
    database, recorder = recorded
    migrate(database)
    use_log(database)
    use_views(database)
    inserts = recorder.of("insert", "groups")
    assert inserts and all(command["ordered"] for command in inserts)
    for command in recorder.sent:
        name = next(iter(command))
        in_transaction = command.get("autocommit") is False
        if name == "commitTransaction" or (
            name in ("insert", "update", "delete", "create", "createIndexes", "drop") and not in_transaction
        ):
            concern = command["writeConcern"]
            assert (concern["w"], concern["j"]) == ("majority", True), command
        if name in ("find", "aggregate") and not in_transaction:
            assert command["readConcern"]["level"] == "majority", command
        if command.get("startTransaction"):
            assert command["readConcern"]["level"] == "snapshot", command
    assert MAJORITY.document == {"w": "majority", "j": True}


def stages(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield plan["stage"], plan.get("indexName", "")
    if "inputStage" in plan:
        yield from stages(plan["inputStage"])


def test_heads_streams_and_commands_are_found_without_a_scan(recorded: tuple[Mongo, Recorder]) -> None:
    database, recorder = recorded
    migrate(database)
    log = EventLog("test", MongoStorage(database))
    for number in range(1_500):
        log.append(commit(f"case-{number % 100}", number // 100, command_id=f"c-{number}", fresh=True))
    entered(database, 1)
    storage = MongoStorage(database)
    assert storage.head().position == 1_500
    recorder.sent.clear()
    assert storage.head().position == 1_500
    assert storage.stream_version("case-7") == 15
    assert storage.find_command("c-7") is not None and storage.find_command("c-1400") is not None
    assert storage.find_command("none") is None
    assert len(list(storage.scan_stream("case-7", 13))) == 2
    assert len(list(storage.scan_stream("case-7", 8))) == 7
    assert len(list(storage.scan(1_490, 4, None))) == 4
    finds = [command for command in recorder.sent if command.get("find") in ("groups", "index")]
    assert len(finds) == 14
    real = mongo.server().description != STAND_IN  # the stand-in reads by the index, but sorts what it read again
    for command in finds:
        question = {
            name: value
            for name, value in command.items()
            if name in ("find", "filter", "sort", "limit", "projection", "singleBatch")
        }
        answer = database.command("explain", question, verbosity="executionStats")
        plan = list(stages(answer["queryPlanner"]["winningPlan"]))
        assert answer["executionStats"]["totalDocsExamined"] <= 20, (question, plan)
        assert "COLLSCAN" not in [stage for stage, _ in plan], question
        assert not real or "SORT" not in [stage for stage, _ in plan], question


def test_a_command_asks_the_database_once(recorded: tuple[Mongo, Recorder]) -> None:
    """For a new case, and for one that this process wrote last (decision 8), when the command id was made here.

    One that a caller made is looked for among the older ones; a case that the process does not know takes three questions.
    """
    database, recorder = recorded
    migrate(database)
    log = EventLog("test", MongoStorage(database))
    assert ask(log, 1, "c-0").version == 1  # the end of the log is asked for once
    for number in (1, 2):
        recorder.sent.clear()
        assert ask(log, 1, f"c-{number}").version == number + 1
        assert [next(iter(command.items())) for command in recorder.sent] == [("find", "index"), ("insert", "groups")]
        recorder.sent.clear()
        assert log.append(commit(f"new-{number}", command_id=f"f-{number}", fresh=True)).version == 1
        assert [next(iter(command.items())) for command in recorder.sent] == [("find", "index"), ("insert", "groups")]
        recorder.sent.clear()
        assert log.append(commit(f"new-{number}", 1, command_id=f"g-{number}", fresh=True)).version == 2
        assert [next(iter(command.items())) for command in recorder.sent] == [("insert", "groups")]
    log = EventLog("test", MongoStorage(database))
    log.head()
    recorder.sent.clear()
    assert load(log, COUNT, "a") == (Count("a", 3), 3)
    assert [command["find"] for command in recorder.sent] == ["snapshots", "groups", "groups"]


def test_what_is_read_comes_in_one_answer(recorded: tuple[Mongo, Recorder]) -> None:
    """Without a batch size the first answer holds 101 documents, and the rest takes another question."""
    database, recorder = recorded
    migrate(database)
    log, store = EventLog("test", MongoStorage(database)), MongoViews(database, VIEWS)
    for number in range(250):
        log.append(commit(f"case-{number}"))
    keys = [f"k{number}" for number in range(250)]
    store.save({("issues", key): issue() for key in keys})
    recorder.sent.clear()
    store.save({("issues", key): issue("closed") for key in keys})
    assert len(list(log.storage.scan(0, None, None))) == len(store.get_many("issues", keys)) == 250
    assert len(store.find("issues", limit=200).rows) == 200
    assert "getMore" not in [next(iter(command)) for command in recorder.sent]


def test_migrating_again_or_at_the_same_time_changes_nothing(database: Mongo) -> None:
    errors: list[Exception] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait(20)
        try:
            migrate(database)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    EventLog("test", MongoStorage(database)).append(commit("case-1"))
    before = (list(database.list_collections()), list(database["formats"].find()))
    migrate(database)
    assert (list(database.list_collections()), list(database["formats"].find())) == before
    assert list(database["formats"].find()) == [{"_id": "log", "version": 3}]
    assert MongoStorage(database).head().position == 1


def test_an_older_collection_gets_its_validator(database: Mongo) -> None:
    database.create_collection("groups")
    migrate(database)
    with pytest.raises(WriteError):
        database["groups"].insert_one({"_id": 1})


ONE = {"digest": "0" * 64, "body": b"{}"}
GOOD = {"_id": 1, "last": 1, "commits": [ONE]}


@pytest.mark.parametrize(
    "change",
    [
        {"_id": 0},
        {"_id": "1"},
        {"_id": 1.0},
        {"last": None},
        {"commits": []},
        {"commits": [ONE, {}]},
        {"commits": [ONE | {"digest": "0" * 63}]},
        {"commits": [ONE | {"digest": "G" * 64}]},
        {"commits": [ONE | {"body": "{}"}]},
        {"commits": [ONE | {"extra": 1}]},
        {"extra": 1},
    ],
)
def test_the_server_refuses_what_is_not_a_group(database: Mongo, change: dict[str, Any]) -> None:
    migrate(database)
    with pytest.raises(WriteError, match="validation"):
        database["groups"].insert_one({**GOOD, **change})
    missing = {name: value for name, value in GOOD.items() if name not in change}
    if "_id" in missing and "extra" not in change:
        with pytest.raises(WriteError, match="validation"):
            database["groups"].insert_one(missing)
    database["groups"].insert_one(GOOD)


COMMAND = {"_id": "c x", "chunk": 0, "at": 1}
STREAM = {"_id": "s x 000000000001", "chunk": 0, "stream": "x", "version": 1, "last": 1, "at": [1]}


@pytest.mark.parametrize(
    ("good", "change"),
    [
        (COMMAND, {"_id": "x"}),
        (COMMAND, {"_id": "c "}),
        (COMMAND, {"at": 0}),
        (COMMAND, {"chunk": -1}),
        (COMMAND, {"last": 1}),
        (STREAM, {"_id": "s x 1"}),
        (STREAM, {"at": []}),
        (STREAM, {"at": 1}),
        (STREAM, {"last": 0}),
        ({"_id": "to 000000000000", "chunk": 0}, {"_id": "to 0"}),
    ],
)
def test_the_server_refuses_what_is_not_of_the_index(
    database: Mongo, good: dict[str, Any], change: dict[str, Any]
) -> None:
    migrate(database)
    with pytest.raises(WriteError, match="validation"):
        database["index"].insert_one({**good, **change})
    database["index"].insert_one(good)


def test_a_newer_format_is_refused_and_left_alone(database: Mongo) -> None:
    migrate(database)
    MongoViews(database, VIEWS)
    database["formats"].update_many({}, {"$set": {"version": 99}})
    before = sorted(database.list_collection_names())
    for start in (migrate, MongoStorage, lambda target: MongoViews(target, (*VIEWS, VIEWS[0]))):
        with pytest.raises(
            UnavailableError, match=r"written by a newer version of Linli .*format 99, this program knows [123]"
        ):
            start(database)
    assert sorted(database.list_collection_names()) == before


def test_a_database_without_a_log_says_what_to_do(database: Mongo) -> None:
    with pytest.raises(UnavailableError, match="holds no log yet: migrate it first"):
        MongoStorage(database)
    assert database.list_collection_names() == []


def test_a_server_that_stays_away_is_an_error_within_the_patience(database: Mongo) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true")
    started = time.monotonic()
    for start in (migrate, MongoStorage, lambda target, patience: MongoViews(target, VIEWS, patience)):
        with pytest.raises(UnavailableError, match=f"MongoDB database {database.name}"):
            start(client[database.name], patience=0.3)
    assert time.monotonic() - started < 5
    client.close()


def test_a_refused_write_is_explained_and_writes_nothing(database: Mongo) -> None:
    """A validator stands for every reason a server can have to refuse a document."""
    migrate(database)
    log = EventLog("test", MongoStorage(database))
    log.append(commit("case-1"))
    database.command("collMod", "groups", validator={"last": {"$lt": 4}})
    with pytest.raises(UnavailableError, match=r"validation .*code 121"):
        log.append(commit("case-2", 0, 3))
    assert log.append(commit("case-1", 1)).position == 2


UNDER_EVENTLET = """
import eventlet
eventlet.monkey_patch()
import sys, threading
from pymongo import MongoClient
from shared.log import EventLog
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate
from shared.log.mongodb_index import CHUNK
from shared.views.mongodb import MongoViews
from tests.contract.test_log import commit
from tests.contract.test_views import VIEWS, issue

uri, name = sys.argv[1:]
database = MongoClient(uri)[name]
migrate(database)
log, store = EventLog("test", MongoStorage(database), gather=lambda: eventlet.sleep(0)), MongoViews(database, VIEWS)
ticks = []

def work(number):
    for version in range(5):
        position = log.append(commit(f"case-{number}", version)).position
        store.save({("issues", f"{number}"): issue(due=position)}, {f"f{number}": (version, version + 1)})
        ticks.append(number)

threads = [eventlet.spawn(work, number) for number in range(20)]
for thread in threads:
    thread.wait()
assert [record.position for record in log.read()] == list(range(1, 101))
assert store.count("issues") == 20
print("turns", sum(a != b for a, b in zip(ticks, ticks[1:])))
"""


def test_both_adapters_run_under_eventlet(database: Mongo) -> None:
    command = [sys.executable, "-W", "ignore", "-c", UNDER_EVENTLET, mongo.server().uri, database.name]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 20, "green threads took turns"


def test_what_is_no_transaction_server_is_explained(database: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MongoViews(database, VIEWS)

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationFailure("Transaction numbers are only allowed on a replica set member or mongos", 20)

    monkeypatch.setattr("pymongo.client_session.ClientSession.start_transaction", refuse)
    with pytest.raises(UnavailableError, match="only allowed on a replica set"):
        store.save({("issues", "a"): issue()})

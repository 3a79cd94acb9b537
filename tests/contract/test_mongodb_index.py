"""What leads to commits in MongoDB's log of groups: it follows from them, is made once, again, or by two, and is compared with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.audit.verify import verify_log
from shared.domain.errors import ConcurrencyError, CorruptionError, UnavailableError
from shared.log import EventLog, Part
from shared.log.memory import MemoryStorage
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate, opened
from tests.contract import former
from tests.contract.test_log import commit
from tests.contract.test_mongodb import entered

Mongo = Database[dict[str, Any]]
#: Few enough to be written one by one; the format's own number is in other tests.
CHUNK = 100
STREAMS = 7


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.log.mongodb_index.CHUNK", CHUNK)


def filled(database: Mongo, commits: int = 2 * CHUNK + 30) -> EventLog:
    """A log with two chunks entered, and a command and a stream of each commit."""
    migrate(database)
    log = EventLog("test", MongoStorage(database))
    for number in range(commits):
        log.append(commit(f"case-{number % STREAMS}", number // STREAMS, command_id=f"c-{number}", fresh=True))
    entered(database, 2)
    return log


def test_what_came_before_is_found_and_refused_like_what_came_last(database: Mongo) -> None:
    filled(database)
    for log in (EventLog("test", MongoStorage(database)), EventLog("test", opened(database, read_only=True))):
        assert log.head().position == 2 * CHUNK + 30
        for stream in (0, 1, STREAMS - 1):
            versions = [record.version for record in log.read_stream(f"case-{stream}")]
            assert versions == list(range(1, log.storage.stream_version(f"case-{stream}") + 1))
            for after in (1, 14, 15, 28, 29, 30, 40):
                assert [one.version for one in log.read_stream(f"case-{stream}", after)] == versions[after:]
        for number in (0, CHUNK - 1, CHUNK, 2 * CHUNK, 2 * CHUNK + 29):
            found = log.receipt(f"c-{number}", "note", f"case-{number % STREAMS}")
            assert found is not None and found.position == number + 1
    log = EventLog("test", MongoStorage(database))
    first = log.append(commit("case-0", 0, command_id="c-0"))
    assert first.position == 1, "a command of long ago is found, and writes nothing"
    with pytest.raises(ConcurrencyError, match="case-3 is at version 33, not 0"):
        log.append(commit("case-3"))
    assert log.remembered.expect("case-4", 5) or True
    with pytest.raises(ConcurrencyError, match="case-4 is at version 33, not 5"):
        log.append(commit("case-4", 5))
    assert log.head().position == 2 * CHUNK + 30
    assert verify_log(log, lambda *_: None).events == 2 * CHUNK + 30


def test_an_index_that_is_lost_is_made_again_and_the_same(database: Mongo) -> None:
    filled(database).close()
    before = list(database["index"].find(sort=[("_id", 1)]))
    database["index"].delete_many({})
    log = EventLog("test", MongoStorage(database))
    assert log.append(commit("case-0", 0, command_id="c-0")).position == 1
    log.append(commit("new"))
    entered(database, 2)
    assert list(database["index"].find(sort=[("_id", 1)])) == before


def test_processes_that_enter_the_same_positions_enter_them_once(database: Mongo) -> None:
    migrate(database)
    logs = [EventLog("test", MongoStorage(database)) for _ in range(3)]

    def write(log: EventLog, name: str) -> None:
        for number in range(5):
            log.append(commit(f"{name}-{number}", 0, CHUNK // 5, fresh=True))

    threads = [threading.Thread(target=write, args=(log, f"by-{number}")) for number, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    entered(database, 3)
    assert verify_log(logs[0], lambda *_: None).events == 3 * CHUNK
    assert database["index"].count_documents({}) == 15 + 15 + 3
    assert {logs[0].storage.stream_version(f"by-{n}-{m}") for n in range(3) for m in range(5)} == {CHUNK // 5}


def test_what_was_begun_and_not_ended_is_ended(database: Mongo) -> None:
    """Whoever entered positions was killed: what there is stays, the rest follows, and nothing was believed meanwhile."""
    filled(database).close()
    whole = list(database["index"].find(sort=[("_id", 1)]))
    database["index"].delete_many({"chunk": 1, "_id": {"$gt": "c c-15"}})
    log = EventLog("test", MongoStorage(database))
    with pytest.raises(ConcurrencyError, match="case-3 is at version 33, not 0"):
        log.append(commit("case-3"))
    assert verify_log(log, lambda *_: None).events == 2 * CHUNK + 30
    log.append(commit("new"))
    entered(database, 2)
    assert list(database["index"].find(sort=[("_id", 1)])) == whole


CHANGES: dict[str, Callable[[Any], object]] = {
    "a command leads elsewhere": lambda index: index.update_one({"_id": "c c-7"}, {"$set": {"at": 9}}),
    "a command is gone": lambda index: index.delete_one({"_id": "c c-7"}),
    "a command is invented": lambda index: index.insert_one({"_id": "c none", "chunk": 0, "at": 9}),
    "a stream goes further": lambda index: index.update_one({"_id": "s case-5 000000000001"}, {"$inc": {"last": 1}}),
    "a stream leads elsewhere": lambda index: index.update_one({"_id": "s case-5 000000000001"}, {"$set": {"at": [9]}}),
    "a stream is gone": lambda index: index.delete_one({"_id": "s case-5 000000000001"}),
    "a stream is called otherwise": lambda index: index.update_one(
        {"_id": "s case-5 000000000001"}, {"$set": {"stream": "case-6"}}
    ),
    "positions are said to be entered that do not exist": lambda index: index.insert_one(
        {"_id": "to 000000000002", "chunk": 2}
    ),
    "something is entered of later positions": lambda index: index.insert_one({"_id": "c none", "chunk": 5, "at": 9}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_index_that_says_something_else_is_told(database: Mongo, change: str) -> None:
    filled(database).close()
    assert verify_log(EventLog("test", MongoStorage(database)), lambda *_: None).events == 2 * CHUNK + 30
    CHANGES[change](database["index"])
    with pytest.raises((CorruptionError, UnavailableError), match="index|was there and is gone"):
        verify_log(EventLog("test", opened(database, read_only=True)), lambda *_: None)


def test_an_index_that_cannot_be_written_stops_nobody_for_a_while(
    database: Mongo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    migrate(database)
    log = EventLog("test", MongoStorage(database))
    database.command("collMod", "index", validator={"_id": {"$exists": False}})
    for number in range(3):
        log.append(commit(f"case-{number}", 0, CHUNK))
    assert database["index"].count_documents({}) == 0
    migrate(database)
    log.append(commit("case-3"))
    entered(database, 3)
    assert EventLog("test", MongoStorage(database)).storage.stream_version("case-1") == CHUNK


def wide(number: int) -> Any:
    also = (Part(stream=f"part-{number}", expected_version=0, events=commit("").events),)
    return replace(commit(f"case-{number}", command_id=f"c-{number}"), also=also)


def test_a_former_log_is_read_then_carried_over_byte_for_byte_and_written_no_more(database: Mongo) -> None:
    memory = EventLog("test", MemoryStorage())
    for number in range(700):
        memory.append(wide(number) if number % 50 == 0 else commit(f"case-{number}", 0, 2, command_id=f"c-{number}"))
    written = list(memory.read_commits())
    former.write(database, written)
    reader = EventLog("test", opened(database, read_only=True))
    assert list(reader.read_commits()) == written
    assert verify_log(reader, lambda *_: None).digest == written[-1].digest
    assert [one.version for one in reader.read_stream("part-50")] == [1]
    with pytest.raises(UnavailableError, match="of a former format: stop its services and run `linli migrate`"):
        opened(database, read_only=False)
    with pytest.raises(UnavailableError, match="of a former format"):
        reader.append(commit("case-9999"))
    migrate(database)
    log = EventLog("test", opened(database, read_only=False))
    assert list(log.read_commits()) == written
    assert verify_log(log, lambda *_: None).digest == written[-1].digest
    assert (
        log.append(commit("case-3", 0, 2, command_id="c-3")).position
        == memory.receipt("c-3", "note", "case-3").position
    )
    assert log.append(commit("part-50", 1)).position == written[-1].last_position + 1
    with pytest.raises(Exception, match="validation"):
        database["commits"].insert_one({"_id": 10**6, "last_position": 10**6})
    migrate(database)
    assert log.head().position == written[-1].last_position + 1


def test_a_carrying_over_that_was_broken_off_goes_on(database: Mongo, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = EventLog("test", MemoryStorage())
    for number in range(1_300):
        memory.append(commit(f"case-{number}", command_id=f"c-{number}"))
    written = list(memory.read_commits())
    former.write(database, written, format=1)
    real, times = MongoStorage.insert, iter([1, 1])

    def broken(self: MongoStorage, *arguments: Any) -> None:
        next(times)
        real(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(MongoStorage, "insert", broken)
        with pytest.raises((StopIteration, RuntimeError)):
            migrate(database)
    assert 0 < database["groups"].count_documents({}) < 3
    with pytest.raises(UnavailableError, match="of a former format"):
        opened(database, read_only=False)
    assert list(EventLog("test", opened(database, read_only=True)).read_commits()) == written
    migrate(database)
    assert list(EventLog("test", opened(database, read_only=False)).read_commits()) == written


def test_a_former_log_that_does_not_hold_is_not_carried_over(database: Mongo) -> None:
    memory = EventLog("test", MemoryStorage())
    for number in range(20):
        memory.append(commit(f"case-{number}"))
    former.write(database, memory.read_commits())
    database["commits"].update_one({"_id": 9}, {"$set": {"digest": "0" * 64}})
    with pytest.raises(CorruptionError, match="position 9: the record was changed"):
        migrate(database)
    with pytest.raises(UnavailableError, match="of a former format"):
        opened(database, read_only=False)

"""Commits that rely on more than their own stream, and commits over several streams; one suite, run over every storage (decision 9)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.audit.verify import verify_log
from shared.domain.errors import BadInputError, ConcurrencyError, CorruptionError
from shared.log import Commit, EventLog, Head, NewEvent, Part, Receipt, StoredCommit, records_of
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate
from shared.log.record import place_commit, verify_chain
from shared.log.sqlite import KIND, TABLES, SqliteStorage
from shared.sqlite import Database as SqliteFile
from tests.contract import mongo
from tests.contract.racing import CASES, both, race
from tests.contract.test_kill import ROOT
from tests.contract.test_log import commit

replace = msgspec.structs.replace


def part(stream: str, expected: int = 0, count: int = 1, place: str = "") -> Part:
    return Part(stream=stream, expected_version=expected, events=commit(stream, 0, count).events, place=place)


def wide(stream: str = "case-1", expected: int = 0, command_id: str = "", *also: Part, **guards: Any) -> Commit:
    """A commit with two events of its own, and parts."""
    return replace(commit(stream, expected, 2, command_id=command_id), also=also, **guards)


def streams(log: EventLog) -> list[tuple[int, str, int]]:
    return [(record.position, record.stream, record.version) for record in log.read()]


def test_events_of_several_streams_are_one_record(log: EventLog, second: EventLog) -> None:
    log.append(commit("case-2"))
    wanted = replace(wide("case-1", 0, "c-1", part("case-2", 1, 2, "350104"), part("case-3")), place="350105")
    receipt = log.append(wanted)
    assert (receipt.stream, receipt.version, receipt.position, receipt.events) == ("case-1", 2, 6, 5)
    expected = [("case-2", 1), ("case-1", 1), ("case-1", 2), ("case-2", 2), ("case-2", 3), ("case-3", 1)]
    for target in (log, second):
        assert streams(target) == [(position, *one) for position, one in enumerate(expected, 1)]
        records = list(target.read(after=1))
        assert {(one.digest, one.commit_position, one.commit_size) for one in records} == {(receipt.digest, 2, 5)}
        assert [one.place for one in records] == ["350105", "350105", "350104", "350104", ""]
        assert [one.id for one in records] == [event.id for one in wanted.parts() for event in one.events]
        assert [stored.position for stored in target.read_commits()] == [1, 2]
        assert [one.position for one in target.read(after=3, until=5)] == [4, 5]
    assert log.head() == Head(6, receipt.digest, receipt.time)
    assert second.receipt("c-1", "note", "case-1") == receipt
    assert second.append(commit("case-4")).position == 7
    assert len(list(verify_chain(log.read_commits()))) == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expected_version": 0}, "case-1 is at version 1, not 0"),
        ({"also": (part("case-3"), part("case-2", 1))}, "case-2 is at version 2, not 1"),
        ({"also": (part("case-3", 1),)}, "case-3 is at version 0, not 1"),
        ({"held": {"case-2": 1}}, "case-2 is at version 2, not 1"),
        ({"held": {"case-2": 2, "case-3": 4}}, "case-3 is at version 0, not 4"),
        ({"held": {"case-2": 2, "case-1": 0}}, "case-1 is at version 1, not 0"),
        ({"alone": 2}, "the log is at position 3, not 2"),
        ({"alone": 4}, "the log is at position 3, not 4"),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_no_longer_holds_is_refused_and_nothing_is_written(
    log: EventLog, second: EventLog, change: dict[str, Any], why: str, elsewhere: bool
) -> None:
    """Also when another process wrote what is in the way, and this one has not heard of it."""
    log.append(commit("case-1"))
    (second if elsewhere else log).append(commit("case-2", 0, 2))
    wanted = wide("case-1", 1, "c-1", part("case-3"), part("case-2", 2), held={"case-4": 0, "case-1": 1}, alone=3)
    with pytest.raises(ConcurrencyError, match=f"{why}: somebody else was faster"):
        log.append(replace(wanted, **change))
    assert log.head().position == 3
    assert [second.storage.stream_version(f"case-{number}") for number in (1, 2, 3)] == [1, 2, 0]
    assert log.append(wanted).position == 7
    list(verify_chain(log.read_commits()))


@pytest.mark.parametrize("known", [False, True], ids=["head asked for", "head known"])
@pytest.mark.parametrize(
    "guards", [{"held": {"case-2": 1}}, {"also": (part("case-2", 1),)}, {"alone": 1, "held": {"case-2": 1}}]
)
def test_what_changes_after_it_was_looked_at_is_refused(
    log: EventLog, second: EventLog, monkeypatch: pytest.MonkeyPatch, guards: dict[str, Any], known: bool
) -> None:
    (log if known else second).append(commit("case-2"))
    real, between = log.storage.stream_version, list[str]()

    def looked(stream: str) -> int:
        found = real(stream)
        if stream == "case-2" and not between:
            between.append(stream)
            second.append(commit("case-2", 1))
        return found

    monkeypatch.setattr(log.storage, "stream_version", looked)
    with pytest.raises(ConcurrencyError, match="somebody else was faster"):
        log.append(replace(wide("case-1"), **guards))
    assert [stream for _, stream, _ in streams(log)] == ["case-2", "case-2"]


def test_a_commit_names_streams_once_and_all_of_it_is_bounded(log: EventLog) -> None:
    half = part("case-2", 0, 1)
    half = replace(half, events=(replace(half.events[0], data=msgspec.Raw(b"0" * 4_000_000)),))
    for wrong, why in (
        (wide("case-1", 0, "", part("case-1", 2)), "names each stream"),
        (wide("case-1", 0, "", part("case-2"), part("case-2", 1)), "names each stream"),
        (wide("case-1", 0, "", part("case-2", 0, 0)), "at least one event"),
    ):
        with pytest.raises(ValueError, match=why):
            log.append(wrong)
    with pytest.raises(BadInputError, match="one decision may hold 4,000,000 bytes"):
        log.append(wide("case-1", 0, "", half))
    with pytest.raises(BadInputError, match="relies on may take 32,000 bytes"):
        log.append(wide("case-1", held={f"case-{number:06}": 0 for number in range(3_000)}))
    assert log.head().position == 0


def test_a_part_is_found_in_its_stream_from_any_version(log: EventLog, second: EventLog) -> None:
    log.append(commit("case-2", 0, 2))
    log.append(wide("case-1", 0, "", part("case-3"), part("case-2", 2, 3)))
    log.append(wide("case-2", 5, "", part("case-1", 2, 30)))
    for target in (log, second):
        for stream, last in (("case-1", 32), ("case-2", 7), ("case-3", 1)):
            assert target.storage.stream_version(stream) == last
            for after in range(last + 1):
                found = list(target.read_stream(stream, after))
                assert [(one.stream, one.version) for one in found] == [
                    (stream, version) for version in range(after + 1, last + 1)
                ]
    assert second.append(commit("case-1", 32)).version == 33
    assert log.append(commit("case-1", 33)).version == 34
    list(verify_chain(log.read_commits()))


def test_a_version_that_a_part_took_is_taken_for_those_who_only_remember(log: EventLog, second: EventLog) -> None:
    second.append(commit("case-1"))
    second.append(commit("case-2"))
    log.append(wide("case-3", 0, "c-1", part("case-2", 1)))
    second.append(commit("case-1", 1))  # it has heard of the new head now
    assert second.remembered.expect("case-2", 1), "nobody has told it otherwise"
    with pytest.raises(ConcurrencyError, match="case-2 is at version 2, not 1"):
        second.append(commit("case-2", 1))
    assert second.append(commit("case-2", 2)).version == 3
    assert log.remembered.expect("case-2", 2)
    with pytest.raises(ConcurrencyError, match="case-2 is at version 3, not 2"):
        log.append(wide("case-4", 0, "c-2", part("case-2", 2)))
    log.remembered.note("case-2", 2)
    log.append(wide("case-4", 0, "c-2", part("case-2", 3), held={"case-1": 2}))
    list(verify_chain(log.read_commits()))


def test_a_repeated_command_over_several_streams_returns_its_first_receipt(log: EventLog, second: EventLog) -> None:
    wanted = wide("case-1", 0, "c-1", part("case-2"), held={"case-3": 0}, alone=0)
    first = log.append(wanted)
    assert second.append(wanted) == first == log.append(wanted)
    assert log.append(wide("case-1", 2, "c-1", part("case-2", 1))) == first
    assert log.head().position == 3


def together(log: EventLog, *commits: Commit) -> list[Receipt | Exception]:
    """Append commits as one group, in this order, and say what each was told."""
    told: dict[int, Receipt | Exception] = {}

    def append(number: int, wanted: Commit) -> None:
        try:
            told[number] = log.append(wanted)
        except ConcurrencyError as error:
            told[number] = error

    threads = []
    with log._writing:
        for number, wanted in enumerate(commits):
            threads.append(threading.Thread(target=append, args=(number, wanted)))
            threads[-1].start()
            while len(log._queue) <= number:
                time.sleep(0.001)
    log._wake_next()
    for thread in threads:
        thread.join(20)
    return [told[number] for number in range(len(commits))]


def test_what_comes_earlier_in_a_group_counts(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    real = log.storage.insert
    monkeypatch.setattr(
        log.storage, "insert", lambda commits, fresh: (written.append(len(commits)), real(commits, fresh))[1]
    )
    holds = replace(commit("case-2"), held={"case-1": 0})
    first, held, other, behind = together(
        log,
        wide("case-1", 0, "", part("case-3")),
        holds,
        replace(commit("case-4"), held={"case-3": 1}),
        commit("case-1", 2),
    )
    assert isinstance(first, Receipt) and isinstance(other, Receipt) and isinstance(behind, Receipt)
    assert (first.position, other.position, behind.version) == (3, 4, 3)
    assert "case-1 is at version 2, not 0" in str(held)
    assert written == [3], "one flush"
    held, first = together(log, replace(commit("case-5"), held={"case-6": 0}), commit("case-6"))
    assert isinstance(held, Receipt) and isinstance(first, Receipt)
    one, two = together(log, commit("case-7"), replace(commit("case-8"), alone=7))
    assert isinstance(one, Receipt) and isinstance(two, Receipt) and two.position == 8, "it goes first"
    one, two = together(log, *(replace(commit(f"case-{number}"), alone=9) for number in (10, 11)))
    assert isinstance(one, Receipt) and "the log is at position 10, not 9" in str(two)
    twin = wide("case-12", 0, "c-1", part("case-13"), held={"case-1": 3})
    one, two = together(log, twin, twin)
    assert isinstance(one, Receipt) and one == two
    list(verify_chain(log.read_commits()))


#: A body as it has been written since the first release, and its digest.
RECORDED = (
    '{"actor":"人","causation_id":"e-0","command":"note","command_id":"c-1","correlation_id":"r-1","events":[{"data":'
    '{"text":"路灯"},"id":"e-1","occurred":"2026-01-01T00:00:00Z","schema":1,"type":"Noted"},{"data":{"text":"路灯"},"id":'
    '"e-2","occurred":"2026-01-01T00:00:00Z","schema":1,"type":"Noted"}],"mandate":"post-1","on_behalf_of":"o-1","place":'
    '"350104.013","position":5,"previous":"abababababababababababababababababababababababababababababababab","stream":'
    '"case-1","time":"2026-01-02T00:00:00.000000Z","version":3}'
)
DIGEST = "0535e238d6685da79d0759973a95b0d144ad4400de4bfee764765310c9ebab98"


def noted(number: int) -> NewEvent:
    data = msgspec.Raw('{"text":"路灯"}'.encode())
    return NewEvent(type="Noted", schema=1, data=data, id=f"e-{number}", occurred="2026-01-01T00:00:00Z")


def recorded(**more: Any) -> StoredCommit:
    wanted = Commit(
        stream="case-1",
        expected_version=2,
        events=(noted(1), noted(2)),
        command="note",
        command_id="c-1",
        actor="人",
        on_behalf_of="o-1",
        mandate="post-1",
        correlation_id="r-1",
        causation_id="e-0",
        place="350104.013",
        **more,
    )
    return place_commit(wanted, Head(4, "ab" * 32, ""), 2, "2026-01-02T00:00:00.000000Z")


def test_a_plain_commit_is_stored_in_the_bytes_that_it_always_was() -> None:
    for stored in (recorded(), recorded(alone=4)):
        assert (stored.body.decode(), stored.digest) == (RECORDED, DIGEST)


def test_parts_and_what_was_held_are_in_the_bytes_that_are_hashed() -> None:
    stored = recorded(
        also=(Part(stream="case-2", expected_version=6, events=(noted(3),), place="350105"),),
        held={"case-9": 4, "case-10": 0},
    )
    also = (
        '"also":[{"events":[{"data":{"text":"路灯"},"id":"e-3","occurred":"2026-01-01T00:00:00Z","schema":1,"type":"Noted"}],'
        '"place":"350105","stream":"case-2","version":7}],"causation_id"'
    )
    body = RECORDED.replace('"causation_id"', also, 1)
    assert stored.body.decode() == body.replace('"mandate"', '"held":{"case-10":0,"case-9":4},"mandate"', 1)
    assert (stored.last_position, stored.last_version) == (7, 4)
    assert [record.held for record in records_of(stored)] == ['{"case-10":0,"case-9":4}', "", ""]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"stream":"case-3","version":1', b'"stream":"case-3","version":2', "version 2 of case-3 is out of order"),
        (b'"stream":"case-2","version":2', b'"stream":"case-2","version":1', "version 1 of case-2 is out of order"),
        (b'"case-2":1', b'"case-2":2', "relies on case-2 at version 2, which was at 1"),
        (b'"case-2":1', b'"case-5":1', "relies on case-5 at version 1, which was at 0"),
    ],
)
def test_the_chain_shows_a_part_or_a_held_version_that_cannot_have_been(
    log: EventLog, old: bytes, new: bytes, why: str
) -> None:
    log.append(commit("case-2"))
    log.append(wide("case-1", 0, "", part("case-3"), part("case-2", 1), held={"case-2": 1}))
    first, stored = verify_chain(log.read_commits())
    body = stored.body.replace(old, new)
    assert body != stored.body
    with pytest.raises(CorruptionError, match="position 2: the record was changed"):
        list(verify_chain([first, replace(stored, body=body)]))
    with pytest.raises(CorruptionError, match=f"position 2: {why}"):
        list(verify_chain([first, replace(stored, body=body, digest=sha256(body).hexdigest())]))
    for column in ("last_position", "last_version"):
        with pytest.raises(CorruptionError, match="position 2: the index columns"):
            list(verify_chain([first, replace(stored, **{column: getattr(stored, column) - 1})]))


def test_a_part_that_is_not_found_in_its_stream_is_told(tmp_path: Path) -> None:
    log = EventLog("test", SqliteStorage(tmp_path / "log.sqlite"))
    log.append(wide("case-1", 0, "", part("case-2"), part("case-3")))
    assert verify_log(log, lambda *_: None).events == 4
    with sqlite3.connect(tmp_path / "log.sqlite") as connection:
        connection.execute("DROP TRIGGER commits_never_vanish")
        connection.execute("DELETE FROM commits WHERE stream = 'case-3'")
    connection.close()
    with pytest.raises(CorruptionError, match="log test: position 1: version 1 of case-3 is not found in its stream"):
        verify_log(log, lambda *_: None)
    log.close()


def test_an_older_file_goes_on_and_is_marked_when_it_holds_what_an_older_program_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    SqliteFile(path, KIND, 1, TABLES).close()

    def version() -> int:
        with sqlite3.connect(path) as connection:
            found = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.close()
        return int(found)

    log, reader = EventLog("test", SqliteStorage(path)), EventLog("test", SqliteStorage(path, read_only=True))
    log.append(replace(commit("case-1"), held={"case-2": 0}))
    assert version() == 1
    log.append(wide("case-2", 0, "", part("case-1", 1)))
    assert version() == 2
    log.close()
    again = EventLog("test", SqliteStorage(path, read_only=True))
    for target in (reader, again):
        assert [one.version for one in target.read_stream("case-1")] == [1, 2]
        target.close()


def test_no_item_is_open_where_the_case_is_closed_whoever_of_many_threads_is_faster(
    log: EventLog, second: EventLog
) -> None:
    for case in range(CASES):
        threads = [
            threading.Thread(target=race, args=(target, case, name, "ab"))
            for target, name in ((log, "a"), (second, "b"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert both(log, "ab") == []
    list(verify_chain(log.read_commits()))


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
def test_no_item_is_open_where_the_case_is_closed_whichever_of_two_processes_is_faster(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "mongodb":
        database = request.getfixturevalue("database")
        migrate(database)
        where, storage = f"{mongo.server().uri}#{database.name}", MongoStorage(database)
    else:
        where = str(tmp_path / "log.sqlite")
        storage = SqliteStorage(where)
    command = [sys.executable, "-m", "tests.contract.racing", kind, where]
    racers = [subprocess.Popen([*command, *names], cwd=ROOT) for names in (("a", "b"), ("b", "a"))]
    try:
        assert [racer.wait(60) for racer in racers] == [0, 0]
    finally:
        for racer in racers:
            racer.kill()
    log = EventLog("test", storage)
    assert both(log, "ab") == []
    assert verify_log(log, lambda *_: None).events > 3 * CASES
    log.close()

"""The contract of the log: one suite, run over every storage."""

from __future__ import annotations

import threading
from itertools import accumulate

import msgspec
import pytest

from shared.domain.errors import BadInputError, ConcurrencyError, CorruptionError, UnavailableError
from shared.domain.identity import new_id
from shared.log import GENESIS, Commit, EventLog, Head, NewEvent
from shared.log.record import verify_chain
from tests.contract.conftest import Open


def commit(
    stream: str,
    expected: int = 0,
    count: int = 1,
    command_id: str = "",
    command: str = "note",
    content: tuple[str, ...] = (),
    fresh: bool = False,
) -> Commit:
    events = tuple(
        NewEvent(
            type="Noted",
            schema=1,
            data=msgspec.Raw(b'{"text":"\xe8\xb7\xaf\xe7\x81\xaf"}'),
            id=new_id(),
            occurred="2026-01-01T00:00:00Z",
        )
        for _ in range(count)
    )
    return Commit(
        stream=stream,
        expected_version=expected,
        events=events,
        command=command,
        command_id=command_id or new_id(),
        actor="p-1",
        content=content,
        fresh=fresh,
    )


def test_an_empty_log_has_no_head(log: EventLog) -> None:
    assert log.head() == Head(0, GENESIS, "")
    assert list(log.read()) == []
    assert list(log.read_stream("case-1")) == []


def test_positions_count_events_and_have_no_gaps(log: EventLog) -> None:
    assert log.append(commit("case-1", 0, 2)).position == 2
    receipt = log.append(commit("case-2", 0, 3))
    assert (receipt.position, receipt.version, receipt.events) == (5, 3, 3)
    log.append(commit("case-1", 2))
    records = list(log.read())
    assert [record.position for record in records] == [1, 2, 3, 4, 5, 6]
    assert [(record.stream, record.version) for record in records][-1] == ("case-1", 3)
    assert log.head() == Head(6, records[-1].digest, records[-1].time)


def test_the_stored_text_is_what_was_written(log: EventLog) -> None:
    log.append(commit("case-1"))
    assert bytes(next(log.read()).data) == '{"text":"路灯"}'.encode()


def test_a_stream_is_read_from_any_version(log: EventLog) -> None:
    log.append(commit("case-1", 0, 3))
    log.append(commit("case-2"))
    log.append(commit("case-1", 3, 2))
    for after in range(7):
        assert [record.version for record in log.read_stream("case-1", after)] == list(range(after + 1, 6))


@pytest.mark.parametrize("sizes", [(3, 2, 1, 1), (1, 9, 1), (25, 1), (1, 25)])
def test_a_stream_of_commits_of_any_size_is_read_from_any_version(log: EventLog, sizes: tuple[int, ...]) -> None:
    for end, size in zip(accumulate(sizes), sizes, strict=True):
        log.append(commit("case-1", end - size, size))
    last = sum(sizes)
    for after in range(last + 1):
        assert [record.version for record in log.read_stream("case-1", after)] == list(range(after + 1, last + 1))
    assert log.append(commit("case-1", last)).version == last + 1


def test_followers_find_what_was_just_written_without_asking_the_storage(
    log: EventLog, second: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = log.storage.scan
    monkeypatch.setattr(log.storage, "scan", lambda after, *to: (asked.append(after), real(after, *to))[1])
    for number in range(5):
        log.append(commit(f"case-{number}", 0, 2))
    assert [record.position for record in log.read(3, limit=2)] == [4, 5, 6]
    assert [record.position for record in log.read(0, limit=500)] == list(range(1, 11))
    assert not asked
    assert list(log.read(10, limit=500)) == [] and asked == [10], "there is nothing here: it is asked for"
    second.append(commit("other"))
    assert [record.position for record in log.read(9, limit=500)] == [10], "those of others come with the next call"
    assert [record.stream for record in log.read(10, limit=500)] == ["other"]
    log.append(commit("case-9"))
    assert [record.position for record in log.read(9, limit=500)] == [10, 11, 12], "nothing between is left out"
    assert [record.position for record in log.read(11, limit=500)] == [12] and asked == [10, 10, 9]


def test_what_is_kept_of_what_was_written_is_bounded(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.log.tail.MOST_COMMITS", 10)
    for number in range(35):
        log.append(commit(f"case-{number}"))
        assert len(log.remembered.tail._commits) <= 10
    monkeypatch.setattr("shared.log.tail.MOST_BYTES", 3_000)
    for number in range(35):
        log.append(commit(f"more-{number}"))
        assert sum(len(kept.body) for kept in log.remembered.tail._commits) == log.remembered.tail._bytes <= 3_000
    for after in range(70):
        assert next(iter(log.read(after, limit=1))).position == after + 1


def test_the_log_is_read_from_any_position_to_any_other(log: EventLog) -> None:
    for number in range(4):
        log.append(commit(f"case-{number}", 0, 3))
    for after in range(13):
        for until in (None, *range(13)):
            expected = [
                position for position in range(1, 13) if position > after and (until is None or position <= until)
            ]
            assert [record.position for record in log.read(after, until=until)] == expected
    assert [stored.position for stored in log.read_commits(4, limit=2)] == [4, 7]


def test_a_stale_version_is_refused_and_writes_nothing(log: EventLog) -> None:
    log.append(commit("case-1", 0, 3))
    for stale in (0, 1, 2, 4):
        with pytest.raises(ConcurrencyError, match="case-1 is at version 3"):
            log.append(commit("case-1", stale))
    assert log.head().position == 3


def test_a_repeated_command_returns_the_first_receipt_and_writes_nothing(log: EventLog) -> None:
    first = log.append(commit("case-1", 0, 2, command_id="c-1"))
    log.append(commit("case-2"))
    assert log.append(commit("case-1", 0, 2, command_id="c-1")) == first
    assert log.append(commit("case-1", 2, 1, command_id="c-1")) == first
    assert log.head().position == 3


def test_a_command_id_cannot_be_used_for_something_else(log: EventLog) -> None:
    log.append(commit("case-1", command_id="c-1"))
    for number, other in enumerate(
        [commit("case-2", command_id="c-1"), commit("case-1", 1, command_id="c-1", command="other")]
    ):
        with pytest.raises(BadInputError, match="this key was used for something else") as refused:
            log.append(other)
        assert set(refused.value.fields) == {"command_id"}, number
    assert log.head().position == 1


def test_a_command_id_cannot_be_used_for_other_content(log: EventLog, second: EventLog) -> None:
    """Stored is the code with the newest key; one of a key that is gone says nothing, and so does its lack."""
    first = log.append(commit("case-1", command_id="c-1", content=("k1k1a", "k0k0a")))
    assert b'"content":"k1k1a"' in next(log.read_commits()).body
    for same in [("k1k1a", "k0k0a"), ("k2k2a", "k1k1a"), ("k2k2a",), ()]:
        assert second.append(commit("case-1", 1, command_id="c-1", content=same)) == first
    with pytest.raises(BadInputError, match="this key was used for something else"):
        second.append(commit("case-1", 1, command_id="c-1", content=("k2k2b", "k1k1b")))
    without = log.append(commit("case-1", 1, command_id="c-2"))
    assert b'"content"' not in list(log.read_commits())[-1].body, "what has none is written as it ever was"
    assert log.append(commit("case-1", 2, command_id="c-2", content=("k1k1a",))) == without
    assert [record.content for record in log.read()] == ["k1k1a", ""]
    list(verify_chain(log.read_commits()))


def test_what_another_writer_wrote_is_noticed(log: EventLog, second: EventLog) -> None:
    log.append(commit("case-1"))
    second.append(commit("case-1", 1, command_id="c-2"))
    with pytest.raises(ConcurrencyError):
        log.append(commit("case-1", 1))
    assert log.append(commit("case-1", 1, command_id="c-2")).position == 2
    assert log.append(commit("case-1", 2)).position == 3
    assert second.append(commit("case-2")).position == 4
    list(verify_chain(log.read_commits()))


def test_many_writers_leave_one_gap_free_chain(log: EventLog, second: EventLog) -> None:
    """Group commit with races on the same streams, from two logs on one storage, with repeated commands."""
    receipts: dict[str, set[tuple[str, int]]] = {}
    lock = threading.Lock()

    def write(target: EventLog, writer: int) -> None:
        for number in range(12):
            stream, command_id = f"case-{(writer + number) % 3}", f"c-{writer % 6}-{number}"
            while True:
                version = max((record.version for record in target.read_stream(stream)), default=0)
                try:
                    receipt = target.append(commit(stream, version, 1 + number % 2, command_id=command_id))
                    break
                except (ConcurrencyError, BadInputError) as error:
                    if isinstance(error, BadInputError):
                        return
            with lock:
                receipts.setdefault(command_id, set()).add((receipt.stream, receipt.position))

    threads = [threading.Thread(target=write, args=((log, second)[writer % 2], writer)) for writer in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    records = list(log.read())
    assert [record.position for record in records] == list(range(1, len(records) + 1))
    assert all(len(positions) == 1 for positions in receipts.values())
    written = {record.command_id for record in records}
    assert written == set(receipts)
    assert len(list(verify_chain(log.read_commits()))) == len(written)


def test_a_snapshot_is_kept_and_replaced(log: EventLog) -> None:
    assert log.storage.snapshot("case-1") is None
    log.storage.save_snapshot("case-1", 10, "a", b"ten")
    log.storage.save_snapshot("case-1", 20, "b", b"twenty")
    assert log.storage.snapshot("case-1") == (20, "b", b"twenty")


def test_the_chain_shows_a_changed_record(log: EventLog) -> None:
    for number in range(3):
        log.append(commit(f"case-{number}"))
    commits = list(log.read_commits())
    changed = msgspec.structs.replace(commits[1], body=commits[1].body.replace("路".encode(), "墙".encode()))
    with pytest.raises(CorruptionError, match="position 2: the record was changed"):
        list(verify_chain([commits[0], changed, commits[2]]))
    with pytest.raises(CorruptionError, match="position 3: does not follow position 1"):
        list(verify_chain([commits[0], commits[2]]))
    with pytest.raises(CorruptionError, match="position 1: the index columns"):
        list(verify_chain([msgspec.structs.replace(commits[0], command_id="other")]))


def test_a_commit_longer_than_a_page_is_read_from_anywhere(log: EventLog) -> None:
    log.append(commit("case-1", 0, 2))
    log.append(commit("case-2", 0, 2500))
    log.append(commit("case-1", 2, 1))
    for after in (0, 1, 2, 3, 1700, 2501, 2502, 2503):
        assert [record.position for record in log.read(after)] == list(range(after + 1, 2504))
    assert [stored.position for stored in log.read_commits(1, limit=2)] == [1, 3]
    assert [stored.position for stored in log.read_commits(2, until=3)] == [3]


def test_a_commit_too_large_for_a_database_is_refused(log: EventLog) -> None:
    huge = msgspec.structs.replace(
        commit("case-1"), events=(msgspec.structs.replace(commit("x").events[0], data=msgspec.Raw(b"0" * 4_000_001)),)
    )
    with pytest.raises(BadInputError, match="one decision may hold 4,000,000 bytes, not 4,000,001"):
        log.append(huge)
    assert log.head().position == 0


def test_a_killed_writer_leaves_nobody_waiting(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes for all may be killed in the middle: the others are told, and the next writer goes on."""

    class Killed(BaseException):
        pass

    inside, go_on = threading.Event(), threading.Event()
    real = log.storage.insert

    def killed(commits: object, fresh: object) -> None:
        inside.set()
        go_on.wait(10)
        raise Killed

    monkeypatch.setattr(log.storage, "insert", killed)
    told: list[str] = []

    def write(stream: str) -> None:
        try:
            log.append(commit(stream))
        except (Killed, UnavailableError) as error:
            told.append(type(error).__name__)

    threads = [threading.Thread(target=write, args=(f"case-{number}",)) for number in range(2)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    monkeypatch.setattr(log.storage, "insert", real)
    go_on.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert told == ["Killed"]
    assert [record.stream for record in log.read()] == ["case-1"]
    log.append(commit("case-2"))


def test_a_clock_that_was_a_year_ahead_once_stops_no_recorded_time(open_storage: Open) -> None:
    """Up to an hour recorded time stands still, so that it does not run backwards; beyond, the clock was wrong, and today's counts."""
    times = ["2026-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z",
             "2026-01-01T00:30:00.000000Z", "2026-01-01T00:10:00.000000Z", "2026-01-01T00:31:00.000000Z"]  # fmt: skip
    clock = iter(times)
    log = EventLog("test", open_storage(), clock=lambda: next(clock))
    recorded = [log.append(commit("case-1", number)).time for number in range(len(times))]
    assert recorded == [*times[:4], times[3], times[5]]
    assert [record.time for record in log.read()] == recorded

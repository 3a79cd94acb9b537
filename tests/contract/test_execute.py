"""Decide and append, over every storage: once per command, again after a race, and cheap on long streams."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import msgspec
import pytest

from shared.domain.decider import Decider
from shared.domain.errors import ConcurrencyError, CorruptionError, IllegalStateError, UnavailableError
from shared.domain.event import Codec, Event
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.following import execute as execution
from shared.following.codes import Codes
from shared.following.context import CallContext
from shared.following.execute import SNAPSHOT_EVERY, execute, load
from shared.following.snapshots import PURPOSE, verify
from shared.log import EventLog
from shared.log.remembered import Remembered


class Counted(Event, frozen=True, kw_only=True):
    number: int


class Count(msgspec.Struct, frozen=True):
    id: str
    total: int = 0


def evolve(count: Count, event: Counted) -> Count:
    return Count(count.id, count.total + event.number)


def add(count: Count, *, by: Mandate, at: str, number: int, most: int = 10**9) -> list[Event]:
    if count.total + number > most:
        raise IllegalStateError("too much")
    return [Counted(number=number)] if number else []


COUNT = Decider("count", Codec((Counted,)), Count, Count, evolve, lambda count: "350104")
BY = Mandate(actor="p-1", role="any", organisation_id="o-1", post_id="post-1")


def ask(log: EventLog, number: int, command_id: str, **arguments: Any) -> Any:
    context = CallContext(
        kind="person", actor="p-1", command_id=command_id, occurred="2025-01-01T00:00:00+08:00", correlation_id="r-1"
    )
    return execute(log, COUNT, "a", add, context=context, mandate=BY, command="add", number=number, **arguments)


def test_a_decision_is_recorded_with_who_and_why(log: EventLog) -> None:
    receipt = ask(log, 3, "c-1")
    assert (receipt.stream, receipt.version, receipt.position, receipt.events) == ("count-a", 1, 1, 1)
    record = next(log.read())
    assert (record.actor, record.on_behalf_of, record.mandate, record.command) == ("p-1", "o-1", "post-1", "add")
    assert (record.correlation_id, record.place, record.occurred) == ("r-1", "350104", "2025-01-01T00:00:00+08:00")


def test_a_repeated_command_returns_its_first_receipt_even_when_it_would_be_refused_now(log: EventLog) -> None:
    first = ask(log, 3, "c-1", most=3)
    assert ask(log, 3, "c-1", most=3) == first
    with pytest.raises(IllegalStateError, match="too much"):
        ask(log, 3, "c-2", most=3)
    assert log.head().position == 1


def test_a_decision_that_changes_nothing_writes_nothing(log: EventLog) -> None:
    assert ask(log, 0, "c-1").events == 0
    assert log.head().position == 0


def test_two_writers_on_one_case_both_decide_on_what_is_true(log: EventLog, second: EventLog) -> None:
    """40 concurrent additions from two processes' logs, none lost, none doubled (R6)."""

    def work(target: EventLog, name: str) -> None:
        for number in range(10):
            ask(target, 1, f"{name}-{number}")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, (log, second)[number % 2], f"w{number}") for number in range(4)]:
            done.result(60)
    assert load(log, COUNT, "a") == (Count("a", 40), 40)


def test_who_always_loses_is_told(log: EventLog, second: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """It steps aside for longer each time, and gives up in the end."""
    pauses: list[float] = []
    us, rest = threading.current_thread(), time.sleep  # the driver's threads sleep too

    def sleep(seconds: float) -> None:
        pauses.append(seconds) if threading.current_thread() is us else rest(seconds)

    monkeypatch.setattr(execution.time, "sleep", sleep)
    monkeypatch.setattr(execution.random, "uniform", lambda _least, most: most)
    busy = iter(range(10_000))

    def contested(count: Count, *, by: Mandate, at: str) -> list[Event]:
        ask(second, 1, f"other-{next(busy)}")
        return [Counted(number=1)]

    context = CallContext(kind="person", actor="p-1", command_id="mine", occurred="2025-01-01T00:00:00+08:00")
    with pytest.raises(ConcurrencyError, match="somebody else was faster"):
        execute(log, COUNT, "a", contested, context=context, mandate=BY, command="contest")
    assert log.receipt("mine", "contest", "count-a") is None
    assert pauses[:3] == [0.002, 0.004, 0.008] and pauses[-1] == execution.LONGEST_PAUSE
    assert len(pauses) == execution.ATTEMPTS - 2


def reads(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Beyond which versions streams are read from now on."""
    read: list[int] = []
    real = log.read_stream
    monkeypatch.setattr(log, "read_stream", lambda stream, after=0: (read.append(after), real(stream, after))[1])
    return read


def test_a_long_case_is_loaded_from_its_snapshot(
    log: EventLog, second: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reads(second, monkeypatch)
    for number in range(3 * SNAPSHOT_EVERY):
        ask(log, 1, f"c-{number}")
        second.remembered = Remembered()
        assert load(second, COUNT, "a") == (Count("a", number + 1), number + 1)
    snapshot = log.storage.snapshot("count-a")
    assert snapshot is not None and snapshot[0] == 2 * SNAPSHOT_EVERY
    # with the commit that the snapshot names
    assert read == [max(0, SNAPSHOT_EVERY * (number // SNAPSHOT_EVERY) - 1) for number in range(3 * SNAPSHOT_EVERY)]


def test_of_a_case_that_was_loaded_before_only_what_is_new_is_read(
    log: EventLog, second: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(log, 1, "c-1")
    assert load(log, COUNT, "a") == (Count("a", 1), 1)
    ask(second, 2, "c-2")
    read = reads(log, monkeypatch)
    assert load(log, COUNT, "a") == (Count("a", 3), 2), "another process wrote the second"
    assert ask(log, 4, "c-3").version == 3
    assert load(log, COUNT, "a") == (Count("a", 7), 3)
    assert read == [1, 3]


def test_a_decision_on_what_is_remembered_asks_for_nothing(
    log: EventLog, second: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for a new case nor for one that this process wrote last; what it remembers is as the log has it."""
    read = reads(log, monkeypatch)
    for number in range(SNAPSHOT_EVERY + 5):
        assert ask(log, number + 1, f"c-{number}").version == number + 1
    assert read == []
    assert load(log, COUNT, "a") == load(second, COUNT, "a")


def test_nothing_is_decided_on_what_is_remembered_alone(log: EventLog, second: EventLog) -> None:
    """It may allow what the log does not, and refuse or find needless what is neither."""
    ask(log, 3, "c-1", most=5)
    ask(second, 2, "c-2")
    with pytest.raises(IllegalStateError, match="too much"):
        ask(log, 2, "c-3", most=5)
    ask(second, -5, "c-4")
    assert ask(log, 4, "c-5", most=5).version == 4
    assert load(log, COUNT, "a") == (Count("a", 4), 4)

    def empty(count: Count, *, by: Mandate, at: str) -> list[Event]:
        return [Counted(number=-count.total)] if count.total else []

    ask(log, -4, "c-6")
    ask(second, 9, "c-7")
    context = CallContext(kind="person", actor="p-1", command_id="c-8", occurred="2025-01-01T00:00:00+08:00")
    assert execute(log, COUNT, "a", empty, context=context, mandate=BY, command="empty").events == 1
    assert load(second, COUNT, "a") == (Count("a", 0), 7)


def test_a_case_that_another_process_began_is_not_begun_again(log: EventLog, second: EventLog) -> None:
    assert ask(second, 3, "c-1").version == 1
    assert ask(log, 4, "c-2").version == 2
    assert ask(log, 4, "c-2").version == 2, "the first receipt"
    assert load(log, COUNT, "a") == load(second, COUNT, "a") == (Count("a", 7), 2)


def test_a_decision_that_trips_over_what_is_remembered_is_made_on_what_the_log_says(
    log: EventLog, second: EventLog
) -> None:
    """Those who decide on a case may rely on it being there; a process that does not know it yet must not fail over that."""

    def halve(count: Count, *, by: Mandate, at: str) -> list[Event]:
        return [Counted(number=-(12 // count.total))]

    ask(second, 3, "c-1")
    context = CallContext(kind="person", actor="p-1", command_id="c-2", occurred="2025-01-01T00:00:00+08:00")
    assert execute(log, COUNT, "a", halve, context=context, mandate=BY, command="halve").version == 2
    assert load(second, COUNT, "a") == (Count("a", -1), 2)
    with pytest.raises(ZeroDivisionError):
        execute(log, COUNT, "b", halve, context=context, mandate=BY, command="halve")


def test_a_snapshot_that_cannot_be_stored_hides_no_receipt(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise UnavailableError("the disk is full")

    monkeypatch.setattr(log.storage, "save_snapshot", full)
    assert [ask(log, 1, f"c-{number}").version for number in range(SNAPSHOT_EVERY + 3)][-1] == SNAPSHOT_EVERY + 3
    monkeypatch.undo()
    ask(log, 1, "c-last")
    snapshot = log.storage.snapshot("count-a")
    assert snapshot is not None and snapshot[0] == SNAPSHOT_EVERY + 3


def test_only_the_states_that_were_loaded_last_are_remembered(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.log.remembered.REMEMBERED_STATES", 3)
    for id in ("a", "b", "c", "a", "d"):
        load(log, COUNT, id)
    assert list(log.remembered._states) == ["count-c", "count-a", "count-d"]


def test_a_snapshot_is_of_what_the_log_holds(log: EventLog, second: EventLog) -> None:
    """Not of what was decided here, where another process wrote the same command first."""
    for number in range(SNAPSHOT_EVERY):
        ask(log, 1, f"c-{number}")

    def decide(count: Count, *, by: Mandate, at: str) -> list[Event]:
        execute(second, COUNT, "a", add, context=context, mandate=BY, command="twice", number=5)
        return [Counted(number=7)]

    context = CallContext(kind="person", actor="p-1", command_id="twin", occurred="2025-01-01T00:00:00+08:00")
    receipt = execute(log, COUNT, "a", decide, context=context, mandate=BY, command="twice")
    assert receipt.version == SNAPSHOT_EVERY + 1
    assert load(log, COUNT, "a") == load(second, COUNT, "a") == (Count("a", SNAPSHOT_EVERY + 5), SNAPSHOT_EVERY + 1)
    snapshot = log.storage.snapshot("count-a")
    assert snapshot is not None and snapshot[0] == SNAPSHOT_EVERY


def test_a_snapshot_of_other_code_is_not_used(log: EventLog) -> None:
    ask(log, 1, "c-1")
    log.storage.save_snapshot("count-a", 1, "another shape", b'{"id":"a","total":999}')
    assert load(log, COUNT, "a") == (Count("a", 1), 1)


def forge(log: EventLog, **other: Any) -> None:
    """Write a snapshot as who can write to the store, but does not know the city's secret."""
    stored = log.storage.snapshot("count-a")
    assert stored is not None
    version, shape, text = stored
    forged = msgspec.json.decode(text) | other
    log.storage.save_snapshot("count-a", version, shape, msgspec.json.encode(forged))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"state": {"id": "a", "total": 999}}, "does not follow from its facts"),
        ({"digest": "0" * 64}, "does not stand on the commit"),
        ({"latest": "2020-01-01T00:00:00+08:00"}, "does not follow from its facts"),
        ({"state": {"id": 7}}, "cannot be read"),
    ],
)
def test_a_forged_snapshot_is_not_used_and_verify_names_it(log: EventLog, other: dict[str, Any], told: str) -> None:
    log.codes = Codes((b"s" * 32,), PURPOSE)
    for number in range(SNAPSHOT_EVERY + 2):
        ask(log, 1, f"c-{number}")
    assert verify(log, [COUNT]) == (1, 0)
    forge(log, **other)
    log.remembered = Remembered()
    assert load(log, COUNT, "a") == (Count("a", SNAPSHOT_EVERY + 2), SNAPSHOT_EVERY + 2)
    with pytest.raises(CorruptionError, match=told):
        verify(log, [COUNT])


def test_a_snapshot_of_a_version_that_never_was_is_not_used(log: EventLog) -> None:
    """As when an older log was put back beside newer snapshots; also where nobody knows a secret."""
    for number in range(SNAPSHOT_EVERY + 1):
        ask(log, 1, f"c-{number}")
    version, shape, text = log.storage.snapshot("count-a") or (0, "", b"")
    log.storage.save_snapshot("count-b", version, shape, text)
    assert load(log, COUNT, "b") == (Count("b", 0), 0)
    with pytest.raises(CorruptionError, match="count-b is of version 20, which it never had"):
        verify(log, [COUNT])


# -- order in time --


def at(moment: str, command_id: str, kind: Any = "person", at_once: bool = False) -> CallContext:
    return CallContext(kind=kind, actor="p-1", command_id=command_id, occurred=moment, at_once=at_once)


def count(log: EventLog, context: CallContext, decider: Any = COUNT) -> str:
    """When the fact that a command wrote is said to have happened."""
    execute(log, decider, "a", add, context=context, mandate=BY, command="add", number=1)
    return list(log.read_stream(decider.stream("a")))[-1].occurred


FIRST, THEN, LAST = (f"2025-01-0{day}T00:00:00+08:00" for day in (1, 2, 3))


def test_within_one_thing_time_does_not_run_backwards(log: EventLog, second: EventLog) -> None:
    """Not in the process that wrote it, nor in another, nor in one that loads it from a snapshot."""
    for number in range(SNAPSHOT_EVERY + 2):
        count(log, at(THEN, f"c-{number}"))
    for process in (log, second):
        with pytest.raises(IllegalStateError, match="dated 2025-01-01 00:00:00, .* is of 2025-01-02 00:00:00"):
            count(process, at(FIRST, "late"))
    again = EventLog(log.name, log.storage)
    assert again.storage.snapshot("count-a") is not None
    with pytest.raises(IllegalStateError, match="is of 2025-01-02 00:00:00"):
        count(again, at(FIRST, "late"))
    assert count(again, at(THEN, "same")) == THEN


@pytest.mark.parametrize(("kind", "at_once"), [("person", True), ("service", False)])
def test_what_happens_at_once_or_by_a_service_takes_the_later_moment(log: EventLog, kind: Any, at_once: bool) -> None:
    assert count(log, at(THEN, "c-1", kind, at_once)) == THEN
    assert count(log, at(FIRST, "c-2", kind, at_once)) == THEN
    assert count(log, at(LAST, "c-3", kind, at_once)) == LAST


def test_a_mark_of_the_clock_stands_in_nobody_s_way(log: EventLog) -> None:
    marked = Decider("mark", Codec((Counted,)), Count, Count, evolve, lambda count: "350104", marks=(Counted,))
    assert [count(log, at(moment, moment), marked) for moment in (LAST, FIRST)] == [LAST, FIRST]


def test_what_is_held_must_have_begun(log: EventLog) -> None:
    def use(
        count: Count, *, by: Mandate, at: str, other: Annotated[Count, holds(COUNT, "named")], named: str
    ) -> list[Event]:
        return [Counted(number=1)]

    execute(log, COUNT, "other", add, context=at(THEN, "c-1"), mandate=BY, command="add", number=1)
    given: dict[str, Any] = {
        "mandate": BY,
        "command": "use",
        "named": "other",
        "holds": {"other": holds(COUNT, "named")},
    }
    with pytest.raises(
        IllegalStateError, match="dated 2025-01-01 00:00:00, and the count .* only from 2025-01-02 00:00:00 on"
    ):
        execute(log, COUNT, "a", use, context=at(FIRST, "c-2"), **given)
    execute(log, COUNT, "other", add, context=at(LAST, "c-3"), mandate=BY, command="add", number=1)
    assert execute(log, COUNT, "a", use, context=at(THEN, "c-4"), **given).events == 1  # it may have gone on since


def test_an_import_is_recorded_as_one(log: EventLog) -> None:
    context = CallContext(kind="person", actor="p-1", command_id="c-1", occurred=FIRST, imported="operator:token")
    execute(log, COUNT, "a", add, context=context, mandate=BY, command="add", number=1)
    (record,) = log.read()
    assert (record.causation_id, record.actor) == ("import:operator:token", "p-1")

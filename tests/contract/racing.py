"""Writers that open an item where a case is not closed, against one that closes it where no item is open.

As a program: `racing.py sqlite|mongodb WHERE NAME RIVAL`, which does what both processes do at the same time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import msgspec

from shared.domain.errors import ConcurrencyError
from shared.domain.identity import new_id
from shared.log import Commit, EventLog, NewEvent, Part
from tests.contract.appending import open_storage

#: How many cases are fought over, and by how many openers of one process.
CASES, OPENERS = 12, 3


def event(type: str) -> NewEvent:
    """An event without content."""
    return NewEvent(type=type, schema=1, data=msgspec.Raw(b"{}"), id=new_id(), occurred="2026-01-01T00:00:00Z")


def items(case: int, names: str) -> list[str]:
    """The streams of the items that the processes of these names may open."""
    return [f"item-{case}-{name}{opener}" for name in names for opener in range(OPENERS)]


def _until_settled(attempt: Callable[[], Commit | None], log: EventLog) -> None:
    while wanted := attempt():
        try:
            log.append(wanted)
            return
        except ConcurrencyError:
            continue


def _commit(stream: str, type: str, held: dict[str, int], also: tuple[Part, ...] = ()) -> Commit:
    return Commit(
        stream=stream,
        expected_version=0,
        events=(event(type),),
        command=type,
        command_id=new_id(),
        actor="p-1",
        held=held,
        also=also,
    )


def opening(log: EventLog, case: int, item: str) -> Commit | None:
    """The commit that opens an item and counts it in a second stream; None when the case is closed."""
    records = list(log.read_stream(f"case-{case}"))
    if any(record.type == "Closed" for record in records):
        return None
    tally = f"tally-{item.rpartition('-')[2]}"
    counted = Part(stream=tally, expected_version=log.storage.stream_version(tally), events=(event("Counted"),))
    return _commit(item, "Opened", {f"case-{case}": len(records)}, (counted,))


def closing(log: EventLog, case: int, names: str) -> Commit | None:
    """The commit that closes a case; None when an item is open."""
    held = {item: log.storage.stream_version(item) for item in items(case, names)}
    return None if any(held.values()) else _commit(f"case-{case}", "Closed", held)


def race(log: EventLog, case: int, mine: str, names: str) -> None:
    """Everything that one process does about a case, in threads; it closes every second case first."""
    work = [partial(_until_settled, partial(opening, log, case, item), log) for item in items(case, mine)]
    if mine == names[0]:
        work.insert(0 if case % 2 else 1, partial(_until_settled, partial(closing, log, case, names), log))
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def both(log: EventLog, names: str) -> list[int]:
    """The cases that are closed although an item is open, or where neither happened."""
    version = log.storage.stream_version
    return [
        case
        for case in range(CASES)
        if bool(version(f"case-{case}")) == any(version(item) for item in items(case, names))
    ]


if __name__ == "__main__":
    kind, where, name, rival = sys.argv[1:]
    log = EventLog("test", open_storage(kind, where))
    for case in range(CASES):
        log.append(_commit(f"ready-{case}-{name}", "Ready", {}))
        until = time.monotonic() + 30
        while not list(log.read_stream(f"ready-{case}-{rival}")):
            assert time.monotonic() < until, f"{rival} does not come"
        race(log, case, name, "".join(sorted(name + rival)))
    log.close()

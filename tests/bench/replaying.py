"""Reading back: a whole log (P5), and one long case (P11)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from uuid import UUID

import msgspec

from shared.log import EventLog, Head
from shared.log.record import place_commit
from shared.runtime.execute import SNAPSHOT_EVERY, execute, load
from tests.bench import library
from tests.bench.measuring import LINLI, Bench, Figures, Row, Stopwatch, rate
from tests.bench.subject import CASE, CODEC, FIELDS, MANDATE, Case, commit, context, dispatch, evolve, open_log

RAW = "raw cursor and decode"
ON_SQLITE = "eventsourcing, SQLite"
SHORT = "case of 10 events"
_EVENTS = 100_000
_PER_CASE = 10
#: Every so many commits one is in the first shape of the event, which is upcast.
_OLD = 10


def write_history(folder: Path, scale: float) -> None:
    """The same events for all sides: one a commit, 10 to a case, every tenth in an older shape."""
    cases = int(_EVENTS * scale) // _PER_CASE
    log = open_log(folder)
    head = log.head()
    for version in range(_PER_CASE):
        placed = []
        for case in range(cases):
            new = commit(f"case-{case:08d}", version, schema=1 if case % _OLD == 0 else 2)
            placed.append(place_commit(new, head, version, "2026-03-01T01:00:00.000000Z"))
            head = Head(placed[-1].last_position, placed[-1].digest)
        log.storage.insert(placed)
    log.close()
    application = library.sqlite(folder)
    for number in range(0, cases, 100):
        batch = [library.LibraryCase() for _ in range(min(100, cases - number))]
        for case in batch:
            for _ in range(_PER_CASE - 1):
                case.dispatch(**FIELDS)
        application.save(*batch)
    application.close()


def replay(folder: Path, scale: float) -> Figures:
    """Read every record, decode (or upcast) its event, fold it into its case."""
    log = open_log(folder)
    cases: dict[str, Case] = {}
    count = 0
    decode = CODEC.decode
    with Stopwatch() as watch:
        for record in log.read():
            case = cases.get(record.stream) or Case(record.stream)
            cases[record.stream] = evolve(case, decode(record.type, record.schema, record.data))  # type: ignore[arg-type]
            count += 1
    log.close()
    assert all(case.handed == _PER_CASE for case in cases.values())
    return rate(count, watch)


def read_raw(folder: Path, scale: float) -> Figures:
    """The same rows through the driver's cursor, the bodies decoded to plain values and nothing done with them."""
    connection = sqlite3.connect(folder / "bench.log.sqlite")
    decode = msgspec.json.Decoder().decode
    count = 0
    with Stopwatch() as watch:
        for _, _, _, _, _, _, _, body in connection.execute(
            "SELECT position, last_position, stream, version, last_version, command_id, digest, body FROM commits ORDER BY position"
        ):
            count += len(decode(body)["events"])
    connection.close()
    return rate(count, watch)


def replay_library(folder: Path, scale: float) -> Figures:
    """Every aggregate from its repository, which reads, decodes and folds; a fifth of them, as it takes long."""
    application = library.sqlite(folder)
    with sqlite3.connect(folder / "library.sqlite") as connection:
        ids = [row[0] for row in connection.execute("SELECT DISTINCT originator_id FROM stored_events")][::5]
    wanted = list(map(UUID, ids))
    with Stopwatch() as watch:
        for case in wanted:
            aggregate = application.repository.get(case)
            assert aggregate.version == _PER_CASE
    application.close()
    return rate(_PER_CASE * len(wanted), watch)


def write_cases(folder: Path, scale: float) -> None:
    """One case of 10 events and one of 10,000, just before its next snapshot: the worst moment to load it."""
    log = open_log(folder)
    for name, events in (("short", 10), ("long", int(10_000 * scale) + SNAPSHOT_EVERY - 1)):
        for _ in range(events):
            execute(log, CASE, name, dispatch, context=context(), mandate=MANDATE, command="dispatch")
    log.close()


def _load_and_decide(folder: Path, name: str) -> Figures:
    log = open_log(folder)
    seconds = list(_timed(log, name))
    log.close()
    return {"ms": median(seconds) * 1000}


def _timed(log: EventLog, name: str) -> Iterator[float]:
    for _ in range(300):
        started = time.perf_counter()
        case, _ = load(log, CASE, name)
        assert dispatch(case, by=MANDATE, at="")
        yield time.perf_counter() - started


def load_long(folder: Path, scale: float) -> Figures:
    """Load the case of 10,000 events and decide on it."""
    return _load_and_decide(folder, "long")


def load_short(folder: Path, scale: float) -> Figures:
    """Load the case of 10 events and decide on it."""
    return _load_and_decide(folder, "short")


def benches() -> list[Bench]:
    """P5 and P11."""
    return [
        Bench(
            "P5",
            {LINLI: replay, RAW: read_raw, ON_SQLITE: replay_library},
            (
                Row("replay: read, decode, upcast, fold", "events/s", "rate", RAW, least=0.7),
                Row("replay: read, decode, upcast, fold", "events/s", "rate", ON_SQLITE, least=5.0),
            ),
            write_history,
            "100,000 events of 10,000 cases, every tenth case in an older shape; raw: the same rows, bodies decoded",
        ),
        Bench(
            "P11",
            {LINLI: load_long, SHORT: load_short},
            (Row("load and decide, 10,000 events", "ms", "ms", SHORT, most=2.0),),
            write_cases,
            "the long case stands just before its next snapshot",
        ),
    ]

"""Reading back: a whole log (P5), and one long case (P11)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from uuid import UUID

import msgspec
from eventsourcing.application import Application

from shared.following.execute import SNAPSHOT_EVERY, execute, load
from shared.log import Commit, EventLog
from shared.log.remembered import Remembered
from tests.bench import library
from tests.bench.appending import ON_POSTGRES, ON_SQLITE
from tests.bench.measuring import LINLI, Bench, Figures, Row, Run, Stopwatch, rate
from tests.bench.place import Place, bodies, log_in
from tests.bench.subject import CASE, CODEC, FIELDS, MANDATE, Case, commit, context, dispatch, evolve, fill

SHORT = "case of 10 events"
_EVENTS = 50_000
_LONG = 10_000
_LOADS = 300
_PER_CASE = 10
#: Every so many commits one is in the first shape of the event, which is upcast.
_OLD = 10


def write_history(folder: Path, scale: float) -> None:
    """The same events for all sides: one a commit, 10 to a case, every tenth in an older shape."""
    log = log_in(folder)
    fill(log, history(int(_EVENTS * scale)))
    log.close()


def history(events: int) -> Iterator[Commit]:
    """One event a commit, round the cases in turn."""
    for version in range(_PER_CASE):
        for case in range(events // _PER_CASE):
            yield commit(f"case-{case:08d}", version, schema=1 if case % _OLD == 0 else 2)


def write_library(application: Application[UUID], scale: float) -> list[UUID]:
    """A tenth of the cases as the library writes them, as reading all would take long; their ids."""
    cases = int(_EVENTS * scale) // _PER_CASE // 10
    ids: list[UUID] = []
    for number in range(0, cases, 100):
        batch = [library.LibraryCase() for _ in range(min(100, cases - number))]
        for case in batch:
            for _ in range(_PER_CASE - 1):
                case.dispatch(**FIELDS)
        application.save(*batch)
        ids += [case.id for case in batch]
    return ids


def replay(folder: Path, scale: float) -> Figures:
    """Read every record, decode (or upcast) its event, fold it into its case."""
    log = log_in(folder)
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
    """The same rows or documents through the driver's cursor, the bodies decoded to plain values and nothing done with them."""
    decode = msgspec.json.Decoder().decode
    count = 0
    with Stopwatch() as watch:
        for body in bodies(folder):
            count += len(decode(body)["events"])
    return rate(count, watch)


def replay_library(folder: Path, scale: float) -> Figures:
    """Every aggregate from its repository on SQLite, which reads, decodes and folds."""
    return _replay_library(library.sqlite(folder), scale)


def replay_library_postgres(environment: Mapping[str, str]) -> Run:
    """The same on PostgreSQL."""
    return lambda folder, scale: _replay_library(library.postgres(environment), scale)


def _replay_library(application: Application[UUID], scale: float) -> Figures:
    ids = write_library(application, scale)
    with Stopwatch() as watch:
        for case in ids:
            aggregate = application.repository.get(case)
            assert aggregate.version == _PER_CASE
    application.close()
    return rate(_PER_CASE * len(ids), watch)


def write_cases(folder: Path, scale: float) -> None:
    """One case of 10 events and one of 10,000, just before its next snapshot: the worst moment to load it.

    What the long one holds was brought in by the hundred; its last snapshot stands on a commit of one event, as in daily work.
    """
    log = log_in(folder)
    for version in range(int(_LONG * scale) // 100):
        log.append(commit("case-long", version * 100, 100))
    for name, events in (("short", 10), ("long", 2 * SNAPSHOT_EVERY)):
        for _ in range(events):
            execute(log, CASE, name, dispatch, context=context(), mandate=MANDATE, command="dispatch")
    log.close()


def _load_and_decide(folder: Path, name: str) -> Figures:
    log = log_in(folder)
    first, again = (
        list(_timed(log, name, lambda: setattr(log, "remembered", Remembered()))),
        list(_timed(log, name, lambda: None)),
    )
    log.close()
    return {"first": median(first) * 1000, "again": median(again) * 1000}


def _timed(log: EventLog, name: str, before: Callable[[], None]) -> Iterator[float]:
    for _ in range(_LOADS):
        before()
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


def benches(place: Place) -> list[Bench]:
    """P5 and P11."""
    raw = f"cursor of {place.database} and decode"
    on_library = ON_POSTGRES if place.city else ON_SQLITE
    sides: dict[str, Run] = {LINLI: replay, raw: read_raw}
    if not place.city:
        sides[ON_SQLITE] = replay_library
    elif place.postgres:
        sides[ON_POSTGRES] = replay_library_postgres(place.postgres)
    what = "replay: read, decode, upcast, fold"
    return [
        Bench(
            "P5",
            sides,
            (
                Row(what, "events/s", "rate", raw, least=0.7),
                Row(what, "events/s", "rate", on_library, least=5.0),
            ),
            write_history,
            f"{_EVENTS:,} events, 10 a case, every tenth case in an older shape; the library reads a tenth as many",
            {} if on_library in sides else {on_library: place.no_postgres},
        ),
        Bench(
            "P11",
            {LINLI: load_long, SHORT: load_short},
            (
                Row("load and decide, 10,000 events, unknown to the process", "ms", "first", SHORT, most=2.0),
                Row("same, loaded before", "ms", "again", SHORT, most=2.0),
            ),
            write_cases,
            "the long case stands just before its next snapshot",
        ),
    ]

"""Appending: one writer (P1), 32 writers (P2), 100 events a commit (P3), and what chain and tree cost (P4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from services.audit import merkle
from services.audit.ledger import LEDGER_VIEWS, LedgerFollower
from shared.log import Commit, EventLog
from shared.log.record import GENESIS
from shared.runtime.execute import execute
from shared.runtime.follow import PARKED
from shared.views.sqlite import SqliteViews
from tests.bench import library
from tests.bench.measuring import LINLI, Bench, Figures, Row, Run, Stopwatch, rate
from tests.bench.patched import in_patched_process
from tests.bench.subject import CASE, MANDATE, commits, context, dispatch, open_log

ON_SQLITE = "eventsourcing, SQLite"
ON_POSTGRES = "eventsourcing, PostgreSQL"
WRITERS = 32
_COMMITS = 3_000
_EXECUTED = 1_500
_BY_WRITERS = 9_600


def append_alone(folder: Path, scale: float) -> Figures:
    """`EventLog.append` of one serialised event at a time."""
    log, prepared = open_log(folder), list(commits(int(_COMMITS * scale), 200))
    with Stopwatch() as watch:
        for commit in prepared:
            log.append(commit)
    log.close()
    return rate(len(prepared), watch)


def append_hundred(folder: Path, scale: float) -> Figures:
    """`EventLog.append` of 100 events at a time."""
    log, prepared = open_log(folder), list(commits(int(400 * scale), 20, 100))
    with Stopwatch() as watch:
        for commit in prepared:
            log.append(commit)
    log.close()
    return rate(100 * len(prepared), watch)


def execute_alone(folder: Path, scale: float) -> Figures:
    """`execute()`: load, decide, append."""
    log, count = open_log(folder), int(_EXECUTED * scale)
    with Stopwatch() as watch:
        for number in range(count):
            execute(log, CASE, f"{number % 200:08d}", dispatch, context=context(), mandate=MANDATE, command="dispatch")
    log.close()
    return rate(count, watch)


def library_alone(folder: Path, scale: float, events: int = 1, environment: Mapping[str, str] | None = None) -> Figures:
    """The recorder's `insert_events`, one transaction each."""
    application = library.postgres(environment) if environment else library.sqlite(folder)
    count, streams = (int(_COMMITS * scale), 200) if events == 1 else (int(400 * scale), 20)
    prepared = library.batches(count, streams, events)
    with Stopwatch() as watch:
        library.insert_all(application.recorder, prepared)
    application.close()
    return rate(count * events, watch)


def library_application(folder: Path, scale: float, environment: Mapping[str, str] | None = None) -> Figures:
    """The application's way: load the aggregate, call its method, save."""
    application = library.postgres(environment) if environment else library.sqlite(folder)
    count = int(_EXECUTED * scale)
    cases = [library.LibraryCase() for _ in range(200)]
    application.save(*cases)
    with Stopwatch() as watch:
        for number in range(count):
            case: Any = application.repository.get(cases[number % 200].id)
            case.dispatch(**library.FIELDS)
            application.save(case)
    application.close()
    return rate(count, watch)


def in_threads(work: Callable[[Any], None], parts: Sequence[Any]) -> Stopwatch:
    """The time until a thread for each part has done it, all starting at once."""
    barrier = threading.Barrier(len(parts) + 1)
    failed: list[Exception] = []

    def run(part: Any) -> None:
        barrier.wait()
        try:
            work(part)
        except Exception as error:  # the figure would be wrong without it
            failed.append(error)

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    barrier.wait()
    with Stopwatch() as watch:
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
    return watch


def _shares(count: int) -> list[list[Commit]]:
    """Commits for each writer, on streams nobody else writes to."""
    return [list(commits(count // WRITERS, 8, name=f"case-{writer}")) for writer in range(WRITERS)]


def append_by_many(folder: Path, scale: float) -> Figures:
    """`EventLog.append` by 32 threads."""
    log, parts = open_log(folder), _shares(int(_BY_WRITERS * scale))

    def write(part: Sequence[Commit]) -> None:
        for commit in part:
            log.append(commit)

    watch = in_threads(write, parts)
    log.close()
    return rate(sum(map(len, parts)), watch)


def append_by_many_green(folder: Path, scale: float) -> Figures:
    """`EventLog.append` by 32 green threads, as commands run inside a service; in a process that eventlet has patched."""
    import eventlet

    log, parts = open_log(folder), _shares(int(_BY_WRITERS * scale))
    log = EventLog("bench", log.storage, gather=lambda: eventlet.sleep(0))
    pool = eventlet.GreenPool(WRITERS)

    def write(part: Sequence[Commit]) -> None:
        for commit in part:
            log.append(commit)

    with Stopwatch() as watch:
        for part in parts:
            pool.spawn(write, part)
        pool.waitall()
    log.close()
    return rate(sum(map(len, parts)), watch)


def library_by_many(environment: Mapping[str, str]) -> Run:
    """The recorder's `insert_events` by 32 threads with a connection each."""

    def run(folder: Path, scale: float) -> Figures:
        application = library.postgres(environment)
        parts = [library.batches(int(_BY_WRITERS * scale) // 4 // WRITERS, 8) for _ in range(WRITERS)]
        watch = in_threads(lambda part: library.insert_all(application.recorder, part), parts)
        application.close()
        return rate(sum(map(len, parts)), watch)

    return run


class _NoDigest:
    """Stands in for SHA-256: the same for everything."""

    def __init__(self, text: bytes = b"") -> None:
        pass

    def hexdigest(self) -> str:
        """A constant."""
        return GENESIS

    def digest(self) -> bytes:
        """A constant."""
        return bytes(32)


@contextmanager
def _without_chain_and_tree() -> Iterator[None]:
    with (
        mock.patch("shared.log.record.sha256", _NoDigest),
        mock.patch.object(merkle, "append", lambda read, size, leaves: {}),
    ):
        yield


def append_and_enter(folder: Path, scale: float) -> Figures:
    """32 writers append, then every fact is entered into the city ledger: microseconds an event, first part and whole."""
    log, parts = open_log(folder), _shares(int(_BY_WRITERS * scale))
    views = SqliteViews(folder / "ledger.sqlite", (*LEDGER_VIEWS, PARKED), durable=True)
    follower = LedgerFollower("bench", LEDGER_VIEWS, views, lambda record: None)

    def write(part: Sequence[Commit]) -> None:
        for commit in part:
            log.append(commit)

    appending = in_threads(write, parts)
    with Stopwatch() as entering:
        while records := list(log.read(follower.position, limit=200)):
            follower.apply(records)
    count = sum(map(len, parts))
    assert follower.position == count
    views.close()
    log.close()
    return {"append": appending.seconds / count * 1e6, "whole": (appending.seconds + entering.seconds) / count * 1e6}


def append_and_enter_bare(folder: Path, scale: float) -> Figures:
    """The same with every digest a constant and no nodes of the tree."""
    with _without_chain_and_tree():
        return append_and_enter(folder, scale)


def benches(environment: Mapping[str, str] | None, missing: str) -> list[Bench]:
    """P1 to P4; `environment` reaches a PostgreSQL, `missing` says why there is none."""
    postgres: dict[str, Run] = {}
    postgres_application: dict[str, Run] = {}
    postgres_writers: dict[str, Run] = {}
    if environment:
        postgres[ON_POSTGRES] = lambda folder, scale: library_alone(folder, scale, 1, environment)
        postgres_application[f"{ON_POSTGRES}, save"] = lambda folder, scale: library_application(
            folder, scale, environment
        )
        postgres_writers[ON_POSTGRES] = library_by_many(environment)
    absent = {} if environment else {ON_POSTGRES: missing, f"{ON_POSTGRES}, save": missing}
    green = "Linli, green threads"
    bare = "without chain and tree"
    return [
        Bench(
            "P1",
            {LINLI: append_alone, ON_SQLITE: library_alone, **postgres},
            (
                Row("append, 1 writer, 1 event a commit", "events/s", "rate", ON_SQLITE, least=1.0),
                Row("append, 1 writer, 1 event a commit", "events/s", "rate", ON_POSTGRES),
            ),
            note="EventLog.append against the recorder's insert_events, both given serialised events",
            missing=absent,
        ),
        Bench(
            "P1",
            {LINLI: execute_alone, f"{ON_SQLITE}, save": library_application, **postgres_application},
            (
                Row("load, decide, append", "commands/s", "rate", f"{ON_SQLITE}, save", least=1.0),
                Row("load, decide, append", "commands/s", "rate", f"{ON_POSTGRES}, save"),
            ),
            note="execute() against repository.get, method, save; the bound against PostgreSQL is for the city shape",
            missing=absent,
        ),
        Bench(
            "P2",
            {
                LINLI: append_by_many,
                green: lambda folder, scale: in_patched_process(append_by_many_green, folder, scale),
                **postgres_writers,
            },
            (
                Row("append, 32 threads", "events/s", "rate", ON_POSTGRES, least=10.0, floor=15_000),
                Row("append, 32 green threads", "events/s", "rate", ON_POSTGRES, least=10.0, floor=15_000, side=green),
            ),
            note="different streams, 1 event a commit; a connection each for the library",
            missing=absent,
        ),
        Bench(
            "P3",
            {LINLI: append_hundred, ON_SQLITE: lambda folder, scale: library_alone(folder, scale, 100)},
            (Row("append, 100 events a commit", "events/s", "rate", ON_SQLITE, least=1.0),),
        ),
        Bench(
            "P4",
            {LINLI: append_and_enter, bare: append_and_enter_bare},
            (
                Row("append with the chain", "µs/event", "append", bare, most=1.03),
                Row("append and enter into the ledger", "µs/event", "whole", bare, most=1.03),
            ),
            note="bare: digests are a constant and the tree has no nodes; the ledger's entries are written by both",
        ),
    ]

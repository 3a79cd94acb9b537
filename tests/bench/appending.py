"""Appending: one writer (P1), 32 writers (P2), 100 events a commit (P3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.following.execute import execute
from shared.log import Commit
from tests.bench import library
from tests.bench.measuring import LINLI, Bench, Figures, Row, Run, Stopwatch, rate
from tests.bench.patched import patched
from tests.bench.place import Place, log_in
from tests.bench.subject import CASE, MANDATE, commits, context, dispatch

ON_SQLITE = "eventsourcing, SQLite"
ON_POSTGRES = "eventsourcing, PostgreSQL"
WRITERS = 32
BY_WRITERS = 3_200
_COMMITS = 1_000
_HUNDREDS = 100
_EXECUTED = 400
Environment = Mapping[str, str]


def append_alone(folder: Path, scale: float) -> Figures:
    """`EventLog.append` of one serialised event at a time."""
    log, prepared = log_in(folder), list(commits(int(_COMMITS * scale), 200))
    with Stopwatch() as watch:
        for commit in prepared:
            log.append(commit)
    log.close()
    return rate(len(prepared), watch)


def append_hundred(folder: Path, scale: float) -> Figures:
    """`EventLog.append` of 100 events at a time."""
    log, prepared = log_in(folder), list(commits(int(_HUNDREDS * scale), 20, 100))
    with Stopwatch() as watch:
        for commit in prepared:
            log.append(commit)
    log.close()
    return rate(100 * len(prepared), watch)


def execute_alone(folder: Path, scale: float) -> Figures:
    """`execute()`: load, decide, append."""
    log, count = log_in(folder), int(_EXECUTED * scale)
    with Stopwatch() as watch:
        for number in range(count):
            execute(log, CASE, f"{number % 200:08d}", dispatch, context=context(), mandate=MANDATE, command="dispatch")
    log.close()
    return rate(count, watch)


def library_alone(folder: Path, scale: float, events: int = 1, environment: Environment | None = None) -> Figures:
    """The recorder's `insert_events`, one transaction each."""
    application = library.postgres(environment) if environment else library.sqlite(folder)
    count, streams = (int(_COMMITS * scale), 200) if events == 1 else (int(_HUNDREDS * scale), 20)
    prepared = library.batches(count, streams, events)
    with Stopwatch() as watch:
        library.insert_all(application.recorder, prepared)
    application.close()
    return rate(count * events, watch)


def library_application(folder: Path, scale: float, environment: Environment | None = None) -> Figures:
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


def shares(count: int) -> list[list[Commit]]:
    """Commits for each writer, on streams nobody else writes to."""
    return [list(commits(count // WRITERS, 8, name=f"case-{writer}")) for writer in range(WRITERS)]


def append_by_many(folder: Path, scale: float) -> Figures:
    """`EventLog.append` by 32 threads."""
    log, parts = log_in(folder), shares(int(BY_WRITERS * scale))

    def write(part: Sequence[Commit]) -> None:
        for commit in part:
            log.append(commit)

    watch = in_threads(write, parts)
    log.close()
    return rate(sum(map(len, parts)), watch)


def append_by_many_green(folder: Path, scale: float) -> Figures:
    """`EventLog.append` by 32 green threads, as commands run inside a service; in a process that eventlet has patched."""
    import eventlet

    log, parts = (
        log_in(folder, gather=lambda: eventlet.sleep(0)),
        shares(int(BY_WRITERS * scale)),
    )  # as services gather commands
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


def library_by_many(environment: Environment) -> Run:
    """The recorder's `insert_events` by 32 threads with a connection each."""

    def run(folder: Path, scale: float) -> Figures:
        application = library.postgres(environment)
        parts = [library.batches(int(BY_WRITERS * scale) // 4 // WRITERS, 8) for _ in range(WRITERS)]
        watch = in_threads(lambda part: library.insert_all(application.recorder, part), parts)
        application.close()
        return rate(sum(map(len, parts)), watch)

    return run


def benches(place: Place) -> list[Bench]:
    """P1 to P3: the library stores on PostgreSQL, and beside an embedded Linli on SQLite too."""
    environment = place.postgres
    on_postgres: dict[str, Run] = {}
    saved_on_postgres: dict[str, Run] = {}
    by_many: dict[str, Run] = {}
    hundreds: dict[str, Run] = {}
    saved = f"{ON_SQLITE}, save"
    postgres_saved = f"{ON_POSTGRES}, save"
    if environment:
        on_postgres[ON_POSTGRES] = lambda folder, scale: library_alone(folder, scale, 1, environment)
        saved_on_postgres[postgres_saved] = lambda folder, scale: library_application(folder, scale, environment)
        by_many[ON_POSTGRES] = library_by_many(environment)
        hundreds[ON_POSTGRES] = lambda folder, scale: library_alone(folder, scale, 100, environment)
    absent = {} if environment else {ON_POSTGRES: place.no_postgres, postgres_saved: place.no_postgres}
    green = "Linli, green threads"
    alone, hundred, whole = "append, 1 writer, 1 event a commit", "append, 100 events a commit", "load, decide, append"
    wanted = 1.5 if place.city else None
    return [
        Bench(
            "P1",
            {LINLI: append_alone} | ({} if place.city else {ON_SQLITE: library_alone}) | on_postgres,
            (
                *(() if place.city else (Row(alone, "events/s", "rate", ON_SQLITE, least=1.0),)),
                Row(alone, "events/s", "rate", ON_POSTGRES, least=wanted),
            ),
            note="EventLog.append against the recorder's insert_events, both given serialised events",
            missing=absent,
        ),
        Bench(
            "P1",
            {LINLI: execute_alone} | ({} if place.city else {saved: library_application}) | saved_on_postgres,
            (
                *(() if place.city else (Row(whole, "commands/s", "rate", saved, least=1.0),)),
                Row(whole, "commands/s", "rate", postgres_saved, least=wanted),
            ),
            note="execute() against repository.get, method, save",
            missing=absent,
        ),
        Bench(
            "P2",
            {LINLI: append_by_many, green: patched(append_by_many_green), **by_many},
            (
                Row("append, 32 threads", "events/s", "rate", ON_POSTGRES, least=10.0, floor=15_000),
                Row("append, 32 green threads", "events/s", "rate", ON_POSTGRES, least=10.0, floor=15_000, side=green),
            ),
            note="different streams, 1 event a commit; a connection each for the library",
            missing=absent,
        ),
        Bench(
            "P3",
            {LINLI: append_hundred, ON_SQLITE: lambda folder, scale: library_alone(folder, scale, 100)}
            | (hundreds if place.city else {}),
            (
                Row(hundred, "events/s", "rate", ON_SQLITE, least=1.0),
                *((Row(hundred, "events/s", "rate", ON_POSTGRES),) if place.city else ()),
            ),
            missing=absent,
        ),
    ]

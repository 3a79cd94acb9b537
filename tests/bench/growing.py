"""What must not grow with history: rebuilding views (P6) with memory, appending (P12) with the length of the log."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import eventlet
import msgspec
from pymongo import ReplaceOne

from shared.domain.view import Row as ViewRow
from shared.domain.view import View
from shared.following.definition import Definition
from shared.following.node import ServiceRuntime
from shared.following.rebuilding import rebuild
from shared.log import Commit, EventLog
from shared.mongodb import majority
from tests.bench.measuring import LINLI, Bench, Figures, Row, Stopwatch, percentile
from tests.bench.patched import patched
from tests.bench.place import CITY, EMBEDDED, Place, bodies, database, in_city, log_in, service_of, views_in
from tests.bench.subject import CASE, CaseDispatched, commit, commits, fill

TENTH = "Linli, a tenth of the events"
SHORT_LOG = "log of 10,000 events"
#: Events that are rebuilt, by shape, and that a log holds before the append that is timed; with `--full` as many as the aims name.
_REBUILT = {EMBEDDED: 30_000, CITY: 6_000}
_ALL_REBUILT = {EMBEDDED: 1_000_000, CITY: 100_000}  # so many take the stand-in as long as a million take SQLite
_LONG, _ALL_LONG = 300_000, 10_000_000
_SHORT = 10_000
_PER_COMMIT = 10  # in the logs that are appended to
_PER_CASE, _AT_A_TIME = 10, 60  # in the log that is rebuilt from
_APPENDED = 1_000
_BULK = 1_000
_READ_EVERY = 0.02  # seconds


def _definition(name: str) -> Definition:
    """Two views: a row per case, filtered by person and date, and a count for each of a hundred districts."""

    def case(row: ViewRow, event: CaseDispatched, record: Any, key: str) -> ViewRow:
        return {"person": event.person_id, "due": event.due, "handed": row.get("handed", 0) + 1}

    def district(row: ViewRow, event: CaseDispatched, record: Any, key: str) -> ViewRow:
        return {"handed": row.get("handed", 0) + 1}

    worklist = View("worklist", name, lambda event, record: event.case_id, case, (("person", "due"),))
    districts = View("districts", name, lambda event, record: event.case_id[-2:], district)
    return Definition(name, (CASE,), (worklist, districts))


def _node(folder: Path, name: str) -> ServiceRuntime:
    definition = _definition(service_of(folder) + name)
    return ServiceRuntime(definition, log_in(folder, name), views_in(folder, definition.all_views, name))


def _in_blocks(cases: int) -> Iterator[Commit]:
    """Ten events a case, sixty cases at a time in turn: a batch of facts touches as many rows in a short log as in a long one."""
    for start in range(0, cases, _AT_A_TIME):
        for version in range(_PER_CASE):
            for case in range(start, min(start + _AT_A_TIME, cases)):
                yield commit(f"case-{case:08d}", version)


def write_and_project(events: int) -> Callable[[Path, float], None]:
    """A log of so many events with its views, and beside it a tenth of it."""

    def prepare(folder: Path, scale: float) -> None:
        for name, count in (("_whole", int(events * scale)), ("_tenth", int(events * scale) // 10)):
            node = _node(folder, name)
            fill(node.log, _in_blocks(count // _PER_CASE))
            while node.apply_own():
                pass
            node.close()

    return prepare


class Reader:
    """A green thread that reads a row of the views that are in use, fifty times a second, and notes when it had to wait."""

    def __init__(self, node: ServiceRuntime) -> None:
        self._node = node
        self._waits: list[float] = []
        self._cases = node.log.head().position // _PER_CASE
        self._ended = False
        self._thread = eventlet.spawn(self._read)

    def _read(self) -> None:
        due = time.perf_counter()
        while True:
            row = self._node.views.get("worklist", f"case-{random.randrange(self._cases):08d}")
            assert row is not None and row["handed"] == _PER_CASE, "a read saw views that are being built"
            now = time.perf_counter()
            self._waits.append((now - due) * 1000)
            if self._ended:
                return
            due = max(due + _READ_EVERY, now)  # reads that could not even begin are not made up for
            eventlet.sleep(due - now)  # the chosen rate of reads

    def end(self) -> Figures:
        """Milliseconds between the moment a read was due and its answer."""
        self._ended = True
        self._thread.wait()
        return {"read_p99": percentile(self._waits, 0.99)}


def _measured(folder: Path, name: str, rebuild: Callable[[ServiceRuntime], None]) -> Figures:
    """Seconds, events a second, how long reads took meanwhile, and the most memory that the process ever held (MB)."""
    node = _node(folder, name)
    reader = Reader(node)
    eventlet.sleep(0.1)  # the reader begins
    with Stopwatch() as watch:
        rebuild(node)
    waits = reader.end()
    events = node.log.head().position
    return {"seconds": watch.seconds, "rate": events / watch.seconds, "resident": _most_resident(), **waits}


def _most_resident() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1000


def _rebuild(node: ServiceRuntime) -> None:
    assert rebuild(node, lambda source, after, limit: []) == node.log.head().position


def rebuild_whole(folder: Path, scale: float) -> Figures:
    """All views anew from the log while the former ones are read, then the swap."""
    return _measured(folder, "_whole", _rebuild)


def rebuild_tenth(folder: Path, scale: float) -> Figures:
    """The same with a tenth of the events."""
    return _measured(folder, "_tenth", _rebuild)


def write_raw(folder: Path, scale: float) -> Figures:
    """Bodies through the driver's cursor, decoded to plain values, and the same rows written a thousand events at a time."""

    def work(node: ServiceRuntime) -> None:
        write = _raw_mongo(folder) if in_city() else _raw_sqlite(folder)
        for rows, counts in _raw_rows(bodies(folder, "_whole")):
            write(rows, counts)
            eventlet.sleep(0)  # the reads get their turn here too

    return _measured(folder, "_whole", work)


def _raw_rows(found: Iterator[bytes]) -> Iterator[tuple[dict[str, Any], dict[str, int]]]:
    """Rows of the cases and of the districts that a thousand events change; what was counted before stays in memory."""
    decode = msgspec.json.Decoder().decode
    districts: dict[str, int] = {}
    rows: dict[str, Any] = {}
    seen = 0
    for body in found:
        content = decode(body)
        for number, event in enumerate(content["events"]):
            data = event["data"]
            rows[data["case_id"]] = (data["person_id"], data["due"], content["version"] + number)
            district = data["case_id"][-2:]
            districts[district] = districts.get(district, 0) + 1
            seen += 1
        if seen >= _BULK:
            yield rows, districts
            rows, seen = {}, 0
    yield rows, districts


def _raw_mongo(folder: Path) -> Callable[[dict[str, Any], dict[str, int]], None]:
    target = majority(database(folder, service_of(folder) + "_raw"))
    target.client.drop_database(target.name)
    target["worklist"].create_index([("person", 1), ("due", 1)])

    def write(rows: dict[str, Any], counts: dict[str, int]) -> None:
        for name, documents in (
            ("worklist", [{"_id": key, "person": p, "due": d, "handed": h} for key, (p, d, h) in rows.items()]),
            ("districts", [{"_id": key, "handed": handed} for key, handed in counts.items()]),
        ):
            if documents:
                changes = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents]
                target[name].bulk_write(changes, ordered=False)

    return write


def _raw_sqlite(folder: Path) -> Callable[[dict[str, Any], dict[str, int]], None]:
    path = folder / "raw.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE districts (key TEXT PRIMARY KEY, handed INT);"
        "CREATE TABLE worklist (key TEXT PRIMARY KEY, person TEXT, due TEXT, handed INT);"
        "CREATE INDEX by_person ON worklist (person, due)"
    )

    def write(rows: dict[str, Any], counts: dict[str, int]) -> None:
        connection.execute("BEGIN")
        cases = [(key, *values) for key, values in rows.items()]
        connection.executemany("INSERT OR REPLACE INTO worklist VALUES (?, ?, ?, ?)", cases)
        connection.executemany("INSERT OR REPLACE INTO districts VALUES (?, ?)", counts.items())
        connection.execute("COMMIT")

    return write


def write_logs(events: int) -> Callable[[Path, float], None]:
    """A long log of ten events a commit, and a short one."""

    def prepare(folder: Path, scale: float) -> None:
        for name, count in (("_long", int(events * scale)), ("_short", _SHORT)):
            log = log_in(folder, name)
            fill(log, commits(count // _PER_COMMIT, max(1, count // 100), _PER_COMMIT))
            log.close()

    return prepare


def _append(log: EventLog, scale: float) -> Iterator[float]:
    for number in range(int(_APPENDED * scale)):
        new = commit(f"new-{time.monotonic_ns()}-{number}", 0)
        started = time.perf_counter()
        log.append(new)
        yield (time.perf_counter() - started) * 1000


def _append_to(folder: Path, name: str, scale: float) -> Figures:
    log = log_in(folder, name)
    list(_append(log, 20 / _APPENDED))  # connections, first pages
    waits = list(_append(log, scale))
    log.close()
    return {"p50": percentile(waits, 0.5), "p99": percentile(waits, 0.99)}


def append_to_long(folder: Path, scale: float) -> Figures:
    """Single events, one after the other, each on a stream of its own."""
    return _append_to(folder, "_long", scale)


def append_to_short(folder: Path, scale: float) -> Figures:
    """The same on the short log."""
    return _append_to(folder, "_short", scale)


def benches(place: Place) -> list[Bench]:
    """P6 and P12."""
    rebuilt = (_ALL_REBUILT if place.full else _REBUILT)[place.shape]
    long = _ALL_LONG if place.full else _LONG
    raw = f"cursor of {place.database}, bulk write"
    return [
        Bench(
            "P6",
            {LINLI: patched(rebuild_whole), raw: patched(write_raw), TENTH: patched(rebuild_tenth)},
            (
                Row(f"rebuild views of {rebuilt:,} events while they are read", "events/s", "rate", raw, least=0.7),
                Row("same: memory of the process at most", "MB", "resident", ceiling=300),
                Row("same: time, with ten times the events", "s", "seconds", TENTH, most=11.0),
                Row("same: a read meanwhile, p99", "ms", "read_p99", raw),
            ),
            write_and_project(rebuilt),
            "two views, ten events a case; 50 reads a second of the views in use",
        ),
        Bench(
            "P12",
            {LINLI: append_to_long, SHORT_LOG: append_to_short},
            (
                Row(f"append to a log of {long:,} events, p99", "ms", "p99", SHORT_LOG, most=1.2),
                Row(f"append to a log of {long:,} events, p50", "ms", "p50", SHORT_LOG),
            ),
            write_logs(long),
            f"one event a commit, one writer; the logs were filled with {_PER_COMMIT} events a commit",
        ),
    ]

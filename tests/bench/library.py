"""The `eventsourcing` library doing the same work, on SQLite files and on PostgreSQL.

Its recorders are compared with `EventLog.append` (serialised events in, durable events out) and its application with `execute()`
(load, decide, append). SQLite runs as the library sets it up: write-ahead log, `synchronous=FULL`; PostgreSQL with its defaults,
`synchronous_commit=on` and `fsync=on` (both are checked before anything is measured).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ApplicationRecorder, StoredEvent

from tests.bench.subject import CODEC, FIELDS, CaseDispatched

VERSION = importlib.metadata.version("eventsourcing")


class LibraryCase(Aggregate):
    """The same case as the library writes it."""

    def __init__(self) -> None:
        self.handed = 0
        self.person_id = ""
        self.due = ""

    @event("Dispatched")
    def dispatch(self, organisation_id: str, person_id: str, duty: str, due: str, calendar: str) -> None:
        """Hand the case on."""
        self.handed += 1
        self.person_id = person_id
        self.due = due


def sqlite(folder: Path) -> Application[UUID]:
    """An application on a SQLite file; raises `RuntimeError` when an append would not be synced to disk."""
    name = folder / "library.sqlite"
    application: Application[UUID] = Application(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(name)}
    )
    recorder: Any = application.recorder
    with recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        if cursor.fetchone()[0] < 2:
            raise RuntimeError("this SQLite does not sync on commit by default; the comparison would not be fair")
    return application


def postgres(environment: Mapping[str, str]) -> Application[UUID]:
    """An application on PostgreSQL with tables of its own; raises `RuntimeError` when commits are not synced."""

    class_name = f"Bench{uuid4().hex[:12]}"
    application_class = type(class_name, (Application,), {"name": class_name})
    application: Application[UUID] = application_class(env=dict(environment))
    recorder: Any = application.recorder
    with recorder.datastore.transaction(commit=False) as cursor:
        for setting in ("fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {setting}")
            if next(iter(cursor.fetchone().values())) != "on":
                raise RuntimeError(f"PostgreSQL runs with {setting} off; the comparison would not be fair")
    return application


def stored(case: UUID, version: int, events: int = 1) -> list[StoredEvent]:
    """Serialised events of one case, as its recorders take them: the same JSON text that Linli stores."""
    state = CODEC.encode(CaseDispatched(case_id=str(case), **FIELDS))
    return [
        StoredEvent(
            originator_id=case,
            originator_version=version + number,
            topic="tests.bench.subject:CaseDispatched",
            state=state,
        )
        for number in range(events)
    ]


def batches(count: int, streams: int, events: int = 1) -> list[list[StoredEvent]]:
    """What `insert_events` gets, made before the clock runs: cases in turn."""
    cases = [uuid4() for _ in range(streams)]
    return [stored(cases[number % streams], number // streams * events + 1, events) for number in range(count)]


def insert_all(recorder: ApplicationRecorder, prepared: list[list[StoredEvent]]) -> None:
    """One transaction each."""
    for events in prepared:
        recorder.insert_events(events)

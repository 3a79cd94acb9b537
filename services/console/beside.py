"""What decides besides the records, checked by `linli verify`: shapes of files, snapshots, parked facts, personal keys.

What cannot be checked is named, so that nobody takes silence for proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from services.audit.ledger import rows_of
from services.console.catalogue import definition
from services.console.output import out
from shared.domain.errors import CorruptionError, UnavailableError
from shared.domain.view import Row
from shared.following import snapshots
from shared.following.definition import Definition
from shared.following.follow import parked_row
from shared.following.parking import PARKING, UNREADABLE, FactParked, ParkedFactSkipped, ParkedFactsRetried
from shared.log import EventLog
from shared.personal import Personal
from shared.service.settings import Settings
from shared.service.storage import open_keys, open_views
from shared.views import ViewStore

#: Seconds in which what is recorded about a parked fact is carried out.
_MOMENT = 0.05


def verify_beside(settings: Settings, logs: Mapping[str, EventLog]) -> dict[str, Any]:
    """Check everything; returns what was counted and, under `unchecked`, what nothing vouches for.

    Raises `CorruptionError` naming the first thing that is wrong.
    """
    unchecked: list[str] = []
    held = left_out = 0
    for name, log in logs.items():
        what = definition(name)
        views = open_views(settings, name, what.all_views, read_only=True)
        well, out_of_lists = verify_service(what, log, views, logs, unchecked)
        held, left_out = held + well, left_out + out_of_lists
    opened = verify_personal(settings, logs, unchecked)
    return {"sealed": opened, "snapshots": held, "left_out": left_out, "unchecked": unchecked}


def verify_service(
    what: Definition, log: EventLog, views: ViewStore, logs: Mapping[str, EventLog], unchecked: list[str]
) -> tuple[int, int]:
    """Check the shapes, snapshots and parked facts of a service; returns how many snapshots hold and how many facts are left out.

    Adds to `unchecked` what nothing vouches for; raises `CorruptionError` naming the first thing that is wrong.
    """
    try:
        log.storage.check_shape()
    except UnavailableError as error:
        unchecked.append(f"indexes and validator of the log of {what.name}: {error.message}")
    held, unread = snapshots.verify(log, (*what.deciders, PARKING))
    if unread:
        unchecked.append(f"snapshots of {what.name} that no program of this version reads: {unread}")
    if views.folded_alike():
        views.check_shape()
    else:
        unchecked.append(f"lists of {what.name}: they are those of another release until it starts")
    while True:
        rows = list(rows_of(views, "parked"))
        try:
            return held, _parked(what.name, rows, views, logs, unchecked)
        except CorruptionError:
            time.sleep(_MOMENT)  # a running city may be applying them right now
            if list(rows_of(views, "parked")) == rows:  # else an operator or a follower acted just now
                raise


def verify_personal(
    settings: Settings,
    logs: Mapping[str, EventLog],
    unchecked: list[str],
    defined: Callable[[str], Definition] = definition,
) -> int:
    """Open every sealed text; returns how many there are. Raises `CorruptionError` naming the first whose key is lost or another one."""
    try:
        keys = open_keys(settings, read_only=True)
    except UnavailableError as error:
        texts = (
            text for name, log in logs.items() for one in log.read_commits() for text in defined(name).sealed_in(one)
        )
        if not settings.mongodb_uri and next(texts, None) is not None:
            raise CorruptionError(f"the keys of personal data are lost: {error.message}") from error
        unchecked.append(f"personal data: {error.message}")
        return 0
    personal, count = Personal(keys), 0
    try:
        for name, log in logs.items():
            for commit in log.read_commits():
                for sealed in defined(name).sealed_in(commit):
                    try:
                        personal.open(sealed)
                    except ValueError as error:
                        raise CorruptionError(f"log {name}: position {commit.position}: {error}") from error
                    except UnavailableError as error:
                        unchecked.append(f"personal data: {error.message}")
                        return count
                    count += 1
    finally:
        keys.close()
    return count


def _parked(name: str, parked: list[Row], views: ViewStore, logs: Mapping[str, EventLog], unchecked: list[str]) -> int:
    """Compare the facts that the lists of a service leave out with what its log says about them; returns how many there are."""
    reached = {
        source: views.checkpoint(f"follow:{source}") for source in logs
    }  # before the rows and what is told of them
    rows = {(row["source"], row["position"]): row for row in parked if row["source"] != UNREADABLE}
    told = _told(logs[name])
    for (source, position), row in rows.items():
        here = f"{name}: parked fact {source} {position}"
        record = next(logs[source].read(position - 1, 1), None) if source in logs and position > 0 else None
        if record is None or row["record"] != parked_row(source, record, "", "")["record"]:
            raise CorruptionError(f"{here} is not what the log of {source} says at that position")
        said = told.get((source, record.stream), [])
        skipped = any(isinstance(event, ParkedFactSkipped) and event.position == position for event in said)
        positions = [event.position for event in said if isinstance(event, FactParked)]
        well = {
            "skipped": skipped,
            "parked": position in positions and not skipped,
            "waiting": any(before < position for before in positions) and not skipped,
        }
        if row["stream"] != record.stream or not well.get(row["state"], False):
            raise CorruptionError(
                f"{here} is {row['state']!r}, but nothing in the log of {name} says so: a list lacks it that should not. Have it applied "
                f"with: linli park retry {name} {source} {record.stream}"
            )
        if row["state"] != "skipped":
            unchecked.append(f"{here} waits for an operator, and no list of {name} shows it")
    for (source, stream), said in told.items():
        follower = reached.get(source, 0)
        for number, event in enumerate(said):
            settled = any(isinstance(later, ParkedFactsRetried | ParkedFactSkipped) for later in said[number:])
            if isinstance(event, ParkedFactsRetried) or (settled and isinstance(event, FactParked)):
                continue
            if 0 < event.position <= follower and source != UNREADABLE and (source, event.position) not in rows:
                raise CorruptionError(
                    f"{name}: {source} {event.position} of {stream} was left out, as the log of {name} says, and is not kept any more"
                )
    return len(rows)


def _told(log: EventLog) -> dict[tuple[str, str], list[Any]]:
    """What was done about foreign streams, by source and stream, in order."""
    found: dict[tuple[str, str], list[Any]] = {}
    for record in log.read():
        if record.type in PARKING.codec.events:
            event: Any = PARKING.codec.decode(record.type, record.schema, record.data)
            found.setdefault((event.source, event.stream), []).append(event)
    return found


def print_beside(report: Mapping[str, Any]) -> None:
    """Print what was checked, and what was not."""
    out.print(
        f"{report['snapshots']:,} snapshots follow from their facts, {report['left_out']:,} facts are left out of lists as logged"
    )
    for one in report["unchecked"]:
        out.print(f"not checked: {one}", style="yellow", markup=False, soft_wrap=True)

"""A process of several writers for one log: `python -m tests.faults.writing KIND WHERE NAME THREADS COMMITS SEED`.

Each writer goes on until it has its receipts: it decides again when somebody was faster, leaves some attempts unfinished, and sends
some commands twice. Prints a line a receipt: command id, position, version, stream.
"""

from __future__ import annotations

import random
import sys
import threading

import msgspec

from shared.domain.errors import ConcurrencyError, UnavailableError
from shared.log import Commit, EventLog, NewEvent, Storage
from shared.log.mongodb import MongoStorage
from shared.log.sqlite import SqliteStorage

STREAMS = 16
_printing = threading.Lock()


def open_storage(kind: str, where: str) -> Storage:
    """The storage in a file, or in a MongoDB database given as URI#name."""
    if kind == "sqlite":
        return SqliteStorage(where)
    from pymongo import MongoClient

    uri, _, name = where.partition("#")
    return MongoStorage(MongoClient(uri)[name])


def commit(stream: str, version: int, command_id: str, events: int) -> Commit:
    """A commit that says who wrote it."""
    new = tuple(NewEvent(type="Noted", schema=1, data=msgspec.Raw(b'{"by":"%b"}' % command_id.encode()), id=f"{command_id}-{number}",
                         occurred="2026-03-01T09:00:00+08:00") for number in range(events))  # fmt: skip
    return Commit(
        stream=stream, expected_version=version, events=new, command="note", command_id=command_id, actor="writer"
    )


def write(log: EventLog, name: str, commits: int, seed: int) -> None:
    """Write so many commits on streams that others write to as well."""
    choose = random.Random(f"{seed}-{name}")
    for number in range(commits):
        stream, command_id, events = f"thing-{choose.randrange(STREAMS)}", f"{name}-{number}", choose.randint(1, 3)
        if choose.random() < 0.1:  # a decision on a state that is long gone comes to nothing
            try:
                log.append(commit(stream, 10**6, f"{command_id}-gone", 1))
                raise AssertionError("a commit on a version that never was has been taken")
            except ConcurrencyError:
                pass
        while True:
            try:
                receipt = log.append(commit(stream, log.storage.stream_version(stream), command_id, events))
                if choose.random() < 0.2:  # the same command again, decided on the new state
                    again = log.append(commit(stream, log.storage.stream_version(stream), command_id, events))
                    if again.position != receipt.position:
                        raise AssertionError(f"{command_id} was first at {receipt.position}, then at {again.position}")
                break
            except (ConcurrencyError, UnavailableError):
                continue
        with _printing:
            sys.stdout.write(f"{command_id} {receipt.position} {receipt.version} {stream}\n")
            sys.stdout.flush()


def main() -> None:
    """Run the writers of this process."""
    kind, where, name, threads, commits, seed = sys.argv[1:]
    log = EventLog("test", open_storage(kind, where))
    writers = [
        threading.Thread(target=write, args=(log, f"{name}{n}", int(commits), int(seed))) for n in range(int(threads))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


if __name__ == "__main__":
    main()

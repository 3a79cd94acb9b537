"""A process that appends until it is killed, printing each receipt it was given: `appending.py sqlite|mongodb WHERE WRITER`."""

from __future__ import annotations

import sys
import threading
import time

from pymongo import MongoClient

from shared.domain.errors import UnavailableError
from shared.log import EventLog, Storage
from shared.log.mongodb import MongoStorage
from shared.log.sqlite import SqliteStorage
from tests.contract.test_log import commit

#: Seconds after which the process ends if nobody killed it.
LIFE = 120


def open_storage(kind: str, where: str) -> Storage:
    """The storage named on the command line."""
    if kind == "sqlite":
        return SqliteStorage(where)
    uri, _, name = where.partition("#")
    return MongoStorage(MongoClient(uri)[name])


def append_for_ever(log: EventLog, writer: str) -> None:
    """Append two events at a time and print each receipt once it is given; what is refused for now is sent again."""
    end = time.monotonic() + LIFE
    number = 0
    while time.monotonic() < end:
        try:
            receipt = log.append(commit(writer, 2 * number, 2, command_id=f"{writer}-{number}"))
        except UnavailableError:
            continue
        number += 1
        sys.stdout.write(f"{receipt.command_id} {receipt.position} {receipt.digest}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    kind, where, name = sys.argv[1:]
    log = EventLog("test", open_storage(kind, where))
    for thread in range(4):
        threading.Thread(target=append_for_ever, args=(log, f"{name}{thread}")).start()

"""A process that appends until it is killed, printing each receipt it was given: `appending.py sqlite|mongodb WHERE WRITER`."""

from __future__ import annotations

import sys
import threading
import time

import msgspec
from pymongo import MongoClient

from shared.domain.errors import UnavailableError
from shared.log import EventLog, Part, Storage
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
    """Append two events at a time and print each receipt once it is given; what is refused for now is sent again.

    Every second writer has the other event in a stream of its own, `<writer>-also`.
    """
    wide = int(writer[-1]) % 2
    end = time.monotonic() + LIFE
    number = 0
    while time.monotonic() < end:
        try:
            wanted = commit(writer, (2 - wide) * number, 2 - wide, command_id=f"{writer}-{number}")
            if wide:
                other = Part(stream=f"{writer}-also", expected_version=number, events=commit("").events)
                wanted = msgspec.structs.replace(wanted, also=(other,), held={f"{writer}-never": 0})
            receipt = log.append(wanted)
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

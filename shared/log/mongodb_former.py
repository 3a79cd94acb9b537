"""The former log in MongoDB, one document a commit: read for verification and export, and carried over by `linli migrate`.

A commit over several streams kept the places of its further parts in pointers: documents with negative positions and no body.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database as MongoDatabase

from shared.domain.errors import CorruptionError, UnavailableError
from shared.log.mongodb import MongoStorage
from shared.log.pointers import checked
from shared.log.record import Head, Span, StoredCommit, read_body, verify_chain
from shared.mongodb import PATIENCE, Database, Document, explained, majority

#: The name of the collection, and the format versions.
COLLECTION, FORMATS = "commits", (1, 2)
_PAGE = 1000  # commits read at a time, and positions looked through for them
_NEAR = 2  # versions before the one asked for, so that the commit that holds it is found at once
_TOGETHER = 500  # commits carried over in one document
#: No document fits it: whoever still runs the former program writes nothing more.
_CLOSED: Document = {"_id": {"$exists": False}}


def close(database: Database) -> None:
    """Let nobody write to the former log any more."""
    with explained(database, PATIENCE, writing=True):
        database.command("collMod", COLLECTION, validator=_CLOSED, validationLevel="strict", validationAction="error")


def carry_over(former: FormerStorage, storage: MongoStorage) -> None:
    """Write the commits of a former log, byte for byte, behind what was carried over before; the former log stays where it is.

    Raises `CorruptionError` when its chain does not hold.
    """
    done = storage.head()
    if done.position:  # what was carried over is the beginning of the same log
        (last,) = former.scan(done.position - 1, 1, None)
        if last.digest != done.digest:
            raise CorruptionError(f"position {done.position} of the former log is not what was carried over from it")
    waiting: list[StoredCommit] = []

    def write() -> None:
        if waiting:
            storage.insert(waiting, frozenset(one.command_id for one in waiting))
            waiting.clear()

    for stored in verify_chain(former.scan(done.position, None, None), done if done.position else None):
        waiting.append(stored)
        if len(waiting) == _TOGETHER:
            write()
    write()


class FormerStorage:
    """One service's commits as they were kept, to be read. The user needs `find` on `commits` and `snapshots`."""

    def __init__(self, database: MongoDatabase[Any], patience: float = PATIENCE) -> None:
        self._database = majority(database)
        self._commits = self._database[COLLECTION]
        self._snapshots = self._database["snapshots"]
        self._patience = patience

    @property
    def database(self) -> MongoDatabase[Any]:
        """Where the log lies."""
        return self._database

    def _reading(self) -> AbstractContextManager[None]:
        return explained(self._database, self._patience)

    def head(self) -> Head:
        with self._reading():
            found = self._commits.find_one(sort=[("last_position", DESCENDING)])
        if found is None:
            return Head()
        last = _stored(found)
        return Head(last.last_position, last.digest, read_body(last).time)

    def stream_version(self, stream: str) -> int:
        with self._reading():
            found = self._commits.find_one({"stream": stream}, {"last_version": 1}, sort=[("version", DESCENDING)])
        return int(found["last_version"]) if found else 0

    def find_command(self, command_id: str) -> StoredCommit | None:
        with self._reading():
            found = self._commits.find_one({"command_id": command_id})
        return None if found is None or found["_id"] < 0 else _stored(found)

    def insert(self, commits: Sequence[StoredCommit], fresh: Container[str] = ()) -> None:
        """Refuse: nothing is written here any more."""
        raise self._refusal()

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        """Refuse: nothing is written here any more."""
        raise self._refusal()

    def probe(self) -> None:
        """Refuse: nothing is written here any more."""
        raise self._refusal()

    def _refusal(self) -> UnavailableError:
        return UnavailableError(
            f"MongoDB database {self._database.name} holds a log of a former format: stop its services and run `linli migrate`"
        )

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        head = self.head().position
        end = head if until is None else min(head, until)
        position, left = after, limit
        while position < end and (left is None or left > 0):
            size = _PAGE if left is None else min(left, _PAGE)
            page = self._page({"$gt": position, "$lte": position + _PAGE}, size)
            page = page or self._page({"$gt": position}, 1)  # one commit longer than a page
            for found in page:
                if found["_id"] > end:
                    return
                yield _stored(found)
            position = int(page[-1]["last_position"])
            if left is not None:
                left -= len(page)

    def _page(self, last_position: Document, size: int) -> list[Document]:
        where, order = {"last_position": last_position}, [("last_position", ASCENDING)]
        with self._reading():  # in one answer: without a batch size the first one holds 101 documents
            return list(self._commits.find(where, sort=order, limit=size, batch_size=size))

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        with self._reading():
            found = self._versions(stream, max(0, after - _NEAR))
            if after and not (found and found[0]["version"] <= after + 1):  # the commit that holds it is a long one
                first = self._commits.find_one(
                    {"stream": stream, "version": {"$lte": after}}, {"version": 1}, sort=[("version", DESCENDING)]
                )
                found = self._versions(stream, first["version"] if first else 0)
            found = self._pointed_at([one for one in found if one["last_version"] > after])
        return map(_stored, found)

    def _pointed_at(self, found: list[Document]) -> list[Document]:
        """The commits that pointers among these stand for, in their place."""
        wanted = [one["commit"] for one in found if "commit" in one]
        commits = {one["_id"]: one for one in self._commits.find({"_id": {"$in": wanted}})} if wanted else {}
        return [commits[one["commit"]] if "commit" in one else one for one in found]

    def _versions(self, stream: str, start: int) -> list[Document]:
        return list(self._commits.find({"stream": stream, "version": {"$gte": start}}, sort=[("version", ASCENDING)]))

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        with self._reading():
            found = self._snapshots.find_one({"_id": stream})
        return None if found is None else (int(found["version"]), str(found["shape"]), bytes(found["state"]))

    def snapshots(self) -> Iterator[tuple[str, int, str, bytes]]:
        with self._reading():
            for found in self._snapshots.find(sort=[("_id", ASCENDING)]):
                yield str(found["_id"]), int(found["version"]), str(found["shape"]), bytes(found["state"])

    def checked(self, commits: Iterator[StoredCommit]) -> Iterator[StoredCommit]:
        return checked(commits, self._pointers(), self.scan_stream)

    def _pointers(self) -> Iterator[tuple[Span, str]]:
        with self._reading():
            for found in self._commits.find({"_id": {"$lt": 0}}, sort=[("_id", DESCENDING)]):
                span = Span(
                    -found["_id"], -found["last_position"], found["stream"], found["version"], found["last_version"]
                )
                yield span, found["command_id"]

    def check_shape(self) -> None:
        """Nothing refuses a second writer here any more: nobody writes."""

    def close(self) -> None:
        """Nothing: the client is closed by whoever made it."""


def _stored(found: Document) -> StoredCommit:
    return StoredCommit(
        position=found["_id"],
        last_position=found["last_position"],
        stream=found["stream"],
        version=found["version"],
        last_version=found["last_version"],
        command_id=found["command_id"],
        digest=found["digest"],
        body=bytes(found["body"]),
    )

"""The log in MongoDB: one document a commit, only ever inserted and found; receipts after a majority has it in its journal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, NoReturn

import pymongo
from bson import Binary
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database as MongoDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError, WriteConcernError

from shared.domain.errors import TimedOutError, UnavailableError
from shared.log.log import TakenError
from shared.log.record import Head, StoredCommit, read_body
from shared.mongodb import (
    DUPLICATE,
    PATIENCE,
    UNKNOWN_OUTCOMES,
    Document,
    ensure_collection,
    explained,
    majority,
    outcome_unknown,
    reason,
    write_format,
    written_format,
)

#: What the document `formats/log` says, and the format version.
KIND, VERSION = "log", 1
_PAGE = 1000  # commits read at a time, and positions looked through for them
_NEAR = 2  # versions before the one asked for, so that the commit that holds it is found at once
_PAUSE = 0.05  # seconds between two looks at a server that does not answer yet

_COUNT: Document = {"bsonType": ["int", "long"], "minimum": 1}
_TEXT: Document = {"bsonType": "string", "minLength": 1}
#: The shape of a commit; a document with anything else in it is refused by the server.
COMMIT_SCHEMA: Document = {
    "bsonType": "object",
    "required": ["_id", "last_position", "stream", "version", "last_version", "command_id", "digest", "body"],
    "additionalProperties": False,
    "properties": {
        "_id": _COUNT,
        "last_position": _COUNT,
        "stream": _TEXT,
        "version": _COUNT,
        "last_version": _COUNT,
        "command_id": _TEXT,
        "digest": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
        "body": {"bsonType": "binData"},
    },
}
#: All unique: they decide who was first.
COMMIT_INDEXES = {
    "last_position": [("last_position", ASCENDING)],
    "stream_version": [("stream", ASCENDING), ("version", ASCENDING)],
    "command_id": [("command_id", ASCENDING)],
}


def migrate(database: MongoDatabase[Any], patience: float = PATIENCE) -> None:
    """Create the log's collections, validator and indexes where they are missing; safe to call at each start.

    Needs rights that a running service does not: `createCollection`, `createIndex` and `collMod` on `commits`. Raises
    `UnavailableError` when the database was written by a newer version, and changes nothing then.
    """
    target = majority(database)
    written_format(target, KIND, VERSION, patience)
    with explained(target, patience, writing=True):
        validation = {
            "validator": {"$jsonSchema": COMMIT_SCHEMA},
            "validationLevel": "strict",
            "validationAction": "error",
        }
        ensure_collection(target, "commits", validation)
        target["commits"].create_indexes(
            [IndexModel(keys, name=name, unique=True) for name, keys in COMMIT_INDEXES.items()]
        )
        ensure_collection(target, "snapshots")
        write_format(target, KIND, VERSION)


class MongoStorage:
    """One service's commits in one database, which `migrate` has prepared.

    The database user needs `find` and `insert` on `commits`, `find` on `formats`, and `find`, `insert` and `update` on
    `snapshots`. `patience` is how many seconds one call waits for the server.
    """

    def __init__(self, database: MongoDatabase[Any], patience: float = PATIENCE) -> None:
        self._database = majority(database)
        self._commits = self._database["commits"]
        self._snapshots = self._database["snapshots"]
        self._patience = patience
        self._doubt_until: float | None = None
        self._seen = 0
        if not written_format(self._database, KIND, VERSION, patience):
            raise UnavailableError(f"MongoDB database {database.name} holds no log yet: migrate it first")

    def _reading(self) -> AbstractContextManager[None]:
        return explained(self._database, self._patience)

    def head(self) -> Head:
        # the log never gets shorter, so that what was seen once bounds the search from below
        where = {"last_position": {"$gte": self._seen}}
        with self._reading():
            found = self._commits.find_one(where, sort=[("last_position", DESCENDING)])
        if found is None:
            return Head()
        last = _stored(found)
        self._seen = max(self._seen, last.last_position)
        return Head(last.last_position, last.digest, read_body(last).time)

    def stream_version(self, stream: str) -> int:
        with self._reading():
            found = self._commits.find_one({"stream": stream}, {"last_version": 1}, sort=[("version", DESCENDING)])
        return int(found["last_version"]) if found else 0

    def find_command(self, command_id: str) -> StoredCommit | None:
        with self._reading():
            found = self._commits.find_one({"command_id": command_id})
        return None if found is None else _stored(found)

    def insert(self, commits: Sequence[StoredCommit]) -> None:
        """As the port says. When the outcome stays unknown for longer than two patiences, raises `TimedOutError`."""
        started = time.monotonic()
        try:
            with pymongo.timeout(self._patience):
                if len(commits) == 1:  # costs the driver less
                    self._commits.insert_one(_document(commits[0]))
                else:
                    self._commits.insert_many(map(_document, commits), ordered=True)
        except DuplicateKeyError as error:  # the server answers only after a majority has what was in the way
            self._doubt_until = None
            raise TakenError(str(error)) from error
        except WriteConcernError as error:  # it is on the primary, but may still be rolled back
            self._settle_doubt(error, commits[0].position, started)
        except BulkWriteError as error:
            self._explain(error, commits, started)
        except PyMongoError as error:
            if not outcome_unknown(error):
                why = reason(error, self._database.client)
                raise UnavailableError(f"MongoDB database {self._database.name}: {why}; nothing was written") from error
            self._settle_doubt(error, 0, started)
        self._doubt_until = None
        self._seen = max(self._seen, commits[-1].last_position)

    def _explain(self, error: BulkWriteError, commits: Sequence[StoredCommit], started: float) -> NoReturn:
        failed = next(iter(error.details.get("writeErrors", ())), None)
        if failed is None:  # only the write concern failed: it is on the primary, but may still be rolled back
            self._settle_doubt(error, commits[0].position, started)
        if failed["code"] == DUPLICATE:  # the server answers only after a majority has what was in the way
            self._doubt_until = None
            raise TakenError(failed["errmsg"]) from error
        if failed["code"] in UNKNOWN_OUTCOMES:
            self._settle_doubt(error, 0, started)
        if error.details.get("nInserted"):
            raise TakenError("some of the group were written") from error
        raise UnavailableError(
            f"MongoDB database {self._database.name}: {failed['errmsg']} (code {failed['code']})"
        ) from error

    def _settle_doubt(self, error: PyMongoError, position: int, started: float) -> NoReturn:
        """Wait until the server tells what a majority holds, at least up to `position`, so that the log can look again."""
        self._doubt_until = self._doubt_until or started + 2 * self._patience
        while time.monotonic() < self._doubt_until:
            try:
                if self.head().position >= position:
                    raise TakenError(f"the connection was lost while writing: {error}") from error
            except UnavailableError:
                pass
            time.sleep(_PAUSE)  # before looking again, within the patience
        self._doubt_until = None
        raise TimedOutError(
            f"MongoDB database {self._database.name} did not confirm in time ({error}); whether it was written is not known"
        ) from error

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
        return (_stored(commit) for commit in found if commit["last_version"] > after)

    def _versions(self, stream: str, start: int) -> list[Document]:
        return list(self._commits.find({"stream": stream, "version": {"$gte": start}}, sort=[("version", ASCENDING)]))

    def snapshot(self, stream: str) -> tuple[int, str, bytes] | None:
        with self._reading():
            found = self._snapshots.find_one({"_id": stream})
        return None if found is None else (int(found["version"]), str(found["shape"]), bytes(found["state"]))

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        fields = {"version": version, "shape": shape, "state": Binary(state)}
        # a duplicate: somebody else wrote the first snapshot just now, and it is as good
        with explained(self._database, self._patience, writing=True), suppress(DuplicateKeyError):
            self._snapshots.update_one({"_id": stream}, {"$set": fields}, upsert=True)

    def close(self) -> None:
        """Nothing: the client is closed by whoever made it."""


def _document(commit: StoredCommit) -> Document:
    return {
        "_id": commit.position,
        "last_position": commit.last_position,
        "stream": commit.stream,
        "version": commit.version,
        "last_version": commit.last_version,
        "command_id": commit.command_id,
        "digest": commit.digest,
        "body": Binary(commit.body),
    }


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

"""The log in MongoDB: one document a commit, only ever inserted and found; receipts after a majority has it in its journal.

A commit over several streams is one document too, so it is written whole or not at all. The places of its further parts in their
streams are kept by pointers, inserted right behind it in the same command. A crash in between leaves a commit without some pointers;
whoever asks for the end of the log next inserts them, and nobody writes behind an end that he has not asked for or written himself.
So no version of a stream can be taken twice, and no transaction is needed, which a killed process would leave open (decision 9).
"""

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

from shared.domain.errors import CorruptionError, TimedOutError, UnavailableError
from shared.log.record import Head, Span, StoredCommit, pointer_id, pointers_of, read_body
from shared.log.storage import TakenError
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

#: What the document `formats/log` says, and the format version: in 2 there may be pointers.
KIND, VERSION = "log", 2
#: The first format with pointers.
_POINTERS = 2
_PAGE = 1000  # commits read at a time, and positions looked through for them
_NEAR = 2  # versions before the one asked for, so that the commit that holds it is found at once
_PAUSE = 0.05  # seconds between two looks at a server that does not answer yet

_COUNT: Document = {"bsonType": ["int", "long"], "minimum": 1}
_TEXT: Document = {"bsonType": "string", "minLength": 1}
_BELOW: Document = {"bsonType": ["int", "long"], "maximum": -1}
_IN_STREAM: Document = {"stream": _TEXT, "version": _COUNT, "last_version": _COUNT, "command_id": _TEXT}
_COMMIT: Document = {
    "_id": _COUNT,
    "last_position": _COUNT,
    "digest": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
    "body": {"bsonType": "binData"},
    **_IN_STREAM,
}
#: Its positions are negative, so that whoever goes by positions never meets one; `commit` is the position of what it belongs to.
_POINTER: Document = {"_id": _BELOW, "last_position": _BELOW, "commit": _COUNT, **_IN_STREAM}
#: The shape of a commit or a pointer; a document with anything else in it is refused by the server.
COMMIT_SCHEMA: Document = {
    "anyOf": [
        {"bsonType": "object", "required": sorted(fields), "additionalProperties": False, "properties": fields}
        for fields in (_COMMIT, _POINTER)
    ]
}
#: All unique: they decide who was first.
COMMIT_INDEXES = {
    "last_position": [("last_position", ASCENDING)],
    "stream_version": [("stream", ASCENDING), ("version", ASCENDING)],
    "command_id": [("command_id", ASCENDING)],
}


def migrate(database: MongoDatabase[Any], patience: float = PATIENCE) -> None:
    """Create the log's collections, validator and indexes where they are missing; safe to call at each start.

    Needs rights that a running service does not: `createCollection`, `createIndex` and `collMod` on `commits`, and `update` on
    `formats`. Raises `UnavailableError` when the database was written by a newer version, and changes nothing then.
    """
    target = majority(database)
    written = written_format(target, KIND, VERSION, patience)
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
        if 0 < written < VERSION:
            target["formats"].update_one({"_id": KIND, "version": {"$lt": VERSION}}, {"$set": {"version": VERSION}})


class MongoStorage:
    """One service's commits in one database, which `migrate` has prepared.

    The database user needs `find` and `insert` on `commits`, `find` on `formats`, and `find`, `insert` and `update` on
    `snapshots`; only `find` on each when it is opened `read_only`. `patience` is how many seconds one call waits for the server.
    """

    def __init__(self, database: MongoDatabase[Any], patience: float = PATIENCE, read_only: bool = False) -> None:
        self._database = majority(database)
        self._commits = self._database["commits"]
        self._snapshots = self._database["snapshots"]
        self._patience = patience
        self._doubt_until: float | None = None
        self._seen = 0
        self._read_only = read_only
        self._pointed = 0  # up to where every pointer is known to be there
        self._format = written_format(self._database, KIND, VERSION, patience)
        if not self._format:
            raise UnavailableError(f"MongoDB database {database.name} holds no log yet: migrate it first")

    @property
    def database(self) -> MongoDatabase[Any]:
        """Where the log lies."""
        return self._database

    def _reading(self) -> AbstractContextManager[None]:
        return explained(self._database, self._patience)

    def head(self) -> Head:
        # the log never gets shorter, so that what was seen once bounds the search from below
        where = {"last_position": {"$gte": self._seen}}
        with self._reading():
            found = self._commits.find_one(where, sort=[("last_position", DESCENDING)])
        if found is None:
            if self._seen:
                raise UnavailableError(
                    f"MongoDB database {self._database.name}: position {self._seen} was there and is gone; nothing is written on a "
                    "history that has shrunk. Put the newest database back, or restore the newest backup into a new server"
                )
            return Head()
        last = _stored(found)
        self._seen = max(self._seen, last.last_position)
        self._complete(last)
        return Head(last.last_position, last.digest, read_body(last).time)

    def _complete(self, last: StoredCommit) -> None:
        """See to it that the last commit has its pointers; all before it had theirs when it was written."""
        if last.last_position > self._pointed and not self._read_only and (pointers := _pointers(last)):
            with explained(self._database, self._patience, writing=True):
                found = self._commits.find({"_id": {"$in": [pointer["_id"] for pointer in pointers]}}, {"_id": 1})
                there = {pointer["_id"] for pointer in found}
                for pointer in pointers:
                    if pointer["_id"] not in there:
                        with suppress(DuplicateKeyError):  # its writer, or somebody else who saw to it, was faster
                            self._commits.insert_one(pointer)
        self._pointed = max(self._pointed, last.last_position)

    def stream_version(self, stream: str) -> int:
        with self._reading():
            found = self._commits.find_one({"stream": stream}, {"last_version": 1}, sort=[("version", DESCENDING)])
        return int(found["last_version"]) if found else 0

    def find_command(self, command_id: str) -> StoredCommit | None:
        with self._reading():
            found = self._commits.find_one({"command_id": command_id})
        return None if found is None or found["_id"] < 0 else _stored(found)

    def insert(self, commits: Sequence[StoredCommit]) -> None:
        """As the port says. When the outcome stays unknown for longer than two patiences, raises `TimedOutError`."""
        started = time.monotonic()
        documents = [document for commit in commits for document in (_document(commit), *_pointers(commit))]
        if len(documents) > len(commits):
            self._check_format()
        try:
            with pymongo.timeout(self._patience):
                if len(documents) == 1:  # costs the driver less
                    self._commits.insert_one(documents[0])
                else:
                    self._commits.insert_many(documents, ordered=True)
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
        self._seen = self._pointed = commits[-1].last_position

    def _check_format(self) -> None:
        if self._format < _POINTERS:  # it may have been migrated since this process began
            self._format = written_format(self._database, KIND, VERSION, self._patience)
        if self._format < _POINTERS:
            raise UnavailableError(
                f"MongoDB database {self._database.name} cannot take commits over several streams yet: migrate it first"
            )

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

    def save_snapshot(self, stream: str, version: int, shape: str, state: bytes) -> None:
        fields = {"version": version, "shape": shape, "state": Binary(state)}
        # a duplicate: somebody else wrote the first snapshot just now, and it is as good
        with explained(self._database, self._patience, writing=True), suppress(DuplicateKeyError):
            self._snapshots.update_one({"_id": stream}, {"$set": fields}, upsert=True)

    def snapshots(self) -> Iterator[tuple[str, int, str, bytes]]:
        with self._reading():
            for found in self._snapshots.find(sort=[("_id", ASCENDING)]):
                yield str(found["_id"]), int(found["version"]), str(found["shape"]), bytes(found["state"])

    def pointers(self) -> Iterator[tuple[Span, str]]:
        with self._reading():
            for found in self._commits.find({"_id": {"$lt": 0}}, sort=[("_id", DESCENDING)]):
                span = Span(
                    -found["_id"], -found["last_position"], found["stream"], found["version"], found["last_version"]
                )
                yield span, found["command_id"]

    def check_shape(self) -> None:
        with self._reading():
            indexes = self._commits.index_information()
            options = self._commits.options()
        here = f"MongoDB database {self._database.name}: commits"
        for name, keys in COMMIT_INDEXES.items():
            if not is_unique(indexes.get(name), keys):
                raise CorruptionError(f"{here} lack the unique index {name}: two could take the same place")
        wanted = {"validator": {"$jsonSchema": COMMIT_SCHEMA}, "validationLevel": "strict", "validationAction": "error"}
        if any(
            options.get(option, value if option != "validator" else None) != value for option, value in wanted.items()
        ):
            raise CorruptionError(f"{here} have no validator, or another one: run `linli migrate`")

    def probe(self) -> None:
        with explained(
            self._database, self._patience, writing=True
        ):  # a majority has to acknowledge what matches nothing
            self._snapshots.update_one({"_id": ""}, {"$set": {"version": 0}})

    def close(self) -> None:
        """Nothing: the client is closed by whoever made it."""


def is_unique(index: Document | None, keys: list[tuple[str, int]]) -> bool:
    """Whether an index, as the server describes it, is the unique one over these keys."""
    return index is not None and bool(index.get("unique")) and [tuple(key) for key in index["key"]] == keys


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


def _pointers(commit: StoredCommit) -> list[Document]:
    return [
        {
            "_id": -part.position,
            "last_position": -part.last_position,
            "stream": part.stream,
            "version": part.version,
            "last_version": part.last_version,
            "command_id": pointer_id(commit, part),
            "commit": commit.position,
        }
        for part in pointers_of(commit)
    ]


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

"""The log in MongoDB: one document a group of commits, only ever inserted and found; receipts after a majority has it in its journal.

A group's `_id` is its first position, and the next one begins right behind its last. So inserting at the end that this process knows
compares and sets: when somebody else wrote first, that `_id` exists, nothing is written, and the end is looked for again. Whatever
decides (versions of streams, command ids) is known as of that end: in memory for what was written lately, in `index` for what came
before (decision 25).
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, NoReturn

import pymongo
from bson import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.database import Database as MongoDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError, WriteConcernError

from shared.domain.errors import CorruptionError, TimedOutError, UnavailableError
from shared.log.mongodb_index import INDEX_INDEXES, INDEX_SCHEMA, Group, Index
from shared.log.record import Head, StoredCommit, read_body, spans_of, stored_of
from shared.log.storage import TakenError
from shared.mongodb import (
    DUPLICATE,
    PATIENCE,
    UNKNOWN_OUTCOMES,
    Document,
    explained,
    majority,
    outcome_unknown,
    reason,
    written_format,
)

#: What the document `formats/log` says, and the format version: until 2 a document was a commit (`mongodb_former`).
KIND, VERSION = "log", 3
_PAGE = 1_000  # positions whose groups are read at a time
#: Most bytes of commits in one document; the server takes 16 MB, and one commit is at most a quarter of that.
LARGEST_DOCUMENT = 8_000_000
_PAUSE = 0.05  # seconds between two looks at a server that does not answer yet

_COUNT: Document = {"bsonType": ["int", "long"], "minimum": 1}
_COMMIT: Document = {
    "digest": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
    "body": {"bsonType": "binData"},
}
_COMMITS: Document = {
    "bsonType": "array",
    "minItems": 1,
    "items": {
        "bsonType": "object",
        "required": sorted(_COMMIT),
        "additionalProperties": False,
        "properties": _COMMIT,
    },
}
_GROUP: Document = {"_id": _COUNT, "last": _COUNT, "commits": _COMMITS}
#: The shape of each document, by collection; one with anything else in it is refused by the server.
SCHEMAS: dict[str, Document] = {
    "groups": {
        "bsonType": "object",
        "required": sorted(_GROUP),
        "additionalProperties": False,
        "properties": _GROUP,
    },
    "index": INDEX_SCHEMA,
}
#: Where groups are read from, and the versions of a stream; neither decides who was first.
INDEXES: dict[str, list[IndexModel]] = {
    "groups": [IndexModel([("last", ASCENDING)], name="last")],
    "index": INDEX_INDEXES,
}


def validation(name: str) -> Document:
    """The options of a collection of the log."""
    return {"validator": {"$jsonSchema": SCHEMAS[name]}, "validationLevel": "strict", "validationAction": "error"}


class MongoStorage:
    """One service's commits in one database, which `migrate` has prepared.

    The database user needs `find` and `insert` on `groups` and `index`, `find` on `formats`, and `find`, `insert` and `update` on
    `snapshots`; only `find` on each when it is opened `read_only`. `patience` is how many seconds one call waits for the server.
    """

    def __init__(
        self, database: MongoDatabase[Any], patience: float = PATIENCE, read_only: bool = False, format: int = 0
    ) -> None:
        self._database = majority(database)
        self._groups = self._database["groups"]
        self._snapshots = self._database["snapshots"]
        self._patience = patience
        self._doubt_until: float | None = None
        written = format or written_format(self._database, KIND, VERSION, patience)
        if not written:
            raise UnavailableError(f"MongoDB database {database.name} holds no log yet: migrate it first")
        if written < VERSION:
            raise UnavailableError(
                f"MongoDB database {database.name} holds a log of a former format: stop its services and run `linli migrate`"
            )
        self._index = Index(self._database["index"], self._reading, read_only)
        self._head = Head()
        self._last = 0  # `_id` of the last group

    @property
    def database(self) -> MongoDatabase[Any]:
        """Where the log lies."""
        return self._database

    def _reading(self) -> AbstractContextManager[None]:
        return explained(self._database, self._patience)

    def head(self) -> Head:
        if not self._index.opened:
            with self._index.lock:
                self._open()
        return self._look()

    def _open(self) -> None:
        """Begin where `index` ends: what came before is found there."""
        if not self._index.opened:
            if position := self._index.open():
                document = next(self._from(position - 1, 1), None)
                if document is None:
                    raise self._shrunk(position)
                self._last, self._head = document["_id"], _head(_stored(document)[-1])
            self._index.opened = True

    def _shrunk(self, position: int) -> UnavailableError:
        return UnavailableError(
            f"MongoDB database {self._database.name}: position {position} was there and is gone; nothing is written on a "
            "history that has shrunk. Put the newest database back, or restore the newest backup into a new server"
        )

    def _look(self) -> Head:
        """Take in what others have written since this process looked last."""
        with self._index.lock:
            while True:
                asked = [first for first in (self._last, self._head.position + 1) if first]
                with self._reading():
                    where = {"_id": {"$in": asked} if len(asked) > 1 else asked[0]}
                    found = {one["_id"]: one["last"] for one in self._groups.find(where, {"last": 1}, batch_size=3)}
                if self._last and found.get(self._last) != self._head.position:
                    raise self._shrunk(self._head.position)
                if asked[-1] not in found:
                    return self._head
                for document in self._from(self._head.position):
                    self._take(document["_id"], _stored(document))
                    self._index.keep_up()

    def _take(self, first: int, commits: Sequence[StoredCommit]) -> None:
        """Remember a group that follows the last one that is known."""
        with self._index.lock:
            if first != self._head.position + 1:
                return  # somebody else of this process was faster
            self._index.add(Group(first, commits))
            self._last, self._head = first, _head(commits[-1])

    def stream_version(self, stream: str) -> int:
        self._opened()
        return self._index.version(stream)

    def _opened(self) -> None:
        if not self._index.opened:
            self.head()

    def find_command(self, command_id: str) -> StoredCommit | None:
        self.head()
        at = self._index.commands([command_id]).get(command_id)
        if at is None:
            return None
        found = [commit for commit in self._commits([at]) if commit.command_id == command_id]
        if not found:
            raise CorruptionError(
                f"the index says that position {at} holds the command {command_id}, which it does not"
            )
        return found[0]

    def _commits(self, firsts: Sequence[int]) -> Iterator[StoredCommit]:
        """The commits of the groups with these first positions."""
        with self._reading():
            where = {"_id": firsts[0]} if len(firsts) == 1 else {"_id": {"$in": list(firsts)}}
            found = list(self._groups.find(where, sort=[("_id", ASCENDING)], batch_size=len(firsts) + 1))
        if len(found) < len(firsts):
            missing = min(set(firsts) - {document["_id"] for document in found})
            raise CorruptionError(f"the index says that a group begins at position {missing}, where none does")
        for document in found:
            yield from _stored(document)

    def insert(self, commits: Sequence[StoredCommit], fresh: Container[str] = ()) -> None:
        """As the port says. When the outcome stays unknown for longer than two patiences, raises `TimedOutError`."""
        started = time.monotonic()
        self._opened()
        if commits[0].position != self._head.position + 1:
            raise TakenError(f"position {commits[0].position} is taken")
        self._index.require_free(commits, fresh)
        groups = list(_groups(commits))
        documents = [_document(group) for group in groups]
        try:
            with pymongo.timeout(self._patience):
                if len(documents) == 1:  # costs the driver less
                    self._groups.insert_one(documents[0])
                else:
                    self._groups.insert_many(documents, ordered=True)
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
        for group in groups:
            self._take(group[0].position, group)
        self._index.keep_up()

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
        left = limit
        for document in self._from(after, limit):
            for commit in _stored(document):
                if commit.last_position <= after:
                    continue
                if until is not None and commit.position > until:
                    return
                yield commit
                if left is not None and not (left := left - 1):
                    return

    def _from(self, after: int, limit: int | None = None) -> Iterator[Document]:
        """Groups with a position beyond `after`, page by page, each in one answer; at most `limit` of a page."""
        size = _PAGE if limit is None else min(limit, _PAGE)
        while True:
            page = self._page({"$gt": after, "$lte": after + _PAGE}, size)
            page = page or self._page({"$gt": after}, 1)  # the next group is a long one, or there is none
            yield from page
            if not page:
                return
            after = int(page[-1]["last"])

    def _page(self, last: Document, size: int) -> list[Document]:
        with self._reading():  # in one answer: without a batch size the first one holds 101 documents
            return list(self._groups.find({"last": last}, sort=[("last", ASCENDING)], limit=size, batch_size=size))

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        self.head()
        firsts = self._index.groups(stream, after)
        if not firsts:
            return iter(())
        return iter([commit for commit in self._commits(firsts) if _reaches(commit, stream, after)])

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

    def checked(self, commits: Iterator[StoredCommit]) -> Iterator[StoredCommit]:
        return self._index.checked(commits, self._bounds())

    def _bounds(self) -> Iterator[tuple[int, int]]:
        """The first and the last position of each group."""
        with self._reading():
            for found in self._groups.find({}, {"last": 1}, sort=[("last", ASCENDING)], batch_size=10_000):
                yield found["_id"], found["last"]

    def check_shape(self) -> None:
        with self._reading():
            options = {name: self._database[name].options() for name in SCHEMAS}
        for name, found in options.items():
            wanted = validation(name)
            if any(
                found.get(option, None if option == "validator" else value) != value for option, value in wanted.items()
            ):
                raise CorruptionError(
                    f"MongoDB database {self._database.name}: {name} have no validator, or another one: run `linli migrate`"
                )

    def probe(self) -> None:
        with explained(
            self._database, self._patience, writing=True
        ):  # a majority has to acknowledge what matches nothing
            self._snapshots.update_one({"_id": ""}, {"$set": {"version": 0}})

    def close(self) -> None:
        """Nothing: the client is closed by whoever made it."""


def _head(last: StoredCommit) -> Head:
    return Head(last.last_position, last.digest, read_body(last).time)


def _reaches(commit: StoredCommit, stream: str, after: int) -> bool:
    """Whether a commit wrote events of a stream beyond a version."""
    return any(span.stream == stream and span.last_version > after for span in spans_of(commit))


def _groups(commits: Sequence[StoredCommit]) -> Iterator[Sequence[StoredCommit]]:
    """The commits by document: mostly all of them in one."""
    if sum([len(commit.body) for commit in commits]) <= LARGEST_DOCUMENT:
        yield commits
        return
    group: list[StoredCommit] = []
    size = 0
    for commit in commits:
        if group and size + len(commit.body) > LARGEST_DOCUMENT:
            yield group
            group, size = [], 0
        group.append(commit)
        size += len(commit.body)
    yield group


def _document(group: Sequence[StoredCommit]) -> Document:
    return {
        "_id": group[0].position,
        "last": group[-1].last_position,
        "commits": [{"digest": commit.digest, "body": Binary(commit.body)} for commit in group],
    }


def _stored(document: Document) -> list[StoredCommit]:
    """The commits of a group; raises `CorruptionError` when they are not those that belong to its positions."""
    commits = [stored_of(one["body"], one["digest"], document["_id"]) for one in document["commits"]]
    if not commits or (commits[0].position, commits[-1].last_position) != (document["_id"], document["last"]):
        raise CorruptionError(f"position {document['_id']}: the group does not hold the positions that it names")
    return commits

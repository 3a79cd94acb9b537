"""Where commands and streams lie in a log of groups: in memory for what was written lately, in the collection `index` for the rest.

`index` follows from the groups alone: every 1,000 positions that are full are entered once, by whichever process comes to it first, and
twice gives the same documents. Until then each process knows them itself. It decides who may write, so `checked` compares it with the
groups.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from operator import itemgetter

import structlog
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, PyMongoError

from shared.domain.errors import CorruptionError, LinliError
from shared.log.record import Span, StoredCommit, spans_of
from shared.log.storage import TakenError
from shared.mongodb import DUPLICATE, Document

#: Positions that are entered together. It is part of the format: never change it.
CHUNK = 1_000
#: Most chunks that may wait for being entered; then whoever writes does it first.
_WAITING = 20
#: Most streams whose version is remembered besides those written lately.
_KNOWN = 50_000
_ASKED = 500  # documents compared with one question
_NEAR = 20  # versions before the one asked for, so that the entry that holds it is mostly found at once

_COUNT: Document = {"bsonType": ["int", "long"], "minimum": 1}
_CHUNK: Document = {"bsonType": ["int", "long"], "minimum": 0}


def _shape(prefix: str, **fields: Document) -> Document:
    properties = {"_id": {"bsonType": "string", "pattern": prefix}, "chunk": _CHUNK, **fields}
    return {
        "bsonType": "object",
        "required": sorted(properties),
        "additionalProperties": False,
        "properties": properties,
    }


#: A command and its group; a stream's versions of a chunk and their groups; a chunk of which everything was entered.
INDEX_SCHEMA: Document = {
    "anyOf": [
        _shape("^c .", at=_COUNT),
        _shape(
            "^s .* [0-9]{12}$",
            stream={"bsonType": "string", "minLength": 1},
            version=_COUNT,
            last=_COUNT,
            at={"bsonType": "array", "minItems": 1, "items": _COUNT},
        ),
        _shape("^to [0-9]{12}$"),
    ]
}

#: Of what has a stream only.
INDEX_INDEXES = [IndexModel([("stream", ASCENDING), ("version", ASCENDING)], name="stream_version", sparse=True)]

_told = structlog.get_logger()


class Group:
    """What of a group decides: its commands, and which versions of which streams it holds."""

    __slots__ = ("commands", "first", "spans")

    def __init__(self, first: int, commits: Iterable[StoredCommit]) -> None:
        self.first = first
        self.commands: list[str] = []
        self.spans: list[Span] = []
        for commit in commits:
            self.commands.append(commit.command_id)
            self.spans.extend(spans_of(commit))

    @property
    def chunk(self) -> int:
        """The number of the chunk that it belongs to."""
        return (self.first - 1) // CHUNK


def entries(chunk: int, groups: Sequence[Group]) -> list[Document]:
    """The documents of a chunk that holds these groups; the last says that it is complete."""
    found: list[Document] = [
        {"_id": f"c {command}", "chunk": chunk, "at": group.first} for group in groups for command in group.commands
    ]
    spans = sorted(
        (span.stream, span.version, span.last_version, group.first) for group in groups for span in group.spans
    )
    for stream, ones in groupby(spans, itemgetter(0)):
        of_stream = list(ones)
        found.append(
            {
                "_id": _place(stream, of_stream[0][1]),
                "chunk": chunk,
                "stream": stream,
                "version": of_stream[0][1],
                "last": of_stream[-1][2],
                "at": list(dict.fromkeys(one[3] for one in of_stream)),
            }
        )
    return [*found, {"_id": f"to {chunk:012d}", "chunk": chunk}]


def _place(stream: str, version: int) -> str:
    return f"s {stream} {version:012d}"


class Index:
    """What one process knows of where commands and streams lie, as of the last group that it was given. Safe between threads."""

    def __init__(
        self, collection: Collection[Document], reading: Callable[[], AbstractContextManager[None]], read_only: bool
    ) -> None:
        self._collection = collection
        self._reading = reading
        self._read_only = read_only
        self.lock = threading.RLock()
        self.opened = False
        self._done = 0  # chunks that are entered
        self._recent: deque[Group] = deque()  # of the chunks that are not
        self._commands: dict[str, int] = {}
        self._streams: dict[str, list[tuple[Span, int]]] = {}
        self._versions: OrderedDict[str, int] = OrderedDict()  # of other streams
        self._head = 0
        self._entering = threading.Lock()

    def open(self) -> int:
        """Look how much is entered; returns the position up to which groups that begin there are found in the collection."""
        self._done = self._complete(0)
        self._head = self._done * CHUNK
        return self._head

    def _complete(self, chunk: int) -> int:
        """How many chunks are entered, of which so many are known; they are entered one after the other."""

        def entered(number: int) -> bool:
            with self._reading():
                return self._collection.find_one({"_id": f"to {number:012d}"}, {"_id": 1}) is not None

        step = 1
        while entered(chunk + step - 1):
            chunk, step = chunk + step, step * 2
        while step > 1:
            step //= 2
            if entered(chunk + step - 1):
                chunk += step
        return chunk

    def add(self, group: Group) -> None:
        """Take in the group that follows the last one."""
        with self.lock:
            self._recent.append(group)
            for command in group.commands:
                self._commands[command] = group.first
            for span in group.spans:
                self._streams.setdefault(span.stream, []).append((span, group.first))
                self._head = max(self._head, span.last_position)

    def version(self, stream: str) -> int:
        """The last version of a stream."""
        known = self._known(stream)
        if known is None:
            with self._reading():
                found = self._collection.find_one({"stream": stream}, {"last": 1}, sort=[("version", DESCENDING)])
            known = int(found["last"]) if found else 0
            with self.lock:
                if (newer := self._known(stream)) is not None:
                    return newer
                self._note(stream, known)
        return known

    def _known(self, stream: str) -> int | None:
        with self.lock:
            recent = self._streams.get(stream)
            return recent[-1][0].last_version if recent else self._versions.get(stream)

    def _note(self, stream: str, version: int) -> None:
        self._versions[stream] = version
        self._versions.move_to_end(stream)
        if len(self._versions) > _KNOWN:
            self._versions.popitem(last=False)

    def groups(self, stream: str, after: int) -> list[int]:
        """The first positions of the groups that hold versions of a stream beyond one, and perhaps of some before it."""
        with self.lock:
            recent = [(span, first) for span, first in self._streams.get(stream, ()) if span.last_version > after]
            whole = (bool(recent) and recent[0][0].version <= after + 1) or (
                not recent and (self._known(stream) or -1) <= after and self._known(stream) is not None
            )
        found = {first for _, first in recent}
        if not whole:
            found |= {first for one in self._entered(stream, after) if one["last"] > after for first in one["at"]}
        return sorted(found)

    def _entered(self, stream: str, after: int) -> list[Document]:
        with self._reading():
            found = list(self._versions_from(stream, max(0, after - _NEAR)))
            if after and not (found and found[0]["version"] <= after + 1):  # the entry that holds it is a long one
                where = {"stream": stream, "version": {"$lte": after + 1}}
                first = self._collection.find_one(where, {"version": 1}, sort=[("version", DESCENDING)])
                found = list(self._versions_from(stream, first["version"] if first else 0))
        return found

    def _versions_from(self, stream: str, version: int) -> Iterable[Document]:
        where = {"stream": stream, "version": {"$gte": version}}
        return self._collection.find(where, sort=[("version", ASCENDING)], batch_size=1_000)

    def commands(self, ids: Sequence[str]) -> dict[str, int]:
        """The first position of the group that each of these commands wrote to, of those that wrote."""
        with self.lock:
            found = {id: self._commands[id] for id in ids if id in self._commands}
        if older := [f"c {id}" for id in ids if id not in found]:
            with self._reading():
                for one in self._collection.find({"_id": {"$in": older} if len(older) > 1 else older[0]}):
                    found[one["_id"].removeprefix("c ")] = int(one["at"])
        return found

    def require_free(self, commits: Sequence[StoredCommit], fresh: Container[str]) -> None:
        """Raise `TakenError` when a command has written before or a version of a stream is taken.

        Of commands that are `fresh`, made just now, nothing is asked that is not in memory.
        """
        versions: dict[str, int] = {}
        asked: list[str] = []
        for commit in commits:
            if commit.command_id in self._commands:
                raise TakenError(f"the command {commit.command_id} has written")
            if commit.command_id not in fresh:
                asked.append(f"c {commit.command_id}")
            for span in spans_of(commit):
                version = versions.get(span.stream)
                if version is None:
                    version = self._known(span.stream)
                if version is None and span.version == 1:
                    asked.append(_place(span.stream, 1))
                    version = 0
                if version is None:
                    version = self.version(span.stream)
                if version != span.version - 1:
                    raise TakenError(f"{span.stream} is at version {version}")
                versions[span.stream] = span.last_version
        if asked:
            with self._reading():
                where = {"_id": {"$in": asked} if len(asked) > 1 else asked[0]}
                found = self._collection.find_one(where, {"_id": 1})
            if found is not None:
                raise TakenError(f"{found['_id']} is taken")

    # entering

    def keep_up(self) -> None:
        """See to it that full chunks are entered: on the side, or at once when too many wait."""
        waiting = self._head // CHUNK - self._done
        if waiting > 0 and not self._read_only and self._entering.acquire(blocking=False):
            if waiting > _WAITING:
                self._enter(quietly=False)
            else:
                threading.Thread(target=self._enter, daemon=True).start()

    def _enter(self, quietly: bool = True) -> None:
        """Enter the chunks that are full; what fails is tried again after the next group."""
        try:
            while (chunk := self._done) < self._head // CHUNK:
                with self.lock:
                    groups = [group for group in self._recent if group.chunk == chunk]
                self._write(entries(chunk, groups))
                self._forget(chunk)
        except (PyMongoError, LinliError) as error:
            if not quietly:
                raise
            _told.warning("part of a log is not in its index yet", reason=str(error))
        finally:
            self._entering.release()

    def _write(self, documents: list[Document]) -> None:
        *found, complete = documents
        with self._reading():
            for batch in (found, [complete]):
                try:
                    if batch:
                        self._collection.insert_many(batch, ordered=False)
                except BulkWriteError as error:
                    if any(one["code"] != DUPLICATE for one in error.details.get("writeErrors", ())):
                        raise
                    if error.details.get("writeConcernErrors"):
                        raise

    def _forget(self, chunk: int) -> None:
        """Leave what is in the collection to the collection."""
        with self.lock:
            self._done = chunk + 1
            while self._recent and self._recent[0].chunk <= chunk:
                group = self._recent.popleft()
                for command in group.commands:
                    self._commands.pop(command, None)
                for span in group.spans:
                    left = self._streams[span.stream]
                    left.pop(0)
                    if not left:
                        del self._streams[span.stream]
                        self._note(span.stream, span.last_version)

    # checking

    def checked(self, commits: Iterator[StoredCommit], bounds: Iterator[tuple[int, int]]) -> Iterator[StoredCommit]:
        """Pass commits through, all from the first; raise `CorruptionError` where the index says something else.

        `bounds` are the first and the last positions of the groups.
        """
        done = self._complete(0)
        first = last = 0
        waiting: list[Group] = []
        right = 0
        for commit in commits:
            if commit.position > last:
                first, last = next(bounds, (0, 0))
                group = Group(first, ())
                if waiting and group.chunk != waiting[0].chunk:
                    right += self._compare(waiting, done)
                    waiting = []
                waiting.append(group)
            waiting[-1].commands.append(commit.command_id)
            waiting[-1].spans.extend(spans_of(commit))
            yield commit
        if waiting and last // CHUNK > waiting[0].chunk:
            right += self._compare(waiting, done)
        if done > last // CHUNK:
            raise CorruptionError(f"the index knows positions up to {done * CHUNK}, and the log ends at {last}")
        with self._reading():
            extra = self._collection.count_documents({"chunk": {"$lt": done}}) - done - right
            beyond = [one["chunk"] for one in self._collection.find({"chunk": {"$gte": last // CHUNK}}, {"chunk": 1})]
        if beyond:  # a running city may have entered them since
            last = max((end for _, end in bounds), default=last)
        if extra or max(beyond, default=0) > last // CHUNK:
            raise CorruptionError(
                "the index leads to what no commit wrote: remove the collection `index`, it is made again"
            )

    def _compare(self, groups: Sequence[Group], done: int) -> int:
        """Compare a chunk that is full; returns how many entries of one that is complete are right."""
        chunk = groups[0].chunk
        wanted = {one["_id"]: one for one in entries(chunk, groups)[:-1]}
        ids = list(wanted)
        for start in range(0, len(ids), _ASKED):
            asked = ids[start : start + _ASKED]
            with self._reading():
                found = {
                    one["_id"]: one for one in self._collection.find({"_id": {"$in": asked}}, batch_size=_ASKED + 1)
                }
            for id in asked:
                if (one := found.get(id)) != wanted[id] and (one is not None or chunk < done):
                    why = "is missing" if one is None else "was changed"
                    raise CorruptionError(
                        f"position {groups[0].first}: what the index says of {id.split(' ')[1]} {why}: remove the collection `index`, "
                        "it is made again"
                    )
        return len(ids) if chunk < done else 0

"""Views in MongoDB: one collection per view, rows as the same JSON text as in SQLite, indexed fields beside it.

Views with a source are stored in numbered generations. One document names the current one, so that a rebuilt generation replaces
the former at once. Readers check that document every second and read the former generation until then; it is kept for a while.
A process that reads a generation does not change to one that was folded with other views than its own: another version of the program
has overtaken it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database as MongoDatabase
from pymongo.errors import DuplicateKeyError

from shared.domain.errors import (
    ConcurrencyError,
    CorruptionError,
    IllegalStateError,
    TimedOutError,
    UnavailableError,
)
from shared.domain.view import View
from shared.mongodb import (
    PATIENCE,
    Document,
    ensure_collection,
    explained,
    majority,
    write_format,
    written_format,
)
from shared.views.mongodb_query import path_of
from shared.views.mongodb_rows import MongoRows, append_rows, document_of, row_of, write_rows
from shared.views.mongodb_transactions import COLLECTION, STALE, Transactions
from shared.views.port import (
    Changes,
    Checkpoints,
    Mark,
    OvertakenError,
    ViewStore,
    shape_of,
)

#: The kind in the document `formats/views`, and the format version.
KIND, VERSION = "views", 1
#: The kind where rows are kept apart from views.
KEPT = "kept"
#: Seconds between two look-ups of the current generation, and seconds for which a former one is kept for readers of it.
LOOK_AGAIN, KEEP_FORMER = 1.0, 60.0
_POINTER = "views"
Session = ClientSession | None


class MongoViews(MongoRows):
    """All views of one service in a database of their own, apart from its log.

    The database user needs the role `readWrite`, or the role `read` with `read_only`, which creates nothing. One call waits at most
    `patience` seconds for the server. Views that are `kept` lie in the database `kept`, if one is given: where it was prepared by a user
    who may, a service needs no more than to find and insert in those that are only appended to.
    """

    def __init__(
        self,
        database: MongoDatabase[Any],
        views: Iterable[View],
        patience: float = PATIENCE,
        read_only: bool = False,
        kept: MongoDatabase[Any] | None = None,
        _building: int | None = None,
        _transactions: Transactions | None = None,
    ) -> None:
        super().__init__(views)
        self._database = majority(database)
        self._kept = self._database if kept is None else majority(kept)
        self._checkpoints = self._database["checkpoints"]
        self._generations = self._database["generations"]
        self._patience = patience
        self._transactions = _transactions or Transactions(self._database, patience)
        self._read_only = read_only
        self._building = _building
        self._number, self._looked, self._pinned = _building or 0, 0.0, False
        self._shape = shape_of(self._views.values())
        self._folded, self._overtaken = (
            self._shape,
            0.0,
        )  # fingerprint of the rows that are read; when they were overtaken
        if _building is None:
            found = written_format(self._database, KIND, VERSION, patience)
            if read_only:
                if not found:
                    raise UnavailableError(f"MongoDB database {database.name} holds no views yet: migrate it first")
                return
            with self._writing():
                self._prepare(new=not found)
        with self._writing():
            self._create(self._generation())

    def _prepare(self, new: bool) -> None:
        for name in ("checkpoints", "leases", "generations", COLLECTION):
            ensure_collection(self._database, name)
        with suppress(DuplicateKeyError):
            first = {"_id": _POINTER, "current": 1, "building": None, "former": None, "shape": self._shape}
            self._generations.insert_one(first)
        self._sweep()
        if new:
            write_format(self._database, KIND, VERSION)

    def _create(self, generation: int) -> None:
        prepared = self._kept is not self._database and written_format(self._kept, KEPT, VERSION, self._patience)
        for view in self._views.values():
            name, database = _collection(view, generation), self._of(view)
            if prepared and database is self._kept:
                continue
            ensure_collection(database, name)
            if view.indexes:
                keys = [(index,) if isinstance(index, str) else index for index in view.indexes]
                models = [IndexModel([(path_of(field), ASCENDING) for field in (*fields, "key")]) for fields in keys]
                database[name].create_indexes(models)
        if self._kept is not self._database and not prepared:
            write_format(self._kept, KEPT, VERSION)

    def _of(self, view: View) -> MongoDatabase[Any]:
        return self._kept if view.kept else self._database

    def checkpoint(self, follower: str) -> int:
        """Raises `OvertakenError` for a follower of an overtaken process."""
        with self._reading():
            if follower.startswith("follow:") and self._building is None:
                self._generation()
                self._refuse_when_overtaken()
            found = self._checkpoints.find_one({"_id": self._follower(follower)})
        if found and found.get("generation", self._number) != self._number:
            self._looked = 0.0
        return int(found["position"]) if found else 0

    def save(self, changes: Changes, checkpoints: Checkpoints | None = None) -> None:
        for (view, _), row in changes.items():
            if row is not None:
                self._views[view].check(row)
        if len(moves := dict(checkpoints or {})) == 1 and not changes and self._move_alone(*moves.popitem()):
            return
        if changes or checkpoints:
            self._run(lambda session: self._save(session, changes, checkpoints or {}))

    def _move_alone(self, follower: str, places: tuple[int, int] | tuple[int, int, str]) -> bool:
        """Move one checkpoint without rows, as one document needs no transaction; False when only a transaction can decide or do it.

        The checkpoint may not exist yet, have another position, or be locked by a transaction of a killed process.
        """
        self._refuse_when_read_only()
        expected, position, *digest = places
        where = {"_id": self._follower(follower), "position": expected}
        if self._pinned:  # newer code may fold rows from these facts
            where["generation"] = self._number
        try:
            with explained(self._database, min(STALE, self._patience), writing=True):
                moved = {"$set": {"position": position} | _seen(position, digest)}
                return self._checkpoints.update_one(where, moved).matched_count == 1
        except (TimedOutError, UnavailableError):
            return False

    def _save(self, session: ClientSession, changes: Changes, checkpoints: Checkpoints) -> None:
        held = False
        for follower, (expected, position, *digest) in checkpoints.items():
            where = {"_id": self._follower(follower), "position": expected}
            moved = {"$set": {"position": position, "generation": self._number} | _seen(position, digest)}
            if self._checkpoints.update_one(
                where | {"generation": self._number}, moved, session=session
            ).matched_count:  # only while this generation is the current one
                held = True
                continue
            held = held or self._hold_generation(session)
            if not self._move(where, moved, session):
                raise ConcurrencyError(f"the checkpoint of {follower} is not at {expected}: somebody else moved it")
        writes: dict[str, tuple[View, dict[str, Document | None]]] = {}
        for (name, key), row in changes.items():
            view = self._views[name]
            held = held or not view.source or self._hold_generation(session)
            _, rows = writes.setdefault(_collection(view, self._number), (view, {}))
            rows[key] = None if row is None else document_of(view, key, row)
        for collection, (view, rows) in writes.items():
            (append_rows if view.appended else write_rows)(self._of(view)[collection], rows, session)

    def _move(self, where: Document, moved: Document, session: ClientSession) -> bool:
        """Move a checkpoint; a move from 0 may create it."""
        try:
            found = self._checkpoints.update_one(where, moved, upsert=where["position"] == 0, session=session)
        except DuplicateKeyError:  # it exists with another position
            return False
        return bool(found.matched_count or found.upserted_id is not None)

    def _hold_generation(self, session: ClientSession) -> bool:
        """Prevent the promotion of another generation until the transaction ends; always True.

        Raises `ConcurrencyError` when one was promoted already: the caller has read rows of the former one.
        """
        self._generations.update_one({"_id": _POINTER}, {"$inc": {"held": 1}}, session=session)
        pointer = self._pointer(session)
        if self._building is not None and pointer["building"] != self._building:
            raise ConcurrencyError(
                "this second generation is not being built any more: it was promoted or started anew"
            )
        if self._building is None and pointer["current"] != self._number:
            if not self._pinned:
                self._see(pointer)
            raise ConcurrencyError("somebody else has just put views that were built anew in the place of these")
        return True

    def check_shape(self) -> None:
        with self._reading():
            for view in self._views.values():
                for found in self._rows(view.name).find():
                    row = row_of(found)
                    if found.get("by", {}) != {field: row.get(field) for field in view.fields}:
                        raise CorruptionError(
                            f"{self._database.name}: row {found['_id']!r} of {view.name} is found by what it is not"
                        )

    def marks(self) -> dict[str, Mark]:
        return marks_in(self._database, self._patience)

    def folded_alike(self) -> bool:
        with self._reading():
            return bool(self._pointer().get("shape", 0) == self._shape)

    def pinned(self) -> ViewStore:
        self._generation()
        self._refuse_when_overtaken()
        pinned = copy(self)
        pinned._pinned = True
        return pinned

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        leases = self._database["leases"]
        with self._writing():
            now = self._now()
            taken = {"$set": {"holder": holder, "until": now + timedelta(seconds=seconds)}}
            free = {"_id": name, "$or": [{"holder": holder}, {"until": {"$lt": now}}]}
            if leases.update_one(free, taken).matched_count:
                return True
            try:
                leases.insert_one({"_id": name, **taken["$set"]})
            except DuplicateKeyError:
                return False
            return True

    def _now(self) -> datetime:
        """Return the server's time: processes that compete for a lease may run on machines whose clocks differ."""
        now: datetime = self._database.command("hello")["localTime"]
        return now.replace(tzinfo=None)  # UTC, with or without a time zone of the client's codec

    def fresh(self) -> ViewStore:
        number = 0

        def start(session: ClientSession) -> None:
            nonlocal number
            pointer = self._pointer(session)
            number = max(pointer["current"], pointer["building"] or 0) + 1
            self._checkpoints.delete_many(_second(pointer["building"]), session=session)
            self._generations.update_one({"_id": _POINTER}, {"$set": {"building": number}}, session=session)

        self._run(start)
        with self._writing():
            self._sweep()
        derived = [view for view in self._views.values() if view.source]
        return MongoViews(self._database, derived, self._patience, _building=number, _transactions=self._transactions)

    def promote(self) -> None:
        """Promote as the port does; raises `IllegalStateError` when no second generation was built."""

        def swap(session: ClientSession) -> None:
            pointer = self._pointer(session)
            if pointer["building"] is None:
                raise IllegalStateError("there is no second generation of the views to promote")
            checkpoints, new = self._checkpoints, pointer["building"]
            checkpoints.update_many({"generation": pointer["current"]}, {"$set": {"generation": new}}, session=session)
            second = _second(new)
            for found in list(checkpoints.find(second, session=session)):
                follower = str(found["_id"]).partition("~")[2]
                if checkpoints.find_one({"_id": follower, "position": {"$gt": found["position"]}}, session=session):
                    raise ConcurrencyError(f"{follower} has gone on meanwhile: the second generation is behind")
                moved = {"$set": {"position": found["position"], "generation": new}}
                checkpoints.update_one({"_id": follower}, moved, upsert=True, session=session)
            checkpoints.delete_many(second, session=session)
            taken = {
                "current": new,
                "building": None,
                "former": pointer["current"],
                "promoted": now,
                "shape": self._shape,
            }
            self._generations.update_one({"_id": _POINTER}, {"$set": taken}, session=session)

        with self._reading():
            now = self._now()
        self._run(swap)
        self._looked = 0.0

    def _sweep(self) -> None:
        """Drop generations that no process reads or builds any more."""
        pointer = self._pointer()
        kept = {pointer["current"], pointer["building"]}
        if "promoted" in pointer and self._now() - pointer["promoted"].replace(tzinfo=None) < timedelta(
            seconds=KEEP_FORMER
        ):
            kept.add(pointer["former"])
        for name in self._database.list_collection_names():
            view, _, number = name.rpartition("~")
            if view.startswith("view.") and number.isdecimal() and int(number) not in kept:
                self._database.drop_collection(name)

    def close(self) -> None:
        """Do nothing: the owner of the client closes it."""

    def _reading(self) -> AbstractContextManager[None]:
        return explained(self._database, self._patience)

    def _run(self, work: Callable[[ClientSession], None]) -> None:
        self._refuse_when_read_only()
        self._transactions.run(work)

    def _refuse_when_read_only(self) -> None:
        if self._read_only:
            raise UnavailableError(f"MongoDB database {self._database.name} was opened for reading only")

    def _writing(self) -> AbstractContextManager[None]:
        self._refuse_when_read_only()
        return explained(self._database, self._patience, writing=True)

    def _pointer(self, session: Session = None) -> Document:
        pointer = self._generations.find_one({"_id": _POINTER}, session=session)
        assert pointer is not None, "the generations document is written when the store is opened"
        return pointer

    def _generation(self) -> int:
        fixed = self._pinned or self._building is not None
        if not self._number or (not fixed and time.monotonic() - self._looked > LOOK_AGAIN):
            looked = time.monotonic()
            self._see(self._pointer())
            self._looked = looked
        return self._number

    def _see(self, pointer: Document) -> None:
        """Change to the current generation, unless it was folded with other views than the one that is read."""
        shape = pointer.get("shape", 0)
        if not self._number or shape in (self._folded, self._shape):
            self._number, self._folded, self._overtaken = int(pointer["current"]), shape, 0.0
            return
        self._overtaken = self._overtaken or time.monotonic()
        if self._number != pointer["former"] or time.monotonic() - self._overtaken > KEEP_FORMER / 2:
            self._refuse_when_overtaken()

    def _refuse_when_overtaken(self) -> None:
        if self._overtaken:
            raise OvertakenError(
                "another version of the program has rebuilt the views; stop this process, the other one answers"
            )

    def _rows(self, view: str) -> Collection[Document]:
        found = self._views[view]
        return self._of(found)[_collection(found, self._generation())]

    def _follower(self, follower: str) -> str:
        return follower if self._building is None else f"{self._building}~{follower}"


def marks_in(database: MongoDatabase[Any], patience: float = PATIENCE) -> dict[str, Mark]:
    """Return the marks in a database of views, whatever its views are; the user needs `find` on `checkpoints` only."""
    with explained(database, patience):
        found = list(majority(database)["checkpoints"].find())
    return {
        str(one["_id"]): Mark(
            int(one["position"]), int(one.get("seen", {}).get("at", 0)), one.get("seen", {}).get("digest", "")
        )
        for one in found
        if "~" not in str(one["_id"])  # of a generation that is being built
    }


def _seen(position: int, digest: list[str]) -> Document:
    """The digest of the commit at a position, as it is kept beside a checkpoint."""
    return {"seen": {"at": position, "digest": digest[0]}} if digest else {}


def _collection(view: View, generation: int) -> str:
    return f"view.{view.name}~{generation}" if view.source else f"view.{view.name}"


def _second(generation: int | None) -> Document:
    """Return the key range of a second generation's checkpoints ("~" is followed by 7F)."""
    return {"_id": {"$gt": f"{generation}~", "$lt": f"{generation}\x7f"}}

"""Prepares a log in MongoDB, and opens one of whatever format it is."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database as MongoDatabase

from shared.log import mongodb_former
from shared.log.mongodb import INDEXES, KIND, SCHEMAS, VERSION, MongoStorage, validation
from shared.log.storage import Storage
from shared.mongodb import PATIENCE, ensure_collection, explained, majority, write_format, written_format


def migrate(database: MongoDatabase[Any], patience: float = PATIENCE) -> None:
    """Create the log's collections and validators where they are missing; safe to call at each start.

    A log of a former format is copied into the present one, and refuses to be written from then on; it stays where it is.

    Needs rights that a running service does not: `createCollection`, `createIndex` and `collMod`, `insert` on `groups` and `index`, and
    `update` on `formats`.
    Raises `UnavailableError` when the database was written by a newer version, and changes nothing then; `CorruptionError` when the
    chain of a former log does not hold.
    """
    target = majority(database)
    written = written_format(target, KIND, VERSION, patience)
    with explained(target, patience, writing=True):
        for name in SCHEMAS:
            ensure_collection(target, name, validation(name))
            target[name].create_indexes(INDEXES[name])
        ensure_collection(target, "snapshots")
        if not written:
            write_format(target, KIND, VERSION)
    if 0 < written < VERSION:
        mongodb_former.close(target)
        storage = MongoStorage(database, patience, format=VERSION)
        mongodb_former.carry_over(mongodb_former.FormerStorage(database, patience), storage)
        with explained(target, patience, writing=True):
            target["formats"].update_one({"_id": KIND, "version": {"$lt": VERSION}}, {"$set": {"version": VERSION}})


def opened(database: MongoDatabase[Any], read_only: bool) -> Storage:
    """A log to be written, or to be read: then also one of a former format.

    Raises `UnavailableError` for one that is not prepared.
    """
    if read_only and written_format(majority(database), KIND, VERSION, PATIENCE) in mongodb_former.FORMATS:
        return mongodb_former.FormerStorage(database)
    return MongoStorage(database, read_only=read_only)

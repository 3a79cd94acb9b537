"""Where a restore writes: an empty place, in which the city appears whole or is marked as unfinished (R11).

Nothing that exists is ever edited. SQLite files appear all at once. MongoDB has no such moment for several databases, so one document
says from the beginning to the end that a restore is going on; no service starts meanwhile, and a restore that is repeated removes what
the one before it left.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.domain.errors import IllegalStateError
from shared.log.log import now
from shared.service import storage
from shared.service.settings import Settings
from shared.service.storage import UNFINISHED, staging_of


@contextmanager
def files(settings: Settings) -> Iterator[Path]:
    """A folder to write to, which takes the place of `LINLI_DATA` at the end; what an earlier restore left is removed.

    Raises `IllegalStateError` when `LINLI_DATA` holds anything.
    """
    if settings.data.exists() and any(settings.data.iterdir()):
        raise IllegalStateError(
            f"{settings.data} is not empty: restore into a new folder (LINLI_DATA), then look at both"
        )
    staging = staging_of(settings)
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True, mode=0o700)
    try:
        yield staging
        for path in sorted(staging.rglob("*"), reverse=True):
            _sync(path)
        os.replace(staging, settings.data)
        _sync(settings.data.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


@contextmanager
def mongodb(settings: Settings, folder: Path) -> Iterator[Path]:
    """Mark the databases as being restored from `folder` until everything inside is done; gives `LINLI_DATA`, for keys.

    Raises `IllegalStateError` when the databases hold anything but an unfinished restore, or somebody else began another one.
    """
    from shared.mongodb import PATIENCE, explained, majority

    with storage.mongodb(settings) as client:
        formats = majority(client["linli_keys"])["formats"]
        mark = {"run": uuid.uuid4().hex, "backup": str(folder), "begun": now()}
        with explained(formats.database, PATIENCE, writing=True):
            unfinished = formats.find_one({"_id": UNFINISHED}) is not None
            if not unfinished:
                _check_empty(client)
            formats.replace_one({"_id": UNFINISHED}, mark, upsert=True)
        if unfinished:
            with explained(formats.database, 10 * PATIENCE):
                _clear(client)
        yield settings.data
        with explained(formats.database, PATIENCE, writing=True):
            done = formats.delete_one({"_id": UNFINISHED, "run": mark["run"]}).deleted_count
        if not done:
            raise IllegalStateError(
                "another restore into this MongoDB was begun meanwhile: let only one run, and repeat it"
            )


def _check_empty(client: Any) -> None:
    for name in _databases(client):
        for collection in client[name].list_collection_names():
            if collection not in ("formats", "generations") and client[name][collection].find_one({}, {"_id": 1}):
                raise IllegalStateError(
                    f"MongoDB database {name} is not empty ({collection}): restore into a new server"
                )


def _clear(client: Any) -> None:
    """Remove what an unfinished restore left; the mark lies beside the keys, and stays."""
    for name in _databases(client):
        if name != "linli_keys":
            client.drop_database(name)
    client["linli_keys"].drop_collection("keys")


def _databases(client: Any) -> list[str]:
    return [name for name in client.list_database_names() if name.startswith("linli_")]

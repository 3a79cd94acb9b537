"""The target of a restore: an empty folder or empty databases, which are complete afterwards or marked as unfinished (R11).

A restore never edits existing data. It renames a folder of SQLite files into place at its end. MongoDB has no atomic step for several
databases, so a document marks them as unfinished from start to end: no service starts meanwhile, and a repeated restore removes what
an interrupted one left.
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
    """Yield a folder to write to, which becomes `LINLI_DATA` at the end; removes what an interrupted restore left.

    Raises `IllegalStateError` when `LINLI_DATA` is not empty.
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
    """Mark the databases as being restored from `folder` until the block ends; yields `LINLI_DATA`, for the key files.

    Raises `IllegalStateError` when the databases hold more than an unfinished restore, or another restore has started.
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
    """Remove what an unfinished restore left, except the mark, which is in the keys' database."""
    for name in _databases(client):
        if name != "linli_keys":
            client.drop_database(name)
    client["linli_keys"].drop_collection("keys")


def _databases(client: Any) -> list[str]:
    return [name for name in client.list_database_names() if name.startswith("linli_")]

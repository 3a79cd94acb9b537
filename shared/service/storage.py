"""Opens a service's log and views in the shape that the settings name: SQLite files or MongoDB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.domain.errors import UnavailableError
from shared.domain.view import View
from shared.domain.words import _
from shared.following.whole import ShrunkError, known_of
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage, holds_sealed_text
from shared.personal import KeyStore, MongoKeys, SqliteKeys
from shared.service.settings import Settings
from shared.sqlite import Database, begun
from shared.views import ViewStore
from shared.views.port import Mark
from shared.views.sqlite import KIND, VERSION, SqliteViews, marks_in

#: The oldest MongoDB that Linli supports.
OLDEST_MONGODB = (7, 0)
#: Bytes below which a disk counts as full: a commit and its views write some hundred kilobytes.
LEAST_ROOM = 1_000_000
#: What a service's rows are called when they are no views: no log can bring them back, and nobody may take them for what a rebuild makes.
NO_VIEWS = {"audit": "ledger"}
#: The document `linli_keys.formats/restore` exists from the start of a restore until its end.
UNFINISHED = "restore"


def mongodb(settings: Settings, uri: str = "", **options: Any) -> Any:
    """Return a MongoDB client, over TLS where configured; `uri` replaces the configured address, `options` are the driver's."""
    import pymongo  # only the city shape needs it, and eventlet must patch before its import

    if tls := settings.mongodb_tls:
        files = {"tlsCAFile": tls.ca_file, "tlsCertificateKeyFile": tls.certificate_file}
        options |= {"tls": True} | {name: file for name, file in files.items() if file}
    return pymongo.MongoClient(uri or settings.mongodb_uri, **options)


def database_of(settings: Settings, service: str) -> Any:
    """Return a service's MongoDB database; all share one client per process."""
    return mongodb(settings, retryWrites=True, appname=f"linli-{service}", tz_aware=True)[f"linli_{service}"]


def staging_of(settings: Settings) -> Path:
    """Return the folder to which a restore writes until it is complete."""
    return settings.data.parent / f".{settings.data.name}.restoring"


def check_restored(settings: Settings, client: Any = None) -> None:
    """Raise `UnavailableError` while a restore into this data folder or database runs, or after one was interrupted."""
    if settings.restoring:
        return
    if client is not None:
        from shared.mongodb import explained, majority

        keys = majority(client["linli_keys"])
        with explained(keys, 5.0):
            found = keys["formats"].find_one({"_id": UNFINISHED})
        if found is None:
            return
        raise UnavailableError(
            f"a restore of {found['backup']} into this MongoDB, begun at {found['begun']}, is not finished, and nothing starts on a "
            "part of a city: if it does not run any more, repeat it"
        )
    if (staging := staging_of(settings)).exists():
        raise UnavailableError(
            f"a restore into {settings.data} is not finished: if it does not run any more, repeat it, or remove {staging} to go on "
            "without it"
        )


def _opened(settings: Settings, database: str) -> Any:
    """Return a MongoDB database; raises `UnavailableError` during an unfinished restore."""
    found = database_of(settings, database)
    check_restored(settings, found.client)
    return found


def migrate_log(settings: Settings, service: str) -> None:
    """Create or update the collections of a service's log on MongoDB; SQLite needs nothing."""
    if settings.mongodb_uri:
        from shared.log.mongodb_opening import migrate

        database = database_of(settings, service)
        try:
            migrate(database)
        finally:
            database.client.close()


def check_database(settings: Settings, service: str, log: bool = True) -> None:
    """Raise `UnavailableError` when MongoDB does not answer, refuses the user, is too old, is in no replica set, holds an unfinished
    restore, or (`log`) holds no log of the service yet.
    """
    if settings.mongodb_uri:
        from shared.log.mongodb import MongoStorage
        from shared.mongodb import explained

        database = database_of(settings, service)
        try:
            with explained(database, 5.0):
                version = str(database.command("buildInfo")["version"])
                hello = database.command("hello")
            if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_MONGODB:
                needed = ".".join(map(str, OLDEST_MONGODB))
                raise UnavailableError(
                    f"the database is MongoDB {version}, and Linli needs {needed} or later: upgrade it"
                )
            if "setName" not in hello and hello.get("msg") != "isdbgrid":  # "isdbgrid" is a router of a sharded cluster
                raise UnavailableError(
                    "the database is a MongoDB server that is in no replica set, and Linli needs one: run `linli migrate "
                    "--replica-set host:port,host:port,host:port`"
                )
            check_restored(settings, database.client)
            if log:
                MongoStorage(database, 5.0)
        finally:
            database.client.close()


def open_log(
    settings: Settings, service: str, gather: Callable[[], None] | None = None, read_only: bool = False
) -> EventLog:
    """Open a service's log; `read_only` creates and locks nothing.

    Raises `UnavailableError` in an unfinished restore, and when the file is gone of a city whose other files are there.
    """
    if settings.mongodb_uri:
        from shared.log.mongodb_opening import opened

        return EventLog(service, opened(_opened(settings, service), read_only), gather=gather)
    check_restored(settings)
    if not (read_only or settings.restoring):
        require_no_log_is_missing(settings.data, service)
    return EventLog(service, SqliteStorage(settings.data / f"{service}.log.sqlite", read_only), gather=gather)


def require_room(settings: Settings) -> None:
    """Raise `UnavailableError` when the disk of the data folder is full; MongoDB's disks are its operators' to watch."""
    if not settings.mongodb_uri and (free := shutil.disk_usage(settings.data).free) < LEAST_ROOM:
        raise UnavailableError(
            _(
                "the disk of {folder} is full: {free} bytes are free, and nothing can be written until there is room again"
            ),
            folder=settings.data,
            free=free,
        )


def marks_in_files(folder: Path) -> dict[str, Mapping[str, Mark]]:
    """The checkpoints in each file of rows in a data folder, by service; a file that is no store of rows is left to whoever opens it."""
    found: dict[str, Mapping[str, Mark]] = {}
    kept = [folder / f"{service}.{name}.sqlite" for service, name in NO_VIEWS.items()]
    for path in sorted([*folder.glob("*.views.sqlite"), *(one for one in kept if one.exists())]):
        with suppress(UnavailableError):
            found[path.name.partition(".")[0]] = marks_in(path)
    return found


def require_no_log_is_missing(folder: Path, service: str) -> None:
    """Raise `ShrunkError` instead of beginning a new log where the old one is gone but the city's other files know it."""
    path = folder / f"{service}.log.sqlite"
    if begun(path):
        return
    known = known_of(service, marks_in_files(folder))
    reached = max((one.mark.position for one in known), default=0)
    if reached:
        raise ShrunkError(
            _(
                "{file} is missing beside the other files of this city, which know the log up to position {position}; no new log is begun "
                "in its place. Put the file back with its -wal file, or restore the newest backup into a new folder"
            ),
            file=path,
            position=reached,
        )


def open_views(
    settings: Settings, service: str, views: Iterable[View], durable: bool = False, read_only: bool = False
) -> ViewStore:
    """Open a service's rows; `durable` for views that no log can rebuild, `read_only` creates nothing and needs no right to write.

    The city ledger lies apart from views: in a file of its own, and in MongoDB in a database of its own. A file of a former version is
    given its new name; a former database keeps the ledger where it is.
    """
    if settings.mongodb_uri:
        from shared.views.mongodb import MongoViews

        # in another database than the log: the user has other rights on it
        database = _opened(settings, f"{service}_views")
        kept = _kept_apart(database, service) if service in NO_VIEWS else None
        return MongoViews(database, views, read_only=read_only, kept=kept)
    check_restored(settings)
    return SqliteViews(rows_file(settings, service, read_only), views, durable, read_only)


def rows_file(settings: Settings, service: str, read_only: bool = True) -> Path:
    """Return the SQLite file of a service's rows; unless `read_only`, one of a former version is given its name of today."""
    former = settings.data / f"{service}.views.sqlite"
    if service not in NO_VIEWS:
        return former
    path = settings.data / f"{service}.{NO_VIEWS[service]}.sqlite"
    if path.exists() or not former.exists():
        return path
    if read_only:
        return former
    Database(former, KIND, VERSION, "").close()  # closing moves what stands beside it into the file
    if Path(f"{former}-wal").exists():
        raise UnavailableError(f"{former} is in use: stop the process that has it open, so that it can become {path}")
    former.rename(path)
    return path


def _kept_apart(database: Any, service: str) -> Any:
    """Return the database for what is kept, or None where a former version keeps it among the views."""
    from shared.mongodb import explained, majority

    with explained(database, 5.0):
        former = majority(database)["view.entries"].find_one({}, {"_id": 1})
    return None if former else database.client[f"linli_{service}_{NO_VIEWS[service]}"]


def open_keys(settings: Settings, read_only: bool = False) -> KeyStore:
    """Open the keys of personal data: one store for the city, so that erasing a person takes effect in all services at once.

    The store and its backups are separate from logs and views. Raises `UnavailableError` when it is gone and there is sealed text in a
    log of this folder: with new keys nobody's name could be read.
    """
    if settings.mongodb_uri:
        return MongoKeys(_opened(settings, "keys"))
    path = settings.data / "keys" / "personal.sqlite"
    if not (read_only or settings.restoring or begun(path)):
        for log in sorted(settings.data.glob("*.log.sqlite")):
            if holds_sealed_text(log):
                raise UnavailableError(
                    f"{path} is missing, the keys of the personal data that the logs of this city hold; no new ones are begun in its "
                    "place. Put the file back from the newest copy of the keys (linli restore --keys brings it into a new folder)"
                )
    return SqliteKeys(path, read_only)

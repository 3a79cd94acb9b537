"""Opens a service's log and views in the shape that the settings name: SQLite files or MongoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from shared.errors import UnavailableError
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage
from shared.personal import KeyStore, MongoKeys, SqliteKeys
from shared.runtime.settings import Settings
from shared.views import View, ViewStore
from shared.views.sqlite import SqliteViews

#: The first MongoDB that Linli is made for.
OLDEST_MONGODB = (7, 0)


def database_of(settings: Settings, service: str) -> Any:
    """A service's database in MongoDB; the client belongs to the process."""
    import pymongo  # only the city shape needs it, and eventlet must have patched before

    client: Any = pymongo.MongoClient(settings.mongodb_uri, retryWrites=True, appname=f"linli-{service}", tz_aware=True)
    return client[f"linli_{service}"]


def migrate_log(settings: Settings, service: str) -> None:
    """Make or bring up to date what a service's log needs on MongoDB; with SQLite there is nothing to do."""
    if settings.mongodb_uri:
        from shared.log.mongodb import migrate

        database = database_of(settings, service)
        try:
            migrate(database)
        finally:
            database.client.close()


def check_database(settings: Settings, service: str, log: bool = True) -> None:
    """Raise `UnavailableError` when MongoDB does not answer, is too old, refuses the user, or (`log`) holds no log of it yet."""
    if settings.mongodb_uri:
        from shared.log.mongodb import MongoStorage
        from shared.mongodb import explained

        database = database_of(settings, service)
        try:
            with explained(database, 5.0):
                version = str(database.command("buildInfo")["version"])
            if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_MONGODB:
                needed = ".".join(map(str, OLDEST_MONGODB))
                raise UnavailableError(
                    f"the database is MongoDB {version}, and Linli needs {needed} or later: upgrade it"
                )
            if log:
                MongoStorage(database, 5.0)
        finally:
            database.client.close()


def open_log(
    settings: Settings, service: str, gather: Callable[[], None] | None = None, read_only: bool = False
) -> EventLog:
    """A service's log; `read_only` never creates or locks anything."""
    if settings.mongodb_uri:
        from shared.log.mongodb import MongoStorage

        return EventLog(service, MongoStorage(database_of(settings, service)), gather=gather)
    return EventLog(service, SqliteStorage(settings.data / f"{service}.log.sqlite", read_only), gather=gather)


def open_views(
    settings: Settings, service: str, views: Iterable[View], durable: bool = False, read_only: bool = False
) -> ViewStore:
    """A service's views; `durable` for those that no log can bring back."""
    if settings.mongodb_uri:
        from shared.views.mongodb import MongoViews

        return MongoViews(
            database_of(settings, f"{service}_views"), views
        )  # apart from the log: their users' rights differ
    return SqliteViews(settings.data / f"{service}.views.sqlite", views, durable, read_only)


def open_keys(settings: Settings) -> KeyStore:
    """The keys that open personal data: one store for the city, so that erasing a person holds everywhere at once.

    It lies apart from logs and views, and from their backups.
    """
    if settings.mongodb_uri:
        return MongoKeys(database_of(settings, "keys"))
    return SqliteKeys(settings.data / "keys" / "personal.sqlite")

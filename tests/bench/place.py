"""Where a measurement runs: SQLite files and a broker in process memory, or RabbitMQ and a database that speaks MongoDB's protocol.

The environment variables that Linli itself reads (`AMQP_URI`, `MONGODB_URI`) say which; processes started by a measurement inherit
them. A server is called by the name that it gives itself.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.broker.embedded.transport import install
from shared.domain.view import View
from shared.log import EventLog
from shared.service.settings import Settings
from shared.service.storage import database_of, migrate_log, open_log, open_views
from shared.views import ViewStore
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
EMBEDDED, CITY = SHAPES = ("embedded", "city")
_IN_MEMORY = "linli://embedded"


@dataclass(frozen=True)
class Place:
    """A shape with its servers running. `postgres` is how the library reaches PostgreSQL, `no_postgres` says why it cannot.

    `full` asks for the largest amounts of data.
    """

    shape: str
    broker: str
    database: str
    postgres: Mapping[str, str] | None = None
    no_postgres: str = ""
    full: bool = False

    @property
    def city(self) -> bool:
        """Whether this is the city shape."""
        return self.shape == CITY


@contextmanager
def running(shape: str) -> Iterator[tuple[str, str]]:
    """Start what the shape needs and name its broker and its database."""
    with ExitStack() as stack:
        if shape == EMBEDDED:
            stack.enter_context(_environment(AMQP_URI=_IN_MEMORY, MONGODB_URI=""))
            yield "broker in process memory", f"SQLite {sqlite3.sqlite_version}"
            return
        broker = servers.RabbitMQ()
        stack.callback(broker.destroy)
        database = servers.mongodb()
        stack.callback(database.destroy)
        stack.enter_context(_environment(AMQP_URI=broker.vhost(), MONGODB_URI=database.uri))
        yield broker.description, database.description.replace("wire-compatible ", "")


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def settings(folder: Path) -> Settings:
    """What a Linli process in this folder would read."""
    install()
    return Settings.read(
        {
            "AMQP_URI": os.environ.get("AMQP_URI", ""),
            "MONGODB_URI": os.environ.get("MONGODB_URI", ""),
            "LINLI_DATA": str(folder),
            "LINLI_CATCH_UP": "1",
            "LINLI_LOG_LEVEL": "error",
        }
    )


def in_city() -> bool:
    """Whether this process measures the city shape."""
    return bool(os.environ.get("MONGODB_URI"))


def service_of(folder: Path) -> str:
    """The name of the service whose log and views a measurement fills; every folder has its own, also on a shared server."""
    return folder.name


def log_in(folder: Path, name: str = "", **options: Any) -> EventLog:
    """A log, every append durable before its receipt: of the folder's own service, or with a name of another beside it."""
    service = service_of(folder) + name
    migrate_log(settings(folder), service)
    return open_log(settings(folder), service, **options)


def views_in(folder: Path, views: tuple[View, ...], name: str = "", durable: bool = False) -> ViewStore:
    """The views beside that log."""
    return open_views(settings(folder), service_of(folder) + name, views, durable=durable)


def database(folder: Path, service: str) -> Any:
    """The MongoDB database of a service, for the side that goes without Linli."""
    return database_of(settings(folder), service)


def bodies(folder: Path, name: str = "") -> Iterator[bytes]:
    """The bodies of all commits in order, out of the driver's own cursor."""
    service = service_of(folder) + name
    if in_city():
        found = database(folder, service)
        for document in found["groups"].find({}, sort=[("last", 1)]):
            for commit in document["commits"]:
                yield commit["body"]
        found.client.close()
        return
    with closing(sqlite3.connect(folder / f"{service}.log.sqlite")) as connection:
        for row in connection.execute(
            "SELECT position, last_position, stream, version, last_version, command_id, digest, body FROM commits "
            "WHERE position > 0 ORDER BY position"
        ):
            yield row[-1]


def forget(folder: Path, prefix: str) -> None:
    """Drop the databases of services whose names begin like this; without a server there is nothing to drop."""
    if in_city():
        found = database(folder, prefix)
        for name in found.client.list_database_names():
            if name.startswith(f"linli_{prefix}"):
                found.client.drop_database(name)
        found.client.close()


class folder:
    """An empty folder on the disk that the project lies on; it and the databases named after it are gone afterwards."""

    def __enter__(self) -> Path:
        BUILD.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="bench_", dir=BUILD))
        return self.path

    def __exit__(self, *_: object) -> None:
        forget(self.path, service_of(self.path))
        shutil.rmtree(self.path, ignore_errors=True)

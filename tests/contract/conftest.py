"""Every adapter of every port, so that one suite runs over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from shared.domain.view import View
from shared.log import EventLog, Storage
from shared.log.memory import MemoryStorage
from shared.log.mongodb import MongoStorage
from shared.log.mongodb_opening import migrate
from shared.log.sqlite import SqliteStorage
from shared.views import ViewStore
from shared.views.mongodb import MongoViews
from shared.views.sqlite import SqliteViews
from tests.contract import mongo

Open = Callable[[], Storage]
OpenViews = Callable[[Sequence[View]], ViewStore]


@pytest.fixture
def database() -> Iterator[Database[dict[str, Any]]]:
    """An empty MongoDB database."""
    database = mongo.database()
    yield database
    database.client.drop_database(database.name)


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same storage each time it is called, as a second process would."""
    if request.param == "memory":
        one = MemoryStorage()
        return lambda: one
    if request.param == "mongodb":
        database = request.getfixturevalue("database")
        migrate(database)
        return lambda: MongoStorage(database)
    return lambda: SqliteStorage(tmp_path / "log.sqlite")


@pytest.fixture
def log(open_storage: Open) -> Iterator[EventLog]:
    log = EventLog("test", open_storage())
    yield log
    log.close()


@pytest.fixture
def second(open_storage: Open) -> Iterator[EventLog]:
    log = EventLog("test", open_storage())
    yield log
    log.close()


@pytest.fixture(params=["sqlite", "mongodb"])
def open_views(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenViews]:
    """Opens a store over the same rows each time it is called, as a second process would."""
    opened: list[ViewStore] = []

    def open_views(views: Sequence[View]) -> ViewStore:
        if request.param == "mongodb":
            opened.append(MongoViews(request.getfixturevalue("database"), views))
        else:
            opened.append(SqliteViews(tmp_path / "views.sqlite", views))
        return opened[-1]

    if request.param == "mongodb":
        request.getfixturevalue("database")
    yield open_views
    for store in opened:
        store.close()

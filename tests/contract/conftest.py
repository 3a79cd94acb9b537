"""Every adapter of every port, so that one suite runs over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.log import EventLog, Storage
from shared.log.memory import MemoryStorage
from shared.log.sqlite import SqliteStorage

Open = Callable[[], Storage]


@pytest.fixture(params=["memory", "sqlite"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same storage each time it is called, as a second process would."""
    if request.param == "memory":
        one = MemoryStorage()
        return lambda: one
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

"""Desks of the registry: a founded city for tests that change it, one a module for those that only read, and an empty one.

The city is founded once; each test gets a copy of its files and its log.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.log import StoredCommit
from tests.desk.registry.founding import founded
from tests.kit.desk import Desk


@pytest.fixture(scope="session")
def foundation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[StoredCommit]]:
    """The files and the commits of a founded city."""
    folder = tmp_path_factory.mktemp("foundation")
    desk = founded(folder)
    commits = list(desk.log.storage.scan(0, None, None))
    desk.close()
    desk.keys.close()
    return folder, commits


def _copy(foundation: tuple[Path, list[StoredCommit]], folder: Path) -> Desk:
    shutil.copytree(foundation[0], folder, dirs_exist_ok=True)
    return Desk("registry", folder, commits=foundation[1])


@pytest.fixture
def desk(foundation: tuple[Path, list[StoredCommit]], tmp_path: Path) -> Iterator[Desk]:
    desk = _copy(foundation, tmp_path)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def read_only(foundation: tuple[Path, list[StoredCommit]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = _copy(foundation, tmp_path_factory.mktemp("registry"))
    yield desk
    desk.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("registry", tmp_path / "empty")
    yield desk
    desk.close()

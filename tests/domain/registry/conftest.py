"""Desks of the registry: a founded city for tests that change it, one a module for those that only read, and an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.domain.registry.facts import founded
from tests.kit.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = founded(tmp_path)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = founded(tmp_path_factory.mktemp("registry"))
    yield desk
    desk.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("registry", tmp_path / "empty")
    yield desk
    desk.close()

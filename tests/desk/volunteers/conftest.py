"""A desk for each module of the volunteers' specs: tests of a module use ids of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.domain.volunteers.people import small_city
from tests.kit.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The volunteers service in the small city."""
    desk = Desk("volunteers", tmp_path_factory.mktemp("volunteers"), small_city())
    yield desk
    desk.close()

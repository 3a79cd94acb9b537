"""A city to attack: in one process with SQLite files, and a process per service with RabbitMQ and a database over MongoDB's protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.target import Target
from tests.faults.city import City
from tests.faults.founding import found


@pytest.fixture(scope="session", params=["embedded", pytest.param("city", marks=pytest.mark.city)])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    city = City(request.param)
    try:
        city.start()
        yield Target(city, found(city))
    finally:
        city.stop()

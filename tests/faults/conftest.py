"""One city with a broker and a database of its own for all tests that break it; and the size of the runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.city import City
from tests.faults.founding import found


@dataclass
class Founded:
    """A founded city in the city shape, and tokens for it."""

    city: City
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def founded() -> Iterator[Founded]:
    """A process per service, RabbitMQ, and a database over MongoDB's protocol; each test leaves it healed."""
    city = City("city")
    try:
        city.start()
        yield Founded(city, found(city))
    finally:
        city.stop()


@pytest.fixture
def seed() -> int:
    """The seed of the faults; `SEED` repeats a run."""
    return int(os.environ.get("SEED") or 20260301)

"""Fixtures of the volunteers' specs."""

from pathlib import Path

import pytest

from tests.domain.volunteers.city import City


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A service with an empty log."""
    return City(tmp_path)

"""The registry on the bus; everything follows from the declarations of its aggregates."""

from __future__ import annotations

from services.registry.definition import DEFINITION
from shared.service.service import Followed, serves


@serves(DEFINITION)
class RegistryService(Followed):
    """Places, organisations, posts, persons and the city's catalogue; queries are public, names of persons masked."""

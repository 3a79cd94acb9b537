"""Who answered a notice or took note of a version is forgotten with the version (X09)."""

from __future__ import annotations

from collections.abc import Iterable

from services.registry.regulation.households import notes_forgotten
from services.registry.regulation.responses import answers_forgotten
from services.registry.regulation.state import HouseholdsForgotten
from shared.domain.city import City
from shared.domain.policy import Decision
from shared.domain.record import Record


def on_households_forgotten(fact: HouseholdsForgotten, record: Record, city: City) -> Iterable[Decision]:
    """All that was said to a version goes; what was sealed with the key of the version itself has gone already (X09)."""
    yield from answers_forgotten(city, regulation_id=fact.regulation_id)
    yield from notes_forgotten(city, regulation_id=fact.regulation_id)

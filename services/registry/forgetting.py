"""Who is erased is forgotten in all that they said for themselves or their household, each of which has a key of its own (X09)."""

from __future__ import annotations

from collections.abc import Iterable

from services.registry.person import PersonErased
from services.registry.regulation.households import notes_forgotten
from services.registry.regulation.responses import answers_forgotten
from services.registry.survey.forgetting import answerers_forgotten
from shared.domain.city import City
from shared.domain.policy import Decision
from shared.domain.record import Record


def on_person_erased(fact: PersonErased, record: Record, city: City) -> Iterable[Decision]:
    """Answers to notices, households that took note, households that answered surveys (X09)."""
    for forgotten in (answers_forgotten, notes_forgotten, answerers_forgotten):
        yield from forgotten(city, person_id=fact.person_id)

"""What is open at a place that ends goes to the place that came after it, each thing by a fact of its own (docs/decisions/0023)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision, Policy
from shared.domain.record import Record


@dataclass(frozen=True)
class Relocating:
    """Which things follow: those of the rows of a view in one of the statuses; `fact` has the id of the thing and its new `place`."""

    decider: Decider[Any]
    view: str
    fact: type[Event]
    statuses: Collection[str]

    def decide(self, thing: Any, *, by: Mandate, at: str, place: str) -> list[Event]:
        """The thing is at another place; nothing when it is over or there already."""
        if thing.status not in self.statuses or thing.place == place:
            return []
        return [self.fact(**{self.decider.id_field: thing.id, "place": place})]

    def decisions(self, fact: Any, record: Record, city: City) -> Iterable[Decision]:
        """What follows from the end of a place (`PlaceEnded`)."""
        for row in list(every(city.rows, self.view, {"place": fact["place"]})):
            yield Decision(self.decider, row[self.decider.id_field], self.decide, {"place": fact["heir"]})


def follow(*parts: Relocating | Callable[..., Iterable[Decision]]) -> Policy:
    """One policy for the end of a place out of what each kind of thing does then."""

    def on_place_ended(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
        for part in parts:
            yield from (part.decisions if isinstance(part, Relocating) else part)(fact, record, city)

    return on_place_ended

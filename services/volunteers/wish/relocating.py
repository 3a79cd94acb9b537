"""Wishes follow when their place ends: what is not confirmed yet goes to the place that came after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.volunteers.wish.facts import WishRelocated
from services.volunteers.wish.state import WISH, Wish
from shared.domain.city import City, every
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record

#: Statuses after which nothing is done any more: such wishes stay under the code at which they were fulfilled.
OVER = ("rejected", "withdrawn", "confirmed")


def relocate_wish(wish: Wish, *, by: Mandate, at: str, city: City, place: str) -> list[Event]:
    """A wish that is not over goes to another place; its claim and its days stay."""
    if wish.status in ("unknown", *OVER) or wish.place == place:
        return []
    return [WishRelocated(wish_id=wish.id, place=place)]


def on_place_ended(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """Open wishes of a place that has ended go to its heir."""
    for row in list(every(city.rows, "wishes", {"place": fact["place"]})):
        yield Decision(WISH, row["wish_id"], relocate_wish, {"place": fact["heir"]})

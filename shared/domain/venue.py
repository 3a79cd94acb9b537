"""What a city says of places that can be booked: rooms of stations, stages (B32, C25)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from shared.domain.fields import CODE, code_of, number
from shared.domain.lists import Item
from shared.domain.structures import group, many


class VenueKind(msgspec.Struct, frozen=True, kw_only=True):
    """Places of a kind that are booked by the zone, each zone for one use at a time: one room, many uses."""

    of: Annotated[str, code_of("place_kinds"), "kind of the places that are booked"]
    zones: Annotated[list[Item], many(group(Item), 1, 50), "parts that are booked by themselves"]
    uses: Annotated[list[Item], many(group(Item), 1, 50), "what they are booked for"]
    needs: Annotated[str, CODE, "what the place must have unlocked by a checklist; empty: nothing"] = ""
    longest: Annotated[int, number(1, 1440), "minutes of one booking at most"] = 240
    ahead: Annotated[int, number(1, 366), "days that a booking lies ahead at most"] = 60

"""Signed checkpoints of the city ledger as facts of every service's log, so that each log binds all the others.

The ledger can be lost or made anew, with its key, by whoever holds one machine; what stands in the logs of other services, each chained
and followed, cannot go unseen. Few such facts are written: one an hour at most, and none while nothing else happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC
from shared.ledger.checkpoint import read_checkpoint
from shared.log import EventLog

#: The one thing that these facts are about.
ANCHORED = "city-ledger"


class LedgerAnchored(Event, frozen=True, kw_only=True):
    """The city ledger had been signed like this when this service was told so."""

    size: int  # entries of the ledger then
    checkpoint: Annotated[str, PUBLIC]  # a signed note


ANCHORING_EVENTS: tuple[type[Event], ...] = (LedgerAnchored,)


class Anchor(msgspec.Struct, frozen=True):
    """The largest ledger that this service was told of."""

    id: str
    size: int = -1


def evolve(anchor: Anchor, event: LedgerAnchored) -> Anchor:
    """Remember the size."""
    return Anchor(anchor.id, max(anchor.size, event.size))


def anchor_checkpoint(anchor: Anchor, *, by: Mandate, at: str, checkpoint: str) -> list[Event]:
    """Record a signed checkpoint, unless one as large is recorded; raises `BadInputError` when the text is none."""
    by.require("ledger.anchor")
    size = read_checkpoint(checkpoint).size
    return [LedgerAnchored(size=size, checkpoint=checkpoint)] if size > anchor.size else []


ANCHOR = Decider("anchor", ANCHORING_EVENTS, Anchor, Anchor, evolve, lambda anchor: "")


def anchors_in(log: EventLog) -> Iterator[tuple[int, str, str]]:
    """Yield position, recorded time and checkpoint of each such fact of a log, in order."""
    for record in log.read_stream(ANCHOR.stream(ANCHORED)):
        yield record.position, record.time, msgspec.json.decode(record.data)["checkpoint"]

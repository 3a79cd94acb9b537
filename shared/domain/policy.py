"""Policies: what another service's fact makes ours decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.command import On
from shared.domain.decider import Decider
from shared.domain.event import Event


@dataclass(frozen=True)
class Decision:
    """What a policy wants done on one of our own aggregates."""

    decider: Decider[Any]
    id: str
    decide: Callable[..., Iterable[Event | On]]
    arguments: Mapping[str, Any]
    #: The subject whose key is destroyed afterwards, "" for none.
    erases: str = ""


#: Another service's fact to our decisions. Gets the plain data, tolerant of fields it does not know, the record, and if it takes a
#: third argument the rows of this service.
Policy = Callable[..., Iterable[Decision]]

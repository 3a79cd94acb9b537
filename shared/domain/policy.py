"""Policies: what a fact, mostly of another service, makes ours decide."""

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


#: Another service's fact, or one of our own, to our decisions. Gets the plain data, tolerant of fields it does not know (a fact of our
#: own as its class), and the record; and where it asks for a `City`, that of today, with all our own rows as this fact leaves them. What
#: is then decided sees the same rows, on the day that the fact happened.
Policy = Callable[..., Iterable[Decision]]

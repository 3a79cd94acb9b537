"""An aggregate: where its facts lie and how they fold."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Generic, TypeVar

import msgspec

from shared.domain.event import Codec

State = TypeVar("State")


@dataclass(frozen=True)
class Decider(Generic[State]):
    """An aggregate: where its events lie and how they fold.

    `category` names its streams (`issue-<id>`), `initial(id)` is the state before any event, `place(state)` the territory path
    that its facts are published under.
    """

    category: str
    codec: Codec
    state: type[State]
    initial: Callable[[str], State]
    evolve: Callable[[State, Any], State]
    place: Callable[[State], str]

    def stream(self, id: str) -> str:
        """The name of one aggregate's stream."""
        return f"{self.category}-{id}"

    @cached_property
    def shape(self) -> str:
        """Changes whenever the fold may give another result, so that snapshots of older code are not used."""
        module = inspect.getmodule(self.evolve)
        source = inspect.getsource(module) if module else inspect.getsource(self.evolve)
        return sha256((source + str(msgspec.json.schema(self.state))).encode()).hexdigest()[:16]

"""A service as plain data: everything that replay, audit and the runtime need to know of it, without any framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from marshmallow import Schema

from shared.domain.decider import Decider
from shared.domain.event import Codec
from shared.domain.policy import Policy
from shared.domain.record import Record
from shared.domain.view import View
from shared.following.authority import REGISTRY, authority_views
from shared.following.follow import PARKED


@dataclass(frozen=True)
class Definition:
    """What makes up a service. `sources` are the other services whose facts it follows."""

    name: str
    codec: Codec
    views: tuple[View, ...]
    deciders: tuple[Decider[Any], ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    commands: Mapping[str, type[Schema]] = field(default_factory=dict)
    queries: Mapping[str, type[Schema]] = field(default_factory=dict)
    powers: Mapping[str, str] = field(default_factory=dict)
    durable: bool = False  # whether its view store holds what no log can bring back

    @property
    def all_views(self) -> tuple[View, ...]:
        """Its own views, those of who may do what, and the parked facts."""
        return (*self.views, *authority_views(REGISTRY), PARKED)

    def decoder_for(self, source: str) -> Any:
        """How facts of a source are read: own ones as their class, foreign ones as plain mappings."""
        plain = msgspec.json.Decoder(dict[str, Any]).decode

        def own(record: Record) -> Any:
            return self.codec.decode(record.type, record.schema, record.data)

        def foreign(record: Record) -> Any:
            return plain(record.data)

        return own if source == self.name else foreign

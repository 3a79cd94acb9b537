"""A service as plain data: everything that replay, audit and the runtime need to know of it, without any framework."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from marshmallow import Schema

from shared.domain.city_rows import REGISTRY, city_views
from shared.domain.clock import Rule
from shared.domain.command import Command
from shared.domain.decider import Decider
from shared.domain.event import Codec
from shared.domain.policy import Policy
from shared.domain.query import Query
from shared.domain.record import Record
from shared.domain.view import Tally, View
from shared.following.anchoring import ANCHORING_EVENTS
from shared.following.follow import PARKED
from shared.following.parking import PARKING_EVENTS
from shared.following.schemas import schema_of


@dataclass(frozen=True)
class Definition:
    """What makes up a service.

    `deciders` are its aggregates with their commands and queries, `sources` the other services whose facts it follows, `powers` those
    that only queries ask for, each with its sentence; `clock` what the passing of a day means; `by_hand` declares queries that
    the service answers itself, because they need more than a `Reader`. `inner` are commands
    that only Linli's own processes give: they have no path in the API. `durable` says that the view store holds what no log can bring back.

    Raises `TypeError` for a declaration that does not fit: two commands of one name, a guard on another service's things, a clock rule
    without a period, a tally of a view that is not there.
    """

    name: str
    deciders: tuple[Decider[Any], ...] = ()
    views: tuple[View, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    powers: Mapping[str, str] = field(default_factory=dict)
    clock: tuple[Rule, ...] = ()
    by_hand: tuple[Query, ...] = ()
    command_schemas: Mapping[str, type[Schema]] = field(default_factory=dict)
    query_schemas: Mapping[str, type[Schema]] = field(default_factory=dict)
    inner: frozenset[str] = frozenset()
    durable: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", tuple(view.owned_by(self.name) for view in self.views))
        names: dict[str, str] = {}
        categories = {decider.category for decider in self.deciders}
        for decider in self.deciders:
            for name in (*decider.commands, *decider.queries):
                if name in names:
                    raise TypeError(f"{self.name}: {decider.category} and {names[name]} both declare {name}")
                names[name] = decider.category
        for command in self.commands.values():
            for held in command.needs.holds.values():
                if held.decider.category not in categories:
                    raise TypeError(
                        f"{_where(command.decide)}: {command.name} holds a {held.decider.category}, which is no aggregate of "
                        f"{self.name}"
                    )
        known = {view.name for view in self.views}
        for view in self.views:
            if isinstance(view, Tally) and view.counting not in known:
                raise TypeError(
                    f"{self.name}: the tally {view.name} counts {view.counting}, which is no view of this service"
                )
        for rule in self.clock:
            if not callable(rule.period) or not rule.name:
                raise TypeError(
                    f"{_where(rule.decide)}: the clock rule {rule.name or '?'} of {self.name} names no period, so that it might act "
                    "twice"
                )

    @cached_property
    def codec(self) -> Codec:
        """All facts of the service."""
        events = [event for decider in self.deciders for event in decider.codec.events.values()]
        upcasters = {key: up for decider in self.deciders for key, up in decider.codec.upcasters.items()}
        return Codec((*events, *PARKING_EVENTS, *ANCHORING_EVENTS), upcasters)

    @cached_property
    def commands(self) -> dict[str, Command]:
        """The declared commands by name."""
        return {name: one for decider in self.deciders for name, one in decider.commands.items()}

    @cached_property
    def queries(self) -> dict[str, Query]:
        """The declared queries by name."""
        return {name: one for decider in self.deciders for name, one in decider.queries.items()}

    @cached_property
    def commands_checked(self) -> dict[str, type[Schema]]:
        """Each command with the schema that checks it."""
        return {name: schema_of(one) for name, one in self.commands.items()} | dict(self.command_schemas)

    @cached_property
    def queries_checked(self) -> dict[str, type[Schema]]:
        """Each query with the schema that checks it."""
        return {one.name: schema_of(one) for one in (*self.queries.values(), *self.by_hand)} | dict(self.query_schemas)

    @cached_property
    def all_powers(self) -> dict[str, str]:
        """Every power that is asked for, with what it lets one do."""
        asked = {power: one.summary for one in reversed(self.commands.values()) for power in one.powers()}
        return dict(sorted((asked | dict(self.powers)).items()))

    @property
    def all_views(self) -> tuple[View, ...]:
        """Its own views, those of the city, and the parked facts."""
        return (*self.views, *city_views(REGISTRY), PARKED)

    def decoder_for(self, source: str) -> Callable[[Record], Any]:
        """How facts of a source are read: own ones as their class, foreign ones as plain mappings."""
        plain = msgspec.json.Decoder(dict[str, Any]).decode

        def own(record: Record) -> Any:
            return self.codec.decode(record.type, record.schema, record.data)

        def foreign(record: Record) -> Any:
            return plain(record.data)

        return own if source == self.name else foreign


def _where(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"

"""What the definitions of the services say to pages: which things there are, how they are read, and what their fields are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from services.gateway.contracts import DEFINITIONS
from shared.domain.command import Command
from shared.domain.decider import Decider
from shared.domain.errors import NotFoundError
from shared.domain.fields import Kind
from shared.domain.query import Query
from shared.domain.structures import Field, Group, Many
from shared.domain.words import _, term
from shared.following.definition import Definition


@dataclass(frozen=True, eq=False)
class Aggregate:
    """A kind of thing of a service."""

    service: str
    decider: Decider[Any]

    @property
    def category(self) -> str:
        """Its name in addresses, and the group of its words."""
        return self.decider.category

    @property
    def id_field(self) -> str:
        """The field of its rows that names a thing."""
        return self.decider.id_field

    @cached_property
    def single(self) -> Query | None:
        """The query that answers with one thing by its id."""
        return next((one for one in self.decider.queries.values() if self._is_single(one)), None)

    def _is_single(self, query: Query) -> bool:
        required = [field.name for field in query.fields if field.required]
        return query.name.startswith("get_") and required == [self.id_field]

    @cached_property
    def lists(self) -> tuple[Query, ...]:
        """The queries that answer with pages of rows and need not be asked for anything in particular."""
        return tuple(
            query
            for query in self.decider.queries.values()
            if query.name.startswith("find_") and not any(field.required for field in query.fields)
        )

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds of its fields by name, as its commands and queries declare them, else those of its service."""
        found: dict[str, Kind] = {}
        others = (decider for decider in definition(self.service).deciders if decider is not self.decider)
        for decider in (self.decider, *others):
            commands, queries = decider.commands.values(), decider.queries.values()
            for fields in (*(one.fields for one in commands), *(one.fields for one in queries)):
                for field in fields:
                    _collect(field, found)
        return found


def _collect(field: Field, found: dict[str, Kind]) -> None:
    """A field and the parts of it."""
    found.setdefault(field.name, field.kind)
    kind = field.kind.kind if isinstance(field.kind, Many) else field.kind
    for part in kind.fields if isinstance(kind, Group) else ():
        _collect(part, found)


def definition(service: str) -> Definition:
    """A service; raises `NotFoundError` for an unknown one."""
    if service not in DEFINITIONS:
        raise NotFoundError(
            _("there is no service {service}; known: {known}"), service=service, known=", ".join(DEFINITIONS)
        )
    return DEFINITIONS[service]


@cache
def aggregates(service: str) -> Mapping[str, Aggregate]:
    """The things of a service by category."""
    return {decider.category: Aggregate(service, decider) for decider in definition(service).deciders}


def aggregate(service: str, category: str) -> Aggregate:
    """A kind of thing; raises `NotFoundError` for an unknown one."""
    definition(service)
    if category not in aggregates(service):
        raise NotFoundError(_("there is nothing at {path}"), path=f"/work/{service}/{category[:64]}")
    return aggregates(service)[category]


def declared(service: str, name: str) -> tuple[Aggregate, Command | Query]:
    """A command or query by its name, with what it belongs to; raises `NotFoundError` for an unknown one."""
    definition(service)
    for one in aggregates(service).values():
        found = one.decider.commands.get(name) or one.decider.queries.get(name)
        if found is not None:
            return one, found
    raise NotFoundError(_("there is no {thing} {id}"), thing=term("thing", "command"), id=name[:64])


def called(what: str) -> Aggregate | None:
    """The kind of thing that an id names (`post`, `report_in`), of whichever service."""
    for service in DEFINITIONS:
        for category, found in aggregates(service).items():
            if category.replace("-", "_") == what.replace("-", "_"):
                return found
    return None

"""What the services publish: the only thing the gateway knows of them is what may be sent, and what is answered."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from services.audit.definition import DEFINITION as AUDIT
from services.funding.definition import DEFINITION as FUNDING
from services.issues.definition import DEFINITION as ISSUES
from services.registry.definition import DEFINITION as REGISTRY
from services.volunteers.definition import DEFINITION as VOLUNTEERS
from shared.domain.command import Command
from shared.domain.query import Query
from shared.domain.reader import STAFF
from shared.following.definition import Definition
from shared.service.operations import Offers

#: Offered by every service to everybody.
_OFFERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "commands": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "command": {"type": "string", "description": "name of the command"},
                    "new": {"type": "boolean", "description": "whether it may begin something new"},
                },
            },
        },
        "lists": {"type": "array", "items": {"type": "string"}, "description": "names of the queries"},
    },
}


def _described(schema: Any, about: Mapping[str, str]) -> Any:
    """An answer whose fields say what they are for where a command or query says it of a field of the same name."""
    if isinstance(schema, list | tuple):
        return [_described(part, about) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {name: _described(part, about) for name, part in schema.items()}
    properties = made.get("properties")
    if isinstance(properties, dict):
        for name, part in properties.items():
            if isinstance(part, dict) and name in about and not {"description", "$ref"} & set(part):
                part["description"] = about[name]
    return made


def needed(one: Command | Query) -> str:
    """What is needed to give a command or to ask a query, "" for nothing."""
    powers = " or ".join(
        f"`{power}`" for power in (one.powers() if isinstance(one, Command) else one.power.split(" or ")) if power
    )
    if isinstance(one, Query):
        unless = f" unless `{one.own}` is yourself" if one.own else ""
        if one.power == STAFF:
            return f"For staff of the place that is asked for{unless}."
        return f"Needs the power {powers} at the place that is asked for{unless}." if powers else ""
    place = "at the place that it serves" if one.where else "at its place"
    unless = " unless it is your own" if one.owner else ""
    return f"Needs the power {powers} {place}{unless}."


@dataclass(frozen=True)
class Contract:
    """The commands and queries of one service, by name.

    `answers` are the JSON Schemas of what queries answer, `needs` what is needed to give a command or to ask a query, in a sentence.
    """

    service: str
    commands: Mapping[str, type[Schema]]
    queries: Mapping[str, type[Schema]]
    answers: Mapping[str, Mapping[str, Any]]
    needs: Mapping[str, str]

    @classmethod
    def of(cls, definition: Definition) -> Contract:
        """The contract of a service."""
        declared = (*definition.queries.values(), *definition.by_hand)
        about = {field.name: field.about for query in declared for field in query.fields}
        about |= {field.name: field.about for command in definition.commands.values() for field in command.fields}
        every: tuple[Command | Query, ...] = (*definition.commands.values(), *declared)
        return cls(
            definition.name,
            {name: one for name, one in definition.commands_checked.items() if name not in definition.inner},
            definition.queries_checked | {"offers": Offers},
            {query.name: _described(query.answer, about) for query in declared} | {"offers": _OFFERS},
            {one.name: needed(one) for one in every},
        )

    def about(self, name: str) -> str:
        """What follows the first line of a command's or query's sentence, and what is needed for it."""
        schema = self.commands.get(name) or self.queries[name]
        more = inspect.cleandoc(schema.__doc__ or "").partition("\n")[2].strip()
        return "\n\n".join(part for part in (more, self.needs.get(name, "")) if part)


#: In the order of the documentation.
DEFINITIONS: dict[str, Definition] = {
    definition.name: definition for definition in (REGISTRY, ISSUES, VOLUNTEERS, FUNDING, AUDIT)
}
CONTRACTS = tuple(Contract.of(definition) for definition in DEFINITIONS.values())
SERVICES = tuple(DEFINITIONS)

"""What the services publish: the only thing the gateway knows of them is what may be sent."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from marshmallow import Schema

#: Services with an API, in the order of the documentation.
SERVICES = ("registry", "issues", "volunteers", "funding")
#: Services whose positions a caller may name.
SOURCES = (*SERVICES, "audit")


@dataclass(frozen=True)
class Contract:
    """The commands and queries of one service, by name."""

    service: str
    commands: Mapping[str, type[Schema]]
    queries: Mapping[str, type[Schema]]


def contracts() -> tuple[Contract, ...]:
    """The contracts of all services."""
    found = []
    for service in SERVICES:
        name = f"services.{service}.schemas"
        if importlib.util.find_spec(f"services.{service}") and importlib.util.find_spec(name):
            module = importlib.import_module(name)
            found.append(Contract(service, module.COMMANDS, module.QUERIES))
    return tuple(found)

"""What the services publish: the only thing the gateway knows of them is what may be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marshmallow import Schema

from services.audit import schemas as audit
from services.funding import schemas as funding
from services.issues import schemas as issues
from services.registry import schemas as registry
from services.volunteers import schemas as volunteers


@dataclass(frozen=True)
class Contract:
    """The commands and queries of one service, by name."""

    service: str
    commands: Mapping[str, type[Schema]]
    queries: Mapping[str, type[Schema]]


#: In the order of the documentation.
CONTRACTS = (
    Contract("registry", registry.COMMANDS, registry.QUERIES),
    Contract("issues", issues.COMMANDS, issues.QUERIES),
    Contract("volunteers", volunteers.COMMANDS, volunteers.QUERIES),
    Contract("funding", funding.COMMANDS, funding.QUERIES),
    Contract("audit", audit.COMMANDS, audit.QUERIES),
)
SERVICES = tuple(contract.service for contract in CONTRACTS)

"""The list of services."""

from __future__ import annotations

from importlib import import_module

from shared.domain.errors import BadInputError
from shared.following.definition import Definition

#: Name to module and class of the entrypoints, in the order of start.
SERVICES = {
    "registry": ("services.registry.service", "RegistryService"),
    "issues": ("services.issues.service", "IssueService"),
    "volunteers": ("services.volunteers.service", "VolunteerService"),
    "funding": ("services.funding.service", "FundingService"),
    "audit": ("services.audit.service", "AuditService"),
    "gateway": ("services.gateway.service", "GatewayService"),
}
#: Those with a log, in the order of the city ledger's sources.
OWNERS = ("registry", "issues", "volunteers", "funding", "audit")


def service_class(name: str) -> type:
    """Return the nameko class of a service; raises `BadInputError` for an unknown name."""
    if name not in SERVICES:
        raise BadInputError(f"there is no service {name!r}; there are {', '.join(SERVICES)}")
    module, cls = SERVICES[name]
    found: type = getattr(import_module(module), cls)
    return found


def definition(name: str) -> Definition:
    """Return the definition of a service, without loading its framework."""
    found: Definition = import_module(f"services.{name}.definition").DEFINITION
    return found

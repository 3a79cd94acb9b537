"""Organisations: a tree whose levels are the city's (A03, A06, C06, C50, D43)."""

from services.registry.organisation.moving import move_organisation
from services.registry.organisation.rows import ORGANISATIONS, parent_on
from services.registry.organisation.standing import dissolve_organisation, establish_organisation
from services.registry.organisation.state import (
    ORGANISATION,
    Organisation,
    OrganisationDissolved,
    OrganisationEstablished,
    OrganisationMoved,
)

__all__ = [
    "ORGANISATION",
    "ORGANISATIONS",
    "Organisation",
    "OrganisationDissolved",
    "OrganisationEstablished",
    "OrganisationMoved",
    "dissolve_organisation",
    "establish_organisation",
    "move_organisation",
    "parent_on",
]

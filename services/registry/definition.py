"""The registry as plain data."""

from __future__ import annotations

from services.registry.domain import ORGANISATION, PERSON, PLACE, POST, PROFILE
from services.registry.policies import POLICIES
from services.registry.schemas import COMMANDS, QUERIES
from services.registry.views import VIEWS
from shared.following.definition import Definition

POWERS: dict[str, str] = {
    "registry.profile": "Adopt a version of the city's profile: levels, roles, powers, code lists and parameters.",
    "registry.place": "Register places, measure them and count their households.",
    "registry.organisation": "Establish and dissolve organisations.",
    "registry.post": "Establish and abolish posts.",
    "registry.person": "Register persons who may hold posts.",
    "registry.appoint": "Appoint persons to posts and end appointments.",
    "registry.read_names": "Read the names of registered persons in full.",
    "registry.erase": "Erase a person's data for good.",
}

DEFINITION = Definition(
    name="registry",
    views=VIEWS,
    policies=POLICIES,
    sources=(),
    deciders=(PROFILE, PLACE, ORGANISATION, POST, PERSON),
    command_schemas=COMMANDS,
    query_schemas=QUERIES,
    powers=POWERS,
)

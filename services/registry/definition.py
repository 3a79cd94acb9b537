"""The registry as plain data: the root of what all services know, it decides nothing because of others' facts."""

from __future__ import annotations

from services.registry import census, coverage  # noqa: F401  # their queries register on places
from services.registry.checklist import CHECKLIST, CHECKLIST_FIGURES, CHECKLISTS
from services.registry.entry import ENTRY
from services.registry.link import LINK, LINKS
from services.registry.obligation import CLOCK, EVIDENCE, OBLIGATION, OBLIGATION_FIGURES, OBLIGATIONS
from services.registry.organisation import ORGANISATION, ORGANISATIONS
from services.registry.owners_vote import OWNERS_VOTE, OWNERS_VOTES
from services.registry.person import PERSON, PERSONS, READ_NAMES
from services.registry.place import ATTRIBUTES, HOUSEHOLDS, MEASURES, PLACE, PLACES, on_place_ended
from services.registry.post import APPOINTMENTS, FALLS_VACANT, POST, POSTS
from services.registry.profile import PROFILE, PROFILES
from services.registry.regulation import ACKNOWLEDGEMENT, REGULATION, REGULATIONS
from services.registry.selection import SELECTION, SELECTIONS
from services.registry.standing import STANDING, STANDINGS
from shared.following.definition import Definition

DEFINITION = Definition(
    name="registry",
    deciders=(
        PROFILE,
        ENTRY,
        PLACE,
        ORGANISATION,
        POST,
        PERSON,
        CHECKLIST,
        OBLIGATION,
        EVIDENCE,
        STANDING,
        LINK,
        SELECTION,
        OWNERS_VOTE,
        REGULATION,
        ACKNOWLEDGEMENT,
    ),
    views=(
        PROFILES,
        PLACES,
        MEASURES,
        HOUSEHOLDS,
        ATTRIBUTES,
        ORGANISATIONS,
        POSTS,
        APPOINTMENTS,
        PERSONS,
        CHECKLISTS,
        CHECKLIST_FIGURES,
        OBLIGATIONS,
        OBLIGATION_FIGURES,
        STANDINGS,
        LINKS,
        SELECTIONS,
        OWNERS_VOTES,
        REGULATIONS,
    ),
    policies={"registry.PlaceEnded": on_place_ended},
    clock=(*CLOCK, FALLS_VACANT),
    powers={READ_NAMES: "Read the names of registered persons in full."},
)

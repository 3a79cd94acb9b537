"""The registry as plain data: the root of what all services know, it decides nothing because of others' facts."""

from __future__ import annotations

from services.registry import (  # noqa: F401  # their queries register on bodies, places, entries, persons
    acting,
    census,
    coverage,
    duty,
    staff,
)
from services.registry.booking import BOOKING, BOOKINGS
from services.registry.checklist import CHECKLIST, CHECKLIST_FIGURES, CHECKLISTS
from services.registry.classification import CLASSIFICATION, CLASSIFICATIONS
from services.registry.entry import ENTRY
from services.registry.grading import GRADING, GRADINGS
from services.registry.indicator import INDICATOR, INDICATORS
from services.registry.link import LINK, LINKS
from services.registry.meeting import MEETING, MEETINGS
from services.registry.obligation import CLOCK, EVIDENCE, OBLIGATION, OBLIGATION_FIGURES, OBLIGATIONS
from services.registry.organisation import ORGANISATION, ORGANISATIONS
from services.registry.owners_vote import OWNERS_VOTE, OWNERS_VOTES
from services.registry.person import PERSON, PERSONS, READ_NAMES
from services.registry.place import ATTRIBUTES, HOUSEHOLDS, MEASURES, PLACE, PLACES, on_place_ended
from services.registry.post import (
    APPOINTMENTS,
    FALLS_VACANT,
    POST,
    POSTS,
    SUCCEEDS,
    SUCCESSION,
    SUCCESSIONS,
    VACANCIES,
    VACANCY,
    VACANT,
)
from services.registry.profile import PROFILE, PROFILES
from services.registry.programme import PARTICIPATION, PARTICIPATIONS, PROGRAMME, PROGRAMMES
from services.registry.registration import REGISTRATION, REGISTRATIONS
from services.registry.regulation import ACKNOWLEDGEMENT, REGULATION, REGULATIONS, RESPONSE, RESPONSES
from services.registry.selection import SELECTION, SELECTIONS
from services.registry.sharing import SHARING, SHARINGS
from services.registry.standing import STANDING, STANDINGS
from services.registry.survey import SHEET, SHEETS, SURVEY, SURVEYS
from shared.following.definition import Definition

DEFINITION = Definition(
    name="registry",
    deciders=(
        PROFILE,
        ENTRY,
        PLACE,
        ORGANISATION,
        POST,
        SUCCESSION,
        VACANCY,
        PERSON,
        CHECKLIST,
        OBLIGATION,
        EVIDENCE,
        STANDING,
        CLASSIFICATION,
        GRADING,
        INDICATOR,
        LINK,
        SHARING,
        SELECTION,
        OWNERS_VOTE,
        REGULATION,
        ACKNOWLEDGEMENT,
        RESPONSE,
        BOOKING,
        MEETING,
        PROGRAMME,
        PARTICIPATION,
        SURVEY,
        SHEET,
        REGISTRATION,
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
        SUCCESSIONS,
        VACANCIES,
        PERSONS,
        CHECKLISTS,
        CHECKLIST_FIGURES,
        OBLIGATIONS,
        OBLIGATION_FIGURES,
        STANDINGS,
        CLASSIFICATIONS,
        GRADINGS,
        INDICATORS,
        LINKS,
        SHARINGS,
        SELECTIONS,
        OWNERS_VOTES,
        REGULATIONS,
        RESPONSES,
        MEETINGS,
        PROGRAMMES,
        PARTICIPATIONS,
        SURVEYS,
        SHEETS,
        REGISTRATIONS,
        BOOKINGS,
    ),
    clock=(*CLOCK, FALLS_VACANT, SUCCEEDS, *VACANT),
    policies={"registry.PlaceEnded": on_place_ended},
    powers={READ_NAMES: "Read the names of registered persons in full."},
)

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
from services.registry.entry.state import ENTRY
from services.registry.forgetting import on_person_erased
from services.registry.grading import GRADING, GRADINGS
from services.registry.indicator import INDICATOR, INDICATORS
from services.registry.later import LATER
from services.registry.link.rows import LINKS
from services.registry.link.state import LINK
from services.registry.meeting.rows import MEETINGS
from services.registry.meeting.state import MEETING
from services.registry.obligation.owing import CLOCK
from services.registry.obligation.rows import OBLIGATION_FIGURES, OBLIGATIONS
from services.registry.obligation.state import EVIDENCE, OBLIGATION
from services.registry.organisation.rows import ORGANISATIONS
from services.registry.organisation.state import ORGANISATION
from services.registry.owners_vote import OWNERS_VOTE, OWNERS_VOTES
from services.registry.person import PERSON, PERSONS, READ_NAMES
from services.registry.place.ending import on_place_ended
from services.registry.place.rows import ATTRIBUTES, HOUSEHOLDS, MEASURES, PLACES
from services.registry.place.state import PLACE
from services.registry.post.going_with import FALLS_VACANT
from services.registry.post.rows import APPOINTMENTS, POSTS
from services.registry.post.state import POST
from services.registry.post.succession import SUCCEEDS, SUCCESSION, SUCCESSIONS
from services.registry.post.vacancy import VACANCIES, VACANCY, VACANT
from services.registry.profile.rows import PROFILES
from services.registry.profile.state import PROFILE
from services.registry.programme.rows import PARTICIPATIONS, PROGRAMMES
from services.registry.programme.state import PARTICIPATION, PROGRAMME
from services.registry.registration import REGISTRATION, REGISTRATIONS
from services.registry.regulation.forgetting import on_households_forgotten
from services.registry.regulation.households import NOTES
from services.registry.regulation.responses import RESPONSE, RESPONSES
from services.registry.regulation.rows import REGULATIONS
from services.registry.regulation.state import ACKNOWLEDGEMENT, REGULATION
from services.registry.selection.rows import SELECTIONS
from services.registry.selection.state import SELECTION
from services.registry.sharing import SHARING, SHARINGS
from services.registry.standing import STANDING, STANDINGS
from services.registry.survey.forgetting import ANSWERERS, on_answerers_forgotten
from services.registry.survey.rows import SHEETS, SURVEYS
from services.registry.survey.state import SHEET, SURVEY
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
        LATER,
        SHARINGS,
        SELECTIONS,
        OWNERS_VOTES,
        REGULATIONS,
        RESPONSES,
        NOTES,
        MEETINGS,
        PROGRAMMES,
        PARTICIPATIONS,
        SURVEYS,
        SHEETS,
        ANSWERERS,
        REGISTRATIONS,
        BOOKINGS,
    ),
    clock=(*CLOCK, FALLS_VACANT, SUCCEEDS, *VACANT),
    policies={
        "registry.PlaceEnded": on_place_ended,
        "registry.PersonErased": on_person_erased,
        "registry.HouseholdsForgotten": on_households_forgotten,
        "registry.AnswerersForgotten": on_answerers_forgotten,
    },
    powers={READ_NAMES: "Read the names of registered persons in full."},
)

"""The volunteers service as plain data."""

from services.volunteers import domain
from services.volunteers.policies import POLICIES
from services.volunteers.schemas import COMMANDS, QUERIES
from services.volunteers.views import VIEWS
from shared.following.definition import Definition

POWERS: dict[str, str] = {
    "volunteer.register": "Enter a person in the register of volunteers.",
    "volunteer.join": "Join a team, or report in.",
    "volunteer.survey": "Put an in-service member on the survey list of a compound.",
    "volunteer.confirm": "Confirm one end of a report-in, and see who reported in.",
    "volunteer.role": "Give a volunteer a role, or end it.",
    "volunteer.read_names": "Read the names of volunteers in full.",
    "team.form": "Form a team, and take members off it.",
    "activity.plan": "Announce an activity, or call it off.",
    "activity.record": "Record that an activity was held and who took part.",
    "patrol.log": "Put patrols on the rota and log them.",
    "wish.ask": "Ask for something small.",
    "wish.publish": "Check wishes, publish or reject them, and return expired claims.",
    "wish.claim": "Claim a wish.",
    "wish.fulfil": "Record for a claimant that a wish was fulfilled.",
    "wish.confirm": "Record for a wisher that a wish was fulfilled, or was not.",
    "wish.read_wisher": "Read who asked for a wish, in which words, and how to reach them.",
    "wish.erase": "Destroy the key of a wisher without an account.",
}

DEFINITION = Definition(
    name="volunteers",
    views=VIEWS,
    policies=POLICIES,
    sources=("registry",),
    deciders=(domain.VOLUNTEER, domain.REPORT_IN, domain.TEAM, domain.ACTIVITY, domain.PATROL, domain.WISH),
    command_schemas=COMMANDS,
    query_schemas=QUERIES,
    powers=POWERS,
)

"""The volunteers service as plain data."""

from __future__ import annotations

from services.volunteers import figures
from services.volunteers.activity import ACTIVITIES, ACTIVITY, ACTIVITY_SUMS, ATTENDANCES, PARTICIPANTS
from services.volunteers.patrol import OUTINGS, PATROL, PATROL_SUMS, PATROLS, WALKS
from services.volunteers.report_in import REPORT_IN, REPORT_IN_SUMS, REPORT_INS
from services.volunteers.team import MEMBERSHIPS, TEAM, TEAM_SUMS, TEAMS
from services.volunteers.volunteer import ROLE_SUMS, ROLES, VOLUNTEER, VOLUNTEER_SUMS, VOLUNTEERS, on_person_erased
from services.volunteers.wish import CLAIMS_EXPIRE, RELEASES, WISH, WISH_SUMS, WISHES, on_place_ended
from shared.domain.view import known
from shared.following.definition import Definition

#: Files in which only queries are declared: they are part of the service because they are imported.
DECLARED = (figures,)

POWERS: dict[str, str] = {
    "volunteer.read_names": "Read the names of volunteers in full.",
    "wish.read_wisher": "Read who asked for a wish, in which words, and how to reach them.",
}

DEFINITION = Definition(
    name="volunteers",
    deciders=(VOLUNTEER, REPORT_IN, TEAM, ACTIVITY, PATROL, WISH),
    views=(
        *(VOLUNTEERS, VOLUNTEER_SUMS, ROLES, ROLE_SUMS),
        *(REPORT_INS, REPORT_IN_SUMS),
        *(TEAMS, TEAM_SUMS, MEMBERSHIPS),
        *(ACTIVITIES, ACTIVITY_SUMS, ATTENDANCES, PARTICIPANTS),
        *(PATROLS, PATROL_SUMS, WALKS, OUTINGS),
        *(WISHES, WISH_SUMS, RELEASES),
        known("issue", "issues", "IssueReported"),
        known("project", "funding", "ProjectProposed"),
    ),
    policies={"registry.PersonErased": on_person_erased, "registry.PlaceEnded": on_place_ended},
    sources=("registry", "issues", "funding"),
    powers=POWERS,
    clock=(CLAIMS_EXPIRE,),
)

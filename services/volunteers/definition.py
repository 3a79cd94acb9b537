"""The volunteers service as plain data."""

from __future__ import annotations

from services.volunteers import activity, figures, patrol, report_in, team, volunteer
from services.volunteers.activity.rows import ACTIVITIES, ACTIVITY_SUMS, ATTENDANCES, PARTICIPANTS
from services.volunteers.activity.state import ACTIVITY
from services.volunteers.patrol import OUTINGS, PATROL, PATROL_SUMS, PATROLS, WALKS
from services.volunteers.report_in import REPORT_IN, REPORT_IN_SUMS, REPORT_INS
from services.volunteers.team import MEMBERSHIPS, TEAM, TEAM_SUMS, TEAMS
from services.volunteers.volunteer import ROLE_SUMS, ROLES, VOLUNTEER, VOLUNTEER_SUMS, VOLUNTEERS
from services.volunteers.wish.claiming import CLAIMS_EXPIRE, on_person_erased, on_volunteer_erased
from services.volunteers.wish.relocating import on_place_ended
from services.volunteers.wish.rows import RELEASES, WISH_SUMS, WISHES
from services.volunteers.wish.state import WISH
from shared.domain.relocating import follow
from shared.domain.view import known
from shared.following.definition import Definition

#: What becomes of that which is open at a place that ends.
FOLLOWS = follow(
    on_place_ended,
    activity.rows.FOLLOWS,
    patrol.FOLLOWS,
    report_in.on_place_ended,
    team.FOLLOWS,
    volunteer.on_place_ended,
)
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
    policies={
        "registry.PersonErased": on_person_erased,
        "registry.PlaceEnded": FOLLOWS,
        "volunteers.VolunteerErased": on_volunteer_erased,
    },
    sources=("registry", "issues", "funding"),
    powers=POWERS,
    clock=(CLAIMS_EXPIRE,),
)

"""What callers may ask."""

from __future__ import annotations

from marshmallow import Schema, fields

from services.volunteers.schemas.shapes import Paging, Strict, choice, code, day, identifier, place


class FindVolunteers(Paging):
    """List volunteers; names are masked for those who may not read them."""

    person_id = identifier("One person", required=False, default=None)


class GetVolunteer(Strict):
    """Show one volunteer with roles, teams and what they did."""

    person_id = identifier("Volunteer; empty for yourself", required=False)


class FindRoles(Paging):
    """List who serves which place in which role."""

    person_id = identifier("Only of this volunteer", required=False, default=None)
    role = code("Only this role", required=False, default=None)


class FindReportIns(Paging):
    """List surveyed members and report-ins; surveyed ones that have not reported in are in the state surveyed."""

    person_id = identifier("Only of this member", required=False, default=None)
    unit = identifier("Only of this unit", required=False, default=None)
    kind = choice("Only of this kind", "member", "unit", required=False)
    state = choice("Only in this state", "surveyed", "reported", "confirmed", required=False)
    level = code("Only of this level on the survey", required=False, default=None)


class FindTeams(Paging):
    """List teams."""

    kind = code("Only this kind", required=False, default=None)


class FindMembers(Paging):
    """List the members of a team."""

    team_id = identifier("Team")
    order = choice("Field to sort by", "person_id", "-person_id", required=False, default="person_id")


class FindActivities(Paging):
    """List activities."""

    kind = code("Only this kind", required=False, default=None)
    status = choice("Only in this state", "planned", "held", "cancelled", required=False)
    series = code("Only this series", required=False, default=None)
    issue_id = identifier("Only those that serve this issue", required=False, default=None)
    project_id = identifier("Only those that serve this project", required=False, default=None)
    day__gte = day("Only from this day on", default=None)
    day__lt = day("Only before this day", default=None)


class GetActivity(Strict):
    """Show an activity; who took part is shown to those who record it."""

    activity_id = identifier("Activity")
    limit = Paging._declared_fields["limit"]
    cursor = Paging._declared_fields["cursor"]


class FindPatrols(Paging):
    """List the rota and the log of patrols."""

    team_id = identifier("Only of this team", required=False, default=None)
    status = choice("Only in this state", "planned", "logged", required=False)


class FindWishes(Paging):
    """List wishes without saying who asked; those not published yet only for those who check them."""

    status = choice(
        "Only in this state",
        *("asked", "rejected", "withdrawn", "published", "claimed", "fulfilled", "confirmed"),
        required=False,
    )
    claimable = fields.Boolean(load_default=False, metadata={"description": "Only those that can be claimed today"})
    mine = choice("Only those that you asked for, or claimed", "asked", "claimed", required=False)


class GetWish(Strict):
    """Show a wish; what is sealed only to the wisher, the present claimant and those who may read it."""

    wish_id = identifier("Wish")


class VolunteerFigures(Strict):
    """Count volunteers, sessions, person-times, distinct persons, patrols and wishes of a territory."""

    place = place("Territory; empty: everywhere", required=False)


class ActivityFigures(Strict):
    """Count sessions, person-times and distinct persons of one kind, role or period."""

    place = place("Territory; empty: everywhere", required=False)
    kind = code("Only this kind", required=False, default=None)
    role = code("Only served in this role (attendance only)", required=False, default=None)
    since = day("From this day on", default=None)
    until = day("Before this day", default=None)


QUERIES: dict[str, type[Schema]] = {
    "find_volunteers": FindVolunteers,
    "get_volunteer": GetVolunteer,
    "find_roles": FindRoles,
    "find_report_ins": FindReportIns,
    "find_teams": FindTeams,
    "find_members": FindMembers,
    "find_activities": FindActivities,
    "get_activity": GetActivity,
    "find_patrols": FindPatrols,
    "find_wishes": FindWishes,
    "get_wish": GetWish,
    "volunteer_figures": VolunteerFigures,
    "activity_figures": ActivityFigures,
}

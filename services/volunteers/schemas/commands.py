"""What callers may have done."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.volunteers.domain.rules import LONGEST
from services.volunteers.domain.wish import CLAIM_DAYS, LONGEST_CLAIM
from services.volunteers.schemas.shapes import (
    MOST_PERSONS,
    Strict,
    choice,
    code,
    day,
    identifier,
    moment,
    number,
    persons,
    place,
    text,
)

#: Most findings that one patrol may log.
MOST_FINDINGS = 50
_REPORT = validate.Regexp(
    r"^(member|unit)-[A-Za-z0-9.-]{2,200}$(?!\n)", error="must be the id that report_in or survey_member gave"
)


class RegisterVolunteer(Strict):
    """Enter a person in the register of volunteers."""

    person_id = identifier("Person; empty for yourself", required=False)
    name = text("Name; kept sealed", 100)
    home = place("Place the person lives in")


class TakeRole(Strict):
    """Serve a place in a role, such as informer, patroller, mediator or publicist."""

    person_id = identifier("Volunteer")
    role = code("Role, of the city's list volunteer_roles")
    place = place("Place that is served")
    since = day("First day; empty: today")


class LeaveRole(Strict):
    """Stop serving a place in a role."""

    person_id = identifier("Volunteer")
    role = code("Role")
    place = place("Place that was served")
    until = day("First day after; empty: today")


class SurveyMember(Strict):
    """Put an in-service member who lives in a compound on the survey list."""

    person_id = identifier("Member")
    unit = identifier("Organisation that the member works for")
    level = code("Level of the unit: province, city, district, outside …")
    place = place("Compound the member lives in")
    surveyed = day("Day of the survey; empty: today")


class ReportIn(Strict):
    """Report in: a member to the place they live in, a unit to a community."""

    kind = choice("Who reports in", "member", "unit", required=False, default="member")
    person_id = identifier("Member; empty for yourself, not used for a unit", required=False)
    unit = identifier("Organisation that the member works for, or that reports in itself")
    place = place("Place that is reported to")
    since = day("Since when; empty: today")


class ConfirmReportIn(Strict):
    """Confirm one end of a report-in; it takes both, by different persons."""

    report_id = fields.String(required=True, validate=_REPORT, metadata={"description": "Report-in"})
    end = choice("Which end confirms", "unit", "place")
    evidence = text("How the unit confirmed, when it holds no post here", 300, required=False)


class FormTeam(Strict):
    """Form a team of volunteers for a place."""

    team_id = identifier("Id of your choice; empty: one is made", required=False)
    kind = code("Kind, of the city's list team_kinds: party, safety, owners …")
    name = text("Name", 100)
    name_en = text("Name in English", 100, required=False)
    place = place("Place of the team")


class JoinTeam(Strict):
    """Take a registered volunteer into a team."""

    team_id = identifier("Team")
    person_id = identifier("Volunteer; empty for yourself", required=False)


class LeaveTeam(Strict):
    """Let a volunteer leave a team."""

    team_id = identifier("Team")
    person_id = identifier("Volunteer; empty for yourself", required=False)


class PlanActivity(Strict):
    """Announce an activity; a deed names the issue or the project it serves."""

    activity_id = identifier("Id of your choice; empty: one is made", required=False)
    title = text("Title", 200)
    title_en = text("Title in English", 200, required=False)
    kind = code("Kind, of the city's list activity_kinds: service, story_meeting, deed, station …")
    place = place("Where it takes place")
    starts = moment("When it starts")
    series = code("Series it belongs to", required=False)
    issue_id = identifier("Issue that it serves", required=False)
    project_id = identifier("Project that it serves", required=False)


class Attendance(Strict):
    """Who took part, and for how long."""

    person_id = identifier("Registered volunteer")
    minutes = number("Minutes", 1, LONGEST)
    role = code("Role in which the person served", required=False)


class RecordAttendance(Strict):
    """Record who took part in an activity: all of them or, with a mistake in one, none."""

    activity_id = identifier("Activity")
    attendances = fields.List(
        fields.Nested(Attendance),
        required=True,
        validate=validate.Length(1, MOST_PERSONS, error=f"must name 1 to {MOST_PERSONS} persons"),
        metadata={"description": "Who took part, each person once"},
    )


class WithdrawAttendance(Strict):
    """Take back an attendance that was recorded by mistake."""

    activity_id = identifier("Activity")
    person_id = identifier("Volunteer")
    reason = text("Why", 300)


class HoldActivity(Strict):
    """Record that an activity took place, in how many sessions."""

    activity_id = identifier("Activity")
    sessions = number("Sessions", 1, 1000, required=False, default=1)


class CancelActivity(Strict):
    """Call an activity off."""

    activity_id = identifier("Activity")
    reason = text("Why", 300)


class PlanPatrol(Strict):
    """Put a patrol on the rota."""

    patrol_id = identifier("Id of your choice; empty: one is made", required=False)
    team_id = identifier("Team that patrols")
    place = place("Where")
    starts = moment("When")
    members = persons("Who goes, at least two members of the team", least=2)


class PatrolFinding(Strict):
    """Something that a patrol found; it becomes an issue."""

    finding_id = identifier("Id of your choice; empty: one is made", required=False)
    category = code("Category of the issue")
    description = text("What was found", 2000)
    place = place("Where, within the place of the patrol; empty: there", required=False)


class LogPatrol(Strict):
    """Log a patrol with its route, time and findings; each finding becomes an issue of the post that logs it."""

    patrol_id = identifier("Patrol of the rota; empty: it was not planned", required=False)
    team_id = identifier("Team that patrolled")
    place = place("Where")
    route = text("Route walked", 500)
    started = moment("When it started")
    minutes = number("Minutes", 1, LONGEST)
    members = persons("Who went, at least two members of the team", least=2)
    findings = fields.List(
        fields.Nested(PatrolFinding),
        load_default=list,
        validate=validate.Length(max=MOST_FINDINGS, error=f"must be at most {MOST_FINDINGS}"),
        metadata={"description": "What was found"},
    )


class AskWish(Strict):
    """Ask for something small; what is asked and by whom stays sealed."""

    wish_id = identifier("Id of your choice; empty: one is made", required=False)
    place = place("Where the wisher lives")
    wish = text("What is wished for", 1000)
    wisher = text("Name of the wisher", 100)
    contact = text("How to reach the wisher", 200, required=False)
    wisher_id = identifier("Person who wishes; staff leave it empty when the wisher has no account", required=False)


class PublishWish(Strict):
    """Publish a checked wish under a title that does not say who asked."""

    wish_id = identifier("Wish")
    title = text("Public title", 200)
    title_en = text("Public title in English", 200, required=False)


class WishReason(Strict):
    """Act on a wish and say why."""

    wish_id = identifier("Wish")
    reason = text("Why", 500)


class RejectWish(WishReason):
    """Decline to publish a wish, and say why."""


class WithdrawWish(WishReason):
    """Take a wish back that nobody works on."""


class ReleaseWish(WishReason):
    """Give a claim back, or return an expired one."""


class DisputeWish(WishReason):
    """Say that a wish is not fulfilled yet."""


class EraseWisher(WishReason):
    """Destroy the key of a wisher without an account; nothing sealed can be read again."""


class ClaimWish(Strict):
    """Promise to fulfil a wish; exactly one person can."""

    wish_id = identifier("Wish")
    days = number("Days until the claim expires", 1, LONGEST_CLAIM, required=False, default=CLAIM_DAYS)


class FulfilWish(Strict):
    """Record that the claimant did what was wished for."""

    wish_id = identifier("Wish")
    note = text("What was done", 500, required=False)


class ConfirmWish(Strict):
    """Confirm that a wish was fulfilled."""

    wish_id = identifier("Wish")
    note = text("For staff: how the wisher let you know", 500, required=False)


COMMANDS: dict[str, type[Schema]] = {
    "register_volunteer": RegisterVolunteer,
    "take_role": TakeRole,
    "leave_role": LeaveRole,
    "survey_member": SurveyMember,
    "report_in": ReportIn,
    "confirm_report_in": ConfirmReportIn,
    "form_team": FormTeam,
    "join_team": JoinTeam,
    "leave_team": LeaveTeam,
    "plan_activity": PlanActivity,
    "record_attendance": RecordAttendance,
    "withdraw_attendance": WithdrawAttendance,
    "hold_activity": HoldActivity,
    "cancel_activity": CancelActivity,
    "plan_patrol": PlanPatrol,
    "log_patrol": LogPatrol,
    "ask_wish": AskWish,
    "publish_wish": PublishWish,
    "reject_wish": RejectWish,
    "withdraw_wish": WithdrawWish,
    "claim_wish": ClaimWish,
    "release_wish": ReleaseWish,
    "fulfil_wish": FulfilWish,
    "dispute_wish": DisputeWish,
    "confirm_wish": ConfirmWish,
    "erase_wisher": EraseWisher,
}

"""What callers may send to the issue ledger."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.issues import inputs
from services.issues.domain.diagnosis import KINDS
from services.issues.domain.handling import CHANNELS, SEVERITIES, TIERS
from services.issues.domain.outcome import RESULTS

_STATUSES = ("reported", "triaged", "dispatched", "accepted", "resolved", "closed")


class _OfIssue(Schema):
    issue_id = inputs.identifier("id of the issue", required=True)


class ReportIssue(Schema):
    """Report an issue; the answer names its id."""

    place = inputs.place("where: territory path, e.g. 350104.013.002.007", required=True)
    category = inputs.category(required=True)
    description = inputs.text(
        "what is wrong, for everyone to read; phone and identity numbers in it are masked", 2000, required=True
    )
    channel = inputs.code("how it came in", CHANNELS, load_default="portal")
    origin = inputs.text("visit or patrol it came from", 130, load_default="")
    reporter = inputs.identifier("person who reported it; residents are always their own reporter", load_default="")
    contact = inputs.text(
        "how to reach who reported it; sealed, only staff with a mandate read it", 200, load_default=""
    )


class TriageIssue(_OfIssue):
    """Judge how grave an issue is and which tier should solve it."""

    severity = inputs.code("how grave", SEVERITIES, required=True)
    tier = inputs.code("widest tier that should solve it", TIERS, required=True)
    reason = inputs.text("why it is judged so", 1000, required=True)


class _Limited(_OfIssue):
    due = inputs.date("last day of the time limit", load_default="")
    working_days = inputs.working_days()

    @validates_schema
    def _one_limit(self, data: dict[str, Any], **more: Any) -> None:
        if bool(data.get("due")) == bool(data.get("working_days")):
            raise ValidationError("give a time limit: either the last day or a number of working_days", "due")


class DispatchIssue(_Limited):
    """Make the holder of a post accountable for an issue, with a duty and a time limit."""

    post_id = inputs.identifier("post that answers for it from now on", required=True)
    person_id = inputs.identifier("person expected to hold the post; refused when somebody else does", load_default="")
    organisation_id = inputs.identifier("organisation expected to have the post", load_default="")
    duty = inputs.text("what is to be done", 1000, required=True)


class AcceptIssue(_OfIssue):
    """Take on an issue that was dispatched to your post."""


class ExtendIssue(_Limited):
    """Approve a later time limit."""

    reason = inputs.text("why more time is needed", 1000, required=True)


class EscalateIssue(_OfIssue):
    """Hand an issue up to a post of a higher body; the time limit goes on running."""

    to_post = inputs.identifier("post of a body above the accountable one", required=True)
    reason = inputs.text("what is beyond the powers of the present body", 1000, required=True)


class ResolveIssue(_OfIssue):
    """State what was done about one issue."""

    outcome = inputs.text("what was done, for everyone to read", 2000, required=True)
    because = inputs.text("id of the project whose works settled it", 64, load_default="")


class RecordFollowUp(_OfIssue):
    """Record what the person concerned says; not satisfied reopens the issue."""

    result = inputs.code("what they say", RESULTS, required=True)
    note = inputs.text("in their words, or how they were tried to be reached", 1000, load_default="")


class CloseIssue(_OfIssue):
    """Make one issue final after follow-up."""

    because = inputs.text("why it is final", 1000, required=True)


class ReopenIssue(_OfIssue):
    """Open a resolved or closed issue again."""

    reason = inputs.text("why it is opened again", 1000, required=True)


class EraseContact(_OfIssue):
    """Make the contact given with an issue unreadable for ever."""


class Finding(Schema):
    """One problem found."""

    category = inputs.category(required=True)
    note = inputs.text("what was found, for everyone to read", 1000, required=True)


class RecordDiagnosis(Schema):
    """Record which problems a place has, as a baseline or a diagnosis."""

    place = inputs.place("territory path", required=True)
    kind = inputs.code("baseline survey, or diagnosis of the root problems", KINDS, required=True)
    diagnosed_on = inputs.date("day of the diagnosis", required=True)
    problems = fields.List(
        fields.Nested(Finding),
        required=True,
        validate=validate.Length(min=1, max=100, error="must name 1 to 100 problems"),
        metadata={"description": "each category once"},
    )


class GetIssue(_OfIssue):
    """One case with its steps, as far as the reader may see it."""


class _Paged(Schema):
    limit = fields.Integer(
        load_default=50,
        strict=True,
        validate=validate.Range(min=1, max=500, error="must be 1 to 500"),
        metadata={"description": "rows a page"},
    )
    cursor = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=1000, error="is not a cursor of this list"),
        metadata={"description": "where the page begins: `next` of the page before"},
    )


class FindIssues(_Paged):
    """Issues that fit all filters."""

    order = inputs.order("-reported", "reported", "due", "place", "status", "category")
    status = fields.List(
        inputs.code("a status", _STATUSES),
        validate=validate.Length(min=1, max=len(_STATUSES), error="must name at least one status"),
        metadata={"description": "one of these statuses"},
    )
    open = fields.Integer(
        strict=True,
        validate=validate.OneOf((0, 1), error="must be 0 or 1"),
        metadata={"description": "1: not resolved yet"},
    )
    place__under = inputs.place("a place and everything below it")
    category = inputs.category()
    problem_class = inputs.category()
    channel = inputs.code("how it came in", CHANNELS)
    level = inputs.level()
    severity = inputs.code("how grave", SEVERITIES)
    organisation_id = inputs.identifier("accountable organisation")
    post_id = inputs.identifier("accountable post")
    person_id = inputs.identifier("accountable person; staff only")
    origin = inputs.text("visit or patrol it came from", 130)
    mine = fields.Boolean(metadata={"description": "only those you reported yourself"})
    due__lt = inputs.date("time limit before this day")
    reported__gte = inputs.date("reported on this day or later")
    reported__lt = inputs.date("reported before this day")


class Inbox(_Paged):
    """Open issues that the posts you hold answer for, those without a time limit first, then by time limit."""


class IssueFigures(Schema):
    """Figures of the issues at a place and below, with numerators, denominators and definitions."""

    place = inputs.place("territory path; left out: the whole city", load_default="")


class FindDiagnoses(_Paged):
    """Diagnoses of places with their problems."""

    order = inputs.order("-diagnosed_on", "diagnosed_on", "place")
    place__under = inputs.place("a place and everything below it")
    kind = inputs.code("baseline survey, or diagnosis of the root problems", KINDS)


COMMANDS: dict[str, type[Schema]] = {
    "report_issue": ReportIssue,
    "triage_issue": TriageIssue,
    "dispatch_issue": DispatchIssue,
    "accept_issue": AcceptIssue,
    "extend_issue": ExtendIssue,
    "escalate_issue": EscalateIssue,
    "resolve_issue": ResolveIssue,
    "record_follow_up": RecordFollowUp,
    "close_issue": CloseIssue,
    "reopen_issue": ReopenIssue,
    "erase_contact": EraseContact,
    "record_diagnosis": RecordDiagnosis,
}
QUERIES: dict[str, type[Schema]] = {
    "get_issue": GetIssue,
    "find_issues": FindIssues,
    "inbox": Inbox,
    "issue_figures": IssueFigures,
    "find_diagnoses": FindDiagnoses,
}

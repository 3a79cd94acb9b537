"""The issue ledger as plain data."""

from __future__ import annotations

from services.issues import visit
from services.issues.diagnosis import DIAGNOSES, DIAGNOSIS
from services.issues.issue.answering import LEFT, UNTAKEN, on_given, on_holding_changed, on_place_ended
from services.issues.issue.counting import COUNTED_AGAIN, on_entry_adopted
from services.issues.issue.handling import OVERDUE
from services.issues.issue.intake import on_patrol_logged, on_resolution_effective
from services.issues.issue.outcome import on_person_erased, on_project_accepted
from services.issues.issue.rows import CASES, FIGURES, TIMELINE, WORKS
from services.issues.issue.state import ISSUE
from services.issues.mediation import MEDIATION, MEDIATIONS
from services.issues.visit import VISIT, VISITS
from services.issues.whistle import ABSENT, WHISTLE, WHISTLES
from shared.domain.policy import Policy
from shared.domain.relocating import follow
from shared.domain.view import known
from shared.following.definition import Definition

#: Powers that more than one command or a query asks for, and that of residents over their own issues.
POWERS: dict[str, str] = {
    "issue.judge": "Say whether one is satisfied with what was done about one's own issue.",
    "issue.read_contact": "Read or erase the contact that was given with an issue.",
    "issue.read_confidential": "Read confidential cases and withheld texts, and withhold texts.",
    "issue.read_reporter": "Read who reported an issue.",
    "issue.triage": "Judge how grave an issue is, and diagnose compounds.",
    "visit.record": "Plan, record and read visits to households.",
}

#: Facts of the registry that may take the accountable person of an issue away, or give another one.
_HOLDING = ("PersonAppointed", "AppointmentEnded", "PostAbolished", "OrganisationDissolved")
#: Our own facts after which somebody answers for an issue.
_GIVEN = (
    *("IssueReported", "IssueDispatched", "IssueAccepted", "IssueEscalated", "IssueReturned", "IssueReopened"),
    *("IssueHandedUp", "IssueInherited", "IssueRaised"),
)

POLICIES: dict[str, Policy] = {
    **{f"registry.{fact}": on_holding_changed for fact in _HOLDING},
    "registry.PlaceEnded": follow(on_place_ended, visit.FOLLOWS),
    "registry.PersonErased": on_person_erased,
    "registry.EntryAdopted": on_entry_adopted,
    "registry.ResolutionEffective": on_resolution_effective,
    **{f"issues.{fact}": on_given for fact in _GIVEN},
    "volunteers.PatrolLogged": on_patrol_logged,
    "funding.ProjectAccepted": on_project_accepted,
}

DEFINITION = Definition(
    name="issues",
    deciders=(ISSUE, VISIT, DIAGNOSIS, MEDIATION, WHISTLE),
    views=(
        CASES,
        FIGURES,
        TIMELINE,
        WORKS,
        VISITS,
        DIAGNOSES,
        MEDIATIONS,
        WHISTLES,
        known("project", "funding", "ProjectProposed"),
    ),
    policies=POLICIES,
    sources=("registry", "volunteers", "funding"),
    powers=POWERS,
    clock=(COUNTED_AGAIN, OVERDUE, LEFT, UNTAKEN, ABSENT),
)

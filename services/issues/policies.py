"""What other services' facts mean for issues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.issues.domain import ISSUE, Accountable, finish, report
from shared.domain.identity import derived_id
from shared.domain.policy import Decision, Policy
from shared.domain.record import Record

#: What is recorded when works pass acceptance; the person concerned is asked afterwards.
WORKS_ACCEPTED = "工程验收合格 (the works passed acceptance)"


def on_patrol_logged(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """Each finding of a patrol becomes one issue, and whoever logged the patrol answers for it (C31, C33, X13).

    The post that logged it and its organisation are in the record; its level is stated at triage.
    """
    accountable = Accountable(organisation_id=record.on_behalf_of, person_id=record.actor, post_id=record.mandate)
    for finding in fact["findings"]:
        patrol_id, finding_id = fact["patrol_id"], finding["finding_id"]
        arguments = {
            "place": finding.get("place") or fact["place"],
            "category": finding["category"],
            "description": finding["description"],
            "channel": "patrol",
            "origin": f"{patrol_id}/{finding_id}",
            "accountable": accountable,
        }
        yield Decision(ISSUE, derived_id("issue", patrol_id, finding_id), report, arguments)


def on_project_accepted(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """Works that passed acceptance resolve every issue they were opened for; each is followed up by itself (C37)."""
    for issue_id in dict.fromkeys(fact["issue_ids"]):
        yield Decision(ISSUE, issue_id, finish, {"project_id": fact["project_id"], "outcome": WORKS_ACCEPTED})


POLICIES: dict[str, Policy] = {
    "volunteers.PatrolLogged": on_patrol_logged,
    "funding.ProjectAccepted": on_project_accepted,
}

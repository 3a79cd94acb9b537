"""A small city: a street with a community, a compound, posts and their holders, as rows and as the registry's facts."""

from __future__ import annotations

from typing import Any

from services.issues.domain import Accountable
from services.issues.events import IssueAccepted, IssueDispatched, IssueReported, IssueResolved, IssueTriaged
from shared.domain.mandate import Mandate

STREET, COMMUNITY, COMPOUND = "350104.013", "350104.013.002", "350104.013.002.007"
ISSUE_ID = "issue-1"
DUE = "2025-03-07"

ORGANISATIONS: dict[str, dict[str, Any]] = {
    id: {"organisation_id": id, "type": "party", "name": id, "level": level, "place": place, "parent_id": parent}
    for id, level, place, parent in (
        ("o-street", "street", STREET, ""),
        ("o-community", "community", COMMUNITY, "o-street"),
        ("o-compound", "compound", COMPOUND, "o-community"),
        ("o-housing", "street", STREET, ""),
    )
}
POSTS: dict[str, dict[str, Any]] = {
    id: {
        "post_id": id,
        "organisation_id": organisation,
        "role": role,
        "place": ORGANISATIONS[organisation]["place"],
        "person_id": person,
        "since": "2025-01-01",
        "until": until,
    }
    for id, organisation, role, person, until in (
        ("post-grid", "o-compound", "grid_worker", "p-grid", ""),
        ("post-secretary", "o-community", "community_secretary", "p-secretary", ""),
        ("post-street", "o-street", "street_secretary", "p-street", ""),
        ("post-housing", "o-housing", "department_clerk", "p-housing", ""),
        ("post-vacant", "o-community", "community_worker", "p-gone", "2025-02-01"),
    )
}
GRID = Accountable(organisation_id="o-compound", person_id="p-grid", post_id="post-grid", level="compound")


def mandate(post_id: str, *powers: str) -> Mandate:
    """What the holder of a post may do."""
    post = POSTS[post_id]
    return Mandate(
        actor=post["person_id"],
        role=post["role"],
        organisation_id=post["organisation_id"],
        post_id=post_id,
        place=post["place"],
        powers=frozenset(powers),
    )


REPORTED = IssueReported(
    issue_id=ISSUE_ID,
    place=COMPOUND,
    category="facility.streetlight",
    description="路灯不明",
    channel="portal",
    origin="",
    reporter="p-resident",
    contact="sealed:v1:issue:issue-1:x",
    organisation_id="o-compound",
    person_id="p-grid",
    post_id="post-grid",
    level="compound",
)
TRIAGED = IssueTriaged(
    issue_id=ISSUE_ID,
    severity="small",
    tier="compound",
    reason="one lamp",
    organisation_id="o-compound",
    from_level="compound",
    level="compound",
)
DISPATCHED = IssueDispatched(
    issue_id=ISSUE_ID,
    from_organisation_id="o-compound",
    from_level="compound",
    organisation_id="o-compound",
    person_id="p-grid",
    post_id="post-grid",
    level="compound",
    duty="repair the lamp",
    due=DUE,
    calendar="",
)
ACCEPTED = IssueAccepted(issue_id=ISSUE_ID, person_id="p-grid")
RESOLVED = IssueResolved(issue_id=ISSUE_ID, outcome="lamp replaced", because="", level="compound", contained=True)

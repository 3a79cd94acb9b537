"""The facts of one issue from report to resolution in the small city, and mandates of its post holders."""

from __future__ import annotations

from services.issues.issue.facts import (
    FollowUpRecorded,
    IssueAccepted,
    IssueClosed,
    IssueDispatched,
    IssueEscalated,
    IssueReported,
    IssueResolved,
    IssueTriaged,
)
from services.issues.issue.state import ISSUE
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.kit import AT, Spec, given
from tests.kit.city import COMPOUND, ENTRIES, ORGANISATIONS, POSTS
from tests.kit.rows import city

ISSUE_ID = "issue-1"
DUE = "2025-03-07"

RESIDENT_POWERS = frozenset(ENTRIES["roles"]["resident"]["powers"])
RESIDENT = Mandate(actor="p-resident", role="resident", powers=RESIDENT_POWERS)
STRANGER = Mandate(actor="p-other", role="resident", powers=RESIDENT_POWERS)


def mandate(post_id: str, *powers: str) -> Mandate:
    """What the holder of a post may do."""
    organisation, role, person, _ = POSTS[post_id]
    place = ORGANISATIONS[organisation][1]
    return Mandate(
        actor=person, role=role, organisation_id=organisation, post_id=post_id, place=place, powers=frozenset(powers)
    )


#: Whose post answers for it.
GRID = mandate("post-grid", "issue.*")
CITY = city()


def issue(*history: Event) -> Spec:
    """A spec on the issue with this history."""
    return given(ISSUE, ISSUE_ID, *history)


REPORTED = IssueReported(
    issue_id=ISSUE_ID,
    place=COMPOUND,
    category="facility.streetlight",
    description="路灯不明",
    channel="portal",
    origin="",
    reporter="p-resident",
    contact="王 13812345678",
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
    level="compound",
)
DISPATCHED = IssueDispatched(
    issue_id=ISSUE_ID,
    organisation_id="o-compound",
    person_id="p-grid",
    post_id="post-grid",
    level="compound",
    duty="repair the lamp",
    due=DUE,
    calendar="",
    by_post_id="post-any",
)
ACCEPTED = IssueAccepted(issue_id=ISSUE_ID, person_id="p-grid")
HANDLED = (REPORTED, TRIAGED, DISPATCHED, ACCEPTED)
ESCALATED = IssueEscalated(
    issue_id=ISSUE_ID,
    to_level="street",
    organisation_id="o-street",
    person_id="p-street",
    post_id="post-street",
    reason="pipes under the road",
    by_post_id="post-any",
)
RESOLVED = IssueResolved(
    issue_id=ISSUE_ID,
    outcome="lamp replaced",
    because="",
    level="compound",
    contained=True,
    person_id="p-grid",
    in_time=True,
)
SATISFIED = FollowUpRecorded(issue_id=ISSUE_ID, result="satisfied", note="", asked_at=AT)
CLOSED = IssueClosed(issue_id=ISSUE_ID, because="lamp shines", closed_on=AT[:10])

"""Facts about an issue.

Class and field names are the storage format: rename nothing, upcast instead.
"""

from __future__ import annotations

from typing import Annotated, Any

from shared.domain.event import Codec, Event, Upcaster, sealed
from shared.domain.privacy import PUBLIC, staff, told

#: Lets one read what confidential cases say, and texts that were moved out of public sight.
READ_CONFIDENTIAL = "issue.read_confidential"
#: A text of a case: for everybody, unless the case is confidential or the text was withheld.
CASE_TEXT = told(READ_CONFIDENTIAL)


class _OfCase(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that says whether its case is confidential; it is stored only where it is."""

    confidential: bool = False


class IssueReported(_OfCase, frozen=True, kw_only=True):
    """Somebody brought an issue forward, and a body and person answer for it from now on (C15, X13)."""

    schema = 2
    issue_id: str
    place: str
    category: str  # dotted code; the part before the first dot is the class of the taxonomy (A15)
    description: Annotated[str, CASE_TEXT]
    channel: str  # code of the city's channels (C07, C33)
    origin: Annotated[str, CASE_TEXT]  # the visit or patrol and finding it came from, or ""
    reporter: Annotated[str, staff("issue.read_reporter")]  # person id, or ""
    contact: Annotated[str, sealed(lambda fact: f"issue:{fact.issue_id}")]
    organisation_id: str
    person_id: Annotated[str, staff()]
    post_id: str
    level: str  # of the organisation; "" when a policy did not know it, triage states it then
    link: Annotated[str, staff("issue.read_reporter")] = (
        ""  # digest of what the private link of who reported it proves; "": none
    )
    link_until: Annotated[str, PUBLIC] = ""  # ISO date: the last day on which that link holds


class IssueHeld(_OfCase, frozen=True, kw_only=True):
    """Nobody in particular brought an issue forward beyond what a post takes in on a day; nobody answers for it until staff have looked.

    When they release it, it is reported as any other.
    """

    issue_id: str
    place: str
    category: str
    description: Annotated[str, staff("issue.triage")]
    channel: str
    contact: Annotated[str, sealed(lambda fact: f"issue:{fact.issue_id}")]
    limit: int  # cases a day, as the city had it then
    link: Annotated[str, staff("issue.read_reporter")] = ""  # as of what is reported
    link_until: Annotated[str, PUBLIC] = ""


class IssueStruckOut(_OfCase, frozen=True, kw_only=True):
    """Staff looked at what was held, and it is no issue; final."""

    issue_id: str
    reason: Annotated[str, CASE_TEXT]


class IssueTriaged(_OfCase, frozen=True, kw_only=True):
    """How grave the issue is and the widest tier that should solve it, with the reason (C10, C14)."""

    schema = 2
    issue_id: str
    severity: str  # code of the city's severities
    tier: str  # code of the city's tiers
    reason: Annotated[str, CASE_TEXT]
    organisation_id: str  # accountable then
    level: str  # of the accountable organisation


class IssueDispatched(_OfCase, frozen=True, kw_only=True):
    """A body and a person became accountable, with a duty and a time limit (C12)."""

    schema = 4
    issue_id: str
    organisation_id: str
    person_id: Annotated[str, staff()]
    post_id: str
    level: str
    duty: Annotated[str, CASE_TEXT]
    due: str  # ISO date
    calendar: str  # version of the working-day calendar the date was computed with; "" when the date was named
    by_post_id: str = ""  # that dispatched it; "" in facts from before it could be returned
    working_days: int = 0  # that the date was counted from; 0 when it was named, and in facts from before it was said


class IssueAccepted(Event, frozen=True, kw_only=True):
    """The holder of the accountable post took the issue on (C08)."""

    issue_id: str
    person_id: Annotated[str, staff()]


class IssueExtended(_OfCase, frozen=True, kw_only=True):
    """Somebody else than the accountable person approved a later time limit (C12)."""

    schema = 2
    issue_id: str
    due: str
    calendar: str
    reason: Annotated[str, CASE_TEXT]
    working_days: int = 0  # as in `IssueDispatched`


class ExtensionAsked(_OfCase, frozen=True, kw_only=True):
    """The accountable post asks for a later time limit; nothing changes before somebody else approves it (C12)."""

    issue_id: str
    due: str  # ISO date that is asked for
    reason: Annotated[str, CASE_TEXT]


class ExtensionDeclined(_OfCase, frozen=True, kw_only=True):
    """Somebody else than the accountable person declined what was asked for; the time limit stays (C12)."""

    issue_id: str
    reason: Annotated[str, CASE_TEXT]


class LimitCountedAgain(Event, frozen=True, kw_only=True):
    """The calendar of a year came that the time limit was provisionally counted with; this is what it says (C12, X05)."""

    issue_id: str
    before: Annotated[str, PUBLIC]  # ISO date
    due: str  # ISO date, often the same
    calendar: str


class IssueEscalated(_OfCase, frozen=True, kw_only=True):
    """The issue went to a body above the accountable one; the time limit stays (C11)."""

    schema = 3
    issue_id: str
    to_level: str
    organisation_id: str
    person_id: Annotated[str, staff()]
    post_id: str
    reason: Annotated[str, CASE_TEXT]
    by_post_id: str = ""  # that handed it up; "" in facts from before it could be returned


class IssueHandedUp(Event, frozen=True, kw_only=True):
    """The accountable person could answer no longer, and the next above does (X13).

    Nobody asked for it and nobody judged the issue, so it is no escalation and counts as none.
    """

    issue_id: str
    organisation_id: str
    person_id: Annotated[str, staff()]
    post_id: str
    level: str
    cause: str  # vacant, abolished, powerless, dissolved or erased: what became of post, organisation or person; relocated: of the place


class IssueInherited(Event, frozen=True, kw_only=True):
    """The successor in the accountable post became the accountable person (X13)."""

    issue_id: str
    person_id: Annotated[str, staff()]


class IssueRelocated(Event, frozen=True, kw_only=True):
    """The issue is at another place, because its own has ended (X13)."""

    issue_id: str
    place: str


class IssueRaised(Event, frozen=True, kw_only=True):
    """Nobody acted on a reported issue in the working days that the city gives, and the next above answers for it (X13)."""

    issue_id: str
    organisation_id: str
    person_id: Annotated[str, staff()]
    post_id: str
    level: str
    days: int


class IssueReturned(_OfCase, frozen=True, kw_only=True):
    """The accountable post gave the issue back to who had sent it, to be dispatched anew; the time limit goes on running (C12, X13)."""

    issue_id: str
    organisation_id: str
    person_id: Annotated[str, staff()]
    post_id: str
    level: str
    reason: Annotated[str, CASE_TEXT]


class IssueOverdue(Event, frozen=True, kw_only=True):
    """The time limit passed while the issue was open (C12)."""

    issue_id: str
    due: str  # the time limit that was missed, ISO date


class IssueResolved(_OfCase, frozen=True, kw_only=True):
    """The accountable body says what was done about this one issue (C28)."""

    schema = 3
    issue_id: str
    outcome: Annotated[str, CASE_TEXT]
    because: Annotated[str, PUBLIC]  # project whose works settled it, or "" (C37)
    level: str  # that led when it was resolved (C16, C17)
    contained: bool | None  # at the triaged tier or below (C14); None: never triaged, or the level is unknown
    person_id: Annotated[str, staff()] = (
        ""  # who says so; "" for accepted works, and in facts from before follow-up asked for somebody else
    )
    #: Whether it is dated within the time limit (C12); None: there is none, or nobody asked when it was recorded.
    in_time: bool | None = None


class FollowUpRecorded(_OfCase, frozen=True, kw_only=True):
    """The person concerned was asked, or could not be reached (C09, X08)."""

    issue_id: str
    result: str  # satisfied, not_satisfied or unreachable
    note: Annotated[str, CASE_TEXT]
    asked_at: str  # RFC 3339; two tries at the same moment are one


class IssueClosed(_OfCase, frozen=True, kw_only=True):
    """Final, after follow-up."""

    schema = 2
    issue_id: str
    because: Annotated[str, CASE_TEXT]
    closed_on: str = ""  # ISO date; "" in facts from before its reporter could reopen it


class IssueReopened(_OfCase, frozen=True, kw_only=True):
    """Open again; whoever was accountable still is, with a new time limit where there was one (C12)."""

    schema = 4
    issue_id: str
    reason: Annotated[str, CASE_TEXT]
    due: Annotated[str, PUBLIC] = ""  # ISO date; "": the time limit stays as it is, or there is none
    calendar: Annotated[str, PUBLIC] = ""  # version of the working-day calendar that it was computed with
    working_days: int = 0  # as in `IssueDispatched`


class TextWithheld(_OfCase, frozen=True, kw_only=True):
    """Staff moved a text of the case out of public sight, for a reason that everybody may read (X09)."""

    issue_id: str
    withheld: Annotated[str, PUBLIC]  # the field that the text stands in, in whichever facts
    why: Annotated[str, CASE_TEXT]


class IssueWithdrawn(_OfCase, frozen=True, kw_only=True):
    """The reporter wants nothing done any more; final."""

    issue_id: str
    reason: Annotated[str, CASE_TEXT]


class ContactErased(Event, frozen=True, kw_only=True):
    """The key of the reporter's contact was destroyed; nobody can read it any more (X09)."""

    issue_id: str


IssueFact = (
    IssueReported
    | IssueHeld
    | IssueStruckOut
    | IssueTriaged
    | IssueDispatched
    | IssueAccepted
    | IssueExtended
    | ExtensionAsked
    | ExtensionDeclined
    | LimitCountedAgain
    | IssueEscalated
    | IssueHandedUp
    | IssueInherited
    | IssueRelocated
    | IssueRaised
    | IssueReturned
    | IssueOverdue
    | IssueResolved
    | FollowUpRecorded
    | IssueClosed
    | IssueReopened
    | IssueWithdrawn
    | TextWithheld
    | ContactErased
)


def _without(*names: str) -> Upcaster:
    """Leave out what the facts before say already."""

    def upcast(data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in data.items() if name not in names}

    return upcast


def _as_before(data: dict[str, Any]) -> dict[str, Any]:
    """Fields that were added have a default."""
    return data


CODEC = Codec(
    (
        IssueHeld,
        IssueStruckOut,
        IssueReported,
        IssueTriaged,
        IssueDispatched,
        IssueAccepted,
        IssueExtended,
        ExtensionAsked,
        ExtensionDeclined,
        LimitCountedAgain,
        IssueEscalated,
        IssueHandedUp,
        IssueInherited,
        IssueRelocated,
        IssueRaised,
        IssueReturned,
        IssueOverdue,
        IssueResolved,
        FollowUpRecorded,
        IssueClosed,
        IssueReopened,
        IssueWithdrawn,
        TextWithheld,
        ContactErased,
    ),
    {
        ("IssueReported", 1): _as_before,
        ("IssueTriaged", 1): _without("from_level"),
        ("IssueDispatched", 2): _as_before,
        ("IssueDispatched", 3): _as_before,
        ("IssueExtended", 1): _as_before,
        ("IssueEscalated", 2): _as_before,
        ("IssueResolved", 1): _as_before,
        ("IssueResolved", 2): _as_before,
        ("IssueClosed", 1): _as_before,
        ("IssueDispatched", 1): _without("from_organisation_id", "from_level"),
        ("IssueEscalated", 1): _without("from_organisation_id", "from_level"),
        ("IssueReopened", 1): _without("from_status", "contained", "times"),
        ("IssueReopened", 2): _as_before,
        ("IssueReopened", 3): _as_before,
    },
)

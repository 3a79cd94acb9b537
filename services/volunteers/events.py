"""Facts of the volunteer ledger.

Class and field names are the storage format: rename nothing, upcast instead. Names, wishers and their words are sealed.
"""

from __future__ import annotations

import msgspec

from shared.domain.event import Codec, Event, Upcaster
from shared.following.parking import PARKING_EVENTS


class VolunteerRegistered(Event, frozen=True, kw_only=True):
    """A person joined the volunteers of the place they live in (E28)."""

    person_id: str
    name: str  # sealed
    home: str  # territory path


class RoleTaken(Event, frozen=True, kw_only=True):
    """A volunteer serves a place in a role: informer, patroller, mediator, publicist … (C32, D19)."""

    person_id: str
    role: str
    place: str
    since: str  # ISO date


class RoleLeft(Event, frozen=True, kw_only=True):
    """A volunteer no longer serves a place in a role; `until` is the first day after."""

    person_id: str
    role: str
    place: str
    until: str


class MemberSurveyed(Event, frozen=True, kw_only=True):
    """A survey found an in-service member living in a compound; who is on it and has not reported in is known (C40)."""

    report_id: str
    person_id: str
    unit: str
    level: str  # of the unit: province, city, district, outside …
    place: str
    surveyed: str  # ISO date


class ReportedIn(Event, frozen=True, kw_only=True):
    """A member reported to the place they live in, or a unit to a community; a newer one replaces it (C40, D11)."""

    report_id: str
    kind: str  # member, unit
    person_id: str  # empty for a unit
    unit: str  # organisation that the member works for, or that reports in itself
    place: str
    since: str  # ISO date


class ReportInConfirmed(Event, frozen=True, kw_only=True):
    """The unit or the place confirmed a report-in; `evidence` says how when the unit holds no post here."""

    report_id: str
    end: str  # unit, place
    person_id: str  # who confirmed
    organisation_id: str
    evidence: str


class TeamFormed(Event, frozen=True, kw_only=True):
    """A team of volunteers was formed for a place (C31)."""

    team_id: str
    kind: str
    name: str
    name_en: str
    place: str


class TeamJoined(Event, frozen=True, kw_only=True):
    """A volunteer joined a team."""

    team_id: str
    person_id: str


class TeamLeft(Event, frozen=True, kw_only=True):
    """A volunteer left a team."""

    team_id: str
    person_id: str


class ActivityPlanned(Event, frozen=True, kw_only=True):
    """An activity was announced; a deed names the issue or project it serves (C38)."""

    activity_id: str
    title: str
    title_en: str
    kind: str
    place: str
    starts: str  # RFC 3339
    series: str  # code of the series it belongs to, or empty
    issue_id: str
    project_id: str


class AttendanceRecorded(Event, frozen=True, kw_only=True):
    """A person took part, once: this is a person-time; distinct persons are counted apart (C39, X04)."""

    activity_id: str
    person_id: str
    minutes: int
    kind: str  # of the activity
    role: str  # in which the person served, or empty (C32)
    day: str  # ISO date of the activity


class AttendanceWithdrawn(Event, frozen=True, kw_only=True):
    """An attendance was recorded by mistake and no longer counts; the figures of the mistake are named."""

    activity_id: str
    person_id: str
    minutes: int
    kind: str
    reason: str


class ActivityHeld(Event, frozen=True, kw_only=True):
    """An activity took place, in so many sessions (C39)."""

    activity_id: str
    kind: str
    sessions: int


class ActivityCancelled(Event, frozen=True, kw_only=True):
    """An activity will not take place."""

    activity_id: str
    reason: str


class PatrolPlanned(Event, frozen=True, kw_only=True):
    """The rota names who goes on patrol and when (C31)."""

    patrol_id: str
    team_id: str
    place: str
    starts: str  # RFC 3339
    members: list[str]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something a patrol found; the issue ledger opens an issue for it (C33)."""

    finding_id: str
    category: str
    description: str
    place: str


class PatrolLogged(Event, frozen=True, kw_only=True):
    """A patrol walked its route; post and organisation of the record answer for what it found (C31)."""

    patrol_id: str
    team_id: str
    place: str
    route: str
    started: str  # RFC 3339
    minutes: int
    members: list[str]
    findings: list[Finding]


class WishAsked(Event, frozen=True, kw_only=True):
    """A resident in need asked for something small (C41)."""

    wish_id: str
    place: str
    wish: str  # sealed
    wisher: str  # sealed name
    contact: str  # sealed, or empty
    wisher_id: str  # person id, or empty when the wisher has no account


class WishPublished(Event, frozen=True, kw_only=True):
    """A wish was checked and may be claimed; the title says nothing about who asked."""

    wish_id: str
    title: str
    title_en: str


class WishRejected(Event, frozen=True, kw_only=True):
    """A wish was checked and cannot be published."""

    wish_id: str
    reason: str


class WishWithdrawn(Event, frozen=True, kw_only=True):
    """A wish is no longer needed."""

    wish_id: str
    reason: str
    was: str  # status before: asked, published


class WishClaimed(Event, frozen=True, kw_only=True):
    """Exactly one person promised to fulfil a wish, until the claim expires (C42, X07)."""

    wish_id: str
    person_id: str
    organisation_id: str
    expires: str  # ISO date: first day on which the claim no longer holds


class WishReleased(Event, frozen=True, kw_only=True):
    """A claim was given back or expired; the wish may be claimed again."""

    wish_id: str
    person_id: str
    reason: str


class WishFulfilled(Event, frozen=True, kw_only=True):
    """The claimant did what was wished for."""

    wish_id: str
    person_id: str
    note: str


class WishDisputed(Event, frozen=True, kw_only=True):
    """The wisher says that the wish is not fulfilled yet; the claim goes on."""

    wish_id: str
    reason: str


class WishConfirmed(Event, frozen=True, kw_only=True):
    """The wisher confirmed, or staff recorded it for them and said how they know."""

    wish_id: str
    by_wisher: bool
    note: str


class WisherErased(Event, frozen=True, kw_only=True):
    """The key of a wisher without an account was destroyed: name, contact and words can no longer be read (X09)."""

    wish_id: str
    reason: str


EVENTS: tuple[type[Event], ...] = (
    VolunteerRegistered,
    RoleTaken,
    RoleLeft,
    MemberSurveyed,
    ReportedIn,
    ReportInConfirmed,
    TeamFormed,
    TeamJoined,
    TeamLeft,
    ActivityPlanned,
    AttendanceRecorded,
    AttendanceWithdrawn,
    ActivityHeld,
    ActivityCancelled,
    PatrolPlanned,
    PatrolLogged,
    WishAsked,
    WishPublished,
    WishRejected,
    WishWithdrawn,
    WishClaimed,
    WishReleased,
    WishFulfilled,
    WishDisputed,
    WishConfirmed,
    WisherErased,
)
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
CODEC = Codec((*EVENTS, *PARKING_EVENTS), UPCASTERS)

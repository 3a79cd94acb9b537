"""Disputes are mediated: who is at odds and what they agreed is for staff only, and what came of it is counted (A41, C30, C34)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.issues.issue.facts import READ_CONFIDENTIAL
from services.issues.issue.rows import SECRET
from services.issues.issue.state import ISSUE, Issue
from shared.domain.answers import ACTIONS, COUNT, PLACE_NAMES, TEXT, by_code, page_of, row_of, shape
from shared.domain.city import City, every
from shared.domain.command import MADE
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event, sealed, taken
from shared.domain.fields import DAY, PLACE, choice, id_of, line, number, text
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, staff
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.signature import holds
from shared.domain.structures import many
from shared.domain.view import View
from shared.domain.words import Said, _, said


def _subject(fact: Any) -> str:
    return f"mediation:{fact.mediation_id}"


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class MediationOpened(Event, frozen=True, kw_only=True):
    """Somebody mediates between the parties of a dispute (A41)."""

    mediation_id: str
    issue_id: str
    place: str
    parties: Annotated[str, sealed(_subject)]
    count: int  # of the parties
    organisation_id: str  # that mediates
    person_id: Annotated[str, staff(READ_CONFIDENTIAL)]  # the mediator
    since: str  # ISO date


class MediationTalked(Event, frozen=True, kw_only=True):
    """The mediator looked into the dispute with the parties (C30)."""

    mediation_id: str
    talked_on: Annotated[str, PUBLIC]  # ISO date
    note: Annotated[str, sealed(_subject)]


class MediationSettled(Event, frozen=True, kw_only=True):
    """All parties agreed (C34)."""

    mediation_id: str
    agreement: Annotated[str, sealed(_subject)]
    agreed: int  # parties that agreed: all of them
    settled_on: Annotated[str, PUBLIC]  # ISO date


class MediationFailed(Event, frozen=True, kw_only=True):
    """The parties did not agree; the dispute goes another way."""

    mediation_id: str
    reason: Annotated[str, sealed(_subject)]
    failed_on: Annotated[str, PUBLIC]  # ISO date


class PartiesErased(Event, frozen=True, kw_only=True):
    """The key of a mediation was destroyed: parties, talks and agreement cannot be read again; its outcome stays (X09)."""

    mediation_id: str


class Mediation(msgspec.Struct, frozen=True):
    """A mediation; `ended` is the day on which it was settled or failed."""

    id: str
    status: str = "unknown"  # unknown, open, settled, failed
    issue_id: str = ""
    place: str = ""
    parties: str = ""  # sealed
    count: int = 0
    organisation_id: str = ""
    person_id: str = ""
    since: str = ""
    talks: int = 0
    last_talk: str = ""
    agreement: str = ""  # sealed
    reason: str = ""  # sealed
    ended: str = ""
    erased: bool = False


def evolve(mediation: Mediation, event: Event) -> Mediation:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case MediationOpened():
            return Mediation(**taken(event, Mediation, id=mediation.id, status="open"))
        case MediationTalked():
            return replace(mediation, talks=mediation.talks + 1, last_talk=max(mediation.last_talk, event.talked_on))
        case MediationSettled():
            return replace(mediation, status="settled", agreement=event.agreement, ended=event.settled_on)
        case MediationFailed():
            return replace(mediation, status="failed", reason=event.reason, ended=event.failed_on)
        case PartiesErased():
            return replace(mediation, parties="", agreement="", reason="", erased=True)
    return mediation


_FACTS = (MediationOpened, MediationTalked, MediationSettled, MediationFailed, PartiesErased)
MEDIATION = Decider("mediation", _FACTS, Mediation, Mediation, evolve, lambda mediation: mediation.place)


@MEDIATION.command("issue.mediate", new=MADE, place="issue", alone=True)
def open_mediation(
    mediation: Mediation,
    *,
    by: Mandate,
    at: str,
    issue: Annotated[Issue, holds(ISSUE, "issue_id")],
    issue_id: Annotated[str, id_of("issue"), "the case; only one whose category is confidential"],
    parties: Annotated[list[str], many(line(100), 2, 20), "who is at odds; sealed, only staff with the power read it"],
) -> list[Event]:
    """Mediate in a dispute; who reported it does not (A41, C30)."""
    if not issue.confidential:
        raise IllegalStateError(
            _("only a confidential case is mediated; this one is for everyone to read"),
            {"issue_id": said(_("not confidential"))},
        )
    if issue.status in ("closed", "withdrawn", "struck_out"):
        raise IllegalStateError(_("the case is over"), {"issue_id": said(_("is over"))})
    if issue.reporter and issue.reporter == by.actor:
        raise IllegalStateError(_("who reported a dispute does not mediate in it"))
    if len({one.strip() for one in parties}) < len(parties):
        raise IllegalStateError(_("each party is named once"), {"parties": said(_("names something twice"))})
    return [
        MediationOpened(
            mediation_id=mediation.id,
            issue_id=issue_id,
            place=issue.place,
            parties="；".join(parties),
            count=len(parties),
            organisation_id=by.organisation_id,
            person_id=by.actor,
            since=at[:10],
        )
    ]


def _mediates(mediation: Mediation, by: Mandate) -> Said | None:
    return None if by.actor == mediation.person_id else said(_("only the mediator says what came of it"))


_OVER = _("the mediation is {status}")


@MEDIATION.command("issue.mediate", when=("open",), otherwise=_OVER, only=_mediates)
def talk_with_parties(
    mediation: Mediation,
    *,
    by: Mandate,
    at: str,
    note: Annotated[str, text(2000), "what was said; sealed"],
) -> list[Event]:
    """Record that you looked into the dispute with the parties (C30)."""
    return [MediationTalked(mediation_id=mediation.id, talked_on=at[:10], note=note)]


@MEDIATION.command("issue.mediate", when=("open",), otherwise=_OVER, only=_mediates)
def settle_dispute(
    mediation: Mediation,
    *,
    by: Mandate,
    at: str,
    agreement: Annotated[str, text(4000), "what the parties agreed; sealed"],
    agreed: Annotated[int, number(1, 20), "parties that have agreed"],
) -> list[Event]:
    """Record the agreement to which all parties have agreed, after at least one talk (C34)."""
    if not mediation.talks:
        raise IllegalStateError(_("talk with the parties first"))
    if agreed != mediation.count:
        raise IllegalStateError(
            _("a dispute is settled once all {count} parties agree, not {agreed}"),
            {"agreed": said(_("must be {expected}"), expected=mediation.count)},
            count=mediation.count,
            agreed=agreed,
        )
    return [MediationSettled(mediation_id=mediation.id, agreement=agreement, agreed=agreed, settled_on=at[:10])]


@MEDIATION.command("issue.mediate", when=("open",), otherwise=_OVER, only=_mediates)
def end_mediation(
    mediation: Mediation,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(2000), "why they did not agree, and where they turn to; sealed"],
) -> list[Event]:
    """Say that the parties did not agree; the dispute goes another way."""
    return [MediationFailed(mediation_id=mediation.id, reason=reason, failed_on=at[:10])]


def _forgotten(mediation: Mediation, by: Mandate, city: City) -> Said | None:
    return said(_("it was made unreadable already")) if mediation.erased else None


@MEDIATION.command(
    "issue.mediate",
    when=("settled", "failed"),
    unless=_forgotten,
    erases=lambda mediation: f"mediation:{mediation.id}",
)
def erase_parties(mediation: Mediation, *, by: Mandate, at: str) -> list[Event]:
    """Make parties, talks and agreement of a mediation unreadable for ever; what came of it stays (X09)."""
    return [] if mediation.erased else [PartiesErased(mediation_id=mediation.id)]


# Rows and figures.
MEDIATIONS = View.of(MEDIATION, "mediations", ("place", "issue_id", "status", "since", "ended"))
_SEALED = ("parties", "agreement", "reason")
_ROW = row_of(
    MEDIATION,
    *_SEALED,
    parties={"type": ["string", "null"]},  # null: erased
    agreement={"type": ["string", "null"]},
    reason={"type": ["string", "null"]},
    organisation=TEXT,
    organisation_en=TEXT,
    actions=ACTIONS,
    place_names=PLACE_NAMES,
)


@MEDIATION.query(answer=page_of(_ROW), power=READ_CONFIDENTIAL)
def find_mediations(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    issue_id: Annotated[str, id_of("issue"), "of this case"] = "",
    status: Annotated[str, choice("open", "settled", "failed", words="mediation status"), "in this state"] = "",
    order: Annotated[str, order_of("since", "place"), "sorted by; - before it: descending"] = "-since",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Mediations with their parties and agreements, for those who may read confidential cases there (A41)."""
    where = {"place__under": place__under, "issue_id": issue_id, "status": status}
    page = read.page("mediations", where, limit, cursor, order, MEDIATION)
    rows = (row | {name: read.open(row[name]) if row[name] else "" for name in _SEALED} for row in page["rows"])
    return page | {"rows": read.city.named(rows)}


@MEDIATION.query(
    answer=shape(
        place=TEXT,
        since=TEXT,
        **dict.fromkeys(("mediations", "settled", "failed", "open_now", "solved"), COUNT),
        solved_by_category=by_code(COUNT),
    ),
    power=READ_CONFIDENTIAL,
    as_of=True,
)
def mediation_figures(
    read: Reader,
    *,
    place__under: Annotated[str, PLACE, "a place and everything below it; empty: your own"] = "",
    since: Annotated[str, DAY, "what ended on this day or later, such as that of an election; empty: all"] = "",
) -> dict[str, Any]:
    """Disputes settled, and confidential cases solved by category, since a day; for those who may read them there (C34)."""

    under = {"place__under": place__under} if place__under else {}
    rows = list(every(read.rows, "mediations", under))
    ended = Counter(row["status"] for row in rows if row["ended"] and row["ended"] >= since)
    cases = every(read.rows, "cases", {"hidden": SECRET, "status": "closed"} | under)
    solved = Counter(row["category"] for row in cases if row["closed_on"] >= since)
    return {
        "place": place__under,
        "since": since,
        "mediations": len(rows),
        "settled": ended["settled"],
        "failed": ended["failed"],
        "open_now": sum(row["status"] == "open" for row in rows),
        "solved": sum(solved.values()),
        "solved_by_category": dict(sorted(solved.items())),
    }

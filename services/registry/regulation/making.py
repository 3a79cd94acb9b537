"""A document is drafted, commented on, adopted, posted, and ends (A25, C26, D22, D24, D47, D48)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from services.registry.acting import acts_as
from services.registry.organisation.state import ORGANISATION, Organisation
from services.registry.regulation.state import (
    REGULATION,
    CommentAnswered,
    CommentsInvited,
    DraftCommented,
    DraftWithdrawn,
    Posting,
    Regulation,
    RegulationAdopted,
    RegulationDrafted,
    RegulationEnded,
    RegulationPosted,
    RegulationReplaced,
    regulation_id,
    rules_of,
)
from shared.domain.bodies import RegulationKind
from shared.domain.catalogue import data_of
from shared.domain.city import City, every
from shared.domain.command import On, on
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, DIGEST, YES, code_of, id_of, line, number, text
from shared.domain.mandate import Mandate
from shared.domain.period import plus_days
from shared.domain.signature import holds
from shared.domain.territory import within
from shared.domain.words import Said, _, said, term

#: Comments on one version at most.
MOST_COMMENTS = 500
#: While it is no version yet.
DRAFT = ("drafted", "commenting")


def _id(ask: Mapping[str, Any], by: Mandate) -> str:
    return regulation_id(ask["kind"], ask["organisation_id"], ask["number"])


@REGULATION.command("regulation.draft", new=_id, compares=True, alone=True, place="organisation")
def draft_regulation(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")],
    kind: Annotated[str, code_of("regulations"), "which kind of document"],
    organisation_id: Annotated[str, id_of("organisation"), "whose document it is"],
    title: Annotated[str, line(200), "title in Chinese"],
    number: Annotated[int, number(1, 1000), "number of the version: the one after the last"] = 1,
    title_en: Annotated[str, line(200), "title in English"] = "",
    text: Annotated[str, text(20_000), "its text; empty: it lies at the address"] = "",
    kept_at: Annotated[str, line(500), "where it lies: link, or number of the file"] = "",
    digest: Annotated[str, DIGEST, "SHA-256 of what lies there, so that nobody changes it unseen"] = "",
    answers: Annotated[str, text(1000), "the proposals of residents, or the meeting, that it answers"] = "",
    meeting_id: Annotated[str, id_of("meeting"), "the meeting that it answers; empty: none"] = "",
    guide_organisation_id: Annotated[str, id_of("organisation"), "body that guided its making; empty: none"] = "",
) -> list[Event]:
    """Write the next version of a document of a body; what is in force stays until it is adopted (A25, D24, D47, D48)."""
    given = (title, title_en, text, kept_at, digest, answers, guide_organisation_id, meeting_id)
    if regulation.status != "unknown":
        told = ("title", "title_en", "text", "kept_at", "digest", "answers", "guide_organisation_id", "meeting_id")
        if given == tuple(getattr(regulation, name) for name in told):
            return []
        raise IllegalStateError(
            _("version {number} was written already; what changes is the next version"),
            {"number": said(_("used already"))},
            number=number,
        )
    entry = city.code("regulations", kind, "kind")
    rules: RegulationKind = data_of("regulations", entry.data)
    if organisation.type != rules.of or organisation.until:
        raise BadInputError(
            _("{organisation} is no body of the type {type} that exists"),
            {"organisation_id": said(_("of another kind"))},
            organisation=organisation.name,
            type=term("organisation_types", rules.of),
        )
    if not text and not (kept_at and digest):
        raise BadInputError(_("give the text, or where it lies and its digest"), {"text": said(_("is missing"))})
    _next(city, kind, organisation_id, number)
    _answering(city, rules, organisation.place, answers, meeting_id)
    _guided(city, rules, organisation.place, guide_organisation_id)
    return [
        RegulationDrafted(
            regulation_id=regulation.id,
            kind=kind,
            kind_version=entry.version,
            organisation_id=organisation_id,
            place=organisation.place,
            number=number,
            title=title,
            title_en=title_en,
            text=text,
            kept_at=kept_at,
            digest=digest,
            answers=answers,
            guide_organisation_id=guide_organisation_id,
            meeting_id=meeting_id,
        )
    ]


def _next(city: City, kind: str, organisation_id: str, number: int) -> None:
    """Raise `IllegalStateError` unless this is the version after the last, and no other is being written."""
    rows = list(every(city.rows, "regulations", {"organisation_id": organisation_id, "kind": kind}))
    if any(row["status"] in DRAFT for row in rows):
        raise IllegalStateError(
            _("a version is being written already; adopt or withdraw it first"), {"number": said(_("under way"))}
        )
    expected = max((row["number"] for row in rows), default=0) + 1
    if number != expected:
        raise IllegalStateError(
            _("the next version is number {expected}, not {number}"),
            {"number": said(_("must be {expected}"), expected=expected)},
            expected=expected,
            number=number,
        )


def _answering(city: City, rules: RegulationKind, place: str, answers: str, meeting_id: str) -> None:
    """Raise `IllegalStateError` when a document names nothing that it answers though it must, or a meeting that was none (D48)."""
    if rules.answers and not answers and not meeting_id:
        raise IllegalStateError(
            _("such a document names the proposals of residents, or the meeting, that it answers"),
            {"answers": said(_("is missing"))},
        )
    meeting = city.rows.get("meetings", meeting_id) if meeting_id else None
    held = meeting is not None and meeting["status"] in ("held", "minuted") and within(place, meeting["place"])
    if meeting_id and not held:
        raise IllegalStateError(
            _("{meeting} is no meeting that was held at {place} or above it"),
            {"meeting_id": said(_("no such meeting"))},
            meeting=meeting_id,
            place=place,
        )


def _guided(city: City, rules: RegulationKind, place: str, guide: str) -> None:
    """Raise `IllegalStateError` when the body that guides such a document is missing or another one (D47)."""
    body = city.organisation(guide) or {}
    wanted = rules.guide or body.get("type", "")
    fits = body and not body["until"] and body["type"] == wanted and within(place, body["place"])
    if (guide or rules.guide) and not fits:
        raise IllegalStateError(
            _("such a document is made under the guidance of a body of the type {type} at {place} or above it"),
            {"guide_organisation_id": said(_("no such body"))},
            type=term("organisation_types", wanted),
            place=place,
        )


@REGULATION.command("regulation.draft", when=("drafted",))
def invite_comments(regulation: Regulation, *, by: Mandate, at: str, city: City) -> list[Event]:
    """Open a draft for the comments of residents, for as many days as its kind says (D22)."""
    days = rules_of(regulation, city).comment_days
    if not days:
        raise IllegalStateError(_("such a document is adopted without days for comments"))
    return [CommentsInvited(regulation_id=regulation.id, until=plus_days(at[:10], days))]


def _not_advised(regulation: Regulation, by: Mandate, city: City) -> Said | None:
    """Why nobody comments on what is adopted, whoever asks."""
    if regulation.status == "adopted" and not rules_of(regulation, city).advised:
        return said(_("residents advise on such a document before it is adopted"))
    return None


@REGULATION.command("regulation.comment", when=("commenting", "adopted"), unless=_not_advised)
def comment_draft(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    text: Annotated[str, text(2000), "what you think of it, for everyone to read without your name"],
) -> list[Event]:
    """Comment on a draft while it is open, or on what is in force where that is asked for; each comment is answered (D22)."""
    if not by.actor:
        raise ForbiddenError(_("sign in to comment, so that each counts once"))
    if why := _not_advised(regulation, by, city):
        raise IllegalStateError(why)
    if regulation.status == "commenting" and at[:10] >= regulation.comments_until:
        raise IllegalStateError(_("comments were open until the day before {day}"), day=regulation.comments_until)
    if any((one.person_id, one.text) == (by.actor, text) for one in regulation.comments):
        return []
    if len(regulation.comments) >= MOST_COMMENTS:
        raise IllegalStateError(_("there are {count} comments, the most that a version can have"), count=MOST_COMMENTS)
    made = len(regulation.comments) + 1
    return [DraftCommented(regulation_id=regulation.id, comment=made, person_id=by.actor, text=text)]


def _all_answered(regulation: Regulation, by: Mandate, city: City) -> Said | None:
    """Why there is nothing to answer."""
    if regulation.comments and not all(one.answer for one in regulation.comments):
        return None
    return said(_("there is no comment without an answer"))


@REGULATION.command("regulation.draft", when=("commenting", "adopted"), unless=_all_answered)
def answer_comment(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    comment: Annotated[int, number(1, MOST_COMMENTS), "number of the comment"],
    taken: Annotated[bool, YES, "whether it is adopted"],
    reason: Annotated[str, text(1000), "why, for everyone to read"],
) -> list[Event]:
    """Answer a comment: adopted or not, with the reason (D22)."""
    if comment > len(regulation.comments):
        raise BadInputError(_("there is no comment number {number}"), {"comment": said(_("unknown"))}, number=comment)
    found = regulation.comments[comment - 1]
    if found.answer:
        if (found.answer == "taken", found.reason) == (taken, reason):
            return []
        raise IllegalStateError(_("this comment is answered already"), {"comment": said(_("answered"))})
    return [CommentAnswered(regulation_id=regulation.id, comment=comment, taken=taken, reason=reason)]


def _former(regulation: Regulation, ask: Mapping[str, Any]) -> str:
    """The version in force, whose place this one takes; "" for none."""
    where = {"organisation_id": regulation.organisation_id, "kind": regulation.kind, "status": "adopted"}
    return next((str(row["regulation_id"]) for row in every(ask["city"].rows, "regulations", where)), "")


def _foreign(regulation: Regulation, by: Mandate, city: City) -> Said | None:
    """Why the body that somebody acts for cannot adopt it."""
    wanted = rules_of(regulation, city).adopted_by
    if wanted and not acts_as(city, by.organisation_id, wanted):
        return said(_("a body of the type {type} adopts it"), type=term("organisation_types", wanted))
    if not wanted and by.organisation_id != regulation.organisation_id:
        return said(_("the body whose document it is adopts it"))
    return None


@REGULATION.command("regulation.adopt", when=DRAFT, again=("adopted",), unless=_foreign, alone=True)
def adopt_regulation(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    former: Annotated[Regulation | None, holds(REGULATION, _former)],
    resolution: Annotated[str, text(1000), "the decision: which meeting, number of the minutes, for everyone to read"],
    owners_vote_id: Annotated[str, id_of("owners_vote"), "vote of owners that carried it; empty: none was needed"] = "",
    adopting_meeting_id: Annotated[str, id_of("meeting"), "meeting that carried it; empty: none had to"] = "",
    since: Annotated[str, DAY, "first day in force, not past; empty: today"] = "",
) -> list[Event | On]:
    """Adopt a version by a decision; it takes the place of the one before (A25, D24, D29)."""
    since = since or at[:10]
    if regulation.status == "adopted":
        told = (regulation.resolution, regulation.owners_vote_id, regulation.adopting_meeting_id)
        if told == (resolution, owners_vote_id, adopting_meeting_id):
            return []
        raise IllegalStateError(_("this version is adopted already"), {"number": said(_("adopted"))})
    if why := _foreign(regulation, by, city):
        raise ForbiddenError(why)
    rules = rules_of(regulation, city)
    if rules.comment_days:
        _heard(regulation, at[:10])
    _carried(city, rules, regulation, owners_vote_id)
    if former:
        _answered(former)
    _met(city, rules, regulation, adopting_meeting_id)
    least = max(at[:10], former.since if former else "")
    if since < least:
        raise IllegalStateError(
            _("a version is in force from {day} on at the earliest"),
            {"since": said(_("must not be before {day}"), day=least)},
            day=least,
        )
    adopted = RegulationAdopted(
        regulation_id=regulation.id,
        kind=regulation.kind,
        organisation_id=regulation.organisation_id,
        adopted_by_organisation_id=by.organisation_id,
        resolution=resolution,
        owners_vote_id=owners_vote_id,
        since=since,
        replaces_id=former.id if former else "",
        adopting_meeting_id=adopting_meeting_id,
    )
    if former is None:
        return [adopted]
    replaced = RegulationReplaced(regulation_id=former.id, successor_id=regulation.id, until=since)
    return [adopted, on(REGULATION, former.id, replaced)]


def _met(city: City, rules: RegulationKind, regulation: Regulation, adopting_meeting_id: str) -> None:
    """Raise `IllegalStateError` unless a meeting of the kind carried something there, and its minutes are kept (D29)."""
    if not (rules.meeting or adopting_meeting_id):
        return
    row = city.rows.get("meetings", adopting_meeting_id) or {"kind": "", "place": "", "status": "", "carried": 0}
    fits = row["kind"] == (rules.meeting or row["kind"]) and within(regulation.place, row["place"] or "-")
    if not fits or row["status"] != "minuted" or not row["carried"]:
        raise IllegalStateError(
            _(
                "such a document is adopted after a meeting of the kind {kind} at its place carried it, with its minutes"
            ),
            {"adopting_meeting_id": said(_("no such meeting that carried it"))},
            kind=rules.meeting,
        )


def _heard(regulation: Regulation, today: str) -> None:
    """Raise `IllegalStateError` unless the days for comments are over and each comment is answered (D22)."""
    if regulation.status != "commenting":
        raise IllegalStateError(_("such a document is open for comments before it is adopted"))
    if today < regulation.comments_until:
        raise IllegalStateError(
            _("comments are open until the day before {day}; adopt it then"), day=regulation.comments_until
        )
    _answered(regulation)


def _answered(regulation: Regulation) -> None:
    """Raise `IllegalStateError` while a comment has no answer (D22)."""
    if open_ := [str(n) for n, one in enumerate(regulation.comments, 1) if not one.answer]:
        raise IllegalStateError(_("each comment is answered first; not yet: {numbers}"), numbers=", ".join(open_))


def _carried(city: City, rules: RegulationKind, regulation: Regulation, vote: str) -> None:
    """Raise `IllegalStateError` unless owners carried it where its kind asks for that; one vote carries one version."""
    if not rules.vote and not vote:
        return
    row = city.rows.get("owners_votes", vote) or {}
    fits = row.get("matter") == (rules.vote or row.get("matter")) and row.get("place") == regulation.place
    if not fits or row["status"] != "carried":
        raise IllegalStateError(
            _("such a document is adopted after a vote of owners of the place on {matter} has carried it"),
            {"owners_vote_id": said(_("no such vote that carried it"))},
            matter=term("matter", rules.vote),
        )
    if city.rows.count("regulations", {"owners_vote_id": vote}):
        raise IllegalStateError(
            _("this vote carried another version already"), {"owners_vote_id": said(_("used already"))}
        )


@REGULATION.command("regulation.draft", when=("commenting", "adopted"))
def post_regulation(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    channel: Annotated[str, code_of("posting_channels"), "how it was posted"],
    where: Annotated[str, line(200), "where exactly, for everyone to read"],
    posted_on: Annotated[str, DAY, "day, not ahead; empty: today"] = "",
) -> list[Event]:
    """Record where and when a version, or its draft, was posted (A25, D10)."""
    city.code("posting_channels", channel, "channel")
    posted_on = posted_on or at[:10]
    if posted_on > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; record it when it is done"),
            {"posted_on": said(_("must not be in the future"))},
            day=posted_on,
        )
    if Posting(channel, where, posted_on) in regulation.postings:
        return []
    return [RegulationPosted(regulation_id=regulation.id, channel=channel, where=where, posted_on=posted_on)]


@REGULATION.command("regulation.draft", when=DRAFT)
def withdraw_draft(
    regulation: Regulation, *, by: Mandate, at: str, reason: Annotated[str, text(1000), "why, for everyone to read"]
) -> list[Event]:
    """Follow a draft no further; its number is used up."""
    return [DraftWithdrawn(regulation_id=regulation.id, reason=reason)]


@REGULATION.command("regulation.adopt", when=("adopted",), unless=_foreign)
def end_regulation(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    reason: Annotated[str, text(1000), "why, for everyone to read"],
) -> list[Event]:
    """End a version from today on without a next one."""
    if why := _foreign(regulation, by, city):
        raise ForbiddenError(why)
    _answered(regulation)
    return [RegulationEnded(regulation_id=regulation.id, until=max(at[:10], regulation.since), reason=reason)]

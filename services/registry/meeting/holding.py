"""A meeting is held with a quorum, resolves items, is minuted, and what it resolved is carried out (A36, C46, D12, D27)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from services.registry.meeting.state import (
    MEETING,
    ItemResolved,
    Meeting,
    MeetingHeld,
    MinutesKept,
    ResolutionCarriedOut,
    ResolutionEffective,
    bodies_of,
    rules_of,
)
from services.registry.selection.voting import reached
from shared.domain.bodies import MeetingKind
from shared.domain.city import City, held_on
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, DIGEST, ID, code_of, id_of, line, number, text
from shared.domain.mandate import Mandate
from shared.domain.masking import masked
from shared.domain.structures import many, pairs
from shared.domain.words import Said, _, said, term

_MOST = 100_000
_COUNT = number(0, _MOST)
_NOBODY: Mapping[str, int] = {}
_NOTHING: Mapping[str, str] = {}


_AHEAD = _("{day} has not come yet; record it when it is done")


def _to_come(meeting: Meeting, by: Mandate, city: City) -> Said | None:
    """Why a meeting cannot be recorded yet, whatever is said."""
    return said(_AHEAD, day=meeting.day) if city.day < meeting.day else None


@MEETING.command("meeting.record", when=("called",), again=("held", "inquorate"), unless=_to_come)
def hold_meeting(
    meeting: Meeting,
    *,
    by: Mandate,
    at: str,
    city: City,
    attended: Annotated[Mapping[str, int], pairs(ID, number(1, _MOST)), "persons who came of each body"],
    residents: Annotated[int, _COUNT, "residents who came besides"] = 0,
    chair_post_id: Annotated[str, id_of("post"), "post from which it was chaired; empty: none"] = "",
    entitled: Annotated[int, _COUNT, "persons or households that have a voice; 0 where bodies have it"] = 0,
    present: Annotated[int, _COUNT, "how many of them were there; 0 where bodies have a voice"] = 0,
) -> list[Event]:
    """Record that a meeting took place and who came; without its quorum it decides nothing (A36, C46)."""
    rules = rules_of(meeting, city)
    if rules.voices == "bodies":
        voices = {meeting.organisation_id, *meeting.invited}
        entitled, present = len(voices), len(voices & set(attended))
    if meeting.status != "called":
        known = (meeting.attended, meeting.residents, meeting.chair_post_id, meeting.entitled, meeting.present)
        if known == (dict(attended), residents, chair_post_id, entitled, present):
            return []
        raise IllegalStateError(_("who came to this meeting is recorded already"))
    if at[:10] < meeting.day:
        raise IllegalStateError(_AHEAD, day=meeting.day)
    _attended(meeting, city, rules, attended)
    _chaired(meeting, city, rules, attended, chair_post_id)
    if entitled < 1 or present > entitled:
        raise BadInputError(
            _("say how many have a voice and how many of them were there: at most {entitled}"),
            {"present": said(_("at most {most}"), most=entitled)},
            entitled=entitled,
        )
    return [
        MeetingHeld(
            meeting_id=meeting.id,
            kind=meeting.kind,
            organisation_id=meeting.organisation_id,
            place=meeting.place,
            day=meeting.day,
            chair_post_id=chair_post_id,
            attended=dict(attended),
            residents=residents,
            entitled=entitled,
            present=present,
            quorate=reached(present, entitled, rules.quorum_part, rules.quorum_whole, rules.quorum_above),
        )
    ]


def _attended(meeting: Meeting, city: City, rules: MeetingKind, attended: Mapping[str, int]) -> None:
    """Raise unless who came was invited, and everybody came without whom such a meeting is not held."""
    if strange := set(attended) - {meeting.organisation_id, *meeting.invited}:
        raise BadInputError(
            _("{organisation} was not invited"), {"attended": said(_("not invited"))}, organisation=min(strange)
        )
    types = bodies_of(city, attended).values()
    if missing := [type for type in rules.needed if type not in types]:
        raise IllegalStateError(
            _("such a meeting is not held without a body of the type {type}"),
            {"attended": said(_("is missing"))},
            type=term("organisation_types", missing[0]),
        )


def _chaired(meeting: Meeting, city: City, rules: MeetingKind, attended: Mapping[str, int], chair_post_id: str) -> None:
    """Raise unless the holder of a post of the role that the kind names, of a body that came, was in the chair."""
    post = city.post(chair_post_id)
    if not (rules.chair or chair_post_id):
        return
    fits = post is not None and held_on(post, meeting.day) and post["organisation_id"] in attended
    if post is None or not fits or post["role"] != (rules.chair or post["role"]):
        raise IllegalStateError(
            _("such a meeting is chaired by who holds a post of the role {role} in a body that came"),
            {"chair_post_id": said(_("nobody who may chair it"))},
            role=term("roles", rules.chair),
        )


@MEETING.command("meeting.record", when=("held",))
def resolve_item(
    meeting: Meeting,
    *,
    by: Mandate,
    at: str,
    city: City,
    item: Annotated[int, number(1, 50), "number of the item on the agenda"],
    text: Annotated[str, text(2000), "what was resolved, for everyone to read"],
    votes_for: Annotated[int, _COUNT, "votes for it; 0 where options are named"] = 0,
    votes_against: Annotated[int, _COUNT, "votes against it"] = 0,
    abstained: Annotated[int, _COUNT, "who abstained"] = 0,
    category: Annotated[
        str, code_of("issue_categories"), "category of the issue that it becomes; empty: it becomes none"
    ] = "",
    options: Annotated[
        Mapping[str, int], pairs(line(200), _COUNT), "votes by what was to choose from, the resolution among it"
    ] = _NOBODY,
    positions: Annotated[Mapping[str, str], pairs(ID, line(500)), "what each body that came said to it"] = _NOTHING,
    objections: Annotated[Sequence[str], many(line(500)), "objections that remain, for everyone to read"] = (),
    charged_post_id: Annotated[
        str, id_of("post"), "post that the issue of the item is dispatched to; empty: none"
    ] = "",
    due: Annotated[str, DAY, "last day of the time limit, where a post is charged"] = "",
) -> list[Event]:
    """Record what a meeting decided on an item of its agenda; carried or not follows from the votes (A36, C46, C47, D27)."""
    options = {masked(option): votes for option, votes in options.items()}
    positions = {body: masked(position) for body, position in positions.items()}
    objections = [masked(objection) for objection in objections]
    if options:
        votes_for, votes_against = _chosen(options, text)
    _charged(meeting, city, item, charged_post_id, due)
    if strange := set(positions) - set(meeting.attended):
        raise BadInputError(
            _("{organisation} was not at this meeting"),
            {"positions": said(_("was not there"))},
            organisation=min(strange),
        )
    rules = rules_of(meeting, city)
    if item > len(meeting.agenda):
        raise BadInputError(
            _("nothing is decided that is not on the agenda; it has {count} items"),
            {"item": said(_("unknown"))},
            count=len(meeting.agenda),
        )
    if category:
        city.code("issue_categories", category, "category")
    if votes_for + votes_against + abstained > meeting.present:
        raise BadInputError(
            _("{votes} votes are more than the {present} who had a voice there"),
            {"votes_for": said(_("at most {most}"), most=meeting.present)},
            votes=votes_for + votes_against + abstained,
            present=meeting.present,
        )
    carried = reached(votes_for, meeting.present, rules.majority_part, rules.majority_whole, rules.majority_above)
    for one in meeting.resolutions:
        if one.number == item:
            votes = (one.votes_for, one.votes_against, one.abstained, one.options)
            charge = (one.charged_post_id, one.due)
            words = (one.text, one.category, one.positions, one.objections)
            told = (text, category, positions, tuple(objections))
            if (words, votes, charge) == (told, (votes_for, votes_against, abstained, options), (charged_post_id, due)):
                return []
            raise IllegalStateError(_("this item is decided already"), {"item": said(_("used already"))})
    return [
        ItemResolved(
            meeting_id=meeting.id,
            number=item,
            text=text,
            votes_for=votes_for,
            votes_against=votes_against,
            abstained=abstained,
            carried=carried,
            category=category,
            options=options,
            positions=positions,
            objections=list(objections),
            charged_post_id=charged_post_id,
            due=due,
        )
    ]


def _charged(meeting: Meeting, city: City, item: int, post_id: str, due: str) -> None:
    """Raise unless a charge is one of somebody who holds a post, in time, and of an issue that the item is about."""
    if not (post_id or due):
        return
    if not meeting.agenda[item - 1].issue_id:
        raise BadInputError(
            _("only an item that is about an issue charges somebody with it"), {"item": said(_("about no issue"))}
        )
    city.holder(post_id, "charged_post_id")
    if due < meeting.day:
        raise BadInputError(
            _("say until when, not before the meeting"), {"due": said(_("must not be before {day}"), day=meeting.day)}
        )


def _chosen(options: Mapping[str, int], text: str) -> tuple[int, int]:
    """The votes for the option that was resolved, and for all others; raises unless it is the one with the most."""
    if text not in options:
        raise BadInputError(_("what was resolved is one of the options"), {"text": said(_("no such option"))})
    most = max(options.values())
    if options[text] < most or list(options.values()).count(most) > 1:
        raise IllegalStateError(_("another option has as many votes or more"), {"text": said(_("not the most votes"))})
    return options[text], sum(options.values()) - options[text]


@MEETING.command("meeting.record", when=("held",), again=("minuted",))
def keep_minutes(
    meeting: Meeting,
    *,
    by: Mandate,
    at: str,
    text: Annotated[str, text(20_000), "the minutes, for everyone to read; empty: they lie at the address"] = "",
    kept_at: Annotated[str, line(500), "where they lie: link, or number of the file"] = "",
    digest: Annotated[str, DIGEST, "SHA-256 of what lies there, so that nobody changes it unseen"] = "",
) -> list[Event]:
    """Publish the minutes of a meeting; what it carried is in force from this day on (A36, D12, D27)."""
    if meeting.status == "minuted":
        if (text, kept_at, digest) == (meeting.text, meeting.kept_at, meeting.digest):
            return []
        raise IllegalStateError(_("the minutes are kept already"))
    if not text and not (kept_at and digest):
        raise BadInputError(_("give the text, or where it lies and its digest"), {"text": said(_("is missing"))})
    kept = MinutesKept(meeting_id=meeting.id, text=text, kept_at=kept_at, digest=digest)
    effective = [
        ResolutionEffective(
            meeting_id=meeting.id,
            number=one.number,
            organisation_id=meeting.organisation_id,
            place=meeting.place,
            text=one.text,
            category=one.category,
            since=at[:10],
            issue_id=meeting.agenda[one.number - 1].issue_id if one.charged_post_id else "",
            charged_post_id=one.charged_post_id,
            due=one.due,
        )
        for one in meeting.resolutions
        if one.carried
    ]
    return [kept, *effective]


@MEETING.command("meeting.record", when=("minuted",))
def carry_out_resolution(
    meeting: Meeting,
    *,
    by: Mandate,
    at: str,
    item: Annotated[int, number(1, 50), "number of the item on the agenda"],
    evidence: Annotated[str, line(200), "what shows it, for everyone to read"],
) -> list[Event]:
    """Record that what a meeting carried was done, with evidence."""
    found = next((one for one in meeting.resolutions if one.number == item and one.carried), None)
    if found is None:
        raise BadInputError(_("nothing was carried on this item"), {"item": said(_("unknown"))})
    if found.evidence == evidence:
        return []
    if found.evidence:
        raise IllegalStateError(_("this resolution was carried out already"), {"item": said(_("used already"))})
    return [ResolutionCarriedOut(meeting_id=meeting.id, number=item, evidence=evidence)]

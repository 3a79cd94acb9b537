"""Owners vote on a matter of article 278 of the Civil Code: the roll is frozen by its digest, and only sums are recorded.

The roll says who owns what and stays with the tellers. Its digest and its sums stand in the log when the vote is opened; whoever counts
shows the same roll again. Who voted how is recorded nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.owners_rules import (
    CHOICES,
    MATTERS,
    MOST_UNITS,
    Unit,
    carried,
    digest,
    quorate,
    tally,
    weights,
)
from shared.domain.answers import ACTIONS, OTHERS, PLACE_NAMES, TEXT, row_of
from shared.domain.city import City
from shared.domain.command import MADE
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event, taken
from shared.domain.fields import DAY, ID, PLACE, choice, id_of, text
from shared.domain.listing import Listing, Under
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC, told
from shared.domain.reader import Reader
from shared.domain.structures import group, many, pairs
from shared.domain.view import Row, View
from shared.domain.words import _, said

_MATTER = choice(*MATTERS, words="matter")
_ROLL = many(group(Unit), 1, MOST_UNITS)


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class OwnersVoteOpened(Event, frozen=True, kw_only=True):
    """Owners are asked about a matter; who they are and what is theirs is frozen, and known by its digest."""

    owners_vote_id: str
    place: str
    matter: Annotated[str, PUBLIC]
    article: Annotated[str, PUBLIC]  # of the law that says which majority it needs
    question: Annotated[str, told()]
    roll: Annotated[str, PUBLIC]  # SHA-256 of the roll
    units: int
    area: int  # hundredths of a square metre
    heads: int


class OwnersBallotsCounted(Event, frozen=True, kw_only=True):
    """All ballots were counted at once: areas in hundredths of a square metre, and heads; nobody's own vote."""

    owners_vote_id: str
    counted_on: Annotated[str, PUBLIC]
    area_part: int
    heads_part: int
    area_for: int
    heads_for: int
    area_against: int
    heads_against: int
    minutes: Annotated[str, told()]


class OwnersVoteDecided(Event, frozen=True, kw_only=True):
    """What follows from the count: whether enough took part, and whether it is carried."""

    owners_vote_id: str
    quorate: bool
    carried: bool


class OwnersVoteCancelled(Event, frozen=True, kw_only=True):
    """The vote came to no result."""

    owners_vote_id: str
    reason: Annotated[str, told()]


class OwnersVote(msgspec.Struct, frozen=True):
    """A vote of owners; areas in hundredths of a square metre."""

    id: str
    status: str = "unknown"  # unknown, open, carried, lost, cancelled
    place: str = ""
    matter: str = ""
    article: str = ""
    question: str = ""
    roll: str = ""
    units: int = 0
    area: int = 0
    heads: int = 0
    counted_on: str = ""
    area_part: int = 0
    heads_part: int = 0
    area_for: int = 0
    heads_for: int = 0
    area_against: int = 0
    heads_against: int = 0
    quorate: bool = False
    minutes: str = ""
    reason: str = ""


def evolve(vote: OwnersVote, event: Event) -> OwnersVote:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case OwnersVoteOpened():
            return OwnersVote(**taken(event, OwnersVote, id=vote.id, status="open"))
        case OwnersBallotsCounted():
            return replace(vote, **taken(event, OwnersVote))
        case OwnersVoteDecided():
            return replace(vote, status="carried" if event.carried else "lost", quorate=event.quorate)
        case OwnersVoteCancelled():
            return replace(vote, status="cancelled", reason=event.reason)
    return vote


OWNERS_VOTE = Decider(
    "owners-vote",
    (OwnersVoteOpened, OwnersBallotsCounted, OwnersVoteDecided, OwnersVoteCancelled),
    OwnersVote,
    OwnersVote,
    evolve,
    lambda vote: vote.place,
)


@OWNERS_VOTE.command("owners.vote", new=MADE)
def open_owners_vote(
    vote: OwnersVote,
    *,
    by: Mandate,
    at: str,
    city: City,
    place: Annotated[str, PLACE, "whose owners decide"],
    matter: Annotated[str, _MATTER, "which matter of article 278 of the Civil Code"],
    question: Annotated[str, text(1000), "what they are asked, for everyone to read"],
    roll: Annotated[Sequence[Unit], _ROLL, "units with their areas and owners; only its digest and sums are recorded"],
) -> list[Event]:
    """Ask the owners about a matter; their roll is frozen now, by its digest."""
    city.known_place(place)
    if len({one.unit for one in roll}) < len(roll):
        raise BadInputError(_("each unit stands on the roll once"), {"roll": said(_("names something twice"))})
    areas = weights(roll)
    return [
        OwnersVoteOpened(
            owners_vote_id=vote.id,
            place=place,
            matter=matter,
            article=f"民法典 278({MATTERS[matter][0]})",
            question=question,
            roll=digest(roll),
            units=len(roll),
            area=sum(areas.values()),
            heads=len(areas),
        )
    ]


@OWNERS_VOTE.command("owners.count", when=("open",))
def count_owners_ballots(
    vote: OwnersVote,
    *,
    by: Mandate,
    at: str,
    roll: Annotated[Sequence[Unit], _ROLL, "the roll on which the vote was opened"],
    ballots: Annotated[
        Mapping[str, str],
        pairs(ID, choice(*CHOICES, words="ballot"), MOST_UNITS),
        "what each head said, by the sign of the owner; who is silent is left out",
    ],
    minutes: Annotated[str, text(1000), "who counted, and where the ballots are kept, for everyone to read"],
    counted_on: Annotated[str, DAY, "day of the count, not ahead; empty: today"] = "",
) -> list[Event]:
    """Count all ballots at once and say what follows from the law; sums are recorded, nobody's own vote."""
    if (shown := digest(roll)) != vote.roll:
        raise IllegalStateError(
            _("this is not the roll on which the vote was opened"),
            {"roll": said(_("its digest is {shown}, not {frozen}"), shown=shown[:12], frozen=vote.roll[:12])},
        )
    if strangers := sorted(set(ballots) - set(weights(roll))):
        raise BadInputError(
            _("a ballot is of nobody on the roll"),
            {"ballots": {one: said(_("not on the roll")) for one in strangers[:20]}},
        )
    counted_on = counted_on or at[:10]
    if counted_on > at[:10]:
        raise BadInputError(_("the count cannot be right"), {"counted_on": said(_("must not be in the future"))})
    found = tally(roll, ballots)
    counted = OwnersBallotsCounted(
        owners_vote_id=vote.id,
        counted_on=counted_on,
        area_part=found.part.area,
        heads_part=found.part.heads,
        area_for=found.pro.area,
        heads_for=found.pro.heads,
        area_against=found.contra.area,
        heads_against=found.contra.heads,
        minutes=minutes,
    )
    result = OwnersVoteDecided(owners_vote_id=vote.id, quorate=quorate(found), carried=carried(found, vote.matter))
    return [counted, result]


@OWNERS_VOTE.command("owners.vote", when=("open",))
def cancel_owners_vote(
    vote: OwnersVote, *, by: Mandate, at: str, reason: Annotated[str, text(1000), "why, for everyone to read"]
) -> list[Event]:
    """End a vote of owners without a result; another one can be opened."""
    return [OwnersVoteCancelled(owners_vote_id=vote.id, reason=reason)]


# Rows.
def _opened(row: Row, vote: OwnersVote, event: Event, record: Any) -> Row:
    """The day it was opened."""
    return {"opened_on": row.get("opened_on") or record.occurred[:10]}


OWNERS_VOTES = View.of(OWNERS_VOTE, "owners_votes", ("place", ("matter", "status"), "opened_on"), _opened)
_ROW = row_of(OWNERS_VOTE, opened_on=TEXT, place_names=PLACE_NAMES, actions=ACTIONS)
_ONE = _ROW | {"properties": _ROW["properties"] | {"others": OTHERS}, "required": [*_ROW["required"], "others"]}


_LISTED = Listing(OWNERS_VOTE, OWNERS_VOTES, _ROW)


@_LISTED.list("-opened_on", "place")
def find_owners_votes(
    place__under: Under = "",
    matter: Annotated[str, _MATTER, "on this matter"] = "",
    status: Annotated[str, choice("open", "carried", "lost", "cancelled"), "in this state"] = "",
) -> None:
    """Votes of owners with their sums and results."""


@OWNERS_VOTE.query(answer=_ONE)
def get_owners_vote(
    read: Reader, *, owners_vote_id: Annotated[str, id_of("owners-vote"), "the vote"]
) -> dict[str, Any]:
    """A vote of owners with the digest of its roll, its sums and its result."""
    return read.thing("owners_votes", owners_vote_id, OWNERS_VOTE)

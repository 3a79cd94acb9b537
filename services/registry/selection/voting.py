"""A selection is opened, its ballot settled, votes are counted by whole numbers, and who is elected is seated (A18, A10, C52)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from services.registry.census import household_sum
from services.registry.organisation.state import ORGANISATION, Organisation
from services.registry.person import PERSON, Person
from services.registry.post.holding import appointed
from services.registry.post.state import POST, PersonAppointed, Post
from services.registry.selection.candidates import BEFORE_VOTING, lacking
from services.registry.selection.state import (
    SELECTION,
    BallotHeld,
    CandidateSeated,
    RecommendingBegan,
    Selection,
    SelectionCancelled,
    SelectionClosed,
    SelectionOpened,
    VotingBegan,
    rules_of,
)
from shared.domain.bodies import SelectionKind
from shared.domain.catalogue import data_of
from shared.domain.city import City
from shared.domain.command import MADE, On, on
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, ID, code_of, id_of, number, text
from shared.domain.mandate import Mandate
from shared.domain.signature import holds
from shared.domain.structures import many, pairs
from shared.domain.words import _, said, term

#: Electors of one selection at most.
_MOST = 10_000_000
#: While it has no result yet.
RUNNING = (*BEFORE_VOTING, "voting", "counted")


@SELECTION.command("selection.run", new=MADE, alone=True, place="organisation")
def open_selection(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")],
    kind: Annotated[str, code_of("selections"), "which kind of selection"],
    organisation_id: Annotated[str, id_of("organisation"), "the body whose posts are to be filled"],
    seats: Annotated[int, number(1, 100), "members to be elected"] = 1,
) -> list[Event]:
    """Open the selection of members of a body for its next term: first, candidates offer themselves (A18, C52)."""
    entry = city.code("selections", kind, "kind")
    rules: SelectionKind = data_of("selections", entry.data)
    if organisation.type != rules.of or organisation.until:
        raise BadInputError(
            _("{organisation} is no body of the type {type} that exists"),
            {"organisation_id": said(_("of another kind"))},
            organisation=organisation.name,
            type=term("organisation_types", rules.of),
        )
    where = {"kind": kind, "organisation_id": organisation_id}
    if city.rows.count("selections", where | {"status": list(RUNNING)}):
        raise IllegalStateError(
            _("a selection of this kind is under way for {organisation}; close or cancel it first"),
            {"organisation_id": said(_("under way"))},
            organisation=organisation.name,
        )
    return [
        SelectionOpened(
            selection_id=selection.id,
            kind=kind,
            kind_version=entry.version,
            organisation_id=organisation_id,
            place=organisation.place,
            seats=seats,
            term=city.rows.count("selections", where | {"won": 1}) + 1,
        )
    ]


@SELECTION.command("selection.run", when=("opened",), again=("recommending",))
def begin_recommending(selection: Selection, *, by: Mandate, at: str) -> list[Event]:
    """End the time in which candidates offer themselves; residents recommend from now on (A18)."""
    return [] if selection.status == "recommending" else [RecommendingBegan(selection_id=selection.id)]


@SELECTION.command(
    "selection.run",
    when=("recommending",),
    again=("voting",),
    otherwise=_("voting comes after candidates offered themselves and residents recommended; it is {status}"),
    alone=True,
)
def begin_voting(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    ballot: Annotated[Sequence[str], many(id_of("person"), 1, 200, distinct=True), "candidates who stand"],
    electors: Annotated[int, number(0, _MOST), "persons who may vote; with one vote a household: left out"] = 0,
) -> list[Event]:
    """Settle who stands and how many may vote; only whom the steps, criteria and acceptances carry stands (A16, A17, A19)."""
    if selection.status == "voting":
        if tuple(ballot) == selection.ballot:
            return []
        raise IllegalStateError(_("the ballot is settled already"), {"ballot": said(_("settled"))})
    rules = rules_of(selection, city)
    wrong = {}
    for one in ballot:
        candidate = selection.candidates.get(one)
        if candidate is None or not candidate.ways:
            wrong[one] = said(_("no candidate"))
        elif found := lacking(candidate, rules):
            wrong[one] = said(_("lacks {codes}"), codes=", ".join(found))
    if wrong:
        raise IllegalStateError(
            _("who stands has been looked for, meets all criteria and is accepted by all bodies; {person} is not"),
            {"ballot": wrong},
            person=", ".join(wrong),
        )
    return [
        VotingBegan(
            selection_id=selection.id, ballot=tuple(ballot), electors=_electors(selection, rules, city, electors)
        )
    ]


def _electors(selection: Selection, rules: SelectionKind, city: City, given: int) -> int:
    """Persons as given, or the households that the register has counted at the place and below."""
    if rules.voters == "persons":
        if given:
            return given
        raise BadInputError(_("say how many persons may vote"), {"electors": said(_("is missing"))})
    counted = int(household_sum(city.rows, selection.place, city.day)["value"])
    if given and given != counted:
        raise BadInputError(
            _("each household has one vote; the register counts {count}"),
            {"electors": said(_("leave it out"))},
            count=counted,
        )
    if not counted:
        raise IllegalStateError(_("no households are counted here; count them first"), {"electors": said(_("unknown"))})
    return counted


def reached(count: int, whole: int, part: int, of: int, above: bool) -> bool:
    """Whether a count is `part` of `of` parts of a whole, or with `above` more than that; whole numbers only."""
    return count * of > part * whole if above else count * of >= part * whole


def _no_candidate(selection: Selection, by: Mandate) -> Any:
    return said(_("nobody counts the votes for themselves")) if by.actor in selection.ballot else None


@SELECTION.command("selection.count", when=("voting",), only=_no_candidate)
def record_ballot(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    votes: Annotated[Mapping[str, int], pairs(ID, number(0, _MOST)), "votes for each candidate who stands"],
    cast: Annotated[int, number(0, _MOST), "ballots cast, invalid ones too"],
    minutes: Annotated[str, text(1000), "who counted, and where the minutes are, for everyone to read"],
    held_on: Annotated[str, DAY, "day of the vote, not ahead; empty: today"] = "",
) -> list[Event]:
    """Record how many voted and for whom: sums only, nobody's own vote (A18)."""
    held_on = held_on or at[:10]
    wrong = {}
    if set(votes) != set(selection.ballot):
        wrong["votes"] = said(
            _("must name each who stands and nobody else: {known}"), known=", ".join(selection.ballot)
        )
    elif max(votes.values()) > cast or sum(votes.values()) > cast * selection.seats:
        wrong["votes"] = said(_("more than the ballots cast allow"))
    if cast > selection.electors:
        wrong["cast"] = said(_("at most {most}"), most=selection.electors)
    if held_on > at[:10]:
        wrong["held_on"] = said(_("must not be in the future"))
    if wrong:
        raise BadInputError(_("the count cannot be right"), wrong)
    return [
        BallotHeld(
            selection_id=selection.id,
            held_on=held_on,
            cast=cast,
            votes=dict(votes),
            minutes=minutes,
            person_id=by.actor,
        )
    ]


def outcome(selection: Selection, rules: SelectionKind) -> SelectionClosed:
    """What follows from the votes: the first with the majority, as many as there are seats; who ties for the last seat is not elected."""
    quorate = reached(selection.cast, selection.electors, rules.turnout_part, rules.turnout_whole, rules.turnout_above)
    able = [
        one
        for one, votes in selection.votes.items()
        if votes and reached(votes, selection.cast, rules.majority_part, rules.majority_whole, rules.majority_above)
    ]
    ranked = sorted(able, key=lambda one: (-selection.votes[one], one)) if quorate else []
    tied: list[str] = []
    if len(ranked) > selection.seats and (
        selection.votes[ranked[selection.seats - 1]] == (least := selection.votes[ranked[selection.seats]])
    ):
        tied = [one for one in ranked if selection.votes[one] == least]
    elected = [one for one in ranked[: selection.seats] if one not in tied]
    return SelectionClosed(selection_id=selection.id, elected=tuple(elected), tied=tuple(tied), quorate=quorate)


@SELECTION.command("selection.run", when=("counted",))
def close_selection(selection: Selection, *, by: Mandate, at: str, city: City) -> list[Event]:
    """Declare the result that follows from the votes: who is elected, or that too few voted or nobody had the majority (A18)."""
    return [outcome(selection, rules_of(selection, city))]


@SELECTION.command("selection.run", when=RUNNING)
def cancel_selection(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(1000), "why, for everyone to read"],
) -> list[Event]:
    """End a selection without a result; a new one can be opened."""
    return [SelectionCancelled(selection_id=selection.id, reason=reason)]


def _ex_officio(selection: Selection, ask: Mapping[str, Any]) -> str:
    post = ask["city"].rows.get("posts", ask["post_id"]) or {}
    return str(post.get("ex_officio_post_id", ""))


@SELECTION.command("registry.appoint", when=("closed",), alone=True)
def seat_candidate(
    selection: Selection,
    *,
    by: Mandate,
    at: str,
    city: City,
    organisation: Annotated[Organisation, holds(ORGANISATION, lambda selection, ask: selection.organisation_id)],
    person: Annotated[Person, holds(PERSON, "person_id")],
    post: Annotated[Post, holds(POST, "post_id")],
    ex_officio: Annotated[Post | None, holds(POST, _ex_officio)],
    person_id: Annotated[str, id_of("person"), "who was elected"],
    post_id: Annotated[str, id_of("post"), "a post of the body that nobody holds"],
    since: Annotated[str, DAY, "first day; empty: today"] = "",
) -> list[Event | On]:
    """Appoint who was elected to a post of the body for the term: recorded with the source that qualifies them (A10, D06)."""
    rules = rules_of(selection, city)
    if person_id not in selection.elected:
        raise ForbiddenError(
            _("{person} was not elected by this selection"), {"person_id": said(_("not elected"))}, person=person_id
        )
    if person_id in selection.seated:
        if selection.seated[person_id] == post_id:
            return []
        raise IllegalStateError(
            _("{person} has the post {post} by this selection"),
            {"person_id": said(_("seated already"))},
            person=person_id,
            post=selection.seated[person_id],
        )
    fits = post.status == "standing" and post.organisation_id == selection.organisation_id
    if not fits or rules.role not in ("", post.role):
        raise BadInputError(
            _("{post} is no post that this selection fills"), {"post_id": said(_("of another kind"))}, post=post_id
        )
    since = since or at[:10]
    if since < selection.held_on:
        raise IllegalStateError(
            _("the vote was on {day}; nobody is seated before"),
            {"since": said(_("must not be before {day}"), day=selection.held_on)},
            day=selection.held_on,
        )
    until = _years_later(since, rules.term_years) if rules.term_years else ""
    made = appointed(post, by, at, city, person, organisation, ex_officio, person_id, since, until)
    if not made:
        raise IllegalStateError(_("{person} holds this post already"), person=person_id)
    (term_,) = (one for one in made if isinstance(one, PersonAppointed))
    seated = CandidateSeated(
        selection_id=selection.id,
        person_id=person_id,
        post_id=post_id,
        source=selection.candidates[person_id].source,
        since=term_.since,
        until=term_.until,
    )
    return [seated, on(POST, post_id, *made)]


def _years_later(day: str, years: int) -> str:
    """The same day so many years later; for 29 February 1 March."""
    first = date.fromisoformat(day)
    try:
        return first.replace(year=first.year + years).isoformat()
    except ValueError:
        return date(first.year + years, 3, 1).isoformat()

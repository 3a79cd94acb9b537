"""Notices are answered: who reads one on the board says who they are and what they will do; the list is for staff (D10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from services.registry.regulation.state import REGULATION, Regulation, RegulationAnswered, rules_of
from shared.domain.answers import ACTIONS, PLACE_NAMES, page_of, row_of
from shared.domain.city import City, every
from shared.domain.command import On, on
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.event import Codec, Event, sealed
from shared.domain.fields import PLACE, id_of, line, text
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.privacy import PUBLIC, staff
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.signature import Opener, holds
from shared.domain.view import Row, View
from shared.domain.words import Said, _, said

#: Lets one read who answered a notice.
READ_RESPONSES = "regulation.responses"


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class NoticeAnswered(Event, frozen=True, kw_only=True):
    """Somebody answered a notice, or answered it anew: where they work and what they will do (D10).

    Each answer has a key of its own. Those of the first schema were sealed with that of the notice, and still open with it.
    """

    schema = 2

    response_id: Annotated[str, staff(READ_RESPONSES)]  # made of the person
    regulation_id: str
    place: str
    person_id: Annotated[str, staff(READ_RESPONSES)]
    unit: Annotated[str, sealed(lambda fact: f"response:{fact.response_id}")]
    offer: Annotated[str, sealed(lambda fact: f"response:{fact.response_id}")]
    answered_on: Annotated[str, PUBLIC]  # ISO date


class AnswerErased(Event, frozen=True, kw_only=True):
    """The key of an answer is to be destroyed; that somebody answered stays counted (X09)."""

    response_id: Annotated[str, staff(READ_RESPONSES)]  # made of the person


class Response(msgspec.Struct, frozen=True):
    """The answer of one person to one notice; `unit` and `offer` are sealed."""

    id: str
    status: str = "unknown"  # unknown, answered, erased
    regulation_id: str = ""
    place: str = ""
    person_id: str = ""
    unit: str = ""
    offer: str = ""
    answered_on: str = ""


def evolve(response: Response, event: NoticeAnswered | AnswerErased) -> Response:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case NoticeAnswered():
            told = (event.regulation_id, event.place, event.person_id, event.unit, event.offer, event.answered_on)
            return Response(response.id, "answered", *told)
        case AnswerErased():
            return replace(response, status="erased", unit="", offer="")


FACTS = Codec((NoticeAnswered, AnswerErased), {("NoticeAnswered", 1): lambda data: data})
RESPONSE = Decider("response", FACTS, Response, Response, evolve, lambda response: response.place)


def _response(regulation: Regulation, ask: Mapping[str, Any], by: Mandate) -> str:
    return derived_id("response", regulation.id, by.actor)


def _not_asked(regulation: Regulation, by: Mandate, city: City) -> Said | None:
    """Why nobody answers it, whoever asks."""
    if not rules_of(regulation, city).answered:
        return said(_("such a document is not answered by those who read it"))
    if not regulation.postings:
        return said(_("the notice was not posted yet; record first where it hangs"))
    return said(_("it is not in force yet")) if city.day < regulation.since else None


@REGULATION.command(
    "regulation.respond",
    when=("adopted",),
    otherwise=_("only a notice in force is answered; it is {status}"),
    unless=_not_asked,
)
def answer_notice(
    regulation: Regulation,
    *,
    by: Mandate,
    at: str,
    city: City,
    opened: Opener,
    held: Annotated[Response, holds(RESPONSE, _response)],
    unit: Annotated[str, line(200), "office or firm where you work; sealed, for staff of the place"],
    offer: Annotated[str, text(400), "what you will do here; sealed, for staff of the place"] = "",
) -> list[Event | On]:
    """Answer a notice that was posted: say who you are and what you will do; a newer answer takes the place of the one before (D10)."""
    if not by.actor:
        raise ForbiddenError(_("sign in to answer, so that each answers once"))
    if why := _not_asked(regulation, by, city):
        raise IllegalStateError(why)
    if held.status == "answered" and (opened(held.unit) or "", opened(held.offer) or "") == (unit, offer):
        return []
    answered = {"unit": unit, "offer": offer, "answered_on": at[:10]}
    told = {"response_id": held.id, "regulation_id": regulation.id, "place": regulation.place, "person_id": by.actor}
    count = regulation.responses + (held.status == "unknown")
    done = RegulationAnswered(regulation_id=regulation.id, place=regulation.place, responses=count)
    return [done, on(RESPONSE, held.id, NoticeAnswered(**told, **answered))]


def _its_own_key(response: Response) -> bool:
    return not response.unit.startswith(f"sealed:v1:regulation:{response.regulation_id}:")


def _of_the_notice(response: Response, by: Mandate, city: City) -> Said | None:
    """Why an answer cannot be erased alone."""
    return None if _its_own_key(response) else said(_SHARED)


_SHARED = _("this answer has no key of its own; all of a notice are forgotten once it is replaced or ended")


@RESPONSE.command(
    READ_RESPONSES,
    when=("answered",),
    again=("erased",),
    owner=lambda response, by: bool(by.actor) and by.actor == response.person_id,
    unless=_of_the_notice,
    erases=lambda response: f"response:{response.id}",
)
def erase_answer(response: Response, *, by: Mandate, at: str) -> list[Event]:
    """Make an answer to a notice unreadable for ever; who gave it asks for it, or staff who read it. It stays counted (X09)."""
    if not _its_own_key(response):
        raise IllegalStateError(_SHARED)
    return forget_answer(response, by=by, at=at)


def forget_answer(response: Response, *, by: Mandate, at: str) -> list[Event]:
    """Whoever answered was erased, or all answers to a notice are forgotten (X09)."""
    return [AnswerErased(response_id=response.id)] if response.status == "answered" else []


RESPONSES = View.of(RESPONSE, "responses", ("place", "regulation_id", "answered_on", "person_id"), folding=2)


@RESPONSE.query(answer=page_of(row_of(RESPONSE, place_names=PLACE_NAMES, actions=ACTIONS)), power=READ_RESPONSES)
def find_responses(
    read: Reader,
    *,
    regulation_id: Annotated[str, id_of("regulation"), "to this notice; empty: to all"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    order: Annotated[str, order_of("answered_on", "place"), "sorted by; - before it: descending"] = "-answered_on",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """The list of those who answered a notice, with where they work and what they will do, for staff of the place (D10)."""

    def shown(row: Row) -> Row:
        return row | {name: read.open(row[name]) or "" for name in ("unit", "offer")}

    where = {"place__under": place__under, "regulation_id": regulation_id}
    found = read.page("responses", where, limit, cursor, order, RESPONSE, shown)
    return found | {"rows": read.city.named(found["rows"])}


def answers_forgotten(city: City, **of: str) -> Iterable[Decision]:
    """What erases each answer to a notice, or each of a person."""
    for row in list(every(city.rows, RESPONSES.name, of)):
        yield Decision(RESPONSE, row["response_id"], forget_answer, {}, erases=f"response:{row['response_id']}")

"""A successor is named before the term of a holder is over, and holds the post from the first day without them (A11, B35).

Whether the successor may hold it is asked when they are named, and again on the day.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from services.registry.organisation.state import ORGANISATION, Organisation
from services.registry.person import PERSON, Person, names
from services.registry.post.holding import appointed, selected_by
from services.registry.post.state import POST, Post
from shared.domain.answers import ACTIONS, OTHERS, PLACE_NAMES, TEXT, row_of, shape
from shared.domain.city import City
from shared.domain.clock import Rule, rows_of
from shared.domain.command import On, on
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import PLACE, choice, id_of, text
from shared.domain.listing import Listing
from shared.domain.mandate import Mandate
from shared.domain.privacy import staff, told
from shared.domain.reader import Reader
from shared.domain.signature import holds
from shared.domain.view import Row, View
from shared.domain.words import _, said


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class SuccessorNamed(Event, frozen=True, kw_only=True):
    """Somebody is to hold a post from the first day on which its holder does not any more."""

    post_id: str
    person_id: Annotated[str, staff()]  # not public before they hold the post
    organisation_id: str
    place: str
    since: str  # ISO date


class SuccessorWithdrawn(Event, frozen=True, kw_only=True):
    """Who was named does not follow on the holder."""

    post_id: str
    person_id: Annotated[str, staff()]
    reason: Annotated[str, told()]


class SuccessorSeated(Event, frozen=True, kw_only=True):
    """The day came, and who was named holds the post."""

    post_id: str


class Succession(msgspec.Struct, frozen=True):
    """Who follows in a post; its id is that of the post."""

    id: str
    status: str = "unknown"  # unknown, named, withdrawn, seated
    post_id: str = ""
    person_id: str = ""
    organisation_id: str = ""
    place: str = ""
    since: str = ""
    reason: str = ""


def evolve(succession: Succession, event: Event) -> Succession:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case SuccessorNamed():
            return Succession(
                succession.id, "named", event.post_id, event.person_id, event.organisation_id, event.place, event.since
            )
        case SuccessorWithdrawn():
            return msgspec.structs.replace(succession, status="withdrawn", reason=event.reason)
        case SuccessorSeated():
            return msgspec.structs.replace(succession, status="seated")
    return succession


SUCCESSION = Decider(
    "succession",
    (SuccessorNamed, SuccessorWithdrawn, SuccessorSeated),
    Succession,
    Succession,
    evolve,
    lambda succession: succession.place,
)


@SUCCESSION.command("registry.appoint", new=lambda ask, by: ask["post_id"], compares=True, alone=True, place="post")
def name_successor(
    succession: Succession,
    *,
    by: Mandate,
    at: str,
    city: City,
    post: Annotated[Post, holds(POST, "post_id")],
    person: Annotated[Person, holds(PERSON, "person_id")],
    post_id: Annotated[str, id_of("post"), "post whose term has an end"],
    person_id: Annotated[str, id_of("person"), "who follows"],
) -> list[Event]:
    """Name who holds a post after its holder, from the first day without them; nobody names themselves (A11)."""
    if succession.status == "named" and post.until == succession.since:
        if succession.person_id == person_id:
            return []
        raise IllegalStateError(
            _("{person} is named already; withdraw that first"),
            {"person_id": said(_("somebody else is named"))},
            person=succession.person_id,
        )
    if not post.person_id or not post.until or post.until <= at[:10] or post.abolished:
        raise IllegalStateError(
            _(
                "the term in the post {post} has no end ahead; end the appointment, or appoint somebody to a vacant post"
            ),
            {"post_id": said(_("no end ahead"))},
            post=post.title,
        )
    if person_id == by.actor:
        raise ForbiddenError(
            _("nobody appoints themselves; somebody else with the mandate must do it"),
            {"person_id": said(_("must be somebody else"))},
        )
    if person.status != "registered":
        raise IllegalStateError(
            _("{person} is not registered, or was erased, and can hold no post"),
            {"person_id": said(_("unknown"))},
            person=person_id,
        )
    type = (city.organisation(post.organisation_id) or {"type": ""})["type"]
    if kind := selected_by(city, type, post.role):
        raise IllegalStateError(
            _("posts like {post} are filled by the selection {kind} only; elect somebody and seat them by it"),
            {"post_id": said(_("filled by a selection"))},
            post=post.title,
            kind=kind,
        )
    return [
        SuccessorNamed(
            post_id=post_id,
            person_id=person_id,
            organisation_id=post.organisation_id,
            place=post.place,
            since=post.until,
        )
    ]


@SUCCESSION.command("registry.appoint", when=("named",), again=("withdrawn",))
def withdraw_successor(
    succession: Succession,
    *,
    by: Mandate,
    at: str,
    reason: Annotated[str, text(400), "why"],
) -> list[Event]:
    """Withdraw who was named to follow, before the day."""
    if succession.status == "withdrawn":
        return []
    return [SuccessorWithdrawn(post_id=succession.id, person_id=succession.person_id, reason=reason)]


def succeed(
    post: Post,
    *,
    by: Mandate,
    at: str,
    city: City,
    succession: Annotated[Succession, holds(SUCCESSION, lambda post, ask: post.id)],
    person: Annotated[Person, holds(PERSON, lambda post, ask: ask["person_id"])],
    organisation: Annotated[Organisation, holds(ORGANISATION, lambda post, ask: post.organisation_id)],
    ex_officio: Annotated[Post | None, holds(POST, lambda post, ask: post.ex_officio_post_id)],
    person_id: str,
) -> list[Event | On]:
    """Appoint who was named, now that the holder's term is over; nothing when somebody else was appointed meanwhile."""
    if succession.status != "named" or succession.person_id != person_id or not post.until or post.until > at[:10]:
        return []
    made: list[Any] = appointed(post, by, at, city, person, organisation, ex_officio, person_id, post.until, "")
    return [*made, on(SUCCESSION, post.id, SuccessorSeated(post_id=post.id))]


STATUSES = ("named", "withdrawn", "seated")
_NAMES = ("organisation", "organisation_en", "post", "post_en")
SUCCESSIONS = View.of(SUCCESSION, "successions", ("place", ("status", "since")))
_ROW = row_of(
    SUCCESSION,
    "person_id",
    optional=dict.fromkeys((*_NAMES, "person_id"), TEXT),
    holder=TEXT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)


def _shown(read: Reader, rows: list[Row]) -> list[Row]:
    """Rows with the names of those who follow, masked for the public; who they are is for staff of the place."""
    called = names(read, (row["person_id"] for row in rows))
    shown = []
    for row in rows:
        hidden = () if read.staff(row["place"]) else ("person_id",)
        told = {name: value for name, value in row.items() if name not in hidden}
        shown.append(told | {"holder": called.get(row["person_id"], "")})
    return shown


_LISTED = Listing(SUCCESSION, SUCCESSIONS, _ROW, _shown)


@_LISTED.list("since", "place")
def find_successions(
    place__under: Annotated[str, PLACE, "for this place and below"] = "",
    status: Annotated[str, choice(*STATUSES, words="succession status"), "in this state"] = "",
) -> None:
    """Who follows in which post from which day on, names masked for the public (A11)."""


@SUCCESSION.query(answer=shape(dict.fromkeys((*_NAMES, "person_id"), TEXT), others=OTHERS, **_ROW["properties"]))
def get_succession(
    read: Reader, *, succession_id: Annotated[str, id_of("succession"), "the succession: the id of its post"]
) -> dict[str, Any]:
    """Who follows in a post, with the state of it (A11)."""
    return _shown(read, [read.thing("successions", succession_id, SUCCESSION)])[0]


#: The first day without the holder is the successor's first.
SUCCEEDS = Rule(
    "successor_seated",
    POST,
    rows=rows_of("successions", lambda day: {"status": "named", "since__lte": day}),
    decide=succeed,
    period=lambda row: f"{row['person_id']} {row['since']}",
    arguments=lambda row: {"person_id": row["person_id"]},
)

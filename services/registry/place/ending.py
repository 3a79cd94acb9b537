"""Places that move, merge, split or are no more: their codes end and name what comes after them (docs/decisions/0023)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from services.registry.link.state import LINK, Link, LinkDeclined, LinkEnded
from services.registry.person import PERSON, Person, PersonMoved
from services.registry.place.state import CHANGE, PLACE, Change, Place, PlaceEnded
from services.registry.standing import STANDING, Standing, StandingEnded
from shared.domain.city import City, every
from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.event import Event
from shared.domain.fields import DAY, text
from shared.domain.fields import PLACE as PATH
from shared.domain.mandate import Mandate
from shared.domain.policy import Decision
from shared.domain.record import Record
from shared.domain.structures import many
from shared.domain.territory import within
from shared.domain.view import Rows
from shared.domain.words import Said, _, said, term

#: How many successors a change has at least and at most.
_SUCCESSORS: Mapping[str, tuple[int, int]] = {"moved": (1, 1), "merged": (1, 1), "split": (2, 100), "abolished": (0, 0)}
_NOT_EMPTY = _("at {place} there still are: {left}; end them first, and begin them anew where they go on")
#: What is open about a place: the rows of a view, the field that names the place, the statuses.
_OPEN = (
    ("programmes", "place", ["running"]),
    ("participations", "subject", ["joined", "accepted", "fallen"]),
    ("surveys", "subject", ["open"]),
    ("owners_votes", "place", ["open"]),
)
#: How much of what still stands at a place is named.
_NAMED = 10


def _holds_something(place: Place, by: Mandate, city: City) -> Said | None:
    """Why a place cannot end yet, whatever is said."""
    if left := _standing(city, place.id):
        return said(_NOT_EMPTY, place=place.id, left="、".join(left))
    return None


@PLACE.command(
    "registry.place", id_kind=PATH, alone=True, when=("registered",), again=("ended",), unless=_holds_something
)
def end_place(
    place: Place,
    *,
    by: Mandate,
    at: str,
    city: City,
    change: Annotated[Change, CHANGE, "what becomes of it"],
    reason: Annotated[str, text(400), "the decision that it rests on, for everyone to read"],
    successors: Annotated[
        list[str], many(PATH, 0, 100, distinct=True), "places that it is from then on, registered before"
    ] = [],  # noqa: B006  # a declared default, never changed
    heir: Annotated[str, PATH, "which of them gets what is open here; empty: the only one, or the place above"] = "",
    since: Annotated[str, DAY, "first day without it, not ahead; empty: today"] = "",
) -> list[Event]:
    """End a place that moved, was merged, split or is no more; its code is kept for what happened there and names the successors."""
    since = since or place.until or at[:10]
    heir = heir or (successors[0] if len(successors) == 1 else place.parent if change == "abolished" else "")
    if place.status == "ended":
        if (place.change, place.successors, place.heir, place.until) == (change, successors, heir, since):
            return []
        raise IllegalStateError(
            _("{place} ended on {day} already; an ended code stays as it is"),
            {"place": said(_("ended"))},
            place=place.id,
            day=place.until,
        )
    if since > at[:10]:
        raise IllegalStateError(
            _("{day} has not come yet; a place ends from today on at the latest"),
            {"since": said(_("must not be in the future"))},
            day=since,
        )
    least, most = _SUCCESSORS[change]
    if not least <= len(successors) <= most:
        raise BadInputError(
            _("a place that is {change} has {least} to {most} successors"),
            {"successors": said(_("name {least} to {most}"), least=least, most=most)},
            change=term("place_change", change),
            least=least,
            most=most,
        )
    for one in successors:
        city.known_place(one, "successors")
        if within(one, place.id):
            raise BadInputError(
                _("{successor} belongs to {place} and ends with it; name a place outside"),
                {"successors": said(_("must not be the place itself or below it"))},
                successor=one,
                place=place.id,
            )
    if heir not in (successors or [place.parent]) or not heir:
        raise BadInputError(
            _("what is open at {place} goes to one place: name which of the successors"),
            {"heir": said(_("must be one of the successors"))},
            place=place.id,
        )
    city.known_place(heir, "heir")
    if left := _standing(city, place.id):
        raise IllegalStateError(
            _NOT_EMPTY,
            {"place": said(_("not empty"))},
            place=place.id,
            left="、".join(left),
        )
    return [PlaceEnded(place=place.id, change=change, successors=successors, heir=heir, since=since, reason=reason)]


def _standing(city: City, place: str) -> list[str]:
    """What stands at a place, the first of it by name and id."""
    names = (city.found if isinstance(city, Looked) else _found(city.rows, [place])).get(place, [])
    return names[:_NAMED] + ["…"] * (len(names) > _NAMED)


class Looked(City):
    """The city on a day, with what stands at some places read at once."""

    def __init__(self, city: City, places: list[str]) -> None:
        super().__init__(city.rows, city.day)
        self.found = _found(city.rows, places)


def _found(rows: Rows, places: list[str]) -> dict[str, list[str]]:
    """By place what stands at it: places directly below it, bodies, posts, and what is open about it, by name and id."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in every(rows, "city_places", {"parent": places}):
        if not row.get("ended"):
            found[row["parent"]].append(f"{row['name']} ({row['place']})")
    for row in every(rows, "city_organisations", {"place": places}):
        if not row["until"]:
            found[row["place"]].append(f"{row['name']} ({row['organisation_id']})")
    for row in every(rows, "city_posts", {"place": places}):
        if not row["abolished"]:
            found[row["place"]].append(f"{row['title']} ({row['post_id']})")
    for view, field, statuses in _OPEN:
        for row in every(rows, view, {field: places, "status": statuses}):
            found[row[field]].append(f"{row.get('title') or row.get('question') or row['kind']} ({row['key']})")
    return found


def move_person(person: Person, *, by: Mandate, at: str, city: City, place: str) -> list[Event]:
    """A person belongs to the place that came after theirs."""
    return [PersonMoved(person_id=person.id, place=place)] if person.status == "registered" else []


def end_with_place(standing: Standing, *, by: Mandate, at: str, city: City, until: str, reason: str) -> list[Event]:
    """What a place was by a scheme ends with it."""
    if standing.status != "standing":
        return []
    ended = {"scheme": standing.scheme, "subject": standing.subject, "former": standing.code}
    return [StandingEnded(standing_id=standing.id, until=max(until, standing.since), reason=reason, **ended)]


def end_link_with_place(link: Link, *, by: Mandate, at: str, until: str, reason: str) -> list[Event]:
    """What was linked to a place belongs to it no longer; what was only proposed is not agreed to."""
    if link.status == "proposed":
        return [LinkDeclined(link_id=link.id, reason=reason)]
    if link.status != "linked":
        return []
    return [LinkEnded(link_id=link.id, until=max(until, link.since, link.last_delivery), reason=reason)]


def on_place_ended(fact: PlaceEnded, record: Record, city: City) -> Iterable[Decision]:
    """Persons of an ended place belong to its heir; what it was by the city's schemes ends, and so do its links."""
    for row in list(every(city.rows, "persons", {"place": fact.place})):
        yield Decision(PERSON, row["person_id"], move_person, {"place": fact.heir})
    ended: dict[str, Any] = {"until": fact.since, "reason": fact.reason}
    for row in list(every(city.rows, "standings", {"subject": fact.place, "status": "standing"})):
        yield Decision(STANDING, row["standing_id"], end_with_place, ended)
    for end in ("near", "far"):
        for row in list(every(city.rows, "links", {end: fact.place, "status": ["linked", "proposed"]})):
            yield Decision(LINK, row["link_id"], end_link_with_place, ended)

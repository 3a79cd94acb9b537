"""Volunteers: registered once, they serve places in roles (C32, D19, E28)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from shared.domain.answers import ACTIONS, COUNT, OTHERS, PLACE_NAMES, TEXT, many, page_of, row_of, shape
from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError
from shared.domain.event import Event, sealed
from shared.domain.fields import DAY, PLACE, code_of, id_of, line
from shared.domain.mandate import Mandate
from shared.domain.names import mask
from shared.domain.policy import Decision
from shared.domain.privacy import staff
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import STAFF, Reader, missing
from shared.domain.record import Record
from shared.domain.territory import EVERYWHERE
from shared.domain.view import OWN, Row, View, tally
from shared.domain.words import Said, _, said, term


# Facts. Class and field names are the storage format: rename nothing, upcast instead.
class VolunteerRegistered(Event, frozen=True, kw_only=True):
    """A person joined the volunteers of the place they live in (E28)."""

    person_id: Annotated[str, staff()]
    name: Annotated[str, sealed(lambda fact: fact.person_id)]
    home: str  # territory path


class VolunteerRelocated(Event, frozen=True, kw_only=True):
    """The place where a volunteer lives has ended; they belong to the place that came after it."""

    person_id: Annotated[str, staff()]
    place: str


class RoleTaken(Event, frozen=True, kw_only=True):
    """A volunteer serves a place in a role: informer, patroller, mediator, publicist … (C32, D19)."""

    person_id: Annotated[str, staff()]
    role: str
    place: str
    since: str  # ISO date


class RoleLeft(Event, frozen=True, kw_only=True):
    """A volunteer no longer serves a place in a role; `until` is the first day after."""

    person_id: Annotated[str, staff()]
    role: str
    place: str
    until: str


class VolunteerErased(Event, frozen=True, kw_only=True):
    """The key of a volunteer's name was destroyed; what they did stays counted, without a name (X09)."""

    person_id: Annotated[str, staff()]


class Volunteer(msgspec.Struct, frozen=True):
    """`place` is where they live; `roles` maps a role and its place (`informer@350104.013`) to the day since when."""

    id: str
    status: str = "unknown"  # unknown, registered, erased
    place: str = ""
    name: str = ""  # sealed
    roles: dict[str, str] = {}

    def holds(self, role: str) -> bool:
        """Whether they serve any place in a role."""
        return any(held.partition("@")[0] == role for held in self.roles)


def evolve(
    volunteer: Volunteer, event: VolunteerRegistered | VolunteerRelocated | RoleTaken | RoleLeft | VolunteerErased
) -> Volunteer:
    """Apply a recorded fact. Never refuses: it has already happened."""
    match event:
        case VolunteerRegistered():
            return replace(volunteer, status="registered", place=event.home, name=event.name)
        case VolunteerRelocated():
            return replace(volunteer, place=event.place)
        case RoleTaken():
            return replace(volunteer, roles=volunteer.roles | {f"{event.role}@{event.place}": event.since})
        case RoleLeft():
            left = f"{event.role}@{event.place}"
            return replace(volunteer, roles={held: since for held, since in volunteer.roles.items() if held != left})
        case VolunteerErased():
            return replace(volunteer, status="erased", name="")


VOLUNTEER = Decider(
    "volunteer",
    (VolunteerRegistered, VolunteerRelocated, RoleTaken, RoleLeft, VolunteerErased),
    Volunteer,
    Volunteer,
    evolve,
    lambda volunteer: volunteer.place,
    named="person_id",
)


def registered(person_id: str, city: City) -> bool:
    """Whether rows know a person as a registered volunteer."""
    row = city.rows.get("volunteers", person_id) if person_id else None
    return row is not None and row["status"] == "registered"


def own_or_mandated(by: Mandate, person_id: str, power: str, place: str) -> None:
    """Raise `ForbiddenError` when somebody acts for somebody else whose post gives no power for that at the place.

    What residents may do for themselves, post holders may too; for others their role itself must give the power.
    """
    if by.role == "service" or (by.actor and by.actor == person_id):
        return
    if not by.post_id:
        raise ForbiddenError(
            _("you can do this only for yourself; for others it takes a post"),
            {"person_id": said(_("not yourself"))},
        )
    acting = by.for_others()
    if not acting.may(power, place) and not acting.unchosen:
        raise ForbiddenError(
            _("you can do this only for yourself; for others your role must give the power {power} at {place}"),
            {"power": power, "place": place, "person_id": said(_("not yourself"))},
            power=term("power", power),
            place=place,
        )
    acting.require(power, place)


@VOLUNTEER.command(
    "volunteer.register",
    new=lambda ask, by: ask["person_id"] or by.actor,
    where=lambda volunteer, ask, by: ask["home"],
)
def register_volunteer(
    volunteer: Volunteer,
    *,
    by: Mandate,
    at: str,
    city: City,
    name: Annotated[str, line(100), "name; kept sealed"],
    home: Annotated[str, PLACE, "place the person lives in"],
    person_id: Annotated[str, id_of("person"), "who; empty: yourself"] = "",
) -> list[Event]:
    """Enter a person in the register of volunteers; residents enter themselves, others only whose role gives the power (E28)."""
    own_or_mandated(by, volunteer.id, "volunteer.register", home)
    if volunteer.status == "erased":
        raise IllegalStateError(
            _("{person} was erased; who comes back gets a new id"),
            {"person_id": said(_("erased"))},
            person=volunteer.id,
        )
    if volunteer.status == "registered":
        if volunteer.place == home:
            return []
        raise IllegalStateError(_("already registered as a volunteer of {place}"), place=volunteer.place)
    city.known_place(home, "home")
    return [VolunteerRegistered(person_id=volunteer.id, name=name, home=home)]


@VOLUNTEER.command(
    "volunteer.role", when=("registered",), where=lambda volunteer, ask, by: ask["place"], id_kind=id_of("person")
)
def take_role(
    volunteer: Volunteer,
    *,
    by: Mandate,
    at: str,
    city: City,
    role: Annotated[str, code_of("volunteer_roles"), "role that is served"],
    place: Annotated[str, PLACE, "place that is served"],
    since: Annotated[str, DAY, "first day; empty: today"] = "",
) -> list[Event]:
    """Serve a place in a role, such as informer, patroller, mediator or publicist (C32, D19)."""
    if f"{role}@{place}" in volunteer.roles:
        return []
    city.known_place(place)
    city.code("volunteer_roles", role, "role")
    return [RoleTaken(person_id=volunteer.id, role=role, place=place, since=since or at[:10])]


def _serves_nowhere(volunteer: Volunteer, by: Mandate, city: City) -> Said | None:
    return None if volunteer.roles else said(_("serves in no role"))


@VOLUNTEER.command(
    "volunteer.role",
    where=lambda volunteer, ask, by: ask["place"],
    owner=lambda volunteer, by: by.actor == volunteer.id,
    id_kind=id_of("person"),
    unless=_serves_nowhere,
)
def leave_role(
    volunteer: Volunteer,
    *,
    by: Mandate,
    at: str,
    role: Annotated[str, code_of("volunteer_roles"), "role that is served"],
    place: Annotated[str, PLACE, "place that was served"],
    until: Annotated[str, DAY, "first day after; empty: today"] = "",
) -> list[Event]:
    """Stop serving a place in a role; volunteers leave their own roles themselves."""
    since = volunteer.roles.get(f"{role}@{place}")
    if since is None:
        raise IllegalStateError(
            _("{person} does not serve {place} as {role}"),
            {"role": said(_("is not served there"))},
            person=volunteer.id,
            place=place,
            role=term("volunteer_roles", role),
        )
    if (until or at[:10]) < since:
        raise IllegalStateError(
            _("the role was taken on {since}; it cannot end before that"),
            {"until": said(_("before the first day"))},
            since=since,
        )
    return [RoleLeft(person_id=volunteer.id, role=role, place=place, until=until or at[:10])]


def _is_a_person(volunteer: Volunteer, by: Mandate, city: City) -> Said | None:
    return said(_PERSON) if city.person(volunteer.id) is not None else None


_PERSON = _("this volunteer is a registered person; erase the person")


@VOLUNTEER.command(
    "volunteer.erase",
    when=("registered",),
    again=("erased",),
    owner=lambda volunteer, by: by.actor == volunteer.id,
    unless=_is_a_person,
    erases=lambda volunteer: str(volunteer.id),
    id_kind=id_of("person"),
)
def erase_volunteer(volunteer: Volunteer, *, by: Mandate, at: str, city: City) -> list[Event]:
    """Erase a volunteer's name for good by destroying their key, at their own wish or by staff; what they did stays counted (X09)."""
    if city.person(volunteer.id) is not None:
        raise IllegalStateError(_PERSON)
    return forget_volunteer(volunteer, by=by, at=at)


def forget_volunteer(volunteer: Volunteer, *, by: Mandate, at: str) -> list[Event]:
    """Whoever is erased leaves all roles and has no name any more (X09)."""
    if volunteer.status != "registered":
        return []
    held = [role.partition("@") for role in sorted(volunteer.roles)]
    left = [RoleLeft(person_id=volunteer.id, role=role, place=place, until=at[:10]) for role, _at, place in held]
    return [*left, VolunteerErased(person_id=volunteer.id)]


def volunteer_forgotten(fact: Mapping[str, Any], record: Record) -> Iterable[Decision]:
    """A volunteer is sealed with the key of the person, which may have been made anew since (X09)."""
    yield Decision(VOLUNTEER, fact["person_id"], forget_volunteer, {}, erases=fact["person_id"])


def relocate_volunteer(volunteer: Volunteer, *, by: Mandate, at: str, place: str, former: str) -> list[Event]:
    """A volunteer lives at the place that came after theirs, and serves it in the roles in which they served that one."""
    if volunteer.status != "registered":
        return []
    lives = [VolunteerRelocated(person_id=volunteer.id, place=place)] if volunteer.place == former else []
    served = [role for role, _at, where in (held.partition("@") for held in sorted(volunteer.roles)) if where == former]
    left = [RoleLeft(person_id=volunteer.id, role=role, place=former, until=at[:10]) for role in served]
    taken = [
        RoleTaken(person_id=volunteer.id, role=role, place=place, since=at[:10])
        for role in served
        if f"{role}@{place}" not in volunteer.roles
    ]
    return [*lives, *left, *taken]


def on_place_ended(fact: Mapping[str, Any], record: Record, city: City) -> Iterable[Decision]:
    """Who lives at a place that has ended, or serves it, goes to its heir."""
    living = (row["person_id"] for row in every(city.rows, "volunteers", {"place": fact["place"]}))
    serving = (row["person_id"] for row in every(city.rows, "roles", {"place": fact["place"]}))
    for person_id in sorted({*living, *serving}):
        asked = {"place": fact["heir"], "former": fact["place"]}
        yield Decision(VOLUNTEER, person_id, relocate_volunteer, asked)


def _since(row: Row, volunteer: Volunteer, event: Event, record: Record) -> Row:
    return {"since": row.get("since") or record.occurred[:10], "erased": int(volunteer.status == "erased")}


def _role_key(event: Any, record: Record) -> str | None:
    return f"{event.person_id}:{event.role}@{event.place}" if isinstance(event, RoleTaken | RoleLeft) else None


def _role(row: Row, event: RoleTaken | RoleLeft, record: Record, key: str) -> Row | None:
    """One row for each role that a volunteer holds at a place: it counts there, not where the volunteer lives."""
    return msgspec.structs.asdict(event) if isinstance(event, RoleTaken) else None


VOLUNTEERS = View.of(VOLUNTEER, "volunteers", ("place", "person_id", "since", "erased"), _since)
VOLUNTEER_SUMS = tally(
    "volunteer_sums",
    VOLUNTEERS,
    lambda row: {"volunteers": 1 - row["erased"], "late": row["late"]},
    day="since",
    folding=2,
)
ROLES = View("roles", OWN, _role_key, _role, ("person_id", "place", ("role", "place"), "since"))
ROLE_SUMS = tally("role_sums", ROLES, lambda row: {"roles": {row["role"]: 1}}, day="since")


def with_names(read: Reader, rows: Iterable[Row]) -> list[Row]:
    """Rows that mention a `person_id` and a `place`, with the volunteer's name as far as the reader may see it; "" once erased."""
    rows = list(rows)
    known = read.rows.get_many("volunteers", sorted({row["person_id"] for row in rows if row["person_id"]}))
    named = []
    for row in rows:
        name = read.open(known.get(row["person_id"], {}).get("name", "")) or ""
        own = bool(read.by.actor) and read.by.actor == row["person_id"]
        named.append(row | {"name": name if own or read.may("volunteer.read_names", row["place"]) else mask(name)})
    return read.city.named(named)


def _with_deeds(read: Reader, rows: Iterable[Row]) -> list[Row]:
    """Rows of volunteers with their roles, their teams and what they did."""
    rows = with_names(read, rows)
    ids = [row["person_id"] for row in rows]
    took_part = read.rows.get_many("participants", [f"{EVERYWHERE}:{id}" for id in ids])
    walked = read.rows.get_many("walks", [f"person:{id}" for id in ids])
    teams: dict[str, list[str]] = {id: [] for id in ids}
    for member in every(read.rows, "memberships", {"person_id": ids}) if ids else ():
        teams[member["person_id"]].append(member["team_id"])
    done = []
    for row in rows:
        deeds, walks = (
            took_part.get(f"{EVERYWHERE}:{row['person_id']}", {}),
            walked.get(f"person:{row['person_id']}", {}),
        )
        shown = {name: value for name, value in row.items() if name not in ("status", "erased")}
        shown |= {"roles": sorted(row["roles"]), "teams": teams[row["person_id"]]}
        shown |= {"times": deeds.get("times", 0), "minutes": deeds.get("minutes", 0)}
        done.append(shown | {"patrols": walks.get("patrols", 0), "patrol_minutes": walks.get("minutes", 0)})
    return done


_SHOWN = row_of(
    VOLUNTEER,
    *("status", "roles"),
    since=TEXT,
    roles=many(TEXT),
    teams=many(TEXT),
    times=COUNT,
    minutes=COUNT,
    patrols=COUNT,
    patrol_minutes=COUNT,
    place_names=PLACE_NAMES,
    actions=ACTIONS,
)
#: A row that names a volunteer.
NAMED = {"key": TEXT, "person_id": TEXT, "name": TEXT, "place": TEXT, "place_names": PLACE_NAMES}


@VOLUNTEER.query(answer=page_of(_SHOWN), power=STAFF, own="person_id")
def find_volunteers(
    read: Reader,
    *,
    person_id: Annotated[str, id_of("person"), "one person"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    order: Annotated[str, order_of("place", "person_id", "since"), "sorted by; - before it: descending"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """Volunteers with what they do and did, for staff; names are masked for those who may not read them (E28)."""
    where = {"person_id": person_id, "place__under": place__under, "erased": 0}
    page = read.page("volunteers", where, limit, cursor, order, VOLUNTEER)
    return page | {"rows": _with_deeds(read, page["rows"])}


@VOLUNTEER.query(answer=_SHOWN | {"properties": _SHOWN["properties"] | {"others": OTHERS}})
def get_volunteer(
    read: Reader, *, person_id: Annotated[str, id_of("person"), "the volunteer; empty: yourself"] = ""
) -> Row:
    """One volunteer with roles, teams and what they did, for themselves and for staff of the place where they live."""
    row = read.rows.get("volunteers", person_id or read.by.actor)
    if row is None or not (read.by.actor == row["person_id"] or read.staff(row["place"])):
        raise missing("volunteer", person_id or read.by.actor, "person_id")
    (shown,) = _with_deeds(read, [row])
    return shown | {"actions": read.actions(VOLUNTEER, row), "others": read.others(VOLUNTEER, row)}


@VOLUNTEER.query(answer=page_of(shape(**NAMED, role=TEXT, since=TEXT)), power=STAFF, own="person_id")
def find_roles(
    read: Reader,
    *,
    person_id: Annotated[str, id_of("person"), "only of this volunteer"] = "",
    role: Annotated[str, code_of("volunteer_roles"), "only this role"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    order: Annotated[str, order_of("place", "person_id", "role"), "sorted by; - before it: descending"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Row:
    """Who serves which place in which role (C32, D19)."""
    where = {"person_id": person_id, "role": role, "place__under": place__under}
    page = read.page("roles", where, limit, cursor, order)
    return page | {"rows": with_names(read, page["rows"])}

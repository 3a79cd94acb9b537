"""Volunteers and their roles."""

from __future__ import annotations

from services.volunteers.volunteer import (
    VOLUNTEER,
    RoleLeft,
    RoleTaken,
    VolunteerRegistered,
    leave_role,
    register_volunteer,
    take_role,
)
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.volunteers.people import BEYOND, person
from tests.kit import ANYONE, given
from tests.kit.city import BUILDING, COMPOUND, OTHER_COMPOUND, entry
from tests.kit.rows import city

REGISTERED = VolunteerRegistered(person_id="p-1", name="name", home=COMPOUND)
INFORMER = RoleTaken(person_id="p-1", role="informer", place=BUILDING, since="2025-03-04")
CHEN, LIN = person("p-1"), person("p-2")
ELSEWHERE = Mandate(actor="p-9", role="secretary", post_id="x", place="350104.014", powers=frozenset({"volunteer.*"}))
REGISTER = {"name": "name", "home": COMPOUND, "city": city()}
SERVE = {"role": "informer", "place": BUILDING, "city": city()}
LEAVE = {"role": "informer", "place": BUILDING}


def test_a_resident_registers_at_home_once() -> None:
    given(VOLUNTEER, "p-1").when(register_volunteer, by=CHEN, **REGISTER).then(REGISTERED)
    given(VOLUNTEER, "p-1", REGISTERED).when(register_volunteer, by=CHEN, **REGISTER | {"name": "n"}).then_nothing()
    spec = given(VOLUNTEER, "p-1", REGISTERED).when(register_volunteer, by=CHEN, **REGISTER | {"home": OTHER_COMPOUND})
    spec.then_raises(IllegalStateError, f"already registered as a volunteer of {COMPOUND}")


def test_volunteers_live_at_known_places() -> None:
    spec = given(VOLUNTEER, "p-1").when(register_volunteer, by=CHEN, **REGISTER | {"home": f"{COMPOUND}.99"})
    spec.then_raises(NotFoundError, "no place")
    spec = given(VOLUNTEER, "p-1", REGISTERED).when(take_role, **SERVE | {"place": f"{COMPOUND}.99"})
    spec.then_raises(NotFoundError, "no place")


def test_residents_register_nobody_else_and_staff_in_their_own_territory_only() -> None:
    given(VOLUNTEER, "p-1").when(register_volunteer, by=LIN, **REGISTER).then_raises(ForbiddenError, "takes a post")
    given(VOLUNTEER, "p-1").when(register_volunteer, by=ELSEWHERE, **REGISTER).then_raises(ForbiddenError, COMPOUND)
    nobody = Mandate(actor="", role="x", powers=frozenset({"*"}))
    given(VOLUNTEER, "").when(register_volunteer, by=nobody, **REGISTER).then_raises(
        ForbiddenError, "only for yourself"
    )


def test_a_volunteer_takes_a_role_at_a_building() -> None:
    given(VOLUNTEER, "p-1", REGISTERED).when(take_role, **SERVE).then(INFORMER)
    given(VOLUNTEER, "p-1", REGISTERED, INFORMER).when(take_role, **SERVE).then_nothing()


def test_the_same_role_at_another_place_is_another_role() -> None:
    other = RoleTaken(person_id="p-1", role="informer", place=COMPOUND, since="2025-01-01")
    spec = given(VOLUNTEER, "p-1", REGISTERED, INFORMER)
    spec.when(take_role, **SERVE | {"place": COMPOUND, "since": "2025-01-01"}).then(other)


def test_a_role_is_given_by_who_may_at_the_place_it_serves() -> None:
    far = SERVE | {"place": BEYOND, "city": city("2025-03-04", ("PlaceRegistered", {"place": BEYOND}))}
    taken = RoleTaken(person_id="p-1", role="informer", place=BEYOND, since="2025-03-04")
    given(VOLUNTEER, "p-1", REGISTERED).when(take_role, by=ELSEWHERE, **far).then(taken)
    given(VOLUNTEER, "p-1", REGISTERED).when(take_role, by=ELSEWHERE, **SERVE).then_raises(ForbiddenError, BUILDING)


def test_roles_are_those_of_the_city() -> None:
    spec = given(VOLUNTEER, "p-1", REGISTERED).when(take_role, **SERVE | {"role": "sheriff"})
    spec.then_raises(BadInputError, "sheriff is not on the city's list volunteer_roles; known: .*mediator")
    own = SERVE | {"role": "sheriff", "city": city("2025-03-04", entry("volunteer_roles", "sheriff"))}
    taken = RoleTaken(person_id="p-1", role="sheriff", place=BUILDING, since="2025-03-04")
    given(VOLUNTEER, "p-1", REGISTERED).when(take_role, **own).then(taken)


def test_roles_are_for_registered_volunteers_and_residents_give_none() -> None:
    given(VOLUNTEER, "p-1").when(take_role, **SERVE).then_raises(NotFoundError, "no volunteer p-1")
    given(VOLUNTEER, "p-1", REGISTERED).when(take_role, by=CHEN, **SERVE).then_raises(ForbiddenError, "volunteer.role")


def test_volunteers_leave_their_own_roles() -> None:
    left = RoleLeft(person_id="p-1", role="informer", place=BUILDING, until="2025-03-04")
    spec = given(VOLUNTEER, "p-1", REGISTERED, INFORMER)
    spec.when(leave_role, by=CHEN, **LEAVE).then(left)
    spec.when(leave_role, by=LIN, **LEAVE).then_raises(ForbiddenError, "volunteer.role")
    spec.when(leave_role, until="2025-03-03", **LEAVE).then_raises(IllegalStateError, "2025-03-04")
    given(VOLUNTEER, "p-1", REGISTERED).when(leave_role, by=ANYONE, **LEAVE).then_raises(
        IllegalStateError, "does not serve"
    )

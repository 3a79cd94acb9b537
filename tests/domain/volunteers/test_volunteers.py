"""Volunteers and their roles (C32, D19, E28)."""

from services.volunteers.domain import volunteer as v
from services.volunteers.domain.volunteer import VOLUNTEER
from services.volunteers.events import RoleLeft, RoleTaken, VolunteerRegistered
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from shared.following.authority import RESIDENT
from tests.kit import ANYONE, given

HOME, BUILDING = "350104.013.002.007", "350104.013.002.007.3"
registered = VolunteerRegistered(person_id="p-1", name="sealed", home=HOME)
informer = RoleTaken(person_id="p-1", role="informer", place=BUILDING, since="2025-03-04")
chen = Mandate(actor="p-1", role="resident", powers=RESIDENT)
lin = Mandate(actor="p-2", role="resident", powers=RESIDENT)
elsewhere = Mandate(actor="p-9", role="secretary", post_id="x", place="350104.014", powers=frozenset({"volunteer.*"}))


def test_a_resident_registers_at_home():
    given(VOLUNTEER, "p-1").when(v.register, by=chen, name="sealed", home=HOME).then(registered)


def test_registering_again_changes_nothing():
    given(VOLUNTEER, "p-1", registered).when(v.register, by=chen, name="other seal", home=HOME).then_nothing()


def test_nobody_is_registered_at_two_homes():
    spec = given(VOLUNTEER, "p-1", registered).when(v.register, by=chen, name="sealed", home="350104.014")
    spec.then_raises(IllegalStateError, match="already registered as a volunteer of 350104.013.002.007")


def test_residents_register_nobody_else():
    given(VOLUNTEER, "p-1").when(v.register, by=lin, name="s", home=HOME).then_raises(ForbiddenError, "takes a post")


def test_staff_register_in_their_own_territory_only():
    given(VOLUNTEER, "p-1").when(v.register, by=elsewhere, name="s", home=HOME).then_raises(ForbiddenError, HOME)


def test_a_volunteer_takes_a_role_at_a_building():
    given(VOLUNTEER, "p-1", registered).when(v.take_role, role="informer", place=BUILDING).then(informer)


def test_taking_a_role_again_changes_nothing():
    given(VOLUNTEER, "p-1", registered, informer).when(v.take_role, role="informer", place=BUILDING).then_nothing()


def test_the_same_role_at_another_building_is_another_role():
    other = RoleTaken(person_id="p-1", role="informer", place=HOME, since="2025-01-01")
    spec = given(VOLUNTEER, "p-1", registered, informer)
    spec.when(v.take_role, role="informer", place=HOME, since="2025-01-01").then(other)


def test_roles_are_those_of_the_city():
    spec = given(VOLUNTEER, "p-1", registered).when(v.take_role, role="sheriff", place=HOME)
    spec.then_raises(IllegalStateError, match="sheriff is no role of this city; known are .*mediator")
    own = RoleTaken(person_id="p-1", role="sheriff", place=HOME, since="2025-03-04")
    given(VOLUNTEER, "p-1", registered).when(v.take_role, role="sheriff", place=HOME, roles={"sheriff"}).then(own)


def test_roles_are_for_registered_volunteers():
    given(VOLUNTEER, "p-1").when(v.take_role, role="informer", place=HOME).then_raises(NotFoundError, "register first")


def test_residents_give_no_roles():
    spec = given(VOLUNTEER, "p-1", registered).when(v.take_role, by=chen, role="informer", place=HOME)
    spec.then_raises(ForbiddenError, match="volunteer.role")


def test_volunteers_leave_their_own_roles():
    left = RoleLeft(person_id="p-1", role="informer", place=BUILDING, until="2025-03-04")
    given(VOLUNTEER, "p-1", registered, informer).when(v.leave_role, by=chen, role="informer", place=BUILDING).then(
        left
    )
    spec = given(VOLUNTEER, "p-1", registered, informer).when(v.leave_role, by=lin, role="informer", place=BUILDING)
    spec.then_raises(ForbiddenError, match="volunteer.role")


def test_a_role_that_is_not_held_cannot_be_left():
    spec = given(VOLUNTEER, "p-1", registered).when(v.leave_role, by=ANYONE, role="informer", place=BUILDING)
    spec.then_raises(IllegalStateError, match="does not serve")


def test_a_role_does_not_end_before_it_began():
    spec = given(VOLUNTEER, "p-1", registered, informer)
    spec.when(v.leave_role, role="informer", place=BUILDING, until="2025-03-03").then_raises(
        IllegalStateError, "2025-03-04"
    )

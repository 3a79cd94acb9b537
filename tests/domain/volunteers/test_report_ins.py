"""Double report-in, confirmed by both ends."""

from __future__ import annotations

from typing import Any

from services.volunteers.report_in import (
    REPORT_IN,
    MemberSurveyed,
    ReportedIn,
    ReportInConfirmed,
    confirm_report_in,
    report_in,
    survey_member,
)
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.volunteers.people import BEYOND, RESIDENT, person
from tests.kit import given
from tests.kit.city import COMMUNITY, COMPOUND, OTHER_COMPOUND
from tests.kit.rows import city
from tests.kit.spec import Spec

ID = "member-p-1"
SURVEYED = MemberSurveyed(
    report_id=ID, person_id="p-1", unit="bureau", level="district", place=COMPOUND, surveyed="2025-03-04"
)
REPORTED = ReportedIn(report_id=ID, kind="member", person_id="p-1", unit="bureau", place=COMPOUND, since="2025-03-04")
MEMBER = person("p-1")
BRANCH = Mandate(
    actor="p-5",
    role="secretary",
    post_id="s",
    organisation_id="branch",
    place=COMPOUND,
    powers=frozenset({"volunteer.*"}),
)
BUREAU = Mandate(
    actor="p-6", role="head", post_id="h", organisation_id="bureau", place="350104", powers=frozenset({"volunteer.*"})
)
SURVEY = {"person_id": "p-1", "unit": "bureau", "level": "district", "place": COMPOUND, "city": city()}


def confirmed(end: str, by: Mandate, evidence: str = "") -> ReportInConfirmed:
    return ReportInConfirmed(
        report_id=ID, end=end, person_id=by.actor, organisation_id=by.organisation_id, evidence=evidence
    )


def report(spec: Spec, by: Mandate = MEMBER, **other: Any) -> Spec:
    ask = {"kind": "member", "unit": "bureau", "place": COMPOUND, "person_id": "p-1", "city": city()}
    return spec.when(report_in, by=by, **ask | other)


def test_a_member_reports_in_once() -> None:
    report(given(REPORT_IN, ID)).then(REPORTED)
    report(given(REPORT_IN, ID), person_id="").then(REPORTED)
    report(given(REPORT_IN, ID, REPORTED, confirmed("place", BRANCH))).then_nothing()
    report(given(REPORT_IN, "member-p-2"), person_id="p-2").then_raises(ForbiddenError, "only for yourself")
    report(given(REPORT_IN, ID), place=f"{COMPOUND}.99").then_raises(NotFoundError, "no place")


def test_who_moves_reports_in_anew_and_both_ends_confirm_anew() -> None:
    moved = ReportedIn(
        report_id=ID, kind="member", person_id="p-1", unit="bureau", place=OTHER_COMPOUND, since="2025-03-04"
    )
    history = (REPORTED, confirmed("place", BRANCH), confirmed("unit", BUREAU))
    assert given(REPORT_IN, ID, *history).state.status == "confirmed"
    report(given(REPORT_IN, ID, *history), place=OTHER_COMPOUND).then(moved)
    assert given(REPORT_IN, ID, *history, moved).state.confirmed == {}


def test_staff_of_the_new_place_report_in_who_moved_there() -> None:
    there = Mandate(actor="p-7", role="secretary", post_id="t", place=OTHER_COMPOUND, powers=frozenset({"volunteer.*"}))
    moved = ReportedIn(
        report_id=ID, kind="member", person_id="p-1", unit="bureau", place=OTHER_COMPOUND, since="2025-03-04"
    )
    report(given(REPORT_IN, ID, REPORTED), by=there, place=OTHER_COMPOUND).then(moved)
    report(given(REPORT_IN, ID), by=there).then_raises(ForbiddenError, "volunteer.join")


def test_the_survey_is_kept_when_the_member_reports_in() -> None:
    given(REPORT_IN, ID).when(survey_member, by=BRANCH, **SURVEY).then(SURVEYED)
    given(REPORT_IN, ID, REPORTED, SURVEYED).when(survey_member, by=BRANCH, **SURVEY).then_nothing()
    given(REPORT_IN, ID, REPORTED).when(survey_member, by=BRANCH, **SURVEY).then(SURVEYED)
    report(given(REPORT_IN, ID, SURVEYED)).then(REPORTED)
    state = given(REPORT_IN, ID, SURVEYED, REPORTED).state
    assert (state.status, state.level, state.surveyed) == ("reported_in", "district", "2025-03-04")


def test_a_survey_elsewhere_does_not_move_who_reported_in() -> None:
    spec = given(REPORT_IN, ID, REPORTED).when(survey_member, by=BUREAU, **SURVEY | {"place": OTHER_COMPOUND})
    spec.then_raises(IllegalStateError, f"has reported in at {COMPOUND}")


def test_residents_survey_nobody_and_confirm_nothing() -> None:
    given(REPORT_IN, ID).when(survey_member, by=MEMBER, **SURVEY).then_raises(ForbiddenError, "volunteer.survey")
    neighbour = given(REPORT_IN, ID, REPORTED).when(confirm_report_in, by=person("p-2"), end="place")
    neighbour.then_raises(ForbiddenError, "volunteer.confirm")


def test_both_ends_confirm() -> None:
    spec = given(REPORT_IN, ID, REPORTED)
    spec.when(confirm_report_in, by=BRANCH, end="place").then(confirmed("place", BRANCH))
    spec = given(REPORT_IN, ID, REPORTED, confirmed("place", BRANCH))
    spec.when(confirm_report_in, by=BUREAU, end="unit").then(confirmed("unit", BUREAU))
    spec.when(confirm_report_in, by=BUREAU, end="place").then_nothing()


def test_the_two_ends_take_two_persons() -> None:
    spec = given(REPORT_IN, ID, REPORTED, confirmed("place", BRANCH))
    spec.when(confirm_report_in, by=BRANCH, end="unit", evidence="letter").then_raises(ForbiddenError, "another person")


def test_a_unit_without_a_post_here_confirms_by_letter() -> None:
    spec = given(REPORT_IN, ID, REPORTED)
    spec.when(confirm_report_in, by=BRANCH, end="unit").then_raises(IllegalStateError, "on what evidence")
    spec.when(confirm_report_in, by=BRANCH, end="unit", evidence="letter").then(confirmed("unit", BRANCH, "letter"))


def test_a_unit_confirms_its_end_from_its_own_place() -> None:
    far = Mandate(
        actor="p-6", role="head", post_id="h", organisation_id="bureau", place=BEYOND, powers=frozenset({"volunteer.*"})
    )
    spec = given(REPORT_IN, ID, REPORTED)
    spec.when(confirm_report_in, by=far, end="unit").then(confirmed("unit", far))
    spec.when(confirm_report_in, by=far, end="place").then_raises(ForbiddenError, "volunteer.confirm")


def test_nobody_confirms_themselves() -> None:
    own = Mandate(actor="p-1", role="head", post_id="h", organisation_id="bureau", powers=frozenset({"volunteer.*"}))
    spec = given(REPORT_IN, ID, REPORTED).when(confirm_report_in, by=own, end="unit")
    spec.then_raises(ForbiddenError, "their own")


def test_only_a_report_in_can_be_confirmed() -> None:
    spec = given(REPORT_IN, ID, SURVEYED).when(confirm_report_in, by=BRANCH, end="place")
    spec.then_raises(IllegalStateError, "nobody has reported in")
    nothing = Mandate(actor="p-5", role="x", post_id="s", powers=frozenset({"*"}))
    given(REPORT_IN, ID).when(confirm_report_in, by=nothing, end="place").then_raises(NotFoundError, "no report-in")


def test_a_unit_reports_to_a_community_through_its_post() -> None:
    id = f"unit-bureau-{COMMUNITY}"
    event = ReportedIn(report_id=id, kind="unit", person_id="", unit="bureau", place=COMMUNITY, since="2025-03-04")
    unit = {"kind": "unit", "person_id": "", "place": COMMUNITY}
    report(given(REPORT_IN, id), by=BUREAU, **unit).then(event)
    report(given(REPORT_IN, id), by=MEMBER, **unit).then_raises(ForbiddenError, "holds a post")
    other = Mandate(actor="p-7", role="head", post_id="o", organisation_id="o", place="350104.099", powers=RESIDENT)
    report(given(REPORT_IN, id), by=other, **unit).then_raises(ForbiddenError, "join")
    outside = Mandate(
        actor="p-7", role="head", post_id="o", organisation_id="bureau", place="350104.099", powers=RESIDENT
    )
    report(given(REPORT_IN, id), by=outside, **unit).then(event)

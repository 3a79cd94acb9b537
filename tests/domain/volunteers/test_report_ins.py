"""Double report-in, confirmed by both ends (B12, C40, D11)."""

from services.volunteers.domain import report_in as r
from services.volunteers.domain.report_in import REPORT_IN
from services.volunteers.events import MemberSurveyed, ReportedIn, ReportInConfirmed
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from shared.following.authority import RESIDENT
from tests.kit import given

PLACE, ID = "350104.013.002.007", "member-p-1"
surveyed = MemberSurveyed(
    report_id=ID, person_id="p-1", unit="bureau", level="district", place=PLACE, surveyed="2025-03-04"
)
reported = ReportedIn(report_id=ID, kind="member", person_id="p-1", unit="bureau", place=PLACE, since="2025-03-04")
member = Mandate(actor="p-1", role="resident", powers=RESIDENT)
branch = Mandate(
    actor="p-5", role="secretary", post_id="s", organisation_id="branch", place=PLACE, powers=frozenset({"volunteer.*"})
)
bureau = Mandate(
    actor="p-6", role="head", post_id="h", organisation_id="bureau", place="350104", powers=frozenset({"volunteer.*"})
)


def confirmed(end: str, by: Mandate, evidence: str = "") -> ReportInConfirmed:
    return ReportInConfirmed(
        report_id=ID, end=end, person_id=by.actor, organisation_id=by.organisation_id, evidence=evidence
    )


def ask(spec, by=member, **other):
    return spec.when(
        r.report_in, by=by, **({"kind": "member", "unit": "bureau", "place": PLACE, "person_id": "p-1"} | other)
    )


def test_a_member_reports_in():
    ask(given(REPORT_IN, ID)).then(reported)


def test_reporting_in_again_changes_nothing():
    ask(given(REPORT_IN, ID, reported, confirmed("place", branch))).then_nothing()


def test_nobody_reports_in_for_a_neighbour():
    ask(given(REPORT_IN, "member-p-2"), person_id="p-2").then_raises(ForbiddenError, "only for yourself")


def test_who_moves_reports_in_anew_and_both_ends_confirm_anew():
    moved = ReportedIn(
        report_id=ID, kind="member", person_id="p-1", unit="bureau", place="350104.014.001", since="2025-03-04"
    )
    history = (reported, confirmed("place", branch), confirmed("unit", bureau))
    ask(given(REPORT_IN, ID, *history), place="350104.014.001").then(moved)
    assert given(REPORT_IN, ID, *history, moved).state.confirmed == {}


def test_the_survey_is_kept_when_the_member_reports_in():
    spec = given(REPORT_IN, ID).when(r.survey, by=branch, person_id="p-1", unit="bureau", level="district", place=PLACE)
    spec.then(surveyed)
    ask(given(REPORT_IN, ID, surveyed)).then(reported)
    assert given(REPORT_IN, ID, surveyed, reported).state.level == "district"


def test_a_survey_elsewhere_does_not_move_who_reported_in():
    spec = given(REPORT_IN, ID, reported).when(
        r.survey, by=bureau, person_id="p-1", unit="bureau", level="district", place="350104.014"
    )
    spec.then_raises(IllegalStateError, match="has reported in at 350104.013.002.007")


def test_residents_survey_nobody():
    spec = given(REPORT_IN, ID).when(r.survey, by=member, person_id="p-1", unit="bureau", level="city", place=PLACE)
    spec.then_raises(ForbiddenError, match="volunteer.survey")


def test_both_ends_confirm():
    given(REPORT_IN, ID, reported).when(r.confirm, by=branch, end="place").then(confirmed("place", branch))
    spec = given(REPORT_IN, ID, reported, confirmed("place", branch)).when(r.confirm, by=bureau, end="unit")
    spec.then(confirmed("unit", bureau))


def test_the_two_ends_take_two_persons():
    spec = given(REPORT_IN, ID, reported, confirmed("place", branch))
    spec.when(r.confirm, by=branch, end="unit", evidence="letter").then_raises(ForbiddenError, "another person")


def test_a_unit_without_a_post_here_confirms_by_letter():
    spec = given(REPORT_IN, ID, reported).when(r.confirm, by=branch, end="unit")
    spec.then_raises(IllegalStateError, match="on what evidence")
    spec = given(REPORT_IN, ID, reported).when(r.confirm, by=branch, end="unit", evidence="letter of 2 March")
    spec.then(confirmed("unit", branch, "letter of 2 March"))


def test_nobody_confirms_themselves():
    own = Mandate(actor="p-1", role="head", post_id="h", organisation_id="bureau", powers=frozenset({"volunteer.*"}))
    given(REPORT_IN, ID, reported).when(r.confirm, by=own, end="unit").then_raises(ForbiddenError, "their own")


def test_only_a_report_in_can_be_confirmed():
    given(REPORT_IN, ID, surveyed).when(r.confirm, by=branch, end="place").then_raises(NotFoundError, "reported in")


def test_residents_confirm_nothing():
    given(REPORT_IN, ID, reported).when(r.confirm, by=member, end="place").then_raises(
        ForbiddenError, "volunteer.confirm"
    )


def test_a_unit_reports_to_a_community_through_its_post():
    id, community = r.report_id("unit", "", "bureau", "350104.013.002"), "350104.013.002"
    event = ReportedIn(report_id=id, kind="unit", person_id="", unit="bureau", place=community, since="2025-03-04")
    ask(given(REPORT_IN, id), by=bureau, kind="unit", person_id="", place=community).then(event)
    ask(given(REPORT_IN, id), by=member, kind="unit", person_id="", place=community).then_raises(ForbiddenError, "post")
    other = Mandate(actor="p-7", role="head", post_id="o", organisation_id="o", place="350104.099", powers=RESIDENT)
    ask(given(REPORT_IN, id), by=other, kind="unit", person_id="", place=community).then_raises(ForbiddenError, "join")

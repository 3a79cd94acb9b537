"""Posts: one holder at a time, with dates, some only together with another post."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.registry.organisation.state import ORGANISATION, OrganisationDissolved
from services.registry.person import PERSON, PersonErased
from services.registry.post.going_with import WENT_WITH
from services.registry.post.holding import appoint_person, end_appointment
from services.registry.post.standing import abolish_post, establish_post
from services.registry.post.state import POST as POSTS
from services.registry.post.state import AppointmentEnded, PersonAppointed, PostAbolished
from shared.domain.command import on
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import (
    BRANCH,
    BUILDING,
    CHEN,
    CHEN_APPOINTED,
    CODES,
    COMMUNITY,
    COMPOUND,
    NOBODY,
    POST,
    city,
    holder,
)
from tests.kit import Spec, given
from tests.kit.city import entry
from tests.kit.city import post as holding
from tests.kit.spec import folded

BRANCH_DISSOLVED = OrganisationDissolved(organisation_id="branch", place=COMPOUND, until="2024-01-01", reason="合并")
STANDING = folded(ORGANISATION, "branch", BRANCH)
DISSOLVED = folded(ORGANISATION, "branch", BRANCH, BRANCH_DISSOLVED)
KNOWN = folded(PERSON, "p-chen", CHEN)
ERASED = folded(PERSON, "p-chen", CHEN, PersonErased(person_id="p-chen", place=COMMUNITY, reason=""))
LIN_KNOWN = folded(PERSON, "p-lin", msgspec.structs.replace(CHEN, person_id="p-lin"))


def grid(person: str = "p-chen", since: str = "2024-01-01", until: str = "") -> Any:
    """The post that the other one goes with."""
    post = msgspec.structs.replace(POST, post_id="post-grid")
    held = msgspec.structs.replace(CHEN_APPOINTED, post_id="post-grid", person_id=person, since=since, until=until)
    return folded(POSTS, "post-grid", post, held)


ESTABLISH: dict[str, Any] = {
    "organisation_id": "branch",
    "role": "secretary",
    "title": "支部书记",
    "title_en": "Branch secretary",
    "organisation": STANDING,
    "ex_officio": None,
    "codes": CODES,
    "city": city(),
}
APPOINT: dict[str, Any] = {
    "person_id": "p-chen",
    "since": "2025-01-01",
    "until": "",
    "person": KNOWN,
    "organisation": STANDING,
    "ex_officio": None,
    "city": city(),
}
LIN: dict[str, Any] = {**APPOINT, "person_id": "p-lin", "since": "", "person": LIN_KNOWN}
LIN_APPOINTED = msgspec.structs.replace(CHEN_APPOINTED, person_id="p-lin", since="2025-03-04")
TOWN = city()
END: dict[str, Any] = {"person_id": "p-chen", "until": "2025-03-01", "reason": "调动", "city": TOWN, "others": {}}
ENDED = AppointmentEnded(
    post_id="post-1",
    person_id="p-chen",
    organisation_id="branch",
    place=COMPOUND,
    since="2025-01-01",
    until="2025-03-01",
    reason="调动",
)
ABOLISHED = PostAbolished(post_id="post-1", organisation_id="branch", place=COMPOUND, until="2025-03-01", reason="撤并")
WITH_OTHER = msgspec.structs.replace(POST, ex_officio_post_id="post-grid")


def post(*facts: Any) -> Spec:
    return given(POSTS, "post-1", *facts)


def term(until: str, since: str = "2025-01-01") -> PersonAppointed:
    return msgspec.structs.replace(CHEN_APPOINTED, since=since, until=until)


def test_a_post_is_established_for_its_organisations_place_or_below() -> None:
    post().when(establish_post, **ESTABLISH).then(POST)
    post(POST).when(establish_post, **ESTABLISH).then_nothing()
    post().when(establish_post, **ESTABLISH | {"place": BUILDING}).then(msgspec.structs.replace(POST, place=BUILDING))


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"organisation": folded(ORGANISATION, "branch")}, NotFoundError, "no organisation branch"),
        ({"organisation": DISSOLVED}, IllegalStateError, "dissolved on 2024-01-01"),
        ({"place": COMMUNITY}, IllegalStateError, "outside"),
        ({"role": "king"}, BadInputError, "king is not on the city's list roles"),
        ({"role": "resident"}, BadInputError, "act from no post"),
        ({"role": "grid_worker"}, IllegalStateError, "of the level community"),
        ({"ex_officio_post_id": "post-9", "ex_officio": folded(POSTS, "post-9")}, NotFoundError, "post-9"),
        ({"ex_officio_post_id": "post-1", "ex_officio": folded(POSTS, "post-1", POST)}, NotFoundError, "not another"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], error: Any, match: str) -> None:
    post().when(establish_post, **ESTABLISH | change).then_raises(error, match)


def test_an_id_names_one_post() -> None:
    post(POST).when(establish_post, **ESTABLISH | {"title": "监事"}).then_raises(IllegalStateError, "支部书记")


def test_a_person_is_appointed() -> None:
    post(POST).when(appoint_person, **APPOINT).then(CHEN_APPOINTED)
    post(POST).when(appoint_person, **APPOINT | {"until": "2025-06-01"}).then(term("2025-06-01"))
    post(POST).when(appoint_person, **APPOINT | {"since": ""}).then(term("", "2025-03-04"))
    post(POST, CHEN_APPOINTED).when(appoint_person, **APPOINT).then_nothing()
    post(POST, CHEN_APPOINTED).when(appoint_person, **APPOINT | {"since": ""}).then_nothing()


def test_a_post_has_one_holder_at_a_time() -> None:
    post(POST, CHEN_APPOINTED).when(appoint_person, **LIN).then_raises(
        IllegalStateError, "held by p-chen since 2025-01-01"
    )
    post(POST, term("2025-03-05")).when(appoint_person, **LIN | {"since": "2025-03-05"}).then_raises(
        IllegalStateError, "until 2025-03-05; appoint the successor on that day"
    )
    post(POST, term("2025-03-04")).when(appoint_person, **LIN).then(LIN_APPOINTED)
    post(POST, CHEN_APPOINTED, ENDED).when(appoint_person, **LIN | {"since": "2025-03-01"}).then(
        msgspec.structs.replace(LIN_APPOINTED, since="2025-03-01")
    )
    post(POST, CHEN_APPOINTED, ENDED).when(appoint_person, **LIN | {"since": "2025-02-28"}).then_raises(
        IllegalStateError, "was held until 2025-03-01"
    )


def test_a_withdrawn_appointment_does_not_count() -> None:
    """Also when it was to begin later: the term before it still does."""
    future = msgspec.structs.replace(LIN_APPOINTED, since="2025-05-01")
    withdrawn = msgspec.structs.replace(ENDED, person_id="p-lin", since="2025-05-01", until="2025-05-01")
    history = (POST, term("2025-02-01"), future)
    post(*history).when(end_appointment, **END | {"person_id": "p-lin", "until": "2025-05-01"}).then(withdrawn)
    post(*history, withdrawn).when(appoint_person, **LIN).then(LIN_APPOINTED)
    post(*history, withdrawn).when(appoint_person, **LIN | {"since": "2025-01-31"}).then_raises(
        IllegalStateError, "2025-02-01"
    )


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"person": folded(PERSON, "p-chen")}, NotFoundError, "no person p-chen"),
        ({"person": ERASED}, IllegalStateError, "erased"),
        ({"until": "2025-01-01"}, IllegalStateError, "first day after"),
        ({"organisation": DISSOLVED}, IllegalStateError, "dissolved on 2024-01-01"),
    ],
)
def test_an_appointment_that_does_not_fit_is_refused(change: dict[str, Any], error: Any, match: str) -> None:
    post(POST).when(appoint_person, **APPOINT | change).then_raises(error, match)


def test_nobody_appoints_themselves() -> None:
    post(POST).when(appoint_person, by=holder("registry.*", actor="p-chen"), **APPOINT).then_raises(
        ForbiddenError, "themselves"
    )


def test_a_post_that_goes_with_another_is_for_its_holder_only() -> None:
    """The secretary of the grid branch is the grid worker (part of A11)."""
    post().when(establish_post, **ESTABLISH | {"ex_officio_post_id": "post-grid", "ex_officio": grid()}).then(
        WITH_OTHER
    )
    post(WITH_OTHER).when(appoint_person, **APPOINT | {"ex_officio": grid()}).then(CHEN_APPOINTED)
    vacant = folded(POSTS, "post-grid", msgspec.structs.replace(POST, post_id="post-grid"))
    for row in (vacant, grid("p-lin"), grid(until="2025-01-01"), grid(since="2025-02-01")):
        post(WITH_OTHER).when(appoint_person, **APPOINT | {"ex_officio": row}).then_raises(
            IllegalStateError, "goes with post-grid"
        )


def test_a_term_does_not_outlast_the_one_that_it_goes_with() -> None:
    """When the other term is over, this one is too (part of A11)."""
    spec = post(WITH_OTHER)
    limited = {"ex_officio": grid(until="2025-06-01")}
    spec.when(appoint_person, **APPOINT | limited).then(term("2025-06-01"))
    spec.when(appoint_person, **APPOINT | limited | {"until": "2025-05-01"}).then(term("2025-05-01"))
    longer = spec.when(appoint_person, **APPOINT | limited | {"until": "2025-06-02"})
    longer.then_raises(IllegalStateError, "p-chen holds until 2025-06-01")


def test_who_loses_a_post_loses_those_that_go_with_it_in_the_same_act() -> None:
    branch = msgspec.structs.replace(POST, post_id="post-2", ex_officio_post_id="post-1")
    held = msgspec.structs.replace(CHEN_APPOINTED, post_id="post-2")
    lost = msgspec.structs.replace(ENDED, post_id="post-2", reason=WENT_WITH, with_post_id="post-1")
    spec = post(POST, CHEN_APPOINTED)

    def ending(*facts: Any) -> Spec:
        return spec.when(end_appointment, **END | {"others": {"post-2": folded(POSTS, "post-2", branch, *facts)}})

    assert ending(held).ask(spec.state) == [ENDED, on(POSTS, "post-2", lost)]
    later = msgspec.structs.replace(held, since="2025-06-01")
    withdrawn = msgspec.structs.replace(lost, since="2025-06-01", until="2025-06-01")
    assert ending(later).ask(spec.state) == [ENDED, on(POSTS, "post-2", withdrawn)]
    for other in (
        (),
        (held, msgspec.structs.replace(lost, until="2025-02-01")),
        (msgspec.structs.replace(held, person_id="p-lin"),),
    ):
        assert ending(*other).ask(spec.state) == [ENDED]


def test_the_last_who_takes_in_issues_stays_until_somebody_else_does() -> None:
    """Every open issue has somebody to rise to (part of X13)."""
    taking = entry("roles", "secretary", intake=1, powers=["issue.triage"])
    others = [entry("roles", role, powers=[]) for role in ("grid_worker", "community_secretary", "street_secretary")]
    alone = {"city": city(taking, *others)}
    post(POST, CHEN_APPOINTED).when(end_appointment, **END | alone).then_raises(IllegalStateError, "p-chen is the last")
    for until, enough in (("", True), ("2025-09-01", False)):
        second = {"city": city(taking, *others, *holding("post-9", "o-street", "secretary", "p-x", until=until))}
        spec = post(POST, CHEN_APPOINTED).when(end_appointment, **END | second)
        spec.then(ENDED) if enough else spec.then_raises(IllegalStateError, "is the last")
    post(POST, CHEN_APPOINTED).when(end_appointment, **END | {"city": city(*others)}).then(ENDED)
    # a post that is lost together with this one does not count, and is not lost either while nobody else takes them in
    branch = msgspec.structs.replace(POST, post_id="post-9", ex_officio_post_id="post-1")
    held = msgspec.structs.replace(CHEN_APPOINTED, post_id="post-9")
    both = {"city": city(taking, *others, *holding("post-9", "o-street", "secretary", "p-chen"))}
    both |= {"others": {"post-9": folded(POSTS, "post-9", branch, held)}}
    post(POST, CHEN_APPOINTED).when(end_appointment, **END | both).then_raises(IllegalStateError, "is the last")
    plain = msgspec.structs.replace(POST, role="grid_worker")
    post(plain, CHEN_APPOINTED).when(end_appointment, **END | both).then_raises(IllegalStateError, "is the last")


def test_an_appointment_ends() -> None:
    post(POST, CHEN_APPOINTED).when(end_appointment, **END).then(ENDED)
    post(POST, CHEN_APPOINTED, ENDED).when(end_appointment, **END).then_nothing()
    post(POST, CHEN_APPOINTED, ENDED).when(end_appointment, **END | {"until": ""}).then_nothing()
    post(POST, CHEN_APPOINTED).when(end_appointment, **END | {"until": ""}).then(
        msgspec.structs.replace(ENDED, until="2025-03-04")
    )
    post(POST, term("2025-06-01")).when(end_appointment, **END | {"until": "2025-04-01"}).then(
        msgspec.structs.replace(ENDED, until="2025-04-01")
    )


@pytest.mark.parametrize(
    ("last", "change", "match"),
    [
        (None, {}, "does not hold"),
        (CHEN_APPOINTED, {"person_id": "p-lin"}, "p-lin does not hold"),
        (CHEN_APPOINTED, {"until": "2024-12-31"}, "cannot end before"),
        (term("2025-02-01"), {"until": "2025-01-15"}, "over since 2025-02-01"),
        (term("2025-06-01"), {"until": "2025-07-01"}, "prolong"),
    ],
)
def test_what_cannot_end_is_refused(last: Any, change: dict[str, Any], match: str) -> None:
    history = (POST,) if last is None else (POST, last)
    post(*history).when(end_appointment, **END | change).then_raises(IllegalStateError, match)


def test_a_vacant_post_is_abolished_for_good() -> None:
    ask = {"until": "2025-03-01", "reason": "撤并"}
    post(POST, CHEN_APPOINTED, ENDED).when(abolish_post, **ask).then(ABOLISHED)
    post(POST, ABOLISHED).when(abolish_post, **ask).then_nothing()
    post(POST, ABOLISHED).when(abolish_post, **ask | {"until": "2025-02-01"}).then_raises(IllegalStateError, "already")
    post(POST, CHEN_APPOINTED).when(abolish_post, **ask).then_raises(IllegalStateError, "end that appointment first")
    post(POST, term("2025-03-02")).when(abolish_post, **ask).then_raises(
        IllegalStateError, "held by p-chen on 2025-03-01"
    )
    post(POST).when(abolish_post, **ask | {"until": "2025-03-05"}).then_raises(IllegalStateError, "not come yet")
    post(POST, ABOLISHED).when(appoint_person, **APPOINT).then_raises(IllegalStateError, "was abolished")


@pytest.mark.parametrize(
    ("decide", "ask", "power"),
    [
        (establish_post, ESTABLISH | {"place": COMPOUND}, "registry.post"),
        (appoint_person, APPOINT, "registry.appoint"),
        (end_appointment, END, "registry.appoint"),
        (abolish_post, {"until": "", "reason": "撤并"}, "registry.post"),
    ],
)
def test_it_takes_the_power_at_the_place(decide: Any, ask: dict[str, Any], power: str) -> None:
    for history in ((POST,), (POST, CHEN_APPOINTED)):
        post(*history).when(decide, by=NOBODY, **ask).then_raises(ForbiddenError, power)
    post(POST).when(decide, by=holder(power, place="350104.013.003"), **ask).then_raises(ForbiddenError, COMPOUND)
    if decide is not establish_post:
        post().when(decide, by=holder(power, place=COMMUNITY), **ask).then_raises(NotFoundError, "no post post-1")


def test_without_a_place_the_post_is_for_that_of_its_organisation_and_takes_the_power_there() -> None:
    post().when(establish_post, by=holder("registry.post", place=COMMUNITY), **ESTABLISH).then(POST)
    post().when(establish_post, by=holder("registry.post", place=BUILDING), **ESTABLISH).then_raises(
        ForbiddenError, f"registry.post at {COMPOUND}"
    )

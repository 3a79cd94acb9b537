"""The life of a small wish."""

from __future__ import annotations

from typing import Any

import pytest

from services.volunteers.volunteer import VOLUNTEER, VolunteerRegistered
from services.volunteers.wish.asking import ask_wish, erase_wisher, publish_wish, reject_wish, withdraw_wish
from services.volunteers.wish.claiming import (
    claim_wish,
    confirm_wish,
    dispute_wish,
    fulfil_wish,
    introduce_wisher,
    release_expired,
    release_wish,
)
from services.volunteers.wish.facts import (
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WisherErased,
    WisherIntroduced,
    WishFulfilled,
    WishPublished,
    WishRejected,
    WishReleased,
    WishWithdrawn,
    subject,
)
from services.volunteers.wish.rows import RELEASES, WISHES
from services.volunteers.wish.state import WISH
from shared.domain.city import City
from shared.domain.city_rows import city_views
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.domain.volunteers.people import ANONYMOUS, BEYOND, RESIDENT, person
from tests.kit import given
from tests.kit.city import COMPOUND, entry
from tests.kit.rows import MemoryRows, city
from tests.kit.spec import Spec, folded

ID = "w-1"
CLAIMED_AT, LAST_DAY, EXPIRED = "2025-03-04T09:00:00+08:00", "2025-03-17T23:59:59+08:00", "2025-03-18T00:00:00+08:00"
WISHER, LIN, WU = person("p-1"), person("p-2"), person("p-3")
STAFF = Mandate(
    actor="p-5", role="worker", post_id="s", organisation_id="community", place=COMPOUND, powers=RESIDENT | {"wish.*"}
)
NOBODY = Mandate(actor="", role="anonymous", powers=ANONYMOUS)
ASKED = WishAsked(wish_id=ID, place=COMPOUND, wish="s1", wisher="s2", contact="", wisher_id="p-1")
UNKNOWN_WISHER = WishAsked(wish_id=ID, place=COMPOUND, wish="s1", wisher="s2", contact="", wisher_id="")
PUBLISHED = WishPublished(wish_id=ID, title="一台轮椅", title_en="A wheelchair")
REJECTED = WishRejected(wish_id=ID, reason="no")
BY_LIN = WishClaimed(wish_id=ID, person_id="p-2", organisation_id="", expires="2025-03-18")
FULFILLED = WishFulfilled(wish_id=ID, person_id="p-2", note="")
CONFIRMED = WishConfirmed(wish_id=ID, by_wisher=True, note="")
RETURNED = WishReleased(wish_id=ID, person_id="p-2", reason="expired")
OPEN = (ASKED, PUBLISHED)
CLAIMED = (*OPEN, BY_LIN)
DONE = (*CLAIMED, FULFILLED)
REGISTERED = folded(VOLUNTEER, "p-2", VolunteerRegistered(person_id="p-2", name="", home=COMPOUND))


def ask(*history: Event, by: Mandate = WISHER, wisher_id: str = "p-1", place: str = COMPOUND) -> Spec:
    asked = {"place": place, "wish": "s1", "wisher": "s2", "contact": "", "wisher_id": wisher_id}
    return given(WISH, ID, *history).when(ask_wish, by=by, city=city(), **asked)


def publish(*history: Event, by: Mandate = STAFF, title: str = "一台轮椅") -> Spec:
    opened = {"s2": "陈秀英"}.get
    return given(WISH, ID, *history).when(publish_wish, by=by, open=opened, title=title, title_en="A wheelchair")


def with_wishes(*more: tuple[str, dict[str, Any]], wishes: int = 0, releases: int = 0) -> City:
    """The small city, in which LIN has so many claims open and has given so many back."""
    found = city("2025-03-04", *more)
    rows = MemoryRows((*city_views(), WISHES, RELEASES))
    rows.rows |= found.rows.rows  # type: ignore[attr-defined]  # rows in memory
    rows.rows["wishes"] = {f"w{number}": {"claimant": "p-2", "status": "claimed"} for number in range(wishes)}
    released = {"person_id": "p-2", "day": "2024-06-01"}
    rows.rows["claim_releases"] = {f"w{number}": released for number in range(releases)}
    return City(rows, "2025-03-04")


def claim(*history: Event, by: Mandate = LIN, registered: bool = True, **more: Any) -> Spec:
    ask = {
        "at": CLAIMED_AT,
        "city": with_wishes(),
        "claimant": REGISTERED if registered else folded(VOLUNTEER, by.actor),
    }
    return given(WISH, ID, *history).when(claim_wish, by=by, **ask | more)


def test_a_resident_asks_for_themselves_and_staff_for_others() -> None:
    ask().then(ASKED)
    ask(wisher_id="").then(ASKED)
    ask(by=STAFF).then(ASKED)
    ask(by=STAFF, wisher_id="").then(UNKNOWN_WISHER)
    ask(by=LIN).then_raises(ForbiddenError, "only for yourself")
    ask(ASKED).then_nothing()
    ask(by=NOBODY, wisher_id="").then_raises(ForbiddenError, "wish.ask")
    ask(place=f"{COMPOUND}.99").then_raises(NotFoundError, "no place")


def test_a_checked_wish_is_published_without_saying_who_asked() -> None:
    publish(ASKED).then(PUBLISHED)
    publish(ASKED, title="陈秀英要轮椅").then_raises(IllegalStateError, "names the wisher")
    publish(*OPEN).then_nothing()
    publish(*OPEN, title="x").then_raises(IllegalStateError, "the wish is published")
    publish(ASKED, REJECTED).then_raises(IllegalStateError, "the wish is rejected")
    everywhere = Mandate(actor="p-5", role="worker", post_id="s", powers=frozenset({"wish.*"}))
    publish(by=everywhere).then_raises(NotFoundError, "no wish")
    publish(ASKED, by=LIN).then_raises(ForbiddenError, "wish.publish")
    own = Mandate(actor="p-1", role="worker", post_id="s", powers=frozenset({"wish.*"}))
    publish(ASKED, by=own).then_raises(ForbiddenError, "their own wish")


def test_a_wish_is_rejected_with_a_reason() -> None:
    given(WISH, ID, ASKED).when(reject_wish, by=STAFF, reason="no").then(REJECTED)
    given(WISH, ID, ASKED, REJECTED).when(reject_wish, by=STAFF, reason="no").then_nothing()
    given(WISH, ID, *OPEN).when(reject_wish, by=STAFF, reason="no").then_raises(IllegalStateError, "is published")
    given(WISH, ID, ASKED).when(reject_wish, by=LIN, reason="no").then_raises(ForbiddenError, "wish.publish")


def test_a_wish_nobody_works_on_is_withdrawn() -> None:
    withdrawn = WishWithdrawn(wish_id=ID, reason="moved")
    for history in ((ASKED,), OPEN):
        given(WISH, ID, *history).when(withdraw_wish, by=WISHER, reason="moved").then(withdrawn)
        given(WISH, ID, *history, withdrawn).when(withdraw_wish, by=STAFF, reason="moved").then_nothing()
    given(WISH, ID, *CLAIMED).when(withdraw_wish, by=WISHER, reason="x").then_raises(IllegalStateError, "is claimed")
    given(WISH, ID, *OPEN).when(withdraw_wish, by=LIN, reason="x").then_raises(ForbiddenError, "wish.publish")


def test_one_person_claims() -> None:
    claim(*OPEN).then(BY_LIN)
    claim(*CLAIMED).then_nothing()
    claim(*CLAIMED, by=WU).then_raises(IllegalStateError, "claimed already; it is free again on 2025-03-18")
    claim(*CLAIMED, by=WU, at=LAST_DAY).then_raises(IllegalStateError, "claimed already")


def test_a_claim_after_expiry_returns_the_wish_first() -> None:
    by_wu = WishClaimed(wish_id=ID, person_id="p-3", organisation_id="", expires="2025-03-19")
    claim(*CLAIMED, by=WU, at=EXPIRED, days=1).then(RETURNED, by_wu)


def test_who_claims_is_registered_or_holds_a_post_and_is_not_the_wisher() -> None:
    claim(*OPEN, registered=False).then_raises(ForbiddenError, "register first")
    by_staff = WishClaimed(wish_id=ID, person_id="p-5", organisation_id="community", expires="2025-03-18")
    claim(*OPEN, by=STAFF, claimant=None).then(by_staff)
    claim(*OPEN, by=WISHER).then_raises(ForbiddenError, "their own wish")
    nobody = Mandate(actor="", role="x", powers=frozenset({"*"}))
    claim(*OPEN, by=nobody, claimant=None).then_raises(ForbiddenError, "sign in")
    claim(*OPEN, by=NOBODY, claimant=None).then_raises(ForbiddenError, "wish.claim")


@pytest.mark.parametrize(
    ("history", "status"), [((ASKED,), "asked"), ((ASKED, REJECTED), "rejected"), (DONE, "fulfilled")]
)
def test_only_a_published_wish_is_claimed(history: tuple[Event, ...], status: str) -> None:
    claim(*history, by=WU).then_raises(IllegalStateError, f"the wish is {status}")


def test_a_claim_holds_as_long_as_the_city_says() -> None:
    claim(*OPEN, days=91).then_raises(IllegalStateError, "1 to 90 days")
    claim().then_raises(NotFoundError, "no wish")
    rules = [entry("parameters", "claim_days", value=7), entry("parameters", "longest_claim_days", value=10)]
    strict = with_wishes(*rules)
    week = WishClaimed(wish_id=ID, person_id="p-2", organisation_id="", expires="2025-03-11")
    claim(*OPEN, city=strict).then(week)
    claim(*OPEN, city=strict, days=11).then_raises(IllegalStateError, "1 to 10 days")


def test_a_city_limits_how_many_wishes_one_person_claims_and_gives_back() -> None:
    few = [entry("parameters", "open_claims", value=2), entry("parameters", "claim_releases", value=3)]
    claim(*OPEN, city=with_wishes(*few, wishes=1, releases=2)).then(BY_LIN)
    claim(*OPEN, city=with_wishes(*few, wishes=2)).then_raises(IllegalStateError, "more than 2 claims")
    claim(*OPEN, city=with_wishes(*few, releases=3)).then_raises(IllegalStateError, "3 claims within a year")
    claim(*CLAIMED, city=with_wishes(*few, wishes=2)).then_nothing()


def test_a_volunteer_claims_near_home_as_the_city_says() -> None:
    far = folded(VOLUNTEER, "p-2", VolunteerRegistered(person_id="p-2", name="", home=BEYOND))
    claim(*OPEN, claimant=far).then_raises(ForbiddenError, "live in 350104.013$")
    claim(*OPEN, claimant=far, city=with_wishes(entry("parameters", "claim_parts", value=0))).then(BY_LIN)


def test_staff_introduce_the_wisher_to_who_claimed() -> None:
    introduced = WisherIntroduced(wish_id=ID, person_id="p-2")
    given(WISH, ID, *CLAIMED).when(introduce_wisher, by=STAFF).then(introduced)
    given(WISH, ID, *CLAIMED, introduced).when(introduce_wisher, by=STAFF).then_nothing()
    given(WISH, ID, *CLAIMED).when(introduce_wisher, by=LIN).then_raises(ForbiddenError, "wish.read_wisher")
    given(WISH, ID, *OPEN).when(introduce_wisher, by=STAFF).then_raises(IllegalStateError, "nobody to introduce")
    again = (*CLAIMED, introduced, RETURNED, BY_LIN)
    given(WISH, ID, *again).when(introduce_wisher, by=STAFF).then(introduced)


def test_a_claim_is_given_back_or_returned_after_expiry() -> None:
    def release(*history: Event, by: Mandate, at: str = CLAIMED_AT) -> Spec:
        return given(WISH, ID, *history).when(release_wish, by=by, at=at, reason="expired")

    release(*CLAIMED, by=LIN).then(RETURNED)
    release(*CLAIMED, by=STAFF, at=LAST_DAY).then_raises(IllegalStateError, "holds until 2025-03-18")
    release(*CLAIMED, by=STAFF, at=EXPIRED).then(RETURNED)
    release(*CLAIMED, by=WU, at=EXPIRED).then_raises(ForbiddenError, "wish.publish")
    release(*OPEN, by=STAFF).then_raises(IllegalStateError, "no claim")


def test_the_day_releases_expired_claims_only() -> None:
    given(WISH, ID, *CLAIMED).when(release_expired, at=LAST_DAY).then_nothing()
    given(WISH, ID, *CLAIMED).when(release_expired, at=EXPIRED).then(RETURNED)
    given(WISH, ID, *DONE).when(release_expired, at=EXPIRED).then_nothing()


def test_the_claimant_fulfils() -> None:
    def fulfil(*history: Event, by: Mandate, at: str = CLAIMED_AT) -> Spec:
        return given(WISH, ID, *history).when(fulfil_wish, by=by, at=at, note="")

    fulfil(*CLAIMED, by=LIN).then(FULFILLED)
    fulfil(*CLAIMED, by=LIN, at=EXPIRED).then(FULFILLED)
    fulfil(*CLAIMED, by=STAFF).then(FULFILLED)
    fulfil(*DONE, by=LIN).then_nothing()
    fulfil(*CLAIMED, by=WU).then_raises(ForbiddenError, "wish.fulfil")
    fulfil(*CLAIMED, RETURNED, by=LIN).then_raises(ForbiddenError, "wish.fulfil")
    fulfil(*OPEN, by=STAFF).then_raises(IllegalStateError, "the wish is published")
    wisher = Mandate(actor="p-1", role="worker", post_id="s", powers=frozenset({"wish.*"}))
    fulfil(*CLAIMED, by=wisher).then_raises(ForbiddenError, "their own wish")
    disputed = WishDisputed(wish_id=ID, reason="not yet")
    fulfil(*DONE, disputed, by=LIN).then(FULFILLED)


def confirm(*history: Event, by: Mandate, note: str = "") -> Spec:
    return given(WISH, ID, *history).when(confirm_wish, by=by, note=note)


def test_the_wisher_confirms_or_staff_say_how_they_know() -> None:
    confirm(*DONE, by=WISHER).then(CONFIRMED)
    confirm(*DONE, by=STAFF).then_raises(IllegalStateError, "how the wisher let you know")
    confirm(*DONE, by=STAFF, note="call").then(WishConfirmed(wish_id=ID, by_wisher=False, note="call"))
    confirm(*DONE, CONFIRMED, by=WISHER).then_nothing()
    confirm(*DONE, by=LIN).then_raises(ForbiddenError, "wish.confirm")
    confirm(*CLAIMED, by=WISHER).then_raises(IllegalStateError, "the wish is claimed")


def test_the_claimant_does_not_confirm() -> None:
    by_staff = WishClaimed(wish_id=ID, person_id="p-5", organisation_id="community", expires="2025-03-18")
    done = WishFulfilled(wish_id=ID, person_id="p-5", note="")
    confirm(*OPEN, by_staff, done, by=STAFF, note="I know").then_raises(ForbiddenError, "their own work")


def test_the_wisher_disputes_a_fulfilment() -> None:
    disputed = WishDisputed(wish_id=ID, reason="not yet")
    given(WISH, ID, *DONE).when(dispute_wish, by=WISHER, reason="not yet").then(disputed)
    given(WISH, ID, *DONE).when(dispute_wish, by=LIN, reason="x").then_raises(ForbiddenError, "wish.confirm")
    given(WISH, ID, *CLAIMED).when(dispute_wish, by=WISHER, reason="x").then_raises(IllegalStateError, "no fulfilment")


def test_a_wisher_without_account_can_be_forgotten() -> None:
    erased = WisherErased(wish_id=ID, reason="asked for it")
    spec = given(WISH, ID, UNKNOWN_WISHER)
    spec.when(erase_wisher, by=STAFF, reason="asked for it").then(erased)
    spec.when(erase_wisher, by=LIN, reason="x").then_raises(ForbiddenError, "wish.erase")
    given(WISH, ID, UNKNOWN_WISHER, erased).when(erase_wisher, by=STAFF, reason="asked for it").then_nothing()
    given(WISH, ID, ASKED).when(erase_wisher, by=STAFF, reason="x").then_raises(IllegalStateError, "erase the person")
    assert (subject("w-1", ""), subject("w-1", "p-1")) == ("wish:w-1", "p-1")

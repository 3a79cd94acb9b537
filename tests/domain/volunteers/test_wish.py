"""The life of a small wish (C41, C42, X07)."""

import pytest

from services.volunteers.domain import wish as w
from services.volunteers.domain.wish import WISH
from services.volunteers.events import (
    WishAsked,
    WishClaimed,
    WishConfirmed,
    WishDisputed,
    WisherErased,
    WishFulfilled,
    WishPublished,
    WishRejected,
    WishReleased,
    WishWithdrawn,
)
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from shared.following.authority import ANONYMOUS, RESIDENT
from tests.kit import given

PLACE, ID = "350104.013.002.007", "w-1"
CLAIMED_AT, LAST_DAY, EXPIRED = "2025-03-04T09:00:00+08:00", "2025-03-17T23:59:59+08:00", "2025-03-18T00:00:00+08:00"


def person(id: str) -> Mandate:
    return Mandate(actor=id, role="resident", powers=RESIDENT)


wisher, lin, wu = person("p-1"), person("p-2"), person("p-3")
staff = Mandate(
    actor="p-5", role="worker", post_id="s", organisation_id="community", place=PLACE, powers=RESIDENT | {"wish.*"}
)
asked = WishAsked(wish_id=ID, place=PLACE, wish="s1", wisher="s2", contact="", wisher_id="p-1")
unknown_wisher = WishAsked(wish_id=ID, place=PLACE, wish="s1", wisher="s2", contact="", wisher_id="")
published = WishPublished(wish_id=ID, title="一台轮椅", title_en="A wheelchair")
rejected = WishRejected(wish_id=ID, reason="no")
by_lin = WishClaimed(wish_id=ID, person_id="p-2", organisation_id="", expires="2025-03-18")
fulfilled = WishFulfilled(wish_id=ID, person_id="p-2", note="")
confirmed = WishConfirmed(wish_id=ID, by_wisher=True, note="")
returned = WishReleased(wish_id=ID, person_id="p-2", reason="expired")
OPEN = (asked, published)
CLAIMED = (*OPEN, by_lin)
DONE = (*CLAIMED, fulfilled)


def claim(*history, by=lin, at=CLAIMED_AT, registered=True, **ask):
    return given(WISH, ID, *history).when(w.claim, by=by, at=at, registered=registered, **ask)


def ask(*history, by=wisher, wisher_id="p-1"):
    return given(WISH, ID, *history).when(w.ask, by=by, place=PLACE, text="s1", wisher="s2", wisher_id=wisher_id)


def test_a_resident_asks_for_themselves_and_staff_for_others():
    ask().then(asked)
    ask(by=staff).then(asked)
    ask(by=staff, wisher_id="").then(unknown_wisher)
    ask(by=lin).then_raises(ForbiddenError, "only for yourself")
    ask(asked).then_nothing()
    ask(asked, by=lin, wisher_id="p-2").then_raises(IllegalStateError, "asked already")
    ask(by=Mandate(actor="", role="anonymous", powers=ANONYMOUS), wisher_id="").then_raises(ForbiddenError, "wish.ask")


def publish(*history, by=staff, title="一台轮椅", name="陈秀英"):
    return given(WISH, ID, *history).when(w.publish, by=by, title=title, title_en="A wheelchair", wisher_name=name)


def test_a_checked_wish_is_published_without_saying_who_asked():
    publish(asked).then(published)
    publish(asked, title="陈秀英要轮椅").then_raises(IllegalStateError, "names the wisher")
    publish(*OPEN).then_nothing()
    publish(*OPEN, title="x").then_raises(IllegalStateError, "the wish is published")
    publish(asked, rejected).then_raises(IllegalStateError, "the wish is rejected")
    everywhere = Mandate(actor="p-5", role="worker", post_id="s", powers=frozenset({"wish.*"}))
    publish(by=everywhere).then_raises(NotFoundError, "no wish")
    publish(asked, by=lin).then_raises(ForbiddenError, "wish.publish")
    own = Mandate(actor="p-1", role="worker", post_id="s", powers=frozenset({"wish.*"}))
    publish(asked, by=own).then_raises(ForbiddenError, "their own wish")


def test_a_wish_is_rejected_with_a_reason():
    given(WISH, ID, asked).when(w.reject, by=staff, reason="no").then(rejected)
    given(WISH, ID, asked, rejected).when(w.reject, by=staff, reason="no").then_nothing()
    given(WISH, ID, *OPEN).when(w.reject, by=staff, reason="no").then_raises(IllegalStateError, "is published")
    given(WISH, ID, asked).when(w.reject, by=lin, reason="no").then_raises(ForbiddenError, "wish.publish")


def test_a_wish_nobody_works_on_is_withdrawn():
    for was, history in (("asked", (asked,)), ("published", OPEN)):
        expected = WishWithdrawn(wish_id=ID, reason="moved", was=was)
        given(WISH, ID, *history).when(w.withdraw, by=wisher, reason="moved").then(expected)
        given(WISH, ID, *history, expected).when(w.withdraw, by=staff, reason="moved").then_nothing()
    given(WISH, ID, *CLAIMED).when(w.withdraw, by=wisher, reason="x").then_raises(IllegalStateError, "is claimed")
    given(WISH, ID, *OPEN).when(w.withdraw, by=lin, reason="x").then_raises(ForbiddenError, "wish.publish")


def test_one_person_claims():
    claim(*OPEN).then(by_lin)
    claim(*CLAIMED).then_nothing()
    claim(*CLAIMED, by=wu).then_raises(IllegalStateError, "claimed already; it is free again on 2025-03-18")
    claim(*CLAIMED, by=wu, at=LAST_DAY).then_raises(IllegalStateError, "claimed already")


def test_a_claim_after_expiry_returns_the_wish_first():
    by_wu = WishClaimed(wish_id=ID, person_id="p-3", organisation_id="", expires="2025-03-19")
    claim(*CLAIMED, by=wu, at=EXPIRED, days=1).then(returned, by_wu)


def test_who_claims_is_registered_or_holds_a_post_and_is_not_the_wisher():
    claim(*OPEN, registered=False).then_raises(ForbiddenError, "register first")
    by_staff = WishClaimed(wish_id=ID, person_id="p-5", organisation_id="community", expires="2025-03-18")
    claim(*OPEN, by=staff, registered=False).then(by_staff)
    claim(*OPEN, by=wisher).then_raises(ForbiddenError, "their own wish")
    nobody = Mandate(actor="", role="x", powers=frozenset({"*"}))
    claim(*OPEN, by=nobody).then_raises(ForbiddenError, "sign in")
    claim(*OPEN, by=Mandate(actor="", role="anonymous", powers=ANONYMOUS)).then_raises(ForbiddenError, "wish.claim")


@pytest.mark.parametrize(
    ("history", "status"), [((asked,), "asked"), ((asked, rejected), "rejected"), (DONE, "fulfilled")]
)
def test_only_a_published_wish_is_claimed(history, status):
    claim(*history, by=wu).then_raises(IllegalStateError, f"the wish is {status}")


def test_a_claim_holds_1_to_90_days():
    for days in (0, 91):
        claim(*OPEN, days=days).then_raises(IllegalStateError, "1 to 90 days")
    claim().then_raises(NotFoundError, "no wish")


def release(*history, by, at=CLAIMED_AT):
    return given(WISH, ID, *history).when(w.release, by=by, at=at, reason="expired")


def test_a_claim_is_given_back_or_returned_after_expiry():
    release(*CLAIMED, by=lin).then(returned)
    release(*CLAIMED, by=staff, at=LAST_DAY).then_raises(IllegalStateError, "holds until 2025-03-18")
    release(*CLAIMED, by=staff, at=EXPIRED).then(returned)
    release(*CLAIMED, by=wu, at=EXPIRED).then_raises(ForbiddenError, "wish.publish")
    release(*OPEN, by=staff).then_raises(IllegalStateError, "no claim")


def fulfil(*history, by):
    return given(WISH, ID, *history).when(w.fulfil, by=by)


def test_the_claimant_fulfils_also_late():
    fulfil(*CLAIMED, by=lin).then(fulfilled)
    given(WISH, ID, *CLAIMED).when(w.fulfil, by=lin, at=EXPIRED).then(fulfilled)
    fulfil(*CLAIMED, by=staff).then(fulfilled)
    fulfil(*DONE, by=lin).then_nothing()
    fulfil(*CLAIMED, by=wu).then_raises(ForbiddenError, "wish.fulfil")
    fulfil(*CLAIMED, returned, by=lin).then_raises(ForbiddenError, "wish.fulfil")
    fulfil(*OPEN, by=staff).then_raises(IllegalStateError, "the wish is published")


def confirm(*history, by, note=""):
    return given(WISH, ID, *history).when(w.confirm, by=by, note=note)


def test_the_wisher_confirms_or_staff_say_how_they_know():
    confirm(*DONE, by=wisher).then(confirmed)
    confirm(*DONE, by=staff).then_raises(IllegalStateError, "how the wisher let you know")
    confirm(*DONE, by=staff, note="call").then(WishConfirmed(wish_id=ID, by_wisher=False, note="call"))
    confirm(*DONE, confirmed, by=wisher).then_nothing()
    confirm(*DONE, by=lin).then_raises(ForbiddenError, "wish.confirm")
    confirm(*CLAIMED, by=wisher).then_raises(IllegalStateError, "the wish is claimed")


def test_the_claimant_does_not_confirm():
    by_staff = WishClaimed(wish_id=ID, person_id="p-5", organisation_id="community", expires="2025-03-18")
    done = WishFulfilled(wish_id=ID, person_id="p-5", note="")
    confirm(*OPEN, by_staff, done, by=staff, note="I know").then_raises(ForbiddenError, "their own work")


def test_the_wisher_disputes_a_fulfilment():
    disputed = WishDisputed(wish_id=ID, reason="not yet")
    given(WISH, ID, *DONE).when(w.dispute, by=wisher, reason="not yet").then(disputed)
    given(WISH, ID, *DONE).when(w.dispute, by=lin, reason="x").then_raises(ForbiddenError, "wish.confirm")
    given(WISH, ID, *CLAIMED).when(w.dispute, by=wisher, reason="x").then_raises(IllegalStateError, "no fulfilment")
    fulfil(*DONE, disputed, by=lin).then(fulfilled)


def test_a_wisher_without_account_can_be_forgotten():
    erased = WisherErased(wish_id=ID, reason="asked for it")
    given(WISH, ID, unknown_wisher).when(w.erase, by=staff, reason="asked for it").then(erased)
    given(WISH, ID, unknown_wisher, erased).when(w.erase, by=staff, reason="asked for it").then_nothing()
    given(WISH, ID, asked).when(w.erase, by=staff, reason="x").then_raises(IllegalStateError, "erase the person")
    given(WISH, ID, unknown_wisher).when(w.erase, by=lin, reason="x").then_raises(ForbiddenError, "wish.erase")
    assert (w.subject("w-1", ""), w.subject("w-1", "p-1")) == ("wish:w-1", "p-1")

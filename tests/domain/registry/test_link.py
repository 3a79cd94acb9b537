"""Links as data: supporting units, pairing, services brought, clusters 1+N, posted cadres."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.definition import DEFINITION
from services.registry.link.linking import confirm_link, decline_link, end_link, log_delivery, propose_link
from services.registry.link.state import LINK, DeliveryLogged, LinkConfirmed, LinkDeclined, LinkEnded, LinkProposed
from shared.domain.city import City
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from tests.kit import given
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, OTHER_COMPOUND, entry
from tests.kit.rows import MemoryRows, city, record_of

CLUSTER = entry(
    "links",
    "cluster",
    near="place",
    near_of="compound",
    far="place",
    far_of="compound",
    far_cap=1,
    needs="hub",
    power="link.make",
)
PAIRING = entry("links", "pairing", near="organisation", far="organisation", cap=1, mutual=True, power="link.make")
HUB = {"template": "hub-conditions", "subject": COMPOUND, "unlocks": "hub"}
PAIR = LinkProposed(
    link_id="l-1",
    kind="pairing",
    kind_version=1,
    near="o-compound",
    far="o-housing",
    place=COMPOUND,
    far_place="350104.013",
    mutual=True,
    since="2025-03-01",
    terms="调解互助",
    person_id="p-any",
)
CONFIRMED = LinkConfirmed(link_id="l-1", since="2025-03-02", person_id="p-housing")
JOIN: dict[str, Any] = {"kind": "cluster", "near": COMPOUND, "far": OTHER_COMPOUND, "terms": "合聘保安"}
ASK: dict[str, Any] = {"kind": "pairing", "near": "o-compound", "far": "o-housing", "terms": "调解互助"}
OTHER_END = Mandate(actor="p-housing", role="r", place="350104.013", powers=frozenset({"link.*"}))


def known(*more: Any, links: tuple[tuple[str, Event], ...] = ()) -> City:
    """The small city with two kinds of links, and with links that there are."""
    found = city("2025-03-04", CLUSTER, PAIRING, *more)
    rows = MemoryRows([view for view in DEFINITION.all_views if view.name == "links" or view.name.startswith("city_")])
    rows.rows |= {name: dict(kept) for name, kept in found.rows.rows.items()}  # type: ignore[attr-defined]  # rows in memory
    for position, (id, event) in enumerate(links, 1):
        rows.apply(event, record_of(type(event).__name__, LINK.codec.encode(event), position, f"link-{id}"))
    return City(rows, "2025-03-04")


def test_a_mutual_link_holds_once_the_other_end_agrees() -> None:
    """Pairing is a relation of both; the proposer cannot agree for the other end, nor can who is not of its place (part of A34)."""
    spec = given(LINK, "l-1").when(propose_link, city=known(), since="2025-03-01", **ASK)
    spec.then(PAIR)
    given(LINK, "l-1", PAIR).when(confirm_link, by=OTHER_END).then(
        LinkConfirmed(link_id="l-1", since="2025-03-04", person_id="p-housing")
    )
    given(LINK, "l-1", PAIR).when(confirm_link).then_raises(ForbiddenError, "not who proposed it")
    here = Mandate(actor="p-grid", role="r", place=COMPOUND, powers=frozenset({"link.*"}))
    given(LINK, "l-1", PAIR).when(confirm_link, by=here).then_raises(ForbiddenError, "link.confirm|other end")
    declined = LinkDeclined(link_id="l-1", reason="人手不足")
    given(LINK, "l-1", PAIR).when(decline_link, by=OTHER_END, reason="人手不足").then(declined)
    again = given(LINK, "l-1", PAIR, declined).when(propose_link, city=known(), **ASK)
    assert [type(event) for event in again.ask(again.state)] == [LinkProposed]
    given(LINK, "l-1", PAIR, declined).when(confirm_link, by=OTHER_END).then_raises(IllegalStateError, "not possible")


def test_nothing_is_done_under_a_link_before_it_holds_or_after_it_ended() -> None:
    """Each delivery is dated within the agreement; one that is only proposed, or ended, takes none (A29, A34) (part of A27)."""
    ask = {"what": "送法进小区", "done_on": "2025-03-03"}
    logged = DeliveryLogged(link_id="l-1", done_on="2025-03-03", what="送法进小区")
    spec = given(LINK, "l-1", PAIR, CONFIRMED).when(log_delivery, **ask)
    assert spec.ask(spec.state) == [logged]
    given(LINK, "l-1", PAIR, CONFIRMED, logged).when(log_delivery, **ask).then()
    given(LINK, "l-1", PAIR).when(log_delivery, **ask).then_raises(IllegalStateError, "proposed")
    for day in ("2025-03-01", "2025-03-05"):
        given(LINK, "l-1", PAIR, CONFIRMED).when(log_delivery, **ask | {"done_on": day}).then_raises(
            IllegalStateError, f"not on {day}"
        )
    ended = LinkEnded(link_id="l-1", until="2025-03-04", reason="期满")
    given(LINK, "l-1", PAIR, CONFIRMED, logged).when(end_link, city=known(), reason="期满").then(ended)
    early = given(LINK, "l-1", PAIR, CONFIRMED, logged).when(end_link, city=known(), reason="期满", until="2025-03-02")
    early.then_raises(IllegalStateError, "2025-03-03, the last day")
    given(LINK, "l-1", PAIR, CONFIRMED, ended).when(log_delivery, **ask).then_raises(IllegalStateError, "ended")


def test_a_hub_has_passed_its_conditions_and_a_compound_joins_one_cluster() -> None:
    """1+N takes a hub whose conditions were judged; a compound that joined one cluster joins no other (part of E19, E33)."""
    given(LINK, "l-2").when(propose_link, city=known(), **JOIN).then_raises(IllegalStateError, "unlocks hub")
    able = known(("ChecklistPassed", HUB))
    spec = given(LINK, "l-2").when(propose_link, city=able, **JOIN)
    (joined,) = spec.ask(spec.state)
    assert (joined.mutual, joined.since) == (False, "2025-03-04")
    taken = known(("ChecklistPassed", HUB), links=(("l-9", joined),))
    given(LINK, "l-2").when(propose_link, city=taken, **JOIN).then_raises(
        IllegalStateError, "the most that it may have"
    )
    left = LinkEnded(link_id="l-9", until="2025-03-04", reason="退出")
    free = known(("ChecklistPassed", HUB), links=(("l-9", joined), ("l-9", left)))
    again = given(LINK, "l-2").when(propose_link, city=free, **JOIN)
    assert len(again.ask(again.state)) == 1


@pytest.mark.parametrize(
    ("ask", "error", "why"),
    [
        ({"far": BUILDING}, BadInputError, "for compound only"),
        ({"near": "350104.099"}, NotFoundError, "there is no"),
        ({"far": COMPOUND}, BadInputError, "to itself"),
        ({"kind": "marriage"}, BadInputError, "not on the city's list"),
        ({"since": "2025-03-05"}, IllegalStateError, "up to 2025-03-04"),
    ],
)
def test_what_cannot_be_linked(ask: dict[str, Any], error: Any, why: str) -> None:
    """Ends of another kind, ends that are not there, the same twice, days ahead (part of E19)."""
    able = known(("ChecklistPassed", HUB))
    given(LINK, "l-2").when(propose_link, city=able, **JOIN | ask).then_raises(error, why)


def test_the_same_link_is_not_made_twice_and_takes_the_power_of_its_kind() -> None:
    """Other terms are a new link after the old one ended (part of A34)."""
    same = given(LINK, "l-1", PAIR).when(propose_link, city=known(), since="2025-03-01", **ASK)
    same.then_nothing()
    other = given(LINK, "l-1", PAIR).when(propose_link, city=known(), **ASK | {"terms": "别的"})
    other.then_raises(IllegalStateError, "linked already")
    weak = Mandate(actor="p", role="r", place=COMMUNITY, powers=frozenset({"link.confirm"}))
    given(LINK, "l-1").when(propose_link, by=weak, city=known(), **ASK).then_raises(ForbiddenError, "link.make")


def test_a_link_is_ended_by_who_has_the_power_of_its_kind_and_offered_to_nobody_else() -> None:
    """A kind may ask for a power of its own: who only makes other links neither ends it nor is offered to (part of A34)."""
    kind = entry("links", "pairing", near="organisation", far="organisation", mutual=True, power="link.make.pairs")
    there = known(kind)
    weak = Mandate(actor="p", role="r", place=COMPOUND, powers=frozenset({"link.make"}))
    strong = Mandate(actor="p", role="r", place=COMPOUND, powers=frozenset({"link.make", "link.make.pairs"}))
    spec = given(LINK, "l-1", PAIR, CONFIRMED)
    spec.when(end_link, by=weak, city=there, reason="期满").then_raises(ForbiddenError, "link.make.pairs")
    offered = [LINK.commands["end_link"].offered(spec.state, by, there) for by in (weak, strong)]
    assert offered == [False, True]

"""Standings as data: modes and provision of compounds, 三无 and 三有, one code at a time."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.place.naming import register_place
from services.registry.place.state import PLACE, PlaceRegistered
from services.registry.standing import (
    STANDING,
    Standing,
    StandingDecided,
    StandingEnded,
    decide_standing,
    end_standing,
    standing_id,
)
from shared.domain.catalogue import whole
from shared.domain.command import on
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.mandate import Mandate
from tests.domain.registry.facts import CODES
from tests.kit import ANYONE, given
from tests.kit.city import BUILDING, COMMUNITY, COMPOUND, entry
from tests.kit.rows import city
from tests.kit.spec import folded

MODES = [("joint", "三方联动自管"), ("unit", "单位院落自管"), ("joined", "片区联合自管"), ("members", "党员带居民自管")]
MODE = entry(
    "schemes",
    "mode",
    subject="place",
    of="compound",
    codes=[{"code": code, "zh": zh, "en": code, "needs": "market" if code == "joint" else ""} for code, zh in MODES],
    total=True,
    power="standing.decide",
)
PROPERTY = entry(
    "schemes",
    "party-led-property",
    subject="organisation",
    of="party",
    codes=[{"code": "red", "zh": "红色物业", "en": "Party-led", "needs": ""}],
    total=False,
    power="standing.decide",
)
CITY = city("2025-03-04", MODE, PROPERTY)
ID = standing_id("mode", COMPOUND)
FIRST = StandingDecided(
    standing_id=ID,
    scheme="mode",
    scheme_version=1,
    subject=COMPOUND,
    place=COMPOUND,
    code="unit",
    code_zh="单位院落自管",
    code_en="unit",
    former="",
    since="2025-01-10",
    grounds="社区党委决议〔2025〕3号",
)
ASK: dict[str, Any] = {
    "city": CITY,
    "scheme": "mode",
    "subject": COMPOUND,
    "code": "members",
    "grounds": "原单位撤销，社区党委决议〔2025〕9号",
    "since": "2025-03-01",
}


def test_a_compound_has_one_mode_and_a_change_names_its_grounds_and_the_former() -> None:
    """The mode is a dated attribute; the new code takes the place of the old one, and the same again writes nothing (part of E16)."""
    changed = StandingDecided(
        standing_id=ID,
        scheme="mode",
        scheme_version=1,
        subject=COMPOUND,
        place=COMPOUND,
        code="members",
        code_zh="党员带居民自管",
        code_en="members",
        former="unit",
        since="2025-03-01",
        grounds=ASK["grounds"],
    )
    given(STANDING, ID, FIRST).when(decide_standing, **ASK).then(changed)
    given(STANDING, ID, FIRST, changed).when(decide_standing, **ASK).then_nothing()
    again = ASK | {"grounds": "又一份决议"}
    given(STANDING, ID, FIRST, changed).when(decide_standing, **again).then_raises(IllegalStateError, "already")


def test_only_codes_of_the_scheme_and_subjects_of_its_kind() -> None:
    """A code beyond the partition, a building with a compound's mode, and what is not there are refused (part of X03)."""
    spec = given(STANDING, ID, FIRST)
    spec.when(decide_standing, **ASK | {"code": "market"}).then_raises(BadInputError, "no code of mode; known: joint")
    spec.when(decide_standing, **ASK | {"scheme": "colour"}).then_raises(BadInputError, "not on the city's list")
    for subject, error in ((BUILDING, BadInputError), ("350104.099", NotFoundError), ("o-compound", NotFoundError)):
        fresh = given(STANDING, standing_id("mode", subject))
        fresh.when(decide_standing, **ASK | {"subject": subject}).then_raises(error, "for compound only|there is no")


@pytest.mark.parametrize("since", ["2025-01-09", "2025-03-05"])
def test_it_holds_from_a_day_between_the_last_decision_and_today(since: str) -> None:
    """Nothing is decided ahead, nor before what was decided last (part of E16)."""
    given(STANDING, ID, FIRST).when(decide_standing, **ASK | {"since": since}).then_raises(IllegalStateError, "up to")


def test_a_mode_with_conditions_takes_a_passed_checklist() -> None:
    """Joint running presupposes that the compound's conditions were judged; without them it is refused (part of E17, E33)."""
    ask = ASK | {"code": "joint"}
    given(STANDING, ID, FIRST).when(decide_standing, **ask).then_raises(IllegalStateError, "presupposes a passed")
    passed = {"template": "market-capable", "subject": COMPOUND, "unlocks": "market"}
    able = city("2025-03-04", MODE, ("ChecklistPassed", passed))
    spec = given(STANDING, ID, FIRST).when(decide_standing, **ask | {"city": able})
    (decided,) = spec.ask(spec.state)
    assert (decided.code, decided.former) == ("joint", "unit")


def test_it_takes_the_schemes_power_at_the_place() -> None:
    """Who lacks the power, or has it elsewhere, decides nothing (part of E16)."""
    there = Mandate(actor="p", role="r", place=COMMUNITY, powers=frozenset({"standing.decide"}))
    elsewhere = Mandate(actor="p", role="r", place="350104.013.003", powers=frozenset({"standing.decide"}))
    nobody = Mandate(actor="p", role="r", place=COMMUNITY, powers=frozenset({"checklist.*"}))
    spec = given(STANDING, ID, FIRST).when(decide_standing, by=there, **ASK)
    assert len(spec.ask(spec.state)) == 1
    for by in (elsewhere, nobody):
        given(STANDING, ID, FIRST).when(decide_standing, by=by, **ASK).then_raises(ForbiddenError, "standing.decide")


def test_what_is_total_changes_and_what_is_not_may_end() -> None:
    """An organisation's standing ends with a reason; a compound is never without its mode (part of B48, X03)."""
    mode = given(STANDING, ID, FIRST)
    mode.when(end_standing, city=CITY, reason="取消").then_raises(IllegalStateError, "instead")
    assert not STANDING.commands["end_standing"].offered(mode.state, ANYONE, CITY), "nor is it offered"
    id = standing_id("party-led-property", "o-compound")
    spec = given(STANDING, id).when(
        decide_standing, city=CITY, scheme="party-led-property", subject="o-compound", code="red", grounds="考评"
    )
    (red,) = spec.ask(spec.state)
    ended = StandingEnded(
        standing_id=id,
        scheme="party-led-property",
        subject="o-compound",
        former="red",
        until="2025-03-04",
        reason="考评不合格",
    )
    given(STANDING, id, red).when(end_standing, city=CITY, reason="考评不合格").then(ended)
    assert STANDING.commands["end_standing"].offered(given(STANDING, id, red).state, ANYONE, CITY)
    given(STANDING, id, red, ended).when(end_standing, city=CITY, reason="考评不合格").then_raises(
        IllegalStateError, "ended"
    )
    again = given(STANDING, id, red, ended).when(
        decide_standing,
        city=CITY,
        scheme="party-led-property",
        subject="o-compound",
        code="red",
        grounds="再次考评",
    )
    (anew,) = again.ask(again.state)
    assert anew.former == ""


NEW = "350104.013.002.009"
REGISTER: dict[str, Any] = {
    "kind": "compound",
    "name": "新院",
    "name_en": "New yard",
    "parent": COMMUNITY,
    "above": folded(
        PLACE, COMMUNITY, PlaceRegistered(place=COMMUNITY, kind="community", name="社", name_en="", parent="350104.013")
    ),
    "codes": CODES,
    "city": CITY,
}


def test_a_compound_is_registered_with_its_mode_or_not_at_all() -> None:
    """Both facts are one record; without the mode, or with a code of none, nothing is registered (part of X03)."""
    id = standing_id("mode", NEW)
    held = {id: Standing(id)}
    registered = PlaceRegistered(place=NEW, kind="compound", name="新院", name_en="New yard", parent=COMMUNITY)
    first = StandingDecided(
        standing_id=id,
        scheme="mode",
        scheme_version=1,
        subject=NEW,
        place=NEW,
        code="members",
        code_zh="党员带居民自管",
        code_en="members",
        former="",
        since="2025-03-04",
        grounds="",
    )
    ask = REGISTER | {"standings": {"mode": "members"}, "held": held}
    given(PLACE, NEW).when(register_place, **ask).then(registered, on(STANDING, id, first))
    given(PLACE, NEW).when(register_place, **REGISTER | {"standings": {}, "held": {}}).then_raises(
        IllegalStateError, "exactly one code"
    )
    conditional = ask | {"standings": {"mode": "joint"}}
    given(PLACE, NEW).when(register_place, **conditional).then_raises(IllegalStateError, "has conditions")
    wrong = ask | {"standings": {"mode": "red"}}
    given(PLACE, NEW).when(register_place, **wrong).then_raises(BadInputError, "no code of mode")
    building = ask | {"kind": "building"}
    given(PLACE, NEW).when(register_place, **building).then_raises(BadInputError, "not for places of the kind building")


def test_an_entry_that_was_stored_before_its_schema_grew_is_the_same_entry() -> None:
    """What its kind came to have since is added as it is left out; what does not fit any more stays as it was stored."""
    (one, *_others) = whole("schemes", MODE[1]["data"])["codes"]
    grown = {"bodies": [], "described": [], "linked": [], "unlinked": []}
    assert one == {"code": "joint", "zh": "三方联动自管", "en": "joint", "needs": "market"} | grown
    assert whole("schemes", {"codes": "none"}) == {"codes": "none"}

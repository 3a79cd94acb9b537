"""Catalogue entries: one version after the other, only data that fit, nothing that is in use is retired."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.entry.adopting import adopt_entry
from services.registry.entry.checks import is_power
from services.registry.entry.state import ENTRY, EntryAdopted
from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.domain.registry.facts import NOBODY, PROFILE, city
from tests.kit import given
from tests.kit.desk import Desk

LAMP: dict[str, Any] = {"kind": "issue_categories", "code": "lamp.street", "zh": "路灯", "en": "street lamps"}
ADOPTED = EntryAdopted(**LAMP, version=1, since="2025-03-04", data={})


def adopt(desk: Desk, by: str = "operator", **ask: Any) -> Any:
    return desk.ask("adopt_entry", by, **LAMP | ask)


def retire(desk: Desk, kind: str, code: str, **ask: Any) -> Any:
    return desk.ask("retire_entry", "operator", kind=kind, code=code, **{"reason": "合并"} | ask)


def codes(desk: Desk, kind: str, **ask: Any) -> list[str]:
    return [row["code"] for row in desk.ask("find_entries", kind=kind, **ask)["rows"]]


def test_an_entry_is_adopted_and_versions_grow(desk: Desk) -> None:
    spec = given(ENTRY, "issue_categories.lamp.street").when(adopt_entry, city=city(), data={}, **LAMP)
    assert spec.ask(spec.state) == [ADOPTED]
    assert adopt(desk)["events"] == 1
    assert adopt(desk)["events"] == 0
    adopt(desk, zh="路灯和强电")
    found = desk.ask("get_entry", kind="issue_categories", code="lamp.street")
    assert [(one["version"], one["zh"], one["since"]) for one in found["versions"]] == [(2, "路灯和强电", "2025-03-04")]
    assert (found["version"], found["actions"]) == (2, [])
    assert codes(desk, "issue_categories") == ["lamp", "lamp.street"]
    assert codes(desk, "issue_categories", on="2025-03-03") == ["lamp"]


def test_the_version_before_holds_until_the_next_begins(desk: Desk) -> None:
    adopt(desk, since="2025-01-01")
    adopt(desk, since="2025-02-01", zh="路灯和强电")
    first, second = desk.ask("get_entry", kind="issue_categories", code="lamp.street")["versions"]
    assert (first["since"], first["until"], second["since"], second["until"]) == (
        "2025-01-01",
        "2025-02-01",
        "2025-02-01",
        "",
    )
    with pytest.raises(IllegalStateError, match="holds since 2025-02-01"):
        adopt(desk, since="2025-01-31", zh="灯")
    with pytest.raises(IllegalStateError, match="not ahead"):
        adopt(desk, since="2025-03-05", zh="灯")


def test_an_entry_is_retired_and_may_come_back(desk: Desk) -> None:
    adopt(desk, since="2025-01-01")
    retire(desk, "issue_categories", "lamp.street", until="2025-02-01")
    assert retire(desk, "issue_categories", "lamp.street")["events"] == 0
    assert codes(desk, "issue_categories") == ["lamp"]
    with pytest.raises(IllegalStateError, match="on 2025-02-01 already"):
        retire(desk, "issue_categories", "lamp.street", until="2025-03-01")
    with pytest.raises(IllegalStateError, match="holds since 2025-02-01"):
        adopt(desk, since="2025-01-15")
    adopt(desk)
    found = desk.ask("get_entry", "operator", kind="issue_categories", code="lamp.street")
    assert (found["version"], found["actions"]) == (2, ["adopt_entry", "retire_entry"])
    with pytest.raises(NotFoundError, match="castle is not on"):
        retire(desk, "place_kinds", "castle")


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("levels", "building", "in use 2 times"),
        ("levels", "area", ""),
        ("levels", "community", "in use 1 times"),
        ("roles", "secretary", "in use 1 times"),
        ("roles", "resident", "rules of the program"),
        ("parameters", "claim_days", "rules of the program"),
        ("organisation_types", "party", "in use 5 times"),
        ("organisation_types", "council", ""),
        ("organisation_types", "board", "another entry names it"),
        ("place_kinds", "street", "in use 1 times"),
        ("place_kinds", "yard", ""),
        ("measures", "area", ""),
        ("channels", "visit", "at least one code"),
    ],
)
def test_what_is_in_use_stays(desk: Desk, kind: str, code: str, reason: str) -> None:
    if not reason:
        assert retire(desk, kind, code)["events"] == 1
        return
    with pytest.raises(IllegalStateError, match="must stay on the list") as refused:
        retire(desk, kind, code)
    assert reason in refused.value.fields["code"]


def test_a_level_that_a_role_names_and_a_measure_that_was_taken_stay(desk: Desk) -> None:
    adopt(desk, kind="roles", code="mediator", zh="调解员", en="mediator", data={"level": "area"})
    with pytest.raises(IllegalStateError, match="must stay") as refused:
        retire(desk, "levels", "area")
    assert "another entry names it" in refused.value.fields["code"]
    desk.ask("measure_place", "operator", place="350104.013.002.007", measure="area", value=1, unit="m2")
    with pytest.raises(IllegalStateError, match="must stay"):
        retire(desk, "measures", "area")
    owed = {"cadence": "year", "bearer": "council", "power": "registry.place"}
    adopt(desk, kind="obligations", code="report", zh="述职", en="report", data=owed)
    with pytest.raises(IllegalStateError, match="must stay"):
        retire(desk, "organisation_types", "council")


@pytest.mark.parametrize(
    ("kind", "code", "data", "part", "reason"),
    [
        ("levels", "hamlet", {}, "rank", "is missing"),
        ("levels", "hamlet", {"rank": 0}, "rank", "from 1 to 1000"),
        ("severities", "huge", {"rank": "3"}, "rank", "whole number"),
        ("channels", "fax", {"rank": 1}, "rank", "not asked for"),
        ("parameters", "claim_days", {"value": 366}, "value", "from 1 to 365"),
        ("roles", "mediator", {"level": "hamlet"}, "level", "list levels"),
        ("roles", "mediator", {"powers": ["do it"]}, "powers", "must be a power"),
        ("roles", "mediator", {"powers": ["registry.sing"]}, "powers", "no command asks for it"),
        ("windows", "issue.resolv", {"days": 3}, "code", "no command has this name"),
        ("obligations", "report", {"cadence": "fortnight", "bearer": "party"}, "cadence", "must be one of year"),
        ("obligations", "report", {"cadence": "year", "bearer": "club"}, "bearer", "list organisation_types"),
        ("review_bodies", "board", {}, "type", "is missing"),
        ("review_bodies", "board", {"type": "club"}, "type", "list organisation_types"),
        ("parameters", "bills_needed", {"value": 2}, "value", "from 0 to 1"),
        ("checklists", "star", {"subject": "place", "items": [], "power": "registry.place"}, "items", "1 to 200"),
        ("checklists", "star", {"subject": "place", "items": [{"code": "a"}], "power": "x.y"}, "items", "is missing"),
    ],
)
def test_data_that_do_not_fit_are_named(
    read_only: Desk, kind: str, code: str, data: dict[str, Any], part: str, reason: str
) -> None:
    with pytest.raises(BadInputError, match="do not fit the list") as refused:
        adopt(read_only, kind=kind, code=code, data=data)
    assert reason in str(refused.value.fields["data"][part])


def test_parameters_are_those_that_rules_read(read_only: Desk) -> None:
    with pytest.raises(BadInputError, match="no rule reads the parameter claim_day; known: .*claim_days"):
        adopt(read_only, kind="parameters", code="claim_day", data={"value": 3})
    with pytest.raises(BadInputError) as refused:
        adopt(read_only, kind="castles")
    assert "must be one of levels" in refused.value.fields["kind"][0]


def test_a_power_is_what_something_asks_for() -> None:
    assert is_power("registry.place") and is_power("issue.*") and is_power("*")
    assert not is_power("registry.sing") and not is_power("castle.build")


def test_powers_follow_the_entry_at_once(desk: Desk) -> None:
    """What a role may do is data (part of C13)."""
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin")
    yard = {"place": "350104.013.002.009", "kind": "yard", "name": "院落", "parent": "350104.013.002"}
    with pytest.raises(ForbiddenError, match="registry.place"):
        desk.ask("register_place", "post-grid", **yard)
    data = {"level": "community", "powers": ["registry.place"], "intake": 1}
    adopt(desk, kind="roles", code="grid_worker", zh="网格员", en="grid worker", data=data)
    desk.ask("register_place", "post-grid", **yard)


def test_it_takes_the_power(read_only: Desk) -> None:
    given(ENTRY, "x").when(adopt_entry, by=NOBODY, city=city(), data={}, **LAMP).then_raises(
        ForbiddenError, "registry.profile"
    )
    for by in ("", "p-lin", "post-secretary"):
        with pytest.raises(ForbiddenError, match="registry.profile"):
            adopt(read_only, by)


def test_a_role_keeps_its_powers_while_nobody_else_takes_in_issues(desk: Desk) -> None:
    """By an entry and by a document: every place has a last resort (part of X13)."""
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-01-01")
    worker = desk.node.city("2025-03-04").entries("roles")["grid_worker"].data
    named: dict[str, Any] = {"kind": "roles", "code": "grid_worker", "zh": "网格员", "en": "grid worker"}
    adopt(desk, **named, data=worker | {"powers": ["issue.*"]})
    for data in (worker | {"powers": ["money.read"]}, worker | {"powers": ["issue.*"], "intake": 0}):
        with pytest.raises(IllegalStateError, match="nobody who holds a post would take in issues"):
            adopt(desk, **named, data=data)
    document = PROFILE | {
        "version": 9,
        "effective": "2025-03-04",
        "powers": PROFILE["powers"] | {"grid_worker": ["money.read"]},
    }
    with pytest.raises(IllegalStateError, match="nobody who holds a post would take in issues"):
        desk.ask("adopt_profile", "operator", profile_id="fuzhou", **document)
    adopt(desk, **named, data=worker | {"powers": ["issue.triage"]})
    other: dict[str, Any] = {"kind": "roles", "code": "secretary", "zh": "书记", "en": "secretary"}
    adopt(desk, **other, data={"powers": ["issue.*"], "intake": 2})
    adopt(desk, **named, data=worker | {"powers": ["money.read"]})

"""Standings at the registry's desk: partitions of all compounds at every position, figures of any day, codes that stay."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from tests.desk.registry.founding import founded
from tests.domain.registry.facts import COMPOUND, STREET, words
from tests.kit.desk import Desk

#: Who provides the basic service of Fancheng's compounds.
PROVISION = {"company": 212, "unit": 301, "self_governed": 121, "community": 370}


def city(folder: Path) -> Desk:
    """The founded city, whose secretary may decide standings."""
    desk = founded(folder)
    role = {"kind": "roles", "code": "secretary", **words("secretary")}
    desk.ask("adopt_entry", "operator", **role, data={"powers": ["registry.appoint", "standing.decide"]})
    return desk


def adopt(desk: Desk, scheme: str, *codes: str, **more: Any) -> Any:
    """Adopt a scheme for compounds."""
    listed = [{"code": code, **words(code)} for code in codes]
    data = {"subject": "place", "of": "compound", "codes": listed, "power": "standing.decide"} | more
    return desk.ask(
        "adopt_entry", "operator", kind="schemes", code=scheme, **words(scheme), data=data, since="2025-01-01"
    )


def register(desk: Desk, number: int, **standings: str) -> Any:
    parent = f"{STREET}.{100 + number % 22}"
    named = {"place": f"{parent}.c{number}", "kind": "compound", "name": f"第{number}院", "parent": parent}
    return desk.ask("register_place", "operator", **named, standings=standings)


def test_all_compounds_are_partitioned_at_every_position(tmp_path: Path) -> None:
    """212 + 301 + 121 + 370 = 1,004; at no position is there a compound without its code, or with two (part of E21, E22, X03)."""
    desk = city(tmp_path)
    adopt(desk, "provision", *PROVISION, total=True)
    for number in range(100, 122):
        place = {"place": f"{STREET}.{number}", "kind": "community", "name": f"第{number}社区", "parent": STREET}
        desk.ask("register_place", "operator", **place)
    kinds = [code for code, count in PROVISION.items() for _ in range(count)]
    before = desk.log.head().position
    with pytest.raises(IllegalStateError, match="exactly one code"):
        register(desk, 0)
    assert desk.log.head().position == before
    for number, code in enumerate(kinds, 1):
        register(desk, number, provision=code)
    figures = desk.ask("standing_figures", scheme="provision", place=STREET)
    assert figures["codes"] == PROVISION
    # the compound that was registered before the scheme was adopted has none, and is named
    assert (figures["standing"], figures["subjects"], figures["without"]) == (1004, 1005, 1)
    assert figures["missing"] == [COMPOUND]
    registered: set[str] = set()
    codes: dict[str, str] = {}
    ends: set[int] = {record.commit_position + record.commit_size - 1 for record in desk.log.read(before)}
    for record in desk.log.read(before):
        data = msgspec.json.decode(record.data)
        if record.type == "PlaceRegistered":
            registered.add(data["place"])
        else:
            codes[data["subject"]] = data["code"]
        if record.position in ends:
            assert set(codes) == registered
    assert Counter(codes.values()) == PROVISION
    desk.close()


def test_figures_are_those_of_the_day(tmp_path: Path) -> None:
    """What compounds were on a day stays, whatever is decided later; what is corrected on its first day never held (part of A01, X01)."""
    desk = city(tmp_path)
    adopt(desk, "managed", "without", "with")
    ask = {"scheme": "managed", "subject": COMPOUND, "grounds": "决议"}

    def on(day: str) -> dict[str, int]:
        figures = desk.ask("standing_figures", scheme="managed", on=day)
        assert sum(figures["codes"].values()) == figures["standing"]
        return {code: count for code, count in figures["codes"].items() if count}

    desk.ask("decide_standing", "post-secretary", at="2025-03-01T09:00:00+08:00", code="without", **ask)
    for code in ("with", "without"):
        desk.ask("decide_standing", "post-secretary", at="2025-03-03T09:00:00+08:00", code=code, **ask)
    receipt = desk.ask("decide_standing", "post-secretary", at="2025-03-04T09:00:00+08:00", code="with", **ask)
    assert (on("2025-02-28"), on("2025-03-03"), on("2025-03-04")) == ({}, {"without": 1}, {"with": 1})
    row = desk.ask("get_standing", standing_id=receipt["id"])
    assert [(one["code"], one["since"], one["until"]) for one in row["history"]] == [
        ("without", "2025-03-01", "2025-03-03"),
        ("with", "2025-03-03", "2025-03-03"),
        ("without", "2025-03-03", "2025-03-04"),
        ("with", "2025-03-04", ""),
    ]
    (shown,) = desk.ask("find_standings", scheme="managed", code="with")["rows"]
    assert shown["subject"] == COMPOUND and not desk.ask("find_standings", scheme="managed", code="without")["rows"]
    desk.close()


def test_a_scheme_keeps_the_codes_that_something_is(tmp_path: Path) -> None:
    """A version that drops a code in use is refused and named; one that drops an unused code is adopted (part of X03)."""
    desk = city(tmp_path)
    adopt(desk, "mode", "joint", "unit", "members")
    desk.ask("decide_standing", "post-secretary", scheme="mode", subject=COMPOUND, code="unit", grounds="决议")
    with pytest.raises(IllegalStateError) as refused:
        adopt(desk, "mode", "joint", "members")
    assert "unit (1)" in str(refused.value.fields["data"]["codes"])
    adopt(desk, "mode", "unit", "members")
    with pytest.raises(IllegalStateError):
        desk.ask("retire_entry", "operator", kind="schemes", code="mode", reason="不用了")
    with pytest.raises(IllegalStateError):
        desk.ask("retire_entry", "operator", kind="place_kinds", code="compound", reason="不用了")
    with pytest.raises(BadInputError) as wrong:
        adopt(desk, "other", "a", "a", of="castle")
    assert set(wrong.value.fields["data"]) == {"of", "codes"}
    desk.close()

"""Links at the registry's desk: coverage of compounds by stationed posts, counted by distinct ends, as of any day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from tests.desk.registry.founding import founded
from tests.domain.registry.facts import COMMUNITY, COMPOUND, words


def test_stationed_cadres_cover_compounds_and_each_end_counts_once(tmp_path: Path) -> None:
    """One post in two compounds is one cadre; the compound without one is named; yesterday's figure stays (E13, E14)."""
    desk = founded(tmp_path)
    other = f"{COMMUNITY}.008"
    place = {"place": other, "kind": "compound", "name": "邻家园", "parent": COMMUNITY}
    third = {"place": f"{COMMUNITY}.009", "kind": "compound", "name": "三角池", "parent": COMMUNITY}
    for one in (place, third):
        desk.ask("register_place", "operator", **one)
    role = {"kind": "roles", "code": "secretary", **words("secretary"), "data": {"powers": ["link.*"]}}
    desk.ask("adopt_entry", "operator", **role)
    data: dict[str, Any] = {"near": "post", "far": "place", "far_of": "compound", "target": 2, "cap": 2}
    stationed = {"kind": "links", "code": "stationed", **words("stationed"), "since": "2025-01-01"}
    desk.ask("adopt_entry", "operator", **stationed, data=data)
    with pytest.raises(BadInputError) as wrong:
        desk.ask("adopt_entry", "operator", **stationed | {"code": "x"}, data=data | {"far_of": "castle"})
    assert list(wrong.value.fields["data"]) == ["far_of"]

    def station(far: str, day: str) -> Any:
        ask = {"kind": "stationed", "near": "post-grid", "far": far, "terms": "常驻"}
        return desk.ask("propose_link", "post-secretary", at=f"{day}T10:00:00+08:00", **ask)

    first = station(COMPOUND, "2025-03-04")
    station(other, "2025-03-05")
    with pytest.raises(IllegalStateError, match="has 2 links"):
        station(f"{COMMUNITY}.009", "2025-03-05")

    def figures(day: str) -> tuple[int, int, int, int, list[str], int]:
        found = desk.ask("link_figures", kind="stationed", place=COMMUNITY, on=day)
        far = found["far"]
        return (
            found["links"],
            found["near"]["linked"],
            far["linked"],
            far["subjects"],
            far["missing"],
            found["at_target"],
        )

    assert figures("2025-03-04")[:4] == (1, 1, 1, 3)
    assert figures("2025-03-05") == (2, 1, 2, 3, [f"{COMMUNITY}.009"], 1)
    desk.ask("end_link", "post-secretary", at="2025-03-06T09:00:00+08:00", link_id=first["id"], reason="调离")
    assert figures("2025-03-05")[:3] == (2, 1, 2), "what held yesterday held"
    assert figures("2025-03-06")[0] == 1
    assert figures("2025-03-06")[4] == [COMPOUND, f"{COMMUNITY}.009"]
    row = desk.ask("get_link", link_id=first["id"])
    assert row["history"] == [{"since": "2025-03-04", "until": "2025-03-06"}]
    with pytest.raises(IllegalStateError):
        desk.ask("retire_entry", "operator", kind="links", code="stationed", reason="不用了")
    desk.close()

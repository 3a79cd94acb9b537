"""Wishes of a place that ends: the open ones follow, those that are over stay, and nothing new is asked there."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.errors import IllegalStateError
from tests.desk.volunteers.test_wall import ask, claimed
from tests.domain.volunteers.people import small_city
from tests.kit.city import COMPOUND, OTHER_COMPOUND
from tests.kit.desk import Desk


def test_open_wishes_go_to_the_heir_and_rejected_ones_stay(tmp_path: Path) -> None:
    desk = Desk("volunteers", tmp_path, small_city())
    claimed(desk, "w-claimed", 5, place=COMPOUND)
    for id in ("w-asked", "w-rejected"):
        ask(desk, id, COMPOUND)
    desk.ask("reject_wish", "post-worker", wish_id="w-rejected", reason="不宜公开")
    end = {"place": COMPOUND, "change": "moved", "successors": [OTHER_COMPOUND], "heir": OTHER_COMPOUND}
    for _twice in range(2):
        desk.tell("registry", "PlaceEnded", since="2025-03-04", reason="区划调整", **end)
    rows = {id: desk.node.views.get("wishes", id) or {} for id in ("w-claimed", "w-asked", "w-rejected")}
    assert {id: row["place"] for id, row in rows.items()} == {
        "w-claimed": OTHER_COMPOUND,
        "w-asked": OTHER_COMPOUND,
        "w-rejected": COMPOUND,
    }
    assert rows["w-claimed"]["claimant"] == "p-lin" and rows["w-claimed"]["status"] == "claimed"
    assert sum(record.type == "WishRelocated" for record in desk.log.read(0)) == 2, "told twice, moved once"
    sums = {
        place: (desk.node.views.get("wish_sums", place) or {}).get("wishes") for place in (COMPOUND, OTHER_COMPOUND)
    }
    assert sums == {COMPOUND: {"rejected": 1}, OTHER_COMPOUND: {"claimed": 1, "asked": 1}}
    with pytest.raises(IllegalStateError, match=f"it is .*{OTHER_COMPOUND}.* now"):
        ask(desk, "w-late", COMPOUND)
    desk.close()

"""Names of what stands beside each other can be told apart by whoever reads them."""

from __future__ import annotations

import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from shared.domain.fields import look
from tests.kit.city import COMMUNITY, COMPOUND
from tests.kit.desk import Desk

#: What reads as 联邦新城ABC, or cannot be told from it.
TWINS = ["联邦新城ABC", "联邦新城ＡＢＣ", "联邦新城abc", "联邦 新城 ABC", "联邦\u3000新城ABC", "联邦新城ⒶBC"]
UNSEEN = ["联邦\u200b新城", "联邦\ufe0f新城", "联邦\u3164新城", "联邦\u2800新城", "联邦\u034f新城", "联邦\u00ad新城"]


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_holds_nothing_invisible(read_only: Desk, name: str) -> None:
    ask = {"place": f"{COMMUNITY}.901", "kind": "compound", "name": name, "parent": COMMUNITY}
    with pytest.raises(BadInputError) as refused:
        read_only.ask("register_place", "operator", **ask)
    assert set(refused.value.fields) == {"name"}


def test_places_of_one_parent_differ_visibly(desk: Desk) -> None:
    beside = {"kind": "compound", "parent": COMMUNITY}
    desk.ask("register_place", "operator", place=f"{COMMUNITY}.901", name=TWINS[0], **beside)
    for name in TWINS:
        with pytest.raises(IllegalStateError, match="联邦新城ABC here already"):
            desk.ask("register_place", "operator", place=f"{COMMUNITY}.902", name=name, **beside)
    desk.ask("register_place", "operator", place=f"{COMMUNITY}.902", name="联邦新城ABD", **beside)
    elsewhere = {"place": f"{COMPOUND}.91", "kind": "building", "parent": COMPOUND}
    assert desk.ask("register_place", "operator", name=TWINS[0], **elsewhere)["events"] == 1
    assert desk.ask("register_place", "operator", place=f"{COMMUNITY}.901", name=TWINS[0], **beside)["events"] == 0


def test_organisations_of_one_parent_differ_visibly_while_they_stand(desk: Desk) -> None:
    ask = {"type": "party", "level": "building", "place": COMPOUND, "parent_id": "branch", "since": "2025-01-01"}
    desk.ask("establish_organisation", "operator", organisation_id="g-1", name="第一党小组", **ask)
    for name in ("第一党小组", "第一 党小组"):
        with pytest.raises(IllegalStateError, match="第一党小组 here already"):
            desk.ask("establish_organisation", "operator", organisation_id="g-2", name=name, **ask)
    end = {"until": "2025-02-01", "reason": "合并"}
    desk.ask("dissolve_organisation", "operator", organisation_id="g-1", **end)
    assert (
        desk.ask("establish_organisation", "operator", organisation_id="g-2", name="第一党小组", **ask)["events"] == 1
    )


def test_what_looks_alike_is_one() -> None:
    assert len({look(name) for name in [*TWINS, *UNSEEN]}) == 2
    assert look("一号楼") != look("二号楼") and look("1号楼") != look("2号楼")


def test_a_renamed_place_is_called_so_everywhere_and_by_its_old_name_on_earlier_days(desk: Desk) -> None:
    path, beside = f"{COMMUNITY}.901", {"kind": "compound", "parent": COMMUNITY}
    desk.ask("register_place", "operator", place=path, name="旧苑", **beside)
    desk.ask("register_place", "operator", place=f"{COMMUNITY}.902", name="邻苑", **beside)
    with pytest.raises(IllegalStateError, match="邻苑 here already"):
        desk.ask("rename_place", "operator", place=path, name="邻 苑", since="2020-01-01")
    for _twice in range(2):
        desk.ask("rename_place", "operator", place=path, name="新苑", since="2020-01-01")
    assert desk.ask("register_place", "operator", place=path, name="旧苑", **beside)["events"] == 0
    for day, name in (("", "新苑"), ("2020-01-01", "新苑"), ("2019-12-31", "旧苑")):
        (row,) = desk.ask("find_places", "operator", place__under=path, day=day)["rows"]
        assert row["name"] == name
    assert (desk.node.views.get("city_places", path) or {})["name"] == "新苑"

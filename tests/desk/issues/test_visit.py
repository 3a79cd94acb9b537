"""What the service keeps to itself of visits, and what it offers to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.domain.errors import BadInputError, ForbiddenError
from tests.kit.city import COMPOUND
from tests.kit.desk import Desk


@pytest.fixture()
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk("issues", tmp_path)
    yield desk
    desk.close()


def test_a_household_is_sealed_and_read_by_those_who_record_visits(desk: Desk) -> None:
    done = desk.ask("record_visit", "post-grid", place=COMPOUND, visited_on="2025-03-04", household="陈阿姨，3号楼")
    assert done["actions"] == ["erase_household"]
    assert "陈阿姨" not in desk.stored
    (row,) = desk.ask("find_visits", "post-secretary")["rows"]
    assert (row["household"], row["issues"], row["person_id"]) == ("陈阿姨，3号楼", 0, "p-grid")
    assert [part["zh"] for part in row["place_names"]][-1] == "联邦新城"
    with pytest.raises(ForbiddenError, match="visit.record"):
        desk.ask("find_visits", "p-resident")


def test_bad_input_names_each_field_and_changes_nothing(desk: Desk) -> None:
    with pytest.raises(BadInputError) as refused:
        desk.ask("record_visit", "post-grid", place="X", opinions=-1, household="a\nb", nobody="asked")
    assert set(refused.value.fields) == {"place", "visited_on", "opinions", "household", "nobody"}
    assert desk.ask("find_visits", "post-grid")["rows"] == []


def test_what_somebody_may_begin_and_read_is_offered(desk: Desk) -> None:
    offered = desk.ask("offers", "post-grid")
    assert {"command": "record_visit", "new": True} in offered["commands"]
    assert "find_visits" in offered["lists"]
    commands = [{"command": "report_issue", "new": True}, {"command": "withdraw_issue", "new": False}]
    of_residents = {"commands": commands, "lists": ["find_issues", "find_diagnoses"]}
    assert desk.ask("offers", "p-resident") == of_residents

"""Every sealed field has its erasure, and one human's erasure reaches every service: no file holds the name afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.errors import ForbiddenError, IllegalStateError
from tests.kit.city import COMPOUND, entry
from tests.kit.desk import Desk


def everything(desk: Desk, folder: Path) -> str:
    """What lies in the log, in views, parked facts and key files, as it is stored."""
    desk.catch_up()
    files = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return desk.stored + files.decode("utf-8", "replace")


def sealed_in(desk: Desk) -> list[str | None]:
    """What the sealed texts of the log open to, None for those that nobody can open."""
    found = []
    for record in desk.log.read(0):
        data = msgspec.json.decode(record.data)
        found += [value for value in data.values() if isinstance(value, str) and value.startswith("sealed:v1:")]
    return [desk.personal.open(text) for text in found]


def test_the_household_of_a_visit_is_erased(tmp_path: Path) -> None:
    """(part of X09)"""
    desk = Desk("issues", tmp_path)
    ask = {"place": COMPOUND, "visited_on": "2025-03-04", "household": "陈阿姨，3号楼"}
    id = desk.ask("record_visit", "post-grid", **ask)["id"]
    with pytest.raises(ForbiddenError):
        desk.ask("erase_household", "p-other", visit_id=id)
    desk.ask("erase_household", "post-grid", visit_id=id)
    desk.ask("erase_household", "post-grid", visit_id=id)
    assert sealed_in(desk) == [None]
    assert "陈阿姨" not in everything(desk, tmp_path)
    (row,) = desk.ask("find_visits", "post-grid")["rows"]
    assert (row["household"], row["status"]) == ("", "recorded")
    desk.close()


def test_a_volunteer_who_is_no_registered_person_is_erased(tmp_path: Path) -> None:
    desk = Desk("volunteers", tmp_path)
    desk.ask("register_volunteer", "p-stranger", name="陈志明", home=COMPOUND)
    with pytest.raises(ForbiddenError):
        desk.ask("erase_volunteer", "p-other", person_id="p-stranger")
    assert desk.ask("erase_volunteer", "p-stranger", person_id="p-stranger")["events"] == 1
    assert sealed_in(desk) == [None]
    assert "陈志明" not in everything(desk, tmp_path)
    assert desk.ask("find_volunteers", "post-grid")["rows"] == []
    assert desk.ask("volunteer_figures", place=COMPOUND)["volunteers"] == 0
    with pytest.raises(IllegalStateError, match="gets a new id"):
        desk.ask("register_volunteer", "p-stranger", name="陈志明", home=COMPOUND)
    desk.close()


def test_a_registered_person_is_erased_by_the_registry_only(tmp_path: Path) -> None:
    desk = Desk("volunteers", tmp_path)
    desk.tell("registry", "PersonRegistered", person_id="p-known", name="", place=COMPOUND)
    desk.ask("register_volunteer", "p-known", name="陈志明", home=COMPOUND)
    with pytest.raises(IllegalStateError, match="erase the person"):
        desk.ask("erase_volunteer", "p-known", person_id="p-known")
    desk.close()


GONE: dict[str, Any] = {"person_id": "p-other", "place": COMPOUND, "reason": "asked"}


def test_who_is_erased_is_forgotten_as_a_volunteer(tmp_path: Path) -> None:
    desk = Desk("volunteers", tmp_path)
    desk.ask("register_volunteer", "p-other", name="陈志明", home=COMPOUND)
    desk.ask("ask_wish", "p-other", place=COMPOUND, wish="一台收音机", wisher="陈志明", contact="302室")
    desk.tell("registry", "PersonErased", **GONE)
    assert sealed_in(desk) == [None] * 4
    assert "陈志明" not in everything(desk, tmp_path)
    assert desk.ask("find_volunteers", "post-grid")["rows"] == []
    desk.close()


@pytest.mark.parametrize("registered", [True, False])
def test_a_wish_that_who_is_erased_had_claimed_is_free_again_at_once(tmp_path: Path, registered: bool) -> None:
    desk = Desk("volunteers", tmp_path)
    person = "p-other" if registered else "p-stranger"
    desk.ask("register_volunteer", person, name="陈志明", home=COMPOUND)
    asked = {"place": COMPOUND, "wish": "一台收音机", "wisher": "林美玲", "contact": "302室"}
    id = desk.ask("ask_wish", "p-neighbour", **asked)["id"]
    desk.tell_all("registry", [entry("roles", "grid_worker", powers=["wish.*"])])
    desk.ask("publish_wish", "post-grid", wish_id=id, title="收音机")
    desk.ask("claim_wish", person, wish_id=id)
    if registered:
        desk.tell("registry", "PersonErased", **GONE)
    else:
        desk.ask("erase_volunteer", person, person_id=person)
    (row,) = desk.ask("find_wishes", "post-grid")["rows"]
    assert (row["status"], row["claimant"]) == ("published", "")
    desk.ask("register_volunteer", "p-resident", name="许文", home=COMPOUND)
    assert desk.ask("claim_wish", "p-resident", wish_id=id)["events"] == 1
    desk.close()


def test_the_contacts_that_who_is_erased_gave_with_issues_go_too(tmp_path: Path) -> None:
    desk = Desk("issues", tmp_path)
    ask = {"place": COMPOUND, "category": "facility.road", "description": "坑"}
    mine = desk.ask("report_issue", "p-other", contact="陈志明 302室", **ask)["id"]
    theirs = desk.ask("report_issue", "p-neighbour", contact="林美玲", **ask)["id"]
    desk.tell("registry", "PersonErased", **GONE)
    assert sealed_in(desk) == [None, "林美玲"]
    assert "陈志明" not in everything(desk, tmp_path)
    contacts = [desk.ask("get_issue", "post-grid", issue_id=id)["contact"] for id in (mine, theirs)]
    assert contacts == ["", "林美玲"]
    desk.tell("registry", "PersonErased", **GONE)
    assert json.dumps(sealed_in(desk), ensure_ascii=False) == '[null, "林美玲"]'
    desk.close()

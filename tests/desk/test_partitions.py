"""Partitions are invariants: of modes, levels that handle cases, categories of members, and sources of money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, IllegalStateError
from tests.desk.funding.test_service import PROPOSAL, _desk, collected
from tests.desk.registry.test_standings import adopt, city, register
from tests.domain.registry.facts import STREET, words
from tests.kit.city import COMMUNITY, COMPOUND, facts
from tests.kit.desk import Desk


def refused(desk: Desk, kind: type[Exception], field: str, *given: Any, **ask: Any) -> None:
    """A command is refused for a field, and nothing is written."""
    head = desk.log.head()
    with pytest.raises(kind) as caught:
        desk.ask(*given, **ask)
    assert field in caught.value.fields, caught.value.fields  # type: ignore[attr-defined]  # of our errors
    assert desk.log.head() == head
    desk.catch_up()


def modes_and_members(folder: Path) -> None:
    desk = city(folder)
    adopt(desk, "mode", "joint", "unit", total=True)
    place = {"place": f"{STREET}.101", "kind": "community", "name": "某社区", "parent": STREET}
    desk.ask("register_place", "operator", **place)
    with pytest.raises(IllegalStateError, match="exactly one code"):
        register(desk, 1)
    with pytest.raises(BadInputError):
        register(desk, 1, mode="none-such")
    for number, mode in ((1, "joint"), (23, "unit"), (45, "unit")):
        register(desk, number, mode=mode)
    found = desk.ask("standing_figures", scheme="mode", place=f"{STREET}.101")
    assert found["codes"] == {"joint": 1, "unit": 2} and sum(found["codes"].values()) == found["subjects"] == 3
    classes = {"classes": [{"code": code, **words(code)} for code in ("employed", "retired")]}
    desk.ask("adopt_entry", "operator", kind="classifications", code="member", **words("member"), data=classes)
    role = {"powers": ["registry.appoint", "standing.decide", "person.classify"]}
    desk.ask("adopt_entry", "operator", kind="roles", code="secretary", **words("secretary"), data=role)
    for person in ("p-a", "p-b"):
        desk.ask("register_person", "operator", person_id=person, name=person, place=COMPOUND)
    for person, code in (("p-a", "retired"), ("p-b", "employed"), ("p-a", "employed")):
        asked = {"scheme": "member", "person_id": person, "code": code, "grounds": "台账"}
        desk.ask("classify_person", "post-secretary", **asked)
    refused(desk, BadInputError, "code", "classify_person", "post-secretary", **asked | {"code": "none-such"})
    found = desk.ask("classification_figures", scheme="member")
    assert sum(found["codes"].values()) == found["persons"] == 2, "who changes is counted once"
    desk.close()


def levels(folder: Path) -> None:
    desk = Desk("issues", folder, [*facts()])
    told = {"category": "facility.streetlight", "description": "路灯不明"}
    ids = [desk.ask("report_issue", "p-resident", place=COMPOUND, **told)["id"] for _ in range(3)]
    desk.ask("report_issue", "post-street", place=COMMUNITY, channel="phone", **told)
    triaged = {"severity": "small", "tier": "compound", "reason": "一盏灯"}
    desk.ask("triage_issue", "post-grid", issue_id=ids[0], **triaged)
    wrong = triaged | {"tier": "none-such"}
    refused(desk, BadInputError, "tier", "triage_issue", "post-grid", issue_id=ids[1], **wrong)
    desk.ask("escalate_issue", "post-grid", issue_id=ids[1], to_post="post-street", reason="管网")
    found = desk.ask("issue_figures", place=STREET)
    parts = [found[name] for name in ("by_level", "by_channel", "by_status")]
    assert [sum(part.values()) for part in parts] == [found["collected"]] * 3 == [4] * 3
    desk.close()


def sources(folder: Path) -> None:
    desk = _desk(folder)
    short = PROPOSAL | {"project_id": "short", "shares": {"residents": 1}}
    refused(desk, IllegalStateError, "shares", "propose_project", "post-keeper", **short)
    project = collected(desk)
    found = desk.ask("get_project", "post-keeper", project_id=project)
    assert sum(found["shares"].values()) == found["budget_fen"] == PROPOSAL["budget_fen"]
    receipt = {"project_id": project, "payer": "某人", "payer_kind": "person", "amount_fen": 1, "voucher": "No 1"}
    refused(desk, BadInputError, "source", "record_receipt", "post-accountant", source="none-such", **receipt)
    found = desk.ask("funding_figures")
    assert sum(one["fen"] for one in found["income"]) == found["received_fen"] == 400
    desk.close()


def test_every_partition_sums_and_what_would_break_it_is_refused(tmp_path: Path) -> None:
    """Each compound has one mode, each case one level, each member one category, each fen one source (X03)."""
    modes_and_members(tmp_path / "registry")
    levels(tmp_path / "issues")
    sources(tmp_path / "funding")

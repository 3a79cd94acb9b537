"""Disputes are mediated out of public sight, and what came of them is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError
from tests.kit.city import COMPOUND, OTHER_COMPOUND, entry, facts
from tests.kit.desk import Desk

PARTIES = ["302王阿姨", "201老李"]
AGREED = "晚十点后不放音乐，李家赔偿地毯二百元"
LATER = "2025-03-06T09:00:00+08:00"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    kinds = [entry("issue_categories", code, confidential=True) for code in ("quarrel", "damage")]
    desk = Desk("issues", tmp_path, [*facts(), *kinds])
    yield desk
    desk.close()


def report(desk: Desk, category: str = "quarrel", by: str = "p-resident", **more: Any) -> str:
    asked = {"place": COMPOUND, "category": category, "description": "楼上吵"} | more
    return str(desk.ask("report_issue", by, **asked)["id"])


def mediate(desk: Desk, id: str, by: str = "post-grid", **more: Any) -> str:
    return str(desk.ask("open_mediation", by, **{"issue_id": id, "parties": PARTIES} | more)["id"])


def settle(desk: Desk, id: str, at: str = "") -> None:
    desk.ask("talk_with_parties", "post-grid", at=at, mediation_id=id, note="各说各的")
    desk.ask("settle_dispute", "post-grid", at=at, mediation_id=id, agreement=AGREED, agreed=2)


def test_a_dispute_has_a_mediator_parties_and_an_agreement_that_staff_alone_read(desk: Desk) -> None:
    """Of a confidential case only; settled once every party agrees; nobody else reads who they are, and it can be forgotten (A41)."""
    open_case = report(desk, "facility.road")
    with pytest.raises(IllegalStateError, match="only a confidential case"):
        mediate(desk, open_case)
    case = report(desk)
    with pytest.raises(BadInputError) as refused:
        mediate(desk, case, parties=PARTIES[:1])
    assert set(refused.value.fields) == {"parties"}
    with pytest.raises(IllegalStateError, match="named once"):
        mediate(desk, case, parties=PARTIES[:1] * 2)
    with pytest.raises(ForbiddenError):
        mediate(desk, case, "post-housing")
    own = report(desk, by="post-grid", reporter="p-grid")
    with pytest.raises(IllegalStateError, match="does not mediate"):
        mediate(desk, own)
    id = mediate(desk, case)
    told = {"mediation_id": id, "agreement": AGREED}
    (row,) = desk.ask("find_mediations", "post-grid", issue_id=case)["rows"]
    assert row["actions"] == ["talk_with_parties", "end_mediation"], "nothing is settled before a talk"
    with pytest.raises(IllegalStateError, match="talk with the parties first"):
        desk.ask("settle_dispute", "post-grid", **told, agreed=2)
    desk.ask("talk_with_parties", "post-grid", mediation_id=id, note="各说各的")
    with pytest.raises(IllegalStateError, match="all 2 parties agree, not 1"):
        desk.ask("settle_dispute", "post-grid", **told, agreed=1)
    with pytest.raises(ForbiddenError, match="only the mediator"):
        desk.ask("settle_dispute", "post-secretary", **told, agreed=2)
    desk.ask("settle_dispute", "post-grid", **told, agreed=2)
    assert not any(word in desk.stored for word in (*PARTIES, "赔偿", "各说各的"))
    for by in ("", "p-resident", "p-other", "post-housing"):
        with pytest.raises(ForbiddenError):
            desk.ask("find_mediations", by)
    (row,) = desk.ask("find_mediations", "post-secretary", issue_id=case)["rows"]
    assert (row["status"], row["parties"], row["agreement"]) == ("settled", "；".join(PARTIES), AGREED)
    assert row["actions"] == ["erase_parties"]
    desk.ask("erase_parties", "post-secretary", mediation_id=id)
    (row,) = desk.ask("find_mediations", "post-secretary", issue_id=case)["rows"]
    assert (row["status"], row["parties"], row["agreement"], row["actions"]) == ("settled", "", "", [])


def test_members_look_into_a_dispute_from_time_to_time_and_say_when_it_comes_to_nothing(desk: Desk) -> None:
    """Each talk has its day; one that fails says why to staff alone, and the case can be mediated again (C30)."""
    case = report(desk)
    id = mediate(desk, case)
    for at in ("", LATER):
        desk.ask("talk_with_parties", "post-grid", at=at, mediation_id=id, note="又谈一次")
    desk.ask("talk_with_parties", "post-grid", at=LATER, mediation_id=id, note="又谈一次")
    (row,) = desk.ask("find_mediations", "post-grid", issue_id=case)["rows"]
    assert (row["talks"], row["last_talk"]) == (2, "2025-03-06"), "the same talk told again is one"
    assert "last_note" not in row
    desk.ask("end_mediation", "post-grid", at=LATER, mediation_id=id, reason="已起诉")
    for command, ask in (("talk_with_parties", {"note": "x"}), ("end_mediation", {"reason": "x"})):
        with pytest.raises(IllegalStateError, match="the mediation is failed"):
            desk.ask(command, "post-grid", at=LATER, mediation_id=id, **ask)
    settle(desk, mediate(desk, case), LATER)
    rows = desk.ask("find_mediations", "post-grid", issue_id=case)["rows"]
    assert sorted(row["status"] for row in rows) == ["failed", "settled"]


def test_three_cases_are_solved_and_two_disputes_settled_since_the_election(desk: Desk) -> None:
    """Counted since a day, at a place, for staff who may read them; what ended before or elsewhere is not among them (C34)."""
    settle(desk, mediate(desk, report(desk)))
    cases = [report(desk, "damage", by="post-grid") for _ in range(3)]
    for id in cases:
        desk.ask("triage_issue", "post-grid", at=LATER, issue_id=id, severity="small", reason="损毁")
        sent = {"issue_id": id, "post_id": "post-grid", "duty": "查明", "due": "2025-03-10"}
        desk.ask("dispatch_issue", "post-grid", at=LATER, **sent)
        desk.ask("resolve_issue", "post-grid", at=LATER, issue_id=id, outcome="已查明")
        desk.ask("record_follow_up", "post-street", at=LATER, issue_id=id, result="satisfied")
        desk.ask("close_issue", "post-street", at=LATER, issue_id=id, because="已赔")
    for _ in range(2):
        settle(desk, mediate(desk, report(desk)), LATER)
    mediate(desk, report(desk))
    found = desk.ask("mediation_figures", "post-grid", place__under=COMPOUND, since="2025-03-05")
    assert (found["solved"], found["settled"], found["failed"], found["open_now"]) == (3, 2, 0, 1)
    assert found["solved_by_category"] == {"damage": 3}
    assert desk.ask("mediation_figures", "post-grid", place__under=COMPOUND)["settled"] == 3
    assert desk.ask("mediation_figures", "post-secretary", place__under=OTHER_COMPOUND)["mediations"] == 0
    for by in ("", "p-resident", "post-housing"):
        with pytest.raises(ForbiddenError):
            desk.ask("mediation_figures", by, place__under=COMPOUND)

"""Posts that nobody holds, who follows in one, and bodies that act for missing ones, at the registry's desk."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import BadInputError, ForbiddenError, IllegalStateError, NotFoundError
from tests.desk.registry.test_rows import adopt, establish
from tests.domain.registry.facts import COMMUNITY, COMPOUND
from tests.kit.desk import Desk

AT = "T09:00:00+08:00"


def holder(desk: Desk, post: str = "post-secretary") -> str:
    (row,) = [row for row in desk.ask("find_posts", "operator")["rows"] if row["post_id"] == post]
    return str(row["person_id"])


def vacancies(desk: Desk, status: str = "") -> list[tuple[str, str, str, str]]:
    rows = desk.ask("find_vacancies", status=status)["rows"]
    return [(row["post_id"], row["since"], row["until"], row["status"]) for row in rows]


def test_a_vacancy_is_a_fact_with_its_day_and_lasts_until_somebody_holds_the_post(desk: Desk) -> None:
    """Raised once, from the first day without a holder; it ends with the days that it lasted (part of A11, B35)."""
    desk.tick("2025-03-05")
    assert vacancies(desk) == [("post-grid", "2025-03-04", "", "open")], "since it was established"
    assert desk.tick("2025-03-06") == 0, "once"
    ended = {"post_id": "post-secretary", "person_id": "p-chen", "until": "2025-03-10"}
    desk.ask("end_appointment", "operator", **ended)
    desk.tick("2025-03-09")
    assert ("post-secretary", "2025-03-10", "", "open") not in vacancies(desk), "held until the day before"
    desk.tick("2025-03-15")
    assert vacancies(desk, "open") == [
        ("post-grid", "2025-03-04", "", "open"),
        ("post-secretary", "2025-03-10", "", "open"),
    ]
    figures = desk.ask("vacancy_figures", place=COMMUNITY)
    assert (figures["posts"], figures["vacant"]) == (2, 2)
    assert figures["by_role"] == {"grid_worker": 1, "secretary": 1}
    at = f"2025-03-20{AT}"
    desk.ask("appoint_person", "operator", at=at, post_id="post-secretary", person_id="p-lin", since="2025-03-20")
    desk.ask("abolish_post", "operator", at=at, post_id="post-grid", reason="合并")
    desk.tick("2025-03-21")
    assert vacancies(desk) == [
        ("post-grid", "2025-03-04", "2025-03-20", "abolished"),
        ("post-secretary", "2025-03-10", "2025-03-20", "filled"),
    ]
    rows = {row["post_id"]: row["days"] for row in desk.ask("find_vacancies")["rows"]}
    assert rows == {"post-grid": 16, "post-secretary": 10}
    assert desk.ask("vacancy_figures")["vacant"] == 0
    assert desk.tick("2025-03-22") == 0


def test_a_successor_is_named_ahead_of_the_day_and_holds_the_post_from_it_on(desk: Desk) -> None:
    """No day without a holder and no vacancy; not before the term has an end, nobody themselves, one at a time (part of A11)."""
    named = {"post_id": "post-secretary", "person_id": "p-lin"}
    with pytest.raises(IllegalStateError, match="no end ahead"):
        desk.ask("name_successor", "operator", **named)
    desk.ask("end_appointment", "operator", post_id="post-secretary", person_id="p-chen", until="2025-03-10")
    with pytest.raises(IllegalStateError, match="appoint the successor on that day"):
        desk.ask("appoint_person", "operator", **named, since="2025-03-10")
    with pytest.raises(NotFoundError):
        desk.ask("name_successor", "operator", **named | {"post_id": "post-nowhere"})
    with pytest.raises(IllegalStateError, match="not registered"):
        desk.ask("name_successor", "operator", **named | {"person_id": "p-nobody"})
    with pytest.raises(ForbiddenError):
        desk.ask("name_successor", "p-lin", **named)
    adopt(desk, "roles", "grid_worker", "网格员", level="", powers=["registry.appoint", "issue.triage"], intake=1)
    desk.ask("appoint_person", "operator", post_id="post-grid", person_id="p-lin", since="2025-03-04")
    with pytest.raises(ForbiddenError, match="appoints themselves"):
        desk.ask("name_successor", "post-grid", **named)
    id = desk.ask("name_successor", "operator", **named)["id"]
    assert desk.ask("name_successor", "operator", **named)["events"] == 0
    desk.ask("register_person", "operator", person_id="p-wu", name="吴一", place=COMMUNITY)
    with pytest.raises(IllegalStateError, match="named already"):
        desk.ask("name_successor", "operator", **named | {"person_id": "p-wu"})
    desk.ask("withdraw_successor", "operator", succession_id=id, reason="调离")
    assert desk.ask("withdraw_successor", "operator", succession_id=id, reason="调离")["events"] == 0
    shown = [desk.ask("get_succession", who, succession_id=id) for who in ("operator", "")]
    assert [(one["status"], one.get("person_id")) for one in shown] == [("withdrawn", "p-lin"), ("withdrawn", None)]
    desk.ask("name_successor", "operator", **named | {"person_id": "p-wu"})
    desk.tick("2025-03-09")
    assert holder(desk) == "p-chen"
    desk.tick("2025-03-10")
    assert holder(desk) == "p-wu"
    with pytest.raises(IllegalStateError, match="not possible"):
        desk.ask("withdraw_successor", "operator", succession_id=id, reason="晚了")
    (row,) = desk.ask("find_successions")["rows"]
    assert (row["status"], row["since"]) == ("seated", "2025-03-10")
    assert vacancies(desk) == [], "there was no day without a holder"
    terms = desk.ask("find_appointments", "operator", post_id="post-secretary")["rows"]
    assert [(one["person_id"], one["since"], one["until"]) for one in terms] == [
        ("p-chen", "2025-01-01", "2025-03-10"),
        ("p-wu", "2025-03-10", ""),
    ]


def test_who_was_named_and_may_not_hold_the_post_on_the_day_does_not(desk: Desk) -> None:
    """Somebody who was erased meanwhile is not appointed; the vacancy is raised instead (part of A11)."""
    desk.ask("register_person", "operator", person_id="p-wu", name="吴一", place=COMMUNITY)
    desk.ask("end_appointment", "operator", post_id="post-secretary", person_id="p-chen", until="2025-03-10")
    desk.ask("name_successor", "operator", post_id="post-secretary", person_id="p-wu")
    desk.ask("erase_person", "operator", person_id="p-wu", reason="本人申请")
    desk.tick("2025-03-10")
    assert holder(desk) == "p-chen", "held last"
    assert ("post-secretary", "2025-03-10", "", "open") in vacancies(desk)


def test_a_body_acts_for_the_owners_committee_from_a_day_on_until_there_is_one(desk: Desk) -> None:
    """自管会代行业委会职责: it decides for the missing body inside its compound, and no more once there is a real one (A22)."""
    adopt(desk, "organisation_types", "owners", "业委会")
    adopt(desk, "organisation_types", "self", "自管会", stands_in=["owners"])
    adopt(desk, "regulations", "rules", "管理细则", of="council", adopted_by="owners")
    adopt(desk, "roles", "secretary", "书记", level="", powers=["regulation.*"], intake=0)
    establish(desk, "o-yard", "council")
    establish(desk, "o-self", "self", since="2025-03-01")
    hold = {"post_id": "post-self", "organisation_id": "o-self", "role": "secretary", "title": "主任"}
    desk.ask("establish_post", "operator", **hold)
    desk.ask("appoint_person", "operator", post_id="post-self", person_id="p-lin", since="2025-03-01")

    def spans(**ask: Any) -> list[tuple[str, str, str, str]]:
        rows = desk.ask("find_acting", **ask)["rows"]
        return [(row["acts_for"], row["since"], row["until"], row["ended_by_organisation_id"]) for row in rows]

    def draft(number: int) -> str:
        asked = {"kind": "rules", "organisation_id": "o-yard", "number": number, "title": "细则", "text": "正文"}
        return str(desk.ask("draft_regulation", "post-self", **asked)["id"])

    assert spans() == [("owners", "2025-03-01", "", "")]
    assert spans(on="2025-02-28") == [] and spans(place=f"{COMMUNITY}.other") == []
    with pytest.raises(ForbiddenError, match="a body of the type"):
        desk.ask("adopt_regulation", "post-secretary", regulation_id=draft(1), resolution="会议")
    first = desk.ask("find_regulations", kind="rules")["rows"][0]["regulation_id"]
    desk.ask("adopt_regulation", "post-self", regulation_id=first, resolution="代行业委会职责")
    assert desk.ask("get_regulation", regulation_id=first)["adopted_by_organisation_id"] == "o-self"
    owners = {"organisation_id": "o-owners", "type": "owners", "level": "compound", "name": "业委会"}
    there = {"place": COMPOUND, "parent_id": "committee", "since": "2025-03-06"}
    desk.ask("establish_organisation", "operator", at=f"2025-03-06{AT}", **owners, **there)
    assert spans() == [("owners", "2025-03-01", "2025-03-06", "o-owners")]
    assert spans(on="2025-03-05") and spans(on="2025-03-06") == []
    second = draft(2)
    with pytest.raises(ForbiddenError, match="a body of the type"):
        desk.ask("adopt_regulation", "post-self", at=f"2025-03-06{AT}", regulation_id=second, resolution="代行")
    desk.ask("dissolve_organisation", "operator", at=f"2025-03-20{AT}", organisation_id="o-owners", reason="期满")
    assert spans(acts_for="owners", organisation_id="o-self") == [
        ("owners", "2025-03-01", "2025-03-06", "o-owners"),
        ("owners", "2025-03-20", "", ""),
    ], "it acts again once there is none"
    desk.ask("adopt_regulation", "post-self", at=f"2025-03-20{AT}", regulation_id=second, resolution="代行")
    with pytest.raises(BadInputError):
        desk.ask("find_acting", acts_for="Not A Code")

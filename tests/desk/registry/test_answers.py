"""Answers are what their descriptions say, with nothing left out and nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from services.registry.definition import DEFINITION
from tests.domain.registry.facts import BUILDING, COMPOUND, PROFILE, words
from tests.kit.answers import mismatches
from tests.kit.desk import Desk

STAR = {
    "subject": "place",
    "power": "checklist.judge",
    "items": [{"code": "clean", "zh": "整洁", "en": "clean"}],
    "unlocks": "station",
}
OWED = {"cadence": "year", "bearer": "party", "amount": 1, "power": "obligation.meet"}
_BRANCHES = {
    "subject": "place",
    "asks": [{"code": "branch", **words("branch"), "what": "body", "of": ["party"]}],
    "means": "有党组织的地点",
    "means_en": "places with a Party organisation",
}
ASKED: dict[str, dict[str, Any]] = {
    "get_profile": {},
    "find_entries": {"kind": "roles"},
    "get_entry": {"kind": "obligations", "code": "report"},
    "find_places": {},
    "get_place": {"place": COMPOUND},
    "count_figures": {"place": COMPOUND},
    "find_organisations": {},
    "organisation_tree": {},
    "find_posts": {},
    "find_appointments": {},
    "find_persons": {},
    "person_names": {"person_ids": ["p-chen"]},
    "posts_of_person": {"person_id": "p-chen"},
    "find_checklists": {},
    "get_checklist": {},
    "checklist_figures": {},
    "find_standings": {},
    "find_attributes": {},
    "population_figures": {},
    "get_standing": {},
    "standing_figures": {"scheme": "mode"},
    "find_links": {},
    "get_link": {},
    "link_figures": {"kind": "support"},
    "coverage_figures": {"coverage": "branches"},
    "coverage_map": {"coverage": "branches"},
    "find_selections": {},
    "get_selection": {},
    "find_owners_votes": {},
    "get_owners_vote": {},
    "find_regulations": {},
    "get_regulation": {},
    "regulation_figures": {},
    "regulation_gaps": {},
    "find_obligations": {},
    "get_obligation": {},
    "obligation_figures": {},
}


@pytest.fixture(scope="module")
def told(read_only: Desk) -> Desk:
    """The founded city with measures, households, a checklist and what bodies owe."""
    ask = read_only.ask
    star, owed = {"code": "star", **words("star"), **STAR}, {"code": "report", **words("report"), **OWED}
    document = PROFILE | {"version": 2, "effective": "2025-01-01", "checklists": [star], "obligations": [owed]}
    powers = PROFILE["powers"]
    mode = {"subject": "place", "of": "compound", "codes": [{"code": "unit", **words("unit")}]}
    document["code_lists"] = PROFILE["code_lists"] | {
        "schemes": {"mode": words("mode") | mode},
        "links": {"support": words("support") | {"near": "organisation", "far": "place"}},
        "selections": {"members": words("members") | {"of": "party"}},
        "coverages": {"branches": words("branches") | _BRANCHES},
        "regulations": {
            "rules": words("rules") | {"of": "party", "comment_days": 1},
            "due": words("due") | {"of": "party", "due_days": 1},
        },
    }
    document["powers"] = powers | {
        "secretary": [
            *powers["secretary"],
            *("checklist.*", "obligation.*", "standing.*", "link.*", "selection.*", "owners.*", "regulation.*"),
        ]
    }
    ask("adopt_profile", "operator", profile_id="fuzhou", **document)
    ask("measure_place", "operator", place=COMPOUND, measure="area", value=16900, unit="m2", source="S2")
    ask("count_households", "operator", place=BUILDING, households=100)
    ask("adopt_entry", "operator", kind="measures", code="shops", data={"population": True}, **words("shops"))
    ask("measure_place", "operator", place=COMPOUND, measure="shops", value=12, unit="shops")
    built = {"kind": "number", "unit": "year"}
    ask("adopt_entry", "operator", kind="attributes", code="built", data=built, **words("built"))
    ask("describe_place", "operator", place=COMPOUND, attribute="built", value="1986", source="S2")
    receipt = ask("open_checklist", "post-secretary", template="star", subject=COMPOUND)
    ask("judge_item", "post-secretary", checklist_id=receipt["id"], item="clean", passed=True, evidence="照片")
    ask("decide_standing", "post-secretary", scheme="mode", subject=COMPOUND, code="unit", grounds="决议")
    receipt = ask("propose_link", "post-secretary", kind="support", near="branch", far=BUILDING, terms="包楼")
    ask("log_delivery", "post-secretary", link_id=receipt["id"], what="走访")
    receipt = ask("open_selection", "post-secretary", kind="members", organisation_id="branch")
    ask("nominate_candidate", "post-secretary", selection_id=receipt["id"], person_id="p-lin", way="self")
    roll = [{"unit": "101", "area": 9000, "owner": "o-1"}]
    ask("open_owners_vote", "post-secretary", place=COMPOUND, matter="manager", question="续聘物业", roll=roll)
    drafted = {"kind": "rules", "organisation_id": "branch", "title": "制度", "text": "正文"}
    receipt = ask("draft_regulation", "post-secretary", **drafted)
    ask("invite_comments", "post-secretary", regulation_id=receipt["id"])
    ask("comment_draft", "post-secretary", regulation_id=receipt["id"], text="好")
    ask("post_regulation", "post-secretary", regulation_id=receipt["id"], channel="portal", where="网上")
    read_only.tick("2025-03-05")
    return read_only


def test_every_query_is_tried() -> None:
    assert set(ASKED) == set(DEFINITION.queries)


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_is_as_described(told: Desk, name: str) -> None:
    ask = dict(ASKED[name])
    for thing in ("checklist", "obligation", "standing", "link", "selection", "owners_vote", "regulation"):
        if name == f"get_{thing}" or (thing, name) == ("regulation", "regulation_figures"):
            ask[f"{thing}_id"] = told.ask(f"find_{thing}s")["rows"][0][f"{thing}_id"]
    answer = told.ask(name, "operator", **ask)
    assert answer.get("rows", ["something"]), "there is nothing to compare"
    assert mismatches(dict(DEFINITION.queries[name].answer), answer, name) == []

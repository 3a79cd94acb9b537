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
_STEP = [{"code": "step", **words("step")}]
_PROJECT = {
    "prongs": [{"code": "base", **words("base"), "groups": ["roles.secretary"]}],
    "measures": [{"code": "m", **words("m"), "prong": "base"}],
    "stages": _STEP,
}
THINGS = (
    *("checklist", "obligation", "standing", "classification", "grading", "indicator", "link", "selection", "sharing"),
    *("owners_vote", "regulation", "programme", "participation", "meeting", "succession", "survey", "booking"),
)
_GRADES = {
    "tracks": [{"code": "clerks", **words("clerks")}],
    "merits": [{"code": "degree", **words("degree"), "points": 5, "most": 3}],
    "grades": [{"track": "clerks", "level": 1, "least": 0, "coefficient": 1000}],
    "workers": ["grid_worker"],
}
_STAFFING = {
    "of": "compound",
    "seats": [{"code": "head", **words("head"), "roles": ["secretary"]}],
    "workers": ["grid_worker"],
    "per_households": 300,
}
_ROOM = {
    "of": "compound",
    "zones": [{"code": "hall", **words("hall")}],
    "uses": [{"code": "talk", **words("talk")}],
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
    "find_classifications": {},
    "get_classification": {},
    "classification_figures": {"scheme": "member"},
    "staff_figures": {"scheme": "member", "each": "compound"},
    "staffing_report": {"rule": "four_plus_n"},
    "find_gradings": {},
    "get_grading": {},
    "grading_figures": {"scheme": "pay"},
    "find_indicators": {},
    "get_indicator": {},
    "find_links": {},
    "get_link": {},
    "link_figures": {"kind": "support"},
    "find_sharings": {},
    "get_sharing": {},
    "sharing_figures": {},
    "coverage_figures": {"coverage": "branches"},
    "coverage_map": {"coverage": "branches"},
    "find_duties": {"place": COMPOUND},
    "find_selections": {},
    "get_selection": {},
    "find_owners_votes": {},
    "get_owners_vote": {},
    "find_regulations": {},
    "find_responses": {},
    "get_regulation": {},
    "regulation_figures": {},
    "regulation_gaps": {},
    "find_programmes": {},
    "get_programme": {},
    "programme_figures": {},
    "programme_prongs": {"kind": "project"},
    "find_participations": {},
    "get_participation": {},
    "find_bookings": {},
    "get_booking": {},
    "venue_figures": {},
    "find_surveys": {},
    "get_survey": {},
    "survey_figures": {},
    "find_registrations": {},
    "get_registration": {"registration_id": "branch"},
    "find_obligations": {},
    "get_obligation": {},
    "obligation_figures": {},
    "obligation_periods": {"rule": "report", "since": "2020-01-01"},
    "find_acting": {},
    "find_vacancies": {},
    "vacancy_figures": {},
    "find_successions": {},
    "get_succession": {},
    "find_meetings": {},
    "get_meeting": {},
    "meeting_figures": {},
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
        "classifications": {"member": words("member") | {"classes": [{"code": "retired", **words("retired")}]}},
        "staffing": {"four_plus_n": words("four_plus_n") | _STAFFING},
        "grade_tables": {"pay": words("pay") | _GRADES},
        "indicators": {"schooling": words("schooling") | {"unit": "percent", "means": "占比", "means_en": "share"}},
        "links": {
            "support": words("support") | {"near": "organisation", "far": "place"},
            "cluster": words("cluster") | {"near": "place", "far": "place", "star": True},
        },
        "shared_services": {"guards": words("guards")},
        "selections": {"members": words("members") | {"of": "party"}},
        "meetings": {"talk": words("talk") | {"callers": ["party"]}},
        "coverages": {"branches": words("branches") | _BRANCHES},
        "venues": {"room": words("room") | _ROOM},
        "surveys": {"content": words("content") | {"questions": [{"code": "content", **words("content")}]}},
        "programmes": {"project": words("project") | _PROJECT},
        "regulations": {
            "rules": words("rules") | {"of": "party", "comment_days": 1},
            "due": words("due") | {"of": "party", "adopted_by": "party", "due_days": 1, "answered": True},
        },
        "functions": {"service": words("service")},
        "duties": {"visits": words("visits") | {"of": "party", "function": "service", "regulation": "rules"}},
    }
    document["powers"] = powers | {
        "secretary": [
            *powers["secretary"],
            *(
                "checklist.*",
                "obligation.*",
                "standing.*",
                "link.*",
                "selection.*",
                "owners.*",
                "regulation.*",
                "meeting.*",
                "programme.*",
                "survey.*",
                "venue.*",
                "person.classify",
                "grade.measure",
                "indicator.state",
            ),
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
    ask("classify_person", "post-secretary", scheme="member", person_id="p-lin", code="retired", grounds="台账")
    graded = {"scheme": "pay", "person_id": "p-lin", "track": "clerks", "serving_since": "2020-01-01"}
    ask("measure_grade", "post-secretary", **graded, units={"degree": 1})
    stated = {"scheme": "schooling", "place": COMPOUND, "as_of": "2025-01-01", "value": "97.5", "denominator": 40}
    ask("state_indicator", "post-secretary", **stated, source="总结", change="raised")
    ask("propose_link", "post-secretary", kind="cluster", near=COMPOUND, far=BUILDING, terms="合聘")
    cost = {
        "hub": COMPOUND,
        "service": "guards",
        "basis": "equal",
        "amount_fen": 100,
        "grounds": "会议",
    }
    ask("share_cost", "post-secretary", kind="cluster", since="2025-03-04", until="2025-04-01", **cost)
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
    receipt = ask("draft_regulation", "post-secretary", **drafted | {"kind": "due"})
    ask("adopt_regulation", "post-secretary", regulation_id=receipt["id"], resolution="决议")
    ask("post_regulation", "post-secretary", regulation_id=receipt["id"], channel="portal", where="网上")
    ask("answer_notice", "post-secretary", regulation_id=receipt["id"], unit="市政公司", offer="修路灯")
    called = {"kind": "talk", "organisation_id": "branch", "day": "2025-03-04", "agenda": [{"title": "路灯"}]}
    receipt = ask("call_meeting", "post-secretary", **called)
    ask("hold_meeting", "post-secretary", meeting_id=receipt["id"], attended={"branch": 2}, entitled=2, present=2)
    ask("resolve_item", "post-secretary", meeting_id=receipt["id"], item=1, text="修", votes_for=2)
    code = {"organisation_id": "branch", "credit_code": "91350100M000100Y43", "certificate": "证书"}
    ask("register_credit_code", "operator", **code)
    ask("register_account", "operator", registration_id="branch", bank="银行", account_number="622200001111")
    booked = {"kind": "room", "place": COMPOUND, "zone": "hall", "use": "talk", "day": "2025-03-04", "purpose": "议事"}
    ask("book_venue", "post-secretary", from_hour="19:30", to_hour="21:00", **booked)
    receipt = ask("open_survey", "post-secretary", kind="content", subject=COMPOUND, period="1")
    told = {"household": "101", "answers": {"content": 4}}
    ask("answer_survey", "post-secretary", survey_id=receipt["id"], place=BUILDING, **told)
    project = {"kind": "project", "lead_post_id": "post-secretary", "title": "项目", "aim": "强基"}
    receipt = ask("start_programme", "post-secretary", **project)
    ask("report_programme", "post-secretary", programme_id=receipt["id"], report="已开工")
    receipt = ask("join_programme", "post-secretary", programme_id=receipt["id"], subject=COMPOUND)
    ask("advance_unit", "post-secretary", participation_id=receipt["id"], stage="step", evidence="记录")
    ask("accept_unit", "post-secretary", participation_id=receipt["id"], evidence="验收单")
    ask("end_appointment", "operator", post_id="post-secretary", person_id="p-chen", until="2099-01-01")
    ask("name_successor", "operator", post_id="post-secretary", person_id="p-lin")
    stands = {"kind": "organisation_types", "code": "acting", "zh": "代行", "en": "acting"}
    ask("adopt_entry", "operator", **stands, data={"stands_in": ["council"]})
    acts = {"organisation_id": "o-acting", "type": "acting", "level": "compound", "name": "代行", "place": COMPOUND}
    ask("establish_organisation", "operator", parent_id="committee", **acts)
    read_only.tick("2025-03-05")
    return read_only


def test_every_query_is_tried() -> None:
    assert set(ASKED) == set(DEFINITION.queries)


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_is_as_described(told: Desk, name: str) -> None:
    ask = dict(ASKED[name])
    for thing in THINGS:
        if name == f"get_{thing}" or (thing in ("regulation", "programme", "survey") and name == f"{thing}_figures"):
            ask[f"{thing}_id"] = told.ask(f"find_{thing}s", "operator")["rows"][0][f"{thing}_id"]
    by = "post-secretary" if name == "find_responses" else "operator"
    answer = told.ask(name, by, **ask)
    assert answer.get("rows", ["something"]), "there is nothing to compare"
    assert mismatches(dict(DEFINITION.queries[name].answer), answer, name) == []

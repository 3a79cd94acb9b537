"""Entries of every kind of mechanism, small and whole, with bodies, posts and figures that they are about; beside the small city.

Codes within an entry are `a1` and `b2`, so that whoever draws codes draws fitting ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.domain.catalogue import whole
from tests.kit.city import (
    BUILDING,
    COMMUNITY,
    COMPOUND,
    ENTRIES,
    FOUNDED,
    ORGANISATIONS,
    OTHER_COMPOUND,
    entry,
    facts,
    post,
)


def _item(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "zh": f"{code}（中）", "en": f"the {code}"} | more


_A1, _B2 = _item("a1"), _item("b2")

MECHANISMS: dict[str, dict[str, dict[str, Any]]] = {
    "organisation_types": {
        "board": {},
        "watch": {"apart": ["board"]},
        "keeper": {"stands_in": ["board"], "instead": True, "under": ["party"]},
        "union": {"members": "membership"},
    },
    "roles": {"treasurer": {"powers": []}, "helper": {"beside": ["party"], "powers": []}},
    "measures": {"elders": {"unit": "persons", "population": True}},
    "attributes": {"kind": {"kind": "choice", "choices": [_A1, _B2], "most": 2}, "said": {"kind": "text"}},
    "issue_categories": {"quarrel": {"confidential": True}},
    "activity_kinds": {"care": {"needs": "hosting"}},
    "days_off": {"founding": {"first": "2025-03-05"}},
    "calendars": {"2026": {"off": ["2026-01-01"], "worked": ["2026-01-04"]}},
    "festivals": {"waking": {"calendar": "term", "day": 5}, "lantern": {"month": 1, "day": 15}},
    "topics": {"order": {}},
    "shared_services": {"guards": {}},
    "whistles": {"called": {"caller": "street", "hours": 2}, "up": {"caller": "community", "hours": 4}},
    "functions": {"care": {}},
    "checklists": {
        "norms": {"subject": "organisation", "items": [_A1], "power": "checklist.judge", "unlocks": "guiding"},
        "station": {"subject": "place", "items": [_A1, _B2], "power": "checklist.judge.norms", "unlocks": "hosting"},
        "led": {
            "subject": "organisation",
            "items": [_A1, _B2],
            "power": "checklist.judge",
            "scheme": "grade",
            "standing": "a1",
        },
        "chair": {"subject": "post", "items": [_A1], "power": "checklist.judge"},
    },
    "schemes": {
        "mode": {
            "subject": "place",
            "of": "compound",
            "codes": [_A1, _item("b2", needs="hosting", described=["kind"], bodies=["party"])],
        },
        "grade": {"subject": "organisation", "codes": [_A1, _item("b2", linked=["support"], unlinked=["twin"])]},
        "roof": {"subject": "place", "of": "building", "total": True, "codes": [_A1, _B2]},
    },
    "classifications": {
        "membership": {"classes": [_A1, _B2]},
        "training": {"classes": [_A1], "power": "person.classify.training"},
    },
    "links": {
        "support": {"near": "organisation", "far": "place", "far_of": "compound", "cap": 2, "far_cap": 3, "target": 1},
        "twin": {"near": "organisation", "near_of": "party", "far": "organisation", "mutual": True, "star": True},
        "guide": {"near": "organisation", "far": "post", "needs": "guiding"},
        "joining": {"near": "place", "near_of": "compound", "far": "place", "far_of": "compound", "star": True},
        "visit": {"near": "post", "far": "place", "far_needs": "hosting", "mutual": True},
    },
    "obligations": {
        "report": {"cadence": "month", "bearer": "party", "amount": 2, "spacing": 1},
        "assembly": {"cadence": "quarter", "bearer": "party", "workdays": True, "meeting": "talk"},
        "sweeping": {"cadence": "weekday", "weekday": 2, "days": 3, "bearer": "party", "unit": "minutes", "persons": 2},
        "greeting": {"cadence": "festival", "bearer": "party", "festivals": ["waking"], "ahead": 3, "days": 2},
    },
    "meetings": {
        "talk": {"callers": ["party"]},
        "council": {
            "callers": ["party", "board"],
            "invited": ["party"],
            "needed": ["party"],
            "request": "party",
            "topics": True,
            "voices": "bodies",
            "quorum_part": 1,
            "notice_days": 1,
        },
        "on_the_spot": {"callers": ["party"], "chair": "street_secretary", "residents": True, "speakers": True},
        "about_cases": {"callers": ["party"], "issues": True, "voices": "households"},
    },
    "selections": {
        "plain": {"of": "party"},
        "full": {
            "of": "party",
            "role": "community_worker",
            "sources": [_A1, _item("b2", role="grid_worker", of="party")],
            "steps": [_A1, _B2],
            "criteria": [_A1],
            "traits": [_A1, _B2],
            "acceptances": [_item("a1", of="party"), _item("b2", of="party")],
            "term_years": 3,
        },
        "board": {"of": "board", "only": True, "voters": "households", "turnout_above": False},
    },
    "regulations": {
        "charter": {"of": "party", "due_days": 30},
        "pact": {
            "of": "party",
            "comment_days": 2,
            "advised": True,
            "acknowledged": True,
            "parameters": ["claim_days"],
        },
        "notice": {"of": "party", "adopted_by": "party", "answered": True, "answers": True},
        "rules": {"of": "board", "adopted_by": "party", "guide": "party", "vote": "covenant"},
        "minutes": {"of": "party", "meeting": "talk"},
    },
    "duties": {"care": {"of": "party", "function": "care", "regulation": "charter", "categories": ["order.litter"]}},
    "programmes": {
        "renewal": {"prongs": [_item("a1", groups=["links.support"])], "measures": [_item("a1", prong="a1")]},
        "stars": {
            "prongs": [_A1, _B2],
            "standard": "charter",
            "lead": "community_secretary",
            "unit_of": "compound",
            "stages": [_A1, _item("b2", people=2)],
            "batches": [_item("a1", target=1), _item("b2", checklist="station")],
            "in_order": True,
        },
        "asked": {"prongs": [_A1], "unit": "organisation", "stages": [_item("a1", survey="opinion")]},
    },
    "surveys": {
        "plain": {"questions": [_A1]},
        "opinion": {"subject": "organisation", "questions": [_A1, _item("b2", least=0, most=1)], "told": [_A1]},
        "monthly": {"of": "compound", "questions": [_A1], "cadence": "month", "least": 1},
        "hosted": {"questions": [_A1], "needs": "hosting"},
    },
    "venues": {
        "room": {"of": "compound", "zones": [_A1, _B2], "uses": [_A1, _B2]},
        "stage": {"of": "compound", "zones": [_A1], "uses": [_A1], "needs": "hosting"},
    },
    "staffing": {
        "team": {
            "of": "community",
            "seats": [_item("a1", roles=["community_secretary"])],
            "workers": ["grid_worker"],
            "per_households": 100,
        }
    },
    "grade_tables": {
        "steps": {
            "tracks": [_A1, _B2],
            "merits": [_item("a1", points=10, most=5), _item("b2", points=1, most=40, years=True)],
            "grades": [
                {"track": track, "level": level, "least": least, "coefficient": 1000 + 100 * level}
                for track in ("a1", "b2")
                for level, least in ((1, 0), (2, 20))
            ],
            "workers": ["grid_worker"],
        }
    },
    "indicators": {
        code: {"unit": unit, "means": "其中几户", "means_en": "how many of all"}
        for code, unit in (("share", "percent"), ("age", "years"), ("staff", "count"))
    },
    "coverages": {
        "supported": {
            "subject": "place",
            "of": "compound",
            "asks": [
                _item("a1", what="link", of=["support"], reach="above"),
                _item("b2", what="body", of=["party"], reach="below"),
            ],
            "means": "有单位支持的小区",
            "means_en": "compounds that are supported",
        }
    },
}

#: Bodies beside those of the small city: organisation to its type, level, place and parent.
BODIES = {
    "o-board": ("board", "compound", OTHER_COMPOUND, "o-community"),
    "o-committee": ("council", "community", COMMUNITY, "o-street"),
    "o-owners": ("council", "compound", COMPOUND, "o-community"),
    "o-union": ("union", "compound", COMPOUND, "o-community"),
}
#: Posts beside those of the small city: post to its organisation, role, holder and the first day after.
SEATS = {
    "post-worker": ("o-community", "community_worker", "p-worker", "2025-03-06"),
    "post-committee": ("o-committee", "community_worker", "p-committee", ""),
    "post-owners": ("o-owners", "community_worker", "p-owners", ""),
    "post-member": ("o-board", "treasurer", "", ""),
    "post-helper": ("o-union", "helper", "", ""),
}
#: Each body's place.
AREAS = {id: body[1] for id, body in ORGANISATIONS.items()} | {id: body[2] for id, body in BODIES.items()}
CODES = {kind: ENTRIES.get(kind, {}) | MECHANISMS.get(kind, {}) for kind in {**ENTRIES, **MECHANISMS}}


def profile(version: int, dropped: tuple[str, str] = ("", ""), more: str = "") -> dict[str, Any]:
    """The arguments of `adopt_profile` for this city without one entry (kind and code), its first level renamed to what is added."""
    apart = ("levels", "roles", "parameters", "checklists", "obligations")
    listed = {
        kind: [_item(code, **data) for code, data in codes.items() if (kind, code) != dropped]
        for kind, codes in CODES.items()
    }
    levels = [{name: one[name] for name in ("code", "zh", "en")} for one in listed["levels"]]
    levels[0]["zh"] += more
    roles = [{name: part for name, part in one.items() if name != "powers"} for one in listed["roles"]]
    lists = {
        kind: {one["code"]: {name: part for name, part in one.items() if name != "code"} for one in ones}
        for kind, ones in listed.items()
        if kind not in apart
    }
    return {
        "city": "某市",
        "version": version,
        "levels": levels,
        "roles": roles,
        "powers": {one["code"]: one["powers"] for one in listed["roles"]},
        "code_lists": lists,
        "parameters": {one["code"]: one["value"] for one in listed["parameters"]},
        "checklists": listed["checklists"],
        "obligations": listed["obligations"],
    }


def founded() -> Iterator[tuple[str, dict[str, Any]]]:
    """All facts of the small city with its mechanisms, as (type, data)."""
    for type, data in facts():
        adopted = {"data": whole(data["kind"], data["data"])} if type == "EntryAdopted" else {}
        yield type, data | adopted
    for kind, codes in MECHANISMS.items():
        for code, data in codes.items():
            yield entry(kind, code, **whole(kind, data))
    for id, (type, level, place, parent) in BODIES.items():
        named = {"organisation_id": id, "type": type, "name": f"名 {id}", "name_en": id, "level": level}
        yield "OrganisationEstablished", named | {"place": place, "parent_id": parent, "since": FOUNDED}
    for post_id, (organisation, role, person, until) in SEATS.items():
        yield from post(post_id, organisation, role, person, until, AREAS[organisation])
    yield "HouseholdsCounted", {"place": BUILDING, "households": 12, "as_of": FOUNDED, "qualifier": "exact"}
    ends = {"near": COMPOUND, "far": OTHER_COMPOUND, "place": COMPOUND, "far_place": OTHER_COMPOUND}
    told = {"link_id": "link-joining", "kind": "joining", "kind_version": 1, "mutual": False, "since": FOUNDED}
    yield "LinkProposed", ends | told | {"terms": "合并管理", "person_id": "p-street"}

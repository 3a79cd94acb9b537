"""A small city as the registry tells it: entries, a street with a community and two compounds, bodies, posts and their holders.

Facts are plain mappings, as every service but the registry reads them. Codes are those of `ENTRIES`; each test adds what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

DISTRICT, STREET, COMMUNITY = "350104", "350104.013", "350104.013.002"
COMPOUND, OTHER_COMPOUND, BUILDING = "350104.013.002.007", "350104.013.002.008", "350104.013.002.007.01"
FOUNDED = "2025-01-01"

ENTRIES: dict[str, dict[str, dict[str, Any]]] = {
    "levels": {code: {"rank": rank} for rank, code in enumerate(("district", "street", "community", "compound"), 1)},
    "roles": {
        "anonymous": {"powers": ["issue.report"]},
        "resident": {
            "powers": ["issue.report", "issue.judge", "volunteer.register", "volunteer.join", "wish.ask", "wish.claim"]
        },
        "grid_worker": {"intake": 1, "powers": ["issue.*", "visit.record"]},
        "community_secretary": {"intake": 2, "powers": ["issue.*", "visit.record"]},
        "street_secretary": {"intake": 3, "powers": ["issue.*", "visit.record"]},
        "department_clerk": {"powers": ["issue.accept", "issue.resolve"]},
        "community_worker": {"powers": ["issue.*"]},
    },
    "parameters": {
        name: {"value": value}
        for name, value in {
            "follow_up_tries": 2,
            "claim_days": 14,
            "longest_claim_days": 90,
            "disclosure_days": 90,
            "late_entry_days": 7,
            "follow_up_spacing_hours": 12,
            "reopened_working_days": 10,
            "settling_days": 180,
            "repeat_days": 30,
            "bills_needed": 0,
            "contracts_needed": 0,
            "untaken_days": 3,
            "reopen_days": 30,
            "open_claims": 50,
            "claim_releases": 50,
        }.items()
    },
    "organisation_types": {"party": {}, "council": {}},
    "place_kinds": {kind: {} for kind in ("district", "street", "community", "compound", "building")},
    "measures": {"area": {}, "residents": {}},
    "attributes": {"built": {"kind": "number", "of": "", "unit": "year", "choices": [], "most": 1}},
    "issue_categories": {"facility.streetlight": {}, "facility.road": {}, "order.litter": {}},
    "channels": {code: {} for code in ("visit", "patrol", "portal", "phone", "meeting")},
    "severities": {
        code: {"rank": rank, "tier": tier}
        for rank, (code, tier) in enumerate((("small", "compound"), ("hard", "area"), ("big", "community")), 1)
    },
    "tiers": {code: {"rank": rank} for rank, code in enumerate(("compound", "area", "community"), 1)},
    "widths": {
        code: {"rank": rank}
        for rank, code in enumerate(("building", "compound", "grid", "area", "community", "street", "district"), 1)
    },
    "volunteer_roles": {code: {} for code in ("informer", "patroller", "mediator", "publicist")},
    "team_kinds": {code: {} for code in ("party", "safety", "owners")},
    "activity_kinds": {code: {} for code in ("service", "story_meeting", "deed", "station", "training")},
    "money_sources": {code: {} for code in ("government", "society", "residents")},
    "review_bodies": {
        "branch": {"type": "party"},
        "committee": {"type": "council"},
        "board": {"type": "council"},
    },
    "posting_channels": {code: {} for code in ("portal", "notice_board", "message")},
}
PLACES = {
    DISTRICT: ("district", "仓山区"),
    STREET: ("street", "三叉街"),
    COMMUNITY: ("community", "某社区"),
    COMPOUND: ("compound", "联邦新城"),
    OTHER_COMPOUND: ("compound", "邻家园"),
    BUILDING: ("building", "1号楼"),
}
#: Organisation to its level, place and parent.
ORGANISATIONS = {
    "o-street": ("street", STREET, ""),
    "o-community": ("community", COMMUNITY, "o-street"),
    "o-compound": ("compound", COMPOUND, "o-community"),
    "o-housing": ("street", STREET, ""),
}
#: Post to its organisation, role, holder and the first day after.
POSTS = {
    "post-grid": ("o-compound", "grid_worker", "p-grid", ""),
    "post-secretary": ("o-community", "community_secretary", "p-secretary", ""),
    "post-street": ("o-street", "street_secretary", "p-street", ""),
    "post-housing": ("o-housing", "department_clerk", "p-housing", ""),
    "post-vacant": ("o-community", "community_worker", "p-gone", "2025-02-01"),
}
#: Persons who hold no post.
RESIDENTS = ("p-resident", "p-neighbour", "p-other")


def entry(kind: str, code: str, /, **data: Any) -> tuple[str, dict[str, Any]]:
    """The fact that an entry was adopted."""
    words = {"zh": f"{code}（中）", "en": code.replace("_", " ")}
    return "EntryAdopted", {
        "kind": kind,
        "code": code,
        "version": 1,
        "since": "2020-01-01",
        "until": "",
        "data": data,
    } | words


def document(intake: Sequence[str] = (), **own: Any) -> dict[str, Any]:
    """The arguments of `adopt_profile` for a city of one's own; lists and numbers that it does not say are those of `ENTRIES`.

    `intake` are the roles that take in issues, the first among equally close ones first.
    """
    kinds = {kind: codes for kind, codes in ENTRIES.items() if kind not in ("levels", "roles", "parameters")}
    lists = {
        kind: {code: {"zh": code, "en": code} | data for code, data in codes.items()} for kind, codes in kinds.items()
    }
    nobody = {role: list(ENTRIES["roles"][role]["powers"]) for role in ("resident", "anonymous")}
    roles = [*own["roles"], *({"code": role, "zh": role, "en": role} for role in nobody)]
    ranks = {role: rank for rank, role in enumerate(intake, 1)}
    return {
        "version": 1,
        **own,
        "roles": [role | {"intake": ranks.get(role["code"], 0)} for role in roles],
        "powers": nobody | dict(own.get("powers", {})),
        "code_lists": lists | dict(own.get("code_lists", {})),
        "parameters": {name: data["value"] for name, data in ENTRIES["parameters"].items()}
        | dict(own.get("parameters", {})),
    }


def post(
    post_id: str, organisation_id: str, role: str, person_id: str = "", until: str = "", place: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The facts that a post exists and who holds it."""
    where = ORGANISATIONS[organisation_id][1] if place is None else place
    named = {"post_id": post_id, "organisation_id": organisation_id, "role": role, "place": where}
    yield "PostEstablished", named | {"title": f"标题 {post_id}", "title_en": post_id, "ex_officio_post_id": ""}
    if person_id:
        yield "PersonRegistered", {"person_id": person_id, "name": "", "place": where}
        yield "PersonAppointed", named | {"person_id": person_id, "since": FOUNDED, "until": until}


def facts() -> Iterator[tuple[str, dict[str, Any]]]:
    """All facts of the small city, as (type, data)."""
    for kind, codes in ENTRIES.items():
        for code, data in codes.items():
            yield entry(kind, code, **data)
    for place, (kind, name) in PLACES.items():
        parent = place.rpartition(".")[0]
        yield (
            "PlaceRegistered",
            {"place": place, "kind": kind, "name": name, "name_en": f"{name} (en)", "parent": parent},
        )
    for id, (level, place, parent) in ORGANISATIONS.items():
        named = {"organisation_id": id, "type": "party", "name": f"名 {id}", "name_en": id, "level": level}
        yield "OrganisationEstablished", named | {"place": place, "parent_id": parent, "since": FOUNDED}
    for post_id, (organisation, role, person, until) in POSTS.items():
        yield from post(post_id, organisation, role, person, until)
    for person in RESIDENTS:
        yield "PersonRegistered", {"person_id": person, "name": "", "place": COMPOUND}

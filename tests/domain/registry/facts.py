"""The facts and rows that the specs of the registry start from."""

from __future__ import annotations

from typing import Any

from services.registry.events import (
    Level,
    OrganisationEstablished,
    PersonAppointed,
    PersonRegistered,
    PlaceRegistered,
    PostEstablished,
    ProfileAdopted,
    Role,
    Term,
)
from shared.domain.mandate import Mandate

STREET, COMMUNITY, COMPOUND, BUILDING = "350104.013", "350104.013.002", "350104.013.002.007", "350104.013.002.007.01"
#: Four levels and the optional one between them (C06, C50).
LEVELS = ("street", "community", "area", "compound", "building")
NOBODY = Mandate(actor="p-x", role="resident")


def holder(*powers: str, place: str = "", actor: str = "p-clerk") -> Mandate:
    """A mandate with these powers at a place."""
    return Mandate(actor=actor, role="clerk", place=place, powers=frozenset(powers))


PROFILE: dict[str, Any] = {
    "city": "福州",
    "version": 1,
    "effective": "2018-01-01",
    "levels": [{"code": code, "zh": code, "en": code} for code in LEVELS],
    "roles": [
        {"code": "grid_worker", "zh": "网格员", "en": "Grid worker", "level": "community"},
        {"code": "secretary", "zh": "书记", "en": "Secretary", "level": ""},
    ],
    "powers": {"secretary": ["registry.appoint", "issue.*"]},
    "code_lists": {
        "organisation_types": {
            "party": {"zh": "党组织", "en": "Party organisation"},
            "council": {"zh": "自管会", "en": "Council"},
        },
        "place_kinds": {
            kind: {"zh": kind, "en": kind}
            for kind in ("district", "street", "community", "compound", "yard", "building")
        },
    },
    "parameters": {"extension_days": 5},
}
ADOPTED = ProfileAdopted(
    profile_id="fuzhou",
    city="福州",
    version=1,
    effective="2018-01-01",
    levels=tuple(Level(code=code, zh=code, en=code) for code in LEVELS),
    roles=(
        Role(code="grid_worker", zh="网格员", en="Grid worker", level="community"),
        Role(code="secretary", zh="书记", en="Secretary", level=""),
    ),
    powers={"secretary": ("issue.*", "registry.appoint")},
    code_lists={
        name: {code: Term(**term) for code, term in codes.items()} for name, codes in PROFILE["code_lists"].items()
    },
    parameters={"extension_days": 5},
)
REGISTERED = PlaceRegistered(place=COMPOUND, kind="compound", name="联邦新城", name_en="Lianbang", parent=COMMUNITY)
BRANCH = OrganisationEstablished(
    organisation_id="branch",
    type="party",
    name="小区党支部",
    name_en="Compound branch",
    level="compound",
    place=COMPOUND,
    parent_id="committee",
    since="2020-01-01",
)
POST = PostEstablished(
    post_id="post-1",
    organisation_id="branch",
    role="secretary",
    title="支部书记",
    title_en="Branch secretary",
    place=COMPOUND,
)
CHEN = PersonRegistered(person_id="p-chen", name="sealed:v1:p-chen:AAAA", place=COMMUNITY)
CHEN_APPOINTED = PersonAppointed(
    post_id="post-1",
    person_id="p-chen",
    organisation_id="branch",
    role="secretary",
    place=COMPOUND,
    since="2025-01-01",
    until="",
)

PROFILE_ROW = {**PROFILE, "profile_id": "fuzhou"}
COMMITTEE_ROW = {"name": "社区党委", "level": "community", "place": COMMUNITY, "since": "2019-01-01", "until": ""}
BRANCH_ROW = {"name": "小区党支部", "level": "compound", "place": COMPOUND, "since": "2020-01-01", "until": ""}
PERSON_ROW = {"person_id": "p-chen", "erased": 0}

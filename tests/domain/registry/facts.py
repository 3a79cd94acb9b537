"""What the specs of the registry start from: a document that a city can be founded on, facts, and rows in memory."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from services.registry.entry.state import Entry
from services.registry.organisation.state import OrganisationEstablished
from services.registry.person import PersonRegistered
from services.registry.place.state import PlaceRegistered
from services.registry.post.state import PersonAppointed, PostEstablished
from shared.domain.catalogue import KINDS
from shared.domain.city import City
from shared.domain.lists import Ranked, ReviewBody
from shared.domain.mandate import Mandate
from tests.kit.city import entry
from tests.kit.rows import city as small_city

STREET, COMMUNITY, COMPOUND, BUILDING = "350104.013", "350104.013.002", "350104.013.002.007", "350104.013.002.007.01"
#: Four levels and the optional one between them.
LEVELS = ("street", "community", "area", "compound", "building")
NOBODY = Mandate(actor="p-x", role="resident")


def holder(*powers: str, place: str = "", actor: str = "p-clerk") -> Mandate:
    """A mandate with these powers at a place."""
    return Mandate(actor=actor, role="clerk", place=place, powers=frozenset(powers))


def words(code: str, **more: Any) -> dict[str, Any]:
    """Words of a code in both languages."""
    return {"zh": f"{code}（中）", "en": code.replace("_", " ")} | more


#: One code of each list that a city needs; lists with an order say their rank.
_LISTS = {
    "organisation_types": ("party", "council", "board"),
    "place_kinds": ("district", "street", "community", "compound", "yard", "building"),
    "measures": ("area", "residents", "housing-reform"),
    "issue_categories": ("lamp",),
    "channels": ("visit",),
    "severities": ("small", "big"),
    "tiers": ("compound", "street"),
    "widths": ("compound", "street"),
    "volunteer_roles": ("informer",),
    "team_kinds": ("party",),
    "activity_kinds": ("service",),
    "money_sources": ("government",),
    "review_bodies": ("branch",),
    "posting_channels": ("portal",),
}


def _more(name: str, rank: int) -> dict[str, Any]:
    """What a list says of a code besides its words."""
    kind = KINDS[name].data
    if issubclass(kind, Ranked):
        return {"rank": rank}
    return {"type": "board"} if kind is ReviewBody else {}


PROFILE: dict[str, Any] = {
    "city": "福州",
    "version": 1,
    "effective": "2018-01-01",
    "levels": [{"code": code, **words(code)} for code in LEVELS],
    "roles": [
        {"code": "grid_worker", **words("grid_worker"), "level": "community", "intake": 1},
        {"code": "secretary", **words("secretary")},
        {"code": "resident", **words("resident")},
        {"code": "anonymous", **words("anonymous")},
    ],
    "powers": {
        "secretary": ["registry.appoint", "registry.person", "registry.read_names", "registry.organisation", "issue.*"],
    },
    "code_lists": {
        name: {code: words(code, **_more(name, rank)) for rank, code in enumerate(codes, 1)}
        for name, codes in _LISTS.items()
    },
    "parameters": {
        "follow_up_tries": 2,
        "claim_days": 14,
        "longest_claim_days": 90,
        "disclosure_days": 92,
        "late_entry_days": 7,
        "follow_up_spacing_hours": 12,
        "reopened_working_days": 10,
        "settling_days": 180,
        "repeat_days": 30,
        "bills_needed": 1,
        "contracts_needed": 0,
        "untaken_days": 3,
        "reopen_days": 30,
    },
    "checklists": [],
    "obligations": [],
}
REGISTERED = PlaceRegistered(place=COMPOUND, kind="compound", name="联邦新城", name_en="Lianbang", parent=COMMUNITY)
COMMITTEE = OrganisationEstablished(
    organisation_id="committee",
    type="party",
    name="社区党委",
    name_en="",
    level="community",
    place=COMMUNITY,
    parent_id="",
    since="2019-01-01",
)
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
CHEN = PersonRegistered(person_id="p-chen", name="陈依明", place=COMMUNITY)
CHEN_APPOINTED = PersonAppointed(
    post_id="post-1",
    person_id="p-chen",
    organisation_id="branch",
    role="secretary",
    place=COMPOUND,
    since="2025-01-01",
    until="",
)
#: No entry was changed on its own.
CODES: dict[str, Entry] = defaultdict(lambda: Entry("unchanged"))


def city(*more: tuple[str, dict[str, Any]]) -> City:
    """The small city of the kit with the levels and roles that these specs name."""
    levels = [entry("levels", code, rank=rank) for rank, code in enumerate(LEVELS, 1)]
    roles = [
        entry("roles", "secretary", level="", powers=[]),
        entry("roles", "grid_worker", level="community", powers=[]),
    ]
    kinds = [entry("place_kinds", "yard")]
    return small_city("2025-03-04", *levels, *roles, *kinds, *more)

"""Who acts in the specs of volunteers: residents, and the posts of a street with what they may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.domain.mandate import Mandate
from tests.kit.city import COMPOUND, DISTRICT, ENTRIES, OTHER_COMPOUND, STREET, entry, facts, post

HERE, THERE, BEYOND = COMPOUND, OTHER_COMPOUND, "350104.014.001.001"
#: Persons whom the registry knows, besides those of the kit.
PEOPLE = [
    f"p-{name}" for name in (*range(1, 10), *(f"b{n}" for n in range(7)), "far", "role", "deep", "lin", "wu", "chen")
]
RESIDENT = frozenset(ENTRIES["roles"]["resident"]["powers"])
ANONYMOUS = frozenset(ENTRIES["roles"]["anonymous"]["powers"])
WORKER = [
    *("volunteer.*", "team.form", "activity.*", "patrol.log", "wish.publish", "wish.confirm", "wish.read_wisher"),
    *("wish.erase", "wish.ask"),
]


def person(id: str) -> Mandate:
    """A resident."""
    return Mandate(actor=id, role="resident", powers=RESIDENT)


def small_city() -> Iterator[tuple[str, dict[str, Any]]]:
    """The small city of the kit with a worker of the street, a director of the district, and somebody who only checks wishes."""
    yield from facts()
    yield entry("roles", "worker", powers=WORKER)
    yield entry("roles", "checker", powers=["wish.publish"])
    yield from post("post-worker", "o-community", "worker", "p-worker", place=STREET)
    yield from post("post-director", "o-street", "worker", "p-director", place=DISTRICT)
    yield from post("post-checker", "o-community", "checker", "p-checker", place=STREET)
    for id in PEOPLE:
        yield "PersonRegistered", {"person_id": id, "name": "", "place": HERE}
    yield "PlaceRegistered", {"place": BEYOND, "kind": "compound", "name": "远", "name_en": "Far", "parent": "350104"}

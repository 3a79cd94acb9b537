"""A city as the registry's specs find it: Fuzhou, founded on the document of their facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.domain.registry.facts import BUILDING, COMMUNITY, COMPOUND, PROFILE, STREET
from tests.kit.desk import Desk


def founded(folder: Path) -> Desk:
    """Fuzhou: four levels from street to building, one compound in a community, two buildings."""
    desk = Desk("registry", folder)

    def ask(method: str, **arguments: Any) -> None:
        desk.ask(method, "operator", **arguments)

    ask("adopt_profile", profile_id="fuzhou", **PROFILE)
    for place, kind, name in (
        ("350104", "district", "仓山区"),
        (STREET, "street", "三叉街街道"),
        (COMMUNITY, "community", "社区"),
        (COMPOUND, "compound", "联邦新城"),
        (BUILDING, "building", "1号楼"),
        (COMPOUND + ".02", "building", "2号楼"),
    ):
        ask("register_place", place=place, kind=kind, name=name, parent=place.rpartition(".")[0])
    for id, level, place, parent in (
        ("street-committee", "street", STREET, ""),
        ("committee", "community", COMMUNITY, "street-committee"),
        ("branch", "compound", COMPOUND, "committee"),
        ("group-1", "building", BUILDING, "branch"),
        ("group-2", "building", COMPOUND + ".02", "branch"),
    ):
        named = {
            "organisation_id": id,
            "type": "party",
            "name": f"{level}党组织" + "二" * (id == "group-2"),
            "since": "2020-01-01",
        }
        ask("establish_organisation", level=level, place=place, parent_id=parent, **named)
    ask("establish_post", post_id="post-secretary", organisation_id="committee", role="secretary", title="书记")
    ask("establish_post", post_id="post-grid", organisation_id="committee", role="grid_worker", title="网格员")
    ask("register_person", person_id="p-chen", name="陈依明", place=COMMUNITY)
    ask("register_person", person_id="p-lin", name="林秀英", place=COMMUNITY)
    ask("appoint_person", post_id="post-secretary", person_id="p-chen", since="2025-01-01")
    return desk

"""Figures are those of the facts up to a position: asked again, and by views made anew from the logs, they are the same bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.audit.ledger import LedgerFollower
from shared.domain.errors import LinliError
from shared.following.context import CallContext
from shared.following.follow import Follower
from shared.following.node import ServiceRuntime
from shared.views.sqlite import SqliteViews
from tests.component.gateway.every_command import OPERATOR, World
from tests.kit.city import COMMUNITY, COMPOUND
from tests.kit.town import Town

#: Reads what is for staff of the community.
_SECRETARY = CallContext(kind="person", actor="p-secretary", post="post-secretary")
#: What must be chosen, by the query.
_CHOSEN: dict[str, dict[str, Any]] = {
    "standing_figures": {"scheme": "mode"},
    "link_figures": {"kind": "pairing"},
    "classification_figures": {"scheme": "member"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A town in which something of everything was done."""
    made = World(tmp_path_factory.mktemp("town"))
    for done in (made.standing, made.confirmed_link, made.checklist, made.statement):
        done()
    made.issue("resolved")
    made.activity(attended=made.volunteer(), held=True)
    made.wish("fulfilled")
    yield made
    made.close()


def figures(town: Town) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every query of figures that can be asked for, of the city and of two places."""
    for service, place in town.places.items():
        for name, query in place.definition.queries.items():
            needed = {one.name for one in query.fields if one.required}
            asked = _CHOSEN.get(name, {})
            field = next((one.name for one in query.fields if one.name.startswith("place")), "place")
            if name.endswith("_figures") and needed == asked.keys():
                for where in ("", COMMUNITY, COMPOUND)[bool(query.power) :]:
                    yield service, name, asked | {field: where}


def answers(town: Town) -> dict[str, bytes]:
    """The answers as bytes, by what was asked."""
    found = {}
    for service, name, ask in figures(town):
        staff = bool(town.places[service].definition.queries[name].power)
        context = _SECRETARY if staff else CallContext(kind="operator", actor=OPERATOR)
        answer = town.call(service, name, context, ask)
        assert answer["as_of"] == {"service": service, "position": town.places[service].node.log.head().position}, name
        found[f"{service}.{name} {ask}"] = msgspec.json.encode(answer, order="deterministic")
    return found


def replayed(town: Town, folder: Path) -> Town:
    """The same town with views that are made anew from the logs."""
    folder.mkdir()
    again = copy.copy(town)
    again.places = {}
    for name, place in town.places.items():
        fresh = copy.copy(place)
        views = SqliteViews(folder / f"{name}.sqlite", place.definition.all_views, durable=place.definition.durable)
        follower = LedgerFollower if name == "audit" else Follower
        fresh.node = ServiceRuntime(place.definition, place.node.log, views, follower, town.personal)
        again.places[name] = fresh
    again.settle()
    return again


def test_the_same_figures_at_the_same_position_are_the_same_bytes(world: World, tmp_path: Path) -> None:
    """Every figure names the position that it reflects; asked again, and after a replay, it is the same; a fact moves it (X01)."""
    first = answers(world.town)
    assert len(first) > 30 and len({asked.split()[0] for asked in first}) > 10
    assert any(b'"collected":1' in answer for answer in first.values()), "there is something to count"
    assert answers(world.town) == first
    heads = {name: place.node.log.head().position for name, place in world.town.places.items()}
    again = replayed(world.town, tmp_path / "again")
    assert {name: place.node.log.head().position for name, place in again.places.items()} == heads, (
        "a replay decides nothing"
    )
    assert answers(again) == first
    for place in again.places.values():
        place.node.close()
    with pytest.raises(LinliError):
        world.town.call("issues", "issue_figures", CallContext(kind="operator", actor=OPERATOR), {"place": "no place"})
    assert answers(world.town) == first, "what is refused changes no figure"
    world.issue()
    moved = answers(world.town)
    assert {asked for asked in first if moved[asked] != first[asked]} == {
        asked for asked in first if asked.startswith("issues.")
    }, "only figures of the log that has gone on"

"""Each service is whole: every promise in its definition has its method, its check, its power and its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.console.catalogue import OWNERS, definition, service_class
from shared.following.parking import PARKING_EVENTS
from shared.service.operations import OPERATIONS
from tests.kit.city import ENTRIES

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = {name: definition(name) for name in OWNERS}


@pytest.mark.parametrize("name", OWNERS)
def test_every_command_and_query_has_a_method_and_every_method_its_schema(name: str) -> None:
    found = DEFINITIONS[name]
    methods = {
        attribute
        for attribute in dir(service_class(name))
        if hasattr(getattr(service_class(name), attribute), "nameko_entrypoints")
    }
    methods -= {"sign_checkpoint"}  # a timer, not a call
    assert methods == {*found.commands_checked, *found.queries_checked, *OPERATIONS}


@pytest.mark.parametrize("name", OWNERS)
def test_every_schema_says_what_it_is_for(name: str) -> None:
    found = DEFINITIONS[name]
    for method, schema in {**found.commands_checked, **found.queries_checked}.items():
        assert schema.__doc__ and schema.__doc__.strip().endswith("."), f"{name}.{method} lacks its sentence"
        for field, declared in schema().fields.items():
            assert declared.metadata.get("description"), f"{name}.{method}: {field} lacks its description"


@pytest.mark.parametrize("name", OWNERS)
def test_every_power_that_is_asked_for_is_declared(name: str) -> None:
    """A power that no profile can know of would lock everybody out; one that nobody asks for would be a false promise."""
    asked: set[str] = set()
    for file in (ROOT / "services" / name).rglob("*.py"):
        if file.name != "definition.py":
            asked |= set(re.findall(r'"([a-z]+\.[a-z_]+(?:\.[a-z]+)?)"', file.read_text()))
    declared = set(DEFINITIONS[name].powers)
    unused = {power for power in declared if power not in asked and power.rsplit(".", 1)[0] + "." not in _text(name)}
    assert unused == set()
    assert all(sentence.strip().endswith(".") or sentence.strip() for sentence in DEFINITIONS[name].powers.values())


def _text(name: str) -> str:
    return "".join(file.read_text() for file in (ROOT / "services" / name).rglob("*.py"))


def test_what_roles_may_do_is_asked_for_by_some_service() -> None:
    asked = {power for found in DEFINITIONS.values() for power in found.all_powers}
    given = {power for role in ENTRIES["roles"].values() for power in role["powers"]}
    kinds = {power.partition(".")[0] + ".*" for power in asked}
    assert given - asked - kinds == set()


@pytest.mark.parametrize("name", OWNERS)
def test_views_policies_and_sources_fit_together(name: str) -> None:
    found = DEFINITIONS[name]
    followed = {found.name, *found.sources}
    assert {view.source for view in found.all_views if view.source} <= followed
    assert {policy.partition(".")[0] for policy in found.policies} <= set(found.sources)
    names = [view.name for view in found.all_views]
    assert len(names) == len(set(names)), "two views share a name"
    categories = [decider.category for decider in found.deciders]
    assert len(categories) == len(set(categories)), "two aggregates share their streams' name"


@pytest.mark.parametrize("name", OWNERS)
def test_policies_name_facts_that_their_source_publishes(name: str) -> None:
    for fact in DEFINITIONS[name].policies:
        source, _, event = fact.partition(".")
        assert event in DEFINITIONS[source].codec.events


@pytest.mark.parametrize("name", OWNERS)
def test_the_published_contract_is_json_schema(name: str) -> None:
    contract = DEFINITIONS[name].codec.json_schema()
    assert set(contract["schemas"]) == set(DEFINITIONS[name].codec.events)
    assert {event.__name__ for event in PARKING_EVENTS} <= set(contract["schemas"])

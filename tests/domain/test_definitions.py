"""Each service is whole: its declarations fit together, and one that does not fit is refused at the start, with file and reason."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, cast

import msgspec
import pytest

from services.console.catalogue import OWNERS, definition
from shared.domain.clock import Rule
from shared.domain.command import GIVEN, TAKEN, Command
from shared.domain.decider import Decider
from shared.domain.event import Event
from shared.domain.fields import DAY, ID
from shared.domain.mandate import Mandate
from shared.domain.reader import Reader
from shared.domain.signature import holds
from shared.domain.view import OWN, View, tally
from shared.following.definition import Definition
from shared.following.execute import execute
from shared.following.node import ServiceRuntime
from shared.following.parking import PARKING_EVENTS
from tests.kit.city import ENTRIES

DEFINITIONS = {name: definition(name) for name in OWNERS}


@pytest.mark.parametrize("name", OWNERS)
def test_every_schema_and_field_says_what_it_is_for(name: str) -> None:
    found = DEFINITIONS[name]
    for method, schema in {**found.commands_checked, **found.queries_checked}.items():
        assert schema.__doc__ and schema.__doc__.strip().endswith("."), f"{name}.{method} lacks its sentence"
        for field, declared in schema().fields.items():
            assert declared.metadata.get("description"), f"{name}.{method}: {field} lacks its description"


@pytest.mark.parametrize("name", OWNERS)
def test_every_power_has_a_sentence(name: str) -> None:
    for power, sentence in DEFINITIONS[name].all_powers.items():
        assert sentence.strip(), f"{power} does not say what it lets one do"


def test_no_two_services_ask_for_one_power_in_different_words() -> None:
    said: dict[str, set[str]] = {}
    for found in DEFINITIONS.values():
        for power, sentence in found.powers.items():
            said.setdefault(power, set()).add(sentence)
    assert [power for power, sentences in said.items() if len(sentences) > 1] == []


def test_what_the_small_city_gives_to_roles_is_asked_for_somewhere() -> None:
    """A power that nothing asks for would be a false promise."""
    declared = {power for found in DEFINITIONS.values() for power in found.all_powers}
    given = {power for role in ENTRIES["roles"].values() for power in role["powers"]}
    assert {power for power in given if not power.endswith("*")} - declared == set()


@pytest.mark.parametrize("name", OWNERS)
def test_views_policies_and_sources_fit_together(name: str) -> None:
    found = DEFINITIONS[name]
    followed = {found.name, *found.sources}
    assert {view.source for view in found.all_views if view.source} <= followed
    assert {policy.partition(".")[0] for policy in found.policies} <= {name, *found.sources}
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


# What is refused


class LampMended(Event, frozen=True, kw_only=True):
    lamp_id: str


class Lamp(msgspec.Struct, frozen=True):
    id: str
    status: str = "unknown"


def lamps(category: str = "lamp") -> Decider[Lamp]:
    """An aggregate without commands."""
    return Decider(category, (LampMended,), Lamp, Lamp, lambda lamp, event: Lamp(lamp.id, "mended"), lambda lamp: "")


def mend(lamp: Lamp, *, by: Mandate, at: str) -> list[Event]:
    """Mend a lamp."""
    return [LampMended(lamp_id=lamp.id)]


def mend_with_words(lamp: Lamp, *, by: Mandate, at: str, note: str = "") -> list[Event]:
    """Mend a lamp."""
    return mend(lamp, by=by, at=at)


def mend_silently(lamp: Lamp, *, by: Mandate, at: str, day: Annotated[str, DAY]) -> list[Event]:
    """Mend a lamp."""
    return mend(lamp, by=by, at=at)


def mend_without_words(lamp: Lamp, *, by: Mandate, at: str) -> list[Event]:
    return mend(lamp, by=by, at=at)


def mend_alone(lamp: Lamp) -> list[Event]:
    """Mend a lamp."""
    return []


def mend_by_command(lamp: Lamp, *, by: Mandate, at: str, command: Annotated[str, ID, "which"]) -> list[Event]:
    """Mend a lamp."""
    return mend(lamp, by=by, at=at)


POLE = lamps("pole")


def mend_on_pole(
    lamp: Lamp,
    *,
    by: Mandate,
    at: str,
    pole_id: Annotated[str, ID, "where"],
    pole: Annotated[Lamp, holds(POLE, "pole_id")],
) -> list[Event]:
    """Mend a lamp."""
    return mend(lamp, by=by, at=at)


def mend_on_nothing(lamp: Lamp, *, by: Mandate, at: str, pole: Annotated[Lamp, holds(POLE, "pole_id")]) -> list[Event]:
    """Mend a lamp."""
    return mend(lamp, by=by, at=at)


def read_with_city(read: Reader, *, pole: Annotated[Lamp, holds(POLE, "pole_id")]) -> dict[str, Any]:
    """Read."""
    return {}


@pytest.mark.parametrize(
    ("decide", "power", "reason"),
    [
        (mend_with_words, "lamp.mend", "the argument note names no kind of field"),
        (mend_silently, "lamp.mend", "the field day lacks a sentence"),
        (mend_without_words, "lamp.mend", "lacks a sentence that says what it is for"),
        (mend_alone, "lamp.mend", "takes `by` and `at`"),
        (mend, "", "a command needs a power"),
        (mend_on_nothing, "lamp.mend", "held by pole_id, which is no field"),
        (mend_by_command, "lamp.mend", "no argument is named command"),
    ],
)
def test_a_command_that_is_not_whole_is_refused(decide: Callable[..., Any], power: str, reason: str) -> None:
    with pytest.raises(TypeError, match=rf"test_definitions\.py:\d+.*{reason}"):
        lamps().command(power)(decide)


def test_no_argument_is_named_as_what_carries_commands_out_names_its_own() -> None:
    named = {
        parameter.name
        for step in (ServiceRuntime.decide, execute, Command.give)
        for parameter in inspect.signature(step).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    assert named | {"at"} == TAKEN


def test_a_query_takes_a_reader_and_nothing_else_by_type() -> None:
    with pytest.raises(TypeError, match=r"test_definitions\.py:\d+.*a query takes a Reader"):
        lamps().query()(read_with_city)


def test_two_commands_of_one_name_are_refused() -> None:
    lamp, pole = lamps(), lamps("pole")
    lamp.command("lamp.mend", new=GIVEN)(mend)
    with pytest.raises(TypeError, match="the command mend is declared twice"):
        lamp.command("lamp.mend")(mend)
    pole.command("lamp.mend", new=GIVEN)(mend)
    with pytest.raises(TypeError, match="pole and lamp both declare mend"):
        Definition("lamps", (lamp, pole))


def test_a_guard_on_another_services_thing_is_refused() -> None:
    lamp = lamps()
    lamp.command("lamp.mend")(mend_on_pole)
    with pytest.raises(
        TypeError, match=r"test_definitions\.py:\d+: mend_on_pole holds a pole, which is no aggregate of lamps"
    ):
        Definition("lamps", (lamp,))
    Definition("lamps", (lamp, POLE))


def test_a_clock_rule_without_a_period_is_refused() -> None:
    rule = Rule("mend", lamps(), lambda city: (), mend, cast("Any", None))
    with pytest.raises(TypeError, match=r"test_definitions\.py:\d+: the clock rule mend of lamps names no period"):
        Definition("lamps", clock=(rule,))


def test_a_tally_of_a_view_that_is_not_there_is_refused() -> None:
    shown = View.of(lamps(), "lamps")
    with pytest.raises(TypeError, match="the tally figures counts lamps, which is no view of this service"):
        Definition("lamps", views=(tally("figures", shown, lambda row: {"lamps": 1}),))
    Definition("lamps", views=(shown, tally("figures", shown, lambda row: {"lamps": 1})))


def test_views_of_own_facts_get_the_services_name() -> None:
    (view,) = Definition("lamps", views=(View("all", OWN, lambda event, record: None, lambda *_: None),)).views
    assert view.source == "lamps"

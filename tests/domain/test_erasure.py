"""Every sealed field has its erasure, and one human's erasure reaches every service: no file holds the name afterwards."""

from __future__ import annotations

import pytest

from services.console.backup.keys import ERASURES
from services.console.catalogue import OWNERS, definition
from shared.domain.event import seals_of
from tests.domain.history.record import example


@pytest.mark.parametrize("service", OWNERS)
def test_every_sealed_field_has_a_fact_that_erases_it_and_a_command_that_records_it(service: str) -> None:
    """The subject of each seal is one that an erasure destroys; restore takes the same table (part of X09)."""
    prefixes = {prefix for _field, prefix in ERASURES.values()}
    for decider in definition(service).deciders:
        for event in decider.codec.events.values():
            for name, seal in seals_of(event).items():
                subject = seal.subject(example(event))
                assert any(subject.startswith(prefix) for prefix in prefixes if prefix) or subject == "text", name
    own = [fact.partition(".")[2] for fact in ERASURES if fact.startswith(service + ".")]
    codec = definition(service).codec
    assert [fact for fact in own if fact not in codec.events] == []
    erasing = [command.name for command in definition(service).commands.values() if command.erases is not None]
    assert len(erasing) == len(own), erasing


def test_every_way_to_be_erased_is_known() -> None:
    """A new fact that erases somebody must be told to the restore of keys as well (R9)."""
    facts = {
        f"{name}.{event}"
        for name in OWNERS
        for event in definition(name).codec.events
        if event.endswith(("Erased", "Forgotten"))
    }
    assert facts == set(ERASURES)
    for fact, (field, _) in ERASURES.items():
        service, _, event = fact.partition(".")
        assert field in definition(service).codec.events[event].__struct_fields__

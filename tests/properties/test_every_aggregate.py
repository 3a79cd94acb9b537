"""Every aggregate of every service under the generic state machine of `tests.kit.machine`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from services.console.catalogue import OWNERS, definition
from shared.domain.decider import Decider
from tests.kit.machine import World, machine_for

#: The same runs each time, few enough for the whole file to take less than a minute.
BOUNDED = settings(
    max_examples=16,
    stateful_step_count=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
#: Of these only refusals are tried here: a profile is one document of lists, and the small city has no term with an end, no cost shared,
#: checklist, obligation, scheme, classification, table of grades, indicator, link, selection, document, meeting, programme, survey, venue.
ONLY_REFUSED = {
    "profile",
    "succession",
    "checklist",
    "mediation",
    "whistle",
    "obligation",
    "standing",
    "classification",
    "grading",
    "indicator",
    "link",
    "sharing",
    "selection",
    "regulation",
    "acknowledgement",
    "response",
    "meeting",
    "programme",
    "participation",
    "survey",
    "sheet",
    "booking",
}
AGGREGATES = [
    pytest.param(name, decider, id=decider.category)
    for name in OWNERS
    for decider in definition(name).deciders
    if decider.commands
]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The world of each service, told once."""
    return cache(lambda service: World(service, Path(tmp_path_factory.mktemp(service))))


@pytest.mark.parametrize(("service", "decider"), AGGREGATES)
def test_whatever_is_commanded(service: str, decider: Decider[Any], worlds: Any) -> None:
    world = worlds(service)
    run_state_machine_as_test(machine_for(world, definition(service), decider), settings=BOUNDED)
    begun = any(world.done[name] for name in decider.commands)
    assert begun or decider.category in ONLY_REFUSED, "no command ever did anything: the machine proves nothing"

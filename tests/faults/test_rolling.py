"""Every process of a city is restarted in turn under load, and no call fails: with a successor beside it, and in place (R3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.console.catalogue import SERVICES
from shared.service.relay import LEASE
from tests.faults import rolling
from tests.faults.api import Api
from tests.faults.city import City
from tests.faults.conftest import Founded
from tests.faults.founding import found

pytestmark = [pytest.mark.city, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def patient() -> Iterator[Founded]:
    """A city of its own, whose callers wait for as long as a restart takes here."""
    city = City("city", settings=rolling.PATIENT)
    try:
        city.start()
        yield Founded(city, found(city))
    finally:
        city.stop()


def test_no_call_fails_while_successors_take_over(patient: Founded, seed: int) -> None:
    report = rolling.surge(patient.city, patient.tokens, seed)
    print(report)
    assert report.all_well(), report
    assert report.refused == 0, "the proxy turns to a gateway that listens"
    assert report.restarts == len(SERVICES) + 1, "there are two gateways"
    assert report.calls >= report.restarts * rolling.BETWEEN
    assert max(report.ends) < 10


def test_no_call_fails_while_each_process_is_restarted_in_place(patient: Founded, seed: int) -> None:
    """The gateway itself is away for a moment: its callers are refused, and knock again."""
    report = rolling.in_place(patient.city, patient.tokens, seed)
    print(report)
    assert report.all_well(), report
    assert report.refused > 0
    assert report.restarts == len(SERVICES)
    assert report.calls >= report.restarts * rolling.BETWEEN
    assert max(report.ends) < 10


def test_the_next_process_relays_soon_after_one_was_killed(patient: Founded) -> None:
    """It cannot know that the holder of the lease is gone, and waits until that has run out."""
    city = patient.city
    city.hold("registry")
    registry = city.processes["registry"]
    registry.kill()
    started = rolling.start(registry)
    city.release("registry")
    operator = Api(city.url, patient.tokens["operator"])
    operator.send("registry/register_person", {"person_id": "after-a-kill", "name": "林小满"}, "after-a-kill")
    took = city.converge(relays=True)
    print(f"killed: started in {started:.1f} s, relays and followers at the heads {took:.1f} s later")
    assert took < LEASE + 5

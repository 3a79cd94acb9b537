"""Nothing acknowledged is lost, doubled or reordered, whatever is killed, frozen, cut or wiped under load (R1, R2)."""

from __future__ import annotations

import time

import pytest

from tests.faults import survival
from tests.faults.conftest import Founded
from tests.faults.injector import WEIGHTS, Injector

pytestmark = [pytest.mark.city, pytest.mark.timeout(500)]

AWAY = 4.0  # seconds that the broker is away here; `python -m tests.faults --away 600` makes it ten minutes


def test_an_embedded_city_survives_being_killed_and_frozen(seed: int) -> None:
    report = survival.embedded(seed, kills=4)
    print(report)
    assert report.all_well(), f"{report}\n" + "\n".join(report.told)
    assert report.kills == 4 and report.counts.acknowledged >= 20


def test_a_city_survives_every_kind_of_fault(founded: Founded, seed: int) -> None:
    report = survival.survive(founded.city, founded.tokens, seed, lambda injector: injector.run(6, each=True))
    print(report)
    assert report.all_well(), f"{report}\n" + "\n".join(report.told)
    assert set(report.faults) == set(WEIGHTS)
    assert report.kills >= 6 and report.counts.acknowledged >= 20


def test_a_city_whose_broker_is_wiped_and_away_converges(founded: Founded, seed: int) -> None:
    """All queues deleted, then no broker at all for a while: every fact arrives all the same (R2)."""
    report = survival.survive(founded.city, founded.tokens, seed, lambda injector: without_broker(injector, AWAY), "b")
    print(report)
    assert report.all_well(), report


def without_broker(injector: Injector, seconds: float) -> None:
    """Wipe the broker, stop it for some seconds, wipe it once more when it is back."""
    city = injector.city
    assert city.wipe_broker() > 0
    injector.load.wait_for(5)
    broker = city.server("broker")
    broker.stop()
    time.sleep(seconds)  # how long it is away is what is tried here
    broker.start()
    injector.load.wait_for(5)
    assert city.wipe_broker() > 0
    injector.done.update({"wipe the broker": 2, "broker away": 1})

"""SIGTERM ends every process within ten seconds, whatever is gone, and work in flight is finished or comes again (R3)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.checker import check
from tests.faults.city import City
from tests.faults.conftest import Founded
from tests.faults.founding import found
from tests.faults.load import Load

WITHIN = 10.0
#: What is the matter with each server when the processes are asked to end: gone, or silent on open connections.
SITUATIONS = {
    "nothing gone": {},
    "the broker gone": {"broker": "gone"},
    "the database gone": {"database": "gone"},
    "both silent": {"broker": "silent", "database": "silent"},
}


def end_all(city: City) -> dict[str, float]:
    """Ask all processes to end and return the seconds that each took; AssertionError for one that did not end well."""
    for name in city.processes:
        city.hold(name)
    since = time.monotonic()
    for process in city.processes.values():
        process.terminate()
    with ThreadPoolExecutor(len(city.processes)) as pool:
        waits = {name: pool.submit(process.wait_for_end, since) for name, process in city.processes.items()}
    ended = {name: wait.result() for name, wait in waits.items()}
    assert {name: code for name, (_, code) in ended.items() if code} == {}, city.tails()
    return {name: seconds for name, (seconds, _) in ended.items()}


def start_all(city: City) -> None:
    """Start all processes again and wait until they answer."""
    for name, process in city.processes.items():
        process.start()
        city.release(name)
    city.wait_ready()


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_process_of_a_city_ends_in_time(founded: Founded, situation: str, seed: int, tmp_path: Path) -> None:
    city = founded.city
    load = Load(city.url, founded.tokens, tmp_path / "receipts.jsonl", seed, prefix="stop" + "abcd"[list(SITUATIONS).index(situation)])
    load.start()
    load.wait_for(5)
    for (_, server), gate in city.gates.items():
        match SITUATIONS[situation].get(server):
            case "gone":
                gate.shut()
            case "silent":
                gate.hold()
    time.sleep(1.0)  # time for calls to hang in what is gone
    try:
        seconds = end_all(city)
    finally:
        city.heal()
        started = time.monotonic()
        start_all(city)
    ready = time.monotonic() - started
    load.stop()
    print(f"{situation}: " + ", ".join(f"{name} {took:.1f} s" for name, took in seconds.items()) + f"; ready again in {ready:.1f} s")
    assert max(seconds.values()) < WITHIN, seconds
    assert load.wrong == []
    print(f"converged in {city.converge():.1f} s")
    findings = check(city, tmp_path / "receipts.jsonl")
    assert findings.all_well(), findings


def test_an_embedded_city_ends_in_time_and_loses_nothing(seed: int, tmp_path: Path) -> None:
    city = City("embedded")
    try:
        city.start()
        load = Load(city.url, found(city), tmp_path / "receipts.jsonl", seed)
        load.start()
        load.wait_for(20)
        seconds = end_all(city)
        start_all(city)
        load.stop()
        print(f"embedded: {seconds['linli']:.1f} s")
        assert seconds["linli"] < WITHIN
        assert load.wrong == []
        city.converge()
        findings = check(city, tmp_path / "receipts.jsonl")
        assert findings.all_well(), findings
    finally:
        city.stop()

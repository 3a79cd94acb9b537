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

pytestmark = [pytest.mark.city, pytest.mark.timeout(500)]

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


def take_away(city: City, servers: dict[str, str]) -> None:
    """Shut or hold the gates to servers, for every service."""
    for (_, server), gate in city.gates.items():
        match servers.get(server):
            case "gone":
                gate.shut()
            case "silent":
                gate.hold()


def test_each_process_of_a_city_ends_in_time(founded: Founded, seed: int, tmp_path: Path) -> None:
    """Under load, in every situation; started again, the city goes on as if nothing had been."""
    city = founded.city
    load = Load(city.url, founded.tokens, tmp_path / "receipts.jsonl", seed, prefix="stop")
    load.start()
    slow: dict[str, dict[str, float]] = {}
    try:
        for situation, servers in SITUATIONS.items():
            load.wait_for(5)
            take_away(city, servers)
            time.sleep(1.0)  # time for calls to hang in what is gone
            try:
                seconds = end_all(city)
            finally:
                city.heal()
                start_all(city)
            print(f"{situation}: " + ", ".join(f"{name} {took:.1f} s" for name, took in seconds.items()))
            if max(seconds.values()) >= WITHIN:
                slow[situation] = seconds
    finally:
        load.stop()
    assert slow == {}
    assert load.wrong == []
    city.converge()
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

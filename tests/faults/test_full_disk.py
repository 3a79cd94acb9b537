"""A disk without room: 503 and ready says why, nothing acknowledged is lost, no process ends over it, and it goes on when there is room."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.backups import COMMAND, ROOT, City
from tests.processes import wait_until

pytestmark = [pytest.mark.city, pytest.mark.timeout(120)]

#: Bytes at which a file may end while "the disk is full": less than any file of a city has.
FULL = 1024


@pytest.fixture
def city(tmp_path: Path) -> Iterator[tuple[City, subprocess.Popen[bytes]]]:
    """A city whose log lines lie on the disk that is to fill up."""
    city = City(tmp_path / "data")
    process = subprocess.Popen(
        [*COMMAND, "up", "--log-file", str(tmp_path / "linli.log")],
        cwd=ROOT,
        env=city.environment | {"LINLI_LOG_LEVEL": "info"},
    )
    wait_until(city._ready, 60, lambda: "the city does not start")
    yield city, process
    process.kill()
    process.wait()


def ask(city: City, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    """The status and the answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{city.environment['LINLI_PORT']}{path}")
    request.add_header("Authorization", f"Bearer {(city.folder / 'operator.token').read_text().strip()}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
        request.add_header("Idempotency-Key", key)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def register(city: City, number: int) -> tuple[int, Any]:
    person = {"person_id": f"p-{number}", "name": "林小满"}
    return ask(city, "/api/registry/register_person", person, f"key-{number}")


def test_nothing_is_lost_when_the_disk_is_full(city: tuple[City, subprocess.Popen[bytes]]) -> None:
    here, process = city
    assert [register(here, number)[0] for number in range(5)] == [200] * 5
    hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL, hard))
    refused = [register(here, number) for number in range(3, 9)]  # those that are known are answered from the log
    assert [status for status, _ in refused] == [200, 200, 503, 503, 503, 503], refused
    assert all(answer["kind"] == "unavailable" for status, answer in refused if status == 503)
    assert ask(here, "/health/ready")[0] == 503
    assert ask(here, "/health/live")[0] == 200
    told = ask(here, "/api/operations/status")[1]["services"]["registry"]["problem"]
    assert "registry.log.sqlite" in told, told
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    wait_until(here._ready, 30, lambda: str(ask(here, "/api/operations/status")))
    assert [register(here, number)[0] for number in range(9)] == [200] * 9
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    report = here.report("verify")
    persons = next(log for log in report["logs"] if log["service"] == "registry")
    assert persons["events"] == 9
    assert here.report("replay")["differences"] == []

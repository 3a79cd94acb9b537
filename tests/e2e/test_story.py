"""The story of Lianbang Xincheng in a real city: loaded through the API, proved, loaded again, and loaded over crashes.

What it tells is in `deploy/scenarios/sanchajie.yaml`; crashes are those of R1.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.console.scenario import load
from tests.processes import Process, free_port, wait_until

ROOT = Path(__file__).parents[2]
STORY = ROOT / "deploy/scenarios/sanchajie.yaml"
NAME = "lianbang-2025"
#: Seconds that one command of the `linli` program may take here, on a machine that does other things too.
PATIENCE = 150


class City:
    """`linli up` in a folder of its own."""

    def __init__(self) -> None:
        self.process = Process("story")
        self.data = self.process.folder / "data"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.environment = os.environ | {
            "LINLI_DATA": str(self.data),
            "LINLI_PORT": str(port),
            "LINLI_HOST": "127.0.0.1",
            "LINLI_LOG_LEVEL": "warning",
            "AMQP_URI": "",
            "MONGODB_URI": "",
            "PYTHONPATH": str(ROOT),
        }

    def start(self) -> None:
        """Start, or start again over the same files, and wait until everybody answers."""
        self.process.spawn([sys.executable, "-m", "services.console", "up"], self.environment)
        wait_until(lambda: self.process.running() and self.answers(), 60, self.process.tail)

    def answers(self) -> bool:
        """Whether all services are ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def get(self, path: str, token: str = "") -> Any:
        """The JSON answer of the gateway."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=30) as answer:
            return json.load(answer)

    def heads(self) -> dict[str, int]:
        """How many events each log holds, but for the audit service's, which notes who signs in."""
        token = (self.data / "operator.token").read_text().strip()
        services = self.get("/api/operations/status", token)["services"]
        return {name: service["head"] for name, service in services.items() if name != "audit"}

    def linli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `linli` program to its end."""
        return subprocess.run(
            [sys.executable, "-m", "services.console", *arguments],
            env=self.environment,
            cwd=self.process.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def tell(self) -> dict[str, Any]:
        """Run the story to its end; its report."""
        done = self.linli("scenario", "run", str(STORY), "--json")
        assert done.returncode == 0, done.stderr + done.stdout[-3000:] + self.process.tail()
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def begin(self) -> subprocess.Popen[str]:
        """Start running the story."""
        return subprocess.Popen(
            [sys.executable, "-m", "services.console", "scenario", "run", str(STORY), "--json"],
            env=self.environment,
            cwd=self.process.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def done(self) -> int:
        """How many steps the runner has noted as acknowledged."""
        try:
            found: int = json.loads((self.data / "scenarios" / f"{NAME}.json").read_text())["done"]
        except FileNotFoundError:
            return 0
        return found


@pytest.fixture
def city() -> Iterator[City]:
    """A city that is gone afterwards."""
    found = City()
    found.start()
    yield found
    found.process.destroy()


@dataclass(frozen=True)
class Told:
    """A city in which the story was told once without any disturbance."""

    city: City
    report: dict[str, Any]
    heads: dict[str, int]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    """The story, told; tests add nothing to this city."""
    found = City()
    found.start()
    yield Told(found, found.tell(), found.heads())
    found.process.destroy()


def figures(report: dict[str, Any]) -> list[tuple[str, Any]]:
    """What was found, without what differs between two runs."""
    return [(figure["title"]["en"], figure["found"]) for figure in report["figures"]]


@pytest.mark.timeout(600)
def test_the_story_gives_its_figures_is_proved_and_changes_nothing_the_second_time(told: Told) -> None:
    """(part of X01, X12)"""
    city, report, heads = told.city, told.report, told.heads
    scenario = load(STORY)
    assert report["holds"] and report["steps"] == scenario.count and report["skipped"] == 0
    assert report["seconds"] < 60
    found = dict(figures(report))
    assert found["opinions = led by community + led by street"] == 56
    assert (found["led by the community"], found["led by the street"]) == (44, 12)
    assert found["sessions"] < found["person-times"] and found["distinct persons"] < found["person-times"]

    verified = city.linli("verify", "--json")
    assert verified.returncode == 0, verified.stderr + verified.stdout
    replayed = city.linli("replay", "--json")
    assert replayed.returncode == 0, replayed.stderr + replayed.stdout
    assert json.loads(replayed.stdout)["differences"] == []

    again = city.tell()
    assert again["skipped"] == scenario.count and figures(again) == figures(report)
    assert city.heads() == heads

    (city.data / "scenarios" / f"{NAME}.json").unlink()
    passwords = (city.data / "demo-accounts.json").read_bytes()
    once_more = city.tell()
    assert once_more["skipped"] == 0 and figures(once_more) == figures(report)
    assert city.heads() == heads
    assert (city.data / "demo-accounts.json").read_bytes() == passwords


@pytest.mark.timeout(600)
def test_a_newcomer_signs_in_with_what_the_report_says_and_finds_work(told: Told) -> None:
    city, report = told.city, told.report
    kept = city.data / "demo-accounts.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    by_name = {account["username"]: account["password"] for account in report["accounts"]}
    assert by_name == {name: entry["password"] for name, entry in json.loads(kept.read_text()).items()}

    body = json.dumps({"username": "patrol-owners", "password": by_name["patrol-owners"]}).encode()
    ask = urllib.request.Request(f"{city.url}/api/sign-in", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(ask, timeout=30) as answer:
        token = json.load(answer)["token"]
    assert city.get("/api/me", token)["post"] == "lb-patrol-owners"
    inbox = city.get("/api/issues/inbox", token)["rows"]
    assert len(inbox) == 2 and all(row["channel"] == "patrol" for row in inbox)  # two findings are still open

    done = city.linli("scenario", "run", str(STORY))
    assert done.returncode == 0
    for words in ("联邦新城的一年", "56 = 44 + 12", "65/75 (86.7 %)", "patrol-owners", by_name["patrol-owners"]):
        assert words in done.stdout
    assert "✗" not in done.stdout


@pytest.mark.city
@pytest.mark.timeout(600)
def test_killed_in_the_middle_and_started_again_the_story_ends_the_same(city: City, told: Told) -> None:
    """R1: once the runner dies with the city and is started again, once it outlives it and goes on by itself."""
    total = load(STORY).count
    runner = city.begin()
    wait_until(lambda: city.done() > total // 4, PATIENCE, city.process.tail)
    city.process.signal(signal.SIGKILL)
    runner.kill()
    runner.communicate()
    assert city.done() < total
    city.start()

    runner = city.begin()
    wait_until(lambda: city.done() > total // 2, PATIENCE, city.process.tail)
    city.process.signal(signal.SIGKILL)
    city.start()
    out, err = runner.communicate(timeout=2 * PATIENCE)
    assert runner.returncode == 0, err + out[-3000:] + city.process.tail()
    report = json.loads(out)
    assert report["holds"] and 0 < report["skipped"] < total and report["repeated"] > 0

    assert figures(report) == figures(told.report)
    assert city.heads() == told.heads
    assert city.linli("verify", "--json").returncode == 0
    replayed = city.linli("replay", "--json")
    assert replayed.returncode == 0, replayed.stdout


@pytest.mark.timeout(600)
def test_a_figure_that_differs_fails_the_run_and_is_shown(city: City, tmp_path: Path) -> None:
    story = """
scenario: small
title: {zh: 小, en: small}
steps:
  - at: 2025-01-02 09:00
    who: operator
    do: registry.adopt_entry
    with: {kind: place_kinds, code: district, zh: 区, en: district}
figures:
  - {title: {zh: 类别, en: kinds}, rows: [C02], ask: registry.find_entries, with: {kind: place_kinds}, path: rows.#, equals: 2}
"""
    file = tmp_path / "small.yaml"
    file.write_text(story, encoding="utf-8")
    done = city.linli("scenario", "run", str(file))
    assert done.returncode == 1
    assert "1 of 1 figures differ" in done.stdout
    line = next(line for line in done.stdout.splitlines() if "✗" in line)
    assert line.split()[-2:] == ["1", "2"]  # found, expected

    file.write_text(
        story.replace("code: district", "cod: district").replace("2025-01-02", "2025-02-30"), encoding="utf-8"
    )
    heads = city.heads()
    done = city.linli("scenario", "run", str(file))
    assert done.returncode == 2
    assert "small.yaml:5" in done.stderr and "small.yaml:8" in done.stderr and "nothing was sent" in done.stderr
    assert city.heads() == heads

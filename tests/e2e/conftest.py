"""A running city, embedded, in a folder of its own, and a browser to look at it with."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e import backups, seed
from tests.e2e.desk import Desk, SitDown
from tests.processes import Process, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
#: How the browser and htmx report that a server refused.
REFUSED = ("Failed to load resource: the server responded with a status of", "Response Status Error Code")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Open = Callable[..., Page]


@dataclass
class City:
    """A running city: its address, the operator's API, and ids of what the seed made."""

    url: str
    operator: seed.Api
    issues: list[str]
    project: str


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """Linli, embedded, seeded."""
    process, port = Process("portal"), free_port()
    data = process.folder / "data"
    process.spawn(
        [sys.executable, "-W", "ignore", "-m", "services.console", "up"],
        os.environ
        | {"LINLI_DATA": str(data), "LINLI_PORT": str(port), "PYTHONPATH": str(ROOT), "LINLI_LOG_LEVEL": "warning"},
    )
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        process.running()
        try:
            return bool(urllib.request.urlopen(f"{url}/health/ready", timeout=2).status == 200)
        except OSError:
            return False

    wait_until(ready, 60, lambda: f"the city does not answer:\n{process.tail()}")
    operator = seed.Api(url, (data / "operator.token").read_text().strip())
    seed.found(operator)
    issues = seed.cases(operator)
    project = seed.money(operator, issues)
    seed.volunteers(operator)
    yield City(url, operator, issues, project)
    process.destroy()


@pytest.fixture(scope="session")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A city of which a backup was taken while commands ran: `city`, `folder` and the backup's `manifest`."""
    yield from backups.back_up_while_busy(tmp_path_factory.mktemp("city"))


@pytest.fixture
def clean_up() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes to end when the test ends."""
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        raise RuntimeError(f"{CHROMIUM} is missing; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, city: City) -> Iterator[Open]:
    """Opens a page in a fresh browser profile; when the test ends, nothing may have been complained about on the console."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        path: str = "/", width: int = 1280, locale: str = "zh-CN", scripts: bool = True, refused: bool = False
    ) -> Page:
        context = browser.new_context(
            base_url=city.url, viewport={"width": width, "height": 900}, locale=locale, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # the browser itself reports a refused request; a test that is refused on purpose says so
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{message.text} {message.location.get('url', '')}")
                if message.type in ("error", "warning") and not (refused and message.text.startswith(REFUSED))
                else None
            ),
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def sit_down(open_page: Open) -> SitDown:
    """Signs somebody in by clicking from the start page on."""

    def sit_down(person: str, width: int, locale: str, post: str = "") -> Desk:
        desk = Desk(open_page("/", width, locale, refused=True), locale)
        if person:
            desk.sign_in(person, post=post)
        return desk

    return sit_down

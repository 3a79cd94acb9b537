"""Whoever may write every file or database of a city that is stopped, in both shapes: an amount, the ledger, its key (R4)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ledger.checkpoint import create_key
from tests.attacks.target import Target
from tests.faults.city import City
from tests.faults.founding import PROJECT, found
from tests.faults.processes import LINLI, ROOT
from tests.faults.stores import Databases, Files, Place
from tests.faults.tampering import rewrite
from tests.processes import wait_until

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(params=["embedded", pytest.param("city", marks=pytest.mark.city)])
def city(request: pytest.FixtureRequest) -> Iterator[City]:
    """A city with money in it, stopped once its ledger is signed."""
    started = City(request.param)
    try:
        started.start()
        target = Target(started, found(started))
        target.officer(
            "funding/record_receipt",
            project_id=PROJECT,
            source="society",
            payer="商会",
            amount_fen=12_345,
            voucher="V-1",
        )
        started.converge()
        head = len(target.entries())

        def signed() -> bool:
            text = target.get("/api/audit/get_checkpoint")["checkpoint"]
            return int(str(text).split("\n")[1]) >= head

        wait_until(signed, 90, lambda: "the ledger is not signed")
        for name, process in started.processes.items():
            started.hold(name)
            process.signal(15)
        yield started
    finally:
        started.stop()


def place_of(city: City) -> Place:
    """Its files or databases."""
    return Files(city.data.parent) if city.shape == "embedded" else Databases(city.data.parent, city.database_uri)


def refused(city: City, told: str) -> None:
    """The service that signs does not begin to work, and says why; `linli verify` finds it too."""
    process = city.processes.get("audit") or city.processes["linli"]
    process.start()

    def said() -> bool:
        try:
            process.running()
        except RuntimeError:  # it has ended
            return re.search(told, process.log.read_text()) is not None
        return re.search(told, process.log.read_text()) is not None

    wait_until(said, 60, process.tail)
    assert not city.ready()
    process.signal(9)
    done = city.linli("verify")
    assert done.returncode in (1, 3) and "Traceback" not in done.stderr, done.stdout + done.stderr


def amount(place: Place) -> None:
    """Ten times as much was given, and everything behind it fits again."""
    commits = sorted(
        (row for row in place.read("funding.commits") if row["position"] > 0), key=lambda row: int(row["position"])
    )
    number = next(number for number, row in enumerate(commits) if b'"amount_fen":12345' in bytes(row["body"]))
    rewrite(place, "funding.commits", number, b'"amount_fen":12345', b'"amount_fen":99999')


def without(place: Place, *names: str) -> None:
    """All lists are removed, with all that services know of one another; and the ledger where it is named."""
    if isinstance(place, Databases):
        for name in place.client.list_database_names():
            if name.startswith("linli_") and name.endswith(names):
                place.client.drop_database(name)
        return
    for path in place.settings.data.glob("*.sqlite*"):
        if any(f".{name}." in path.name for name in names):
            path.unlink()


def test_an_amount_that_was_changed_with_all_that_follows_is_refused(city: City) -> None:
    place = place_of(city)
    amount(place)
    without(place, "views")
    refused(city, "the log of funding|they were removed")  # who looks first says so


def test_an_amount_that_was_changed_is_not_signed_after_the_ledger_is_gone(city: City) -> None:
    """The true key is there, and the city would sign what it is shown."""
    place = place_of(city)
    amount(place)
    without(place, "views", "ledger")
    refused(city, "restore it from a backup")


@pytest.mark.parametrize(
    "command", [("up",), ("verify",), ("replay",), ("doctor",), ("key", "show"), ("backup", "/tmp/x")]
)
def test_a_folder_in_which_nobody_writes_is_said_in_a_sentence(command: tuple[str, ...]) -> None:
    """Not even root does there."""
    environment = os.environ | {"LINLI_DATA": "/sys/kernel", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*LINLI, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode in (1, 3) and "Traceback" not in done.stderr, done.stderr
    assert "/sys/kernel" in done.stdout + done.stderr


def test_a_ledger_signs_with_no_other_key(city: City) -> None:
    key = city.data / "keys" / "ledger.pem"
    kept = key.rename(key.with_suffix(".kept"))
    create_key(key)
    refused(city, "the ledger is signed with")
    assert "the ledger is signed with" in city.linli("doctor").stdout
    shutil.copy(Path(kept), key)
    assert city.linli("verify").returncode == 0

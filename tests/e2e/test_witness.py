"""A city with a witness of another office: cosigned while it goes on, found out when it was rewritten, and never stopped by it (F2)."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from shared.ledger.checkpoint import COSIGNATURE, load_key, read_checkpoint, read_vkey, vkey
from shared.ledger.cosignature import cosigned_by
from tests.audit.ledgers import PROGRAM
from tests.audit.rewriting import rewrite
from tests.e2e.backups import COMMAND, ROOT, City, refused, stop
from tests.processes import free_port

ORIGIN, COURT = "linli.example/city-ledger", "court.example/witness"


class Court:
    """A witness as a process, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *ledgers: str) -> None:
        known = [word for ledger in ledgers for word in ("--ledger", ledger)]
        arguments = ["witness", str(self.folder), "--name", COURT, "--port", str(self.port), *known]
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(10) == 0
            self.process = None

    @cached_property
    def vkey(self) -> str:
        done = subprocess.run(
            [*COMMAND, "witness", str(self.folder), "--name", COURT, "--show"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split("\n")[0]


def until(what: Callable[[], Any], seconds: float = 40) -> Any:
    """Wait for something to be true; returns it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)  # between two looks
    return found


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Court]:
    court = Court(tmp_path / "court")
    yield court
    court.stop()


@pytest.fixture
def city(tmp_path: Path, court: Court) -> Iterator[City]:
    city = City(tmp_path / "city")
    policy = tmp_path / "policy"
    policy.write_text(f"witness court {court.vkey} http://127.0.0.1:{court.port}/\nquorum court\n")
    city.environment["LINLI_WITNESSES"] = str(policy)
    yield city


def register(city: City, numbers: range) -> None:
    client = city.client()
    for number in numbers:
        body = {"place": f"{350100 + number}", "kind": "district", "name": f"{number} 区", "parent": ""}
        client.post("/api/registry/register_place", body, {"Idempotency-Key": f"place-{number}"})


def signed(city: City) -> None:
    """Have everything signed that has happened so far."""
    before = -1
    while before < (before := read_checkpoint(city.client().get("/api/audit/get_checkpoint")["checkpoint"]).size):
        time.sleep(0.3)  # the last facts may be on their way to the ledger


def key_of(city: City) -> str:
    return vkey(ORIGIN, load_key(city.folder / "keys" / "ledger.pem").public_key())


def cosigned(city: City, court: Court) -> int:
    """The size that the city shows as cosigned, 0 when there is none."""
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{city.environment['LINLI_PORT']}/city-ledger/checkpoint"
        ) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError:
        return 0
    name, public = read_vkey(court.vkey, COSIGNATURE)
    assert cosigned_by(text, {name: public}).keys() == {name}
    return read_checkpoint(text).size


@pytest.mark.city
def test_a_witness_cosigns_is_missed_and_finds_a_rewritten_history(city: City, court: Court, tmp_path: Path) -> None:
    process = city.start()  # the witness is down: nothing stops
    city.client().post("/api/registry/adopt_profile", profile(), {"Idempotency-Key": "profile"})
    register(city, range(5))
    signed(city)
    assert cosigned(city, court) == 0
    refused(city.run("verify"), 1, "no checkpoint carries the cosignatures", "court")
    court.start(key_of(city))
    until(lambda: cosigned(city, court) >= 6)
    register(city, range(5, 9))
    signed(city)
    size = until(lambda: cosigned(city, court) >= 10 and cosigned(city, court))
    stop(process)
    report = city.report("verify")["ledger"]
    assert report["cosigned_size"] >= size and report["quorum"] == "court"

    exported = tmp_path / "export"
    city.report("export", str(exported))
    offline = [str(exported / name) for name in ("ledger.jsonl", "checkpoint.txt", "ledger.pub")]
    run = [COMMAND[0], str(PROGRAM), *offline, "--json"]
    policy = city.environment["LINLI_WITNESSES"]
    done = subprocess.run([*run, "--policy", policy], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["cosigned"] == ["court"], done.stdout + done.stderr
    assert (exported / "ledger.vkey").read_text().strip() == key_of(city)

    kept = shutil.copytree(city.folder, tmp_path / "kept")
    rewrite(city.folder / "registry.log.sqlite", "1 区", "9 区")
    refused(city.run("verify"), 1, "ledger entry", "does not match position")
    for path in city.folder.glob("*.views.sqlite*"):
        path.unlink()
    for path in [*city.folder.glob("audit.ledger.sqlite*"), *city.folder.glob("keys/ledger.checkpoints")]:
        path.unlink()
    refused(city.run("up"), 3, "has signed a ledger that is not there")
    (city.folder / "keys" / "ledger.pem").unlink()  # and another key: the witness does not know it
    process = city.start()
    until(lambda: "not cosigned" in (tmp_path / "city.up.log").read_text())
    assert "403" in (tmp_path / "city.up.log").read_text()
    stop(process)
    refused(city.run("verify"), 1, "no checkpoint carries the cosignatures")
    refused(
        city.run("verify", "--previous", str(exported / "checkpoint.txt"), LINLI_WITNESSES=""), 1, "older checkpoint 1"
    )

    shutil.copy(kept / "keys" / "ledger.pem", city.folder / "keys" / "ledger.pem")  # with the true key in its place
    refused(city.run("verify", LINLI_WITNESSES=""), 1, "no older key names it")


def profile() -> dict[str, Any]:
    from tests.kit.city import document

    return document(
        profile_id="witness",
        city="榕江区",
        levels=[{"code": "compound", "zh": "小区", "en": "Compound"}],
        roles=[{"code": "keeper", "zh": "管理员", "en": "Keeper"}],
        powers={"keeper": ["bench.*"]},
    )

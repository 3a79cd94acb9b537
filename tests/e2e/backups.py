"""A busy city of which a backup is taken, and the command in the folders that come back from it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.console.client import Client, operator
from shared.service.settings import Settings
from tests.kit.city import document
from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-W", "ignore", "-m", "services.console"]
PLACE = "350104.013.002"
WRITERS, BEFORE = 3, 40


class City:
    """A data folder, the command in it, and its portal while it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "LINLI_DATA": str(folder),
            "LINLI_PORT": str(free_port()),
            "LINLI_LOG_LEVEL": "warning",
        }

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=self.environment | variables, capture_output=True,
                              text=True, timeout=120, check=False)  # fmt: skip

    def report(self, *arguments: str, **variables: str) -> Any:
        done = self.run(*arguments, "--json", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def digests(self, until: str) -> dict[str, Any]:
        """What `linli replay --until` prints, by service."""
        replayed = self.report("replay", "--until", until)
        return {service["service"]: service["digests"] for service in replayed["services"]}

    def heads(self) -> dict[str, tuple[int, str]]:
        return {log["service"]: (log["events"], log["digest"]) for log in self.report("verify")["logs"]}

    def client(self) -> Client:
        return operator(Settings.read(self.environment), None)

    def resident(self) -> Client:
        """Anybody, without an account."""
        return Client(f"http://127.0.0.1:{self.environment['LINLI_PORT']}")

    def start(self) -> subprocess.Popen[bytes]:
        log = (self.folder.parent / f"{self.folder.name}.up.log").open("wb")
        process = subprocess.Popen([*COMMAND, "up"], cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._ready():
            assert process.poll() is None and time.monotonic() < deadline, Path(log.name).read_text()
            time.sleep(0.1)  # before looking again
        return process

    def _ready(self) -> bool:
        import urllib.request

        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.environment['LINLI_PORT']}/health/ready", timeout=2
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def report_issue(client: Client, number: str) -> None:
    body = {"place": PLACE, "category": "noise", "description": f"case {number}"}
    client.post("/api/issues/report_issue", body, {"Idempotency-Key": f"issue-{number}"})


def found_city(client: Client) -> int:
    """Places for the cases to lie in, somebody who answers for them, and persons with names that are sealed.

    Returns the position of the registry after that: its profile is one commit of many facts, which no restore cuts.
    """

    def do(command: str, **body: Any) -> None:
        receipt = client.post(f"/api/registry/{command}", body, {"Idempotency-Key": f"found-{next(numbers)}"} | after)
        after["Linli-After"] = f"registry={receipt['position']}"

    numbers, after = itertools.count(), dict[str, str]()
    profile = document(
        profile_id="rongjiang",
        city="榕江区",
        levels=[{"code": "community", "zh": "社区", "en": "Community"}],
        roles=[{"code": "grid_worker", "zh": "网格员", "en": "Grid worker"}],
        powers={"grid_worker": ["issue.report", "issue.triage"]},
        intake=["grid_worker"],
        code_lists={"issue_categories": {"noise": {"zh": "噪声", "en": "Noise"}}},
    )
    do("adopt_profile", **profile)
    for place, kind in (("350104", "district"), ("350104.013", "street"), (PLACE, "community")):
        do("register_place", place=place, kind=kind, name=place, name_en=place, parent=place.rpartition(".")[0])
    do("establish_organisation", organisation_id="committee", type="party", name="社区党委", name_en="Committee",
       level="community", place=PLACE, parent_id="")  # fmt: skip
    for person in ("lin", "chen"):
        do("register_person", person_id=person, name="林晓燕", place=PLACE)
    do(
        "establish_post",
        post_id="post-lin",
        organisation_id="committee",
        role="grid_worker",
        title="网格员",
        title_en="G",
    )
    do("appoint_person", post_id="post-lin", person_id="lin")
    account = {"username": "lin", "password": "linli-test-2026", "person_id": "lin"}
    client.post("/api/accounts", account, {"Idempotency-Key": "account-lin"} | after)
    return int(after["Linli-After"].partition("=")[2])


def back_up_while_busy(folder: Path) -> Iterator[dict[str, Any]]:
    """A city of which a backup was taken while commands ran, and what it said of itself at several sizes."""
    city = City(folder / "data")
    process = city.start()
    try:
        founded = found_city(city.client())
        for number in range(BEFORE):
            report_issue(city.resident(), f"before-{number}")
        city.client().post(
            "/api/registry/erase_person", {"person_id": "chen", "reason": "asked for it"}, {"Idempotency-Key": "e"}
        )
        going, enough, refused = threading.Event(), threading.Event(), []

        def write(name: int) -> None:
            client = city.resident()
            for number in itertools.count():
                if enough.is_set():
                    return
                try:
                    report_issue(client, f"{name}-{number}")
                except Exception as error:  # each refusal is what the tests look at
                    refused.append(error)
                if number == 3:
                    going.set()

        writers = [threading.Thread(target=write, args=(name,)) for name in range(WRITERS)]
        for writer in writers:
            writer.start()
        assert going.wait(60)
        manifest = city.report("backup", str(folder / "backup"), "--keys", str(folder / "keys"))
        enough.set()
        for writer in writers:
            writer.join(60)
        assert not refused, refused[:3]
        stop(process)
        yield {"city": city, "folder": folder, "manifest": manifest, "founded": founded}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def restored(backed_up: dict[str, Any], name: str, *options: str) -> tuple[City, dict[str, Any]]:
    city = City(backed_up["folder"] / name)
    return city, city.report("restore", str(backed_up["folder"] / "backup"), *options)


def keys(backed_up: dict[str, Any]) -> tuple[str, str]:
    return "--keys", str(backed_up["folder"] / "keys")


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    text = " ".join(done.stderr.split())
    assert done.returncode == code, done.stderr
    assert all(word in text for word in words) and "Traceback" not in text, done.stderr

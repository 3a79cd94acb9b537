"""Backups of a running city, and what comes back from them: whole, to a position, and refused when damaged (R11, R9)."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.console.archive import Entry, Manifest, Output
from services.console.backup import consistent_heads
from services.console.catalogue import OWNERS, definition
from services.console.client import Client, operator
from services.console.cutting import find_cut
from services.console.restore_keys import ERASURES
from shared.errors import BadInputError
from shared.log import Commit, EventLog, Head, NewEvent
from shared.log.memory import MemoryStorage
from shared.personal import Personal, SqliteKeys
from shared.runtime.settings import Settings
from tests.contract import mongo
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
            time.sleep(0.1)
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


@pytest.fixture
def clean_up() -> Iterator[list[subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def report_issue(client: Client, number: str) -> None:
    body = {"place": PLACE, "category": "noise", "description": f"case {number}"}
    client.post("/api/issues/report_issue", body, {"Idempotency-Key": f"issue-{number}"})


def found_city(client: Client) -> None:
    """Places for the cases to lie in, somebody who answers for them, and persons with names that are sealed."""

    def do(command: str, **body: Any) -> None:
        receipt = client.post(f"/api/registry/{command}", body, {"Idempotency-Key": f"found-{next(numbers)}"} | after)
        after["Linli-After"] = f"registry={receipt['position']}"

    numbers, after = itertools.count(), dict[str, str]()
    words = {"issue_categories": {"noise": {"zh": "噪声", "en": "Noise"}}}
    do("adopt_profile", profile_id="rongjiang", city="榕江区", version=1, code_lists=words,
       levels=[{"code": "community", "zh": "社区", "en": "Community"}], powers={"grid_worker": ["issue.report"]},
       roles=[{"code": "grid_worker", "zh": "网格员", "en": "Grid worker", "level": ""}])  # fmt: skip
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


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A city of which a backup was taken while commands ran, and what it said of itself at several sizes."""
    folder = tmp_path_factory.mktemp("city")
    city = City(folder / "data")
    process = city.start()
    try:
        found_city(city.client())
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
                except Exception as error:
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
        assert not refused
        stop(process)
        yield {"city": city, "folder": folder, "manifest": manifest}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def restored(backed_up: dict[str, Any], name: str, *options: str) -> tuple[City, dict[str, Any]]:
    city = City(backed_up["folder"] / name)
    return city, city.report("restore", str(backed_up["folder"] / "backup"), *options)


def keys(backed_up: dict[str, Any]) -> tuple[str, str]:
    return "--keys", str(backed_up["folder"] / "keys")


def test_a_backup_of_a_busy_city_comes_back_whole(backed_up: dict[str, Any], clean_up: list[Any]) -> None:
    """Same heads, same view digests, everything verifies; then it goes on from there (R11)."""
    manifest = backed_up["manifest"]
    city, report = restored(backed_up, "whole", *keys(backed_up))
    for name, head in manifest["logs"].items():
        assert report["logs"][name] == {"position": head["position"], "digest": head["digest"]}
    assert (report["ledger"]["size"], report["ledger"]["root"]) == (manifest["size"], manifest["root"])
    assert report["logs"]["issues"]["position"] > BEFORE
    until = str(manifest["size"])
    assert city.digests(until) == backed_up["city"].digests(until)
    assert city.run("replay").returncode == 0
    verified = city.report("verify")
    assert verified["ledger"]["root"] == manifest["root"]
    clean_up.append(process := city.start())
    signed_in = city.client().post("/api/sign-in", {"username": "lin", "password": "linli-test-2026"})
    assert signed_in["token"], "accounts came back"
    report_issue(city.resident(), "after")
    stop(process)
    before, after = report["logs"]["issues"]["position"], city.heads()["issues"][0]
    assert after > before
    assert city.run("replay").returncode == 0


def test_it_was_busy(backed_up: dict[str, Any]) -> None:
    """The backup was taken while others wrote: the city has gone on since."""
    there, now = backed_up["manifest"]["logs"]["issues"]["position"], backed_up["city"].heads()["issues"][0]
    assert BEFORE < there < now


@pytest.mark.parametrize("share", [4, 2])
def test_a_restore_to_a_size_gives_what_replay_gave(backed_up: dict[str, Any], share: int) -> None:
    size = backed_up["manifest"]["size"] // share
    city, report = restored(backed_up, f"size-{share}", "--to", str(size), *keys(backed_up))
    assert report["ledger"]["size"] == size
    expected = backed_up["city"].digests(str(size))
    assert {service["service"]: service["digests"] for service in report["services"]} == expected
    assert city.digests(str(size)) == expected
    assert city.report("verify")["ledger"]["entries"] == size
    assert city.run("replay").returncode == 0
    shown = city.run(
        "restore", str(backed_up["folder"] / "backup"), "--to", str(size), LINLI_DATA=str(city.folder) + "-again"
    )
    assert "no longer hold" in shown.stdout and "without --keys" in shown.stdout


def test_a_restore_to_positions_cuts_ledger_and_followers_too(backed_up: dict[str, Any], clean_up: list[Any]) -> None:
    """The ledger stops where a log does; what it held of other logs beyond is entered again after the start."""
    logs = backed_up["manifest"]["logs"]
    city, report = restored(backed_up, "positions", "--to", "issues=10", *keys(backed_up))
    assert report["logs"]["issues"]["position"] == 10
    assert report["logs"]["registry"]["position"] == logs["registry"]["position"]
    for service, checkpoints in report["checkpoints"].items():
        assert checkpoints.get("follow:issues", 0) <= 10, service
        assert checkpoints["relay"] <= report["logs"][service]["position"]
    waiting = city.report("verify")["ledger"]["waiting"]
    assert waiting == sum(log["position"] for log in report["logs"].values()) - report["ledger"]["size"] > 0
    clean_up.append(process := city.start())
    deadline = time.monotonic() + 30
    while city.report("verify")["ledger"]["waiting"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    stop(process)
    assert city.run("replay").returncode == 0


def test_a_restore_to_a_time(backed_up: dict[str, Any]) -> None:
    commits = [json.loads(line)["body"] for line in (backed_up["folder"] / "backup" / "issues.log.jsonl").open()]
    moment = commits[len(commits) // 2]["time"]
    city, report = restored(backed_up, "time", "--to", moment)
    assert report["logs"]["issues"]["position"] == max(
        body["position"] + len(body["events"]) - 1 for body in commits if body["time"] <= moment
    )
    assert {service["service"]: service["digests"] for service in report["services"]} == backed_up["city"].digests(
        moment
    )
    assert city.run("verify").returncode == 0


def test_what_was_erased_stays_erased(backed_up: dict[str, Any]) -> None:
    """An older copy of the keys still has the key; the erasure in the backup counts, even when it is cut away (R9)."""
    folder = backed_up["folder"]
    old = folder / "old-keys"
    shutil.copytree(folder / "keys", old)
    lines = [json.loads(line) for line in (old / "personal.jsonl").read_text().splitlines()]
    assert next(row for row in lines if row[0] == "chen")[2] is None
    with (old / "personal.jsonl").open("w") as file:
        for subject, generation, secret in lines:
            file.write(json.dumps([subject, generation, secret or base64.b64encode(b"k" * 32).decode()]) + "\n")
    city, _ = restored(backed_up, "erased", "--to", "registry=5,issues=0", "--keys", str(old))
    store = SqliteKeys(city.folder / "keys" / "personal.sqlite")
    chen, lin = store.get("chen"), store.get("lin")
    assert chen is not None and chen.secret is None
    assert lin is not None and lin.secret is not None
    store.close()


def test_without_keys_nobody_can_be_read(backed_up: dict[str, Any]) -> None:
    city, report = restored(backed_up, "study")
    assert report["keys"] is False
    store = SqliteKeys(city.folder / "keys" / "personal.sqlite")
    bodies = [json.loads(line)["body"] for line in (backed_up["folder"] / "backup" / "registry.log.jsonl").open()]
    names = [
        event["data"]["name"] for body in bodies for event in body["events"] if event["type"] == "PersonRegistered"
    ]
    assert len(names) == 2 and all(name.startswith("sealed:v1:") for name in names)
    assert [Personal(store).open(name) for name in names] == [None, None]
    store.close()
    assert city.run("verify").returncode == 0
    assert not (city.folder / "operator.token").exists()


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("issues.log.jsonl", lambda text: text.replace(b"case before-1", b"case before-9", 1)),
        ("registry.log.jsonl", lambda text: text[:-20]),
        ("ledger.jsonl", lambda text: text + text.splitlines()[-1] + b"\n"),
        ("gateway.state.jsonl", lambda text: text.replace(b"lin", b"nil", 1)),
        ("manifest.json", lambda text: text.replace(b'"size":', b'"size":1', 1)),
        ("manifest.json", lambda text: text[:-9]),
        ("signed.jsonl", None),
    ],
)
def test_a_damaged_backup_is_refused(
    backed_up: dict[str, Any], tmp_path: Path, file: str, harm: Callable[[bytes], bytes] | None
) -> None:
    """One file changed, cut or gone: named, and nothing is restored."""
    copy = tmp_path / "backup"
    shutil.copytree(backed_up["folder"] / "backup", copy)
    if harm is None:
        (copy / file).unlink()
    else:
        text = (copy / file).read_bytes()
        assert harm(text) != text
        (copy / file).write_bytes(harm(text))
    city = City(tmp_path / "data")
    done = city.run("restore", str(copy))
    assert done.returncode == 1 and file in done.stderr and "nothing was restored" in " ".join(done.stderr.split()), (
        done.stderr
    )
    assert "Traceback" not in done.stderr
    assert not city.folder.exists()


def test_a_forged_backup_is_found_by_its_chain(backed_up: dict[str, Any], tmp_path: Path) -> None:
    """Somebody changes a record and every checksum of the manifest: the chain still says so (R4)."""
    from hashlib import sha256

    copy = tmp_path / "backup"
    shutil.copytree(backed_up["folder"] / "backup", copy)
    log = copy / "issues.log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"case before-1", b"case before-9", 1))
    manifest = json.loads((copy / "manifest.json").read_text())["manifest"]
    manifest["files"][log.name] = sha256(log.read_bytes()).hexdigest()
    text = json.dumps(manifest)
    (copy / "manifest.json").write_text(f'{{"manifest":{text},"sha256":"{sha256(text.encode()).hexdigest()}"}}')
    refused(
        City(tmp_path / "data").run("restore", str(copy)), 1, "issues.log.jsonl: position", "the record was changed"
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    text = " ".join(done.stderr.split())
    assert done.returncode == code, done.stderr
    assert all(word in text for word in words) and "Traceback" not in text, done.stderr


def test_refusals(backed_up: dict[str, Any], tmp_path: Path) -> None:
    """Each says what is wrong and what to do."""
    backup, city = str(backed_up["folder"] / "backup"), City(tmp_path / "data")
    refused(backed_up["city"].run("restore", backup), 1, "is not empty", "LINLI_DATA")
    refused(backed_up["city"].run("backup", backup), 2, "is not empty")
    refused(
        backed_up["city"].run("backup", str(tmp_path / "b"), "--keys", str(tmp_path / "b" / "keys")),
        2,
        "keep keys apart",
    )
    refused(city.run("restore", str(tmp_path)), 1, "manifest.json does not exist", "no backup")
    refused(city.run("restore", backup, LINLI_CITY="other.example"), 2, "LINLI_CITY: set it to linli.example")
    refused(city.run("restore", backup, "--keys", str(tmp_path)), 1, "no folder that `linli backup --keys` wrote")
    refused(city.run("restore", backup, "--to", "99999999"), 2, "entries, not 99999999")
    refused(city.run("restore", backup, "--to", "yesterday"), 2, "a time like")
    refused(city.run("restore", backup, "--to", "2026-03-01T09:00:00"), 2, "no offset from UTC")
    refused(city.run("restore", backup, "--to", "issues=many"), 2, "is not like issues=120")
    refused(city.run("restore", backup, "--to", "issues=99999999"), 2, "the log of issues ends at position")
    assert not city.folder.exists()
    city.folder.mkdir()
    (city.folder / "notes.txt").write_text("mine")
    refused(city.run("restore", backup), 1, "is not empty")
    assert [path.name for path in city.folder.iterdir()] == ["notes.txt"]


class Small:
    """Logs in memory in which a policy of the issues acts on facts of the funding service, and a backup of them."""

    def __init__(self) -> None:
        self.logs = {name: EventLog(name, MemoryStorage()) for name in OWNERS}
        self.versions = dict.fromkeys(OWNERS, 0)

    def add(self, service: str, *ids: str, cause: str = "") -> None:
        """One commit with events of these ids; `cause` is the fact that a policy acts on."""
        data = msgspec.Raw(b"{}")
        events = tuple(NewEvent(type="T", schema=1, data=data, id=id, occurred="2026-03-01T09:00:00Z") for id in ids)
        commit = Commit(
            stream=f"{service}-1",
            expected_version=self.versions[service],
            events=events,
            command="c",
            command_id=f"c-{ids[0]}",
            actor="policy:p" if cause else "lin",
            causation_id=cause,
        )
        self.logs[service].append(commit)
        self.versions[service] += len(events)

    def write(self, folder: Path, order: str) -> Manifest:
        """A backup in which every follower had caught up; `order` names the services of the ledger's entries."""
        target = Output(folder)
        counted = dict.fromkeys(OWNERS, 0)
        entries = []
        for service in order.split():
            counted[service] += 1
            entries.append(Entry(service, counted[service]))
        target.lines("ledger.jsonl", map(msgspec.json.encode, entries))
        for name, log in self.logs.items():
            lines = (b'{"body":' + c.body + b',"digest":"' + c.digest.encode() + b'"}' for c in log.read_commits())
            target.lines(f"{name}.log.jsonl", lines)
        heads = {name: log.head() for name, log in self.logs.items()}
        done = {
            name: {"relay": heads[name].position}
            | {f"follow:{source}": heads[source].position for source in (name, *definition(name).sources)}
            for name in OWNERS
        }
        return Manifest(
            format=1,
            linli="0",
            city="c",
            time="",
            shape="embedded",
            logs=heads,
            size=len(entries),
            root="",
            public_key="",
            checkpoints=done,
            files=target.files,
        )


@pytest.fixture
def small() -> Small:
    small = Small()
    small.add("funding", "f1")
    small.add("issues", "i1", "i2")
    small.add("issues", "i3", cause="f1")
    small.add("funding", "f2")
    small.add("issues", "i4", cause="f2")
    return small


ORDER = "funding issues issues issues funding issues"


def test_all_of_it_belongs_together(small: Small, tmp_path: Path) -> None:
    cut = find_cut(tmp_path, small.write(tmp_path, ORDER), None)
    assert (cut.logs["issues"], cut.logs["funding"], cut.size) == (4, 2, 6)
    reached = cut.checkpoints["issues"]
    assert (reached["relay"], reached["follow:issues"], reached["follow:funding"]) == (4, 4, 2)


def test_a_fact_whose_consequence_is_cut_away_is_acted_on_again(small: Small, tmp_path: Path) -> None:
    """The follower goes back to before it, the ledger to the cut: they are cut together with the log (R11)."""
    manifest = small.write(tmp_path, ORDER)
    cut = find_cut(tmp_path, manifest, "issues=3")
    assert (cut.logs["issues"], cut.logs["funding"], cut.size) == (3, 2, 5)
    assert cut.checkpoints["issues"]["follow:funding"] == 1
    assert cut.checkpoints["issues"]["relay"] == cut.checkpoints["audit"]["follow:issues"] == 3
    cut = find_cut(tmp_path, manifest, "issues=2")
    assert (cut.checkpoints["issues"]["follow:funding"], cut.size) == (0, 3)


def test_nothing_is_kept_without_its_cause(small: Small, tmp_path: Path) -> None:
    """The refusal names the nearest place where everything kept has its cause, and that place is taken."""
    manifest = small.write(tmp_path, ORDER)
    with pytest.raises(BadInputError, match="issues position 4 follows from funding position 2, which lies") as refusal:
        find_cut(tmp_path, manifest, "funding=1")
    nearest = refusal.value.fields["to"]
    assert "issues=3" in nearest and "funding=1" in nearest
    assert find_cut(tmp_path, manifest, nearest).logs["issues"] == 3


def test_a_commit_is_restored_whole_or_not_at_all(small: Small, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="issues position 1 lies inside a commit") as refusal:
        find_cut(tmp_path, small.write(tmp_path, ORDER), "2")
    assert refusal.value.fields == {"to": "issues=0 or issues=2"}


def test_a_backup_taken_while_a_policy_acts_holds_the_cause(small: Small) -> None:
    """Cause and consequence arrive between two looks at the heads: a consequence without its cause waits for the next backup."""
    seen = []

    class Growing(EventLog):
        """Gets one more commit whenever its head has been read, and another service acts on it at once."""

        def head(self) -> Head:
            found = super().head()
            seen.append(found.position)
            small.add("funding", f"late-{len(seen)}")
            small.add("issues", f"acted-{len(seen)}", cause=f"late-{len(seen)}")
            return found

    storage = small.logs["funding"].storage
    small.logs["funding"] = EventLog("funding", storage)
    logs = {name: small.logs[name] for name in OWNERS if name not in ("funding", "issues")}
    logs = {"funding": Growing("funding", storage), "issues": small.logs["issues"]} | logs
    heads = consistent_heads(logs)
    ids = {record.id for record in small.logs["funding"].read(until=heads["funding"])}
    kept = [record.causation_id for record in small.logs["issues"].read(until=heads["issues"]) if record.causation_id]
    assert len(seen) == 3 and len(kept) > 2
    assert set(kept) <= ids


def test_every_way_to_be_erased_is_known() -> None:
    """A new fact that erases somebody must be told to the restore of keys as well (R9)."""
    facts = {
        f"{name}.{event}" for name in OWNERS for event in definition(name).codec.events if event.endswith("Erased")
    }
    assert facts == set(ERASURES)
    for fact, (field, _) in ERASURES.items():
        service, _, event = fact.partition(".")
        assert field in definition(service).codec.events[event].__struct_fields__


def test_a_city_on_mongodb_is_restored_embedded_and_back(backed_up: dict[str, Any]) -> None:
    """One form for both shapes: embedded to MongoDB to embedded, with identical heads, root and view digests."""
    server, folder = mongo.server(), backed_up["folder"]
    client = mongo.client()
    ours = [name for name in client.list_database_names() if name.startswith("linli_")]
    assert not ours, f"the server {server.description} holds {ours}"
    try:
        there = City(folder / "there")
        uri = {"MONGODB_URI": server.uri}
        report = there.report("restore", str(folder / "backup"), *keys(backed_up), **uri)
        refused(there.run("restore", str(folder / "backup"), **uri), 1, "is not empty")
        there.report("backup", str(folder / "second"), "--keys", str(folder / "second-keys"), **uri)
        back = City(folder / "back")
        again = back.report("restore", str(folder / "second"), "--keys", str(folder / "second-keys"))
        for part in ("logs", "ledger", "services"):
            assert again[part] == report[part], part
        first, second = (
            json.loads((folder / name / "manifest.json").read_text())["manifest"] for name in ("backup", "second")
        )
        logs = [name for name in first["files"] if name.endswith(".log.jsonl")]
        assert len(logs) == 5 and all(first["files"][name] == second["files"][name] for name in logs)
        assert back.run("verify").returncode == 0
    finally:
        for name in client.list_database_names():
            if name.startswith("linli_"):
                client.drop_database(name)

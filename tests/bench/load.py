"""How long a whole district takes to load, and what memory: `python -m tests.bench.load` (a minute or so).

An embedded city in a folder of its own takes tables by `linli import`, as an operator would: 1,004 compounds of 75 communities, each with
who provides its service and with its mode, a Party branch and a group in every one, 75 stations, 4,623 members with their category.
Memory is the greatest that the city's process had.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from services.console.client import Client
from tests.bench.place import ROOT
from tests.processes import Process, free_port, wait_until

DISTRICT, COMMUNITIES, COMPOUNDS, MEMBERS = "420606", 75, 1004, 4623
#: The last compound of each provision, and of each mode.
PROVISION = {"market": 212, "unit": 513, "self_governed": 634, "covered": 1004}
MODE = {"joint": 212, "unit": 513, "cluster": 763, "members": 1004}
CATEGORIES = ("direct", "employed", "retired", "floating")
_TOLD = {"since": "2021-01-04"}
_PASSWORD = "seven-lanes-of-plums"
Rows = Iterator[Sequence[str | int]]


def _words(code: str) -> dict[str, str]:
    return {"code": code, "zh": f"类别{code}", "en": code}


def _entries() -> Iterator[dict[str, object]]:
    for kind in ("district", "community", "compound", "facility"):
        yield {"kind": "place_kinds", **_words(kind), **_TOLD}
    for rank, level in enumerate(("district", "compound", "building"), 1):
        yield {"kind": "levels", **_words(level), **_TOLD, "data": {"rank": rank}}
    for type in ("party_branch", "party_group"):
        yield {"kind": "organisation_types", **_words(type), **_TOLD}
    for scheme, codes in (("provision", PROVISION), ("mode", MODE)):
        data = {"subject": "place", "of": "compound", "total": True, "codes": [_words(code) for code in codes]}
        yield {"kind": "schemes", **_words(scheme), **_TOLD, "data": data}
    yield {"kind": "roles", **_words("clerk"), **_TOLD, "data": {"level": "district", "powers": ["person.classify"]}}
    data = {"classes": [_words(code) for code in CATEGORIES]}
    yield {"kind": "classifications", **_words("member"), **_TOLD, "data": data}


def _of(codes: dict[str, int], number: int) -> str:
    return next(code for code, last in codes.items() if number <= last)


def _community(number: int) -> str:
    return f"{DISTRICT}.c{(number - 1) % COMMUNITIES + 1}"


def _compound(number: int) -> str:
    return f"{_community(number)}.h{number}"


def _places() -> Rows:
    yield "place", "kind", "name", "parent"
    yield DISTRICT, "district", "樊城区", ""
    for number in range(1, COMMUNITIES + 1):
        yield _community(number), "community", f"第{number}社区", DISTRICT


def _compounds() -> Rows:
    yield "place", "kind", "name", "parent", "standings.provision", "standings.mode"
    for number in range(1, COMPOUNDS + 1):
        of = _of(PROVISION, number), _of(MODE, number)
        yield _compound(number), "compound", f"第{number}小区", _community(number), *of


def _bodies(type: str, level: str) -> Rows:
    yield "organisation_id", "type", "name", "level", "place", "parent_id", "since"
    for number in range(1, COMPOUNDS + 1):
        parent = "" if type == "party_branch" else f"branch-{number}"
        yield f"{type[6:]}-{number}", type, f"第{number}小区{type}", level, _compound(number), parent, "2021-02-01"


def _stations() -> Rows:
    yield "place", "kind", "name", "parent"
    for number in range(1, COMMUNITIES + 1):
        yield f"{_community(number)}.s", "facility", f"第{number}社区党群服务站", _community(number)


def _members() -> Rows:
    yield "person_id", "name", "place"
    for number in range(1, MEMBERS + 1):
        yield f"m-{number}", f"党员{number}", _compound(number % COMPOUNDS + 1)


def _categories() -> Rows:
    yield "scheme", "person_id", "code", "organisation_id", "since"
    for number in range(1, MEMBERS + 1):
        branch = f"branch-{number % COMPOUNDS + 1}"
        yield "member", f"m-{number}", CATEGORIES[number % 4], branch, "2021-03-01"


TABLES: dict[str, tuple[str, Rows]] = {
    "communities": ("1 district and 75 communities", _places()),
    "compounds": ("1,004 compounds with provision and mode", _compounds()),
    "branches": ("1,004 Party branches", _bodies("party_branch", "compound")),
    "groups": ("1,004 Party groups", _bodies("party_group", "building")),
    "stations": ("75 stations", _stations()),
    "members": ("4,623 members, their names sealed", _members()),
    "categories": ("the category of each member", _categories()),
}


def _write(folder: Path, name: str, rows: Iterable[Sequence[str | int]]) -> Path:
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def _memory(pid: int) -> str:
    """The greatest memory that a process had, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return f"{kilobytes / 1024:.0f} MiB"


def _account(client: Client, table: str) -> list[str]:
    """Who says what persons are is an account with a post; everything else is the operator's."""
    if table != "categories":
        return []
    brought = {"Linli-Import": client.token}
    told = {"organisation_id": "office", "type": "party_branch", "name": "区委", "level": "district", "place": DISTRICT}
    post = {"post_id": "clerk", "organisation_id": "office", "role": "clerk", "title": "台账员"}
    client.post("/api/registry/establish_organisation", told | {"since": "2021-01-04"}, brought)
    client.post("/api/registry/establish_post", post, brought)
    client.post("/api/registry/register_person", {"person_id": "clerk", "name": "王芳", "place": DISTRICT}, brought)
    held = {"post_id": "clerk", "person_id": "clerk", "since": "2021-01-04"}
    client.post("/api/registry/appoint_person", held, brought)
    client.post("/api/accounts", {"username": "clerk", "password": _PASSWORD, "person_id": "clerk"})
    return ["--account", "clerk", "--password", _PASSWORD]


def main() -> None:
    """Load a district and print how long each table took, and the memory."""
    process = Process("load")
    url = f"http://127.0.0.1:{(port := free_port())}"
    own = {"LINLI_DATA": str(process.folder / "data"), "LINLI_PORT": str(port), "LINLI_LOG_LEVEL": "warning"}
    environment = os.environ | own | {"AMQP_URI": "", "MONGODB_URI": "", "LINLI_TRIAL": "yes", "PYTHONPATH": str(ROOT)}
    process.spawn([sys.executable, "-m", "services.console", "up"], environment)
    wait_until(lambda: process.running() and _ready(url), 120, process.tail)
    client = Client(url, (process.folder / "data/operator.token").read_text().strip())
    for entry in _entries():
        client.post("/api/registry/adopt_entry", entry, {"Linli-Import": client.token})
    total, lines = 0.0, 0
    for name, (about, rows) in TABLES.items():
        path = _write(process.folder, name, rows)
        started = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "services.console",
            "import",
            str(path),
            "--url",
            url,
            "--json",
            *_account(client, name),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout[:2000] + done.stderr)
        told = json.loads(done.stdout)
        total, lines = total + time.monotonic() - started, lines + told["recorded"]
        print(f"{about}: {told['recorded']:,} lines in {told['seconds']} s")
    heads = client.get("/api/operations/status")["services"]["registry"]["head"]
    print(f"in all {lines:,} lines, {heads:,} facts in {total:.1f} s; memory of the whole city {_memory(process.pid)}")
    client.close()
    process.destroy()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()

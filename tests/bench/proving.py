"""Proofs: the offline verifier (P13) and inclusion proofs in a large tree (P14)."""

from __future__ import annotations

import importlib.util
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import disclosure
from services.audit.ledger import LEDGER_VIEWS, Ledger, tile_key
from services.audit.verify import RunningRoot
from services.console.catalogue import definition
from shared.domain.identity import new_id
from shared.ledger import checkpoint, merkle
from shared.log import Head, NewEvent, records_of
from shared.log.record import place_commit
from shared.sqlite import Database
from shared.views.sqlite import KIND, VERSION, SqliteViews
from tests.bench.measuring import LINLI, Bench, Figures, Row, Stopwatch, percentile
from tests.bench.place import ROOT, Place
from tests.bench.subject import commit
from tests.domain.history.record import stored

FAST = "Linli, --fast"
HASHING = "sha256 over the bytes"
ORIGIN = "linli.example/city-ledger"
TIME = "2026-03-01T01:00:00.000000Z"
OCCURRED = "2026-03-01T09:00:00+08:00"
_EVENTS = 100_000
_LOGS = ("registry", "issues", "volunteers", "funding")
_LONGEST = 1_000  # bytes of a fact: a city's profile is no everyday one
_FILES = ("ledger.jsonl", "disclosures.jsonl")
_encode = msgspec.json.Encoder(order="sorted").encode
_LEAVES = 10_000_000
_PROOFS = 2_000
_AT_A_TIME = 100_000  # leaves
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def _facts() -> dict[str, list[tuple[str, int, bytes]]]:
    """Facts as each service records them today: type, schema, data."""
    found: dict[str, list[tuple[str, int, bytes]]] = {}
    for service in _LOGS:
        events = definition(service).codec.events
        lines = [line for line in stored(service) if line["type"] in events and len(line["data"]) <= _LONGEST]
        now = [line for line in lines if line["schema"] == events[line["type"]].schema]
        found[service] = [(line["type"], line["schema"], line["data"].encode()) for line in now]
    return found


def write_ledger(folder: Path, scale: float) -> None:
    """A full export of four logs with a signed checkpoint: one to three facts a commit, cases in random order."""
    chance, running, facts = random.Random(1), RunningRoot(), _facts()
    heads = dict.fromkeys(_LOGS, Head())
    versions: dict[tuple[str, str], int] = {}
    with (folder / "ledger.jsonl").open("wb") as file, (folder / "disclosures.jsonl").open("wb") as beside:
        while running.size < _EVENTS * scale:
            service, case = chance.choice(list(heads)), f"case-{chance.randrange(int(_EVENTS * scale / 8)):08d}"
            version, events = versions.get((service, case), 0), chance.choice((1, 1, 1, 1, 2, 3))
            new = tuple(
                NewEvent(type=type, schema=schema, data=msgspec.Raw(data), id=new_id(), occurred=OCCURRED)
                for type, schema, data in chance.choices(facts[service], k=events)
            )
            placed = msgspec.structs.replace(commit(case, version), events=new)
            done = place_commit(placed, heads[service], version, TIME)
            versions[service, case], heads[service] = done.last_version, Head(done.last_position, done.digest)
            for record in records_of(done):
                line, apart = disclosure.entered(service, record)
                beside.write(_encode({"index": running.size, "disclosed": apart}) + b"\n")
                running.add(line.encode())
                file.write(line.encode() + b"\n")
    (folder / "checkpoint").write_text(checkpoint.sign(_KEY, ORIGIN, running.size, running.root()), encoding="utf-8")


def _verifier() -> Any:
    """The stand-alone program as a module."""
    specification = importlib.util.spec_from_file_location(
        "linli_verify", ROOT / "deploy" / "verifier" / "linli_verify.py"
    )
    assert specification is not None and specification.loader is not None
    module = sys.modules["linli_verify"] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def verify_ledger(folder: Path, scale: float, fast: bool = False) -> Figures:
    """The stand-alone verifier in this process, on one core: everything that a full export shows, or with `fast` root, signature and
    sequence only.
    """
    signed = (folder / "checkpoint").read_bytes()
    verifier, events = _verifier(), int(signed.split(b"\n")[1])
    with (folder / "ledger.jsonl").open("rb") as file, (folder / "disclosures.jsonl").open("rb") as beside:
        shown: Iterable[bytes] = () if fast else beside
        with Stopwatch() as watch:
            told = verifier.verify(file, signed, _KEY.public_key(), fast=fast, disclosures=shown)
    assert told["size"] == events and (fast or not told["gapped"]), "the chains were not checked"
    return {"events": events / watch.seconds, "bytes": _size(folder, fast) / watch.seconds}


def hash_ledger(folder: Path, scale: float) -> Figures:
    """SHA-256 over the files, a megabyte at a time."""
    digest = sha256()
    with Stopwatch() as watch:
        for name in _FILES:
            with (folder / name).open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return {"bytes": _size(folder) / watch.seconds}


def _size(folder: Path, fast: bool = False) -> float:
    """Megabytes that are read."""
    return sum((folder / name).stat().st_size for name in _FILES[: 1 if fast else 2]) / 1e6


def write_tree(folder: Path, scale: float) -> None:
    """All tiles of a tree in the audit service's view store, written in the order of their keys."""
    size = int(_LEAVES * scale)
    SqliteViews(folder / "audit.sqlite", LEDGER_VIEWS).close()
    database = Database(folder / "audit.sqlite", KIND, VERSION, "", durable=False)
    with database.writing() as connection:
        connection.executemany("INSERT INTO tiles VALUES (?, ?)", _tiles(size))
        connection.execute("INSERT INTO ledger VALUES ('size', ?)", (msgspec.json.encode({"size": size}).decode(),))
    database.close()


def _tiles(size: int) -> Iterator[tuple[str, str]]:
    """Rows of the tiles, as the ledger itself would have grown them."""
    grown: dict[merkle.TileId, bytes] = {}

    def read(begun: Sequence[merkle.TileId]) -> merkle.Tiles:
        return {tile: grown[tile] for tile in begun if tile in grown}

    for start in range(0, size, _AT_A_TIME):
        leaves = [sha256(number.to_bytes(8, "big")).digest() for number in range(start, min(start + _AT_A_TIME, size))]
        grown.update(merkle.append(read, start, leaves))
    for tile in sorted(grown):
        yield tile_key(tile), f'{{"hashes":"{grown[tile].hex()}"}}'


def prove(folder: Path, scale: float) -> Figures:
    """Inclusion proofs of leaves all over the tree, read through the ledger; every hundredth is checked."""
    views: Any = SqliteViews(folder / "audit.sqlite", LEDGER_VIEWS)
    ledger, chance, seconds = Ledger(views, ORIGIN), random.Random(), []
    size = ledger.size
    root = ledger.root(size)
    for number in range(_PROOFS):
        index = chance.randrange(size)
        started = time.perf_counter()
        proof = ledger.inclusion(index, size)
        seconds.append((time.perf_counter() - started) * 1000)
        if number % 100 == 0:
            leaf = sha256(index.to_bytes(8, "big")).digest()
            merkle.verify_inclusion(leaf, index, size, [bytes.fromhex(node) for node in proof], root)
    views.close()
    return {"p50": percentile(seconds, 0.5), "p99": percentile(seconds, 0.99)}


def benches(place: Place) -> list[Bench]:
    """P13, which no shape makes different, and P14, which reads SQLite; both are measured with the embedded shape."""
    if place.city:
        return []
    return [
        Bench(
            "P13",
            {
                LINLI: verify_ledger,
                FAST: lambda folder, scale: verify_ledger(folder, scale, fast=True),
                HASHING: hash_ledger,
            },
            (
                Row("verify a ledger, all checks", "MB/s", "bytes", HASHING, least=0.5),
                Row("verify a ledger, all checks", "events/s", "events", floor=300_000),
                Row("verify a ledger, --fast", "MB/s", "bytes", HASHING, least=0.5, side=FAST),
                Row("verify a ledger, --fast", "events/s", "events", floor=300_000, side=FAST),
            ),
            write_ledger,
            f"{_EVENTS:,} facts of four logs, all disclosed; --fast leaves out digests, chains and canonical form",
        ),
        Bench(
            "P14",
            {LINLI: prove},
            (Row("inclusion proof, 10,000,000 leaves, p99", "ms", "p99", ceiling=10),),
            write_tree,
            "from the ledger's tiles in SQLite",
        ),
    ]

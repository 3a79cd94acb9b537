"""The city ledger as its follower writes it: the tree grows with every batch, and belongs to the entries (P4, R12)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.ledger import LEDGER_VIEWS, Ledger, LedgerFollower, tile_key
from services.audit.proofs import find_entries, prove_consistency
from services.audit.verify import verify_ledger
from shared.domain.errors import BadInputError, CorruptionError, UnavailableError
from shared.following.follow import PARKED
from shared.ledger import merkle
from shared.log import EventLog
from shared.log.memory import MemoryStorage
from shared.views.sqlite import SqliteViews
from tests.bench.subject import commits
from tests.kit.spec import ANYONE

COUNT = 400
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def log() -> EventLog:
    log = EventLog("issues", MemoryStorage())
    for commit in commits(COUNT, 7):
        log.append(commit)
    return log


@pytest.fixture
def views(tmp_path) -> Iterator[SqliteViews]:
    views = SqliteViews(tmp_path / "audit.sqlite", (*LEDGER_VIEWS, PARKED))
    yield views
    views.close()


def follower(views: SqliteViews) -> LedgerFollower:
    return LedgerFollower("issues", LEDGER_VIEWS, views, lambda record: None)


def enter(log: EventLog, views: SqliteViews, batch: int) -> Ledger:
    entering = follower(views)
    while records := list(log.read(entering.position, limit=batch)):
        entering.apply(records)
    ledger = Ledger(views, "test.example/city-ledger", KEY)
    ledger.checkpoint()
    return ledger


def check(ledger: Ledger, log: EventLog) -> None:
    report = verify_ledger(ledger, {"issues": log}, KEY.public_key(), lambda *_: None)
    assert (report.entries, report.waiting) == (COUNT, 0)


@pytest.mark.parametrize("batch", [1, 63, 64, 200, 1000])
def test_the_tree_belongs_to_the_entries_however_they_came(log, views, batch):
    ledger = enter(log, views, batch)
    ledger.checkpoint()
    check(ledger, log)
    lines = [row["line"].encode() for row in ledger.entries()]
    for index in (0, 63, 64, COUNT - 1):
        proof = [bytes.fromhex(digest) for digest in ledger.inclusion(index, COUNT)]
        merkle.verify_inclusion(merkle.leaf_hash(lines[index]), index, COUNT, proof, ledger.root(COUNT))


def test_a_ledger_without_tiles_gets_them_from_its_entries(log, views):
    root = enter(log, views, 200).root(COUNT)
    with views._database.writing() as connection:
        connection.execute("DELETE FROM tiles")
    follower(views)
    ledger = Ledger(views, "test.example/city-ledger", KEY)
    assert ledger.root(COUNT) == root
    check(ledger, log)


def test_tiles_made_in_part_are_completed(log, views):
    root = enter(log, views, 200).root(COUNT)
    views.save({("tiles", tile_key((0, number))): None for number in range(3, COUNT // merkle.WIDTH + 1)})
    follower(views)
    assert Ledger(views, "test.example/city-ledger", KEY).root(COUNT) == root


def test_a_changed_tile_is_found(log, views):
    ledger = enter(log, views, 200)
    hashes = ledger.tile((0, 2))
    views.save({("tiles", tile_key((0, 2))): {"hashes": (hashes[:32] + bytes(32) + hashes[64:]).hex()}})
    with pytest.raises(CorruptionError, match="node 129 of level 0"):
        check(ledger, log)


def test_nothing_is_entered_beside_a_broken_tree(log, views):
    entering = follower(views)
    entering.apply(log.read(limit=100))
    views.save({("tiles", tile_key((0, 1))): None})
    with pytest.raises(UnavailableError, match="city ledger: the tree lacks node 99"):
        entering.apply(log.read(100, limit=100))
    assert (entering.position, Ledger(views, "test").size) == (100, 100)


def test_consistency_is_proved_between_sizes_that_the_ledger_has_had(log, views):
    ledger = enter(log, views, 7)
    size = ledger.size
    assert prove_consistency(ledger, old=1, new=size)["proof"]
    with pytest.raises(BadInputError, match=f"the ledger has {size} entries, not 999999") as refused:
        prove_consistency(ledger, old=1, new=999_999)
    assert refused.value.fields == {"new": f"the ledger has {size} entries"}
    for old, new in ((size, size), (3, 2)):
        with pytest.raises(BadInputError, match=f"the ledger has {size} entries now") as refused:
            prove_consistency(ledger, old=old, new=new)
        assert set(refused.value.fields) == {"old"}


def test_entries_are_found_by_stream_the_newest_first(log, views):
    ledger = enter(log, views, 7)
    page = find_entries(ledger, ANYONE, limit=2)
    assert [row["key"] for row in page["rows"]] == [f"{ledger.size - 1:012d}", f"{ledger.size - 2:012d}"]
    stream = page["rows"][0]["stream"]
    assert {row["stream"] for row in find_entries(ledger, ANYONE, stream=stream)["rows"]} == {stream}


def test_the_ledger_is_shown_as_it_once_was(log, views):
    ledger = enter(log, views, 7)
    then = find_entries(ledger, ANYONE, size=3)
    assert [row["key"] for row in then["rows"]] == [f"{index:012d}" for index in (2, 1, 0)]
    last = then["rows"][0]["stream"]
    assert all(row["key"] < f"{3:012d}" for row in find_entries(ledger, ANYONE, stream=last, size=3)["rows"])
    assert len(find_entries(ledger, ANYONE, size=ledger.size + 9, limit=500)["rows"]) == ledger.size

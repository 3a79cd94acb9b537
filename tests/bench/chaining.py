"""What the hash chain and the Merkle tree cost (P4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from services.audit.ledger import LEDGER_VIEWS, LedgerFollower
from shared.following.follow import PARKED
from shared.ledger import merkle
from shared.log import Commit
from shared.log.record import GENESIS
from tests.bench.appending import in_threads, shares
from tests.bench.measuring import LINLI, Bench, Figures, Row, Stopwatch
from tests.bench.place import Place, in_city, log_in, views_in

BARE = "without chain and tree"
_EVENTS = {False: 9_600, True: 1_600}  # by whether it is a city


class _NoDigest:
    """Stands in for SHA-256: the same for everything."""

    def __init__(self, text: bytes = b"") -> None:
        pass

    def hexdigest(self) -> str:
        """A constant."""
        return GENESIS

    def digest(self) -> bytes:
        """A constant."""
        return bytes(32)


@contextmanager
def _without_chain_and_tree() -> Iterator[None]:
    with (
        mock.patch("shared.log.record.sha256", _NoDigest),
        mock.patch.object(merkle, "append", lambda read, size, leaves: {}),
    ):
        yield


def append_and_enter(folder: Path, scale: float) -> Figures:
    """32 writers append, then every fact is entered into the city ledger: microseconds an event, first part and whole."""
    log, parts = log_in(folder), shares(int(_EVENTS[in_city()] * scale))
    views = views_in(folder, (*LEDGER_VIEWS, PARKED), durable=True)
    follower = LedgerFollower("bench", LEDGER_VIEWS, views, lambda record: None)

    def write(part: Sequence[Commit]) -> None:
        for commit in part:
            log.append(commit)

    appending = in_threads(write, parts)
    with Stopwatch() as entering:
        while records := list(log.read(follower.position, limit=200)):
            follower.apply(records)
    count = sum(map(len, parts))
    assert follower.position == count
    views.close()
    log.close()
    return {"append": appending.seconds / count * 1e6, "whole": (appending.seconds + entering.seconds) / count * 1e6}


def append_and_enter_bare(folder: Path, scale: float) -> Figures:
    """The same with every digest a constant and no hashes of the tree."""
    with _without_chain_and_tree():
        return append_and_enter(folder, scale)


def benches(place: Place) -> list[Bench]:
    """P4."""
    return [
        Bench(
            "P4",
            {LINLI: append_and_enter, BARE: append_and_enter_bare},
            (
                Row("append with the chain", "µs/event", "append", BARE, most=1.03),
                Row("append and enter into the ledger", "µs/event", "whole", BARE, most=1.03),
            ),
            note="bare: digests are a constant and the tree is not kept; the ledger's entries are written by both",
        )
    ]

"""Verifies logs and ledger from raw records, without trusting a view, index or running service.

It recomputes each log's hash chain. Each entry of the city ledger, put together with what its line leaves
out, must be byte for byte the next record of its log; the Merkle root
is computed from the entries and compared with every checkpoint that was signed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit import disclosure
from services.audit.copies import Copies
from services.audit.ledger import Ledger
from services.audit.signatures import Signatures
from shared.domain.errors import CorruptionError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.ledger import merkle
from shared.log import EventLog, records_of
from shared.log.record import verify_chain

#: Called from time to time with the name of the current check and the number of events done.
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class LogReport:
    """The result of verifying one log."""

    service: str
    events: int
    digest: str  # of the last commit


@dataclass(frozen=True)
class LedgerReport:
    """The result of verifying the city ledger.

    `waiting` is the number of logged events that it does not contain yet. Entries beyond `signed_size` are not signed yet, those beyond
    `cosigned_size` not cosigned; `signatures` and `anchors` are the checkpoints that were compared, in the ledger and in the logs.
    """

    entries: int
    root: str
    signed_size: int
    waiting: int
    cosigned_size: int
    signatures: int
    anchors: int


class RunningRoot:
    """A Merkle root over a stream of lines, in memory logarithmic in their number."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []  # complete subtrees from the left: level, hash

    def add(self, line: bytes) -> list[bytes]:
        """Add one line; return the hashes of the subtrees that it completes, by level from the leaf up."""
        level, digest = 0, merkle.leaf_hash(line)
        completed = [digest]
        while self._peaks and self._peaks[-1][0] == level:
            digest = merkle.node_hash(self._peaks.pop()[1], digest)
            completed.append(digest)
            level += 1
        self._peaks.append((level, digest))
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root over all lines added."""
        if not self._peaks:
            return merkle.EMPTY_ROOT
        digest = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            digest = merkle.node_hash(left, digest)
        return digest


class _StoredTree:
    """Compares stored hashes with computed ones: proofs use the stored ones, and the root alone would not reveal a changed one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tiles: dict[int, bytes] = {}  # by height, the tile under comparison

    def compare(self, index: int, completed: list[bytes]) -> None:
        """Raise `CorruptionError` unless the tiles hold the nodes that entry `index` completed."""
        for height, digest in enumerate(completed[:: merkle.TILE]):
            node = index >> height * merkle.TILE
            number, place = divmod(node, merkle.WIDTH)
            if place == 0:
                self._tiles[height] = self._ledger.tile((height, number))
            if self._tiles[height][place * merkle.HASH : (place + 1) * merkle.HASH] != digest:
                raise CorruptionError(
                    f"ledger entry {index}: node {node} of level {height * merkle.TILE} of the stored tree does not belong to the "
                    "entries"
                )


def verify_log(log: EventLog, progress: Progress) -> LogReport:
    """Recompute the hash chain of a log; raises `CorruptionError` naming the first wrong position."""
    events, digest = 0, ""
    try:
        for stored in log.storage.checked(verify_chain(log.read_commits())):
            events, digest = stored.last_position, stored.digest
            progress(log.name, events)
    except CorruptionError as error:
        raise CorruptionError(f"log {log.name}: {error.message}") from error
    return LogReport(log.name, events, digest)


def verify_ledger(
    ledger: Ledger,
    logs: Mapping[str, EventLog],
    public_key: Ed25519PublicKey,
    progress: Progress,
    *,
    copies: Copies | None = None,
    previous: Collection[str] = (),
    accepted: Collection[str] = (),
) -> LedgerReport:
    """Compare the ledger with the logs, and with everything that was signed about it (`Signatures` says what the arguments are).

    Raises `CorruptionError` naming the first entry that is wrong, or the signature that does not hold.
    """
    signatures = Signatures(ledger, logs, public_key, copies=copies, previous=previous, accepted=accepted)
    size = ledger.size
    records = {name: _records(log) for name, log in logs.items()}
    running, tree = RunningRoot(), _StoredTree(ledger)
    signatures.compare(0, running.root)
    disclosing = False
    for row in ledger.entries():
        index = running.size
        if index == size:
            break  # entered after the size was read
        here = f"ledger entry {index} ({row['source']} position {row['position']})"
        if int(row["key"]) != index:
            raise CorruptionError(f"{here}: entries {index} to {int(row['key']) - 1} are missing")
        record = next(records[row["source"]], None) if row["source"] in records else None
        if record is None:
            raise CorruptionError(f"{here}: there is no such record in the log")
        line = row["line"].encode()
        try:
            whole = disclosure.whole_line(row)
        except (CorruptionError, ValueError, KeyError, TypeError) as error:
            raise CorruptionError(f"{here}: {error}") from error
        if disclosing and disclosure.is_old(row):
            raise CorruptionError(f"{here}: is of the form from before, after entries of the form of today")
        disclosing = disclosing or not disclosure.is_old(row)
        if record.position != row["position"] or cloudevents.line(row["source"], record) != whole:
            raise CorruptionError(f"{here}: does not match position {record.position} of the log")
        tree.compare(index, running.add(line))
        signatures.compare(running.size, running.root)
        progress("ledger", running.size)
    if running.size != size:
        raise CorruptionError(f"the ledger says it has {size} entries but holds {running.size}")
    if size and running.root() != ledger.root(size):
        raise CorruptionError("the stored tree does not belong to the entries")
    signatures.finish(size)
    waiting = sum(1 for rest in records.values() for _ in rest)
    return LedgerReport(
        size,
        running.root().hex(),
        signatures.signed_size,
        waiting,
        signatures.cosigned_size,
        signatures.count,
        signatures.anchors,
    )


def _records(log: EventLog) -> Iterator[Record]:
    for stored in log.read_commits():
        yield from records_of(stored)

"""Verifies logs and ledger from raw records, without trusting a view, index or running service.

It recomputes each log's hash chain. Each entry of the city ledger, put together with what its line leaves
out, must be byte for byte the next record of its log; the Merkle root
is computed from the entries and compared with the last signed checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit import checkpoint, disclosure, merkle
from services.audit.ledger import Ledger
from shared.domain.errors import CorruptionError, NotFoundError
from shared.domain.record import Record
from shared.following import cloudevents
from shared.log import EventLog, StoredCommit, records_of
from shared.log.record import Span, pointer_id, pointers_of, verify_chain

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
    """The result of verifying the city ledger; `waiting` is the number of logged events that it does not contain yet."""

    entries: int
    root: str
    signed_size: int
    waiting: int


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
        pointers = log.storage.pointers()
        for stored in verify_chain(log.read_commits()):
            for part in pointers_of(stored):
                _check_pointer(next(pointers, None), stored, part)
                _check_found(log, stored, part)
            events, digest = stored.last_position, stored.digest
            progress(log.name, events)
        if (extra := next(pointers, None)) is not None:
            raise CorruptionError(
                f"position {extra[0].position}: version {extra[0].version} of {extra[0].stream} is said to be there, which no commit wrote"
            )
    except CorruptionError as error:
        raise CorruptionError(f"log {log.name}: {error.message}") from error
    return LogReport(log.name, events, digest)


def _check_pointer(found: tuple[Span, str] | None, stored: StoredCommit, part: Span) -> None:
    """What is kept of a part decides which version its stream is at."""
    if found != (part, pointer_id(stored, part)):
        raise CorruptionError(
            f"position {stored.position}: version {part.version} of {part.stream} is not found in its stream: what is kept of it is "
            "missing or was changed"
        )


def _check_found(log: EventLog, stored: StoredCommit, part: Span) -> None:
    """Whoever reads the stream of a part must be led to the commit that holds it."""
    found = next(iter(log.storage.scan_stream(part.stream, part.version - 1)), None)
    if found is None or found.position != stored.position:
        raise CorruptionError(
            f"position {stored.position}: version {part.version} of {part.stream} is not found in its stream"
        )


def verify_ledger(
    ledger: Ledger, logs: Mapping[str, EventLog], public_key: Ed25519PublicKey, progress: Progress
) -> LedgerReport:
    """Compare the ledger with the logs and its root with the last signed checkpoint.

    Raises `CorruptionError` naming the first entry that is wrong.
    """
    try:
        signed = checkpoint.open_checkpoint(ledger.last_checkpoint(), public_key, ledger.origin)
        signed_size, signed_root = signed.size, signed.root
    except NotFoundError:
        signed_size, signed_root = 0, merkle.EMPTY_ROOT
    size = ledger.size
    records = {name: _records(log) for name, log in logs.items()}
    running, tree = RunningRoot(), _StoredTree(ledger)
    root_when_signed = merkle.EMPTY_ROOT if signed_size == 0 else None
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
        if running.size == signed_size:
            root_when_signed = running.root()
        progress("ledger", running.size)
    if running.size != size:
        raise CorruptionError(f"the ledger says it has {size} entries but holds {running.size}")
    if size and running.root() != ledger.root(size):
        raise CorruptionError("the stored tree does not belong to the entries")
    if root_when_signed != signed_root:
        raise CorruptionError(
            f"the entries do not give the root that was signed for size {signed_size}: the ledger was cut or rewritten"
        )
    waiting = sum(1 for rest in records.values() for _ in rest)
    return LedgerReport(size, running.root().hex(), signed_size, waiting)


def _records(log: EventLog) -> Iterator[Record]:
    for stored in log.read_commits():
        yield from records_of(stored)

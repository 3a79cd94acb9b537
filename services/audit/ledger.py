"""The city ledger: every fact of every service, in the order in which it arrived here, under one Merkle tree.

An entry's line is the fact as canonical JSON; nodes of the tree are kept, so that a proof over ten million entries reads a few
dozen rows (P14). Entries, nodes, size and the checkpoints of the followed logs move together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import checkpoint, merkle
from shared.bus import cloudevents
from shared.errors import NotFoundError
from shared.log import Record
from shared.log.log import now
from shared.runtime.follow import Follower, GapError, Overlay
from shared.views import Row, View, ViewStore
from shared.views.port import encode_cursor


def _state(name: str, *indexes: str | tuple[str, ...]) -> View:
    return View(name, "", lambda event, record: None, lambda row, event, record: row, indexes)


#: One row an entry: `line` is what was hashed.
ENTRIES = _state("entries", "event_id", "stream", ("source", "position"))
#: Hashes of complete subtrees, by level and index.
NODES = _state("nodes")
#: The size of the tree, under the key "size".
LEDGER = _state("ledger")
#: Every checkpoint that was ever signed, by size.
SIGNED = _state("signed")
LEDGER_VIEWS = (ENTRIES, NODES, LEDGER, SIGNED)


def entry_key(index: int) -> str:
    """Entries sort by their index (from 0)."""
    return f"{index:012d}"


def _node_key(node: merkle.NodeId) -> str:
    return f"{node[0]:02d}:{node[1]:012d}"


class LedgerFollower(Follower):
    """Enters each fact of a source into the ledger, once and in order, a whole commit at a time.

    So every size at which somebody reads the ledger is the end of a commit in each log, and a signed checkpoint never cuts one.
    """

    def apply(self, records: Iterable[Record]) -> int:
        """Apply whole commits; raises `GapError` when the rest of the last one has not arrived."""
        arrived = list(records)
        end = len(arrived)
        while end and arrived[end - 1].position != arrived[end - 1].commit_position + arrived[end - 1].commit_size - 1:
            end -= 1
        position = super().apply(arrived[:end])
        if end < len(arrived):
            raise GapError(f"{self.source} position {arrived[-1].position} is not the end of its commit")
        return position

    def _fold(self, record: Record, overlay: Overlay) -> dict[tuple[str, str], Row | None]:
        changes = super()._fold(record, overlay)
        size = int(overlay.get("ledger", "size").get("size", 0))
        line = cloudevents.line(self.source, record)

        def read(nodes: Sequence[merkle.NodeId]) -> Mapping[merkle.NodeId, bytes]:
            rows = {node: overlay.get("nodes", _node_key(node)) for node in nodes}
            return {node: bytes.fromhex(row["hash"]) for node, row in rows.items() if row}

        for node, digest in merkle.append(read, size, [merkle.leaf_hash(line)]).items():
            changes["nodes", _node_key(node)] = {"hash": digest.hex()}
        changes["entries", entry_key(size)] = {
            "event_id": record.id,
            "stream": f"{self.source}/{record.stream}",
            "source": self.source,
            "position": record.position,
            "line": line.decode(),
        }
        changes["ledger", "size"] = {"size": size + 1}
        return changes


class Ledger:
    """Reads and proofs over the entries in a view store."""

    def __init__(self, views: ViewStore, origin: str, key: Ed25519PrivateKey | None = None) -> None:
        """`origin` names the ledger in checkpoints; `key` signs them."""
        self.views = views
        self.origin = origin
        self._key = key

    @property
    def size(self) -> int:
        """How many entries there are."""
        row = self.views.get("ledger", "size")
        return int(row["size"]) if row else 0

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries."""
        return merkle.root(self._read, size)

    def _read(self, nodes: Sequence[merkle.NodeId]) -> Mapping[merkle.NodeId, bytes]:
        rows = {node: self.views.get("nodes", _node_key(node)) for node in nodes}
        return {node: bytes.fromhex(row["hash"]) for node, row in rows.items() if row}

    def entry(self, event_id: str) -> Row:
        """The entry of an event, with its `index`; raises `NotFoundError`."""
        found = self.views.find("entries", {"event_id": event_id}, limit=1).rows
        if not found:
            raise NotFoundError(f"the ledger holds no event {event_id}; it may not have arrived yet")
        return found[0] | {"index": int(found[0]["key"])}

    def entries(self, start: int = 0) -> Iterator[Row]:
        """Entries from index `start` on."""
        return self._rows("entries", entry_key(start - 1) if start else "")

    def nodes(self, level: int) -> Iterator[tuple[int, str]]:
        """Index and hash of each stored node of a level, in order."""
        here = f"{level:02d}:"
        for row in self._rows("nodes", here):
            if not row["key"].startswith(here):
                return
            yield int(row["key"].removeprefix(here)), row["hash"]

    def _rows(self, view: str, after: str) -> Iterator[Row]:
        cursor: str | None = encode_cursor("key", after, after) if after else None
        while True:
            page = self.views.find(view, limit=500, cursor=cursor)
            yield from page.rows
            if (cursor := page.next) is None:
                return

    def checkpoint(self) -> str:
        """The signed checkpoint of the ledger as it is now; the same size always gives the text signed first."""
        size = self.size
        key = entry_key(size)
        if (row := self.views.get("signed", key)) is None:
            if self._key is None:
                raise NotFoundError("this process has no key to sign checkpoints with")
            row = {"text": checkpoint.sign(self._key, self.origin, size, self.root(size), now())}
            self.views.save({("signed", key): row})
        return str(row["text"])

    def last_checkpoint(self) -> str:
        """The newest checkpoint that was signed; raises `NotFoundError` when none was."""
        found = self.views.find("signed", order="-key", limit=1).rows
        if not found:
            raise NotFoundError("no checkpoint has been signed yet")
        return str(found[0]["text"])

    def inclusion(self, index: int, size: int) -> list[str]:
        """The proof, as hex hashes from the leaf upwards, that the entry is in the tree of `size` entries."""
        return [digest.hex() for digest in merkle.inclusion_proof(self._read, index, size)]

    def consistency(self, old: int, new: int) -> list[str]:
        """The proof that the tree of `new` entries begins with the tree of `old` ones."""
        return [digest.hex() for digest in merkle.consistency_proof(self._read, old, new)]

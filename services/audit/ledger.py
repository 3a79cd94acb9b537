"""The city ledger: every fact of every service, in order of arrival, under one Merkle tree.

An entry's line is the fact as canonical JSON, with digests for what is not public (`disclosure`). The tree is stored in tiles of hashes,
so that a proof over ten million entries reads some ten rows (P14) and a batch of facts writes few rows besides its entries (P4).
Entries, tiles, size and the checkpoints of the followed logs change in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import checkpoint, disclosure, merkle
from shared.domain.errors import CorruptionError, NotFoundError, UnavailableError
from shared.domain.mandate import Mandate
from shared.domain.privacy import CONFIDENTIAL
from shared.domain.record import Record
from shared.domain.view import Row, View
from shared.domain.words import _
from shared.following import cloudevents
from shared.following.follow import Follower, GapError, Overlay
from shared.log.log import now
from shared.views import ViewStore
from shared.views.port import encode_cursor


def _state(name: str, *indexes: str | tuple[str, ...]) -> View:
    return View(name, "", lambda event, record: None, lambda row, event, record, key: row, indexes)


#: One row per entry: `line` is the hashed text, `apart` what it leaves out, with salts.
ENTRIES = _state("entries", "event_id", "stream", ("source", "position"))
#: Hashes of the tree, as concatenated hex, by height and number of the tile (see `merkle`).
TILES = _state("tiles")
#: The size of the tree, under the key "size".
LEDGER = _state("ledger")
#: All signed checkpoints, by size.
SIGNED = _state("signed")
#: What is out of public sight, by stream: field to the event that says so; `confidential` stands for the whole stream.
MOVED = _state("moved")
#: Rows read at a time.
_AT_A_TIME = 500
LEDGER_VIEWS = (ENTRIES, TILES, LEDGER, SIGNED, MOVED)


def entry_key(index: int) -> str:
    """Return a key that sorts entries by index (from 0)."""
    return f"{index:012d}"


def tile_key(tile: merkle.TileId) -> str:
    """Return a key that sorts tiles by height, then by number."""
    return f"{tile[0]:02d}:{tile[1]:012d}"


def _reader(views: ViewStore) -> merkle.Read:
    def read(tiles: Sequence[merkle.TileId]) -> merkle.Tiles:
        rows = {tile: views.get("tiles", tile_key(tile)) for tile in tiles}
        return {tile: bytes.fromhex(row["hashes"]) for tile, row in rows.items() if row}

    return read


def _grown(views: ViewStore, size: int, lines: Iterable[str]) -> dict[tuple[str, str], Row | None]:
    """Return the changed rows of the tree when lines are appended to the first `size` ones."""
    leaves = [merkle.leaf_hash(line.encode()) for line in lines]
    tiles = merkle.append(_reader(views), size, leaves)
    return {("tiles", tile_key(tile)): {"hashes": hashes.hex()} for tile, hashes in tiles.items()}


def _size(views: ViewStore) -> int:
    row = views.get("ledger", "size")
    return int(row["size"]) if row else 0


def rows_of(views: ViewStore, view: str, after: str = "") -> Iterator[Row]:
    """Yield all rows of a view after a key, in order."""
    cursor: str | None = encode_cursor("key", after, after) if after else None
    while True:
        page = views.find(view, limit=_AT_A_TIME, cursor=cursor)
        yield from page.rows
        if (cursor := page.next) is None:
            return


def complete_tree(views: ViewStore) -> None:
    """Build the tiles of a ledger from before tiles were stored; does nothing for others."""
    if not (size := _size(views)):
        return
    last = (size - 1) // merkle.WIDTH
    stored = _reader(views)([(0, last)]).get((0, last), b"")
    if last * merkle.WIDTH + len(stored) // merkle.HASH >= size:
        return
    done = 0
    entries = islice(rows_of(views, "entries"), size)
    while batch := [row["line"] for row in islice(entries, _AT_A_TIME)]:
        views.save(_grown(views, done, batch))
        done += len(batch)


class LedgerFollower(Follower):
    """Enters each fact of a source into the ledger, once and in order, in whole commits.

    So readers always see whole commits of each log, and no signed checkpoint splits one.
    """

    #: Salts of entries that a backup brings back, by position; None for those from before lines had digests.
    kept: Mapping[int, Mapping[str, str] | None] = MappingProxyType({})

    def reload(self) -> None:
        """Load checkpoint and size from the store, after completing the tree."""
        complete_tree(self._store)
        super().reload()

    def apply(self, records: Iterable[Record]) -> int:
        """Apply whole commits; raises `GapError` when the last one is incomplete."""
        arrived = list(records)
        end = len(arrived)
        while end and arrived[end - 1].position != arrived[end - 1].commit_position + arrived[end - 1].commit_size - 1:
            end -= 1
        position = super().apply(arrived[:end])
        if end < len(arrived):
            raise GapError(f"{self.source} position {arrived[-1].position} is not the end of its commit")
        return position

    def _beside(self) -> dict[str, tuple[int, int]]:
        """Return the checkpoint that serialises all writers: two processes never write the same entry, whatever source they follow."""
        turns = self._store.checkpoint("ledger")
        return {"ledger": (turns, turns + 1)}

    def _fold(self, record: Record, overlay: Overlay) -> dict[tuple[str, str], Row | None]:
        changes = super()._fold(record, overlay)
        size = int(overlay.get("ledger", "size").get("size", 0))
        stream = f"{self.source}/{record.stream}"
        moved = self._moved(record, stream, overlay)
        if moved is not None:
            changes["moved", stream] = moved
        line, apart = self._entered(record, CONFIDENTIAL in (moved or self._known(record, stream, overlay)))
        changes["entries", entry_key(size)] = {
            "event_id": record.id,
            "stream": stream,
            "source": self.source,
            "position": record.position,
            "line": line,
            **({} if apart is None else {"apart": apart}),
        }
        changes["ledger", "size"] = {"size": size + 1}
        return changes

    def _known(self, record: Record, stream: str, overlay: Overlay) -> Row:
        """What of the stream of a fact was moved before; not looked up where nothing can have been."""
        looked = record.version > 1 and disclosure.confided(self.source) is not None
        return overlay.get("moved", stream) if looked else {}

    def _moved(self, record: Record, stream: str, overlay: Overlay) -> Row | None:
        """The same after a fact that moves something out of public sight; None after any other."""
        if record.type == "TextWithheld":
            field = msgspec.json.decode(record.data)["withheld"]
        elif disclosure.is_confidential(self.source, record):
            field = CONFIDENTIAL
        else:
            return None
        return dict(overlay.get("moved", stream)) | {field: record.id}

    def _entered(self, record: Record, confidential: bool) -> tuple[str, dict[str, Any] | None]:
        """The line of a fact and what stands beside it; None beside a line from before lines had digests."""
        if record.position not in self.kept:
            return disclosure.entered(self.source, record, confidential=confidential)
        salts = self.kept[record.position]
        if salts is None:
            return cloudevents.line(self.source, record).decode(), None
        return disclosure.entered(self.source, record, salts)

    def _complete(self, overlay: Overlay) -> None:
        """Add all entries of the batch to the tree; raises `UnavailableError` when its stored hashes are incomplete."""
        old, new = _size(self._store), int(overlay.get("ledger", "size").get("size", 0))
        lines = (overlay.get("entries", entry_key(index))["line"] for index in range(old, new))
        try:
            overlay.changes.update(_grown(self._store, old, lines))
        except CorruptionError as error:
            raise UnavailableError(
                _("nothing can be entered into the city ledger: {reason}"), reason=error.message
            ) from error


class Ledger:
    """Reads the ledger in a view store and proves its entries."""

    def __init__(self, views: ViewStore, origin: str, key: Ed25519PrivateKey | None = None) -> None:
        """`origin` names the ledger in checkpoints; `key` signs them."""
        self.views = views
        self.origin = origin
        self._key = key

    @property
    def key(self) -> Ed25519PrivateKey:
        """What signs checkpoints; raises `NotFoundError` in a process that has no key."""
        if self._key is None:
            raise NotFoundError(_("this process has no key to sign checkpoints with"))
        return self._key

    @property
    def size(self) -> int:
        """Return the number of entries."""
        return _size(self.views)

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries."""
        return merkle.root(_reader(self.views), size)

    def entry(self, event_id: str) -> Row:
        """Return the entry of an event, with its `index`; raises `NotFoundError`."""
        found = self.views.find("entries", {"event_id": event_id}, limit=1).rows
        if not found:
            raise NotFoundError(_("the ledger holds no event {event}; it may not have arrived yet"), event=event_id)
        return found[0] | {"index": int(found[0]["key"])}

    def shown(self, row: Row, by: Mandate) -> Row:
        """An entry as a reader may see it."""
        return disclosure.shown(row, by, self.views.get("moved", row["stream"]))

    def entries(self, start: int = 0) -> Iterator[Row]:
        """Yield entries from index `start` on."""
        return rows_of(self.views, "entries", entry_key(start - 1) if start else "")

    def tile(self, tile: merkle.TileId) -> bytes:
        """Return the concatenated hashes of a tile; empty when it is not stored."""
        return _reader(self.views)([tile]).get(tile, b"")

    def checkpoint(self) -> str:
        """Sign the ledger at its current size; the same size always returns the text signed first."""
        size = self.size
        key = entry_key(size)
        if (row := self.views.get("signed", key)) is None:
            row = {"text": checkpoint.sign(self.key, self.origin, size, self.root(size), now())}
            self.views.save({("signed", key): row})
        return str(row["text"])

    def last_checkpoint(self) -> str:
        """Return the newest signed checkpoint; raises `NotFoundError` when there is none."""
        found = self.views.find("signed", order="-key", limit=1).rows
        if not found:
            raise NotFoundError(_("no checkpoint has been signed yet"))
        return str(found[0]["text"])

    def inclusion(self, index: int, size: int) -> list[str]:
        """Prove that an entry is in the tree of `size` entries, with hex hashes from the leaf upwards."""
        return [digest.hex() for digest in merkle.inclusion_proof(_reader(self.views), index, size)]

    def consistency(self, old: int, new: int) -> list[str]:
        """Prove that the tree of `new` entries begins with the tree of `old` ones."""
        return [digest.hex() for digest in merkle.consistency_proof(_reader(self.views), old, new)]

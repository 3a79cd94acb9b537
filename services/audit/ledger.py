"""The city ledger: every fact of every service, in order of arrival, under one Merkle tree.

It is no view: no log says in what order facts arrived, with which salts, and what was signed. Entries, signed checkpoints, cosignatures
and the names of keys are only appended to (decision 18).

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

from services.audit import disclosure
from services.audit.copies import Copies
from shared.domain.errors import ConcurrencyError, CorruptionError, NotFoundError, UnavailableError
from shared.domain.mandate import Mandate
from shared.domain.privacy import CONFIDENTIAL
from shared.domain.record import Record
from shared.domain.view import Row, View
from shared.domain.words import _
from shared.following import cloudevents
from shared.following.anchoring import LedgerAnchored
from shared.following.follow import Follower, GapError
from shared.following.overlay import Overlay
from shared.ledger import checkpoint, merkle
from shared.ledger.cosignature import cosigned_by
from shared.ledger.policy import NOBODY, Policy
from shared.log.log import now
from shared.views import ViewStore
from shared.views.port import encode_cursor


def _kept(name: str, *indexes: str | tuple[str, ...], appended: bool = False, kept: bool = True) -> View:
    return View(
        name,
        "",
        lambda event, record: None,
        lambda row, event, record, key: row,
        indexes,
        kept=kept,
        appended=appended,
    )


#: One row per entry: `line` is the hashed text, `apart` what it leaves out, with salts.
ENTRIES = _kept("entries", "event_id", "stream", ("source", "position"), appended=True)
#: Hashes of the tree, as concatenated hex, by height and number of the tile (see `merkle`).
TILES = _kept("tiles")
#: The size of the tree, under the key "size".
LEDGER = _kept("ledger")
#: All signed checkpoints, by size, with the time (those of former versions have it in the text).
SIGNED = _kept("signed", appended=True)
#: What witnesses signed below them, a row each: `line`.
COSIGNED = _kept("cosigned", "size", ("witness", "size"), appended=True)
#: The keys that have signed, in order: `vkey`, the `statement` of the one before, the `reason` where there is none.
KEYS = _kept("keys", appended=True)
#: What is out of public sight, by stream: field to the event that says so; `confidential` stands for the whole stream.
MOVED = _kept("moved", kept=False)
#: Rows read at a time.
_AT_A_TIME = 500
LEDGER_VIEWS = (ENTRIES, TILES, LEDGER, SIGNED, COSIGNED, KEYS, MOVED)


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
    _anchors: list[tuple[int, str]]  # position and text of the anchored checkpoints of a batch

    def reload(self) -> None:
        """Load checkpoint and size from the store, after completing the tree."""
        complete_tree(self._store)
        super().reload()
        self._anchors = []

    def apply(self, records: Iterable[Record]) -> int:
        """Apply whole commits; raises `GapError` when the last one is incomplete."""
        self._anchors = []
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
        if record.type == LedgerAnchored.__name__:
            self._anchors.append((record.position, msgspec.json.decode(record.data)["checkpoint"]))
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
        """Add all entries of the batch to the tree; raises `UnavailableError` when its stored hashes are incomplete, or a checkpoint that
        is anchored in this log is not one of this tree: then this ledger is not the one that was signed.
        """
        old, new = _size(self._store), int(overlay.get("ledger", "size").get("size", 0))
        lines = (overlay.get("entries", entry_key(index))["line"] for index in range(old, new))
        try:
            overlay.changes.update(_grown(self._store, old, lines))
            anchors, self._anchors = self._anchors, []
            for position, text in anchors:
                self._check_anchor(position, text, new, overlay)
        except CorruptionError as error:
            raise UnavailableError(
                _("nothing can be entered into the city ledger: {reason}"), reason=error.message
            ) from error

    def _check_anchor(self, position: int, text: str, size: int, overlay: Overlay) -> None:
        signed = checkpoint.read_checkpoint(text)

        def read(tiles: Sequence[merkle.TileId]) -> merkle.Tiles:
            grown = {tile: overlay.changes.get(("tiles", tile_key(tile))) for tile in tiles}
            stored = _reader(self._store)([tile for tile, row in grown.items() if row is None])
            return {**stored, **{tile: bytes.fromhex(row["hashes"]) for tile, row in grown.items() if row}}

        if signed.size > size or merkle.root(read, signed.size) != signed.root:
            raise CorruptionError(
                f"{self.source} position {position} holds a checkpoint for {signed.size} entries that this ledger does not give: it was "
                "lost, cut or made anew; restore it from a backup"
            )


class Ledger:
    """Reads the ledger in a view store and proves its entries."""

    def __init__(
        self,
        views: ViewStore,
        origin: str,
        key: Ed25519PrivateKey | None = None,
        copies: Copies | None = None,
        policy: Policy = NOBODY,
    ) -> None:
        """`origin` names the ledger in checkpoints; `key` signs them, `copies` keeps them a second time, `policy` names their witnesses."""
        self.views = views
        self.origin = origin
        self.policy = policy
        self._key = key
        self._copies = copies

    @property
    def key(self) -> Ed25519PrivateKey:
        """What signs checkpoints; raises `NotFoundError` in a process that has no key."""
        if self._key is None:
            raise NotFoundError(_("this process has no key to sign checkpoints with"))
        return self._key

    @property
    def copies(self) -> Copies:
        """The second copy of what was signed; raises `NotFoundError` in a process that does not sign."""
        if self._copies is None:
            raise NotFoundError(_("this process has no key to sign checkpoints with"))
        return self._copies

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
        """Sign the ledger at its current size; the same size always returns the text signed first, with the cosignatures below it.

        Raises `CorruptionError`, and signs nothing, when the ledger does not go on from what was signed last.
        """
        size = self.size
        key = entry_key(size)
        if (row := self.views.get("signed", key)) is None:
            self.require_unbroken()
            row = {"text": checkpoint.sign(self.key, self.origin, size, self.root(size)), "time": now()}
            try:
                self.views.save({("signed", key): row})
            except ConcurrencyError:  # another process signed just now
                row = self.views.get("signed", key) or row
            else:
                if self._copies is not None:
                    self._copies.add(row["text"])
        return self.cosigned(str(row["text"]), size)

    def require_unbroken(self) -> None:
        """Raise `CorruptionError` unless the tree begins with what was signed last."""
        if last := self.signed(1):
            signed = checkpoint.read_checkpoint(last[0])
            if signed.size > self.size:
                raise CorruptionError(f"{signed.size} entries were signed, and the ledger has {self.size}: it was cut")
            if self.root(signed.size) != signed.root:
                raise CorruptionError(
                    f"the entries do not give the root that was signed for size {signed.size}: the ledger was rewritten"
                )

    def signed(self, limit: int) -> list[str]:
        """Return the newest signed checkpoints without cosignatures, the newest first."""
        return [str(row["text"]) for row in self.views.find("signed", order="-key", limit=limit).rows]

    def signed_after(self, size: int) -> Iterator[Row]:
        """Yield the signed checkpoints of more than `size` entries (-1: all), the smallest first."""
        return rows_of(self.views, "signed", entry_key(size) if size >= 0 else "")

    def cosigned(self, text: str, size: int) -> str:
        """Return a signed checkpoint with what witnesses signed below it."""
        return text + "".join(row["line"] for row in self.views.find("cosigned", {"size": size}, limit=_AT_A_TIME).rows)

    def last_checkpoint(self) -> str:
        """Return the newest signed checkpoint that enough witnesses have cosigned; raises `NotFoundError` when there is none."""
        cursor, keys = None, self.policy.keys()
        while True:
            page = self.views.find("signed", order="-key", limit=20, cursor=cursor)
            for row in page.rows:
                text = self.cosigned(str(row["text"]), int(row["key"]))
                if self.policy.satisfied(cosigned_by(text, keys)):
                    return text
            if (cursor := page.next) is None:
                raise NotFoundError(_("no checkpoint has been signed yet"))

    def signers(self) -> list[Row]:
        """Return the keys that have signed, in order."""
        return list(rows_of(self.views, "keys"))

    def hashes(self, level: int, start: int, count: int) -> bytes:
        """Return the concatenated hashes of `count` complete subtrees over `2**level` entries each, from number `start` on."""
        return merkle.hashes_of(_reader(self.views), level, start, count)

    def inclusion(self, index: int, size: int) -> list[str]:
        """Prove that an entry is in the tree of `size` entries, with hex hashes from the leaf upwards."""
        return [digest.hex() for digest in merkle.inclusion_proof(_reader(self.views), index, size)]

    def consistency(self, old: int, new: int) -> list[str]:
        """Prove that the tree of `new` entries begins with the tree of `old` ones."""
        return [digest.hex() for digest in merkle.consistency_proof(_reader(self.views), old, new)]

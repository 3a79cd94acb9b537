"""The Merkle tree of the city ledger (RFC 9162, section 2.1): appending, roots, proofs and their verification.

The functions are pure: they get hashes from a reader and return them to the caller, concatenated in tiles (as in C2SP
tlog-tiles, but smaller). A node is the hash of one complete subtree, named by `(level, index)`: the subtree over leaves
`index * 2**level` up to `(index + 1) * 2**level`. Tile `(height, number)` holds the complete nodes `number * WIDTH` up to
`(number + 1) * WIDTH` of level `height * TILE`; nodes of the levels in between are computed on demand. Tiles only grow, so
a tree of 10,000,000 leaves still has the roots and proofs of any earlier size. An append of many leaves writes one tile per
`WIDTH` leaves and few others; a proof calls the reader once, for some `log2(size) / 2` tiles (P4, P14).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from shared.domain.errors import BadInputError, CorruptionError

#: Level and index of a complete subtree.
NodeId = tuple[int, int]
#: Levels of the tree between two heights of tiles, and the resulting number of hashes in a full tile.
TILE = 6
WIDTH = 1 << TILE
#: Bytes of a hash.
HASH = 32
#: Height (0: hashes of leaves) and number of a tile.
TileId = tuple[int, int]
Tiles = Mapping[TileId, bytes]
#: Fetches all stored tiles that an operation needs in one call; may return more.
Read = Callable[[Sequence[TileId]], Tiles]
#: The root of the tree without leaves.
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf: SHA-256 over 0x00 and its bytes (one line of the export, without the newline)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node: SHA-256 over 0x01 and both children."""
    return sha256(b"\x01" + left + right).digest()


def append(read: Read, size: int, leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """Return the complete tiles to store when leaf hashes are added to a tree of `size` leaves.

    Repeating the call with the same leaves returns the same tiles. Raises `BadInputError` for a negative size and
    `CorruptionError` when the reader lacks a tile of the tree.
    """
    _check_size(size)
    known = read(begun) if (begun := _begun(size, size + len(leaves))) else {}
    written: dict[TileId, bytes] = {}
    height, start, row = 0, size, b"".join(leaves)
    while row:
        number, place = divmod(start, WIDTH)
        if place:
            before = known.get((height, number), b"")[: place * HASH]
            if len(before) < place * HASH:
                raise CorruptionError(f"the tree lacks node {start - 1} of level {height * TILE}")
            row = before + row
        tiles = [row[at : at + WIDTH * HASH] for at in range(0, len(row), WIDTH * HASH)]
        written.update(((height, number + offset), tile) for offset, tile in enumerate(tiles))
        row = b"".join([_top(tile) for tile in tiles if len(tile) == WIDTH * HASH])
        height, start = height + 1, number
    return written


def _begun(old: int, new: int) -> list[TileId]:
    """Return the tiles that change when the tree grows from one size to another."""
    begun, height = [], 0
    while new > old:
        if old % WIDTH:
            begun.append((height, old // WIDTH))
        height, old, new = height + 1, old // WIDTH, new // WIDTH
    return begun


def _top(hashes: bytes) -> bytes:
    """Return the root over concatenated hashes, whose number is a power of two."""
    while len(hashes) > HASH:
        pairs = range(0, len(hashes), 2 * HASH)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH]).digest() for at in pairs])
    return hashes


def root(read: Read, size: int) -> bytes:
    """Return the root over the first `size` leaves."""
    _check_size(size)
    return _hash_ranges(read, [(0, size)])[0] if size else EMPTY_ROOT


def inclusion_proof(read: Read, index: int, size: int) -> list[bytes]:
    """Return the sibling hashes from leaf `index` (from 0) up to the root over `size` leaves; `BadInputError` when out
    of range.
    """
    _check_index(index, size)
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _largest_power_below(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _hash_ranges(read, ranges[::-1])


def consistency_proof(read: Read, old: int, new: int) -> list[bytes]:
    """Return the hashes that prove that the tree of `new` leaves begins with the tree of `old` leaves; `BadInputError`
    when out of range.

    Empty when `old` is 0 or equals `new`: there is nothing to prove then.
    """
    _check_sizes(old, new)
    if old in (0, new):
        return []
    ranges: list[tuple[int, int]] = []
    start, end, whole = 0, new, True  # whole: the old tree equals the current subtree, and the verifier knows its root
    while old != end:
        middle = start + _largest_power_below(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return _hash_ranges(read, ranges[::-1])


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash `leaf` is number `index` of the tree of `size` leaves under `root`.

    Raises `CorruptionError` when the proof fails, `BadInputError` when `index` or `size` is out of range.
    """
    _check_index(index, size)
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise CorruptionError(f"the inclusion proof of leaf {index} is too long for {size} leaves")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise CorruptionError(f"the inclusion proof of leaf {index} is too short for {size} leaves")
    if computed != root:
        raise CorruptionError(
            f"leaf {index} is not in this tree: the proof leads to {computed.hex()}, the root is {root.hex()}"
        )


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `new` leaves begins with all leaves of the tree of `old` leaves.

    Raises `CorruptionError` when the proof fails, `BadInputError` when a size is out of range.
    """
    _check_sizes(old, new)
    if old in (0, new):
        if proof:
            raise CorruptionError(f"the consistency proof of {old} and {new} leaves must be empty")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise CorruptionError(f"two different roots for {old} leaves: {old_root.hex()}")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise CorruptionError(f"the consistency proof of {old} and {new} leaves is too short")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise CorruptionError(f"the consistency proof of {old} and {new} leaves is too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise CorruptionError(f"the consistency proof of {old} and {new} leaves is too short")
    if first != old_root:
        raise CorruptionError(f"the tree of {new} leaves does not begin with the {old} leaves under {old_root.hex()}")
    if second != new_root:
        raise CorruptionError(f"the consistency proof does not lead to the root of {new} leaves, {new_root.hex()}")


def hashes_of(read: Read, level: int, start: int, count: int) -> bytes:
    """Return the concatenated hashes of `count` complete subtrees of a level, from number `start` on.

    Raises `CorruptionError` when the tree lacks one.
    """
    nodes = [(level, index) for index in range(start, start + count)]
    tiles = read(list(dict.fromkeys(map(_tile_of, nodes))))
    return b"".join([_node(tiles, node) for node in nodes])


def _hash_ranges(read: Read, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return the roots over ranges of leaves, each of which starts where a subtree at least as large may start."""
    covers = [_cover(start, end) for start, end in ranges]
    tiles = read(list({_tile_of(node): None for cover in covers for node in cover})) if covers else {}
    roots = []
    for cover in covers:
        computed = _node(tiles, cover[-1])
        for node in cover[-2::-1]:
            computed = node_hash(_node(tiles, node), computed)
        roots.append(computed)
    return roots


def _cover(start: int, end: int) -> list[NodeId]:
    """Split a range of leaves into complete subtrees, from left to right, the largest first."""
    cover = []
    while start < end:
        level = (end - start).bit_length() - 1
        cover.append((level, start >> level))
        start += 1 << level
    return cover


def _tile_of(node: NodeId) -> TileId:
    """Return the tile from which a node can be computed."""
    level, index = node
    height, above = divmod(level, TILE)
    return height, index << above >> TILE


def _node(tiles: Tiles, node: NodeId) -> bytes:
    """Compute a node from its part of a tile."""
    level, index = node
    above = level % TILE
    start = (index << above) % WIDTH * HASH
    hashes = tiles.get(_tile_of(node), b"")[start : start + (HASH << above)]
    if len(hashes) < HASH << above:
        raise CorruptionError(f"the tree lacks node {index} of level {level}")
    return _top(hashes)


def _largest_power_below(count: int) -> int:
    """Return the largest power of two smaller than `count` (at least 2)."""
    return 1 << (count - 1).bit_length() - 1


def _check_size(size: int) -> None:
    if size < 0:
        raise BadInputError(f"a tree cannot have {size} leaves", {"size": ["must not be negative"]})


def _check_index(index: int, size: int) -> None:
    _check_size(size)
    if not 0 <= index < size:
        message = f"leaf {index} is not in a tree of {size} leaves, which are counted from 0"
        raise BadInputError(message, {"index": [f"must be from 0 up to {size - 1}" if size else "the tree is empty"]})


def _check_sizes(old: int, new: int) -> None:
    _check_size(new)
    if not 0 <= old <= new:
        raise BadInputError(
            f"an old size of {old} is not between 0 and the new size {new}", {"old": [f"must be from 0 up to {new}"]}
        )

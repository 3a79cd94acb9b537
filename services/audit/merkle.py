"""The Merkle tree of the city ledger (RFC 9162, section 2.1): appending, roots, proofs and their verification.

Pure: nodes come from a reader and go back to the caller. A stored node is the hash of one complete subtree, named by
`(level, index)`: the one over leaves `index * 2**level` up to `(index + 1) * 2**level`. Stored nodes never change, so
a tree of 10,000,000 leaves can still answer for any earlier size. An append writes fewer than two nodes a leaf; a
proof asks the reader once, for some `2 * log2(size)` nodes (P4, P14).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from shared.errors import BadInputError, CorruptionError

#: Level and index of a complete subtree.
NodeId = tuple[int, int]
Nodes = Mapping[NodeId, bytes]
#: Fetches stored nodes, all that a question needs in one call; may return more than was asked.
Read = Callable[[Sequence[NodeId]], Nodes]
#: The root of the tree without leaves.
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: SHA-256 over 0x00 and its bytes (one line of the export, without the newline)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and both children."""
    return sha256(b"\x01" + left + right).digest()


def append(read: Read, size: int, leaves: Sequence[bytes]) -> dict[NodeId, bytes]:
    """The nodes to store when leaf hashes are added to a tree of `size` leaves.

    Repeating it with the same leaves gives the same nodes. Raises `BadInputError` for a negative size and
    `CorruptionError` when the reader lacks a node of the tree.
    """
    _check_size(size)
    if not leaves:
        return {}
    known = _fetch(read, [(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1])
    written: dict[NodeId, bytes] = {}
    level, start, row = 0, size, list(leaves)
    while row:
        written.update(((level, start + offset), node) for offset, node in enumerate(row))
        if start & 1:
            start -= 1
            row.insert(0, known[level, start])
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
        level, start = level + 1, start >> 1
    return written


def root(read: Read, size: int) -> bytes:
    """The root over the first `size` leaves."""
    _check_size(size)
    return _hash_ranges(read, [(0, size)])[0] if size else EMPTY_ROOT


def inclusion_proof(read: Read, index: int, size: int) -> list[bytes]:
    """The sibling hashes from leaf `index` (from 0) up to the root over `size` leaves; `BadInputError` when out of
    range.
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
    """The hashes that show the tree of `new` leaves to begin with the tree of `old` leaves; `BadInputError` when out
    of range.

    Empty when `old` is 0 or equals `new`: there is nothing to show then.
    """
    _check_sizes(old, new)
    if old in (0, new):
        return []
    ranges: list[tuple[int, int]] = []
    start, end, whole = 0, new, True  # whole: the old tree is the subtree looked at, and its root is known already
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

    Raises `CorruptionError` when the proof does not show it, `BadInputError` when `index` or `size` is out of range.
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

    Raises `CorruptionError` when the proof does not show it, `BadInputError` when a size is out of range.
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


def _hash_ranges(read: Read, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """The roots over ranges of leaves, each starting where a subtree at least as large may start."""
    covers = [_cover(start, end) for start, end in ranges]
    nodes = _fetch(read, [node for cover in covers for node in cover])
    roots = []
    for cover in covers:
        computed = nodes[cover[-1]]
        for node in cover[-2::-1]:
            computed = node_hash(nodes[node], computed)
        roots.append(computed)
    return roots


def _cover(start: int, end: int) -> list[NodeId]:
    """The complete subtrees that make up a range of leaves, from left to right, the largest first."""
    cover = []
    while start < end:
        level = (end - start).bit_length() - 1
        cover.append((level, start >> level))
        start += 1 << level
    return cover


def _fetch(read: Read, wanted: Sequence[NodeId]) -> Nodes:
    nodes = read(wanted) if wanted else {}
    for level, index in wanted:
        if (level, index) not in nodes:
            raise CorruptionError(f"the tree lacks node {index} of level {level}")
    return nodes


def _largest_power_below(count: int) -> int:
    """The largest power of two smaller than `count` (at least 2)."""
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

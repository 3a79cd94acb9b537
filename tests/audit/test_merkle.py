"""The Merkle tree against RFC 9162 written down naively, and against the published test vectors (P14)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import BadInputError, CorruptionError
from shared.ledger import merkle

VECTOR_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Tree:
    """A store of tiles in memory that counts what is asked of it."""

    def __init__(self, leaves: Sequence[bytes] = (), batches: Sequence[int] = ()) -> None:
        self.tiles: dict[merkle.TileId, bytes] = {}
        self.size = self.asked = self.calls = 0
        hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
        for batch in (*batches, len(hashes)):
            self.add(hashes[self.size : self.size + batch])

    def add(self, hashes: Sequence[bytes]) -> None:
        written = merkle.append(self.read, self.size, hashes)
        for tile, row in written.items():
            before = self.tiles.get(tile, b"")
            assert row.startswith(before) and len(before) < len(row) <= merkle.WIDTH * merkle.HASH, "a tile only grows"
        self.tiles |= written
        self.size += len(hashes)

    def read(self, wanted: Sequence[merkle.TileId]) -> dict[merkle.TileId, bytes]:
        self.calls += 1
        self.asked += len(wanted)
        return {tile: self.tiles[tile] for tile in wanted if tile in self.tiles}


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(old: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162, 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*naive_subproof(old, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(old - k, leaves[k:], False), naive_root(leaves[:k])]


def leaves_of(size: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(size)]


def test_published_vectors():
    tree = Tree([bytes.fromhex(leaf) for leaf in VECTOR_LEAVES])
    assert merkle.root(tree.read, 0).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [merkle.root(tree.read, size).hex() for size in range(1, 9)] == VECTOR_ROOTS


@pytest.mark.parametrize("size", range(1, 34))
def test_every_proof_of_small_trees(size):
    leaves = leaves_of(size)
    tree = Tree(leaves)
    root = merkle.root(tree.read, size)
    assert root == naive_root(leaves)
    for index in range(size):
        proof = merkle.inclusion_proof(tree.read, index, size)
        assert proof == naive_path(index, leaves)
        merkle.verify_inclusion(merkle.leaf_hash(leaves[index]), index, size, proof, root)
    for old in range(size + 1):
        proof = merkle.consistency_proof(tree.read, old, size)
        assert proof == (naive_subproof(old, leaves, True) if old else [])
        merkle.verify_consistency(old, size, naive_root(leaves[:old]), root, proof)


@given(st.lists(st.binary(max_size=40), max_size=300), st.lists(st.integers(0, 90), max_size=8), st.data())
def test_any_tree_in_any_batches(leaves, batches, data):
    tree = Tree(leaves, batches)
    assert tree.tiles == Tree(leaves).tiles
    assert len(tree.tiles) <= 2 + len(leaves) // (merkle.WIDTH - 1)
    size = data.draw(st.integers(0, len(leaves)))
    assert merkle.root(tree.read, size) == naive_root(leaves[:size])
    if size:
        index = data.draw(st.integers(0, size - 1))
        assert merkle.inclusion_proof(tree.read, index, size) == naive_path(index, leaves[:size])
        old = data.draw(st.integers(1, size))
        assert merkle.consistency_proof(tree.read, old, size) == naive_subproof(old, leaves[:size], True)


@given(st.integers(1, 100), st.data())
def test_a_changed_proof_is_refused(size, data):
    tree = Tree(leaves_of(size))
    root = merkle.root(tree.read, size)
    index = data.draw(st.integers(0, size - 1))
    leaf, proof = merkle.leaf_hash(b"leaf %d" % index), merkle.inclusion_proof(tree.read, index, size)
    wrong = data.draw(st.sampled_from(["leaf", "root", "longer", "shorter", "changed", "index"]))
    other = sha256(b"other").digest()
    match wrong:
        case "leaf":
            attempt = (other, index, size, proof, root)
        case "root":
            attempt = (leaf, index, size, proof, other)
        case "longer":
            attempt = (leaf, index, size, [*proof, other], root)
        case "shorter" if proof:
            attempt = (leaf, index, size, proof[:-1], root)
        case "changed" if proof:
            at = data.draw(st.integers(0, len(proof) - 1))
            attempt = (leaf, index, size, [*proof[:at], other, *proof[at + 1 :]], root)
        case "index" if size > 1:
            attempt = (leaf, (index + 1) % size, size, proof, root)
        case _:
            return
    with pytest.raises(CorruptionError):
        merkle.verify_inclusion(*attempt)


@given(st.integers(1, 100), st.data())
def test_a_rewritten_history_is_not_consistent(size, data):
    old = data.draw(st.integers(1, size))
    leaves = leaves_of(size)
    changed = data.draw(st.integers(0, old - 1))
    rewritten = [*leaves[:changed], b"rewritten", *leaves[changed + 1 :]]
    tree = Tree(rewritten)
    proof = merkle.consistency_proof(tree.read, old, size)
    with pytest.raises(CorruptionError):
        merkle.verify_consistency(old, size, naive_root(leaves[:old]), naive_root(rewritten), proof)
    longer, shorter = [*proof, sha256(b"").digest()], proof[:-1]
    for attempt in (longer, shorter) if proof else (longer,):
        with pytest.raises(CorruptionError):
            merkle.verify_consistency(old, size, naive_root(rewritten[:old]), naive_root(rewritten), attempt)


def test_proofs_read_few_tiles_in_one_call():
    tree = Tree(leaves_of(10_000))
    tree.calls = tree.asked = 0
    merkle.inclusion_proof(tree.read, 4_321, 9_999)
    assert tree.calls == 1
    assert tree.asked <= (9_999).bit_length()
    tree.calls = tree.asked = 0
    merkle.consistency_proof(tree.read, 7_777, 9_999)
    assert tree.calls == 1
    assert tree.asked <= (9_999).bit_length()


@pytest.mark.parametrize("size", [merkle.WIDTH**2, merkle.WIDTH**2 + 1, merkle.WIDTH**2 * 3 - 1])
def test_proofs_over_several_heights_of_tiles(size):
    tree = Tree(leaves_of(size), [1_000] * 5)
    root = merkle.root(tree.read, size)
    assert root == naive_root(leaves_of(size))
    for index in (0, merkle.WIDTH - 1, merkle.WIDTH, size // 2, merkle.WIDTH**2 - 1, size - 1):
        proof = merkle.inclusion_proof(tree.read, index, size)
        merkle.verify_inclusion(merkle.leaf_hash(b"leaf %d" % index), index, size, proof, root)
        old_root = merkle.root(tree.read, index + 1)
        merkle.verify_consistency(index + 1, size, old_root, root, merkle.consistency_proof(tree.read, index + 1, size))


def test_an_append_reads_and_writes_few_tiles():
    tree = Tree(leaves_of(10_000))
    tree.asked = 0
    tree.add([merkle.leaf_hash(b"one more")])
    assert tree.asked == 1
    written = merkle.append(tree.read, tree.size, [bytes(32)] * 200)
    assert len(written) <= 200 // merkle.WIDTH + 3


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_a_leaf_out_of_range_is_named(index, size):
    tree = Tree(leaves_of(3))
    with pytest.raises(BadInputError, match=str(index if size >= 0 else size)):
        merkle.inclusion_proof(tree.read, index, size)
    with pytest.raises(BadInputError):
        merkle.verify_inclusion(merkle.EMPTY_ROOT, index, size, [], merkle.EMPTY_ROOT)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3), (0, -1)])
def test_sizes_out_of_range_are_named(old, new):
    tree = Tree(leaves_of(3))
    with pytest.raises(BadInputError, match="-1|4"):
        merkle.consistency_proof(tree.read, old, new)
    with pytest.raises(BadInputError):
        merkle.verify_consistency(old, new, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])


def test_a_tree_larger_than_the_store_is_named():
    tree = Tree(leaves_of(3))
    with pytest.raises(CorruptionError, match="node 0 of level 2"):
        merkle.root(tree.read, 4)
    with pytest.raises(CorruptionError, match="node 3 of level 0"):
        merkle.append(tree.read, 4, [bytes(32)])
    with pytest.raises(BadInputError, match="-1"):
        merkle.append(tree.read, -1, [])

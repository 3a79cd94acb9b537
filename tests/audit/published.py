"""The published formats once more, as RFC 6962 and C2SP write them down, for tests only: slow, short, and apart from the program."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if len(leaves) < 2:
        return sha256(b"\x00" + leaves[0]).digest() if leaves else sha256(b"").digest()
    k = split(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    k = 1
    while 2 * k < count:
        k *= 2
    return k


def consistency(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*consistency(old, leaves[:k], whole), tree_hash(leaves[k:])]
    return [*consistency(old - k, leaves[k:], False), tree_hash(leaves[:k])]


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The key id of signed notes."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def body(origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def checkpoint(origin: str, leaves: list[bytes], key: Ed25519PrivateKey) -> str:
    """A signed checkpoint over all leaves."""
    text = body(origin, len(leaves), tree_hash(leaves))
    signature = key_id(origin, 1, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n— {origin} {b64encode(signature).decode()}\n"


def request(old: int, leaves: list[bytes], text: str) -> bytes:
    """The body of `add-checkpoint`."""
    proof = consistency(old, leaves) if old else []
    return ("\n".join([f"old {old}", *(b64encode(one).decode() for one in proof)]) + "\n\n" + text).encode()

"""Checks proofs again from bytes alone (RFC 9162): that an entry is included, step by step, and that a ledger goes on from an earlier one.

Written apart from the ledger on purpose: the page does not ask the ledger whether the ledger is right.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key


@dataclass(frozen=True)
class PathStep:
    """One step up the tree: on which side the given hash stands, and what both give together (hex)."""

    side: str  # "left" or "right"
    sibling: str
    result: str


@dataclass(frozen=True)
class Checked:
    """What came out: the leaf's hash, the way up, the root reached (hex), and what holds."""

    leaf: str
    path: tuple[PathStep, ...]
    root: str
    included: bool
    signed: bool

    @property
    def proved(self) -> bool:
        """Whether the entry lies under the root that was signed."""
        return self.included and self.signed


def check(
    line: str, index: int, size: int, proof: Sequence[str], checkpoint: str, public_key: str, told: str = ""
) -> Checked:
    """Hash the line (without newline), walk up with `proof` (hex), and compare with the signed root.

    `told` is the hash of a line that is not shown whole (hex): then only that such an entry exists is proved, not what it says.
    """
    leaf = bytes.fromhex(told) if told else sha256(b"\x00" + line.encode()).digest()
    path, root = _climb(leaf, index, size, [bytes.fromhex(sibling) for sibling in proof])
    lines = checkpoint.split("\n")
    included = root is not None and len(lines) > 2 and lines[1] == str(size) and _same(lines[2], root)
    return Checked(leaf.hex(), path, root.hex() if root else "", included, _signed(checkpoint, public_key))


@dataclass(frozen=True)
class Continued:
    """What came out of comparing an earlier checkpoint with the one of now: both sizes, and what holds."""

    old: int
    new: int
    signed: bool  # the earlier one, by this city's key
    continues: bool

    @property
    def proved(self) -> bool:
        """Whether the ledger of now begins with the one that was signed then."""
        return self.signed and self.continues


def size_of(checkpoint: str) -> int:
    """How many entries a checkpoint stands for; 0 for what is none."""
    lines = checkpoint.split("\n")
    return int(lines[1]) if len(lines) > 2 and lines[1].isascii() and lines[1].isdecimal() and len(lines[1]) < 16 else 0


def continued(earlier: str, now: str, proof: Sequence[str], public_key: str) -> Continued:
    """Whether the ledger of the checkpoint of now begins with all entries of an earlier one; `proof` is of its consistency (hex)."""
    old, new = size_of(earlier), size_of(now)
    old_root, new_root = _root(earlier), _root(now)
    signed = _signed(earlier, public_key) and _signed(now, public_key)
    if not 0 < old <= new or old_root is None or new_root is None:
        return Continued(old, new, signed, False)
    if old == new:
        return Continued(old, new, signed, old_root == new_root and not proof)
    hashes = [bytes.fromhex(one) for one in proof]
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    return Continued(old, new, signed, _joined(old - 1, new - 1, hashes) == (old_root, new_root))


def _joined(here: int, last: int, hashes: list[bytes]) -> tuple[bytes, bytes] | None:
    """The roots of the earlier and of the later tree that the hashes of a proof lead to; None when they are too few or too many."""
    while here % 2:
        here, last = here >> 1, last >> 1
    if not hashes:
        return None
    earlier = later = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if here % 2 or here == last:
            earlier = sha256(b"\x01" + sibling + earlier).digest()
            later = sha256(b"\x01" + sibling + later).digest()
            while not here % 2 and here:
                here, last = here >> 1, last >> 1
        else:
            later = sha256(b"\x01" + later + sibling).digest()
        here, last = here >> 1, last >> 1
    return (earlier, later) if last == 0 else None


def _root(checkpoint: str) -> bytes | None:
    lines = checkpoint.split("\n")
    try:
        return b64decode(lines[2], validate=True) if len(lines) > 2 else None
    except ValueError:
        return None


def fitting(line: str, disclosed: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The values shown beside a line that its digests vouch for, by name."""
    digests = json.loads(line).get("digests", {})
    found = {}
    for name, (salt, value) in disclosed.items():
        text = json.dumps([salt, name, value], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if digests.get(name) == sha256(text.encode()).hexdigest():
            found[name] = value
    return found


def _climb(leaf: bytes, index: int, size: int, proof: list[bytes]) -> tuple[tuple[PathStep, ...], bytes | None]:
    """Every step, and the root; no root when the proof is too short or too long for the place in the tree."""
    if not 0 <= index < size:
        return (), None
    here, last, digest = index, size - 1, leaf
    steps: list[PathStep] = []
    for sibling in proof:
        if last == 0:
            return tuple(steps), None
        if here % 2 or here == last:
            side, digest = "left", sha256(b"\x01" + sibling + digest).digest()
            while not here % 2 and here:
                here, last = here >> 1, last >> 1
        else:
            side, digest = "right", sha256(b"\x01" + digest + sibling).digest()
        steps.append(PathStep(side, sibling.hex(), digest.hex()))
        here, last = here >> 1, last >> 1
    return tuple(steps), digest if last == 0 else None


def _same(text: str, root: bytes) -> bool:
    try:
        return b64decode(text, validate=True) == root
    except ValueError:
        return False


def _signed(checkpoint: str, pem: str) -> bool:
    """Whether the key signed the checkpoint (C2SP signed note, Ed25519)."""
    body, blank, signatures = checkpoint.partition("\n\n")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not blank or not isinstance(key, Ed25519PublicKey):
        return False
    body += "\n"
    origin = body.partition("\n")[0]
    wanted = sha256(origin.encode() + b"\n\x01" + key.public_bytes_raw()).digest()[:4]
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, text = rest.partition(" ")
        try:
            raw = b64decode(text, validate=True)
            if dash == "—" and name == origin and raw[:4] == wanted:
                key.verify(raw[4:], body.encode())
                return True
        except (ValueError, InvalidSignature):
            continue
    return False

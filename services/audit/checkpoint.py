"""Signed checkpoints of the city ledger: its size and its root (C2SP tlog-checkpoint and signed-note).

linli.example/city-ledger
1000000
hDKA+4Ad1vTdQwVDGZ2EHrqVVn8XqIKxqAaxBnG9dOY=
time 2026-01-01T00:00:00.000000Z

— linli.example/city-ledger 5Bmc1T0b…
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.domain.errors import BadInputError, CorruptionError

#: Longest checkpoint that is parsed, in characters.
LONGEST = 65_536
_ED25519 = b"\x01"  # the signature type of the key id in signed notes
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The signed statement that `root` is the root over the first `size` events of the ledger `origin`."""

    origin: str
    size: int
    root: bytes  # 32 bytes
    time: str = ""  # RFC 3339: when it was signed
    extensions: tuple[str, ...] = ()  # further signed lines


def sign(private_key: Ed25519PrivateKey, origin: str, size: int, root: bytes, time: str) -> str:
    """Return the text of a signed checkpoint; the origin is the name of the key.

    Raises `BadInputError` for an origin with spaces or "+", a negative size, a root that is not 32 bytes long, or a
    time with a line break.
    """
    if not _NAME.fullmatch(origin):
        raise BadInputError(
            f"the origin {origin!r} must be one word without '+'", {"origin": ["must be one word without '+'"]}
        )
    if size < 0:
        raise BadInputError(f"a ledger cannot have {size} events", {"size": ["must not be negative"]})
    if len(root) != 32:
        raise BadInputError(f"a root has 32 bytes, not {len(root)}", {"root": ["must have 32 bytes"]})
    if not _printable(time):
        raise BadInputError(f"the time {time!r} holds a control character", {"time": ["must be one line"]})
    body = f"{origin}\n{size}\n{b64encode(root).decode()}\n" + (f"time {time}\n" if time else "")
    signature = key_id(origin, private_key.public_key()) + private_key.sign(body.encode())
    return f"{body}\n— {origin} {b64encode(signature).decode()}\n"


def open_checkpoint(text: str, public_key: Ed25519PublicKey, origin: str | None = None) -> Checkpoint:
    """Parse a checkpoint that `public_key` has signed, for the ledger `origin` if one is given.

    Signatures of others (witnesses) are ignored. Raises `BadInputError` when the text is not a checkpoint and
    `CorruptionError` when the key did not sign exactly this text or the checkpoint names another ledger.
    """
    body, signatures = _split(text)
    name, size, root, *extensions = body[:-1].split("\n")
    if origin is not None and name != origin:
        raise CorruptionError(f"the checkpoint is of {name}, not of {origin}")
    wanted = key_id(name, public_key)
    ours = [signature for signer, keyed, signature in signatures if (signer, keyed) == (name, wanted)]
    if not ours:
        raise CorruptionError(f"the checkpoint carries no signature of {name} by the given key (key id {wanted.hex()})")
    for signature in ours:
        try:
            public_key.verify(signature, body.encode())
        except InvalidSignature:
            raise CorruptionError(
                f"the signature of {name} does not fit the checkpoint: it was changed, or is forged"
            ) from None
    times = [line.removeprefix("time ") for line in extensions if line.startswith("time ")]
    return Checkpoint(
        origin=name,
        size=int(size),
        root=b64decode(root),
        time=times[0] if times else "",
        extensions=tuple(line for line in extensions if not line.startswith("time ")),
    )


def key_id(name: str, public_key: Ed25519PublicKey) -> bytes:
    """Return the four bytes that identify a key in a signature line."""
    return sha256(name.encode() + b"\n" + _ED25519 + public_key.public_bytes_raw()).digest()[:4]


def create_key(path: Path) -> Ed25519PrivateKey:
    """Create a signing key in a PEM file that only its owner can read (mode 0600); never replaces a file
    (`FileExistsError`).
    """
    private_key = Ed25519PrivateKey.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # whatever the umask was
        file.write(private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(descriptor)
    return private_key


def load_key(path: Path) -> Ed25519PrivateKey:
    """Load the signing key of a PEM file; raises `BadInputError` when it is not an Ed25519 key or others may read the file."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise BadInputError(
            f"{path} may be read by others (mode {mode:04o}); set it to 0600", {"path": ["must have mode 0600"]}
        )
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadInputError(f"{path} holds no private key in PEM: {error}", {"path": ["no private key"]}) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInputError(
            f"{path} holds a {type(key).__name__}, not an Ed25519 key", {"path": ["not an Ed25519 key"]}
        )
    return key


def public_pem(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """Return the public key in PEM, to be published for auditors."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def load_public_key(pem: bytes) -> Ed25519PublicKey:
    """Load a public key in PEM; raises `BadInputError` when it is not an Ed25519 key."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInputError(f"no public key in PEM: {error}", {"public_key": ["no public key"]}) from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInputError(f"a {type(key).__name__} is no Ed25519 key", {"public_key": ["not an Ed25519 key"]})
    return key


def _split(text: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return the signed body of a checkpoint and its signatures: name, key id, signature."""
    if len(text) > LONGEST:
        raise _malformed(f"has {len(text)} characters, more than {LONGEST}")
    if not _printable(text.replace("\n", "")):
        raise _malformed("holds a control character")
    body, blank, tail = text.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise _malformed("needs a blank line before the signatures and a newline at the end")
    lines = body.split("\n")
    if len(lines) < 3 or not all(lines):
        raise _malformed("needs a line each for origin, size and root, and no empty line before the signatures")
    if not _SIZE.fullmatch(lines[1]):
        raise _malformed(f"has {lines[1]!r} where the size should be")
    if len(_decoded(lines[2], "root")) != 32:
        raise _malformed("has a root that is not 32 bytes long")
    signatures = []
    for line in tail[:-1].split("\n"):
        dash, name, signature = (line.split(" ") + ["", ""])[:3]
        if dash != "—" or not _NAME.fullmatch(name) or line.count(" ") != 2:
            raise _malformed(f"has a signature line that is none: {line!r}")
        decoded = _decoded(signature, "signature")
        signatures.append((name, decoded[:4], decoded[4:]))
    return body + "\n", signatures


def _decoded(text: str, what: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    if not decoded or b64encode(decoded).decode() != text:
        raise _malformed(f"has a {what} that is not base64: {text!r}")
    return decoded


def _printable(text: str) -> bool:
    return not any(character < " " or character == "\x7f" for character in text)


def _malformed(why: str) -> BadInputError:
    return BadInputError(f"this is no checkpoint: it {why}", {"checkpoint": [why]})

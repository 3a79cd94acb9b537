"""Signed checkpoints of the city ledger: its size and its root (C2SP tlog-checkpoint and signed-note, nothing besides).

linli.example/city-ledger
1000000
hDKA+4Ad1vTdQwVDGZ2EHrqVVn8XqIKxqAaxBnG9dOY=

— linli.example/city-ledger 5Bmc1T0b…

Checkpoints of former versions have a fourth line, `time …`; they stay valid and are read, and none is written any more.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
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
#: Signature types of signed notes: of a ledger, and of a witness (`cosignature`).
SIGNATURE, COSIGNATURE = 1, 4
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
#: A signature line of a note: name of the key, its id, what follows the id.
Signature = tuple[str, bytes, bytes]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The signed statement that `root` is the root over the first `size` events of the ledger `origin`."""

    origin: str
    size: int
    root: bytes  # 32 bytes
    time: str = ""  # RFC 3339: when it was signed; only in checkpoints of former versions
    extensions: tuple[str, ...] = ()  # further signed lines


def sign(private_key: Ed25519PrivateKey, origin: str, size: int, root: bytes) -> str:
    """Return the text of a signed checkpoint; the origin is the name of the key.

    Raises `BadInputError` for an origin with spaces or "+", a negative size, or a root that is not 32 bytes long.
    """
    if size < 0:
        raise BadInputError(f"a ledger cannot have {size} events", {"size": ["must not be negative"]})
    if len(root) != 32:
        raise BadInputError(f"a root has 32 bytes, not {len(root)}", {"root": ["must have 32 bytes"]})
    return sign_note(f"{origin}\n{size}\n{b64encode(root).decode()}\n", origin, private_key)


def sign_note(body: str, name: str, *private_keys: Ed25519PrivateKey) -> str:
    """Return a signed note; `body` ends with a newline, `name` is that of each key.

    Raises `BadInputError` for a name with spaces or "+".
    """
    if not _NAME.fullmatch(name):
        raise BadInputError(
            f"the origin {name!r} must be one word without '+'", {"origin": ["must be one word without '+'"]}
        )
    return (
        body
        + "\n"
        + "".join(signature_line(name, key_id(name, key.public_key()), key.sign(body.encode())) for key in private_keys)
    )


def signature_line(name: str, identity: bytes, signature: bytes) -> str:
    """Return a line of a note that says who signed: name and id of the key, and the signature."""
    return f"— {name} {b64encode(identity + signature).decode()}\n"


def open_checkpoint(
    text: str, public_key: Ed25519PublicKey | Sequence[Ed25519PublicKey], origin: str | None = None
) -> Checkpoint:
    """Parse a checkpoint that `public_key`, or one of several, has signed, for the ledger `origin` if one is given.

    Signatures of others (witnesses) are ignored. Raises `BadInputError` when the text is not a checkpoint and
    `CorruptionError` when no key signed exactly this text or the checkpoint names another ledger.
    """
    found = read_checkpoint(text)
    if origin is not None and found.origin != origin:
        raise CorruptionError(f"the checkpoint is of {found.origin}, not of {origin}")
    check_note(text, found.origin, [public_key] if isinstance(public_key, Ed25519PublicKey) else public_key)
    return found


def read_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint whoever signed it; raises `BadInputError` when the text is none."""
    body, _ = split_note(text)
    name, size, root, extensions = _checked(body)
    times = [line.removeprefix("time ") for line in extensions if line.startswith("time ")]
    return Checkpoint(
        origin=name,
        size=size,
        root=root,
        time=times[0] if times else "",
        extensions=tuple(line for line in extensions if not line.startswith("time ")),
    )


def check_note(text: str, name: str, keys: Sequence[Ed25519PublicKey]) -> str:
    """Return the body of a note that at least one of the keys, all of this name, has signed.

    Raises `BadInputError` when the text is no note, and `CorruptionError` when none has signed, or a signature of one does not fit.
    """
    body, signatures = split_note(text)
    wanted = {key_id(name, key): key for key in keys}
    ours = [(wanted[keyed], signature) for signer, keyed, signature in signatures if signer == name and keyed in wanted]
    if not ours:
        ids = ", ".join(identity.hex() for identity in wanted)
        raise CorruptionError(f"the checkpoint carries no signature of {name} by the given key (key id {ids})")
    for key, signature in ours:
        try:
            key.verify(signature, body.encode())
        except InvalidSignature:
            raise CorruptionError(
                f"the signature of {name} does not fit the checkpoint: it was changed, or is forged"
            ) from None
    return body


def key_id(name: str, public_key: Ed25519PublicKey, kind: int = SIGNATURE) -> bytes:
    """Return the four bytes that identify a key in a signature line."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key.public_bytes_raw()).digest()[:4]


def vkey(name: str, public_key: Ed25519PublicKey, kind: int = SIGNATURE) -> str:
    """Return a public key as one word that tools for signed notes read: name, id, and type with key."""
    content = b64encode(bytes([kind]) + public_key.public_bytes_raw()).decode()
    return f"{name}+{key_id(name, public_key, kind).hex()}+{content}"


def read_vkey(text: str, kind: int = SIGNATURE) -> tuple[str, Ed25519PublicKey]:
    """Return name and key of such a word; raises `BadInputError` when it is none, or of another type."""
    name, _, rest = text.partition("+")
    identity, _, content = rest.partition("+")
    try:
        raw = b64decode(content, validate=True)
        if len(raw) != 33 or raw[0] != kind or not _NAME.fullmatch(name):
            raise ValueError(f"a key of type {kind} was expected")
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
        if identity != key_id(name, key, kind).hex():
            raise ValueError("its id does not belong to name and key")
    except ValueError as error:
        raise BadInputError(f"{text[:200]!r} is no verifier key: {error}", {"key": [str(error)]}) from None
    return name, key


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


def split_note(text: str) -> tuple[str, list[Signature]]:
    """Return the signed body of a note, and its signature lines; raises `BadInputError` when the text is no note."""
    if len(text) > LONGEST:
        raise _malformed(f"has {len(text)} characters, more than {LONGEST}")
    if not _printable(text.replace("\n", "")):
        raise _malformed("holds a control character")
    body, blank, tail = text.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise _malformed("needs a blank line before the signatures and a newline at the end")
    return body + "\n", [read_signature(line) for line in tail[:-1].split("\n")]


def read_signature(line: str) -> Signature:
    """Return name, key id and signature of a line of a note without its newline; raises `BadInputError`."""
    dash, name, signature = (line.split(" ") + ["", ""])[:3]
    if dash != "—" or not _NAME.fullmatch(name) or line.count(" ") != 2:
        raise _malformed(f"has a signature line that is none: {line!r}")
    decoded = _decoded(signature, "signature")
    return name, decoded[:4], decoded[4:]


def _checked(body: str) -> tuple[str, int, bytes, list[str]]:
    """Return origin, size, root and further lines of the body of a checkpoint."""
    lines = body[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise _malformed("needs a line each for origin, size and root, and no empty line before the signatures")
    if not _SIZE.fullmatch(lines[1]):
        raise _malformed(f"has {lines[1]!r} where the size should be")
    root = _decoded(lines[2], "root")
    if len(root) != 32:
        raise _malformed("has a root that is not 32 bytes long")
    return lines[0], int(lines[1]), root, lines[3:]


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

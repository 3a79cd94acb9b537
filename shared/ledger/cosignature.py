"""Cosignatures of witnesses: a signed time at which a checkpoint was the newest and went on from what was seen before.

As in C2SP tlog-cosignature, version 1: eight bytes with the seconds since 1970, then an Ed25519 signature over these seconds and the
body of the checkpoint, under a key id of its own type.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.domain.errors import CorruptionError
from shared.ledger.checkpoint import COSIGNATURE, key_id, read_signature, signature_line, split_note

_TIME = 8  # bytes


def _message(body: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{body}".encode()


def cosign(private_key: Ed25519PrivateKey, name: str, body: str, seconds: int) -> str:
    """Return the signature line of a witness under the body of a checkpoint; `seconds` since 1970 say when."""
    signature = seconds.to_bytes(_TIME) + private_key.sign(_message(body, seconds))
    return signature_line(name, key_id(name, private_key.public_key(), COSIGNATURE), signature)


def check_line(line: str, body: str, name: str, public_key: Ed25519PublicKey) -> int | None:
    """Return when a witness signed; None for a line of somebody else.

    Raises `CorruptionError` when it is a line of this witness, and its signature does not fit.
    """
    signer, identity, signature = read_signature(line)
    if signer != name or identity != key_id(name, public_key, COSIGNATURE):
        return None
    seconds = int.from_bytes(signature[:_TIME])
    try:
        public_key.verify(signature[_TIME:], _message(body, seconds))
    except InvalidSignature:
        raise CorruptionError(
            f"the cosignature of {name} does not fit the checkpoint: it was changed, or is forged"
        ) from None
    return seconds


def cosigned_by(text: str, witnesses: Mapping[str, Ed25519PublicKey]) -> dict[str, int]:
    """Return which of the witnesses, by name of the key, have cosigned a checkpoint, and when (seconds since 1970).

    Raises `BadInputError` when the text is no note, and `CorruptionError` when the signature of one of them does not fit.
    """
    body, _ = split_note(text)
    found: dict[str, int] = {}
    for line in text.rpartition("\n\n")[2][:-1].split("\n"):
        for name, key in witnesses.items():
            if (seconds := check_line(line, body, name, key)) is not None:
                found[name] = seconds
    return found

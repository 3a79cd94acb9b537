"""The key that signs the city ledger: who names the next one, and which keys that makes (F6).

A new key counts because the one before says so: a statement that both have signed, as a fact of the audit service's log, so that it is
in the ledger, and as a row beside the signed checkpoints. A key that was lost can name nobody; what takes its place is written down
with the reason, and whoever verifies has to be told to believe it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, CorruptionError
from shared.domain.event import Event
from shared.domain.mandate import Mandate
from shared.domain.privacy import PUBLIC
from shared.ledger.checkpoint import check_note, read_vkey, sign_note, vkey

#: The second line of a statement, where a checkpoint has its size.
CHANGED = "key changed"


class LedgerKeyChanged(Event, frozen=True, kw_only=True):
    """Another key signs the city ledger from here on; without a statement of the old key when that was lost, with the reason."""

    old: Annotated[str, PUBLIC]  # verifier keys, as in signed notes
    new: Annotated[str, PUBLIC]
    statement: Annotated[str, PUBLIC]  # a note signed by both
    reason: Annotated[str, PUBLIC]


class SigningKey(msgspec.Struct, frozen=True):
    """The key in use."""

    id: str
    current: str = ""


def evolve(key: SigningKey, event: LedgerKeyChanged) -> SigningKey:
    """Remember the newest."""
    return SigningKey(key.id, event.new)


def change_key(
    key: SigningKey, *, by: Mandate, at: str, old: str, new: str, statement: str, reason: str
) -> list[Event]:
    """Record that another key signs; the service itself does, once it holds that key and what the old one says."""
    by.require("ledger.change_key")
    return [] if key.current == new else [LedgerKeyChanged(old=old, new=new, statement=statement, reason=reason)]


SIGNING_KEY = Decider("signing_key", (LedgerKeyChanged,), SigningKey, SigningKey, evolve, lambda key: "")


def statement(origin: str, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> str:
    """What an old key says of the one that takes its place, signed by both."""
    named = (vkey(origin, one.public_key()) for one in (old, new))
    return sign_note("\n".join((origin, CHANGED, *named)) + "\n", origin, old, new)


def named_in(text: str, origin: str, old: str) -> str:
    """Return the verifier key that the key `old` names in a statement.

    Raises `CorruptionError` when it does not: another ledger, another key, or a signature of one of them lacks or does not fit.
    """
    try:
        lines = text.split("\n")
        if len(lines) < 5 or lines[:3] != [origin, CHANGED, old]:
            raise CorruptionError(f"it is no statement of {old} about the key of {origin}")
        for key in lines[2:4]:
            check_note(text, origin, [read_vkey(key)[1]])
    except (CorruptionError, BadInputError) as error:
        raise CorruptionError(f"the old key does not name the new one: {error.message}") from error
    return lines[3]


def chain(
    rows: Sequence[Mapping[str, Any]], origin: str, current: Ed25519PublicKey, accepted: Collection[str] = ()
) -> list[Ed25519PublicKey]:
    """Return all keys that have signed, in order, the current one last.

    `accepted` are verifier keys that are believed although the key before was lost. Raises `CorruptionError` when a key does not follow
    from the one before, or the current one is not the last.
    """
    if not rows:  # a ledger of a former version, which had one key
        return [current]
    keys = [str(row["vkey"]) for row in rows]
    for number in range(1, len(rows)):
        before, here = keys[number - 1], keys[number]
        if rows[number]["statement"]:
            if named_in(str(rows[number]["statement"]), origin, before) != here:
                raise CorruptionError(f"key {number + 1} of the ledger, {here}, is not the one that {before} names")
        elif here not in accepted:
            raise CorruptionError(
                f"key {number + 1} of the ledger, {here}, is named by no older key ({rows[number]['reason']}): if its keeper told you "
                "that it is theirs, give it with --accept-key"
            )
    if keys[-1] != vkey(origin, current):
        raise CorruptionError(
            f"the ledger is signed with {keys[-1]}, and the given key is another one: {vkey(origin, current)}; no older key names it"
        )
    return [read_vkey(key)[1] for key in keys]

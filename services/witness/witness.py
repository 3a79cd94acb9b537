"""What a witness remembers of each ledger, and what it cosigns (C2SP tlog-witness and tlog-cosignature).

It knows nothing of the city: a size, a root, and the keys that it was told. It cosigns a checkpoint only if the larger ledger is proved
to begin with the one that it cosigned last, and writes that down before it answers. So a ledger that was cut or rewritten, or shown
differently to others, finds no cosignature.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.domain.errors import BadInputError, CorruptionError, NotFoundError
from shared.ledger import merkle
from shared.ledger.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    create_key,
    load_key,
    open_checkpoint,
    read_checkpoint,
    read_vkey,
)
from shared.ledger.checkpoint import vkey as vkey_of
from shared.ledger.cosignature import cosign
from shared.sqlite import Database

#: "LLwt" as application id, and the format version.
KIND, VERSION = 0x4C4C7774, 1
_TABLES = """
CREATE TABLE cosigned (
    number INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    seconds INTEGER NOT NULL
) STRICT;
CREATE INDEX cosigned_origin ON cosigned (origin, number);
CREATE TRIGGER cosigned_never_changes BEFORE UPDATE ON cosigned BEGIN SELECT RAISE(ABORT, 'only appended to'); END;
CREATE TRIGGER cosigned_never_vanishes BEFORE DELETE ON cosigned BEGIN SELECT RAISE(ABORT, 'only appended to'); END
"""
#: Most hashes in a proof, and the content type of an answer that tells a size.
MOST_HASHES, SIZE = 63, "text/x.tlog.size"
PLAIN = "text/plain; charset=utf-8"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")

_log = structlog.get_logger()


class Answer(NamedTuple):
    """Status, content type and body of an HTTP answer."""

    status: int
    body: str
    kind: str = PLAIN


class Seen(NamedTuple):
    """What was cosigned last of a ledger."""

    size: int
    root: bytes
    note: str


class Witness:
    """A witness with its own key and memory, in a folder of its own."""

    def __init__(self, folder: Path, name: str, ledgers: Iterable[str], clock: Callable[[], float] = time.time) -> None:
        """`ledgers` are verifier keys; a ledger whose key changed has several. The first start makes the witness's key.

        Raises `BadInputError` for a word that is no verifier key, and for a name with spaces or "+".
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = name
        self._clock = clock
        self._keys: dict[str, list[Ed25519PublicKey]] = {}
        for word in ledgers:
            origin, key = read_vkey(word)
            self._keys.setdefault(origin, []).append(key)
        path = folder / "witness.pem"
        self._key: Ed25519PrivateKey = load_key(path) if path.exists() else create_key(path)
        read_vkey(self.vkey, COSIGNATURE)  # refuses a name that no note can carry
        self._database = Database(folder / "witness.sqlite", KIND, VERSION, _TABLES)

    @property
    def vkey(self) -> str:
        """The witness's key as one word, for those who want its cosignatures."""
        return vkey_of(self.name, self._key.public_key(), COSIGNATURE)

    @property
    def ledgers(self) -> Mapping[str, list[Ed25519PublicKey]]:
        """The keys of the ledgers that it cosigns, by origin."""
        return self._keys

    def seen(self, origin: str) -> Seen | None:
        """What was cosigned last; None when nothing was, or the operator had it forgotten."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT size, root, note FROM cosigned WHERE origin = ? ORDER BY number DESC LIMIT 1", (origin,)
            ).fetchone()
        return Seen(int(row[0]), bytes(row[1]), str(row[2])) if row and row[1] else None

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request to cosign: the cosignature, or why there is none."""
        try:
            old, proof, text = _request(body)
            signed = read_checkpoint(text)
        except (BadInputError, UnicodeDecodeError) as error:
            return Answer(400, f"{getattr(error, 'message', error)}\n")
        if signed.origin not in self._keys:
            return Answer(404, f"this witness does not know the ledger {signed.origin}\n")
        try:
            open_checkpoint(text, self._keys[signed.origin])
        except CorruptionError as error:
            return Answer(403, f"{error.message}\n")
        if old > signed.size:
            return Answer(400, f"the old size {old} is beyond the size {signed.size}\n")
        with self._database.writing() as connection:  # one request at a time: what is checked is what is followed on
            seen = self.seen(signed.origin) or Seen(0, merkle.EMPTY_ROOT, "")
            if old != seen.size:
                return Answer(409, f"{seen.size}\n", SIZE)
            if (refused := self._refused(seen, signed, proof)) is not None:
                _log.error(
                    "refused",
                    ledger=signed.origin,
                    size=signed.size,
                    seen=seen.size,
                    reason=refused.body.strip(),
                    note=text,
                )
                return refused
            seconds, note = int(self._clock()), text.rpartition("\n\n")[0] + "\n"
            line = cosign(self._key, self.name, note, seconds)
            connection.execute(
                "INSERT INTO cosigned (origin, size, root, note, seconds) VALUES (?, ?, ?, ?, ?)",
                (signed.origin, signed.size, signed.root, text, seconds),
            )
        _log.info("cosigned", ledger=signed.origin, size=signed.size, before=seen.size)
        return Answer(200, line)

    @staticmethod
    def _refused(seen: Seen, signed: Checkpoint, proof: list[bytes]) -> Answer | None:
        if seen.size == signed.size and seen.root != signed.root:
            return Answer(409, f"another root was cosigned for {seen.size} entries\n")
        try:
            merkle.verify_consistency(seen.size, signed.size, seen.root, signed.root, proof)
        except (CorruptionError, BadInputError) as error:
            return Answer(422, f"{error.message}\n")
        return None

    def forget(self, origin: str, reason: str) -> None:
        """Begin anew with a ledger, as after a restore to an earlier state: an act of the witness's office, kept with its reason.

        Raises `NotFoundError` when nothing of it was cosigned.
        """
        if self.seen(origin) is None:
            raise NotFoundError(f"nothing of {origin} was cosigned here")
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO cosigned (origin, size, root, note, seconds) VALUES (?, 0, x'', ?, ?)",
                (origin, reason, int(self._clock())),
            )

    def shown(self) -> str:
        """The witness's key, and what it cosigned last of each ledger: for whoever compares."""
        notes = (seen.note for origin in self._keys if (seen := self.seen(origin)) is not None)
        return "\n".join((f"{self.vkey}\n", *notes))

    def close(self) -> None:
        """Close the memory."""
        self._database.close()


def _request(body: bytes) -> tuple[int, list[bytes], str]:
    """Return old size, proof and checkpoint of a request; raises `BadInputError` when it is none."""
    head, blank, text = body.decode().partition("\n\n")
    first, *lines = head.split("\n")
    found = _OLD.fullmatch(first)
    if not blank or found is None or len(lines) > MOST_HASHES:
        raise BadInputError(
            "expected `old SIZE`, at most 63 hashes, an empty line and a checkpoint", {"body": ["malformed"]}
        )
    return int(found[1]), list(_hashes(lines)), text


def _hashes(lines: list[str]) -> Iterator[bytes]:
    for line in lines:
        digest = b""
        with suppress(Base64Error, ValueError):
            digest = b64decode(line, validate=True)
        if len(digest) != merkle.HASH:
            raise BadInputError(f"{line[:80]!r} is no hash of 32 bytes in base64", {"proof": ["malformed"]})
        yield digest

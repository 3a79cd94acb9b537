"""Encryption of personal data in events with a key per person: destroying the key erases the person (X09).

The log keeps the sealed text for ever and its digests stay valid; keys are stored outside the log and its backups.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.domain.errors import UnavailableError
from shared.domain.names import mask
from shared.sqlite import Database

#: How a sealed text begins.
SEALED = "sealed:v1:"
_GENERATION, _NONCE, _TAG, _KEY = 2, 12, 16, 32  # bytes
_LAST_GENERATION = 256**_GENERATION - 1


class Key(NamedTuple):
    """One key of a person. Generations count from 1; `secret` is None once the key is destroyed."""

    generation: int
    secret: bytes | None


class KeyStore(Protocol):
    """A store of keys with one record per person, which holds the latest generation only."""

    def get(self, subject: str) -> Key | None:
        """Return the latest key of a person; None when there never was one."""

    def put(self, subject: str, key: Key) -> bool:
        """Store the first key, or the successor of a destroyed one; False when a concurrent call stored one first."""

    def put_many(self, keys: Mapping[str, Key]) -> bool:
        """Store the keys of several persons; False when one of them was stored first, and then the others may be there or not."""

    def destroy(self, subject: str) -> bool:
        """Destroy a person's key beyond recovery and keep its generation; False when there is no key to destroy."""

    def close(self) -> None:
        """Close files and connections."""


class SqliteKeys:
    """Keys in a SQLite file that only its owner can read and that overwrites deleted content."""

    #: "LLky" as application id, and the format version.
    KIND, VERSION = 0x4C4C6B79, 1
    _TABLES = "CREATE TABLE keys (subject TEXT PRIMARY KEY, generation INTEGER NOT NULL, secret BLOB) STRICT"

    def __init__(self, path: str | Path, read_only: bool = False) -> None:
        """Open or create the file; raises `UnavailableError` when it has another format or cannot be opened."""
        path = Path(path)
        if read_only:
            self._database = Database(path, self.KIND, self.VERSION, self._TABLES, read_only=True)
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives -wal and -shm the mode of the file
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
        except OSError as error:
            raise UnavailableError(f"{path}: {error}; personal data can neither be sealed nor read") from error
        self._database = Database(path, self.KIND, self.VERSION, self._TABLES)
        with self._database.writing() as connection:
            connection.execute("PRAGMA secure_delete = ON")

    def get(self, subject: str) -> Key | None:
        with self._database.reading() as connection:
            found = connection.execute("SELECT generation, secret FROM keys WHERE subject = ?", (subject,)).fetchone()
        return None if found is None else Key(*found)

    def put(self, subject: str, key: Key) -> bool:
        return self.put_many({subject: key})

    def put_many(self, keys: Mapping[str, Key]) -> bool:
        first = "INSERT INTO keys (generation, secret, subject) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        next = (
            "UPDATE keys SET generation = ?1, secret = ?2 WHERE subject = ?3 AND generation = ?1 - 1 AND secret IS NULL"
        )
        with self._database.writing() as connection:
            stored = [
                connection.execute(
                    first if key.generation == 1 else next, (key.generation, key.secret, subject)
                ).rowcount
                for subject, key in keys.items()
            ]
        return all(stored)

    def destroy(self, subject: str) -> bool:
        """Destroy a key. Raises `UnavailableError` while a long read keeps an old copy in the file: retry then."""
        with self._database.writing() as connection:
            destroyed = connection.execute(
                "UPDATE keys SET secret = NULL WHERE subject = ? AND secret IS NOT NULL", (subject,)
            ).rowcount
        # the write-ahead file holds pages with the key until a checkpoint truncates it
        with self._database.reading() as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise UnavailableError(
                "the key is no longer used, but a copy is still on disk while somebody reads; erase again"
            )
        return destroyed == 1

    def close(self) -> None:
        self._database.close()


class MongoKeys:
    """Keys in a separate MongoDB database, apart from logs and views; every change waits for a majority.

    A destroyed key disappears from the collection at once, and from the replica set's oplog when that has been overwritten.
    """

    #: The kind in the document `formats/keys`, and the format version.
    KIND, VERSION = "keys", 1

    def __init__(self, database: Any, patience: float = 10.0) -> None:
        """Use a pymongo database; one call waits at most `patience` seconds for the server."""
        from shared import mongodb  # only the city shape needs pymongo, and eventlet must patch before its import

        self._database = mongodb.majority(database)
        if not mongodb.written_format(self._database, self.KIND, self.VERSION, patience):
            with mongodb.explained(self._database, patience, writing=True):
                mongodb.write_format(self._database, self.KIND, self.VERSION)
        self._keys = self._database["keys"]
        self._reading = partial(mongodb.explained, self._database, patience)
        self._writing = partial(mongodb.explained, self._database, patience, writing=True)

    def get(self, subject: str) -> Key | None:
        with self._reading():
            found = self._keys.find_one({"_id": subject})
        if found is None:
            return None
        return Key(found["generation"], None if found["secret"] is None else bytes(found["secret"]))

    def put(self, subject: str, key: Key) -> bool:
        from pymongo.errors import DuplicateKeyError

        wanted = {"generation": key.generation, "secret": key.secret}
        try:
            with self._writing():
                if key.generation == 1:
                    return self._keys.insert_one({"_id": subject, **wanted}).acknowledged
                before = {"_id": subject, "generation": key.generation - 1, "secret": None}
                return self._keys.update_one(before, {"$set": wanted}).matched_count == 1
        except DuplicateKeyError:
            return False

    def put_many(self, keys: Mapping[str, Key]) -> bool:
        return all(self.put(subject, key) for subject, key in keys.items())

    def destroy(self, subject: str) -> bool:
        with self._writing():
            held = {"_id": subject, "secret": {"$ne": None}}
            return self._keys.update_one(held, {"$set": {"secret": None}}).matched_count == 1

    def close(self) -> None:
        """Do nothing: the owner of the client closes it."""


class _Rehearsed:
    """Keys over those of another store, which it only reads."""

    def __init__(self, below: KeyStore) -> None:
        self._below = below
        self.made: dict[str, Key] = {}

    def get(self, subject: str) -> Key | None:
        return self.made.get(subject) or self._below.get(subject)

    def put(self, subject: str, key: Key) -> bool:
        return self.put_many({subject: key})

    def put_many(self, keys: Mapping[str, Key]) -> bool:
        self.made.update(keys)
        return True

    def destroy(self, subject: str) -> bool:
        raise AssertionError("nobody is erased in a rehearsal")

    def close(self) -> None:
        """What it lies over stays open."""


class Personal:
    """Seals, opens and erases personal data. Safe to use from several threads and processes."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def seal(self, subject: str, text: str) -> str:
        """Encrypt text with the person's key: `sealed:v1:<subject>:<base64>`; empty text stays empty.

        The base64 part holds the key's generation, the nonce and the AES-256-GCM ciphertext, bound to the subject.
        Sealing the same text twice gives different results. Raises `ValueError` for an empty subject.
        """
        if not text:
            return ""
        if not subject:
            raise ValueError("personal data must belong to a subject; the subject is empty")
        key = self._key(subject)
        assert key.secret is not None
        generation, nonce = key.generation.to_bytes(_GENERATION, "big"), os.urandom(_NONCE)
        ciphertext = AESGCM(key.secret).encrypt(nonce, text.encode(), _bound_to(subject, generation))
        return f"{SEALED}{subject}:{base64.b64encode(generation + nonce + ciphertext).decode()}"

    def open(self, sealed: str) -> str | None:
        """Decrypt text; None when the person was erased after it was sealed, empty text for empty text.

        Raises `ValueError` when it is not sealed text, was tampered with, or belongs to another subject.
        """
        if not sealed:
            return ""
        subject, generation, nonce, ciphertext = _parts(sealed)
        number = int.from_bytes(generation, "big")
        key = self._keys.get(subject)
        if key is None or not 1 <= number <= key.generation:
            raise ValueError(
                "sealed text names a key that never existed: it was altered, or the key store is another city's"
            )
        if key.secret is None or number < key.generation:
            return None
        try:
            return AESGCM(key.secret).decrypt(nonce, ciphertext, _bound_to(subject, generation)).decode()
        except InvalidTag:
            raise ValueError("sealed text was altered or belongs to somebody else; it cannot be trusted") from None

    def erase(self, subject: str) -> bool:
        """Destroy the person's key, so that no text sealed so far can be opened. False when there is no key to destroy.

        Sealing for the same subject afterwards creates a new key, which does not open the old texts.
        """
        return self._keys.destroy(subject)

    def rehearsing(self) -> Personal:
        """The same keys for trying something out: those that it makes are stored nowhere until `keep` takes them over."""
        return Personal(_Rehearsed(self._keys))

    def keep(self, rehearsed: Personal) -> bool:
        """Store what a rehearsal made; False when somebody else made a key of one of its persons first: rehearse again."""
        assert isinstance(rehearsed._keys, _Rehearsed)
        return not rehearsed._keys.made or self._keys.put_many(rehearsed._keys.made)

    @staticmethod
    def mask(name: str) -> str:
        """What the public may see of a name: `陈*`, `欧阳*`, `C*`; empty for an empty name."""
        return mask(name)

    def _key(self, subject: str) -> Key:
        while True:
            key = self._keys.get(subject)
            if key is not None and key.secret is not None:
                return key
            following = Key(key.generation + 1 if key else 1, AESGCM.generate_key(_KEY * 8))
            if following.generation > _LAST_GENERATION:
                raise ValueError(f"{subject} was erased {_LAST_GENERATION} times; use a new subject")
            if self._keys.put(subject, following):
                return following


def named_in(sealed: str) -> tuple[str, int]:
    """Whose a sealed text is, and of which generation its key; raises `ValueError` when it is none."""
    subject, generation, _, _ = _parts(sealed)
    return subject, int.from_bytes(generation, "big")


def _bound_to(subject: str, generation: bytes) -> bytes:
    return SEALED.encode() + generation + subject.encode()


def _parts(sealed: str) -> tuple[str, bytes, bytes, bytes]:
    """Return subject, generation, nonce and ciphertext; refuses base64 that is not the canonical encoding of its bytes."""
    subject, _, text = sealed.removeprefix(SEALED).rpartition(":")
    if not sealed.startswith(SEALED) or not subject:
        raise ValueError(f"not sealed text: expected {SEALED}<subject>:<base64>")
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("sealed text was altered: its last part is not base64") from None
    if len(raw) < _GENERATION + _NONCE + _TAG or base64.b64encode(raw).decode() != text:
        raise ValueError("sealed text was altered: it is cut short or written in another way")
    return subject, raw[:_GENERATION], raw[_GENERATION : _GENERATION + _NONCE], raw[_GENERATION + _NONCE :]

"""Restores keys from their separate copy, except those of erased persons (R9, X09)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from services.console.backup.archive import KEY_FILES, PERSONAL, Manifest, read_commits
from shared.ledger import checkpoint
from shared.personal import Key, KeyStore
from shared.service.settings import Settings, write_private
from shared.service.storage import open_keys

#: Facts that record an erasure: the field with the id, and the prefix that makes it the subject of the key.
ERASURES = {
    "registry.PersonErased": ("person_id", ""),
    "issues.ContactErased": ("issue_id", "issue:"),
    "issues.HouseholdErased": ("visit_id", "visit:"),
    "issues.PartiesErased": ("mediation_id", "mediation:"),
    "registry.HouseholdsForgotten": ("regulation_id", "regulation:"),
    "registry.HouseholdNoteErased": ("note_id", "note:"),
    "registry.AnswerErased": ("response_id", "response:"),
    "registry.AnswererErased": ("answerer_id", "answerer:"),
    "registry.AnswerersForgotten": ("survey_id", "survey:"),
    "funding.PayerErased": ("receipt_id", "payer:"),
    "funding.PayeeErased": ("payment_id", "payee:"),
    "volunteers.VolunteerErased": ("person_id", ""),
    "volunteers.WisherErased": ("wish_id", "wish:"),
}
_SEALED = re.compile(rb'"sealed:v1:((?:[^"\\]|\\.)*):([A-Za-z0-9+/]+=*)"')


def write_keys(settings: Settings, folder: Path, manifest: Manifest, keys: Path | None) -> None:
    """Write the keys except those of persons whose erasure is in the backup; without a copy everybody counts as erased."""
    store = open_keys(settings)
    target = settings.data / "keys" / "ledger.pem"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if keys is None:
            for subject, generation in _subjects(folder, manifest).items():
                _put_key(store, subject, generation, None)
            if not target.exists():
                checkpoint.create_key(target)
            return
        gone = erased(folder, manifest, keys)
        latest = _subjects(folder, manifest)  # a copy from before the backup lacks some: those read as erased
        for subject, generation, secret in _copies(keys):
            newest = max(generation, latest.pop(subject, 1))
            held = secret if subject not in gone and newest == generation else None
            _put_key(store, subject, newest, None if held is None else base64.b64decode(held))
        for subject, generation in latest.items():
            _put_key(store, subject, generation, None)
        for name in KEY_FILES:
            copy = keys / Path(name).name
            if copy.exists() and not (settings.data / name).exists():
                write_private(settings.data / name, copy.read_bytes())
    finally:
        store.close()


def _put_key(store: KeyStore, subject: str, generation: int, secret: bytes | None) -> None:
    for before in range(1, generation):
        store.put(subject, Key(before, None))
    store.put(subject, Key(generation, secret))


def erased(folder: Path, manifest: Manifest, keys: Path | None) -> frozenset[str]:
    """Whom a restore must not bring back: whose erasure is anywhere in the backup, and whose key was destroyed before `keys` were copied.

    Those of persons are their ids.
    """
    gone = {subject for subject, _, secret in (_copies(keys) if keys else ()) if secret is None}
    return frozenset(gone | set(_erasures(folder, manifest)))


def _copies(keys: Path) -> list[tuple[str, int, str | None]]:
    """The copied keys: subject, generation, and the key in base64; None for one that was destroyed."""
    lines = (keys / PERSONAL).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=tuple[str, int, str | None]) for line in lines]


def _erasures(folder: Path, manifest: Manifest) -> Iterator[str]:
    for name in manifest.logs:
        for _, body in read_commits(folder, name):
            for event in body.all_events():
                if found := ERASURES.get(f"{name}.{event.type}"):
                    field, prefix = found
                    yield prefix + msgspec.json.decode(event.data)[field]


def _subjects(folder: Path, manifest: Manifest) -> dict[str, int]:
    """Return every subject of sealed text, with the latest generation of its key."""
    found: dict[str, int] = {}
    for name in manifest.logs:
        for stored, _ in read_commits(folder, name):
            for subject, sealed in _SEALED.findall(stored.body):
                who = msgspec.json.decode(b'"' + subject + b'"', type=str)
                found[who] = max(found.get(who, 1), int.from_bytes(base64.b64decode(sealed)[:2], "big"))
    return found

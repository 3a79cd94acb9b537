"""The format of a backup: raw commits with their digests, one per line, and a manifest with the SHA-256 of every file (R11)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from services.audit.ledger import LEDGER_VIEWS
from services.console.catalogue import definition
from services.gateway.accounts import VIEWS as ACCOUNT_VIEWS
from shared.domain.errors import BadInputError, CorruptionError, NotFoundError, UnavailableError
from shared.domain.view import View
from shared.log import Head, StoredCommit
from shared.service.settings import write_private
from shared.views import ViewStore

FORMAT = 2
MANIFEST = "manifest.json"
#: The key files that `--keys` copies into a separate folder: path of each in LINLI_DATA.
KEY_FILES = ("keys/ledger.pem", "secret", "operator.token")
PERSONAL = "personal.jsonl"

encode = msgspec.json.Encoder(order="sorted").encode


class Line(msgspec.Struct, frozen=True):
    """One commit: the hashed bytes and their digest."""

    body: msgspec.Raw
    digest: str


class Event(msgspec.Struct, frozen=True):
    """The fields of an event that a restore reads."""

    id: str
    type: str
    data: msgspec.Raw
    occurred: str


class Part(msgspec.Struct, frozen=True):
    """What a restore needs to know of the events that a commit wrote to a further stream."""

    events: tuple[Event, ...]


class Body(msgspec.Struct, frozen=True):
    """The fields of a commit that a restore reads."""

    position: int
    stream: str
    version: int
    command_id: str
    causation_id: str
    actor: str
    time: str
    events: tuple[Event, ...]
    also: tuple[Part, ...] = ()

    def all_events(self) -> tuple[Event, ...]:
        """The events of all streams, in the order of their positions."""
        return (*self.events, *(event for part in self.also for event in part.events))


class Entry(msgspec.Struct, frozen=True):
    """One entry of the city ledger; its content is in the log.

    `salts` by name are those of its digests; None for an entry from before lines had digests.
    """

    source: str
    position: int
    salts: dict[str, str] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a backup. `checkpoints` are those of relays, clocks and followers, by service; `files` maps files to SHA-256."""

    format: int
    linli: str
    city: str
    time: str
    shape: str
    logs: dict[str, Head]
    size: int  # of the city ledger
    root: str
    public_key: str
    checkpoints: dict[str, dict[str, int]]
    files: dict[str, str]


class Sealed(msgspec.Struct, frozen=True):
    """A stored manifest with the digest of its text."""

    manifest: msgspec.Raw
    sha256: str


class Output:
    """Writes private files into a folder and collects their digests."""

    def __init__(self, folder: Path) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise BadInputError(
                f"{folder} is not empty: a backup is written into a new folder", {"folder": "must be empty"}
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.files: dict[str, str] = {}

    def lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write a file of lines and flush it to disk."""
        digest = sha256()
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for line in lines:
                file.write(line + b"\n")
                digest.update(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.files[name] = digest.hexdigest()

    def seal(self, manifest: Any) -> None:
        """Write the manifest, which completes the backup."""
        text = encode(manifest)
        write_private(self.folder / MANIFEST, encode(Sealed(msgspec.Raw(text), sha256(text).hexdigest())) + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest after checking every file against it; raises `CorruptionError` naming a file that differs."""
    path = folder / MANIFEST
    try:
        sealed = msgspec.json.decode(path.read_bytes(), type=Sealed)
        if sha256(bytes(sealed.manifest)).hexdigest() != sealed.sha256:
            raise CorruptionError(f"{path} is damaged: it does not match its own digest; nothing was restored")
        manifest = msgspec.json.decode(sealed.manifest, type=Manifest)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist: this is no backup, or one that was interrupted") from None
    except msgspec.DecodeError as error:
        raise CorruptionError(f"{path} is damaged: {error}; nothing was restored") from error
    if manifest.format > FORMAT:
        raise UnavailableError(
            f"{path} was written by a newer version of Linli (format {manifest.format}): use the newer program"
        )
    for name, digest in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise CorruptionError(f"{file} is missing from the backup; nothing was restored")
        with file.open("rb") as content:
            found = _digest(content)
        if found != digest:
            raise CorruptionError(f"{file} is damaged: its SHA-256 is {found}, not {digest}; nothing was restored")
    return manifest


def _digest(file: Any) -> str:
    digest = sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


_read_line = msgspec.json.Decoder(Line).decode
read_body = msgspec.json.Decoder(Body).decode


def read_commits(folder: Path, service: str) -> Iterator[tuple[StoredCommit, Body]]:
    """Yield the commits of a log in a backup, in order."""
    with (folder / f"{service}.log.jsonl").open("rb") as file:
        for text in file:
            line = _read_line(text)
            raw = bytes(line.body)
            body = read_body(raw)
            yield (
                StoredCommit(
                    position=body.position,
                    last_position=body.position + len(body.all_events()) - 1,
                    stream=body.stream,
                    version=body.version,
                    last_version=body.version + len(body.events) - 1,
                    command_id=body.command_id,
                    digest=line.digest,
                    body=raw,
                ),
                body,
            )


def read_entries(folder: Path) -> Iterator[Entry]:
    """Yield the entries of the city ledger in order."""
    decode = msgspec.json.Decoder(Entry).decode
    with (folder / "ledger.jsonl").open("rb") as file:
        yield from map(decode, file)


def state_views(service: str) -> tuple[View, ...]:
    """Return the views of a service that no log can rebuild, without the city ledger's, which have their own format."""
    views = ACCOUNT_VIEWS if service == "gateway" else definition(service).all_views
    own = {view.name for view in LEDGER_VIEWS}
    return tuple(view for view in views if not view.source and view.name not in own)


def all_rows(store: ViewStore, view: str) -> Iterator[dict[str, Any]]:
    """Yield every row of a view."""
    cursor = None
    while True:
        page = store.find(view, limit=500, cursor=cursor)
        yield from page.rows
        if (cursor := page.next) is None:
            return

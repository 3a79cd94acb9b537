"""Copies a running city, embedded or not, into one portable format.

A backup contains the logs, the order of the city ledger with its signed checkpoints, and what no log can rebuild (accounts, parked
facts). It contains no views, because a restore rebuilds them, and no keys, so that erased persons stay erased (R9, R11).
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from services.audit import disclosure
from services.audit.ledger import Ledger
from services.console.backup.archive import (
    FORMAT,
    KEY_FILES,
    MANIFEST,
    PERSONAL,
    Entry,
    Manifest,
    Output,
    all_rows,
    encode,
    read_body,
    state_views,
)
from services.console.catalogue import OWNERS, definition
from services.console.output import out, progress
from services.gateway.accounts import VIEWS as ACCOUNT_VIEWS
from shared.domain.clock import CLOCK
from shared.domain.errors import BadInputError
from shared.ledger import checkpoint
from shared.log import EventLog, Head, StoredCommit
from shared.log.log import now
from shared.service.settings import Settings
from shared.service.storage import open_log, open_views
from shared.sqlite import address
from shared.views import ViewStore


def backup(folder: Path, keys: Path | None, quiet: bool = False) -> dict[str, Any]:
    """Write a backup while the city runs, and the keys into the folder `keys` if given; returns the manifest for printing."""
    settings = Settings.read()
    if keys is not None and (keys.resolve() == folder.resolve() or folder.resolve() in keys.resolve().parents):
        raise BadInputError(
            f"{keys} lies in the backup: keep keys apart from what they open", {"keys": "another folder"}
        )
    logs = {name: open_log(settings, name, read_only=True) for name in OWNERS}
    stores = {name: open_views(settings, name, definition(name).all_views, read_only=True) for name in OWNERS}
    target = Output(folder)
    if keys is not None:
        _write_keys(settings, Output(keys))
    # data that refers to a log is read before the log, which only grows
    checkpoints = {name: _checkpoints(name, store) for name, store in stores.items()}
    for name, store in stores.items():
        target.lines(f"{name}.state.jsonl", _state(store, name))
    target.lines("gateway.state.jsonl", _accounts(settings))
    ledger = Ledger(stores["audit"], f"{settings.city}/city-ledger")
    size = ledger.size
    signed = (row for row in all_rows(stores["audit"], "signed") if int(row["key"]) <= size)
    target.lines("signed.jsonl", map(encode, signed))
    target.lines(
        "cosigned.jsonl", map(encode, (row for row in all_rows(stores["audit"], "cosigned") if row["size"] <= size))
    )
    target.lines("signers.jsonl", map(encode, all_rows(stores["audit"], "keys")))
    entries = (
        Entry(row["source"], row["position"], disclosure.salts_of(row)) for row in islice(ledger.entries(), size)
    )
    target.lines("ledger.jsonl", map(encode, entries))
    heads = {}
    positions = consistent_heads(logs)
    with progress(quiet) as bars:
        for name, log in logs.items():
            task = bars.add_task(name, total=max(1, positions[name]))
            copied = _Copied(log, positions[name], partial(bars.update, task))
            target.lines(f"{name}.log.jsonl", copied)
            heads[name] = copied.head
    manifest = Manifest(
        format=FORMAT,
        linli=version("linli"),
        city=settings.city,
        time=now(),
        shape="city" if settings.mongodb_uri else "embedded",
        logs=heads,
        size=size,
        root=ledger.root(size).hex(),
        public_key=_public_key(settings),
        checkpoints=checkpoints,
        files=target.files,
    )
    target.seal(manifest)
    return msgspec.to_builtins(manifest) | {"folder": str(folder), "keys": str(keys) if keys else None}


def consistent_heads(logs: Mapping[str, EventLog]) -> dict[str, int]:
    """Return positions within which every commit of a policy has its cause, although all logs continue to grow.

    Heads are read three times: causes of commits up to the first are within the second; commits in between are checked.
    """
    first, second, third = ({name: log.head().position for name, log in logs.items()} for _ in range(3))
    tails = {
        name: [read_body(c.body) for c in log.read_commits(first[name], until=third[name])]
        for name, log in logs.items()
    }
    heads = dict(second)
    while True:
        beyond = {
            event.id
            for name, tail in tails.items()
            for body in tail
            if body.position > heads[name]
            for event in body.all_events()
        }
        wrong = {
            name: min(
                body.position - 1 for body in tail if body.position <= heads[name] and body.causation_id in beyond
            )
            for name, tail in tails.items()
            if any(body.position <= heads[name] and body.causation_id in beyond for body in tail)
        }
        if not wrong:
            return heads
        heads |= wrong


class _Copied:
    """Iterates over the lines of a log up to a position; `head` is the end of the log afterwards."""

    def __init__(self, log: EventLog, until: int, report: Callable[..., None]) -> None:
        self._commits = log.read_commits(until=until) if until else iter(())
        self._report = report
        self.head = Head()

    def __iter__(self) -> Iterator[bytes]:
        last: StoredCommit | None = None
        for number, last in enumerate(self._commits):
            yield b'{"body":' + last.body + b',"digest":"' + last.digest.encode() + b'"}'
            if number % 500 == 0:
                self._report(completed=last.last_position)
        if last is not None:
            self.head = Head(last.last_position, last.digest, read_body(last.body).time)


def _checkpoints(service: str, store: ViewStore) -> dict[str, int]:
    names = ("relay", CLOCK, *(f"follow:{source}" for source in (service, *definition(service).sources)))
    found = {name: store.checkpoint(name) for name in names}
    return {name: position for name, position in found.items() if position or name != CLOCK}


def _state(store: ViewStore, service: str) -> Iterator[bytes]:
    for view in state_views(service):
        for row in all_rows(store, view.name):
            yield encode([view.name, row])


def _accounts(settings: Settings) -> Iterator[bytes]:
    if settings.mongodb_uri or (settings.data / "gateway.views.sqlite").exists():
        yield from _state(open_views(settings, "gateway", ACCOUNT_VIEWS, durable=True, read_only=True), "gateway")


def _public_key(settings: Settings) -> str:
    path = settings.data / "keys" / "ledger.pem"
    return checkpoint.public_pem(checkpoint.load_key(path)).decode() if path.exists() else ""


def _write_keys(settings: Settings, target: Output) -> None:
    """Write each person's key, destroyed ones as destroyed, and the city's own keys."""
    target.lines(
        PERSONAL, (encode([subject, generation, secret]) for subject, generation, secret in _personal_keys(settings))
    )
    for name in KEY_FILES:
        path = {"secret": settings.secret_file, "operator.token": settings.operator_token_file}.get(
            name, settings.data / name
        )
        if path.exists():
            target.lines(Path(name).name, path.read_bytes().removesuffix(b"\n").split(b"\n"))


def _personal_keys(settings: Settings) -> Iterator[tuple[str, int, str | None]]:
    found: Iterable[tuple[str, int, bytes | None]]
    if settings.mongodb_uri:
        from shared.service.storage import database_of

        found = [(row["_id"], row["generation"], row["secret"]) for row in database_of(settings, "keys")["keys"].find()]
    else:
        path = settings.data / "keys" / "personal.sqlite"
        if not path.exists():
            return
        connection = sqlite3.connect(address(path, read_only=True), uri=True)
        found = connection.execute("SELECT subject, generation, secret FROM keys").fetchall()
        connection.close()
    for subject, generation, secret in found:
        yield subject, generation, None if secret is None else base64.b64encode(secret).decode()


def print_backup(report: Mapping[str, Any]) -> None:
    """Print what was written, and where to keep the keys."""
    for name, head in report["logs"].items():
        out.print(f"{name:12} {head['position']:>10,} events   {head['digest'][:32]}…", soft_wrap=True)
    out.print(f"city ledger  {report['size']:>10,} entries  {report['root'][:32]}…", soft_wrap=True)
    out.print(f"written to {report['folder']}, with {MANIFEST} and the SHA-256 of each file", soft_wrap=True)
    if report["keys"]:
        out.print(
            f"keys written to {report['keys']}: keep them away from the backup, and only the newest copy;",
            style="yellow",
        )
        out.print(
            "destroy older copies after each erasure: whoever has both can read what was erased.",
            style="yellow",
            soft_wrap=True,
        )
    else:
        out.print(
            "keys are not in it, and without them nobody's name can be read again:", style="yellow", soft_wrap=True
        )
        out.print("copy them to another place with --keys FOLDER.", style="yellow", soft_wrap=True)

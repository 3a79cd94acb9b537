"""Restores a city from a backup, completely or up to a position: logs from the records, views from the logs (R11)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from services.audit.copies import Copies
from services.audit.ledger import Ledger, LedgerFollower
from services.audit.replay import digests, fold_until
from services.audit.signing import KEY, add_key, first_key, key_row
from services.console.backup import place
from services.console.backup.archive import (
    PERSONAL,
    Manifest,
    read_commits,
    read_entries,
    read_manifest,
    state_views,
)
from services.console.backup.cutting import Cut, find_cut
from services.console.backup.keys import erased, write_keys
from services.console.catalogue import OWNERS, definition
from services.console.databases import migrate
from services.console.output import out, progress
from services.gateway.accounts import VIEWS as ACCOUNT_VIEWS
from shared.domain.clock import CLOCK
from shared.domain.errors import BadInputError, CorruptionError, NotFoundError
from shared.domain.record import Record
from shared.following.follow import epoch
from shared.ledger import checkpoint
from shared.log import EventLog, StoredCommit
from shared.service.settings import Settings
from shared.service.storage import open_log, open_views
from shared.views import ViewStore

_GROUP = 500  # commits or ledger entries written at a time


def restore(folder: Path, to: str | None, keys: Path | None, quiet: bool = False) -> dict[str, Any]:
    """Restore a backup into an empty target; returns heads, view digests and notes for the operator."""
    settings = Settings.read()
    manifest = read_manifest(folder)
    if manifest.city != settings.city:
        wanted = {"LINLI_CITY": f"set it to {manifest.city}"}
        raise BadInputError(f"the backup is of {manifest.city}, not of {settings.city}", wanted)
    for name in (PERSONAL, "ledger.pem") if keys else ():
        if keys and not (keys / name).exists():
            raise NotFoundError(f"{keys / name} does not exist: this is no folder that `linli backup --keys` wrote")
    cut = find_cut(folder, manifest, to)
    started = replace(settings, restoring=True)
    with place.mongodb(settings, folder) if settings.mongodb_uri else place.files(settings) as data:
        if settings.mongodb_uri:
            migrate(started)
        return _restore(replace(started, data=data), folder, manifest, cut, keys, quiet)


def _restore(
    settings: Settings, folder: Path, manifest: Manifest, cut: Cut, keys: Path | None, quiet: bool
) -> dict[str, Any]:
    logs = {name: open_log(settings, name) for name in OWNERS}
    accounts = open_views(settings, "gateway", ACCOUNT_VIEWS, durable=True)
    stores = {name: open_views(settings, name, definition(name).all_views) for name in OWNERS}
    now = (
        time.time_ns() // 1_000_000
    )  # a new epoch: followers ignore messages of an earlier one that the broker still has
    try:
        with progress(quiet) as bars:
            for name, log in logs.items():
                task = bars.add_task(f"{name} log", total=max(1, cut.logs[name]))
                for done in _write_log(log, folder, cut.logs[name]):
                    bars.update(task, completed=done)
        write_keys(settings, folder, manifest, keys)
        _put_back(accounts, folder, "gateway", {}, erased(folder, manifest, keys))
        services = []
        with progress(quiet) as bars:
            for name, store in stores.items():
                task = bars.add_task(f"{name} views", total=None)
                _put_back(store, folder, name, cut.checkpoints[name])
                if name == "audit":
                    _write_ledger(settings, store, logs, folder, manifest, cut)
                else:
                    until = {
                        source: cut.checkpoints[name][f"follow:{source}"]
                        for source in (name, *definition(name).sources)
                    }
                    fold_until(definition(name), logs, store, store, until, lambda *_: None)
                marks = {epoch(source): (0, now) for source in (name, *definition(name).sources)}
                marks |= {mark: (0, at) for mark in ("relay", CLOCK) if (at := cut.checkpoints[name].get(mark))}
                store.save({}, marks)
                result = digests(definition(name), store)
                services.append({"service": name, "rows": result.rows, "digests": result.digests})
                bars.update(task, total=1, completed=1)
        heads = {name: {"position": log.head().position, "digest": log.head().digest} for name, log in logs.items()}
        ledger = Ledger(stores["audit"], f"{settings.city}/city-ledger")
        root = ledger.root(ledger.size).hex()
        entered = {"size": ledger.size, "root": root, "backed_up": manifest.size, "signed": _last_signed(folder)}
        reached = {name: {one: stores[name].checkpoint(one) for one in cut.checkpoints[name]} for name in stores}
        return {
            "logs": heads,
            "ledger": entered,
            "services": services,
            "checkpoints": reached,
            "keys": bool(keys),
            "time": manifest.time,
        }
    finally:
        for log in logs.values():
            log.close()
        for store in (accounts, *stores.values()):
            store.close()


def _write_log(log: EventLog, folder: Path, until: int) -> Iterator[int]:
    group: list[StoredCommit] = []
    for stored, _ in read_commits(folder, log.name):
        if stored.position > until:
            break
        group.append(stored)
        if len(group) == _GROUP:
            log.storage.insert(group)
            yield group.pop().last_position
            group.clear()
    if group:
        log.storage.insert(group)
        yield group[-1].last_position


def _put_back(
    store: ViewStore, folder: Path, service: str, checkpoints: Mapping[str, int], gone: frozenset[str] = frozenset()
) -> None:
    """Write the rows of views without a log; facts parked after the cut arrive again after the start.

    Accounts of persons who are `gone` stay out.
    """
    known = {view.name for view in state_views(service)}
    with (folder / f"{service}.state.jsonl").open("rb") as file:
        for number, text in enumerate(file, 1):
            view, row = msgspec.json.decode(text)
            if view not in known:
                raise CorruptionError(f"{file.name} line {number}: this program knows no view {view!r}")
            if view == "accounts" and row["person_id"] in gone:
                continue
            if view != "parked" or row["position"] <= checkpoints.get(f"follow:{row['source']}", 0):
                store.save({(view, row["key"]): row})


def _write_ledger(
    settings: Settings,
    store: ViewStore,
    logs: Mapping[str, EventLog],
    folder: Path,
    manifest: Manifest,
    cut: Cut,
) -> None:
    """Enter every fact in its former order, and put back what was signed; raises `CorruptionError` when a root differs."""
    what = definition("audit")
    followers = {name: LedgerFollower(name, what.all_views, store, what.decoder_for(name)) for name in logs}
    records = {name: log.read(until=cut.logs[name]) for name, log in logs.items()}
    batch: list[Record] = []
    kept: dict[int, dict[str, str] | None] = {}
    source = ""
    for number, entry in enumerate(islice(read_entries(folder), cut.size)):
        record = next(records[entry.source], None)
        if record is None or record.position != entry.position:
            raise CorruptionError(
                f"{folder / 'ledger.jsonl'}: entry {number} ({entry.source} {entry.position}) is out of order"
            )
        if batch and (entry.source != source or (len(batch) >= _GROUP and record.position == record.commit_position)):
            followers[source].kept = kept
            followers[source].apply(batch)
            batch, kept = [], {}
        source = entry.source
        batch.append(record)
        kept[record.position] = entry.salts
    if batch:
        followers[source].kept = kept
        followers[source].apply(batch)
    ledger = Ledger(store, f"{settings.city}/city-ledger")
    if cut.size == manifest.size and ledger.root(cut.size).hex() != manifest.root:
        raise CorruptionError(f"{folder / 'ledger.jsonl'}: the entries do not give the root {manifest.root}")
    _put_back_signed(ledger, settings, folder, manifest, cut)


def _put_back_signed(ledger: Ledger, settings: Settings, folder: Path, manifest: Manifest, cut: Cut) -> None:
    """Write what was signed for what is restored, and which keys signed; without the last of them the new one needs to be believed."""
    signers = _rows(folder, "signers")
    if not signers and manifest.public_key:  # a backup of a former version, which had one key
        only = checkpoint.load_public_key(manifest.public_key.encode())
        signers = [first_key(checkpoint.vkey(ledger.origin, only))]
    known = [checkpoint.read_vkey(row["vkey"])[1] for row in signers]
    texts = []
    for row in _signed(folder):
        if (size := int(row["key"])) <= cut.size:
            if known and checkpoint.open_checkpoint(row["text"], known, ledger.origin).root != ledger.root(size):
                raise CorruptionError(f"{folder / 'signed.jsonl'}: what was signed for size {size} is not this ledger")
            ledger.views.save({("signed", row["key"]): row})
            texts.append(row["text"])
    for row in _rows(folder, "cosigned"):
        if row["size"] <= cut.size:
            ledger.views.save({("cosigned", row["key"]): row})
    for number, row in enumerate(signers):
        ledger.views.save({("keys", key_row(number)): row})
    copies, path = Copies(settings.data / "keys"), settings.data / "keys" / KEY
    copies.write(texts)
    if not path.exists():
        return
    key = checkpoint.load_key(path)
    add_key(
        ledger,
        checkpoint.vkey(ledger.origin, key.public_key()),
        "",
        "restored without the key that signed before" if signers else "",
    )
    if not texts:  # there is never a ledger without a signature
        Ledger(ledger.views, ledger.origin, key, copies).checkpoint()


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a file that backups of former versions have not."""
    path = folder / f"{name}.jsonl"
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def _signed(folder: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (folder / "signed.jsonl").read_bytes().splitlines()]


def _last_signed(folder: Path) -> int:
    return max((int(row["key"]) for row in _signed(folder)), default=0)


def print_restored(report: Mapping[str, Any]) -> None:
    """Print what was restored, and what to do before the start."""
    table = Table("service", "events", "digest of the last commit", "rows", "digest over all views", box=None)
    for service in report["services"]:
        head, views = report["logs"][service["service"]], service["digests"]
        over_all = sha256("".join(views[view] for view in sorted(views)).encode()).hexdigest()
        digest = head["digest"][:32] + "…"
        table.add_row(service["service"], f"{head['position']:,}", digest, f"{service['rows']:,}", over_all)
    out.print(table)
    ledger = report["ledger"]
    out.print(f"city ledger: {ledger['size']:,} entries, root {ledger['root']}", soft_wrap=True)
    if not report["keys"]:
        out.print(
            "without --keys: personal data stays sealed, and a new key signs the ledger from here on (linli key show)",
            style="yellow",
        )
    else:
        out.print(
            f"the backup is of {report['time']}: erase again whoever was erased after it and after the keys were copied",
            style="yellow",
            soft_wrap=True,
        )
    if ledger["size"] < ledger["backed_up"]:
        out.print(
            f"the ledger ends at {ledger['size']:,} of {ledger['backed_up']:,} entries: checkpoints signed for more (up to "
            f"{ledger['signed']:,}) no longer hold. Tell those who keep them, and why.",
            style="yellow",
            soft_wrap=True,
        )

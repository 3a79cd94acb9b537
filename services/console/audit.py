"""Commands for auditors, which read the stored records directly: no service has to run, and none is trusted."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from rich.table import Table

from services.audit import checkpoint, merkle
from services.audit.ledger import LEDGER_VIEWS, Ledger
from services.audit.replay import Comparison, compare, digests, fold_until
from services.audit.verify import verify_ledger, verify_log
from services.console.beside import print_beside, verify_beside
from services.console.catalogue import OWNERS, definition
from services.console.output import out, progress
from shared.domain.catalogue import ANONYMOUS
from shared.domain.errors import BadInputError, CorruptionError, NotFoundError
from shared.domain.mandate import Mandate
from shared.domain.view import Row
from shared.log import EventLog
from shared.log.record import read_body
from shared.service.settings import Settings
from shared.service.storage import open_log, open_views
from shared.views.sqlite import SqliteViews


def _logs(settings: Settings) -> dict[str, EventLog]:
    return {name: open_log(settings, name, read_only=True) for name in OWNERS}


def _ledger(settings: Settings) -> Ledger:
    return Ledger(open_views(settings, "audit", LEDGER_VIEWS, read_only=True), f"{settings.city}/city-ledger")


def _key(settings: Settings) -> Any:
    path = settings.data / "keys" / "ledger.pem"
    if not path.exists():
        raise NotFoundError(f"{path} does not exist: this folder has no city ledger yet")
    return checkpoint.load_key(path)


@contextmanager
def _shown(quiet: bool, totals: Mapping[str, int]) -> Iterator[Callable[[str, int], None]]:
    """Show progress for each named part."""
    with progress(quiet) as bars:
        tasks = {name: bars.add_task(name, total=max(total, 1)) for name, total in totals.items()}

        def report(name: str, done: int) -> None:
            bars.update(tasks[name], completed=done)

        yield report


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what a record or row of a shape that nobody writes makes of a check into a sentence."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise CorruptionError(
            f"something that is stored has a shape that no program of this city writes: {error!r}, found in {Path(last.filename).name} "
            f"line {last.lineno}"
        ) from error


@_readable()
def verify(quiet: bool = False) -> dict[str, Any]:
    """Check every chain and the city ledger from raw records; raises `CorruptionError` naming the first wrong position."""
    settings = Settings.read()
    logs, ledger, key = _logs(settings), _ledger(settings), _key(settings)
    totals = {name: log.head().position for name, log in logs.items()} | {"ledger": ledger.size}
    with _shown(quiet, totals) as report:
        chains = [verify_log(log, report) for log in logs.values()]
        beside = verify_beside(settings, logs)
        found = verify_ledger(ledger, logs, key.public_key(), report)
    return {
        "logs": [{"service": chain.service, "events": chain.events, "digest": chain.digest} for chain in chains],
        "ledger": {
            "entries": found.entries,
            "root": found.root,
            "signed_size": found.signed_size,
            "waiting": found.waiting,
        },
        "beside": beside,
        "verified": True,
    }


def print_verified(report: Mapping[str, Any]) -> None:
    """Print the result of `verify`."""
    table = Table("log", "events", "digest of the last commit", box=None)
    for log in report["logs"]:
        table.add_row(log["service"], f"{log['events']:,}", log["digest"][:32] + "…" if log["digest"] else "")
    out.print(table)
    ledger = report["ledger"]
    out.print(f"city ledger: {ledger['entries']:,} entries, root {ledger['root']}", soft_wrap=True)
    out.print(
        f"last signed checkpoint: {ledger['signed_size']:,} entries; in the logs but not entered yet: {ledger['waiting']:,}"
    )
    print_beside(report["beside"])
    out.print("every chain and the Merkle tree hold", style="green")


@_readable()
def replay_all(until: str | None, quiet: bool = False) -> dict[str, Any]:
    """Rebuild all views in a separate store; compare them with the live ones, or return digests as of `until`."""
    settings = Settings.read()
    logs = _logs(settings)
    positions = _positions(until, logs, settings) if until else None
    results: list[Comparison] = []
    totals = {
        name: sum(logs[source].head().position for source in (name, *definition(name).sources)) for name in OWNERS
    }
    with TemporaryDirectory(prefix="linli-replay-") as folder, _shown(quiet, totals) as report:
        for name in OWNERS:
            what = definition(name)
            fresh = SqliteViews(Path(folder) / f"{name}.sqlite", what.all_views)
            live = open_views(settings, name, what.all_views, read_only=True)
            done: dict[str, int] = {}

            def shown(service: str, source: str, position: int, done: dict[str, int] = done) -> None:
                done[source] = position
                report(service, sum(done.values()))

            if positions is None:
                results.append(compare(what, logs, fresh, live, shown))
            else:
                events = fold_until(what, logs, fresh, live, positions, shown)
                results.append(digests(what, fresh))
                results[-1].events = events
    return {
        "until": positions,
        "services": [
            {"service": result.service, "events": result.events, "rows": result.rows, "digests": result.digests}
            for result in results
        ],
        "differences": [f"{result.service}: {difference}" for result in results for difference in result.differences],
    }


def _positions(until: str, logs: Mapping[str, EventLog], settings: Settings) -> dict[str, int]:
    """Return the position of each log at a time, or at a size of the city ledger."""
    if until.isdigit():
        size, ledger = int(until), _ledger(settings)
        if size > ledger.size:
            raise BadInputError(f"the city ledger has {ledger.size} entries, not {size}", {"until": "a size or a time"})
        found = dict.fromkeys(logs, 0)
        for number, row in enumerate(ledger.entries()):
            if number == size:
                break
            found[row["source"]] = row["position"]
        return found
    try:
        moment = datetime.fromisoformat(until)
        if moment.tzinfo is None:
            raise ValueError("no offset from UTC")
    except ValueError as error:
        reason = "a time like 2026-03-01T09:00:00+08:00, or a size of the city ledger"
        raise BadInputError(f"--until {until!r}: {error}", {"until": reason}) from None
    return {name: _position_at(log, moment) for name, log in logs.items()}


def _position_at(log: EventLog, moment: datetime) -> int:
    """Return the last position recorded at or before a moment.

    All before it belongs to it, also what a clock that was ahead dated later.
    """
    found, until = 0, moment.astimezone(UTC)
    for commit in log.read_commits():
        if datetime.fromisoformat(read_body(commit).time) <= until:
            found = commit.last_position
    return found


def print_replayed(report: Mapping[str, Any]) -> None:
    """Print the result of `replay_all`."""
    table = Table(
        "service", "events read", "rows", "" if report["until"] is None else "digest over all views", box=None
    )
    for service in report["services"]:
        digest = ""
        if report["until"] is not None:
            digest = sha256(
                "".join(service["digests"][view] for view in sorted(service["digests"])).encode()
            ).hexdigest()
        table.add_row(service["service"], f"{service['events']:,}", f"{service['rows']:,}", digest)
    out.print(table)
    for difference in report["differences"]:
        out.print(str(difference), style="red")
    if report["until"] is not None:
        out.print("as of " + ", ".join(f"{name} {position:,}" for name, position in report["until"].items()))
    elif not report["differences"]:
        out.print("every row of every live view follows from the logs", style="green")


#: Who an export is for, unless it is to be full.
_ANYBODY = Mandate(actor="", role=ANONYMOUS)


def _exported(ledger: Ledger, row: Row, full: bool) -> tuple[bytes, bytes, dict[str, Any]]:
    """The line of an entry as anybody may see it or in full, its hash, and what is disclosed beside it."""
    hashed = merkle.leaf_hash(row["line"].encode())
    if full:
        return row["line"].encode(), hashed, row.get("apart", {})
    shown = ledger.shown(row, _ANYBODY)
    if shown["hashed"]:
        return shown["line"].encode(), hashed, shown["disclosed"]
    gapped = msgspec.json.decode(shown["line"]) | {"leafhash": hashed.hex()}
    return msgspec.json.encode(gapped, order="sorted"), hashed, {}


def export(folder: Path, full: bool = False, quiet: bool = False) -> dict[str, Any]:
    """Write the ledger as anybody may see it, or in full, its signed checkpoint, the public key and the list of leaf hashes.

    What lines leave out and may be shown stands in `ledger.disclosures.jsonl`. Files are replaced atomically.
    """
    settings = Settings.read()
    key = _key(settings)
    # in a city the audit service signs every few seconds, and an auditor may write nothing
    city = bool(settings.mongodb_uri)
    views = open_views(settings, "audit", LEDGER_VIEWS, durable=True, read_only=city)
    ledger = Ledger(views, f"{settings.city}/city-ledger", key)
    text = ledger.last_checkpoint() if city else ledger.checkpoint()
    signed = checkpoint.open_checkpoint(text, key.public_key(), ledger.origin)
    folder.mkdir(parents=True, exist_ok=True)
    files = ("ledger.jsonl", "ledger.hashes", "ledger.disclosures.jsonl")
    lines, hashes, beside = (folder / f"{name}.new" for name in files)
    with (
        _shown(quiet, {"export": signed.size}) as report,
        lines.open("wb") as line_file,
        hashes.open("wb") as hash_file,
        beside.open("wb") as beside_file,
    ):
        count = 0
        for row in ledger.entries():
            if count == signed.size:
                break
            line, hashed, disclosed = _exported(ledger, row, full)
            line_file.write(line + b"\n")
            hash_file.write(hashed)
            if disclosed:
                beside_file.write(msgspec.json.encode({"index": count, "disclosed": disclosed}, order="sorted") + b"\n")
            count += 1
            report("export", count)
        for file in (line_file, hash_file, beside_file):
            file.flush()
            os.fsync(file.fileno())
    for made, name in zip((lines, hashes, beside), files, strict=True):
        made.replace(folder / name)
    (folder / "checkpoint.txt").write_text(text, encoding="utf-8")
    (folder / "ledger.pub").write_bytes(checkpoint.public_pem(key))
    return {"folder": str(folder), "full": full, "entries": count, "root": signed.root.hex(), "checkpoint": text}


def print_exported(report: Mapping[str, Any]) -> None:
    """Print where the export is and how to check it."""
    folder = report["folder"]
    out.print(f"{report['entries']:,} entries written to {folder}/ledger.jsonl, root {report['root']}", soft_wrap=True)
    out.print("check it anywhere, without Linli:", style="dim")
    out.print(
        f"  python deploy/verifier/linli_verify.py {folder}/ledger.jsonl {folder}/checkpoint.txt {folder}/ledger.pub "
        f"--disclosures {folder}/ledger.disclosures.jsonl",
        soft_wrap=True,
    )

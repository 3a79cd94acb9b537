"""Finds where a backup may be cut: between commits, and without keeping a commit whose cause is cut off (R11).

Logs, ledger and followers' checkpoints are cut together, so that neither ledger nor followers are ahead of the logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import Path

import msgspec

from services.console.backup.archive import Manifest, read_commits, read_entries
from services.console.catalogue import definition
from shared.domain.clock import CLOCK
from shared.domain.errors import BadInputError, CorruptionError
from shared.log import Head
from shared.log.record import verify_chain

_HOW = "positions like issues=120,registry=40, a time like 2026-03-01T09:00:00+08:00, or a size of the city ledger"


class Cut(msgspec.Struct, frozen=True):
    """The part of a backup to restore: positions of the logs, size of the ledger, and checkpoints of the followers."""

    logs: dict[str, int]
    size: int
    checkpoints: dict[str, dict[str, int]]


def find_cut(folder: Path, manifest: Manifest, to: str | None) -> Cut:
    """Check every hash chain and find a consistent cut at `to` (None: everything).

    Raises `CorruptionError` naming the wrong file and position, and `BadInputError` for an inconsistent cut, with the nearest
    consistent one.
    """
    verify(folder, manifest)
    logs = {name: head.position for name, head in manifest.logs.items()}
    if to is not None:
        logs |= _positions(folder, manifest, to)
        _check_whole(folder, logs)
        _check_causes(folder, logs)
    size = manifest.size
    for index, entry in enumerate(read_entries(folder)):
        if entry.position > logs[entry.source]:
            size = index
            break
    return Cut(logs, size, _checkpoints(folder, manifest, logs))


def verify(folder: Path, manifest: Manifest) -> None:
    """Recompute the hash chain of every log up to the head in the manifest."""
    for name, head in manifest.logs.items():
        where, end = folder / f"{name}.log.jsonl", Head()
        try:
            for stored in verify_chain(stored for stored, _ in read_commits(folder, name)):
                end = Head(stored.last_position, stored.digest)
        except (CorruptionError, msgspec.DecodeError) as error:
            raise CorruptionError(f"{where}: {error}; nothing was restored") from error
        if (end.position, end.digest) != (head.position, head.digest):
            raise CorruptionError(f"{where} ends at position {end.position}, not {head.position}; nothing was restored")


def _positions(folder: Path, manifest: Manifest, to: str) -> dict[str, int]:
    if to.isdigit():
        if (size := int(to)) > manifest.size:
            raise BadInputError(f"the city ledger of the backup has {manifest.size} entries, not {size}", {"to": _HOW})
        found = dict.fromkeys(manifest.logs, 0)
        for entry in islice(read_entries(folder), size):
            found[entry.source] = entry.position
        return found
    if "=" in to:
        return dict(_named(manifest, part) for part in to.split(","))
    try:
        moment = datetime.fromisoformat(to)
        if moment.tzinfo is None:
            raise ValueError("no offset from UTC")
    except ValueError as error:
        raise BadInputError(f"--to {to!r}: {error}", {"to": _HOW}) from None
    found = dict.fromkeys(manifest.logs, 0)
    for name in manifest.logs:
        for stored, body in read_commits(folder, name):
            if (
                datetime.fromisoformat(body.time) <= moment
            ):  # one that was recorded by a clock that was ahead belongs to what follows
                found[name] = stored.last_position
    return found


def _named(manifest: Manifest, part: str) -> tuple[str, int]:
    name, _, text = part.partition("=")
    if name not in manifest.logs or not text.isdecimal():
        raise BadInputError(f"--to: {part!r} is not like issues=120", {"to": _HOW})
    if int(text) > manifest.logs[name].position:
        raise BadInputError(f"the log of {name} ends at position {manifest.logs[name].position}", {"to": _HOW})
    return name, int(text)


def _check_whole(folder: Path, logs: Mapping[str, int]) -> None:
    for name, position in logs.items():
        for stored, _ in read_commits(folder, name):
            if stored.position <= position < stored.last_position:
                before, after = position - stored.position + 1, stored.last_position - position
                raise BadInputError(
                    f"{name} position {position} lies inside a commit ({stored.position} to {stored.last_position}), which is "
                    f"restored whole or not at all: go {before} back or {after} on",
                    {"to": f"{name}={stored.position - 1} or {name}={stored.last_position}"},
                )
            if stored.position > position:
                break


def _check_causes(folder: Path, logs: Mapping[str, int]) -> None:
    """Refuse a cut that keeps a policy's commit without the fact that caused it."""
    kept, first = dict(logs), ""
    while wrong := _without_cause(folder, kept):
        name, position, cause = wrong
        first = first or f"{name} position {position + 1} follows from {cause}, which lies beyond"
        kept[name] = position
    if first:
        nearest = ",".join(f"{name}={position}" for name, position in kept.items())
        raise BadInputError(f"{first}: a fact is not kept without its cause", {"to": nearest})


def _without_cause(folder: Path, logs: Mapping[str, int]) -> tuple[str, int, str] | None:
    """Return the first kept commit whose cause is cut off: its log, the position before it, and the cause."""
    lost = {
        event.id: f"{name} position {body.position + index}"
        for name, position in logs.items()
        for stored, body in read_commits(folder, name)
        if stored.position > position
        for index, event in enumerate(body.all_events())
    }
    for name, position in logs.items() if lost else ():
        for stored, body in read_commits(folder, name):
            if stored.position > position:
                break
            if body.causation_id in lost:
                return name, stored.position - 1, lost[body.causation_id]
    return None


def _checkpoints(folder: Path, manifest: Manifest, logs: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return the checkpoints of relays, followers and clocks: within their source, and before any fact or day with a consequence cut off.

    Later facts are applied again after the start, by policies too; a command that is in the log already changes nothing.
    """
    found: dict[str, dict[str, int]] = {}
    undone: dict[str, set[str]] = {}  # event id to the services that acted on it after the cut
    for name, position in logs.items():
        limits = {
            source: manifest.checkpoints[name].get(f"follow:{source}", 0)
            for source in (name, *definition(name).sources)
        }
        found[name] = {f"follow:{source}": min(limit, logs[source]) for source, limit in limits.items()}
        found[name]["relay"] = min(manifest.checkpoints[name].get("relay", 0), position)
        if clock := manifest.checkpoints[name].get(CLOCK, 0):
            found[name][CLOCK] = clock
        for stored, body in read_commits(folder, name):
            if stored.position > position and body.actor.startswith("policy:"):
                undone.setdefault(body.causation_id, set()).add(name)
            if stored.position > position and body.actor.startswith("clock:") and clock:
                day = date.fromisoformat(body.events[0].occurred[:10]).toordinal()
                found[name][CLOCK] = min(found[name][CLOCK], day - 1)
    for source in logs if undone else ():
        for _, body in read_commits(folder, source):
            for index, event in enumerate(body.all_events()):
                for name in undone.get(event.id, ()):
                    follower = f"follow:{source}"
                    found[name][follower] = min(found[name][follower], body.position + index - 1)
    return found

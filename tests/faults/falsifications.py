"""The ways in which a history can be falsified: each changes a world in place and says which words must name the fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import rfc8785

from services.audit import disclosure, merkle
from services.audit.ledger import entry_key
from shared.log import StoredCommit
from shared.log.record import pointers_of
from tests.faults.falsified import World, rechained

_replace = msgspec.structs.replace
#: Draws a fault, makes it, and returns what the finding must say ("": anything).
Falsify = Callable[[random.Random, World], str]


class Unchanged(Exception):
    """The draw changed nothing; draw again."""


def _pick(choose: random.Random, world: World) -> tuple[str, list[StoredCommit], int]:
    name = choose.choice(sorted(world.logs))
    commits = world.logs[name].commits
    return name, commits, choose.randrange(len(commits))


def _flipped(choose: random.Random, data: bytes) -> bytes:
    at = choose.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << choose.randrange(8))]) + data[at + 1 :]


def _changed(choose: random.Random, world: World) -> str:
    name, commits, at = _pick(choose, world)
    commits[at] = _replace(commits[at], body=_flipped(choose, commits[at].body))
    return f"log {name}: position {commits[at].position}:"


def _changed_with_its_digest(choose: random.Random, world: World) -> str:
    """The record and its own digest fit again; the next one, or the ledger, tells."""
    name, commits, at = _pick(choose, world)
    commits[at] = rechained(commits[at], commits[at].body.replace(b'"actor":"', b'"actor":"x'), None)
    last = at + 1 == len(commits)
    return f"({name} position {commits[at].position})" if last else f"log {name}: position {commits[at + 1].position}:"


def _column(choose: random.Random, world: World) -> str:
    name, commits, at = _pick(choose, world)
    field_ = choose.choice(["stream", "command_id", "digest", "last_position", "version", "last_version"])
    old = getattr(commits[at], field_)
    commits[at] = _replace(
        commits[at], **{field_: old + 1 if isinstance(old, int) else old[:-1] + ("0" if old[-1] != "0" else "1")}
    )
    return f"log {name}: position {commits[at].position}:"


def _removed(choose: random.Random, world: World) -> str:
    name, commits, at = _pick(choose, world)
    gone = commits.pop(at)
    return (
        f"({name} position {gone.position})" if at == len(commits) else f"log {name}: position {commits[at].position}:"
    )


def _swapped(choose: random.Random, world: World) -> str:
    name, commits, at = _pick(choose, world)
    other = choose.randrange(len(commits))
    if at == other:
        raise Unchanged
    commits[at], commits[other] = commits[other], commits[at]
    return f"log {name}: position {commits[min(at, other)].position}:"


def _inserted(choose: random.Random, world: World) -> str:
    name, commits, at = _pick(choose, world)
    forged = rechained(
        commits[at], commits[at].body.replace(b'"actor":"', b'"actor":"x'), commits[at - 1].digest if at else None
    )
    commits.insert(at, forged)
    return f"log {name}: position {forged.position}:"


def _doubled(choose: random.Random, world: World) -> str:
    name, commits, at = _pick(choose, world)
    commits.insert(at + 1, commits[at])
    return f"log {name}: position {commits[at].position}:"


def _tail_cut(choose: random.Random, world: World) -> str:
    """Also what an old backup of the log looks like: it is whole in itself, but the ledger goes further."""
    name, commits, at = _pick(choose, world)
    gone = commits[at].position
    del commits[at:]
    return f"({name} position {gone})"


def _chain_rewritten(choose: random.Random, world: World) -> str:
    """Everything from a record on is computed anew, so that the log holds in itself."""
    name, commits, at = _pick(choose, world)
    _rewrite(commits, at, commits[at].body.replace(b'"actor":"', b'"actor":"x'))
    return f"({name} position {commits[at].position})"


def _rewrite(commits: list[StoredCommit], at: int, body: bytes) -> None:
    """Give a commit another body, and all behind it the digests that follow from that."""
    digest = commits[at - 1].digest if at else None
    for number in range(at, len(commits)):
        commits[number] = rechained(commits[number], body if number == at else commits[number].body, digest)
        digest = commits[number].digest


def _in_body(change: Callable[[random.Random, dict[str, Any]], None]) -> Falsify:
    """A commit over several streams is changed, and the chain behind it rewritten; no version can be as it then says."""

    def falsify(choose: random.Random, world: World) -> str:
        name, commits, at = _pick(choose, world)
        if not pointers_of(commits[at]):
            raise Unchanged
        body = msgspec.json.decode(commits[at].body)
        change(choose, body)
        _rewrite(commits, at, rfc8785.dumps(body))
        return f"log {name}: position {commits[at].position}:"

    return falsify


def _part_changed(choose: random.Random, body: dict[str, Any]) -> None:
    choose.choice(body["also"])["version"] += choose.choice([-1, 1])


def _held_changed(choose: random.Random, body: dict[str, Any]) -> None:
    body["held"][choose.choice(sorted(body["held"]))] += 1


def _part_left_out(choose: random.Random, body: dict[str, Any]) -> None:
    """The log would have a gap, or end before its index says."""
    body["also"].pop()


def _entry(choose: random.Random, world: World) -> tuple[dict[str, Any], int]:
    index = choose.randrange(len(world.views.rows["entries"]))
    row = dict(world.views.rows["entries"][entry_key(index)])
    world.views.rows["entries"][entry_key(index)] = row
    return row, index


def _entry_changed(choose: random.Random, world: World) -> str:
    row, index = _entry(choose, world)
    at = choose.randrange(len(row["line"]))
    row["line"] = row["line"][:at] + chr((ord(row["line"][at]) ^ 1) or 2) + row["line"][at + 1 :]
    return f"ledger entry {index}"


def _beside_changed(choose: random.Random, world: World) -> str:
    """A salt or a value that a line leaves out, its name, or all of it."""
    row, index = _entry(choose, world)
    if "apart" not in row:
        raise Unchanged
    name = choose.choice(sorted(row["apart"]))
    apart = {key: list(kept) for key, kept in row["apart"].items()}
    match choose.randrange(4):
        case 0:
            apart[name][0] = apart[name][0][:-1] + ("0" if apart[name][0][-1] != "0" else "1")
        case 1:
            apart[name][1] = f"{apart[name][1]}x"
        case 2:
            del apart[name]
        case _:
            apart[f"{name}x"] = apart.pop(name)
    row["apart"] = apart
    return f"ledger entry {index}"


def _old_form(choose: random.Random, world: World) -> str:
    """An entry is put back to the form from before, behind entries of today's: what it leaves out would not be proved."""
    row, index = _entry(choose, world)
    if index <= world.old:
        raise Unchanged
    row["line"] = disclosure.whole_line(row).decode()
    row.pop("apart")
    return f"ledger entry {index}"


def _entry_moved(choose: random.Random, world: World) -> str:
    row, index = _entry(choose, world)
    row["position"] += choose.choice([-1, 1])
    return f"ledger entry {index}"


def _entry_removed(choose: random.Random, world: World) -> str:
    _, index = _entry(choose, world)
    del world.views.rows["entries"][entry_key(index)]
    return f"ledger entry {index}" if index < len(world.views.rows["entries"]) else "the ledger says it has"


def _entries_swapped(choose: random.Random, world: World) -> str:
    (first, one), (second, two) = _entry(choose, world), _entry(choose, world)
    if one == two:
        raise Unchanged
    kept = dict(first)
    first.update({name: value for name, value in second.items() if name != "key"})
    second.update({name: value for name, value in kept.items() if name != "key"})
    return f"ledger entry {min(one, two)}"


def _entry_inserted(choose: random.Random, world: World) -> str:
    row, index = _entry(choose, world)
    rows = world.views.rows["entries"]
    moved = [rows[entry_key(number)] for number in range(index, len(rows))]
    for number, one in enumerate([row, *moved], index):
        rows[entry_key(number)] = one | {"key": entry_key(number)}
    world.views.rows["ledger"]["size"] = {"key": "size", "size": len(rows)}
    return f"ledger entry {index + 1}"


def _node_changed(choose: random.Random, world: World) -> str:
    key = choose.choice(sorted(world.views.rows["tiles"]))
    hashes = bytes.fromhex(world.views.rows["tiles"][key]["hashes"])
    at = choose.randrange(len(hashes) // merkle.HASH) * merkle.HASH
    changed = hashes[:at] + _flipped(choose, hashes[at : at + merkle.HASH]) + hashes[at + merkle.HASH :]
    world.views.rows["tiles"][key] = {"key": key, "hashes": changed.hex()}
    height, _, number = key.partition(":")
    return f"node {int(number) * merkle.WIDTH + at // merkle.HASH} of level {int(height) * merkle.TILE}"


def _tree_rewritten(choose: random.Random, world: World) -> str:
    """Log, entries and tree computed anew from a record on; only the signed root is out of reach."""
    _chain_rewritten(choose, world)
    world.enter_anew()
    return "the entries do not give the root that was signed"


def _ledger_cut(choose: random.Random, world: World) -> str:
    """Logs, entries and tree of an older day, but the checkpoint that was signed since."""
    world.restore(choose.randrange(len(world.sizes) - 1))
    return "the entries do not give the root that was signed"


def _checkpoint_changed(choose: random.Random, world: World) -> str:
    key = max(world.views.rows["signed"])
    text = world.views.rows["signed"][key]["text"]
    at = choose.randrange(len(text.partition("\n\n")[0]))
    changed = text[:at] + chr((ord(text[at]) ^ 1) or 2) + text[at + 1 :]
    world.views.rows["signed"][key] = {"key": key, "text": changed}
    return ""


def _line_changed(choose: random.Random, world: World) -> str:
    world.export = _flipped(choose, world.export)
    return ""


def _lines(act: Callable[[random.Random, list[bytes]], None]) -> Falsify:
    def falsify(choose: random.Random, world: World) -> str:
        lines = world.export.splitlines(keepends=True)
        before = list(lines)
        act(choose, lines)
        if lines == before:
            raise Unchanged
        world.export = b"".join(lines)
        return ""

    return falsify


def _cut(choose: random.Random, lines: list[bytes]) -> None:
    del lines[choose.randrange(len(lines)) :]


def _swap(choose: random.Random, lines: list[bytes]) -> None:
    one, two = choose.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]


def _disclosure_changed(choose: random.Random, world: World) -> str:
    """A salt or a value is another one; what is left out altogether only makes a gap."""
    lines = world.disclosures.splitlines(keepends=True)
    if not lines:
        raise Unchanged
    at = choose.randrange(len(lines))
    told = msgspec.json.decode(lines[at])
    name = choose.choice(sorted(told["disclosed"]))
    salt, value = told["disclosed"][name]
    told["disclosed"][name] = [salt, f"{value}x"] if choose.random() < 0.5 else [salt[::-1] + "0", value]
    lines[at] = msgspec.json.encode(told, order="sorted") + b"\n"
    world.disclosures = b"".join(lines)
    return ""


def _export_rewritten(choose: random.Random, world: World) -> str:
    _chain_rewritten(choose, world)
    world.enter_anew()
    world.export, world.disclosures = world.exported(), world.disclosed()
    return ""


def _old_export(choose: random.Random, world: World) -> str:
    """Everything restored from an old backup, its checkpoint too: whoever kept a newer checkpoint sees it."""
    newest = world.checkpoint
    world.restore(choose.randrange(len(world.sizes) - 1))
    world.export, world.disclosures, world.checkpoint = world.exported(), world.disclosed(), world.sign()
    world.options = {"previous": [newest]}
    return ""


LOG: dict[str, Falsify] = {
    "record changed": _changed, "record changed with its digest": _changed_with_its_digest, "index column changed": _column,
    "record removed": _removed, "records swapped": _swapped, "record inserted": _inserted, "record doubled": _doubled,
    "tail cut or old backup": _tail_cut, "chain rewritten": _chain_rewritten,
    "part changed": _in_body(_part_changed), "part left out": _in_body(_part_left_out), "held version changed": _in_body(_held_changed),
}  # fmt: skip
LEDGER: dict[str, Falsify] = {
    "entry changed": _entry_changed, "what stands beside an entry changed": _beside_changed, "entry of the old form": _old_form,
    "entry renumbered": _entry_moved, "entry removed": _entry_removed, "entries swapped":
    _entries_swapped, "entry inserted": _entry_inserted, "node of the tree changed": _node_changed,
    "log, entries and tree rewritten": _tree_rewritten, "logs and ledger cut": _ledger_cut,
    "checkpoint changed": _checkpoint_changed,
}  # fmt: skip
EXPORT: dict[str, Falsify] = {
    "export: byte changed": _line_changed,
    "export: line removed": _lines(lambda choose, lines: lines.remove(choose.choice(lines))),
    "export: line inserted": _lines(
        lambda choose, lines: lines.insert(choose.randrange(len(lines)), choose.choice(lines))
    ),
    "export: lines swapped": _lines(_swap),
    "export: tail cut": _lines(_cut),
    "export: disclosure changed": _disclosure_changed,
    "export: history computed anew": _export_rewritten,
    "export: old backup restored": _old_export,
}

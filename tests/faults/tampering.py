"""The ways in which what lies beside the records can be changed in a store, and what lies in it cut or put back: each must be found."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from typing import Any

import msgspec

from shared.log.mongodb import validation
from tests.faults.stores import NAMES, Databases, Files, Place, Refused, Rows

#: Draws a change and makes it.
Tamper = Callable[[random.Random, Place], None]
#: The log that most is in, and who follows it.
LOG, FOLLOWER = NAMES


class Nothing(Exception):
    """The draw changed nothing; draw again."""


def _other(choose: random.Random, value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bytes():
            at = choose.randrange(len(value))
            return value[:at] + bytes([value[at] ^ (1 << choose.randrange(8))]) + value[at + 1 :]
        case int():
            return value + choose.choice((-2, -1, 1, 2, 1000))
        case str():
            at = choose.randrange(len(value) or 1)
            return value[:at] + ("0" if value[at : at + 1] != "0" else "1") + value[at + 1 :]
    raise Nothing


def _rows(table: str, change: Callable[[random.Random, Rows], None], keep: Callable[[dict[str, Any]], bool]) -> Tamper:
    """Change those rows of a table that `keep` says."""

    def tamper(choose: random.Random, place: Place) -> None:
        rows = place.read(table)
        chosen = [row for row in rows if keep(row)]
        if not chosen:
            raise Nothing
        others = [row for row in rows if not keep(row)]
        before = msgspec.json.encode(chosen)
        change(choose, chosen)
        if msgspec.json.encode(chosen) == before:
            raise Nothing
        place.write(table, others + chosen)

    return tamper


def _column(*names: str) -> Callable[[random.Random, Rows], None]:
    def change(choose: random.Random, rows: Rows) -> None:
        at = choose.randrange(len(rows))
        name = choose.choice([name for name in names if rows[at].get(name) is not None] or [""])
        if not name:
            raise Nothing
        rows[at] = rows[at] | {name: _other(choose, rows[at][name])}

    return change


def _remove(choose: random.Random, rows: Rows) -> None:
    del rows[choose.randrange(len(rows))]


def _swap(*names: str) -> Callable[[random.Random, Rows], None]:
    def change(choose: random.Random, rows: Rows) -> None:
        if len(rows) < 2:
            raise Nothing
        one, two = choose.sample(range(len(rows)), 2)
        for name in names:
            rows[one] = rows[one] | {name: (first := rows[one])[name]}
        first, second = dict(rows[one]), dict(rows[two])
        rows[one] |= {name: second[name] for name in names}
        rows[two] |= {name: first[name] for name in names}

    return change


def _insert_pointer(choose: random.Random, rows: Rows) -> None:
    """A place in a stream that no commit wrote: nobody could write there any more."""
    row = dict(choose.choice(rows))
    row |= {"position": row["position"] - 1000, "last_position": row["last_position"] - 1000, "command_id": "none/1"}
    rows.append(row | {"stream": f"{row['stream']}-x"})


def _state(choose: random.Random, rows: Rows) -> None:
    """Larger numbers in a snapshot: money that is not there."""
    at = choose.randrange(len(rows))
    told = msgspec.json.decode(rows[at]["state"])
    match choose.randrange(4):
        case 0:
            told["state"]["total"] += choose.randrange(1, 10**9)
        case 1:
            told["digest"] = _other(choose, told["digest"])
        case 2:
            told["latest"] = "2030-01-01T00:00:00+08:00"
        case _:
            told["state"]["id"] = "other"
    rows[at] = rows[at] | {"state": msgspec.json.encode(told)}


def _in_row(*names: str) -> Callable[[random.Random, Rows], None]:
    """A field of a stored row of a view."""

    def change(choose: random.Random, rows: Rows) -> None:
        at = choose.randrange(len(rows))
        told = msgspec.json.decode(rows[at]["row"])
        name = choose.choice(names)
        told[name] = _other(choose, told[name])
        rows[at] = rows[at] | {"row": msgspec.json.encode(told, order="sorted").decode()}

    return change


def _entry(choose: random.Random, rows: Rows) -> None:
    """What leads to a command or a stream leads elsewhere, or not as far."""
    at = choose.randrange(len(rows))
    name = choose.choice([name for name in ("at", "last", "stream", "version") if name in rows[at]])
    value = rows[at][name]
    rows[at] = rows[at] | {
        name: [_other(choose, value[0]), *value[1:]] if isinstance(value, list) else _other(choose, value)
    }


def _entry_removed(choose: random.Random, place: Place) -> None:
    """What leads to a command or a stream is gone, of positions that are said to be entered; of others it is entered anew."""
    rows = place.read(f"{LOG}.index")
    done = sum(row["_id"].startswith("to ") for row in rows)
    entered = [row for row in rows if row["_id"][0] in "cs" and row["chunk"] < done]
    if not entered:
        raise Nothing
    gone = choose.choice(entered)
    place.write(f"{LOG}.index", [row for row in rows if row is not gone])


def _invented(choose: random.Random, rows: Rows) -> None:
    """A command that never wrote has; a stream has versions that nobody wrote."""
    row = dict(choose.choice(rows))
    rows.append(
        row | ({"_id": f"{row['_id']}x"} if row["_id"][0] == "c" else {"_id": "s none 000000000001", "stream": "none"})
    )


def _another_state(choose: random.Random, rows: Rows) -> None:
    at = choose.randrange(len(rows))
    told = msgspec.json.decode(rows[at]["row"])
    states = {"parked", "waiting", "skipped", "put away"}
    if told["state"] == "waiting":
        states -= {"waiting"}
    told["state"] = choose.choice(sorted(states - {told["state"]}))
    if told["state"] == "waiting" and told["position"] > min(
        msgspec.json.decode(row["row"])["position"] for row in rows
    ):
        raise Nothing  # it does wait behind another one
    rows[at] = rows[at] | {"row": msgspec.json.encode(told, order="sorted").decode()}


def _parked_anew(choose: random.Random, place: Place) -> None:
    """A fact that was applied is said to be left out: after a rebuild no list has it."""
    rows = place.read(f"{FOLLOWER}.parked")
    there = {row["key"] for row in rows}
    commits = [row for row in place.read(f"{LOG}.commits") if row["position"] > 0]
    commit = choose.choice(commits)
    body, old = msgspec.json.decode(commit["body"]), msgspec.json.decode(rows[0]["row"])
    record = msgspec.json.decode(old["record"])
    event = body["events"][0]
    record |= {name: body[name] for name in ("position", "stream", "version", "time", "command_id")}
    record |= {name: event[name] for name in ("type", "schema", "data", "id", "occurred")} | {
        "digest": commit["digest"]
    }
    told = old | {
        "stream": body["stream"],
        "position": body["position"],
        "state": choose.choice(("skipped", "parked", "waiting")),
    }
    told["record"] = msgspec.json.encode(record, order="sorted").decode()
    key = f"{LOG}:{body['position']:012d}"
    if key in there:
        raise Nothing
    rows.append(rows[0] | {"key": key, "row": msgspec.json.encode(told, order="sorted").decode()})
    place.write(f"{FOLLOWER}.parked", rows)


def _checkpoint(service: str, follower: str, ahead: bool) -> Tamper:
    def change(choose: random.Random, rows: Rows) -> None:
        rows[0] = rows[0] | {"position": rows[0]["position"] + choose.randrange(1, 50) * (1 if ahead else -1)}

    return _rows(f"{service}.checkpoints", change, lambda row: row["follower"] == follower)


def _tail(choose: random.Random, place: Place) -> None:
    """A lost -wal file, an older copy of the log, a database that was put back."""
    rows = place.read(f"{LOG}.commits")
    last = choose.choice([row["position"] for row in rows if row["position"] > 0])
    place.write(f"{LOG}.commits", [row for row in rows if abs(row["position"]) < last])


def _no_rows(table: str) -> Tamper:
    def tamper(choose: random.Random, place: Place) -> None:
        place.write(table, [])

    return tamper


def _rewritten(choose: random.Random, place: Place) -> None:
    """A record is changed and the chain behind it computed anew: only who followed the log knows."""
    commits = [row for row in place.read(f"{LOG}.commits") if row["position"] > 0]
    rewrite(place, f"{LOG}.commits", choose.randrange(len(commits)), b'"actor":"op"', b'"actor":"xx"')


def rewrite(place: Place, table: str, start: int, old: bytes, new: bytes) -> None:
    """Put other words into the commit of that number, and compute the chain behind it anew."""
    from hashlib import sha256

    rows = place.read(table)
    commits = sorted((row for row in rows if row["position"] > 0), key=lambda row: row["position"])
    changed, previous = [], ""
    digests: dict[str, str] = {}
    for number, row in enumerate(commits):
        body = bytes(row["body"])
        if number == start:
            body = body.replace(old, new, 1)
        elif number > start:
            body = body.replace(
                b'"previous":"' + commits[number - 1]["digest"].encode(), b'"previous":"' + previous.encode(), 1
            )
        previous = sha256(body).hexdigest()
        digests[row["digest"]] = previous
        changed.append(row | {"body": body, "digest": previous})
    for row in rows:
        if row["position"] < 0:
            digest, _, position = row["command_id"].partition("/")
            kept = {"digest": digests[digest]} if row.get("digest") else {}
            changed.append(row | {"command_id": f"{digests[digest]}/{position}"} | kept)
    place.write(table, changed)


def _is_commit(row: dict[str, Any]) -> bool:
    return bool(row["position"] > 0)


def _is_pointer(row: dict[str, Any]) -> bool:
    return bool(row["position"] < 0)


def _any(row: dict[str, Any]) -> bool:
    return True


_COLUMNS = ("last_position", "stream", "version", "last_version", "command_id")
BOTH: dict[str, Tamper] = {
    "record changed": _rows(f"{LOG}.commits", _column("body"), _is_commit),
    "digest changed": _rows(f"{LOG}.commits", _column("digest"), _is_commit),
    "index column changed": _rows(f"{LOG}.commits", _column("position", *_COLUMNS), _is_commit),
    "record removed": _rows(f"{LOG}.commits", _remove, _is_commit),
    "records swapped": _rows(f"{LOG}.commits", _swap("body", "digest"), _is_commit),
    "log cut": _tail, "log emptied": _no_rows(f"{LOG}.commits"), "log computed anew": _rewritten,
    "snapshot changed": _rows(f"{LOG}.snapshots", _state, _any),
    "snapshot of another version": _rows(f"{LOG}.snapshots", _column("version"), _any),
    "snapshot of another stream": _rows(f"{LOG}.snapshots", _column("stream"), _any),
    "snapshot unreadable": _rows(f"{LOG}.snapshots", lambda choose, rows: rows.__setitem__(0, rows[0] | {"state": b"\xff{"}), _any),
    "fact said to be parked": _parked_anew,
    "parked fact removed": _rows(f"{FOLLOWER}.parked", _remove, _any),
    "parked fact changed": _rows(f"{FOLLOWER}.parked", _in_row("source", "stream", "position", "record"), _any),
    "parked fact in another state": _rows(f"{FOLLOWER}.parked", _another_state, _any),
    "row of a list changed": _rows(f"{FOLLOWER}.seen", _in_row("total"), _any),
    "row of a list removed": _rows(f"{FOLLOWER}.seen", _remove, _any),
    "row of a list unreadable": _rows(f"{FOLLOWER}.seen", lambda choose, rows: rows.__setitem__(0, rows[0] | {"row": "{"}), _any),
    "checkpoint set ahead": _checkpoint(FOLLOWER, f"follow:{LOG}", ahead=True),
    "checkpoint set back": _checkpoint(FOLLOWER, f"follow:{LOG}", ahead=False),
    "checkpoint of the relay set ahead": _checkpoint(LOG, "relay", ahead=True),
    "key changed": _rows("keys", _column("secret"), _any),
    "key of another generation": _rows("keys", lambda choose, rows: rows.__setitem__(0, rows[0] | {"generation": 0}), _any),
    "key removed": _rows("keys", _remove, _any),
    "all keys lost": _no_rows("keys"),
}  # fmt: skip


def _sql(table: str, *statements: str) -> Tamper:
    def tamper(choose: random.Random, place: Place) -> None:
        assert isinstance(place, Files)
        place.run(table, *statements)

    return tamper


def _file(act: str, kind: str) -> Tamper:
    def tamper(choose: random.Random, place: Place) -> None:
        path = place.settings.data / kind
        if act == "gone":
            path.unlink()
        elif act == "empty":
            path.write_bytes(b"")
        elif act == "another":
            shutil.copy(place.settings.data / kind.replace(LOG, FOLLOWER), path)
        else:
            path.write_bytes(_other(choose, path.read_bytes()[:2048]) + path.read_bytes()[2048:])

    return tamper


_TABLE = f"{LOG}.commits"
ONLY_FILES: dict[str, Tamper] = {
    "place of a part changed": _rows(f"{LOG}.commits", _column("position", *_COLUMNS), _is_pointer),
    "place of a part removed": _rows(f"{LOG}.commits", _remove, _is_pointer),
    "place of a part invented": _rows(f"{LOG}.commits", _insert_pointer, _is_pointer),
    "index dropped": _sql(_TABLE, "DROP INDEX commits_stream"),
    "index that refuses no second one": _sql(
        _TABLE, "DROP INDEX commits_command", "CREATE INDEX commits_command ON commits (command_id)"
    ),
    "append-only trigger dropped": _sql(_TABLE, "DROP TRIGGER commits_never_change"),
    "append-only trigger that does nothing": _sql(
        _TABLE, "DROP TRIGGER commits_never_vanish",
        "CREATE TRIGGER commits_never_vanish BEFORE DELETE ON commits BEGIN SELECT 1; END",
    ),
    "trigger added": _sql(
        _TABLE, "CREATE TRIGGER silent BEFORE INSERT ON commits BEGIN SELECT RAISE(IGNORE); END"
    ),
    "trigger on a list": _sql(
        f"{FOLLOWER}.seen", "CREATE TRIGGER silent BEFORE INSERT ON seen BEGIN SELECT RAISE(IGNORE); END"
    ),
    "index of a list dropped": _sql(f"{FOLLOWER}.seen", 'DROP INDEX "seen:total"'),
    "mark of a follower changed": _sql(f"{FOLLOWER}.checkpoints", f"UPDATE marks SET digest = 'x' WHERE follower = 'follow:{LOG}'"),
    "log file gone": _file("gone", f"{LOG}.log.sqlite"),
    "log file empty": _file("empty", f"{LOG}.log.sqlite"),
    "another log in its place": _file("another", f"{LOG}.log.sqlite"),
    "keys gone": _file("gone", "keys/personal.sqlite"),
}  # fmt: skip


def _mongo(act: Callable[[Any], object], back: Callable[[Any], object]) -> Tamper:
    def tamper(choose: random.Random, place: Place) -> None:
        assert isinstance(place, Databases)
        database = place.client[f"linli_{LOG}"]
        act(database)
        place.undo.append(lambda: back(database))

    return tamper


ONLY_DATABASES: dict[str, Tamper] = {
    "validator dropped": _mongo(
        lambda database: database.command("collMod", "groups", validator={}),
        lambda database: database.command("collMod", "groups", **validation("groups")),
    ),
    "entry of the index changed": _rows(f"{LOG}.index", _entry, lambda row: row["_id"][0] in "cs"),
    "entry of the index removed": _entry_removed,
    "entry of the index invented": _rows(f"{LOG}.index", _invented, lambda row: row["_id"][0] in "cs"),
    "mark of a follower changed": _rows(
        f"{FOLLOWER}.checkpoints",
        lambda choose, rows: rows.__setitem__(0, rows[0] | {"seen": rows[0]["seen"] | {"digest": "x"}}),
        lambda row: row["follower"] == f"follow:{LOG}",
    ),
}

__all__ = ["BOTH", "ONLY_DATABASES", "ONLY_FILES", "Nothing", "Refused"]

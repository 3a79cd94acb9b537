"""Small city ledgers made of real commits, and the offline verifier as a module."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.domain.view import Row
from shared.following import cloudevents
from shared.ledger import checkpoint, merkle
from shared.log import Commit, Head, NewEvent, records_of
from shared.log.record import place_commit
from shared.views.sqlite import SqliteViews

PROGRAM = Path(__file__).parents[2] / "deploy" / "verifier" / "linli_verify.py"
ORIGIN = "linli.example/city-ledger"
TIME = "2026-01-01T00:00:00.000000Z"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
#: Service, stream and number of events of each commit.
COMMITS = (
    ("registry", "post-1", 1),
    ("issues", "issue-1", 2),
    ("issues", "issue-2", 1),
    ("registry", "post-1", 3),
    ("funding/350104", "project-1", 1),
    ("issues", "issue-1", 1),
    ("issues", "issue-2", 2),
    ("funding/350104", "project-1", 2),
    ("registry", "post-2", 1),
    ("issues", "issue-3,", 2),
    ("issues", "issue-3,", 1),
    ("registry", "post-2", 1),
)


def load_verifier() -> ModuleType:
    """The stand-alone program, imported from its file."""
    specification = importlib.util.spec_from_file_location("linli_verify", PROGRAM)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["linli_verify"] = module
    specification.loader.exec_module(module)
    return module


VERIFIER = load_verifier()


@dataclass
class Ledger:
    """The lines of an export, and what belongs to them."""

    lines: list[bytes]

    def root(self, size: int) -> bytes:
        tiles = merkle.append(lambda _: {}, 0, [merkle.leaf_hash(line) for line in self.lines[:size]])
        return merkle.root(lambda wanted: tiles, size)

    def checkpoint(self, size: int | None = None) -> bytes:
        count = len(self.lines) if size is None else size
        return checkpoint.sign(KEY, ORIGIN, count, self.root(count)).encode()

    @property
    def bytes(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)

    @property
    def hashes(self) -> bytes:
        return b"".join(map(merkle.leaf_hash, self.lines))


def make(commits: Sequence[tuple[str, str, int]] = COMMITS, data: dict[str, Any] | None = None) -> Ledger:
    """A ledger of commits; `data` replaces the data of every event."""
    heads: dict[str, Head] = {}
    versions: dict[tuple[str, str], int] = {}
    lines: list[bytes] = []
    for number, (log, stream, count) in enumerate(commits):
        version = versions.get((log, stream), 0)
        content = {"fen": number, "what": '路灯 "亮"\n'} if data is None else data
        raw, occurred = msgspec.Raw(rfc8785.dumps(content)), TIME if number % 2 else ""
        events = tuple(
            NewEvent(type="LampRepaired", schema=1, data=raw, id=f"e-{number}-{n}", occurred=occurred)
            for n in range(count)
        )
        place = "350104.013" if number % 3 else ""
        commit = Commit(
            stream=stream,
            expected_version=version,
            events=events,
            command="do",
            command_id=f"c-{number}",
            actor="人",
            place=place,
        )
        stored = place_commit(commit, heads.get(log, Head()), version, TIME)
        heads[log] = Head(stored.last_position, stored.digest, TIME)
        versions[log, stream] = version + count
        lines += [cloudevents.line(log, record) for record in records_of(stored)]
    return Ledger(lines)


def verify(content: bytes, signed: bytes, **options: Any) -> dict[str, Any]:
    """Run the verifier's check in this process."""
    result: dict[str, Any] = VERIFIER.verify(io.BytesIO(content), signed, KEY.public_key(), **options)
    return result


def forge(views: SqliteViews, changes: Mapping[tuple[str, str], Row | None]) -> None:
    """Change or remove rows that are only appended to, as somebody with the file in hand can."""
    with views._database.writing() as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        for (view, key), row in changes.items():
            connection.execute(f'DELETE FROM "{view}" WHERE key = ?', (key,))
            if row is not None:
                text = msgspec.json.encode({name: value for name, value in row.items() if name != "key"}).decode()
                connection.execute(f'INSERT INTO "{view}" VALUES (?, ?)', (key, text))
        for _, sql in triggers:
            connection.execute(sql)

"""Small histories in memory that can be falsified in any way: logs, the ledger's rows, and what is exported of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec
import rfc8785

from services.audit import disclosure
from services.audit.ledger import LEDGER_VIEWS, entry_key, tile_key
from shared.domain.errors import CorruptionError
from shared.domain.record import Record
from shared.domain.view import Row
from shared.following import cloudevents
from shared.ledger import checkpoint, merkle
from shared.log import Commit, Head, NewEvent, Part, StoredCommit, records_of
from shared.log.pointers import checked
from shared.log.record import Span, place_commit, pointer_id, pointers_of
from shared.views import Page
from shared.views.port import decode_cursor
from tests.audit.ledgers import KEY, ORIGIN, TIME

LOGS = ("registry", "issues", "funding")
#: The commit that writes to several streams in every history; others do so by chance.
WIDE = 5


class Stored:
    """The reading half of a log's storage over a list that anybody may change."""

    def __init__(self, commits: list[StoredCommit]) -> None:
        self.commits = commits

    def scan(self, after: int, limit: int | None, until: int | None) -> Iterator[StoredCommit]:
        """All commits as they lie there."""
        return iter(self.commits)

    def checked(self, commits: Iterator[StoredCommit]) -> Iterator[StoredCommit]:
        """Pass commits through; what is kept of parts follows from those that can be read: stores of their own kind are in `tampered`."""
        return checked(commits, self._pointers(), self.scan_stream)

    def _pointers(self) -> Iterator[tuple[Span, str]]:
        for commit in self.commits:
            with suppress(CorruptionError):
                yield from [(part, pointer_id(commit, part)) for part in pointers_of(commit)]

    def scan_stream(self, stream: str, after: int) -> Iterator[StoredCommit]:
        """The commits of a stream as they lie there, looked at only as far as they are asked for."""
        for commit in self.commits:
            if any(record.stream == stream and record.version > after for record in records_of(commit)):
                yield commit


class Rows:
    """The reading half of a view store over dicts that anybody may change."""

    def __init__(self, rows: dict[str, dict[str, Row]]) -> None:
        self.rows = rows

    def get(self, view: str, key: str) -> Row | None:
        """A row."""
        return self.rows[view].get(key)

    def find(
        self, view: str, where: Any = None, order: str = "key", limit: int = 50, cursor: str | None = None
    ) -> Page:
        """The rows behind the cursor, all in one page."""
        after = decode_cursor(cursor, "key")[1] if cursor else ""
        keys = sorted((key for key in self.rows[view] if key > after), reverse=order == "-key")
        return Page(tuple(self.rows[view][key] for key in keys), None)


@dataclass
class World:
    """Logs, their ledger, its full export with a signed checkpoint; `sizes` are the events of each log after each commit.

    The first `old` entries are of the form from before lines had digests.
    """

    logs: dict[str, Stored]
    views: Rows
    order: list[tuple[str, int]]  # source and position of each entry
    old: int = 0
    salts: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)  # of each entry, once it has some
    export: bytes = b""
    disclosures: bytes = b""
    checkpoint: bytes = b""
    sizes: list[dict[str, int]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> World:
        """Another one, to be falsified."""
        logs = {name: Stored(list(stored.commits)) for name, stored in self.logs.items()}
        rows = Rows({view: dict(rows) for view, rows in self.views.rows.items()})
        beside = (self.old, self.salts, self.export, self.disclosures, self.checkpoint, self.sizes, dict(self.options))
        return World(logs, rows, list(self.order), *beside)

    def entered(self) -> list[tuple[bytes, dict[str, Any] | None]]:
        """The ledger's lines and what stands beside them, as they follow from the logs."""
        records: dict[tuple[str, int], Record] = {}
        for name, stored in self.logs.items():
            for commit in stored.commits:
                records |= {(name, record.position): record for record in records_of(commit)}
        found: list[tuple[bytes, dict[str, Any] | None]] = []
        for index, (name, position) in enumerate(self.order):
            record = records[name, position]
            if index < self.old:
                found.append((cloudevents.line(name, record), None))
                continue
            line, apart = disclosure.entered(name, record, self.salts.get((name, position)))
            self.salts[name, position] = {field: str(kept[0]) for field, kept in apart.items()}
            found.append((line.encode(), apart))
        return found

    def lines(self) -> list[bytes]:
        """The ledger's lines as they follow from the logs."""
        return [line for line, _ in self.entered()]

    def enter_anew(self) -> None:
        """Write entries and tree as they follow from the logs; the signed checkpoints stay."""
        entered = self.entered()
        lines = [line for line, _ in entered]
        tiles = merkle.append(lambda _: {}, 0, [merkle.leaf_hash(line) for line in lines])
        self.views.rows["tiles"] = {
            (key := tile_key(tile)): {"key": key, "hashes": hashes.hex()} for tile, hashes in tiles.items()
        }
        self.views.rows["entries"] = {
            (key := entry_key(number)): {"key": key, "source": name, "position": position, "line": line.decode()}
            | ({} if apart is None else {"apart": apart})
            for number, ((name, position), (line, apart)) in enumerate(zip(self.order, entered, strict=True))
        }
        self.views.rows["ledger"] = {"size": {"key": "size", "size": len(lines)}}

    def restore(self, day: int) -> None:
        """Put logs, entries and tree back to how they were after a commit; the signed checkpoints stay."""
        then = self.sizes[day]
        for name, stored in self.logs.items():
            stored.commits = [commit for commit in stored.commits if commit.last_position <= then.get(name, 0)]
        self.order = self.order[: sum(then.values())]
        self.enter_anew()

    def exported(self) -> bytes:
        """The ledger as a file."""
        return b"".join(line + b"\n" for line in self.lines())

    def disclosed(self) -> bytes:
        """What the lines leave out, as a file beside the export."""
        beside = [(index, apart) for index, (_, apart) in enumerate(self.entered()) if apart]
        lines = [msgspec.json.encode({"index": index, "disclosed": apart}, order="sorted") for index, apart in beside]
        return b"".join(line + b"\n" for line in lines)

    def sign(self) -> bytes:
        """A checkpoint of everything, signed with the city's key."""
        lines = self.lines()
        tiles = merkle.append(lambda _: {}, 0, [merkle.leaf_hash(line) for line in lines])
        root = merkle.root(lambda wanted: tiles, len(lines))
        return checkpoint.sign(KEY, ORIGIN, len(lines), root).encode()


def build(choose: random.Random) -> World:
    """A history of 8 to 40 commits, entered and signed to its end."""
    heads, versions = dict.fromkeys(LOGS, Head()), dict[tuple[str, str], int]()
    world = World({name: Stored([]) for name in LOGS}, Rows({view.name: {} for view in LEDGER_VIEWS}), [])
    for number in range(choose.randint(8, 40)):
        name = choose.choice(LOGS) if number >= len(LOGS) else LOGS[number]
        stream, *others = choose.sample([f"thing-{thing}" for thing in range(4)], 4)
        commit = _commit(choose, number, stream, versions.get((name, stream), 0))
        if number == WIDE or choose.random() < 0.2:
            at = {other: versions.get((name, other), 0) for other in others}
            parts = tuple(_part(choose, f"{number}-{other}", other, at[other]) for other in others[: number % 2 + 1])
            commit = msgspec.structs.replace(commit, also=parts, held={others[2]: at[others[2]]})
        stored = place_commit(commit, heads[name], commit.expected_version, TIME)
        heads[name] = Head(stored.last_position, stored.digest, TIME)
        versions |= {(name, part.stream): part.expected_version + len(part.events) for part in commit.parts()}
        world.logs[name].commits.append(stored)
        world.order += [(name, position) for position in range(stored.position, stored.last_position + 1)]
        world.sizes.append({log: head.position for log, head in heads.items()})
    world.old = choose.choice((0, len(world.order) // 2, len(world.order)))
    world.enter_anew()
    world.checkpoint, world.export, world.disclosures = world.sign(), world.exported(), world.disclosed()
    key = entry_key(len(world.order))
    world.views.rows["signed"] = {key: {"key": key, "text": world.checkpoint.decode()}}
    return world


def _commit(choose: random.Random, number: int, stream: str, version: int) -> Commit:
    own = _part(choose, str(number), stream, version)
    return Commit(stream=stream, expected_version=version, events=own.events, command="repair", command_id=f"c-{number}",
                  actor="人", place="350104.013")  # fmt: skip


def _part(choose: random.Random, name: str, stream: str, version: int) -> Part:
    data = msgspec.Raw(
        rfc8785.dumps({"fen": choose.randrange(10**6), "what": choose.choice(["路灯", 'the "lamp"\n', "x" * 200])})
    )
    events: Sequence[NewEvent] = [
        NewEvent(type="LampRepaired", schema=1, data=data, id=f"e-{name}-{part}", occurred=TIME)
        for part in range(choose.randint(1, 3))
    ]
    return Part(stream=stream, expected_version=version, events=tuple(events), place="350104.014")


def rechained(commit: StoredCommit, body: bytes, previous: str | None) -> StoredCommit:
    """A commit with another body that names `previous` as its forerunner (None: as it did), and the digest of that."""
    if previous is not None:
        body = re.sub(rb'"previous":"[0-9a-f]{64}"', b'"previous":"' + previous.encode() + b'"', body, count=1)
    return msgspec.structs.replace(commit, body=body, digest=sha256(body).hexdigest())

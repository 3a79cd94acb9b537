#!/usr/bin/env python3
"""Check an exported city ledger offline, without trusting the system that wrote it.

    python linli_verify.py LEDGER.jsonl CHECKPOINT PUBLIC_KEY

PUBLIC_KEY is a file in PEM, or one with the verifier key of signed notes (`ledger.vkey`).

Needs Python 3.11 or newer, the package `cryptography`, and nothing else: no database, no network, no part of Linli.

What is proved when it ends with exit code 0:

 1. Signature. The holder of the private key belonging to PUBLIC_KEY has signed the checkpoint: a size and a root
    (C2SP signed note and tlog-checkpoint, Ed25519). Where the ledger's key changed, --keys FILE holds the statements
    in which each key names the next, signed by both: a checkpoint of any of these keys counts then.
 2. Content. LEDGER.jsonl is, byte for byte and in this order, the ledger under that root: no line was changed, added,
    removed or moved. Leaf = SHA-256(0x00, line without its newline), node = SHA-256(0x01, left, right), the tree as
    in RFC 9162.
 3. Sequence. In each service's log (`source`) the positions run 1, 2, 3, … without a gap, and so do the versions
    within each of its streams (`subject`).
 4. Chain (not with --fast). Every line is a CloudEvents 1.0 object in canonical JSON (RFC 8785). Lines that were
    committed together, in one stream or several, stand together in their log, none is missing, and each commit, written
    again as canonical JSON with the digest of the commit before it, has the SHA-256 digest that its lines state. So
    each log is the one that its service wrote. Other streams that a commit relied on (`held`) were at the versions that
    it names.
 5. History (with --previous, once for each older checkpoint). The ledger begins with exactly the lines that the older
    checkpoint was signed for: nothing that was published before has been rewritten since.
 6. Witnesses (with --policy FILE, C2SP tlog-policy). As many witnesses as the policy asks for have cosigned the
    checkpoint (C2SP tlog-cosignature): each has seen that the ledger only ever grew, and all have seen the same one.

Lines that leave something out: since lines have digests (`"leaf":2`) a line states its public fields, and of every
other field the SHA-256 over the canonical JSON array [salt, name, value]. --disclosures FILE gives salts and values
that may be shown; each must fit its digest. Where all of a line are given its event is put together again and checked
as above; the chain of a log is not checked across lines of which some are missing. A line from before that is shown
with gaps (`leafhash`) proves only that there is an entry of that hash, not what is shown of it; the result counts such
lines as unproved.

What is not proved: that an event is true, that nothing was left out before it was committed, and, without --policy,
that nobody was shown another ledger under the same key: compare checkpoints with others, and keep them for --previous.

Which line is wrong: the first line that contradicts those before it, and the range in which the fault must lie as far
as the chain tells. Somebody who computed the chain anew leaves no contradiction but a wrong root; then the range is
between two checkpoints. With --hashes LIST (32 bytes a line: the leaf hashes, exported with the ledger and themselves
checked against the signed root) the first wrong line is named exactly, whatever was done.

Exit code: 0 everything holds; 1 something is wrong, named on standard output; 2 a file cannot be read or the call is
wrong.
Memory: some 30 MB and 200 bytes for each stream (case, project, person); it does not grow with the number of events,
except with --hashes (100 bytes a line).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, islice
from secrets import token_hex
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

GENESIS = b"0" * 64  # the digest before the first commit of a log
BLOCK = 1024  # lines that are hashed together; a power of two, so that full blocks are complete subtrees
LARGEST_INTEGER = 2**53 - 1  # RFC 8785 knows no larger ones


class Wrong(Exception):
    """Something does not hold: why, the line (from 1) where it shows, and the range of lines that holds the fault."""

    def __init__(
        self, reason: str, line: int | None = None, since: int | None = None, until: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line
        last = until if until is not None else line
        self.lines = None if last is None else [since if since is not None else last, last]


@dataclass(frozen=True)
class Checkpoint:
    """The signed words: under `root` lie the first `size` lines of the ledger `origin`."""

    origin: str
    size: int
    root: bytes
    time: str


def open_checkpoint(text: bytes, public_key: Ed25519PublicKey | list[Ed25519PublicKey]) -> Checkpoint:
    """Check the signature of `public_key`, or of one of several, and read what was signed; others are passed over."""
    body, blank, signatures = text.rpartition(b"\n\n")
    lines = body.split(b"\n")
    if not blank or not signatures.endswith(b"\n") or len(lines) < 3 or not all(lines):
        raise Wrong("the checkpoint is malformed: origin, size, root, a blank line and a signature line are needed")
    origin, size, root = lines[:3]
    keys = {_key_id(origin, key): key for key in (public_key if isinstance(public_key, list) else [public_key])}
    signed = False
    for line in signatures[:-1].split(b"\n"):
        match = re.fullmatch("— ".encode() + rb"([^\s+]+) ([A-Za-z0-9+/]+=*)", line)
        if not match:
            raise Wrong(f"the checkpoint has a malformed signature line: {_shown(line)}")
        signature = _unbase64(match[2], "signature")
        if match[1] == origin and signature[:4] in keys:
            try:
                keys[signature[:4]].verify(signature[4:], body + b"\n")
            except InvalidSignature:
                raise Wrong("the checkpoint's signature does not fit its text: it was changed, or is forged") from None
            signed = True
    if not signed:
        raise Wrong(
            f"the checkpoint is not signed by the given key (no signature of {_shown(origin)} with id "
            f"{', '.join(key.hex() for key in keys)})"
        )
    if not re.fullmatch(rb"0|[1-9][0-9]{0,18}", size):
        raise Wrong(f"the checkpoint has {_shown(size)} where the size should be")
    digest = _unbase64(root, "root")
    if len(digest) != 32:
        raise Wrong("the checkpoint's root is not 32 bytes long")
    times = [line[5:].decode() for line in lines[3:] if line.startswith(b"time ")]
    return Checkpoint(origin.decode(), int(size), digest, times[0] if times else "")


def _key_id(name: bytes, key: Ed25519PublicKey, kind: bytes = b"\x01") -> bytes:
    return sha256(name + b"\n" + kind + key.public_bytes_raw()).digest()[:4]


def read_vkey(text: bytes, kind: bytes = b"\x01") -> tuple[bytes, Ed25519PublicKey]:
    """Name and key of a verifier key: `name+id+base64(type, key)`; type 1 signs ledgers, type 4 is a witness."""
    match = re.fullmatch(rb"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text)
    raw = b64decode(match[3]) if match else b""
    if match is None or raw[:1] != kind:
        raise Wrong(f"this is no verifier key of type {kind[0]}: {_shown(text)}")
    key = Ed25519PublicKey.from_public_bytes(raw[1:])
    if _key_id(match[1], key, kind).hex().encode() != match[2]:
        raise Wrong(f"the id of the verifier key does not belong to it: {_shown(text)}")
    return match[1], key


def all_keys(given: Ed25519PublicKey, statements: bytes) -> list[Ed25519PublicKey]:
    """The given key, and every one that is led to from it by statements: those that it names, and those that named it."""
    links = []
    parts = statements.split(b"\n\n") if statements.strip() else []
    if len(parts) % 2:
        raise Wrong("the file of keys is malformed: statements of two parts each are needed")
    for body, signatures in zip(parts[::2], parts[1::2], strict=True):
        lines = body.split(b"\n")
        if len(lines) != 4 or lines[1] != b"key changed":
            raise Wrong(
                "the file of keys is malformed: a statement has a line each for ledger, matter, old and new key"
            )
        old, new = (read_vkey(line) for line in lines[2:])
        for name, key in (old, new):
            if name != lines[0]:
                raise Wrong(f"a statement about the key of {_shown(lines[0])} names one of {_shown(name)}")
            note = body + b"\n\n" + signatures.rstrip(b"\n") + b"\n"
            _require_signed(note, name, key)
        links.append((old[1].public_bytes_raw(), new[1].public_bytes_raw()))
    found = [given.public_bytes_raw()]
    for key in found:  # grows while it is gone through
        found += [new for old, new in links if old == key and new not in found]
        found += [old for old, new in links if new == key and old not in found]
    return [Ed25519PublicKey.from_public_bytes(raw) for raw in found]


def _require_signed(note: bytes, name: bytes, key: Ed25519PublicKey) -> None:
    body, _, signatures = note.rpartition(b"\n\n")
    for line in signatures.split(b"\n"):
        match = re.fullmatch("— ".encode() + rb"([^\s+]+) ([A-Za-z0-9+/]+=*)", line)
        raw = _unbase64(match[2], "signature") if match else b""
        if match and match[1] == name and raw[:4] == _key_id(name, key):
            try:
                key.verify(raw[4:], body + b"\n")
            except InvalidSignature:
                break
            return
    raise Wrong("a change of the ledger's key is not signed by both keys: it was changed, or is forged")


@dataclass
class Policy:
    """Whose cosignatures are wanted: witnesses by name, groups of which a number is enough, and which of these decides."""

    witnesses: dict[bytes, tuple[bytes, Ed25519PublicKey]] = field(default_factory=dict)
    groups: dict[bytes, tuple[int, list[bytes]]] = field(default_factory=dict)
    logs: list[bytes] = field(default_factory=list)  # keys of ledgers
    quorum: bytes = b""

    @classmethod
    def read(cls, text: bytes) -> Policy:
        """Read a policy file; a line that cannot be used is refused."""
        policy = cls()
        for number, line in enumerate(text.split(b"\n"), 1):
            words = line.split()
            known = policy.witnesses.keys() | policy.groups.keys()
            match words:
                case [] | [b"#", *_]:
                    pass
                case [first, *_] if first.startswith(b"#"):
                    pass
                case [b"log", key] | [b"log", key, _]:
                    policy.logs.append(read_vkey(key)[1].public_bytes_raw())
                case [b"witness", name, key] | [b"witness", name, key, _] if name not in known:
                    policy.witnesses[name] = read_vkey(key, b"\x04")
                case [b"group", name, least, *members] if name not in known and members and known >= set(members):
                    count = {b"any": 1, b"all": len(members)}.get(least) or int(least if least.isdigit() else 0)
                    used = [member for _, others in policy.groups.values() for member in others]
                    if not 1 <= count <= len(members) or len({*used, *members}) < len(used) + len(members):
                        raise Wrong(f"line {number} of the policy: {_shown(least)} of {len(members)} cannot be")
                    policy.groups[name] = count, members
                case [b"quorum", name] if not policy.quorum and (name in known or name == b"none"):
                    policy.quorum = name
                case _:
                    raise Wrong(f"line {number} of the policy cannot be used: {_shown(line)}")
        if not policy.quorum:
            raise Wrong("the policy has no line `quorum NAME`")
        return policy

    def check(self, checkpoint: bytes) -> list[str]:
        """Names of the witnesses that have cosigned; raises `Wrong` when they are not enough, or a signature does not fit."""
        body, _, signatures = checkpoint.rpartition(b"\n\n")
        signed: set[bytes] = set()
        for line in signatures.split(b"\n"):
            match = re.fullmatch("— ".encode() + rb"([^\s+]+) ([A-Za-z0-9+/]+=*)", line)
            raw = _unbase64(match[2], "signature") if match else b""
            for name, (key_name, key) in self.witnesses.items():
                if match and match[1] == key_name and raw[:4] == _key_id(key_name, key, b"\x04"):
                    seconds = int.from_bytes(raw[4:12], "big")
                    try:
                        key.verify(raw[12:], b"cosignature/v1\ntime %d\n%b\n" % (seconds, body))
                    except InvalidSignature:
                        raise Wrong(f"the cosignature of {_shown(name)} does not fit the checkpoint") from None
                    signed.add(name)
        if not self._enough(self.quorum, signed):
            has = ", ".join(sorted(map(_shown, signed))) or "nobody"
            raise Wrong(f"the checkpoint lacks the cosignatures that the policy asks for: {has} has cosigned it")
        return sorted(map(_shown, signed))

    def _enough(self, name: bytes, signed: set[bytes]) -> bool:
        if name in self.groups:
            count, members = self.groups[name]
            return sum(self._enough(member, signed) for member in members) >= count
        return name == b"none" or name in signed


def _unbase64(text: bytes, what: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error:
        raise Wrong(f"the checkpoint's {what} is not base64: {_shown(text)}") from None


def leaf_hashes(lines: list[bytes]) -> list[bytes]:
    """The leaf hash of each line."""
    return [sha256(b"\0" + line).digest() for line in lines]


def fold(hashes: list[bytes], index: int | None = None) -> tuple[bytes, list[bytes]]:
    """The root over `hashes`, and the siblings on the way up from number `index`.

    Pairs are joined level by level, a last one without a partner rises alone; that is the tree of RFC 9162.
    """
    path = []
    while len(hashes) > 1:
        if index is not None:
            if index ^ 1 < len(hashes):
                path.append(hashes[index ^ 1])
            index >>= 1
        single = hashes[-1:] if len(hashes) % 2 else []
        hashes = [
            sha256(b"\1" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2], strict=False)
        ] + single
    return (hashes[0] if hashes else sha256(b"").digest()), path


def blocks(file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a ledger without their newlines, `BLOCK` at a time, the last time fewer."""
    count = 0
    while lines := list(islice(file, BLOCK)):
        yield [line[:-1] for line in lines] if lines[-1][-1:] == b"\n" else [line[:-1] for line in lines[:-1]]
        count += len(lines)
        if lines[-1][-1:] != b"\n":
            raise Wrong("the line does not end with a newline: the file was cut, or something was added", count)


@dataclass
class Part:
    """The events that a commit wrote to one stream."""

    stream: bytes
    version: int  # of the first
    place: bytes
    events: list[bytes]


@dataclass
class Log:
    """What was seen of one service's log so far."""

    name: str
    position: int = 0
    line: int = 0  # where the last event stood
    versions: dict[bytes, int] = field(default_factory=dict)  # of each stream
    digest: bytes = GENESIS  # of the last commit
    commits: int = 0
    pending: int = 0  # how many events there are of a commit that is not complete yet
    parts: list[Part] = field(default_factory=list)  # and those events, by stream
    common: tuple[bytes, ...] = ()  # what all events of that commit say
    held: bytes = b""  # and what the first says that it relied on
    began: int = 0  # and the line of its first event
    open: bool = False  # the line before leaves something out: the digest of its commit is not known
    blurred: bool = False  # so did the name of a stream

    def take(self, number: int, position: int, stream: bytes, version: int) -> None:
        """Go one event further; `number` is its line."""
        if position != self.position + 1:
            reason = f"position {self.position + 1} of {self.name} should follow here, but it is {position}"
            raise Wrong(reason, number, self.line + 1)
        expected = self.versions.get(stream, 0) + 1
        if version < expected if self.blurred else version != expected:
            reason = (
                f"position {position} of {self.name}: version {expected} of its stream should follow, not {version}"
            )
            raise Wrong(reason, number)
        self.position, self.line, self.versions[stream] = position, number, version

    def pass_over(self, number: int, event: dict[str, Any]) -> None:
        """Go one event further that leaves something out."""
        position, stream = event.get("position"), event.get("subject")
        if position != self.position + 1:
            reason = f"position {self.position + 1} of {self.name} should follow here, but it is {position}"
            raise Wrong(reason, number, self.line + 1)
        self.pending = 0  # of its commit, if others of it are whole, nothing can be said
        self.parts.clear()
        self.position, self.line, self.open = position, number, True
        if isinstance(stream, str) and isinstance(event.get("version"), int):
            self.versions[_encode(stream)[1:-1].encode()] = event["version"]
        else:
            self.blurred = True


class Sequence:
    """The check of --fast: positions and versions only, read from the end of each line."""

    def __init__(self) -> None:
        self.logs: dict[bytes, Log] = {}

    def follow(self, lines: list[bytes], first: int) -> None:
        """Check the lines numbered `first` and up."""
        logs = self.logs
        for number, line in enumerate(lines, first):
            try:
                _, position, _, source, _, subject, _, _, version = line.rsplit(b',"', 8)
                log = logs[source]
            except (ValueError, KeyError):
                self._take_slowly(number, line)
                continue
            known = log.versions.get(subject, 0)
            if (
                position == b'position":%d' % (log.position + 1)
                and version == b'version":%d}' % (known + 1)
                and (known or subject[:10] == b'subject":"')
            ):
                log.position += 1
                log.line = number
                log.versions[subject] = known + 1
            else:
                self._take_slowly(number, line)

    def _take_slowly(self, number: int, line: bytes) -> None:
        """Read the line in full: it is the first of its log, or written in a rare way, or wrong."""
        if LEAF in line and "leaf" in (event := Forms.event(number, line)):
            Forms.log(self, number, event).pass_over(number, event)
            return
        parts = read_line(number, line)
        log = self.logs.setdefault(b'source":"%b"' % parts["source"], Log(parts["source"].decode()))
        log.take(number, int(parts["position"]), b'subject":"%b"' % parts["subject"], int(parts["version"]))


TEXT = rb'"((?!")[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+)"'  # not empty
COUNT = rb"([1-9][0-9]{0,15}+)"
#: The attributes of a line in canonical order: name, shape, whether it must be there.
ATTRIBUTES = (
    ("actor", TEXT, False),
    ("causationid", TEXT, False),
    ("command", TEXT, False),
    ("commandid", TEXT, False),
    ("commitindex", rb"(0|[1-9][0-9]{0,15}+)", True),
    ("commitsize", COUNT, True),
    ("content", TEXT, False),
    ("correlationid", TEXT, False),
    ("data", rb"(\{.*\})", True),
    ("datacontenttype", rb'("application/json")', True),
    ("digest", rb'"([0-9a-f]{64})"', True),
    ("held", TEXT, False),
    ("id", TEXT, True),
    ("mandate", TEXT, False),
    ("occurred", TEXT, False),
    ("onbehalfof", TEXT, False),
    ("place", TEXT, False),
    ("position", COUNT, True),
    ("schema", COUNT, True),
    ("source", rb'"(/linli/[^"\\\x00-\x1f]++)"', True),
    ("specversion", rb'("1\.0")', True),
    ("subject", TEXT, True),
    ("time", rb'"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]++Z)"', True),
    ("type", rb'"(cn\.linli\.[a-z]++\.[A-Za-z0-9]++)"', True),
    ("version", COUNT, True),
)
LINE = re.compile(
    rb"\{"
    + b"".join(
        rb'"%b":%b,' % (name.encode(), shape) if required else rb'(?:"%b":%b,)?+' % (name.encode(), shape)
        for name, shape, required in ATTRIBUTES
    )[:-1]
    + rb"\}"
)
#: A line that leaves something out, and one that has something withheld.
LEAF = b'"leaf":2'
GAP = re.compile(rb'"datacontenttype":"application/json",(?:"digest":"[0-9a-f]{64}",)?"digests":\{"')
#: The hash of a line from before that is shown with gaps.
TOLD = re.compile(rb',"leafhash":"([0-9a-f]{64})"')
EVENT = b'{"data":%b,"id":"%b","occurred":"%b","schema":%b,"type":"%b"}'
#: What not all commits have is left out of the others: further streams, the code of what was asked, and what was held.
ALSO = b'"also":[%b],'
PART = b'{"events":[%b],"place":"%b","stream":"%b","version":%d}'
CONTENT = b'"content":"%b",'
HELD = b'"held":%b,'
COMMIT = (
    b'{"actor":"%b",%b"causation_id":"%b","command":"%b","command_id":"%b",%b"correlation_id":"%b","events":[%b],%b"mandate":"%b",'
    b'"on_behalf_of":"%b","place":"%b","position":%d,"previous":"%b","stream":"%b","time":"%b","version":%d}'
)


class Chain:
    """The full check: the shape of each line, its sequence, and the chain of commits of each log."""

    def __init__(self) -> None:
        self.logs: dict[bytes, Log] = {}
        self._types: dict[tuple[bytes, bytes], bytes] = {}  # of the events of a source, by what is written as `type`

    def follow(self, lines: list[bytes], first: int) -> None:
        """Check the lines numbered `first` and up."""
        texts: list[bytes] = []
        try:
            self._follow(lines, first, texts)
        except Wrong as wrong:  # nothing has vouched yet for the lines of commits that are not complete
            if wrong.lines:
                wrong.lines[0] = min([wrong.lines[0], *(log.began for log in self.logs.values() if log.pending)])
            raise
        finally:  # a line that is not canonical comes before whatever follows from it
            sound = count_utf8(lines[: len(texts)])
            check_canonical(texts[:sound], first)
            if sound < len(texts):
                raise Wrong("the line is not UTF-8", first + sound)

    def _follow(self, lines: list[bytes], first: int, texts: list[bytes]) -> None:
        for number, line in enumerate(lines, first):
            match = LINE.fullmatch(line)
            if not match:
                raise Wrong(explain(line), number)
            actor, causation, command, command_id, index, size, content, *rest = match.groups(b"")
            (
                correlation,
                data,
                _,
                digest,
                held,
                id,
                mandate,
                occurred,
                on_behalf_of,
                place,
                position,
                schema,
                source,
                _,
                subject,
                moment,
                kind,
                version,
            ) = rest
            # outside of data, only an escaped character can be written in two ways
            texts.append(line if b"\\" in line else data)
            event_type = self._types.get((source, kind)) or self._type(source, kind, number)
            log = self.logs[source]
            if held:
                self._check_held(log, held, index, number)
            log.take(number, int(position), subject, int(version))
            if log.open and not log.pending and index != b"0":
                continue  # the commit began with a line that leaves something out
            common = (
                *(actor, causation, command, command_id, content, correlation, mandate, on_behalf_of, moment, size),
                digest,
            )
            if int(index) != log.pending:
                reason = f"position {log.position} of {log.name}: event {log.pending} of a commit should follow"
                raise Wrong(reason, number)
            if not log.pending:
                log.common, log.held, log.began = common, held, number
            if not log.pending or log.parts[-1].stream != subject:
                log.parts.append(Part(subject, int(version), place, []))
            if log.common != common or log.parts[-1].place != place:
                raise Wrong(
                    f"position {log.position} of {log.name} differs from the events of the same commit before it",
                    number,
                )
            log.parts[-1].events.append(EVENT % (data, id, occurred, schema, event_type))
            log.pending += 1
            if log.pending == int(size):
                self._close(log, number)
            elif log.pending > int(size):
                raise Wrong(f"position {log.position} of {log.name}: its commit should be complete already", number)

    @staticmethod
    def _check_held(log: Log, held: bytes, index: bytes, number: int) -> None:
        """The streams that a commit relied on must be at the versions that its first event names."""
        here = f"position {log.position + 1} of {log.name}"
        try:
            named = json.loads(json.loads(b'"' + held + b'"'))
            pairs = [(json.dumps(stream, ensure_ascii=False)[1:-1].encode(), named[stream]) for stream in named]
        except (ValueError, TypeError):
            raise Wrong(f"{here}: what it relied on cannot be read", number) from None
        if index != b"0":
            raise Wrong(f"{here}: only the first event of a commit says what it relied on", number)
        for stream, version in pairs:
            if (was := log.versions.get(stream, 0)) != version and not log.blurred:
                raise Wrong(f"{here} relies on {_shown(stream)} at version {version}, which was at {was}", number)

    def _type(self, source: bytes, kind: bytes, number: int) -> bytes:
        """The type of an event as its log has it; a log may hold the types of its own service only."""
        prefix, _, event_type = kind.rpartition(b".")
        if prefix[9:] != source[7:].partition(b"/")[0]:
            raise Wrong(f"a {_shown(kind)} cannot come from {_shown(source)}", number)
        if source not in self.logs:
            self.logs[source] = Log(source.decode())
        self._types[source, kind] = event_type
        return event_type

    @staticmethod
    def _close(log: Log, number: int) -> None:
        """Write the commit again as it was hashed, and compare its digest."""
        actor, causation, command, command_id, content, correlation, mandate, on_behalf_of, moment, _, digest = (
            log.common
        )
        position = log.position - log.pending + 1
        own, *others = log.parts
        also = b",".join(PART % (b",".join(one.events), one.place, one.stream, one.version) for one in others)
        held = json.loads(b'"' + log.held + b'"').encode()
        body = COMMIT % (
            *(actor, ALSO % also if also else b"", causation, command, command_id),
            *(CONTENT % content if content else b"", correlation, b",".join(own.events)),
            *(HELD % held if held else b"", mandate, on_behalf_of, own.place, position, log.digest, own.stream),
            *(moment, own.version),
        )
        if not log.open and sha256(body).hexdigest().encode() != digest:
            reason = (
                f"the commit at position {position} of {log.name} has not the digest it states: something was changed"
            )
            raise Wrong(reason, number, log.began)
        log.digest, log.open = digest, False
        log.commits += 1
        log.pending = 0
        log.parts.clear()


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > LARGEST_INTEGER:
        raise ValueError(f"{value} is larger than 2^53-1")
    return value


def _refuse_number(text: str) -> None:
    raise ValueError(f"{text} is not an integer")


_decode = json.JSONDecoder(parse_int=_integer, parse_float=_refuse_number, parse_constant=_refuse_number).decode
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def canonical(text: str) -> str:
    """A JSON text written again as RFC 8785 wants it; raises `ValueError` for what is no JSON or has no canonical
    form.
    """
    return _written(_decode(text))


def _written(value: Any) -> str:
    """A value as RFC 8785 wants it."""
    text = _encode(value)
    return text if _is_plain(text) else _encode_ordered(value)


def _is_plain(text: str) -> bool:
    """Whether all characters lie in the BMP: only beyond it does the order of names by UTF-16 differ from that by
    code points.
    """
    return text.isascii() or len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text)


def _encode_ordered(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_encode(name)}:{_encode_ordered(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_encode_ordered, value)) + "]"
    return _encode(value)


def count_utf8(lines: list[bytes]) -> int:
    """How many lines there are before the first that is not UTF-8."""
    try:
        b"\n".join(lines).decode()
    except UnicodeDecodeError as error:
        return b"\n".join(lines).count(b"\n", 0, error.start)
    return len(lines)


def check_canonical(texts: list[bytes], first: int) -> None:
    """Check that JSON objects in UTF-8, one for each line from number `first`, are written as RFC 8785 wants it.

    All are read and written again in one go, with a word between them that nobody can know beforehand: found again
    between each two, it shows that every text is one value of its own.
    """
    word = token_hex(16)
    together = f',"{word}",'.encode().join(texts).decode()
    try:
        values = _decode(f"[{together}]")
        alone = len(values) == 2 * len(texts) - 1 and all(between == word for between in values[1::2])
        if alone and _is_plain(together) and _encode(values)[1:-1] == together:
            return
    except (ValueError, RecursionError):
        pass  # found again below, with its line
    for number, data in enumerate(texts, first):
        text = data.decode()
        try:
            again = canonical(text)
        except (ValueError, RecursionError) as error:
            raise Wrong(f"the line is not canonical JSON: {_why(error)}", number) from None
        if again != text:
            raise Wrong(
                "the line is not canonical JSON (RFC 8785): names out of order or twice, or written in another way",
                number,
            )


def read_line(number: int, line: bytes) -> dict[str, bytes]:
    """The attributes of a line as they are written, strings without quotes; `Wrong` when it has another shape."""
    match = LINE.fullmatch(line)
    if not match:
        raise Wrong(explain(line), number)
    return dict(zip((name for name, _, _ in ATTRIBUTES), match.groups(b""), strict=True))


def explain(line: bytes) -> str:
    """Why a line has not the shape of an event."""
    try:
        value = _decode(line.decode())
    except (ValueError, RecursionError) as error:
        return f"the line is not JSON: {_why(error)}"
    if not isinstance(value, dict):
        return "the line is not a JSON object"
    for name in value:
        if name not in {known for known, _, _ in ATTRIBUTES}:
            return f"an event has no attribute {name!r}"
    for name, shape, required in ATTRIBUTES:
        if name not in value and required:
            return f"the attribute {name!r} is missing"
        if name in value and not re.fullmatch(shape, _encode(value[name]).encode("utf-8", "surrogatepass")):
            return f"the attribute {name!r} must not be {_shown(_encode(value[name]).encode('utf-8', 'replace'))}"
    return "the line is not canonical JSON (RFC 8785): names out of order or twice, or written in another way"


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _shown(text: bytes) -> str:
    shown = text.decode(errors="backslashreplace")
    return shown if len(shown) <= 80 else shown[:80] + "…"


@dataclass
class Forms:
    """Reads lines that leave something out, and what is disclosed of them beside the ledger."""

    disclosures: Iterator[bytes]
    disclosing: bool = False  # whether there are any
    ahead: tuple[int, dict[str, Any]] | None = None
    gapped: int = 0  # lines of which something stays withheld
    unproved: int = 0  # lines from before that are shown with gaps

    def read(self, check: Sequence | Chain, lines: list[bytes], first: int) -> list[bytes]:
        """Check lines numbered `first` and up, and return their leaf hashes."""
        hashes = leaf_hashes(lines)
        told = any(b'"leafhash":"' in line for line in lines)
        if isinstance(check, Sequence) and not told and not self.disclosing:  # numbers and versions stand in the line
            self.gapped += sum(GAP.search(line) is not None for line in lines)
            check.follow(lines, first)
            return hashes
        whole: list[bytes] = []  # lines to follow that stand together
        for number, line in enumerate(lines, first):
            if LEAF not in line and b'"leafhash":"' not in line:
                whole.append(line)
                continue
            event = self.event(number, line)
            if event.keys() & {"leaf", "leafhash"} == set():
                whole.append(line)
                continue
            if "leafhash" in event:
                hashes[number - first] = self._told(number, event)
                self.unproved += 1
                restored = None
            else:
                restored = self._restored(number, event)
            if restored is not None:
                whole.append(restored)
                continue
            self.gapped += 1
            check.follow(whole, number - len(whole))
            whole = []
            self.log(check, number, event).pass_over(number, event)
        check.follow(whole, first + len(lines) - len(whole))
        return hashes

    @staticmethod
    def event(number: int, line: bytes) -> dict[str, Any]:
        """The object that a line is; `Wrong` when it is none, or not canonical."""
        try:
            text = line.decode()
            event = _decode(text)
            again = _written(event)
        except (ValueError, RecursionError) as error:
            raise Wrong(f"the line is not canonical JSON: {_why(error)}", number) from None
        if not isinstance(event, dict) or again != text:
            raise Wrong("the line is not canonical JSON (RFC 8785)", number)
        return event

    @staticmethod
    def _told(number: int, event: dict[str, Any]) -> bytes:
        told = event["leafhash"]
        if not isinstance(told, str) or not re.fullmatch("[0-9a-f]{64}", told):
            raise Wrong("the hash of a line that is shown with gaps is malformed", number)
        return bytes.fromhex(told)

    def _restored(self, number: int, event: dict[str, Any]) -> bytes | None:
        """The whole event as canonical JSON; None when something stays withheld. What is disclosed must fit."""
        digests, data, shown = event.get("digests"), event.get("data"), self._disclosed(number - 1)
        if not isinstance(digests, dict) or not isinstance(data, dict) or event["leaf"] != 2:
            raise Wrong("the line leaves something out, but has no digests", number)
        whole = {name: value for name, value in event.items() if name not in ("leaf", "digests")}
        whole["data"] = data = dict(data)
        for name, kept in shown.items():
            if not isinstance(kept, list) or len(kept) != 2 or digests.get(name) != self._digest(name, kept):
                raise Wrong(f"what is disclosed as {name} does not fit its digest", number)
            where, key = (data, name[5:]) if name.startswith("data.") else (whole, name)
            where[key] = kept[1]
        return _written(whole).encode() if shown.keys() == digests.keys() else None

    @staticmethod
    def _digest(name: str, kept: list[Any]) -> str:
        return sha256(_written([kept[0], name, kept[1]]).encode()).hexdigest()

    def _disclosed(self, index: int) -> dict[str, Any]:
        while self.ahead is None or self.ahead[0] < index:
            if (line := next(self.disclosures, None)) is None:
                return {}
            try:
                one = _decode(line.decode())
                self.ahead = one["index"], dict(one["disclosed"])
            except (ValueError, TypeError, KeyError) as error:
                raise Wrong(f"the disclosures cannot be read: {error}") from None
        return self.ahead[1] if self.ahead[0] == index else {}

    @staticmethod
    def log(check: Sequence | Chain, number: int, event: dict[str, Any]) -> Log:
        """The log that the line is of."""
        source = event.get("source")
        if not isinstance(source, str) or not source.startswith("/linli/"):
            raise Wrong("the line names no source", number)
        name = _encode(source)[1:-1].encode()
        key = name if isinstance(check, Chain) else b'source":"%b"' % name
        return check.logs.setdefault(key, Log(source))


def verify(
    ledger: BinaryIO,
    checkpoint: bytes,
    public_key: Ed25519PublicKey | list[Ed25519PublicKey],
    *,
    fast: bool = False,
    previous: list[bytes] | None = None,
    event: str | None = None,
    disclosures: Iterable[bytes] = (),
    policy: Policy | None = None,
) -> dict[str, Any]:
    """Check a ledger as the module says and return what was found; raises `Wrong` at the first thing that does not
    hold.
    """
    head = open_checkpoint(checkpoint, public_key)
    cosigned = policy.check(checkpoint) if policy else None
    older = sorted((open_checkpoint(text, public_key) for text in previous or []), key=lambda old: old.size)
    for old in older:
        if old.origin != head.origin:
            raise Wrong(f"the older checkpoint is of {old.origin}, not of {head.origin}")
        if old.size > head.size:
            raise Wrong(
                f"the older checkpoint covers {old.size} events, the newer one only {head.size}: history was cut"
            )
    check = Sequence() if fast else Chain()
    beside = iter(disclosures)
    begins = list(islice(beside, 1))
    forms = Forms(chain(begins, beside), bool(begins))
    roots: list[bytes] = []  # of the blocks so far
    old_roots: dict[int, bytes] = {0: fold([])[0]}
    count, found = 0, None
    for lines in blocks(ledger):
        hashes = forms.read(check, lines[: head.size - count], count + 1)
        if count + len(lines) > head.size:
            raise Wrong(f"the checkpoint covers {head.size} events, but the ledger goes on", head.size + 1)
        for old in older:
            if count < old.size <= count + len(lines):
                old_roots[old.size] = fold(roots + [fold(hashes[: old.size - count])[0]])[0]
        if event is not None and found is None:
            offset = next((at for at, line in enumerate(lines) if _is_event(count + at + 1, line, event)), None)
            if offset is not None:
                found = (count + offset, hashes[offset], fold(hashes, offset)[1])
        roots.append(fold(hashes)[0])
        count += len(lines)
    intact = [old.size for old in older if old_roots.get(old.size) == old.root]
    since = max(intact, default=0) + 1
    if count < head.size:
        reason = f"the ledger ends after {count} events, but the checkpoint covers {head.size}: lines are missing"
        raise Wrong(reason, count + 1, since)
    for log in check.logs.values():
        if log.pending:
            first = log.began
            raise Wrong(f"the last commit of {log.name}, from line {first}, is not complete", count + 1, first)
    broken = [old.size for old in older if old.size not in intact]
    root, path = fold(roots, found[0] // BLOCK if found else None)
    if root != head.root:
        reason = f"the root over the {count} lines is {root.hex()}, but {head.root.hex()} was signed"
        raise Wrong(reason, None, since, min(broken, default=count))
    if broken:
        reason = f"the ledger does not begin with the {broken[0]} events of the older checkpoint: history was rewritten"
        raise Wrong(reason, None, since, broken[0])
    result: dict[str, Any] = {
        "valid": True,
        "origin": head.origin,
        "time": head.time,
        "size": head.size,
        "root": head.root.hex(),
        "mode": "fast" if fast else "full",
        "previous": intact,
        "gapped": forms.gapped,
        "unproved": forms.unproved,
        "logs": {
            log.name: {"events": log.position, "streams": len(log.versions)}
            | ({} if fast else {"commits": log.commits, "digest": log.digest.decode()})
            for log in check.logs.values()
        },
    }
    if cosigned is not None:
        result["cosigned"] = cosigned
    if event is not None:
        if found is None:
            raise Wrong(f"the ledger is intact, but holds no event {event}")
        index, leaf, lower = found
        result["event"] = {
            "id": event,
            "index": index,  # from 0; the line is one more
            "leaf": leaf.hex(),
            "path": [sibling.hex() for sibling in lower + path],  # from the leaf to the root
        }
    return result


def _is_event(number: int, line: bytes, event: str) -> bool:
    name = _encode(event)[1:-1].encode()
    if name not in line:
        return False
    if b'"leaf":2' in line or b'"leafhash":"' in line:
        return bool(_decode(line.decode()).get("id") == event)
    return read_line(number, line)["id"] == name


def first_wrong_line(ledger: BinaryIO, hashes: bytes, head: Checkpoint) -> int | None:
    """The first line whose hash is not the one in a list of leaf hashes; None when the list does not lie under the
    signed root.
    """
    expected = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    if len(expected) != head.size or fold(expected)[0] != head.root:
        return None
    count = 0
    try:
        for lines in blocks(ledger):
            told = [TOLD.search(line) for line in lines]
            for offset, leaf in enumerate(leaf_hashes(lines)):
                if (found := told[offset]) is not None:
                    leaf = bytes.fromhex(found[1].decode())
                if count + offset >= head.size or leaf != expected[count + offset]:
                    return count + offset + 1
            count += len(lines)
    except Wrong as wrong:
        return wrong.line
    return count + 1 if count < head.size else None


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Check an exported city ledger offline.", epilog="Exit code 0: all holds; 1: wrong."
    )
    parser.add_argument("ledger", metavar="LEDGER.jsonl")
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("public_key", metavar="PUBLIC_KEY", help="in PEM, or as a verifier key (ledger.vkey)")
    parser.add_argument(
        "--fast", action="store_true", help="signature, root and sequence only; commits are not written again"
    )
    parser.add_argument(
        "--previous", action="append", default=[], metavar="OLD", help="an older checkpoint; may be repeated"
    )
    parser.add_argument("--event", metavar="ID", help="print the inclusion path of an event")
    parser.add_argument("--hashes", metavar="LIST", help="leaf hashes, to name the first wrong line exactly")
    parser.add_argument("--disclosures", metavar="FILE", help="salts and values of what lines leave out")
    parser.add_argument("--keys", metavar="FILE", help="statements in which each key of the ledger names the next")
    parser.add_argument("--policy", metavar="FILE", help="the witnesses whose cosignatures the checkpoint must carry")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    try:
        with (
            open(options.ledger, "rb", buffering=1 << 18) as ledger,
            open(options.disclosures or os.devnull, "rb") as disclosures,
        ):
            checkpoint, previous = _read(options.checkpoint), [_read(path) for path in options.previous]
            hashes = _read(options.hashes) if options.hashes else None
            statements = _read(options.keys) if options.keys else b""
            wanted = _read(options.policy) if options.policy else None
            key: list[Ed25519PublicKey] = []
            try:
                key = all_keys(_load_key(_read(options.public_key)), statements)
                policy = Policy.read(wanted) if wanted is not None else None
                if policy and policy.logs and not {one.public_bytes_raw() for one in key} & set(policy.logs):
                    raise Wrong("the given key is not one of a ledger that the policy names")
                result = verify(
                    ledger,
                    checkpoint,
                    key,
                    fast=options.fast,
                    previous=previous,
                    event=options.event,
                    disclosures=disclosures,
                    policy=policy,
                )
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
                reason = f"something has a shape that no export has: {error!r}"
                result = {"valid": False, "reason": reason, "line": None, "lines": None}
            except Wrong as wrong:
                result = {"valid": False, "reason": wrong.reason, "line": wrong.line, "lines": wrong.lines}
                if hashes is not None and wrong.lines:
                    ledger.seek(0)
                    exact = first_wrong_line(ledger, hashes, open_checkpoint(checkpoint, key))
                    result["exact"] = exact
    except OSError as error:
        print(f"cannot read {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    result["seconds"] = round(time.perf_counter() - started, 3)
    text = json.dumps(result, ensure_ascii=False) if options.json else "\n".join(_summary(result))
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
    return 0 if result["valid"] else 1


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _load_key(pem: bytes) -> Ed25519PublicKey:
    if re.fullmatch(rb"\S+\+[0-9a-f]{8}\+\S+\s*", pem):
        return read_vkey(pem.strip())[1]
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise Wrong("the public key file holds no public key in PEM, and no verifier key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Wrong("the public key is not an Ed25519 key")
    return key


def _summary(result: dict[str, Any]) -> Iterator[str]:
    if not result["valid"]:
        line, lines = result["line"], result["lines"]
        yield "WRONG" + (f" at line {line}" if line else f" between lines {lines[0]} and {lines[1]}" if lines else "")
        yield result["reason"]
        if line and lines[0] < line:
            yield f"the fault lies between lines {lines[0]} and {line}"
        if "exact" in result:
            exact = result["exact"]
            yield (
                f"first wrong line by the list of hashes: {exact}"
                if exact
                else "the list of hashes is not that of the checkpoint"
            )
        return
    yield f"HOLDS: {result['origin']}, {result['size']} events, signed{' ' + result['time'] if result['time'] else ''}"
    yield f"root {result['root']}"
    for name, log in sorted(result["logs"].items()):
        chain = f", {log['commits']} commits, last digest {log['digest']}" if log.get("commits") else ""
        yield f"{name}: {log['events']} events in {log['streams']} streams{chain}"
    if result["gapped"]:
        yield f"{result['gapped']} lines leave something out: chains were not checked across them"
    if result["unproved"]:
        yield f"UNPROVED: {result['unproved']} lines from before are shown with gaps; what they show is not vouched for"
    if "cosigned" in result:
        yield f"cosigned by {', '.join(result['cosigned']) or 'nobody, and nobody is asked for'}"
    for size in result["previous"]:
        yield f"begins with the {size} events of the older checkpoint, unchanged"
    if event := result.get("event"):
        index = event["index"]
        yield f"event {event['id']} is leaf {index} (line {index + 1}), hash {event['leaf']}; path to the root:"
        yield from (f"  {sibling}" for sibling in event["path"])
    yield f"checked in {result['seconds']} s" + (" (fast: chains were not checked)" if result["mode"] == "fast" else "")


if __name__ == "__main__":
    sys.exit(main())

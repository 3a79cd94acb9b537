"""What the ledger hashes of a fact, so that a proof holds for everybody and shows each reader only what is theirs (decision 16).

An entry's line is the fact as a CloudEvent with its public fields in clear, `"leaf":2`, and under `digests` the salted digest of every
other field: SHA-256 over the canonical JSON array `[salt, name, value]`. Salts and values stand beside the entry, apart from what is
hashed; whoever is shown one can check it against the line. Names are those of attributes, and of fields of the data as `data.<name>`.

Entries from before have the whole fact as their line. They stay as they are; who may not read all of it gets it with gaps, and the hash
of the whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec

from shared.domain.errors import CorruptionError
from shared.domain.mandate import Mandate
from shared.domain.privacy import CONFIDENTIAL, READ_WITHHELD, WITHHELD, Class, may_read
from shared.domain.record import Record
from shared.domain.view import Row
from shared.following import cloudevents
from shared.ledger import merkle

#: The form of lines that is written now.
FORM = 2
#: Attributes that are never in clear: who acted, and what withheld values could be guessed from.
_ATTRIBUTES = ("actor", "commandid", "content", "digest", "held")
#: Attributes that say where a confidential thing is, and who answers for it.
_WHERE = ("place", "onbehalfof", "mandate")
_SALT = 16  # bytes
_SEALED = "sealed:"
_canonical = msgspec.json.Encoder(order="sorted").encode
_STAFF = Class("staff")


@cache
def _table() -> Mapping[str, Mapping[str, Class]]:
    """The class of each field of each fact, as `services.console.privacy` wrote it."""
    raw = files("services.audit").joinpath("classes.json").read_bytes()
    found = msgspec.json.decode(raw, type=dict[str, dict[str, tuple[str, str]]])
    return {fact: {name: Class(*one) for name, one in fields.items()} for fact, fields in found.items()}


def class_of(source: str, type: str, field: str) -> Class:
    """The class of a field of a fact's data; of a fact or field that this program does not know, what only auditors read."""
    return _table().get(f"{source.partition('/')[0]}.{type}", {}).get(field, WITHHELD)


def _salt() -> str:
    return os.urandom(_SALT).hex()


def _digest(salt: str, name: str, value: Any) -> str:
    return sha256(_canonical([salt, name, value])).hexdigest()


def _names_withheld(subject: str, data: Mapping[str, Any], hidden: Mapping[str, Class]) -> Class | None:
    """The class of the stream's name: that of a withheld id which it carries, None when it carries none."""
    for name, one in hidden.items():
        value = data[name]
        if one.kind == "staff" and isinstance(value, str) and value and subject.endswith(value):
            return one
    return None


@cache
def confided(source: str) -> Class | None:
    """The class of what is public of a fact, where it belongs to a confidential thing; None for a service that has no such things.

    It is for those who read its texts.
    """
    service = source.partition("/")[0] + "."
    of_service = [fields for fact, fields in _table().items() if fact.startswith(service) and CONFIDENTIAL in fields]
    texts = (one for fields in of_service for one in fields.values() if one.kind == "text")
    return Class("staff", next(texts, WITHHELD).power) if of_service else None


def is_confidential(source: str, record: Record) -> bool:
    """Whether a fact says that its thing is confidential."""
    return (
        b'"confidential":true' in bytes(record.data)
        and confided(source) is not None
        and bool(msgspec.json.decode(record.data).get(CONFIDENTIAL))
    )


def _hidden(source: str, record: Record, data: Mapping[str, Any], confidential: bool = False) -> dict[str, Class]:
    """What of a fact is not public, by name: fields of the data first, attributes after them.

    Of a confidential thing nothing is public but its id and that it is confidential.
    """
    classes = {name: class_of(source, record.type, name) for name in data}
    fields = {name: one for name, one in classes.items() if one.kind != "public"}
    found = {f"data.{name}": one for name, one in fields.items()}
    if confidential:
        one = confided(source) or WITHHELD
        found |= {
            f"data.{name}": one
            for name, value in data.items()
            if name not in fields
            and name != CONFIDENTIAL
            and not (isinstance(value, str) and value and record.stream.endswith(f"-{value}"))
        }
        found |= dict.fromkeys(_WHERE, one)
    found |= dict.fromkeys(_ATTRIBUTES, WITHHELD)
    # whoever acted is a withheld person, or may be known to staff
    same = (one for name, one in fields.items() if one.kind == "staff" and data[name] == record.actor)
    found["actor"] = next(same, _STAFF)
    if (named := _names_withheld(record.stream, data, fields)) is not None:
        found["subject"] = named
    return found


def entered(
    source: str, record: Record, salts: Mapping[str, str] | None = None, confidential: bool = False
) -> tuple[str, dict[str, list[Any]]]:
    """The line of a fact, and what it leaves out: name to salt and value; `confidential`: it belongs to a confidential thing.

    `salts` are those of an entry that is entered again: the line becomes what it was.
    """
    whole = cloudevents.structured(source, record)
    data: dict[str, Any] = msgspec.json.decode(record.data)
    apart: dict[str, list[Any]] = {}
    for name in _hidden(source, record, data, confidential) if salts is None else salts:
        where, key = (data, name.removeprefix("data.")) if name.startswith("data.") else (whole, name)
        if key in where:
            apart[name] = [_salt() if salts is None else salts[name], where.pop(key)]
    digests = {name: _digest(kept[0], name, kept[1]) for name, kept in apart.items()}
    return _canonical(whole | {"data": data, "leaf": FORM, "digests": digests}).decode(), apart


def whole_line(row: Row) -> bytes:
    """The fact of an entry as canonical JSON, put together again.

    Raises `CorruptionError` when what is kept beside the line is not what the line was made of.
    """
    event = msgspec.json.decode(row["line"])
    if "leaf" not in event:
        return str(row["line"]).encode()
    digests, apart = event.pop("digests"), row.get("apart", {})
    if event.pop("leaf") != FORM or digests.keys() != apart.keys():
        raise CorruptionError("what is kept beside the line is not what its digests name")
    for name, (salt, value) in apart.items():
        if _digest(salt, name, value) != digests[name]:
            raise CorruptionError(f"what is kept beside the line as {name} does not fit its digest")
        where, key = (event["data"], name.removeprefix("data.")) if name.startswith("data.") else (event, name)
        where[key] = value
    return _canonical(event)


def salts_of(row: Row) -> dict[str, str] | None:
    """The salts of an entry by name, None for one from before lines had digests: what a backup keeps of it."""
    return None if is_old(row) else {name: salt for name, (salt, _value) in row["apart"].items()}


def is_old(row: Row) -> bool:
    """Whether an entry is from before lines had digests."""
    return '"leaf":' not in row["line"] or "leaf" not in msgspec.json.decode(row["line"])


def _reads(name: str, value: Any, one: Class, by: Mandate, place: str, open: bool) -> bool:
    if one.kind == "sealed":  # an organisation's name is not sealed
        sealed = isinstance(value, str) and value.startswith(_SEALED)
        return by.may(READ_WITHHELD, place) if sealed else may_read(Class("text", one.power), by, place, open)
    return may_read(one, by, place, open)


def shown(row: Row, by: Mandate, withheld: Mapping[str, str] | None = None) -> Row:
    """An entry as a reader may see it.

    `withheld` are the texts of its stream that were moved out of public sight. `line` is what was hashed where `hashed` says so,
    otherwise the fact with gaps; `leaf` is the hash of what was hashed. `disclosed` maps what the line leaves out and the reader may
    see to salt and value; `gaps` names what they may not see.
    """
    event = msgspec.json.decode(row["line"])
    old = "leaf" not in event
    source = row["source"]
    type = str(event["type"]).rpartition(".")[2]
    apart = _parts(event) if old else row.get("apart", {})
    place = str(event.get("place") or apart.get("place", ("", ""))[1])
    data = event["data"] | {
        name.removeprefix("data."): kept[1] for name, kept in apart.items() if name.startswith("data.")
    }
    subject = apart["subject"][1] if "subject" in apart else event["subject"]
    actor = apart["actor"][1] if "actor" in apart else event.get("actor", "")
    record = _Named(type, subject, actor)
    confidential = "place" in apart
    classes = _hidden(source, record, data, confidential)  # type: ignore[arg-type]  # it reads these three
    closed = confidential and not may_read(confided(source) or WITHHELD, by, place)
    seen, gaps = {}, []
    for name, kept in apart.items():
        one = classes.get(name, WITHHELD)
        if name not in classes and old:
            continue  # public
        open = not data.get(CONFIDENTIAL) and name.removeprefix("data.") not in (withheld or {})
        if not closed and _reads(name, kept[1], one, by, place, open):
            seen[name] = kept
        else:
            gaps.append(name)
    found: Row = {name: row[name] for name in ("key", "event_id", "stream", "source", "position")}
    if "subject" in gaps:
        found["stream"] = ""
    found |= {"line": row["line"], "leaf": merkle.leaf_hash(row["line"].encode()).hex(), "hashed": True}
    if old:
        found |= {"line": _gapped(event, gaps), "hashed": False} if gaps else {}
        seen = {}
    return found | {"disclosed": seen, "gaps": sorted(gaps)}


def public_line(row: Row) -> str:
    """What of an entry anybody may read for ever: its line, of an entry from before lines had digests the fact with gaps."""
    if not is_old(row):
        return str(row["line"])
    event = msgspec.json.decode(row["line"])
    type = str(event["type"]).rpartition(".")[2]
    record = _Named(type, event["subject"], event.get("actor", ""))
    hidden = _hidden(row["source"], record, event["data"])  # type: ignore[arg-type]  # it reads these three
    return _gapped(event, [name for name in _parts(event) if name in hidden])


class _Named(msgspec.Struct):
    """What the classes of a fact depend on besides its data."""

    type: str
    stream: str
    actor: str


def _parts(event: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Everything in the line of an old entry that may have to be left out."""
    named = {name: ["", event[name]] for name in (*_ATTRIBUTES, "subject") if name in event}
    return {f"data.{name}": ["", value] for name, value in event["data"].items()} | named


def _gapped(event: Mapping[str, Any], gaps: list[str]) -> str:
    """An old line with gaps: what is left out is named under `withheld`."""
    data = {name: value for name, value in event["data"].items() if f"data.{name}" not in gaps}
    rest = {name: value for name, value in event.items() if name not in gaps}
    return _canonical(rest | {"data": data, "withheld": sorted(gaps)}).decode()

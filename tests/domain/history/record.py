"""Adds the stored shape of each event that has none yet, and folded states: `python -m tests.domain.history.record [DATA_FOLDER]`.

Takes a real record out of a data folder's logs where there is one, otherwise an instance made from the field types.
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from services.console.catalogue import OWNERS, definition
from shared.domain.event import Event
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage
from tests.domain.history import folds

HERE = Path(__file__).parent
#: Facts of a real history at most.
LONGEST = 20


def stored(name: str) -> list[dict[str, Any]]:
    """The recorded shapes of a service's events: type, schema, data as text."""
    file = HERE / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def example(kind: Any) -> Any:
    """A value of a type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(**{name: example(hints[name]) for name in kind.__struct_fields__})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (tuple, list):
        return origin([example(arguments[0])])
    if origin is dict:
        return {example(arguments[0]): example(arguments[1])}
    if arguments:  # a union
        return example(arguments[0])
    return {str: "text", int: 1, bool: True, type(None): None}[kind]


def missing(name: str) -> list[type[Event]]:
    """Events of a service whose shape of today has not been recorded."""
    have = {(line["type"], line["schema"]) for line in stored(name)}
    return [event for event in definition(name).codec.events.values() if (event.__name__, event.schema) not in have]


def histories(folder: Path) -> dict[str, list[Mapping[str, Any]]]:
    """For each aggregate the thing of a data folder to which most happened: its facts by service and category."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for key, decider in folds.deciders():
        log = EventLog(name := key.partition("/")[0], SqliteStorage(folder / f"{name}.log.sqlite", read_only=True))
        streams: dict[str, list[Mapping[str, Any]]] = {}
        for record in log.read():
            if record.type in decider.codec.events and record.stream.startswith(decider.category + "-"):
                line = {"type": record.type, "schema": record.schema, "data": bytes(record.data).decode()}
                streams.setdefault(record.stream, []).append(line)
        log.close()
        if streams:
            most = max(streams.values(), key=lambda facts: (len({fact["type"] for fact in facts}), -len(facts)))
            found[key] = most[:LONGEST]
    return found


def main() -> None:
    """Write what is missing."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for name in OWNERS:
        codec = definition(name).codec
        real: dict[tuple[str, int], str] = {}
        if folder is not None:
            for record in EventLog(name, SqliteStorage(folder / f"{name}.log.sqlite", read_only=True)).read():
                real.setdefault((record.type, record.schema), bytes(record.data).decode())
        with (HERE / f"{name}.jsonl").open("a") as file:
            for event in missing(name):
                key = (event.__name__, event.schema)
                data = real.get(key) or codec.encode(example(event)).decode()
                file.write(json.dumps({"type": key[0], "schema": key[1], "data": data}, ensure_ascii=False) + "\n")
    after = folds.brought_up({name: stored(name) for name in OWNERS}, histories(folder) if folder else {})
    lines = (f"{json.dumps(key)}: {json.dumps(after[key], ensure_ascii=False)}" for key in sorted(after))
    folds.FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()

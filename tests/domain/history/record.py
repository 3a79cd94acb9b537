"""Adds the stored shape of each event that has none yet: `python -m tests.domain.history.record [DATA_FOLDER]`.

Takes a real record out of a data folder's logs where there is one, otherwise an instance made from the field types.
"""

from __future__ import annotations

import json
import sys
import typing
from pathlib import Path
from typing import Any

import msgspec

from services.console.catalogue import OWNERS, definition
from shared.domain.event import Event
from shared.log import EventLog
from shared.log.sqlite import SqliteStorage

HERE = Path(__file__).parent


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


if __name__ == "__main__":
    main()

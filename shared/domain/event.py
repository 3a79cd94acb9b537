"""Events: frozen facts, and the codec that writes them down and reads every shape ever written.

An event class and its field names are the storage format: rename nothing, upcast instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec

from shared.domain.errors import CorruptionError

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def without(*fields: str) -> Upcaster:
    """An upcaster that drops fields."""
    return lambda data: {name: value for name, value in data.items() if name not in fields}


#: RFC 8785 numbers are IEEE doubles: integers beyond this are not exact for every reader.
LARGEST_INTEGER = 2**53 - 1
#: What a text may hold that needs a closer look: long numbers, and characters beyond the BMP, whose order as keys differs.
_SUSPECT = re.compile(rb"\d{16,}|[\xf0-\xf4]")


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact of the domain: JSON-native fields, no floats; money is integer fen, dates are ISO 8601 text."""

    schema: ClassVar[int] = 1


@cache
def _in_common(event: type[Event], state: type[msgspec.Struct]) -> tuple[str, ...]:
    there = set(state.__struct_fields__)
    return tuple(name for name in event.__struct_fields__ if name in there)


def taken(event: Event, state: type[msgspec.Struct], **more: Any) -> dict[str, Any]:
    """What a state takes over from a fact: the fields that both have, and `more`, which goes before these.

    `Lamp(**taken(event, Lamp, id=lamp.id, status="dark"))`. A field that a state must not take over has another name in one of them.
    """
    return {name: getattr(event, name) for name in _in_common(type(event), state)} | more


def _always(event: Any) -> bool:
    return True


@dataclass(frozen=True)
class Seal:
    """Marks a personal field of a fact: it is encrypted with the key of a subject before it is stored."""

    subject: Callable[[Any], str]
    when: Callable[[Any], bool] = _always


def sealed(subject: Callable[[Any], str], when: Callable[[Any], bool] = _always) -> Seal:
    """`contact: Annotated[str, sealed(lambda fact: f"issue:{fact.issue_id}")]`; only for facts for which `when` holds."""
    return Seal(subject, when)


@cache
def seals_of(event: type[Event]) -> dict[str, Seal]:
    """The personal fields of a fact."""
    marked: dict[str, Seal] = {}
    for name, hint in get_type_hints(event, include_extras=True).items():
        for mark in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
            if isinstance(mark, Seal):
                marked[name] = mark
    return marked


@cache
def _check_fields(event: type[Event]) -> None:
    """Raise `TypeError` unless all fields of a fact can be written exactly; once a class, as two codecs hold each."""
    _forbid_floats(msgspec.inspect.type_info(event), event.__name__)


def _forbid_floats(shape: msgspec.inspect.Type, where: str) -> None:
    if isinstance(shape, msgspec.inspect.FloatType | msgspec.inspect.AnyType):
        raise TypeError(f"{where}: events hold no floats and no untyped values; use integers of a named unit")
    if isinstance(shape, msgspec.inspect.UnionType):
        for part in shape.types:
            _forbid_floats(part, where)
    for name in ("item_type", "key_type", "value_type"):
        inner = getattr(shape, name, None)
        if inner is not None:
            _forbid_floats(inner, where)
    for part in getattr(shape, "item_types", ()):
        _forbid_floats(part, where)
    if isinstance(shape, msgspec.inspect.StructType):
        for field in shape.fields:
            _forbid_floats(field.type, f"{where}.{field.name}")


class Codec:
    """All events of one service; writes canonical JSON (RFC 8785) and decodes every stored shape.

    `upcasters` maps `(type, schema)` to a function from the data of that schema to the data of the next one.
    """

    def __init__(
        self, events: Iterable[type[Event]], upcasters: Mapping[tuple[str, int], Upcaster] | None = None
    ) -> None:
        self.events = {event.__name__: event for event in events}
        self.upcasters = dict(upcasters or {})
        self._encoder = msgspec.json.Encoder(order="sorted")
        self._decoders: dict[tuple[str, int], Callable[[bytes | msgspec.Raw], Event]] = {}
        for name, event in self.events.items():
            _check_fields(event)
            self._decoders[name, event.schema] = msgspec.json.Decoder(event).decode
            for schema in range(1, event.schema):
                if (name, schema) not in self.upcasters:
                    raise TypeError(f"{name} has schema {event.schema} but no upcaster from schema {schema}")
                self._decoders[name, schema] = self._upcasting(name, schema)

    def encode(self, event: Event) -> bytes:
        """The canonical JSON text of an event's data.

        Raises `ValueError` for what RFC 8785 would write differently: integers beyond 2^53-1, keys with characters beyond the BMP.
        """
        text = self._encoder.encode(event)
        if _SUSPECT.search(text):
            _check_exact(msgspec.to_builtins(event), type(event).__name__)
        return text

    def decode(self, type: str, schema: int, data: bytes | msgspec.Raw) -> Event:
        """The event in today's shape; raises `CorruptionError` for a type or schema that this program does not know."""
        try:
            return self._decoders[type, schema](data)
        except KeyError:
            raise CorruptionError(f"unknown event {type} schema {schema}: was it written by a newer version?") from None
        except msgspec.ValidationError as error:
            raise CorruptionError(f"stored {type} schema {schema} does not decode: {error}") from error

    def _upcasting(self, name: str, schema: int) -> Callable[[bytes | msgspec.Raw], Event]:
        event = self.events[name]
        steps = [self.upcasters[name, step] for step in range(schema, event.schema)]

        def decode(data: bytes | msgspec.Raw) -> Event:
            value = msgspec.json.decode(data)
            for step in steps:
                value = step(value)
            return msgspec.convert(value, event)

        return decode

    def json_schema(self) -> dict[str, Any]:
        """The published contract: JSON Schema of each event's data, by event name."""
        names = list(self.events.values())
        schemas, components = msgspec.json.schema_components(names, ref_template="#/$defs/{name}")
        return {"schemas": dict(zip(self.events, schemas, strict=True)), "$defs": components}


def _check_exact(value: Any, where: str) -> None:
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError(f"{where}: {value} is larger than 2^53-1 and cannot be written exactly")
    if isinstance(value, Mapping):
        for name, part in value.items():
            if any(character > "\uffff" for character in name):
                raise ValueError(f"{where}: the key {name!r} has a character beyond the BMP")
            _check_exact(part, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for part in value:
            _check_exact(part, where)

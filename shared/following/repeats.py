"""What a command that makes a thing says of one that is there already: the same again, or something else under its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import asdict

from shared.domain.command import Command, On
from shared.domain.errors import DomainError, IllegalStateError
from shared.domain.event import Event, seals_of
from shared.domain.record import Record
from shared.domain.words import _, said, term


def refuse_other(
    command: Command, id: str, records: list[Record], again: Callable[[str], list[Event | On]], open: Callable[..., Any]
) -> None:
    """Raise `IllegalStateError` unless a command that decided nothing says what was recorded of its thing.

    `records` are the facts of the thing, and `again(at)` decides as if it were not there yet, at a given time: what follows from that time
    by default is then what it was. Sealed fields are opened with `open` to be compared; one that was erased says nothing.
    """
    codec = command.decider.codec
    recorded = [(record, codec.decode(record.type, record.schema, record.data)) for record in records]
    differing: set[str] = set()
    for record, fact in reversed(recorded):
        try:
            wanted = next((one for one in again(record.occurred) if type(one) is type(fact)), None)
        except DomainError:
            continue
        if wanted is not None:
            differing = _differing(wanted, fact, open)
            if not differing:
                return
            break
    asked = {field.name for field in command.asked}
    raise IllegalStateError(
        _("there is {thing} {id} already, and it was recorded with other content; nothing was changed"),
        {name: said(_("recorded differently")) for name in sorted(differing & asked)}
        or {command.decider.id_field: said(_("recorded differently"))},
        thing=term("thing", command.decider.category),
        id=id,
    )


def _differing(wanted: Event, fact: Event, open: Callable[..., Any]) -> set[str]:
    """The fields in which a fact is not what is wanted."""
    found, sealed = asdict(fact), seals_of(type(fact))
    for name, mark in sealed.items():
        if found[name] and mark.when(fact):
            found[name] = open(found[name])
    return {
        name
        for name, value in asdict(wanted).items()
        if _plain(value) != _plain(found[name]) and not (name in sealed and found[name] is None)
    }


def _plain(value: Any) -> Any:
    """Lists and tuples are one to those who read JSON."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return dict(value) if isinstance(value, Mapping) else value

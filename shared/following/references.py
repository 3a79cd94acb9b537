"""What a command names must be there, as far as the service knows: its own things, those of the city, and those it follows elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.domain.city import City
from shared.domain.command import Command
from shared.domain.errors import NotFoundError
from shared.domain.fields import Kind, Pattern
from shared.domain.structures import Group, Many, Pairs
from shared.domain.words import _, said, term

#: Views of this name and a category hold a row of each such thing of another service: `known_issue`.
KNOWN = "known_"


def named(kind: Kind, value: Any) -> Iterator[tuple[str, str]]:
    """What a value of a field names, at any depth: category and id. What may be elsewhere is left out."""
    if value is None:  # left out
        return
    match kind:
        case Pattern(control="pick", elsewhere=False) if value:
            yield kind.refers, value
        case Many():
            for part in value:
                yield from named(kind.kind, part)
        case Pairs():
            for key, part in value.items():
                yield from named(kind.keys, key)
                yield from named(kind.values, part)
        case Group():
            for field in kind.fields:
                yield from named(field.kind, getattr(value, field.name))


def require_known(command: Command, ask: Mapping[str, Any], known: Callable[[str, str], bool]) -> None:
    """Raise `NotFoundError` for the first field that names what is not there."""
    for field in command.asked:
        for category, id in named(field.kind, ask[field.name]):
            if not known(category, id):
                raise NotFoundError(
                    _("there is no {thing} {id}"),
                    {field.name: said(_("unknown"))},
                    thing=term("thing", category),
                    id=id,
                )


def in_city(city: City, category: str, id: str) -> bool | None:
    """Whether the city has it; None for what the city does not tell. A person whose data were erased is nobody any more."""
    match category:
        case "person":
            row = city.person(id)
            return row is not None and not row["erased"]
        case "organisation":
            return city.organisation(id) is not None
        case "post":
            return city.post(id) is not None
    return None

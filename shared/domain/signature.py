"""What a signature declares: the fields that callers send, and what a function is given by type.

The id of the thing comes first and is not declared. What else a decision must know it asks for: `by` (who acts, from which post), `at`
(when it happened, RFC 3339), and by type `City` (the city on that day), `Opener` (opens sealed text), and other things of the same
service through `holds`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints

from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.mandate import Mandate
from shared.domain.structures import Field, declared


class Opener(Protocol):
    """Opens sealed text: the text, "" for nothing, None once its subject was erased."""

    def __call__(self, sealed: str, /) -> str | None: ...


@dataclass(frozen=True)
class Holds:
    """An argument that is the state of another thing of the same service, which must not change before the decision is written.

    `of` is the argument or the function `(state, ask)` or `(state, ask, by)` that says which: an id, several ids (the decision gets a
    dictionary by id), or "" for none (the decision gets None). `ask` has all arguments but the things held, the city too.
    """

    decider: Decider[Any]
    of: str | Callable[..., str | Sequence[str]]

    def ids(self, state: Any, ask: Mapping[str, Any], by: Mandate) -> str | Sequence[str]:
        """Which things are held."""
        if isinstance(self.of, str):
            named: str | Sequence[str] = ask[self.of]
            return named
        asked = (state, ask, by)
        return self.of(*asked[: len(inspect.signature(self.of).parameters)])


def holds(decider: Decider[Any], of: str | Callable[..., str | Sequence[str]]) -> Holds:
    """`organisation: Annotated[Organisation, holds(ORGANISATION, "organisation_id")]`."""
    return Holds(decider, of)


@dataclass(frozen=True)
class Needs:
    """What a function is given by type: the names of its arguments for the city and for opening sealed text, and what it holds."""

    city: tuple[str, ...]
    open: tuple[str, ...]
    holds: Mapping[str, Holds]


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(function, include_extras=True)


@cache
def needs(function: Callable[..., Any]) -> Needs:
    """Read what a decision wants to be given besides its arguments."""
    hints = _hints(function)
    city = tuple(name for name, hint in hints.items() if hint is City)
    opener = tuple(name for name, hint in hints.items() if hint is Opener)
    held = {name: mark for name, hint in hints.items() for mark in _marks(hint) if isinstance(mark, Holds)}
    return Needs(city, opener, held)


def fields_of(function: Callable[..., Any], skip: int = 1) -> tuple[Field, ...]:
    """The fields that a signature declares.

    Raises `TypeError` that names the file for an argument that is neither a field nor given by type.
    """
    hints = _hints(function)
    given = needs(function)
    fields = []
    for name, parameter in list(inspect.signature(function).parameters.items())[skip:]:
        if name in ("by", "at", *given.city, *given.open, *given.holds):
            continue
        missing = parameter.default is inspect.Parameter.empty
        try:
            found = declared(name, hints.get(name), None if missing else parameter.default, missing)
        except TypeError as error:
            raise TypeError(f"{where_of(function)}: {error}") from None
        if found is None:
            raise TypeError(f"{where_of(function)}: the argument {name} names no kind of field")
        fields.append(found)
    return tuple(fields)


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def where_of(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}: {function.__name__}"


def about_of(function: Callable[..., Any]) -> str:
    if not (doc := inspect.getdoc(function)):
        raise TypeError(f"{where_of(function)} lacks a sentence that says what it is for")
    return doc

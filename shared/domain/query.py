"""Queries, declared by the signature of the function that reads.

    @ISSUE.query(power="issue.list")
    def issues_of(read: Reader, *, place__under: Annotated[str, PLACE, "at a place and below"] = "") -> dict[str, Any]:

The name is that of the function. Lists that page a view and things read by their id are declared by `shared.domain.listing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

from shared.domain.answers import AS_OF, with_fields
from shared.domain.fields import Choice, choice, line, number
from shared.domain.reader import Reader
from shared.domain.signature import about_of, fields_of, needs, where_of
from shared.domain.structures import Field
from shared.domain.words import _

#: Rows of one page of a list at most.
LARGEST_PAGE = 500


@dataclass(frozen=True, eq=False)
class Query:
    """A function over a `Reader` with everything that follows from its declaration.

    `answer` is the JSON Schema of what it returns, `power` what the reader needs at the place that is asked for ("": nothing; `STAFF`:
    any post for that place; several with " or " between them), `own` the argument that names a person who needs no power.
    """

    name: str
    read: Callable[..., dict[str, Any]]
    about: str
    fields: tuple[Field, ...]
    answer: Mapping[str, Any]
    power: str = ""
    own: str = ""

    def answered(self, reader: Reader, ask: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to what was asked; raises `ForbiddenError` when the reader lacks the power at the place.

        A query with a power that takes no place is about the whole city. Where it is asked for no place, it is asked for the reader's own;
        who lacks the power there and asked for nobody in particular is answered about themselves.
        """
        ask, me = dict(ask), reader.by.actor
        if self.power and not (self.own and me and ask[self.own] == me):
            place = (ask[UNDER] or reader.by.place) if UNDER in ask else ""
            asked = ask.get(UNDER) or (self.own and ask[self.own])
            if self.own and me and not asked and not reader.reads(self.power, place):
                ask[self.own] = me
            else:
                reader.require_reading(self.power, place)
                ask |= {UNDER: place} if UNDER in ask else {}
        return self.read(reader, **ask)

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.about.splitlines()[0]


#: The argument of a list that names the place whose things, and those below it, are asked for.
UNDER = "place__under"
#: Rows on a page of a list.
Limit = Annotated[int, number(1, LARGEST_PAGE), _("rows on a page")]
#: Where a page of a list begins: `next` of the page before.
Cursor = Annotated[str, line(2000), _("where the page begins: `next` of the page before")]


def order_of(*fields: str) -> Choice:
    """The field that a list is sorted by, `-field` descending: `order: Annotated[str, order_of("due"), "sorted by"] = "due"`."""
    return choice(*(sign + field for field in fields for sign in ("", "-")), words="order")


def declare_query(
    read: Callable[..., Any],
    *,
    answer: Mapping[str, Any] | None = None,
    power: str = "",
    own: str = "",
    as_of: bool = False,
) -> Query:
    """Make a query of a function `(read: Reader, *, field…)`; `answer` is the JSON Schema of what it returns.

    `power` is what the reader needs at the place that is asked for (`place__under`; left out: the reader's own), or `STAFF` for any post
    there, unless the argument `own` names the reader. Figures say `as_of` which position of the service's log they are; they are read again
    when facts arrive meanwhile.
    """
    given = needs(read)
    if given.city or given.open or given.holds:
        raise TypeError(f"{where_of(read)}: a query takes a Reader, which knows the city and who asks")
    fields = fields_of(read)
    if own and own not in {field.name for field in fields}:
        raise TypeError(f"{where_of(read)}: {own} is no argument")
    answer = answer or {"type": "object"}
    if as_of:
        read, answer = _dated(read), with_fields(answer, as_of=AS_OF)
    return Query(read.__name__, read, about_of(read), fields, answer, power, own)


def _dated(read: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @wraps(read)
    def dated(reader: Reader, **ask: Any) -> dict[str, Any]:
        return reader.as_of(lambda: read(reader, **ask))

    return dated

"""Lists that page a view, and things read by their id: what every aggregate offers to read, declared in one piece.

    LINKED = Listing(LINK, LINKS, _ROW, _named)

    @LINKED.list("-since", "place")
    def find_links(
        place__under: Under = "", status: Annotated[str, choice("proposed", "linked"), "in this state"] = ""
    ) -> None:
        \"\"\"What belongs together, since when and on what terms.\"\"\"

    LINKED.one("A link with the periods in which it held.")

The signature of a list declares its filters, each named as the field of the rows that it compares; it ends with the order and the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

from shared.domain.answers import OTHERS, Shape, page_of, with_fields
from shared.domain.decider import Decider
from shared.domain.fields import PLACE, id_of
from shared.domain.query import Cursor, Limit, Query, order_of
from shared.domain.reader import Reader
from shared.domain.signature import about_of, fields_of, where_of
from shared.domain.structures import Field, declared
from shared.domain.view import Row, View

#: A filter of most lists.
Under = Annotated[str, PLACE, "a place and everything below it"]


def _as_it_is(read: Reader, rows: list[Row]) -> list[Row]:
    return rows


def _paging(order: tuple[str, ...]) -> tuple[Field, ...]:
    kind = order_of(*(field.removeprefix("-") for field in order))
    hints = {
        "order": (Annotated[str, kind, "sorted by; - before it: descending"], order[0]),
        "limit": (Limit, 50),
        "cursor": (Cursor, ""),
    }
    found = (declared(name, hint, default, False) for name, (hint, default) in hints.items())
    return tuple(one for one in found if one)


@dataclass(frozen=True)
class Listing:
    """How people read the things of an aggregate.

    `row` is the JSON Schema of one, `shown(read, rows)` makes rows with their names and actions fit for the reader.
    """

    decider: Decider[Any]
    view: View
    row: Shape
    shown: Callable[[Reader, list[Row]], Iterable[Row]] = _as_it_is

    def list(
        self, *order: str, power: str = "", own: str = "", by: Mapping[str, str] | None = None
    ) -> Callable[[Callable[..., None]], Callable[..., Row]]:
        """Declare a list by its filters; `order` are the fields that it can be sorted by, the first as it is sorted.

        `by` says for a filter of another name which one of the view it is (`{"since": "day__gte"}`); `power`, `own`: as of a query.
        """
        filters = by or {}

        def register(asked: Callable[..., None]) -> Callable[..., Row]:
            @wraps(asked)
            def read(read: Reader, *, order: str, limit: int, cursor: str, **ask: Any) -> Row:
                where = {filters.get(name, name): _wanted(value) for name, value in ask.items()}
                found = read.named_page(self.view.name, where, limit, cursor, order, self.decider)
                return found | {"rows": [*self.shown(read, found["rows"])]}

            fields = (*fields_of(asked, skip=0), *_paging(order))
            known = {filters.get(one.name, one.name).partition("__")[0] for one in fields[:-3]}
            if strange := (known | {one.removeprefix("-") for one in order}) - self.view.fields - {"key"}:
                raise TypeError(f"{where_of(asked)}: {self.view.name} cannot be found by {', '.join(sorted(strange))}")
            answer = page_of(self.row)
            self.decider.queries[asked.__name__] = Query(
                asked.__name__, read, about_of(asked), fields, answer, power, own
            )
            return read

        return register

    def one(self, about: str, **more: Shape) -> None:
        """Declare `get_…`: a thing by its id, with who may do what the reader may not; `about` says what it is."""
        decider = self.decider
        name, thing = decider.id_field, decider.category.replace("-", " ")

        def read(read: Reader, **ask: str) -> Row:
            (found,) = self.shown(read, [read.thing(self.view.name, ask[name], decider)])
            return found

        field = Field(name, id_of(decider.category), f"the {thing}", True)
        answer = with_fields(self.row, others=OTHERS, **more)
        query = f"get_{name.removesuffix('_id')}"
        decider.queries[query] = Query(query, read, about, (field,), answer)


def _wanted(value: Any) -> Any:
    """What rows are compared with: yes is 1, and no asks for nothing."""
    return (int(value) or None) if isinstance(value, bool) else value

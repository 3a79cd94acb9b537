"""What forms must know of the city: its lists, and the things that an id may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.gateway.portal import language, places, things
from services.gateway.portal.controls import Option
from services.gateway.portal.declared import Aggregate, aggregates, called
from services.gateway.portal.frame import Frame
from shared.domain.errors import BadInputError, DomainError, UnavailableError
from shared.domain.query import LARGEST_PAGE
from shared.domain.territory import lineage


class Known:
    """What forms must know of the city: as the registry says, and things from where they are listed."""

    def __init__(
        self,
        frame: Frame,
        of: Aggregate,
        row: Mapping[str, Any] | None = None,
        offered: Mapping[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        """`offered` are the only things of a kind to choose from, the best first."""
        self.thing = of.category
        self._service = of.service
        self._offered = offered or {}
        self._frame = frame
        self._row = row or {}
        post = frame.who().acting_post
        self._near = str(self._row.get("place") or (post.get("place", "") if post else ""))

    def codes(self, list_name: str) -> list[Option]:
        """The entries of one of the city's lists."""
        return [Option(code, words) for code, words in self._frame.entries(list_name).items()]

    def offered(self, name: str) -> set[str] | None:
        """The codes that this reader may choose among in a field; None for all."""
        rows = self._offered.get(name)
        return None if rows is None else {str(row[name]) for row in rows}

    def things(self, what: str) -> tuple[list[Option], bool]:
        """Things that an id may name (`post`, or one of several: `organisation|post`), those for the place at hand first.

        None where no list can be read.
        """
        found = [self._things(one) for one in what.split("|")]
        return [option for options, _whole in found for option in options], all(whole for _options, whole in found)

    def _things(self, what: str) -> tuple[list[Option], bool]:
        known = called(what)
        if known is not None and what in self._offered:
            return [Option(str(row[known.id_field]), self._named(known, row)) for row in self._offered[what]], True
        for of in self._listing(what):
            try:
                rows, whole = self._listed(of)
            except (DomainError, UnavailableError, BadInputError):
                continue
            rows.sort(key=self._distance)
            return [Option(str(row[of.id_field]), self._named(of, row)) for row in rows], whole
        return [], False

    def _listed(self, of: Aggregate) -> tuple[list[Mapping[str, Any]], bool]:
        """The things of a list, and whether these are all; what only staff of the place at hand may read is among them."""
        query = of.lists[0]
        ask: list[dict[str, str]] = [{}]
        if self._near and any(field.name == "place__under" for field in query.fields):
            ask.append({"place__under": self._near})
        pages = [self._frame.gateway.ask(of.service, query.name, limit=LARGEST_PAGE, **where) for where in ask]
        rows = {row[of.id_field]: row for page in pages for row in page["rows"] if of.id_field in row}
        return list(rows.values()), not any(page.get("next") for page in pages)

    def _listing(self, what: str) -> list[Aggregate]:
        """What lists things of a kind: its own lists, else those of the service at hand under the same ids, as volunteers are persons."""
        of = called(what)
        if of is None:
            return []
        alike = [one for one in aggregates(self._service).values() if one.id_field == of.id_field and one is not of]
        return [one for one in (of, *alike) if one.lists]

    def within(self, name: str) -> list[Option]:
        """What the thing says of a field: `items` for `item`, `criteria` for `criteria`, `issue_ids` for `issues`."""
        for listed in (f"{name}s", name, f"{name.removesuffix('s')}_ids"):
            rows = self._row.get(listed)
            if isinstance(rows, list) and rows:
                return [option(row) for row in rows]
        return []

    def levels(self, given: list[str], required: bool) -> list[dict[str, Any]]:
        """The levels of the choice of a place."""
        return places.levels(self._frame, given, required)

    def _named(self, of: Aggregate, row: Mapping[str, Any]) -> str:
        shown = things.shown(self._frame, of, row, 0)
        body = language.named(row, "organisation")
        parts = (body, shown["title"], "" if body else shown["place_name"], row.get("holder") or "")
        return " · ".join(str(part) for part in dict.fromkeys(parts) if part)

    def _distance(self, row: Mapping[str, Any]) -> tuple[int, int]:
        """Things for the place at hand or one around it come first, the closest before the others."""
        place = str(row.get("place", ""))
        around = lineage(self._near)
        return (0, around.index(place)) if place in around else (1, place.count("."))


def option(row: Any) -> Option:
    """An item of a thing: one with words, or an id."""
    return Option(str(row["code"]), language.term(row, row["code"])) if isinstance(row, Mapping) else Option(row, row)

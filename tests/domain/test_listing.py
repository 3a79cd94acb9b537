"""Lists and things to read follow from a view and a signature."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
import pytest

from shared.domain.answers import TEXT, row_of
from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.event import Event, taken
from shared.domain.fields import DAY, YES, line
from shared.domain.listing import Listing, Under
from shared.domain.mandate import Mandate
from shared.domain.query import declare_query
from shared.domain.reader import Reader
from shared.domain.view import Page, Row, View


class LampHung(Event, frozen=True, kw_only=True):
    lamp_id: str
    place: str


class Lamp(msgspec.Struct, frozen=True):
    id: str
    status: str = "unknown"
    place: str = ""


def lamps() -> Decider[Lamp]:
    return Decider("lamp", (LampHung,), Lamp, Lamp, lambda lamp, event: Lamp(**taken(event, Lamp, id=lamp.id)), str)


class Store:
    """Rows that say what they were asked for."""

    asked: tuple[Any, ...] = ()

    def find(self, *asked: Any) -> Page:
        self.asked = asked
        return Page([{"lamp_id": "l-1", "place": "350104", "status": "hangs"}], "more")

    def get(self, view: str, key: str) -> Row | None:
        return {"lamp_id": key, "place": "350104", "status": "hangs"} if key == "l-1" else None

    def get_many(self, view: str, keys: Iterable[str]) -> dict[str, Row]:
        return {}

    def checkpoint(self, follower: str) -> int:
        return 7


def reader(store: Store) -> Reader:
    return Reader(
        "lamps",
        store,
        Mandate(actor="p-1", role="resident"),
        City(store, "2025-03-04"),
        "2025-03-04",
        lambda text: text,
    )  # type: ignore[arg-type]


def listed(decider: Decider[Lamp]) -> Listing:
    view = View.of(decider, "lamps", ("place", "status", "hung_on", "dark"))
    row = row_of(decider, seen=TEXT)
    return Listing(decider, view, row, lambda read, rows: [one | {"seen": read.today} for one in rows])


def test_a_list_asks_for_what_its_filters_say_and_shows_each_row() -> None:
    decider, store = lamps(), Store()

    @listed(decider).list("-hung_on", "place", by={"since": "hung_on__gte"})
    def find_lamps(
        place__under: Under = "",
        since: Annotated[str, DAY, "on this day or later"] = "",
        dark: Annotated[bool, YES, "only dark ones"] = False,
    ) -> None:
        """Lamps of a place."""

    query = decider.queries["find_lamps"]
    assert [one.name for one in query.fields] == ["place__under", "since", "dark", "order", "limit", "cursor"]
    asked = {one.name: one.default for one in query.fields} | {"since": "2025-03-01"}
    found = query.answered(reader(store), asked | {"dark": True})
    assert store.asked == ("lamps", {"hung_on__gte": "2025-03-01", "dark": 1}, "-hung_on", 50, None)
    assert (found["rows"][0]["seen"], found["next"]) == ("2025-03-04", "more")
    query.answered(reader(store), asked | {"dark": False})
    assert "dark" not in store.asked[1]


def test_a_list_that_filters_or_sorts_by_what_its_view_is_not_found_by_is_refused_when_the_program_starts() -> None:
    def find_lamps(colour: Annotated[str, line(9), "of this colour"] = "") -> None:
        """Lamps of a colour."""

    with pytest.raises(TypeError, match=r"test_listing.py:\d+: find_lamps: lamps cannot be found by colour, watts"):
        listed(lamps()).list("watts")(find_lamps)


def test_a_thing_is_read_by_its_id_and_its_answer_says_who_may_do_the_rest() -> None:
    decider = lamps()
    listed(decider).one("A lamp.")
    query = decider.queries["get_lamp"]
    assert query.answered(reader(Store()), {"lamp_id": "l-1"})["seen"] == "2025-03-04"
    assert {"others", "seen", "lamp_id"} <= set(query.answer["required"])


def test_figures_say_which_position_they_reflect() -> None:
    def lamp_figures(read: Reader) -> Row:
        """How many lamps there are."""
        return {"lamps": 1}

    query = declare_query(lamp_figures, answer={"type": "object"}, as_of=True)
    assert query.answered(reader(Store()), {}) == {"lamps": 1, "as_of": {"service": "lamps", "position": 7}}
    assert query.answer["required"] == ["as_of"]

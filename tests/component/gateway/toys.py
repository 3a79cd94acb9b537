"""A service with one command for every control, answering over its real log and views, in a small city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from shared.domain.catalogue import KINDS
from shared.domain.city import City
from shared.domain.command import MADE
from shared.domain.decider import Decider
from shared.domain.errors import IllegalStateError, NotFoundError, from_mapping
from shared.domain.event import Event
from shared.domain.fields import (  # fmt: skip
    CODE,
    DAY,
    FEN,
    MOMENT,
    PLACE,
    YES,
    choice,
    code_of,
    id_of,
    line,
    number,
    text,
)
from shared.domain.mandate import Mandate
from shared.domain.query import Cursor, Limit, order_of
from shared.domain.reader import Reader
from shared.domain.structures import group, many, pairs  # fmt: skip
from shared.domain.view import View
from shared.domain.words import _, said
from shared.following.context import CallContext
from shared.following.definition import Definition
from shared.service.call import Call
from shared.service.service import Followed, serves
from tests.component.gateway.city import City as Memory
from tests.kit.desk import Desk


class ToyMade(Event, frozen=True, kw_only=True):
    """A toy was made."""

    toy_id: str
    place: str
    title: str
    said: str  # all arguments as JSON


class ToyPainted(Event, frozen=True, kw_only=True):
    """A toy was painted."""

    toy_id: str
    colour: str
    reason: str


class ToyBroken(Event, frozen=True, kw_only=True):
    """A toy was broken."""

    toy_id: str


class Toy(msgspec.Struct, frozen=True):
    """A toy."""

    id: str
    status: str = "unknown"
    place: str = ""
    title: str = ""
    said: str = ""
    colour: str = ""


def evolve(toy: Toy, event: Any) -> Toy:
    """Apply a fact."""
    match event:
        case ToyMade():
            return Toy(toy.id, "made", event.place, event.title, event.said)
        case ToyPainted():
            return msgspec.structs.replace(toy, status="painted", colour=event.colour)
    return msgspec.structs.replace(toy, status="broken")


TOY = Decider("toy", (ToyMade, ToyPainted, ToyBroken), Toy, Toy, evolve, lambda toy: toy.place)


class Part(msgspec.Struct, frozen=True):
    """A part of a toy."""

    name: Annotated[str, line(40), "what the part is"]
    price: Annotated[int, FEN, "what it costs"]
    spare: Annotated[bool, YES, "whether it is a spare"] = False


@TOY.command("visit.record", new=MADE)
def make_toy(
    toy: Toy,
    *,
    by: Mandate,
    at: str,
    city: City,
    title: Annotated[str, line(40), "what it is called"],
    about: Annotated[str, text(200), "what it is like"],
    place: Annotated[str, PLACE, "where it is"],
    category: Annotated[str, code_of("issue_categories"), "what it is about"],
    material: Annotated[str, choice("wood", "tin"), "what it is made of"],
    day: Annotated[str, DAY, "when it was made"],
    moment: Annotated[str, MOMENT, "when exactly"],
    size: Annotated[int, number(1, 10), "how big"],
    price: Annotated[int, FEN, "what it costs"],
    fragile: Annotated[bool, YES, "whether it breaks"] = False,
    names: Annotated[list[str], many(line(20)), "other names"] = [],  # noqa: B006  # never changed
    parts: Annotated[list[Part], many(group(Part)), "what it consists of"] = [],  # noqa: B006
    box: Annotated[Part | None, group(Part), "what it comes in"] = None,
    shares: Annotated[dict[str, int], pairs(CODE, number(0, 100)), "who paid how much"] = {},  # noqa: B006
    materials: Annotated[list[str], many(choice("wood", "tin")), "all materials"] = [],  # noqa: B006
    lists: Annotated[list[str], many(code_of("issue_categories")), "more categories"] = [],  # noqa: B006
    near: Annotated[str, id_of("toy"), "a toy that stands beside it"] = "",
    owner: Annotated[str, id_of("person"), "whose it is"] = "",
) -> list[Event]:
    """Make a toy."""
    city.known_place(place)
    if title == "bomb":
        raise IllegalStateError(_("a toy is no {title}"), {"title": said(_("unknown"))}, title=title)
    told = {name: value for name, value in locals().items() if name not in ("toy", "by", "at", "city")}
    text = msgspec.json.encode(told, order="sorted").decode()
    return [ToyMade(toy_id=toy.id, place=place, title=title, said=text)]


@TOY.command("visit.record", when=("made",))
def paint_toy(
    toy: Toy,
    *,
    by: Mandate,
    at: str,
    colour: Annotated[str, choice(*"abcdefgh"), "new colour"],
    reason: Annotated[str, text(100), "why"],
) -> list[Event]:
    """Paint a toy."""
    return [ToyPainted(toy_id=toy.id, colour=colour, reason=reason)]


@TOY.command("issue.accept", when=("made", "painted"))
def break_toy(toy: Toy, *, by: Mandate, at: str) -> list[Event]:
    """Break a toy."""
    return [ToyBroken(toy_id=toy.id)]


TOYS = View.of(TOY, "toys", ("place", "status"))


@TOY.query()
def find_toys(
    read: Reader,
    *,
    status: Annotated[str, choice("made", "painted"), "what became of it"] = "",
    place__under: Annotated[str, PLACE, "a place and everything below it"] = "",
    order: Annotated[str, order_of("place", "status"), "sorted by"] = "place",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Toys."""
    read.require("visit.record", place__under or read.by.place)
    page = read.page("toys", {"status": status, "place__under": place__under}, limit, cursor, order, TOY)
    return page | {"rows": read.city.named(page["rows"])}


@TOY.query()
def get_toy(read: Reader, *, toy_id: Annotated[str, id_of("toy"), "the toy"]) -> dict[str, Any]:
    """A toy with what may be done."""
    row = read.row("toys", toy_id, "toy")
    read.require("visit.record", row["place"])
    return row | {"actions": read.actions(TOY, row), "others": read.others(TOY, row)}


DEFINITION = Definition(name="toys", deciders=(TOY,), views=(TOYS,), sources=("registry",))


@serves(DEFINITION)
class ToyService(Followed):
    """Makes toys."""


class ServedCity(Memory):
    """The gateway's view of a city in which one service runs; the registry answers what pages ask of the city itself."""

    def __init__(self, folder: Path, service: str, cls: type) -> None:
        super().__init__()
        self.desk = Desk(service, folder)
        self._class = cls

    def call(
        self, service: str, method: str, context: CallContext, arguments: dict[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        self.calls.append((service, method, context, arguments))
        if service == self.desk.definition.name:
            return self._answer(method, context, arguments)
        city = self.desk.node.city()
        match method:
            case "posts_of_person":
                return {"posts": city.posts_of(arguments["person_id"])}
            case "find_places":
                rows = self.desk.node.views.find("city_places", limit=500).rows
                below = [row for row in rows if row["parent"] == arguments.get("parent", "")]
                return {
                    "rows": below or [row for row in rows if row["place"] == "350104"] * (not arguments.get("parent"))
                }
            case "get_place":
                row = city.place(arguments["place"])
                if row is None:
                    raise NotFoundError("there is no place")
                return row | {"above": []}
            case "get_profile":
                lists = {
                    kind: {code: {"zh": one.zh, "en": one.en} for code, one in city.entries(kind).items()}
                    for kind in KINDS
                    if kind not in ("levels", "roles", "parameters")
                }
                return {"city": "x", "levels": [], "roles": [], "code_lists": lists, "parameters": {}}
            case "person_names":
                return {"names": {}}
            case "offers":
                return {"commands": [], "lists": []}
        return {"rows": [], "next": None}

    def _answer(self, method: str, context: CallContext, arguments: dict[str, Any]) -> dict[str, Any]:
        signed = self.desk.signer.sign(context, f"{self.desk.definition.name}.{method}", arguments)
        service = self._class()
        service.here = Call(self.desk, signed)  # type: ignore[arg-type]
        answer: dict[str, Any] = getattr(service, method)(**arguments)
        self.desk.catch_up()
        if "error" in answer:
            raise from_mapping(answer["error"])
        return answer["ok"]  # type: ignore[no-any-return]

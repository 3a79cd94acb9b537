"""What a query reads with: this service's views, the city, who asks and what they may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.city import City, every
from shared.domain.decider import Decider
from shared.domain.errors import BadInputError, ForbiddenError, NotFoundError
from shared.domain.mandate import Mandate
from shared.domain.privacy import is_staff
from shared.domain.territory import EVERYWHERE
from shared.domain.view import Row, Rows, Tally, state_of
from shared.domain.words import _, said, term

#: Stands for a power of queries that staff of the place may ask, whatever powers their role gives.
STAFF = "staff"
#: Posts named for a command that the reader may not give.
CLOSEST = 3
#: Rows that are summed for one period at most.
LARGEST_PERIOD = 50_000
#: Before every day: what has no day yet belongs to no period.
FIRST = "0"


def offered(decider: Decider[Any], state: Any, by: Mandate, city: City) -> list[str]:
    """The commands that somebody may give to a thing in this state, in the order of their declaration."""
    return [name for name, command in decider.commands.items() if command.offered(state, by, city)]


def missing(thing: str, id: str, field: str = "") -> NotFoundError:
    """There is no such thing, or it is not for the reader to know (a word of the group `thing`, the field that named it)."""
    fields = {field: said(_("unknown"))} if field else {}
    return NotFoundError(_("there is no {thing} {id}"), fields, thing=term("thing", thing), id=id)


def within_period(day: str, place: str, since: str, until: str) -> dict[str, str]:
    """The filters of rows at a place and below whose day lies in a period; raises `BadInputError` where it has no day."""
    if since and until and since >= until:
        raise BadInputError(
            _("a period from {since} to before {until} has no day"),
            {"until": said(_("must be after {day}"), day=since)},
            since=since,
            until=until,
        )
    where = {"place__under": place, f"{day}__gte": since or FIRST, f"{day}__lt": until}
    return {name: bound for name, bound in where.items() if bound}


class Reader:
    """Handed to each query as its first argument.

    `by` is who asks, `today` the local day (ISO), `open` opens sealed text (None once erased), `service` the name of the service.
    """

    def __init__(
        self, service: str, rows: Rows, by: Mandate, city: City, today: str, open: Callable[[str], str | None]
    ) -> None:
        self.service = service
        self.rows = rows
        self.by = by
        self.city = city
        self.today = today
        self.open = open

    def staff(self, place: str) -> bool:
        """Whether the reader acts from a post that is for a place, or keeps the machines running."""
        return is_staff(self.by, place)

    def may(self, power: str, place: str = "") -> bool:
        """Whether the reader has a power at a place."""
        return self.by.may(power, place)

    def require(self, power: str, place: str = "") -> None:
        """Raise `ForbiddenError` unless the reader has a power at a place."""
        self.by.require(power, place)

    def reads(self, power: str, place: str) -> bool:
        """Whether the reader has a power at a place (or another: `a or b`), or with `STAFF` acts from any post that is for it."""
        return self.staff(place) if power == STAFF else any(self.may(one, place) for one in power.split(" or "))

    def require_reading(self, power: str, place: str) -> None:
        """Raise `ForbiddenError` unless the reader `reads` this."""
        if self.reads(power, place):
            return
        if power != STAFF:
            self.require(power.split(" or ")[-1], place)
        raise ForbiddenError(
            _("who it is about is for staff of the place; everybody reads the figures"), {"place": place or "*"}
        )

    def row(self, view: str, key: str, thing: str, field: str = "") -> Row:
        """A row that must be there; raises `NotFoundError` naming the thing (a word of the group `thing`)."""
        found = self.rows.get(view, key)
        if found is None:
            raise missing(thing, key, field)
        return found

    def page(
        self,
        view: str,
        where: Mapping[str, Any],
        limit: int,
        cursor: str | None,
        order: str = "key",
        of: Decider[Any] | None = None,
        shown: Callable[[Row], Row] | None = None,
    ) -> Row:
        """A page of a list, `{"rows", "next"}`; filters that are None, "" or [] are left out.

        `of` is the aggregate whose states the rows are: each then says which commands the reader may give. `shown` makes a row fit for
        the reader.
        """
        given = {name: value for name, value in where.items() if value not in (None, "", [], ())}
        page = self.rows.find(view, given, order, limit, cursor or None)
        rows = []
        for row in page.rows:
            actions = {"actions": self.actions(of, row)} if of else {}
            rows.append((shown(row) if shown else row) | actions)
        return {"rows": rows, "next": page.next}

    def named_page(self, *page: Any, **more: Any) -> Row:
        """A page as of `page`, its rows with the names of the places, organisations and posts that they mention."""
        found = self.page(*page, **more)
        return found | {"rows": self.city.named(found["rows"])}

    def thing(self, view: str, id: str, decider: Decider[Any]) -> Row:
        """A thing by its row, with the names that it mentions, what the reader may do to it, and who may do the rest.

        Raises `NotFoundError` when there is none.
        """
        row = self.row(view, id, decider.category, decider.id_field)
        (named,) = self.city.named([row])
        return named | {"actions": self.actions(decider, row), "others": self.others(decider, row)}

    def actions(self, decider: Decider[Any], row: Row) -> list[str]:
        """The commands that the reader may give to the thing of a row (of `View.of`) now."""
        return offered(decider, state_of(decider, row), self.by, self.city)

    def others(self, decider: Decider[Any], row: Row) -> list[Row]:
        """Who may do what the reader may not: commands that fit the thing now, each with the closest posts that have the power."""
        state = state_of(decider, row)
        place, mine = decider.place(state), set(offered(decider, state, self.by, self.city))
        found = []
        for name, command in decider.commands.items():
            if name not in mine and command.fits(state):
                posts = [post for power in command.powers() for post in self.city.posts_with(power, place)[:CLOSEST]]
                shown = ("post_id", "title", "title_en", "organisation_id", "place")
                found.append(
                    {"command": name, "posts": [{name: post[name] for name in shown} for post in posts[:CLOSEST]]}
                )
        return found

    def sums(self, tally: Tally, place: str, since: str = "", until: str = "") -> Row:
        """The sums of a place and everything below it, "" for the whole city; of a period those of the rows that began in it.

        The period is from a day to before another (ISO dates), "" for open. Raises `BadInputError` for none and for one of too many rows.
        """
        if not (since or until):
            return self.rows.get(tally.name, place or EVERYWHERE) or {}
        where = within_period(tally.day, place, since, until)
        if (count := self.rows.count(tally.counting, where)) > LARGEST_PERIOD:
            raise BadInputError(
                _("{count} are too many to be counted for one period; choose a shorter one, or a place below"),
                {"since": said(_("at most {most} in one period"), most=LARGEST_PERIOD)},
                count=count,
            )
        found: Row | None = None
        for row in every(self.rows, tally.counting, where):
            found = tally.move("", found, tally.counts(row))
        return found or {}

    def as_of(self, read: Callable[[], Row]) -> Row:
        """An answer with the position of the service's log that it reflects; read again when facts arrive in between."""
        follower = f"follow:{self.service}"
        position, answer = -1, {}
        for _attempt in range(10):
            position = self.rows.checkpoint(follower)
            answer = read()
            if self.rows.checkpoint(follower) == position:
                break
        return answer | {"as_of": {"service": self.service, "position": position}}

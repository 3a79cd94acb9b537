"""Commands, declared by the signature of the function that decides.

    @ISSUE.command("issue.extend", when=("dispatched", "accepted"), otherwise=_("only a dispatched issue has a time limit"))
    def extend_issue(
        issue: Issue, *, by: Mandate, at: str, city: City,
        reason: Annotated[str, text(1000), "why more time is needed"],
        due: Annotated[str, DAY, "last day of the time limit"] = "",
    ) -> list[Event]:
        \"\"\"Approve a later time limit; nobody approves their own (C12).\"\"\"

The name is that of the function, its arguments are read as `shared.domain.signature` says.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.city import City
from shared.domain.decider import Decider
from shared.domain.errors import ForbiddenError, IllegalStateError, NotFoundError
from shared.domain.event import Event
from shared.domain.fields import ID, Choice, Kind, Text
from shared.domain.mandate import Mandate
from shared.domain.masking import masked
from shared.domain.privacy import CONFIDENTIAL
from shared.domain.signature import Needs, about_of, fields_of, needs, where_of
from shared.domain.structures import Field
from shared.domain.words import Said, _, said, term

#: Names that no argument of a command has, because what carries it out is called with them.
TAKEN = frozenset(
    [
        "alone",
        "ask",
        "at",
        "by",
        "command",
        "context",
        "decide",
        "decider",
        "holds",
        "id",
        "log",
        "mandate",
        "repeated",
        "seal",
        "self",
        "state",
        "views",
        "wanted",
    ]
)


@dataclass(frozen=True)
class On:
    """Facts of another thing of the same service that a decision records together with its own: one act, one record.

    The decision must hold that thing; its version then says that nobody else wrote there meanwhile.
    """

    decider: Decider[Any]
    id: str
    events: tuple[Event, ...]


def on(decider: Decider[Any], id: str, *events: Event) -> On:
    """`return [ProjectClosed(…), on(LEDGER, ledger_id, LedgerClosed(…))]`."""
    return On(decider, id, events)


#: How a command names a thing that is not there yet: the program makes an id, the caller chooses one or leaves it to the program, or
#: the caller must give it (a place's path); or a function of what was asked and of who asks.
MADE, CHOSEN, GIVEN = "made", "chosen", "given"
New = str | Callable[[Mapping[str, Any], Mandate], str]


@dataclass(frozen=True, eq=False)
class Command:
    """A decision with everything that follows from its declaration."""

    name: str
    decider: Decider[Any]
    decide: Callable[..., Iterable[Event | On]]
    about: str
    power: str
    asked: tuple[Field, ...]
    needs: Needs
    when: tuple[str, ...]
    again: tuple[str, ...]
    otherwise: str
    new: New | None
    place: str | Callable[[Mapping[str, Any], Mandate], str]
    where: Callable[[Any, Mapping[str, Any], Mandate], str] | None
    owner: Callable[[Any, Mandate], bool] | None
    only: Callable[[Any, Mandate], Said | None] | None
    unless: Callable[[Any, Mandate, City], Said | None] | None
    erases: Callable[[Any], str | tuple[str, ...]] | None
    alone: bool
    late: int | None
    compares: bool
    offers: Mapping[str, str]
    id_kind: Kind

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.about.splitlines()[0]

    @property
    def id_field(self) -> Field | None:
        """The field that names the thing; None where the program makes or computes the id."""
        if callable(self.new) or self.new == MADE:
            return None
        chosen = self.new == CHOSEN
        about = (
            _("id of your choice; empty: one is made") if chosen else f"the {self.decider.category.replace('-', ' ')}"
        )
        return Field(self.decider.id_field, self.id_kind, about, not chosen, "")

    @property
    def fields(self) -> tuple[Field, ...]:
        """What callers send."""
        first = self.id_field
        return ((first,) if first else ()) + self.asked

    def id_of(self, ask: Mapping[str, Any], by: Mandate, made: Callable[[str], str]) -> str:
        """The id of the thing that is asked about; `made(category)` makes a new one."""
        if callable(self.new):
            return self.new(ask, by)
        if self.new == MADE:
            return made(self.decider.category)
        return ask[self.decider.id_field] or made(self.decider.category)

    @property
    def masks(self) -> tuple[str, ...]:
        """The arguments that are recorded as texts for everybody."""
        return tuple(one.name for one in self.asked if isinstance(one.kind, Text) and one.name in self.decider.told)

    def powers(self) -> tuple[str, ...]:
        """The powers that one of is needed; several where a field chooses among them (`payment.review.{body}`)."""
        head, brace, rest = self.power.partition("{")
        if not brace:
            return (self.power,)
        one = next(field for field in self.asked if field.name == rest.partition("}")[0])
        return tuple(head + code for code in one.kind.codes) if isinstance(one.kind, Choice) else (head + "*",)

    def give(self, state: Any, *, by: Mandate, ask: Mapping[str, Any], **given: Any) -> list[Event | On]:
        """Check and decide; `given` is everything that the decision takes but `by`. Raises the `DomainError` of either."""
        carried: list[Event | On] = []
        former = None if self.decider.exists(state) else self.decider.former
        if former is not None and (fact := former(state, given)) is not None:
            state, carried = self.decider.evolve(state, fact), [fact]
        self.check(state, by, ask, given)
        told = {name: masked(given[name]) for name in self.masks if isinstance(given.get(name), str)}
        given |= told  # before it is compared with what is recorded
        decided = list(self.decide(state, by=by, **given))
        return carried + decided if decided else []

    def check(self, state: Any, by: Mandate, ask: Mapping[str, Any], held: Mapping[str, Any] | None = None) -> None:
        """Raise `NotFoundError`, `ForbiddenError` or `IllegalStateError` unless this caller may do this to this thing now."""
        decider = self.decider
        exists = decider.exists(state)
        power = self.power.format(**ask)
        acting = (by, *by.unchosen)
        if not exists and self.new is None:
            if decider.hidden and not any(one.may(power, one.place) for one in acting):
                by.require(power)  # in the words in which it would be refused if there were one
            raise _missing(decider, state)
        if not self.owned(state, by, exists):
            for place in self.places(state, ask, by, exists, held or {}):
                if not any(one.may(power, place) for one in acting):  # a refusal would say where it is
                    if getattr(state, CONFIDENTIAL, False):
                        raise _missing(decider, state)
                    by.require(power, "" if exists and decider.hidden and self.where is None else place)
                by.require(power, place)
        if exists and self.new is None:
            if self.only is not None and (why := self.only(state, by)) is not None:
                raise ForbiddenError(why)
            self.check_status(state)

    def check_status(self, state: Any) -> None:
        """Raise `IllegalStateError` when the thing is in no status that the command fits."""
        if self.when and state.status not in (*self.when, *self.again):
            status = term(f"{self.decider.category} status", state.status)
            given = {
                "thing": term("thing", self.decider.category),
                "status": status,
                "command": term("command", self.name),
            }
            raise IllegalStateError(
                _("{command} is not possible while the {thing} is {status}") if not self.otherwise else self.otherwise,
                {"status": status},
                **given,
            )

    def owned(self, state: Any, by: Mandate, exists: bool) -> bool:
        """Whether the caller needs no power because it is their own thing."""
        return exists and self.owner is not None and self.owner(state, by)

    def places(
        self, state: Any, ask: Mapping[str, Any], by: Mandate, exists: bool, held: Mapping[str, Any]
    ) -> Iterator[str]:
        """Where the power is needed."""
        if self.where is not None:
            yield self.where(state, ask, by)
            return
        if exists:
            yield self.decider.place(state)
        if self.new is not None:
            yield self.asked_place(ask, by, held)

    def asked_place(self, ask: Mapping[str, Any], by: Mandate, held: Mapping[str, Any]) -> str:
        """Where a new thing is to be; raises `NotFoundError` when it is to be where a thing is that there is not."""
        if isinstance(self.place, str) and (where := self.needs.holds.get(self.place)) is not None:
            if not where.decider.exists(held[self.place]):
                raise _missing(where.decider, held[self.place])
            return where.decider.place(held[self.place])
        return self.place(ask, by) if callable(self.place) else str(ask.get(self.place, ""))

    def fits(self, state: Any) -> bool:
        """Whether the command makes sense for the thing as it is, whoever asks."""
        return self.new is None and self.decider.exists(state) and (not self.when or state.status in self.when)

    def offered(self, state: Any, by: Mandate, city: City) -> bool:
        """Whether this caller may do this to this thing now: what may still be refused is only what is filled in."""
        if not self.fits(state):
            return False
        # where else than at the thing's place is said when it is filled in
        place = self.decider.place(state) if self.where is None else by.place
        may = self.owned(state, by, True) or any(by.may(power, place) for power in self.powers())
        if not may or (self.only is not None and self.only(state, by) is not None):
            return False
        return self.unless is None or self.unless(state, by, city) is None


def _missing(decider: Decider[Any], state: Any) -> NotFoundError:
    thing, id = term("thing", decider.category), str(getattr(state, "id", ""))
    return NotFoundError(_("there is no {thing} {id}"), {decider.id_field: said(_("unknown"))}, thing=thing, id=id)


def declare(
    decider: Decider[Any],
    decide: Callable[..., Any],
    power: str,
    *,
    when: tuple[str, ...] = (),
    again: tuple[str, ...] = (),
    otherwise: str = "",
    new: New | None = None,
    place: str | Callable[[Mapping[str, Any], Mandate], str] = "place",
    where: Callable[[Any, Mapping[str, Any], Mandate], str] | None = None,
    owner: Callable[[Any, Mandate], bool] | None = None,
    only: Callable[[Any, Mandate], Said | None] | None = None,
    unless: Callable[[Any, Mandate, City], Said | None] | None = None,
    erases: Callable[[Any], str | tuple[str, ...]] | None = None,
    alone: bool = False,
    late: int | None = None,
    compares: bool = False,
    offers: Mapping[str, str] | None = None,
    id_kind: Kind = ID,
) -> Command:
    """Make a command of a decision.

    `power` is what the caller needs at the thing's place (for a new thing: at the argument `place`, or at the place of the held thing that
    `place` names), or only at `where(state, ask, by)`: a role is given by who may do so at the place that it serves, wherever the
    volunteer lives. Braces name a field that chooses the power. `when` are the statuses it is offered in, `again` those in which a
    repetition is passed on to the decision, which then answers that nothing changes; `otherwise` is the refusal in any other status (it
    may name {thing}, {status} and {command}). `new` says that the thing need not exist yet and how it gets its id. `owner(state, by)`
    says whose own thing it is: they need no power. `only(state, by)` is the reason why this caller, whatever powers they have, may not, or
    None. `unless(state, by, city)` is what the decision would refuse this caller with now, whatever they fill in, as far as rows tell: it
    is not offered then, and the decision decides. `erases(state)` is the subject whose key is destroyed afterwards, or all
    those of the thing that are gone by then. `alone` is for rules
    that look at rows of the service's own views: the decision is made on all that the log says, and written only if nothing else was
    written since. A command with `new` that decides nothing on a thing that is there is refused unless it says what was recorded;
    `compares` leaves that to the decision. `late` is how many days back it may be dated, 0 for never, whatever the city says; by default
    the city says it (`City.window`). `offers` says for a field which query of the same aggregate, asked with the thing's id and the name of
    the `command`, has the rows to choose from, or the codes that this caller may choose among.

    Raises `TypeError` at start, with file and reason, for a declaration that is not whole.
    """
    source = where_of(decide)
    if not power:
        raise TypeError(f"{source}: a command needs a power")
    if not {"by", "at"} <= set(inspect.signature(decide).parameters):
        raise TypeError(f"{source}: a decision takes `by` and `at`")
    fields, given = fields_of(decide), needs(decide)
    for name in (*(one.name for one in fields), *given.holds):
        if name in TAKEN:
            raise TypeError(f"{source}: no argument is named {name}; what carries a command out has one of that name")
    for name, held in given.holds.items():
        if isinstance(held.of, str) and held.of not in {one.name for one in fields}:
            raise TypeError(f"{source}: {name} is held by {held.of}, which is no field of the command")
    return Command(
        name=decide.__name__,
        decider=decider,
        decide=decide,
        about=about_of(decide),
        power=power,
        asked=fields,
        needs=given,
        when=when,
        again=again,
        otherwise=otherwise,
        new=new,
        place=place,
        where=where,
        owner=owner,
        only=only,
        unless=unless,
        erases=erases,
        alone=alone,
        late=late,
        compares=compares,
        offers=offers or {},
        id_kind=id_kind,
    )

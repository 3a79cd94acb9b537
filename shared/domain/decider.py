"""An aggregate: where its facts lie, how they fold, and what may be decided about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared.domain.event import Codec, Event
from shared.domain.privacy import classes_of

if TYPE_CHECKING:
    from shared.domain.command import Command
    from shared.domain.query import Query

State = TypeVar("State")


def _stands(state: Any) -> bool:
    return bool(state.status != "unknown")


def _unstamped(state: Any, event: Any) -> Any:
    return event


@dataclass(frozen=True, eq=False)
class Decider(Generic[State]):
    """An aggregate.

    `category` names its streams (`issue-<id>`), `facts` are its events, `initial(id)` is the state before any of them, `place(state)`
    the territory path that they are published under. `fold` is raised by hand whenever `evolve` may give another result, so that
    snapshots of older code are not used. `exists(state)` says whether there is such a thing yet. `named` is the field that carries the id
    where it is not `<category>_id`. `former(state, given)` is for things whose facts lay in the stream of another thing before they had
    one of their own: the fact that carries over what was said there, or None. It is given what the decision is given, and the fact is
    written before those of the first decision. `marks` are facts of the clock that only say that a day has passed: what happened before
    that day may still be entered after them, and nothing else may lie before what was recorded last. `stamp(state,
    fact)` adds to each fact what all facts of the thing say (that it is confidential).

    Decisions register themselves: `@ISSUE.command("issue.extend", when=…)`, `@ISSUE.query()` (see `shared.domain.command`).
    """

    category: str
    facts: tuple[type[Event], ...] | Codec
    state: type[State]
    initial: Callable[[str], State]
    evolve: Callable[[State, Any], State]
    place: Callable[[State], str]
    fold: int = 1
    exists: Callable[[State], bool] = _stands
    named: str = ""
    former: Callable[[Any, Mapping[str, Any]], Event | None] | None = None
    marks: tuple[type[Event], ...] = ()
    stamp: Callable[[State, Any], Any] = _unstamped
    commands: dict[str, Command] = field(default_factory=dict, repr=False)
    queries: dict[str, Query] = field(default_factory=dict, repr=False)

    @cached_property
    def codec(self) -> Codec:
        """Writes and reads the facts of this aggregate."""
        return self.facts if isinstance(self.facts, Codec) else Codec(self.facts)

    @cached_property
    def marking(self) -> frozenset[str]:
        """The names of the facts that only mark that a day has passed."""
        return frozenset(event.__name__ for event in self.marks)

    @cached_property
    def told(self) -> frozenset[str]:
        """Names of fields that hold texts for everybody in every fact that has them as text."""
        classes = [classes_of(event) for event in self.codec.events.values()]
        texts = {name for one in classes for name, found in one.items() if found.kind == "text"}
        return frozenset(
            texts - {name for one in classes for name, found in one.items() if found.kind not in ("text", "public")}
        )

    @cached_property
    def hidden(self) -> bool:
        """Whether its ids are those of persons, or made of them: that there is such a thing, and where, is not for everybody."""
        classes = (classes_of(event).get(self.id_field) for event in self.codec.events.values())
        return any(one is not None and one.kind == "staff" for one in classes)

    @property
    def id_field(self) -> str:
        """The name under which commands and rows carry the id: `issue_id`, `report_in_id`."""
        return self.named or self.category.replace("-", "_") + "_id"

    def stream(self, id: str) -> str:
        """The name of one aggregate's stream."""
        return f"{self.category}-{id}"

    @cached_property
    def shape(self) -> str:
        """What a snapshot must have been written with to be used."""
        return f"fold {self.fold}"

    def command(self, power: str, **options: Any) -> Callable[[Decision], Decision]:
        """Declare a decision as a command; the options are those of `shared.domain.command.declare`."""
        from shared.domain.command import declare  # it needs this class

        def register(decide: Decision) -> Decision:
            made = declare(self, decide, power, **options)
            if made.name in self.commands:
                raise TypeError(f"{self.category}: the command {made.name} is declared twice")
            self.commands[made.name] = made
            return decide

        return register

    def query(self, **options: Any) -> Callable[[Decision], Decision]:
        """Declare a function over a `Reader` as a query; the options are those of `shared.domain.query.declare_query`."""
        from shared.domain.query import declare_query  # it needs this class

        def register(read: Decision) -> Decision:
            made = declare_query(read, **options)
            self.queries[made.name] = made
            return read

        return register


Decision = TypeVar("Decision", bound=Callable[..., Any])

"""Given facts, when a decision is asked for, then these facts, nothing, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from shared.domain.command import On
from shared.domain.decider import Decider
from shared.domain.errors import LinliError
from shared.domain.event import Event
from shared.domain.mandate import Mandate

AT = "2025-03-04T09:00:00+08:00"
#: May do everything everywhere; specs about authority bring their own mandate.
ANYONE = Mandate(actor="p-any", role="any", organisation_id="o-any", post_id="post-any", powers=frozenset({"*"}))


def folded(decider: Decider[Any], id: str, *history: Event) -> Any:
    """The state after a history: what a decision gets for another thing that it holds."""
    state = decider.initial(id)
    for event in history:
        state = decider.evolve(state, event)
    return state


class Spec:
    """A history, and what one more command makes of it."""

    def __init__(self, decider: Decider[Any], id: str, history: tuple[Event, ...]) -> None:
        self.decider, self.id = decider, id
        self.state = decider.initial(id)
        for event in history:
            stored = decider.codec.decode(type(event).__name__, event.schema, decider.codec.encode(event))
            assert stored == event, "the event does not survive storage"
            self.state = decider.evolve(self.state, stored)
        again = msgspec.json.decode(msgspec.json.encode(self.state), type=decider.state)
        assert again == self.state, "the state does not survive a snapshot"

    def when(self, decide: Callable[..., Any], *, by: Mandate = ANYONE, at: str = AT, **arguments: Any) -> Spec:
        """Ask for a decision; what a declared command checks first (existence, power, owner, status) is checked here too."""
        command = self.decider.commands.get(getattr(decide, "__name__", ""))

        def ask(state: Any) -> list[Event | On]:
            if command is not None and command.decide is decide:
                given: Mapping[str, Any] = {field.name: field.default for field in command.asked if not field.required}
                asked = {command.decider.id_field: self.id} | given | arguments
                return command.give(state, by=by, ask=asked, at=at, **arguments)
            return list(decide(state, by=by, at=at, **arguments))

        self.ask = ask
        return self

    def then(self, *expected: Event | On) -> None:
        """These facts, and the same command given again writes nothing or is refused because it was done."""
        events = self.ask(self.state)
        assert events == list(expected)
        state = self.state
        for event in events:
            if not isinstance(event, On):
                state = self.decider.evolve(state, event)
        self.decider.place(state)
        try:
            assert self.ask(state) == [], "the command repeated writes something"
        except LinliError:
            pass

    def then_nothing(self) -> None:
        assert self.ask(self.state) == []

    def then_raises(self, error: type[LinliError], match: str) -> None:
        with pytest.raises(error, match=match):
            self.ask(self.state)


def given(decider: Decider[Any], id: str, *history: Event) -> Spec:
    """A spec on one aggregate with this history."""
    return Spec(decider, id, history)

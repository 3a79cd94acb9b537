"""A scenario as the runner sees it: loops unrolled, names replaced, everything in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.scenario.source import Where

#: Words in Chinese and English.
Words = Mapping[str, str]


@dataclass(frozen=True)
class Pending:
    """A value that an earlier step saves while the scenario runs."""

    name: str  # what the saved value is called
    shown: str  # how the file calls it


@dataclass(frozen=True)
class Joined:
    """A text with values in it that are saved while the scenario runs."""

    parts: tuple[str | Pending, ...]


@dataclass(frozen=True)
class Keyed:
    """A mapping whose names may be saved while the scenario runs, too."""

    entries: tuple[tuple[Any, Any], ...]


def pending(value: Any) -> Iterator[Pending]:
    """All values within a value that are saved while the scenario runs."""
    match value:
        case Pending():
            yield value
        case Joined():
            yield from (part for part in value.parts if isinstance(part, Pending))
        case Keyed():
            for entry in value.entries:
                yield from pending(list(entry))
        case dict():
            for part in value.values():
                yield from pending(part)
        case list():
            for part in value:
                yield from pending(part)


def resolved(value: Any, saved: Mapping[str, Any]) -> Any:
    """The value with everything saved put in; raises `KeyError` when something was not."""
    match value:
        case Pending():
            return saved[value.name]
        case Joined():
            return "".join(part if isinstance(part, str) else str(saved[part.name]) for part in value.parts)
        case Keyed():
            return {str(resolved(name, saved)): resolved(part, saved) for name, part in value.entries}
        case dict():
            return {name: resolved(part, saved) for name, part in value.items()}
        case list():
            return [resolved(part, saved) for part in value]
    return value


@dataclass(frozen=True)
class Call:
    """A command or query of a service, asked by somebody."""

    service: str
    name: str
    arguments: Any  # a mapping, in which values may be pending
    who: Any = "anonymous"  # operator, anonymous, the name of an account, or pending
    post: Any = ""

    @property
    def path(self) -> str:
        """Where the gateway has it."""
        return f"/api/{self.service}/{self.name}"

    @property
    def shown(self) -> str:
        """How the file writes it."""
        return f"{self.service}.{self.name}"


@dataclass(frozen=True)
class Step:
    """One thing to do. Steps of one number come from one step of the file and differ in what its loops run over."""

    number: str  # place of the step in the file: 12, or 12.3 within a loop
    turn: str  # which turn of the loops around it: 4, or 4.0; empty without
    where: Where = field(repr=False)  # not sent, as the next two: they may change without changing what is told
    line: int = field(repr=False)
    chapter: int = field(repr=False)
    at: str  # RFC 3339
    parallel: int = 1
    saves: Mapping[str, str] = field(default_factory=dict)  # saved name to path in the answer

    def key(self, scenario: str) -> str:
        """The idempotency key: the same in every run."""
        return f"{scenario}:{self.number}:{self.turn}" if self.turn else f"{scenario}:{self.number}"


@dataclass(frozen=True)
class Do(Step):
    """A command that must succeed, or must be refused for a reason."""

    call: Call = field(kw_only=True)
    refused: str = ""  # kind of the refusal; empty: it must succeed


@dataclass(frozen=True)
class Together(Step):
    """Commands sent at the same moment, of which exactly so many may succeed."""

    calls: tuple[Call, ...] = field(kw_only=True)
    succeed: int = field(kw_only=True)


@dataclass(frozen=True)
class Wait(Step):
    """A question asked again until the answer is as expected; `within` is in seconds."""

    call: Call = field(kw_only=True)
    path: str = field(kw_only=True)
    equals: Any = field(kw_only=True)
    within: int = 20


def calls(step: Step) -> tuple[Call, ...]:
    """What a step asks of services."""
    return step.calls if isinstance(step, Together) else (step.call,) if isinstance(step, Do | Wait) else ()


@dataclass(frozen=True)
class Figure:
    """A number that the events must give, as the answer of a query at the end."""

    title: Words
    rows: tuple[str, ...]  # rows of the catalogue
    where: Where
    call: Call
    path: str
    equals: Any
    parts: tuple[str, ...] = ()  # paths in the same answer whose sum it must be
    unit: str = ""


@dataclass(frozen=True)
class Account:
    """Somebody who signs in."""

    username: str
    person_id: str
    words: Words


@dataclass(frozen=True)
class Scenario:
    """A scenario that was read and found without mistakes. `steps` are in the order of time."""

    name: str
    title: Words
    about: Words
    accounts: Mapping[str, Account]
    chapters: tuple[Words, ...]
    steps: tuple[Step, ...]
    figures: tuple[Figure, ...]
    digest: str  # of everything that is sent

    @property
    def count(self) -> int:
        """How many steps there are, with each turn of a loop counted."""
        return len(self.steps)

    def batches(self, after: int = 0) -> Iterator[tuple[Step, ...]]:
        """Steps beyond the first `after` that may be sent at a time: neighbours of one number, up to `parallel`."""
        batch: list[Step] = []
        for step in self.steps[after:]:
            if batch and (step.number != batch[0].number or len(batch) >= step.parallel):
                yield tuple(batch)
                batch = []
            batch.append(step)
        if batch:
            yield tuple(batch)

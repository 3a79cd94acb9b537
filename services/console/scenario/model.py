"""A scenario for the runner: loops unrolled, names replaced, steps in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.scenario.source import Where

#: Words in Chinese and English.
Words = Mapping[str, str]


@dataclass(frozen=True)
class Pending:
    """A value that an earlier step saves during the run."""

    name: str  # name of the saved value
    shown: str  # name in the file


@dataclass(frozen=True)
class Joined:
    """A text that contains pending values."""

    parts: tuple[str | Pending, ...]


@dataclass(frozen=True)
class Keyed:
    """A mapping whose keys may be pending too."""

    entries: tuple[tuple[Any, Any], ...]


def pending(value: Any) -> Iterator[Pending]:
    """Yield all pending values within a value."""
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
    """Return the value with pending values replaced; raises `KeyError` for one that was not saved."""
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
    """A command or query of a service by an account."""

    service: str
    name: str
    arguments: Any  # a mapping, in which values may be pending
    who: Any = "anonymous"  # operator, anonymous, the name of an account, or pending
    post: Any = ""

    @property
    def path(self) -> str:
        """The path at the gateway."""
        return f"/api/{self.service}/{self.name}"

    @property
    def shown(self) -> str:
        """The notation of the file."""
        return f"{self.service}.{self.name}"


@dataclass(frozen=True)
class Step:
    """One step to run. Steps with one number come from one step of the file and differ in the turn of its loops."""

    number: str  # place of the step in the file: 12, or 12.3 within a loop
    turn: str  # which turn of the loops around it: 4, or 4.0; empty without
    where: Where = field(repr=False)  # not sent, as the next two: changing them does not change the digest
    line: int = field(repr=False)
    chapter: int = field(repr=False)
    at: str  # RFC 3339
    parallel: int = 1
    bulk: int = 1
    saves: Mapping[str, str] = field(default_factory=dict)  # saved name to path in the answer

    def key(self, scenario: str) -> str:
        """The idempotency key, the same in every run."""
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
    """A query that is repeated until its answer is as expected; `within` is in seconds."""

    call: Call = field(kw_only=True)
    path: str = field(kw_only=True)
    equals: Any = field(kw_only=True)
    within: int = 20


def calls(step: Step) -> tuple[Call, ...]:
    """Return the calls of a step."""
    return step.calls if isinstance(step, Together) else (step.call,) if isinstance(step, Do | Wait) else ()


@dataclass(frozen=True)
class Figure:
    """An expected number in the answer of a query at the end of the run."""

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
    """An account that signs in."""

    username: str
    person_id: str
    words: Words


def _act(step: Step) -> tuple[Any, ...]:
    """When and by whom a command is given, and from which post."""
    call = calls(step)[0]
    return step.at, call.who, call.post


@dataclass(frozen=True)
class Scenario:
    """A checked scenario; `steps` are in order of time."""

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
        """The number of steps, with each turn of a loop counted."""
        return len(self.steps)

    def batches(self, after: int = 0) -> Iterator[tuple[Step, ...]]:
        """Yield the steps after the first `after` in batches to send at once.

        They are neighbours of one number, up to `parallel`; or up to `bulk`, of one moment and one account, which are one commit.
        """
        batch: list[Step] = []
        for step in self.steps[after:]:
            if batch and (
                step.number != batch[0].number
                or len(batch) >= max(step.parallel, step.bulk)
                or (step.bulk > 1 and _act(step) != _act(batch[0]))
            ):
                yield tuple(batch)
                batch = []
            batch.append(step)
        if batch:
            yield tuple(batch)

"""The one place that reads, folds, decides, appends and retries."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Generic, TypeVar

import msgspec

from shared.errors import ConcurrencyError, DomainError
from shared.event import Codec, Event
from shared.identity import new_id
from shared.log import Commit, EventLog, NewEvent, Receipt
from shared.runtime.authority import Mandate
from shared.runtime.context import Context

State = TypeVar("State")

#: Events of a stream after which its fold is stored, so that loading never costs more than reading so many.
SNAPSHOT_EVERY = 20
#: How often a decision is made again because somebody else was faster.
ATTEMPTS = 20


@dataclass(frozen=True)
class Decider(Generic[State]):
    """An aggregate: where its events lie and how they fold.

    `category` names its streams (`issue-<id>`), `initial(id)` is the state before any event, `place(state)` the territory path
    that its facts are published under.
    """

    category: str
    codec: Codec
    state: type[State]
    initial: Callable[[str], State]
    evolve: Callable[[State, Any], State]
    place: Callable[[State], str]

    def stream(self, id: str) -> str:
        """The name of one aggregate's stream."""
        return f"{self.category}-{id}"

    @cached_property
    def shape(self) -> str:
        """Changes whenever the fold may give another result, so that snapshots of older code are not used."""
        module = inspect.getmodule(self.evolve)
        source = inspect.getsource(module) if module else inspect.getsource(self.evolve)
        return sha256((source + str(msgspec.json.schema(self.state))).encode()).hexdigest()[:16]


def load(log: EventLog, decider: Decider[State], id: str) -> tuple[State, int]:
    """The state of an aggregate and its version, from the snapshot and the events after it."""
    state, version, _ = _load(log, decider, id)
    return state, version


def _load(log: EventLog, decider: Decider[State], id: str) -> tuple[State, int, int]:
    """The state, its version, and the version of the snapshot it started from (0: none)."""
    stream = decider.stream(id)
    state, version = decider.initial(id), 0
    snapshot = log.storage.snapshot(stream)
    if snapshot is not None and snapshot[1] == decider.shape:
        version = snapshot[0]
        state = msgspec.json.decode(snapshot[2], type=decider.state)
    started = version
    decode, evolve = decider.codec.decode, decider.evolve
    for record in log.read_stream(stream, version):
        state = evolve(state, decode(record.type, record.schema, record.data))
        version = record.version
    return state, version, started


def execute(
    log: EventLog,
    decider: Decider[State],
    id: str,
    decide: Callable[..., list[Event]],
    *,
    context: Context,
    mandate: Mandate,
    command: str,
    **arguments: Any,
) -> Receipt:
    """Decide on an aggregate and append what was decided; repeating a `command_id` returns the first receipt.

    `decide(state, by=mandate, at=occurred, **arguments)` returns events. Raises the `DomainError` of the decision, and
    `ConcurrencyError` when others change the aggregate faster than this can decide.
    """
    stream = decider.stream(id)
    for attempt in range(ATTEMPTS):
        state, version, snapshot_version = _load(log, decider, id)
        try:
            events = decide(state, by=mandate, at=context.occurred, **arguments)
        except DomainError:
            if receipt := log.receipt(context.command_id, command, stream):
                return receipt
            raise
        if not events:
            return log.receipt(context.command_id, command, stream) or _unchanged(
                stream, version, command, context.command_id
            )
        for event in events:
            state = decider.evolve(state, event)
        commit = Commit(
            stream=stream,
            expected_version=version,
            events=tuple(
                NewEvent(
                    type=type(event).__name__,
                    schema=event.schema,
                    data=msgspec.Raw(decider.codec.encode(event)),
                    id=new_id(),
                    occurred=context.occurred,
                )
                for event in events
            ),
            command=command,
            command_id=context.command_id,
            actor=mandate.actor,
            on_behalf_of=mandate.organisation_id,
            mandate=mandate.post_id,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            place=decider.place(state),
        )
        try:
            receipt = log.append(commit)
        except ConcurrencyError:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        if receipt.version - snapshot_version >= SNAPSHOT_EVERY and receipt.version == version + len(events):
            log.storage.save_snapshot(stream, receipt.version, decider.shape, msgspec.json.encode(state))
        return receipt
    raise AssertionError("unreachable")


def _unchanged(stream: str, version: int, command: str, command_id: str) -> Receipt:
    return Receipt(
        stream=stream, version=version, position=0, events=0, command=command, command_id=command_id, time="", digest=""
    )

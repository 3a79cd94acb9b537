"""The one place that reads, folds, decides, appends and retries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from shared.domain.decider import Decider, State
from shared.domain.errors import ConcurrencyError, DomainError, UnavailableError
from shared.domain.event import Event
from shared.domain.identity import new_id
from shared.domain.mandate import Mandate
from shared.domain.record import Record
from shared.following.context import Context
from shared.log import Commit, EventLog, NewEvent, Receipt
from shared.log.remembered import Folded

#: Events of a stream after which its fold is stored, so that loading never costs more than reading so many.
SNAPSHOT_EVERY = 20
#: How often a decision is made again because somebody else was faster.
ATTEMPTS = 20


def load(log: EventLog, decider: Decider[State], id: str) -> tuple[State, int]:
    """The state of an aggregate and its version, from the snapshot and the events after it."""
    found = _load(log, decider, id)
    return found.state, found.version


def _remembered(log: EventLog, decider: Decider[State], id: str) -> Folded | None:
    """What this process knows of an aggregate without asking: the state it loaded or wrote last, or that of one that is not there yet.

    Others may have written since. None when this process has itself.
    """
    stream, shape = decider.stream(id), decider.shape
    known = log.remembered.state(stream, shape) or Folded(shape, decider.initial(id), 0, 0)
    return known if log.remembered.expect(stream, known.version) else None


def _load(log: EventLog, decider: Decider[State], id: str) -> Folded:
    """The state of an aggregate as the log has it.

    A state that this process loaded before is brought up to date with what has been written since, by whomever. Another one is
    loaded from its snapshot, which a long stream has, and the events after it.
    """
    stream, shape = decider.stream(id), decider.shape
    if known := log.remembered.state(stream, shape):
        state, version = _fold(decider, known.state, known.version, log.read_stream(stream, known.version))
        snapshot = known.snapshot
    else:
        state, snapshot = decider.initial(id), 0
        stored = log.storage.snapshot(stream)
        if stored is not None and stored[1] == shape:
            snapshot, state = stored[0], msgspec.json.decode(stored[2], type=decider.state)
        state, version = _fold(decider, state, snapshot, log.read_stream(stream, snapshot))
    return log.remembered.keep(stream, Folded(shape, state, version, snapshot))


def _fold(decider: Decider[State], state: State, version: int, records: Iterable[Record]) -> tuple[State, int]:
    decode, evolve = decider.codec.decode, decider.evolve
    for record in records:
        state = evolve(state, decode(record.type, record.schema, record.data))
        version = record.version
    return state, version


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

    `decide(state, by=mandate, at=occurred, **arguments)` returns events. It is asked first with what this process remembers: if it
    decides anything, the log accepts that only where nobody has written since. Otherwise it is asked with what the log says.

    Raises the `DomainError` of the decision, and `ConcurrencyError` when others change the aggregate faster than this can decide.
    """
    stream = decider.stream(id)
    for attempt in range(ATTEMPTS):
        remembered = None if attempt else _remembered(log, decider, id)
        found = remembered or _load(log, decider, id)
        try:
            events = decide(found.state, by=mandate, at=context.occurred, **arguments)
            state, written = _written(decider, found.state, events, context.occurred)
            place = decider.place(state) if written else ""
        except Exception as error:  # of whatever kind: on what is only remembered it may be wrong
            if remembered:
                continue
            if isinstance(error, DomainError) and (receipt := log.receipt(context.command_id, command, stream)):
                return receipt
            raise
        if not written:
            if remembered:
                continue
            return log.receipt(context.command_id, command, stream) or _unchanged(
                stream, found.version, command, context.command_id
            )
        commit = Commit(
            stream=stream,
            expected_version=found.version,
            events=written,
            command=command,
            command_id=context.command_id,
            actor=mandate.actor,
            on_behalf_of=mandate.organisation_id,
            mandate=mandate.post_id,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            place=place,
        )
        try:
            receipt = log.append(commit)
        except ConcurrencyError:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        if log.remembered.wrote(stream, written[0].id):
            folded = Folded(decider.shape, state, receipt.version, _kept(log, decider, stream, found))
            log.remembered.keep(stream, folded)
        else:  # a twin of this command was faster, here or in another process
            log.remembered.drop(stream)
        return receipt
    raise AssertionError("unreachable")


def _written(
    decider: Decider[State], state: State, events: Iterable[Event], occurred: str
) -> tuple[State, tuple[NewEvent, ...]]:
    """The events as they are stored, and the state after them, folded from what will be read."""
    written: list[NewEvent] = []
    for event in events:
        data = decider.codec.encode(event)
        name, schema = type(event).__name__, event.schema
        written.append(NewEvent(type=name, schema=schema, data=msgspec.Raw(data), id=new_id(), occurred=occurred))
        state = decider.evolve(state, decider.codec.decode(name, schema, data))
    return state, tuple(written)


def _kept(log: EventLog, decider: Decider[Any], stream: str, found: Folded) -> int:
    """The version of the stored snapshot, after a new one is stored when it is time: of a state that the log has just confirmed."""
    if found.version - found.snapshot < SNAPSHOT_EVERY:
        return found.snapshot
    try:
        log.storage.save_snapshot(stream, found.version, decider.shape, msgspec.json.encode(found.state))
    except UnavailableError:  # the command is in the log all the same; the next one stores it
        return found.snapshot
    return found.version


def _unchanged(stream: str, version: int, command: str, command_id: str) -> Receipt:
    return Receipt(
        stream=stream, version=version, position=0, events=0, command=command, command_id=command_id, time="", digest=""
    )

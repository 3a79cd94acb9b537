"""The one place that reads, folds, decides, appends and retries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.domain.command import On
from shared.domain.decider import Decider, State
from shared.domain.errors import ConcurrencyError, DomainError, IllegalStateError, UnavailableError
from shared.domain.event import Event, seals_of
from shared.domain.identity import new_id
from shared.domain.mandate import Mandate
from shared.domain.masking import with_masked_texts
from shared.domain.moments import IMPORTED, Span, before, later, shown
from shared.domain.signature import Holds
from shared.domain.words import _, said, term
from shared.following.context import CallContext
from shared.following.snapshots import fold, folded, store
from shared.log import Commit, EventLog, NewEvent, Part, Receipt
from shared.log.remembered import Folded

#: Events of a stream after which its fold is stored, so that loading never costs more than reading so many.
SNAPSHOT_EVERY = 20
#: How often a decision is made again because somebody else was faster.
ATTEMPTS = 20
#: The longest pause between two such decisions, in seconds. Without pauses who lost once would lose on: it must read, the winner need not.
LONGEST_PAUSE = 0.25

#: Encrypts a personal text with the key of its subject.
Sealing = Callable[[str, str], str]


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


def remembered_state(log: EventLog, decider: Decider[State], id: str) -> State | None:
    """The state that this process loaded or wrote last, without asking; None when it knows none."""
    known = log.remembered.state(decider.stream(id), decider.shape)
    return known.state if known is not None else None


def _load(log: EventLog, decider: Decider[State], id: str) -> Folded:
    """The state of an aggregate as the log has it.

    A state that this process loaded before is brought up to date with what has been written since, by whomever. Another one is
    loaded from its snapshot, which a long stream has, and the events after it.
    """
    stream, shape = decider.stream(id), decider.shape
    if (known := log.remembered.state(stream, shape)) is not None:
        return log.remembered.keep(stream, fold(decider, known, log.read_stream(stream, known.version)))
    return log.remembered.keep(stream, folded(log, decider, id, log.codes))


class _Held(msgspec.Struct, frozen=True):
    """Other things that a decision relies on, by stream."""

    folded: dict[str, tuple[Decider[Any], Folded]]
    arguments: dict[str, Any]

    def versions(self) -> dict[str, int]:
        return {stream: found.version for stream, (_decider, found) in self.folded.items()}


def _hold(log: EventLog, holds: Mapping[str, Holds], state: Any, ask: Mapping[str, Any], by: Mandate) -> _Held:
    """Load the states that a decision asks for besides its own."""
    folded: dict[str, tuple[Decider[Any], Folded]] = {}
    arguments: dict[str, Any] = {}

    def one(decider: Decider[Any], id: str) -> Any:
        stream = decider.stream(id)
        if stream not in folded:
            folded[stream] = decider, _load(log, decider, id)
        return folded[stream][1].state

    for name, held in holds.items():
        ids = held.ids(state, ask, by)
        if isinstance(ids, str):
            arguments[name] = one(held.decider, ids) if ids else None
        else:
            arguments[name] = {id: one(held.decider, id) for id in ids}
    return _Held(folded, arguments)


def execute(
    log: EventLog,
    decider: Decider[State],
    id: str,
    decide: Callable[..., Iterable[Event | On]],
    *,
    context: CallContext,
    mandate: Mandate,
    command: str,
    holds: Mapping[str, Holds] | None = None,
    seal: Sealing | None = None,
    alone: Callable[[], int] | None = None,
    repeated: Callable[[Any, Mapping[str, Any]], None] | None = None,
    **arguments: Any,
) -> Receipt:
    """Decide on an aggregate and append what was decided; repeating a `command_id` with the same content returns the first receipt.

    `decide(state, by=mandate, at=occurred, **held, **arguments)` returns facts of the aggregate, and facts `on` others that it holds.
    Within one thing time does not run backwards: what somebody says happened before the last fact is refused, and what happens at once,
    by policy or by the clock, takes the later of both moments.

    The decision is asked first with what this process remembers: if it decides anything, the log accepts that only where nobody has
    written since. Otherwise it is asked with what the log says. `holds` names the other things whose states the decision gets, and which
    must be at the same version when it is written. `alone()` makes the views reflect the whole log and returns its head: what is decided
    then is written only at that head. `repeated(state, held)` may refuse a new command that decided nothing. `seal` encrypts the personal
    fields of the facts.

    Raises the `DomainError` of the decision, `BadInputError` when the command id was used for something else, and `ConcurrencyError` when
    others change the aggregate faster than this can decide.
    """
    stream = decider.stream(id)

    def first() -> Receipt | None:
        return log.receipt(context.command_id, command, stream, context.content)

    for attempt in range(ATTEMPTS):
        head = alone() if alone else None
        remembered = None if attempt or holds or alone else _remembered(log, decider, id)
        found = remembered or _load(log, decider, id)
        try:
            held = _hold(log, holds or {}, found.state, arguments, mandate)
            at = context.occurred
            if context.at_once or context.kind == "service":
                at = later(at, found.span.latest, *(other.span.latest for _decider, other in held.folded.values()))
            decided = decide(found.state, by=mandate, at=at, **held.arguments, **arguments)
            acts = _acts(decider, id, found, held, decided, at, seal)
            if acts:
                _in_order(acts, held, at)
        except Exception as error:  # of whatever kind: on what is only remembered it may be wrong
            if remembered:
                continue
            if isinstance(error, DomainError) and (receipt := first()):
                return receipt
            raise
        if not acts:
            if remembered:
                continue
            if (receipt := first()) is not None:
                return receipt
            if repeated is not None:
                repeated(found.state, held.arguments)
            return _unchanged(stream, found.version, command, context.command_id)
        own, *others = acts
        written = {act.stream for act in acts}
        commit = Commit(
            stream=stream,
            expected_version=found.version,
            events=own.events,
            command=command,
            command_id=context.command_id,
            actor=mandate.actor,
            on_behalf_of=mandate.organisation_id,
            mandate=mandate.post_id,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id or (IMPORTED + context.imported if context.imported else ""),
            place=own.place,
            also=tuple(
                Part(stream=act.stream, expected_version=act.found.version, events=act.events, place=act.place)
                for act in others
            ),
            held={name: version for name, version in held.versions().items() if name not in written},
            alone=head,
            content=context.content,
        )
        try:
            receipt = log.append(commit)
        except ConcurrencyError:
            if attempt == ATTEMPTS - 1:
                raise
            _step_aside(attempt)
            continue
        for act in acts:
            if log.remembered.wrote(act.stream, act.events[0].id):
                version = act.found.version + len(act.events)
                kept = _kept(log, act.decider, act.stream, act.found)
                state = Folded(act.decider.shape, act.state, version, kept, act.span, receipt.digest)
                log.remembered.keep(act.stream, state)
            else:  # a twin of this command was faster, here or in another process
                log.remembered.drop(act.stream)
        return receipt
    raise AssertionError("unreachable")


def _step_aside(attempt: int) -> None:
    """Wait a random while, longer after each loss; after the first not at all, since what was decided on may just have been old."""
    if attempt:
        time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.001 * 2**attempt)))


class _Act(msgspec.Struct, frozen=True):
    """What is written to one stream, and the state after it."""

    decider: Decider[Any]
    stream: str
    found: Folded
    events: tuple[NewEvent, ...]
    state: Any
    span: Span
    place: str


def _in_order(acts: Sequence[_Act], held: _Held, at: str) -> None:
    """Raise `IllegalStateError` for what is dated before the last fact of what it changes, or the first of what it relies on."""
    for act in acts:
        if before(at, act.found.span.latest):
            raise IllegalStateError(
                _(
                    "it is dated {occurred}, but the last that is known of the {thing} is of {latest}; nothing before that can be added"
                ),
                {"occurred": said(_("before the last that is recorded"))},
                occurred=shown(at),
                thing=term("thing", act.decider.category),
                latest=shown(act.found.span.latest),
            )
    for decider, other in held.folded.values():
        if before(at, other.span.began):
            raise IllegalStateError(
                _("it is dated {occurred}, and the {thing} that it is about exists only from {began} on"),
                {"occurred": said(_("too early"))},
                occurred=shown(at),
                thing=term("thing", decider.category),
                began=shown(other.span.began),
            )


def _acts(
    decider: Decider[Any],
    id: str,
    found: Folded,
    held: _Held,
    decided: Iterable[Event | On],
    occurred: str,
    seal: Sealing | None,
) -> list[_Act]:
    """What a decision writes, its own stream first; nothing when it decided nothing."""
    own: list[Event] = []
    others: dict[str, tuple[Decider[Any], list[Event]]] = {}
    for one in decided:
        if isinstance(one, On):
            others.setdefault(one.decider.stream(one.id), (one.decider, []))[1].extend(one.events)
        else:
            own.append(one)
    if not own:
        if any(events for _, events in others.values()):
            raise TypeError(f"a decision on {decider.category} {id} wrote on others without a fact of its own")
        return []
    acts = [_act(decider, decider.stream(id), found, own, occurred, seal)]
    for stream, (other, events) in others.items():
        if stream not in held.folded:
            raise TypeError(f"a decision on {decider.category} {id} wrote on {stream} without holding it")
        if events:
            acts.append(_act(other, stream, held.folded[stream][1], events, occurred, seal))
    return acts


def _act(
    decider: Decider[Any], stream: str, found: Folded, events: Sequence[Event], occurred: str, seal: Sealing | None
) -> _Act:
    """The events as they are stored, and the state after them, folded from what will be read."""
    written: list[NewEvent] = []
    state, span = found.state, found.span
    for event in events:
        event = _sealed(with_masked_texts(decider.stamp(state, event)), seal)
        data = decider.codec.encode(event)
        name, schema = type(event).__name__, event.schema
        written.append(NewEvent(type=name, schema=schema, data=msgspec.Raw(data), id=new_id(), occurred=occurred))
        state = decider.evolve(state, decider.codec.decode(name, schema, data))
        span = span.to(occurred, name in decider.marking)
    return _Act(decider, stream, found, tuple(written), state, span, decider.place(state))


def _sealed(event: Event, seal: Sealing | None) -> Event:
    """The fact with its personal fields encrypted."""
    hidden = {
        name: seal(mark.subject(event), getattr(event, name)) if seal else getattr(event, name)
        for name, mark in seals_of(type(event)).items()
        if getattr(event, name) and mark.when(event)
    }
    if hidden and seal is None:
        raise TypeError(f"{type(event).__name__} has personal fields, and nothing to seal them with")
    return replace(event, **hidden) if hidden else event


def _kept(log: EventLog, decider: Decider[Any], stream: str, found: Folded) -> int:
    """The version of the stored snapshot, after a new one is stored when it is time: of a state that the log has just confirmed."""
    if found.version - found.snapshot < SNAPSHOT_EVERY:
        return found.snapshot
    try:
        store(log, decider, stream, found, log.codes)
    except UnavailableError:  # the command is in the log all the same; the next one stores it
        return found.snapshot
    return found.version


def _unchanged(stream: str, version: int, command: str, command_id: str) -> Receipt:
    return Receipt(
        stream=stream, version=version, position=0, events=0, command=command, command_id=command_id, time="", digest=""
    )

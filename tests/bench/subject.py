"""What is measured: a case that is handed from person to person, the same facts for Linli and for the library beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from shared.domain.decider import Decider
from shared.domain.event import Codec, Event
from shared.domain.identity import new_id
from shared.domain.mandate import Mandate
from shared.following.context import CallContext
from shared.log import Commit, EventLog, Head, NewEvent
from shared.log.record import place_commit

#: Fields of every fact, besides the case it belongs to; some 170 bytes of JSON.
FIELDS = {
    "organisation_id": "org-350104-013-002",
    "person_id": "person-3f0c9a52b7d1",
    "duty": "修复路灯并回访报修人",
    "due": "2026-03-06",
    "calendar": "cn-2026.1",
}
TIME = "2026-03-01T09:00:00+08:00"
MANDATE = Mandate(
    actor="person-1", role="grid_leader", organisation_id="org-1", post_id="post-1", powers=frozenset({"*"})
)


class CaseDispatched(Event, frozen=True, kw_only=True):
    """Somebody became accountable, for what and until when."""

    schema = 2
    case_id: str
    organisation_id: str
    person_id: str
    duty: str
    due: str
    calendar: str


class Case(msgspec.Struct, frozen=True):
    """The case as its facts make it."""

    id: str
    handed: int = 0
    person_id: str = ""
    due: str = ""


def evolve(case: Case, event: CaseDispatched) -> Case:
    """Apply a fact."""
    return Case(case.id, case.handed + 1, event.person_id, event.due)


def dispatch(case: Case, *, by: Any, at: str) -> list[Event]:
    """Hand the case on."""
    return [CaseDispatched(case_id=case.id, **FIELDS)]


#: Facts of the first shape lacked the calendar.
CODEC = Codec((CaseDispatched,), {("CaseDispatched", 1): lambda data: data | {"calendar": "cn-2025.1"}})
CASE = Decider("case", CODEC, Case, Case, evolve, lambda case: "350104.013.002.007")


def context() -> CallContext:
    """The context of one command."""
    ids = {"command_id": new_id(), "correlation_id": new_id()}
    return CallContext(kind="person", actor="person-1", occurred=TIME, fresh=True, **ids)


def commit(stream: str, version: int, events: int = 1, schema: int = 2) -> Commit:
    """A commit of serialised facts, as a decision would have made it."""
    fact = CODEC.encode(CaseDispatched(case_id=stream, **FIELDS))
    if schema == 1:
        fact = msgspec.json.encode(
            {name: value for name, value in msgspec.json.decode(fact).items() if name != "calendar"}
        )
    new = tuple(
        NewEvent(type="CaseDispatched", schema=schema, data=msgspec.Raw(fact), id=new_id(), occurred=TIME)
        for _ in range(events)
    )
    return Commit(
        stream=stream,
        expected_version=version,
        events=new,
        command="dispatch",
        command_id=new_id(),
        fresh=True,  # as services say of the ids that they make
        actor="person-1",
        on_behalf_of="org-1",
        mandate="post-1",
        correlation_id=new_id(),
        place="350104.013.002.007",
    )


def commits(count: int, streams: int, events: int = 1, name: str = "case") -> Iterator[Commit]:
    """Commits on streams in turn, made before the clock runs."""
    for number in range(count):
        yield commit(f"{name}-{number % streams:08d}", number // streams * events, events)


#: When facts that are only there to be read were recorded.
RECORDED = "2026-03-01T01:00:00.000000Z"
_TOGETHER = 100  # commits: about as many as a busy service writes with one flush


def fill(log: EventLog, new: Iterable[Commit]) -> None:
    """Store commits in this order, a hundred with one flush: how a history gets there that a measurement starts from."""
    head, placed = log.head(), []
    for commit in new:
        placed.append(place_commit(commit, head, commit.expected_version, RECORDED))
        head = Head(placed[-1].last_position, placed[-1].digest)
        if len(placed) == _TOGETHER:
            log.storage.insert(placed)
            placed = []
    if placed:
        log.storage.insert(placed)
